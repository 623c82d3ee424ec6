package backend

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
)

func pricesOf(quotes []Quote, rates ...Rate) Prices {
	p := Prices{Quotes: map[string]Quote{}, Rates: map[Pair]Rate{}}
	for _, q := range quotes {
		p.Quotes[q.Symbol] = q
	}
	for _, r := range rates {
		p.Rates[r.Pair] = r
	}
	return p
}

// world is a ledger in two currencies: 10 ACME for 1,000 EUR, 4 BIG for 200
// USD, and 500 EUR and 100 USD in cash.
func world(t testing.TB) Ledger {
	t.Helper()
	big := buy(t, "2026-01-03", "4", "50", "0")
	big.Symbol, big.Currency = "BIG", "USD"
	dollars := money(t, Deposit, "2026-01-02", "300", "0")
	dollars.Currency = "USD"
	return derive(t, Policy{Method: FIFO}, numbered(
		money(t, Deposit, "2026-01-02", "1500", "0"), dollars, buy(t, "2026-01-03", "10", "100", "0"), big))
}

// known checks a value that may be missing; "" stands for missing.
func known(t testing.TB, what string, got decimal.NullDecimal, want string) {
	t.Helper()
	switch {
	case got.Valid != (want != ""):
		t.Errorf("%s = %+v, want %q", what, got, want)
	case got.Valid:
		equal(t, what, got.Decimal, want)
	}
}

func TestValue(t *testing.T) {
	acmeQuote, bigQuote := quote("ACME", "110", "EUR", noon), quote("BIG", "45.5", "USD", noon)
	euros := rate("USD", "EUR", "0.9", noon)
	old := noon.Add(-2 * time.Minute)
	for _, test := range []struct {
		name                  string
		prices                Prices
		state                 State
		total, invested, cash string
		acme, big             string // unrealised, in the currency of the trades
	}{
		{"all known", pricesOf([]Quote{acmeQuote, bigQuote}, euros),
			StatePriced, "1853.8", "1263.8", "590", "100", "-18"},
		{"a stale price", pricesOf([]Quote{quote("ACME", "110", "EUR", old), bigQuote}, euros),
			StateStale, "1853.8", "1263.8", "590", "100", "-18"},
		{"a stale rate", pricesOf([]Quote{acmeQuote, bigQuote}, rate("USD", "EUR", "0.9", old)),
			StateStale, "1853.8", "1263.8", "590", "100", "-18"},
		{"no rate", pricesOf([]Quote{acmeQuote, bigQuote}), StateNoRate, "", "", "", "100", "-18"},
		{"only the inverse", pricesOf([]Quote{acmeQuote, bigQuote}, rate("EUR", "USD", "1.25", noon)),
			StatePriced, "1825.6", "1245.6", "580", "100", "-18"},
		{"by a cross", pricesOf([]Quote{acmeQuote, bigQuote}, rate("GBP", "USD", "1.5", noon), rate("GBP", "EUR", "1.2", noon)),
			StatePriced, "1825.6", "1245.6", "580", "100", "-18"},
		{"a stale leg", pricesOf([]Quote{acmeQuote, bigQuote}, rate("GBP", "USD", "1.5", noon), rate("GBP", "EUR", "1.2", old)),
			StateStale, "1825.6", "1245.6", "580", "100", "-18"},
		{"a stale rate and a newer cross", pricesOf([]Quote{acmeQuote, bigQuote}, rate("USD", "EUR", "0.9", old),
			rate("GBP", "USD", "1.5", noon), rate("GBP", "EUR", "1.2", noon)), StatePriced, "1825.6",
			"1245.6", "580", "100", "-18"},
		{"only one leg", pricesOf([]Quote{acmeQuote, bigQuote}, rate("GBP", "USD", "1.5", noon)),
			StateNoRate, "", "", "", "100", "-18"},
		{"a rate of zero", pricesOf([]Quote{acmeQuote, bigQuote}, rate("USD", "EUR", "0", noon)),
			StateNoRate, "", "", "", "100", "-18"},
		{"a later rate", pricesOf([]Quote{acmeQuote, bigQuote}, rate("USD", "EUR", "0.9", noon.Add(time.Minute))),
			StateNoRate, "", "", "", "100", "-18"},
		{"a price missing: BIG was bought at 50", pricesOf([]Quote{acmeQuote}, euros),
			StateEstimated, "1870", "1280", "590", "100", "0"},
		{"a later price", pricesOf([]Quote{acmeQuote, quote("BIG", "45.5", "USD", noon.Add(time.Minute))}, euros),
			StateEstimated, "1870", "1280", "590", "100", "0"},
		{"quoted in a currency without a rate to that of the trades", pricesOf([]Quote{acmeQuote, quote("BIG", "40.95", "GBP", noon)}, euros),
			StateNoRate, "", "", "590", "100", ""},
		{"worthless", pricesOf([]Quote{acmeQuote, quote("BIG", "0", "USD", noon)}, euros),
			StatePriced, "1690", "1100", "590", "100", "-200"},
		{"quoted in another currency", pricesOf([]Quote{acmeQuote, quote("BIG", "40.95", "EUR", noon)}, euros,
			rate("EUR", "USD", "1.2", noon)), StatePriced, "1853.8", "1263.8", "590", "100", "-3.44"},
		{"nothing known", Prices{}, StateNoRate, "", "", "", "0", "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := Value(world(t), "EUR", noon, test.prices)
			if v.State != test.state {
				t.Errorf("State = %s, want %s", v.State, test.state)
			}
			known(t, "Total", v.Total, test.total)
			known(t, "Invested", v.Invested, test.invested)
			known(t, "Cash", v.Cash, test.cash)
			known(t, "ACME", v.Positions[0].Unrealised, test.acme)
			known(t, "BIG", v.Positions[1].Unrealised, test.big)
		})
	}
}

func TestValuationListsUsedPrices(t *testing.T) {
	v := Value(world(t), "EUR", noon.Add(61*time.Second), pricesOf(
		[]Quote{quote("ACME", "110", "EUR", noon), quote("OTHER", "1", "EUR", noon)},
		rate("USD", "EUR", "0.9", noon.Add(time.Second)), rate("GBP", "EUR", "1.1", noon)))
	if len(v.Quotes) != 1 || v.Quotes[0].Symbol != "ACME" || v.Quotes[0].AgeMS != 61_000 || !v.Quotes[0].Stale {
		t.Errorf("Quotes = %+v, want that of ACME, 61 s old", v.Quotes)
	}
	if len(v.Rates) != 1 || v.Rates[0].From != "USD" || v.Rates[0].AgeMS != 60_000 || v.Rates[0].Stale {
		t.Errorf("Rates = %+v, want that of USD, 60 s old", v.Rates)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"total":"1870"`, `"cash":"590"`, `"state":"estimated"`, `"base_cost":null`,
		`"day_change":null`, `"age_ms":61000,"stale":true`,
		`"rates":[{"from":"USD","to":"EUR","rate":"0.9"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("json.Marshal(Valuation) = %s, want %s in it", text, want)
		}
	}
}

// Worth and gains agree: cash and units at their price equal what came in, what was
// earned, and unrealised gains.
func TestValuationIsExplainedByTheLedger(t *testing.T) {
	eachHistory(t, func(t *testing.T, r *rand.Rand, policy Policy, txs []Transaction) {
		l := derive(t, policy, txs)
		price := decimal.New(r.Int63n(10_000), -2)
		v := Value(l, "EUR", noon, pricesOf([]Quote{quote("ACME", price.String(), "EUR", noon)}))
		explained := l.Income["EUR"].Sub(l.Fees["EUR"])
		for _, tx := range txs {
			switch tx.Kind {
			case Deposit:
				explained = explained.Add(tx.Amount)
			case Withdrawal:
				explained = explained.Sub(tx.Amount)
			}
		}
		h, _ := l.Holding("ACME")
		explained = explained.Add(h.Realised)
		for _, p := range v.Positions {
			explained = explained.Add(p.Unrealised.Decimal)
		}
		known(t, "Total", v.Total, explained.String())
	})
}

func TestSplitChangesNoValuation(t *testing.T) {
	eachHistory(t, func(t *testing.T, _ *rand.Rand, policy Policy, txs []Transaction) {
		before := Value(derive(t, policy, txs), "EUR", noon, pricesOf([]Quote{quote("ACME", "30", "EUR", noon)}))
		txs = append(slices.Clone(txs), split(t, "2026-02-02", Ratio{New: 3, Old: 2}))
		after := Value(derive(t, policy, txs), "EUR", noon, pricesOf([]Quote{quote("ACME", "20", "EUR", noon)}))
		known(t, "Total", after.Total, before.Total.Decimal.String())
		known(t, "Invested", after.Invested, before.Invested.Decimal.String())
	})
}
