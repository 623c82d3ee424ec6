package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The numbers that a broker's statement shows, over HTTP.
func TestValues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := start(t, w.env)
	i.eventually("/ready", http.StatusOK)
	b, today := books{i, w.key(t)}, backend.DateOf(time.Now())
	for name, test := range map[string]func(*testing.T, books, backend.Date){
		"within a day":                func(t *testing.T, b books, _ backend.Date) { withinDay(t, b) },
		"a split and its reverse":     reversedSplit,
		"cash in lieu":                cashInLieu,
		"a quote from before a split": quoteBeforeSplit,
		"time of day":                 timeOfDay,
		"conversions":                 conversions,
		"price and currency":          priceAndCurrency,
		"transfers": func(t *testing.T, _ books, today backend.Date) {
			transfers(t, books{i, w.keyOf(t, "transfers")}, today)
		},
		"corporate actions":  corporateActions,
		"the amount settled": settledAmount,
		"returns":            returns,
		"bounds":             bounds,
		"a missing rate":     missingRate,
		"time zones":         timeZones,
		"without cash":       withoutCash,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b, today)
		})
	}
}

// trade returns the members of a purchase or a sale.
func trade(kind string, d backend.Date, symbol, quantity, price, currency string) string {
	return fmt.Sprintf(`"kind":%q,"date":%q,"symbol":%q,"quantity":%q,"price":%q,"currency":%q`, kind, d, symbol,
		quantity, price, currency)
}

func split(d backend.Date, symbol string, fresh, old int) string {
	return fmt.Sprintf(`"kind":"SPLIT","date":%q,"symbol":%q,"ratio":{"new":%d,"old":%d}`, d, symbol, fresh, old)
}

// money returns the members of an entry that moves only money.
func money(kind string, d backend.Date, amount, currency string) string {
	return fmt.Sprintf(`"kind":%q,"date":%q,"amount":%q,"currency":%q`, kind, d, amount, currency)
}

func noon(d backend.Date) time.Time { return d.Midnight().Add(12 * time.Hour) }

func reversedSplit(t *testing.T, b books, today backend.Date) {
	for n, units := range []string{"119", "10"} {
		p, s := b.portfolio("USD", ""), fmt.Sprintf("BACK%d", n)
		b.record(p, trade("BUY", today-9, s, units, "3", "USD"))
		b.record(p, split(today-8, s, 1, 3))
		b.record(p, split(today-7, s, 3, 1))
		list, _ := b.holdings(p)
		assert.Equal(t, units, list[s].Quantity)
		assert.Equal(t, units, list[s].Lots[0].Quantity)
		b.record(p, trade("SELL", today-6, s, units, "3", "USD"))
	}
}

func cashInLieu(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", "")
	b.record(p, trade("BUY", today-9, "LIEU", "1000", "3", "USD"))
	b.record(p, split(today-8, "LIEU", 1, 3)+`,"amount":"3.10","currency":"USD"`)
	list, _ := b.holdings(p)
	assert.Equal(t, []string{"333", "2997", "0.1"},
		[]string{list["LIEU"].Quantity, list["LIEU"].Cost, list["LIEU"].Realised})
}

func quoteBeforeSplit(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", "")
	b.record(p, money("DEPOSIT", today-9, "1000", "USD"))
	b.record(p, trade("BUY", today-9, "OLDQ", "10", "100", "USD"))
	b.quote("OLDQ", "100", "USD", noon(today-1))
	b.record(p, split(today, "OLDQ", 2, 1))
	is(t, "1000", b.valuation(p).Total, "total")
	is(t, "0", b.performance(p, fmt.Sprintf("from=inception&to=%s", today)).TimeWeighted.Value, "return")
	b.quote("OLDQ", "60", "USD", time.Now())
	// An instance drops the price that it remembers when the database announces the new one.
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		total := b.valuation(p).Total
		require.NotNil(c, total)
		assert.Equal(c, "1200", *total)
	}, 10*time.Second, 50*time.Millisecond, "total after a newer quote")
}

func timeOfDay(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", `,"cost_method":"AVERAGE"`)
	b.record(p, trade("BUY", today-9, "TIME", "10", "50", "USD"))
	b.record(p, trade("BUY", today-5, "TIME", "10", "58", "USD")+`,"time":"11:00"`)
	b.record(p, trade("SELL", today-5, "TIME", "10", "60", "USD")+`,"time":"10:00"`)
	list, _ := b.holdings(p)
	assert.Equal(t, []string{"100", "580"}, []string{list["TIME"].Realised, list["TIME"].Cost})
}

func conversions(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("EUR", "")
	b.record(p, money("DEPOSIT", today-9, "1000", "EUR"))
	b.record(p, trade("BUY", today-9, "CONV", "5", "100", "EUR"))
	b.quote("CONV", "100", "EUR", noon(today-9))
	b.quote("CONV", "120", "EUR", noon(today-8))
	b.quote("USD/EUR", "1", "", noon(today-9))
	b.record(p, money("CONVERSION", today-8, "500", "EUR")+`,"to_amount":"500","to_currency":"USD"`)
	r := b.performance(p, fmt.Sprintf("from=inception&to=%s", today-8))
	is(t, "0.1", r.TimeWeighted.Value, "time-weighted")
	is(t, "1000", r.In, "in")
	is(t, "0", r.Out, "out")

	p = b.portfolio("EUR", "")
	b.quote("ERN/EUR", "1", "", noon(today-9))
	b.quote("GMD/EUR", "0.5", "", noon(today-9))
	b.record(p, money("DEPOSIT", today-9, "1000", "ERN"))
	b.record(p, money("CONVERSION", today-8, "1000", "ERN")+`,"to_amount":"1900","to_currency":"GMD"`)
	r = b.performance(p, fmt.Sprintf("from=inception&to=%s", today-7))
	is(t, "-0.05", r.TimeWeighted.Value, "time-weighted")
	is(t, "-50", r.Gain, "gain")
	var parts struct {
		Parts []struct {
			Currency string
			results
		}
	}
	b.api(b.key, http.MethodGet, p+fmt.Sprintf("/performance?from=inception&by=currency&to=%s", today-7),
		"", http.StatusOK, &parts)
	require.Len(t, parts.Parts, 2)
	is(t, "0", parts.Parts[0].Gain, "gain of ERN")
	is(t, "-50", parts.Parts[1].Gain, "gain of GMD")
}

func priceAndCurrency(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("EUR", "")
	b.quote("NZD/EUR", "0.90", "", noon(today-9))
	b.record(p, trade("BUY", today-9, "FX", "10", "100", "NZD"))
	b.quote("NZD/EUR", "0.80", "", time.Now())
	b.quote("FX", "105", "NZD", time.Now())
	v := b.valuation(p).Positions[0]
	for want, got := range map[string]*string{"840": v.Base, "900": v.Cost, "-60": v.Unrealised,
		"45": v.Price, "-105": v.Currency} {
		is(t, want, got, "position")
	}
}

func transfers(t *testing.T, b books, today backend.Date) {
	one, two := b.portfolio("USD", ""), b.portfolio("USD", "")
	b.record(one, trade("BUY", today-9, "MOVE", "10", "100", "USD"))
	b.quote("MOVE", "150", "USD", noon(today-3))
	body := fmt.Sprintf(`{"from":%q,"to":%q,"date":%q,"symbol":"MOVE","quantity":"10"}`,
		strings.TrimPrefix(one, "/v1/portfolios/"), strings.TrimPrefix(two, "/v1/portfolios/"), today-3)
	b.api(b.key, http.MethodPost, "/v1/transfers", body, http.StatusCreated, &struct{}{})
	list, _ := b.holdings(two)
	assert.Equal(t, "1000", list["MOVE"].Cost)
	assert.Equal(t, (today - 9).String(), list["MOVE"].Lots[0].Opened)
	list, _ = b.holdings(one)
	assert.Equal(t, []string{"0", "0"}, []string{list["MOVE"].Quantity, list["MOVE"].Realised})
	is(t, "1500", b.performance(one, fmt.Sprintf("from=%s&to=%s", today-5, today)).Out, "out")
	is(t, "1500", b.performance(two, fmt.Sprintf("from=%s&to=%s", today-5, today)).In, "in")
	var all results
	b.api(b.key, http.MethodGet, fmt.Sprintf("/v1/summary?base=USD&from=%s",
		today-5), "", http.StatusOK, &all)
	is(t, "0", all.In, "in of all")
	is(t, "0", all.Out, "out of all")
}

func corporateActions(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", "")
	b.record(p, trade("BUY", today-9, "ROC", "10", "100", "USD"))
	b.record(p, money("RETURN_OF_CAPITAL", today-8, "50", "USD")+`,"symbol":"ROC"`)
	b.record(p, trade("BUY", today-9, "PARENT", "100", "10", "USD"))
	b.record(p, fmt.Sprintf(`"kind":"SPIN_OFF","date":%q,"symbol":"PARENT","to_symbol":"CHILD",
		"ratio":{"new":1,"old":4},"cost_fraction":"0.2"`, today-8))
	list, _ := b.holdings(p)
	assert.Equal(t, "950", list["ROC"].Cost)
	assert.Equal(t, []string{"100", "800"}, []string{list["PARENT"].Quantity, list["PARENT"].Cost})
	assert.Equal(t, []string{"25", "200"}, []string{list["CHILD"].Quantity, list["CHILD"].Cost})
	assert.Equal(t, (today - 9).String(), list["CHILD"].Lots[0].Opened)
}

func settledAmount(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", "")
	b.record(p, trade("BUY", today-9, "AMT", "0.6242", "48.05", "USD")+`,"amount":"29.99"`)
	list, cash := b.holdings(p)
	assert.Equal(t, []string{"29.99", "-29.99"}, []string{list["AMT"].Cost, cash["USD"]})
	b.refuse(p, trade("BUY", today-9, "AMT", "0.6242", "48.05", "USD")+`,"amount":"31"`, "amount")
}

func returns(t *testing.T, b books, today backend.Date) {
	for _, test := range []struct {
		name          string
		days          int
		worth         string
		value, annual string
	}{
		{"a week", 7, "1010", "0.01", ""},
		{"a day of loss", 1, "920", "-0.08", ""},
		{"total loss", 30, "0", "-1", ""},
		{"two years", 730, "1210", "0.21", "0.1"},
	} {
		p, s := b.portfolio("USD", ""), strings.ToUpper(strings.ReplaceAll(test.name, " ", "-"))
		first := today - backend.Date(test.days)
		b.record(p, money("DEPOSIT", first, "1000", "USD"))
		b.record(p, trade("BUY", first, s, "1", "1000", "USD"))
		b.quote(s, "1000", "USD", first.Midnight().Add(time.Minute))
		b.quote(s, test.worth, "USD", time.Now())
		r := b.performance(p, fmt.Sprintf("from=%s&to=%s", first, today))
		for _, got := range []ret{r.TimeWeighted, r.MoneyWeighted} {
			is(t, test.value, got.Value, test.name)
			if test.annual == "" {
				assert.Nil(t, got.Annualised, test.name)
			} else {
				is(t, test.annual, got.Annualised, test.name)
			}
		}
		is(t, "irr", r.MoneyWeighted.Method, test.name)
	}
	p := b.portfolio("USD", "")
	b.record(p, money("DEPOSIT", today-730, "100", "USD"))
	b.record(p, money("INTEREST", today-365, "130", "USD"))
	b.record(p, money("WITHDRAWAL", today-365, "230", "USD"))
	b.record(p, money("DEPOSIT", today, "2", "USD"))
	b.record(p, money("FEE", today, "2", "USD"))
	r := b.performance(p, fmt.Sprintf("from=inception&to=%s", today))
	is(t, "modified_dietz", r.MoneyWeighted.Method, "late fee")
	is(t, "many_roots", r.MoneyWeighted.Why, "late fee")
	assert.NotNil(t, r.MoneyWeighted.Value)
}

func bounds(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", "")
	b.record(p, trade("BUY", today-9, "TINY", "1", "5", "USD"))
	for d := range backend.Date(3) {
		b.record(p, split(today-8+d, "TINY", 1, 1_000_000))
	}
	b.refuse(p, split(today-4, "TINY", 1, 2), "less than 10^-18 units of TINY")
}

func missingRate(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("EUR", "")
	b.record(p, money("DEPOSIT", today-9, "10", "EUR"))
	b.record(p, trade("BUY", today-9, "NORATE", "1", "5", "BRL"))
	b.quote("NORATE", "5", "EUR", time.Now()) // and none from EUR to BRL
	v := b.valuation(p)
	is(t, "no_rate", v.State, "state")
	is(t, "", v.Total, "total")
}

func timeZones(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", `,"time_zone":"Pacific/Kiritimati"`) // 14 hours ahead
	ahead := backend.DateOf(time.Now().Add(14 * time.Hour))
	b.record(p, trade("BUY", ahead, "ZONE", "1", "5", "USD"))
	list, _ := b.holdings(p)
	assert.Equal(t, "1", list["ZONE"].Quantity)
}

func withoutCash(t *testing.T, b books, today backend.Date) {
	p := b.portfolio("USD", `,"track_cash":false`)
	b.record(p, trade("BUY", today-9, "FREE", "10", "100", "USD"))
	b.quote("FREE", "120", "USD", time.Now())
	_, cash := b.holdings(p)
	assert.Empty(t, cash)
	is(t, "1200", b.valuation(p).Total, "total")
	r := b.performance(p, fmt.Sprintf("from=inception&to=%s", today))
	is(t, "200", r.Gain, "gain")
	is(t, "0.2", r.TimeWeighted.Value, "time-weighted")
}
