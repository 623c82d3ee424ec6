package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	main "portfolio/backend/cmd/portfolio"
	"portfolio/backend/source"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twelveDataKey is the key in the secret of the sources' keys.
const twelveDataKey = "key of the test"

// providers are fakes of the ECB and of Twelve Data at a clock.
type providers struct {
	clock   time.Time
	away    atomic.Bool
	refused atomic.Int32 // calls with another key
	url     string
}

// listings are the markets, units and prices that Twelve Data has. The American price
// rises by one dollar a day from the first of March 2026.
var listings = map[string]struct{ mic, currency, price string }{
	"AAPL": {"XNAS", "USD", ""}, "ACM": {"XLON", "GBp", "812.5"}, "7203": {"XTKS", "JPY", "1000"},
}

// priceOf is the price of a symbol on a day. From the 8th of April on, a hundredfold price
// of ACM is published by mistake.
func priceOf(symbol string, d backend.Date) string {
	if symbol == "ACM" && d >= backend.NewDate(2026, time.April, 8) {
		return "81250"
	}
	if symbol != "AAPL" {
		return listings[symbol].price
	}
	return fmt.Sprint(200 + int(d-backend.NewDate(2026, time.March, 1)))
}

func newProviders(t *testing.T, at time.Time) *providers {
	p := &providers{clock: at}
	mux := http.NewServeMux()
	mux.HandleFunc("/stats/eurofxref/", p.rates)
	mux.HandleFunc("/quote", p.quote)
	mux.HandleFunc("/time_series", p.series)
	mux.HandleFunc("/splits", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"meta":{},"splits":[]}`) })
	mux.HandleFunc("/dividends", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("symbol") != "AAPL" {
			fmt.Fprint(w, `{"meta":{},"dividends":[]}`)
			return
		}
		fmt.Fprint(w, `{"meta":{"currency":"USD"},"dividends":[{"ex_date":"2026-03-31","amount":0.25}]}`)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/stats/") && r.Header.Get("Authorization") != "apikey "+twelveDataKey {
			p.refused.Add(1)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *providers) rates(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, `<Envelope><Cube>`)
	for d := source.TARGET.LastClose(p.clock); d >= backend.NewDate(2026, time.March, 1); d-- {
		if source.TARGET.Trading(d) {
			fmt.Fprintf(w, `<Cube time="%s"><Cube currency="USD" rate="1.25"/><Cube currency="GBP" rate="0.8"/><Cube currency="JPY" rate="160"/></Cube>`, d)
		}
	}
	fmt.Fprint(w, `</Cube></Envelope>`)
}

func (p *providers) quote(w http.ResponseWriter, r *http.Request) {
	symbol := r.URL.Query().Get("symbol")
	l := listings[symbol]
	market := source.MarketOf(l.mic)
	day, at := market.LastClose(p.clock), p.clock
	if market.Open(p.clock) {
		day = backend.DateOf(p.clock)
	} else {
		at = market.CloseOf(day)
	}
	fmt.Fprintf(w, `{"symbol":%q,"mic_code":%q,"currency":%q,"close":%q,"timestamp":1,"last_quote_at":%d,"is_market_open":%t}`,
		symbol, l.mic, l.currency, priceOf(symbol, day), at.Unix(), market.Open(p.clock))
}

func (p *providers) series(w http.ResponseWriter, r *http.Request) {
	symbol := r.URL.Query().Get("symbol")
	l := listings[symbol]
	from, _ := backend.ParseDate(r.URL.Query().Get("start_date"))
	to, _ := backend.ParseDate(r.URL.Query().Get("end_date"))
	market := source.MarketOf(l.mic)
	fmt.Fprintf(w, `{"meta":{"currency":%q,"mic_code":%q},"values":[`, l.currency, l.mic)
	separator := ""
	for d := from; d < to; d++ {
		if market.Trading(d) && !market.CloseOf(d).After(p.clock) {
			fmt.Fprintf(w, `%s{"datetime":"%s","close":%q}`, separator, d, priceOf(symbol, d))
			separator = ","
		}
	}
	fmt.Fprint(w, `]}`)
}

// run lets feeds ask until a time.
func (p *providers) run(ctx context.Context, feeds []*source.Feed, until time.Time) {
	for p.clock.Before(until) && ctx.Err() == nil {
		next := until
		for _, f := range feeds {
			at := f.Step(ctx)
			for !at.After(p.clock) && ctx.Err() == nil {
				at = f.Step(ctx)
			}
			if at.Before(next) {
				next = at
			}
		}
		p.clock = next
	}
}

// TestPortfolioIsValuedFromSources values a portfolio in euros with shares in dollars,
// pence and yen by what two sources publish, over Easter 2026 and an outage of a day:
// through the API, with a real database and a real cache, at the test's clock.
func TestPortfolioIsValuedFromSources(t *testing.T) {
	p := newProviders(t, moment(t, "2026-04-02 12:00")) // Maundy Thursday
	service, b := openInstance(t, p)
	portfolio := b.portfolio("EUR", `,"track_cash":false`)
	for symbol, l := range listings {
		b.api(b.key, http.MethodPut, "/v1/instruments/"+symbol,
			fmt.Sprintf(`{"mic":%q,"name":"Share %s"}`, l.mic, symbol), http.StatusOK, &struct{}{})
		bought := day(t, "2026-03-30")
		b.record(portfolio, trade("BUY", bought, symbol, "100", priceOf(symbol, bought), l.currency))
	}
	feeds := service.Lead(t.Context(), t)
	// valued expects a value, of which the instance learns from the database in moments.
	valued := func(dollars int64, state backend.State, about string) (v backend.Valuation) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			v = backend.Valuation{}
			b.api(b.key, http.MethodGet, portfolio+"/valuation", "", http.StatusOK, &v)
			assert.Equal(c, []any{worth(dollars), state}, []any{v.Total.Decimal.String(), v.State}, about)
		}, 30*time.Second, 20*time.Millisecond)
		return v
	}
	for _, check := range []struct {
		at      string
		dollars int64
	}{
		{"2026-04-04 12:00", 232}, // Saturday: Thursday's close in New York and London, Friday's in Tokyo
		{"2026-04-05 23:00", 232},
		{"2026-04-06 12:00", 232}, // Easter Monday, before New York opens
		{"2026-04-06 23:00", 236},
	} {
		p.run(t.Context(), feeds, moment(t, check.at))
		v := valued(check.dollars, backend.StatePriced, check.at)
		assert.Len(t, v.Rates, 3, "the legs from the euro")
		assert.Equal(t, "Share 7203", v.Positions[0].Name)
	}
	assertProposed(b, portfolio)

	p.away.Store(true)
	p.run(t.Context(), feeds, moment(t, "2026-04-07 23:00"))
	valued(236, backend.StateStale, "London closed and the ECB published on Tuesday")
	assert.Equal(t, []source.Condition{source.Failing, source.Failing}, conditions(b))

	p.away.Store(false)
	feeds = service.Lead(t.Context(), t)                     // as another leader
	p.run(t.Context(), feeds, moment(t, "2026-04-08 06:50")) // when Tokyo has closed
	assert.Equal(t, []source.Condition{source.Working, source.Working}, conditions(b))
	valued(237, backend.StatePriced, "Tuesday's close")
	assertHistory(b, portfolio)

	p.run(t.Context(), feeds, moment(t, "2026-04-09 06:50"))
	valued(238, backend.StateStale, "the price that jumped is held back")
	held := statuses(b)[1].Held
	require.Len(t, held, 1)
	assert.Equal(t, []string{"ACM", "812.5", "812.5 differs from 8.125 by more than a factor of 1.75"},
		[]string{held[0].Quote.Symbol, held[0].Quote.Price.String(), held[0].Reason})
	assert.Zero(t, p.refused.Load(), "the key in the secret is used")
}

// openInstance opens an instance that asks the providers, at their clock, and its books.
func openInstance(t *testing.T, p *providers) (main.Instance, books) {
	t.Helper()
	w := newWorld(t)
	w.cloud.rotate(sourceSecret, `{"twelvedata":"`+twelveDataKey+`"}`)
	w.env["QUOTE_SOURCES"], w.env["QUOTE_SOURCE_SECRET_ARN"] = "ecb,twelvedata", sourceSecret
	w.env["QUOTE_SOURCE_URLS"], w.env["QUOTE_INTERVAL"] = `{"ecb":"`+p.url+`","twelvedata":"`+p.url+`"}`, "1h"
	for name, value := range w.env {
		if strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	service := main.OpenInstance(t, w.env, func() time.Time { return p.clock })
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return service, books{&instance{t: t, base: server.URL}, w.keyOf(t, "alice")}
}

// assertHistory expects prices on the days of the outage, too.
func assertHistory(b books, portfolio string) {
	t := b.t
	t.Helper()
	var history struct {
		Items []struct {
			Date  string
			Value string `json:"total"`
			State backend.State
		}
	}
	b.api(b.key, http.MethodGet, portfolio+"/history?from=2026-03-30&to=2026-04-07&interval=1d",
		"", http.StatusOK, &history)
	for n, dollars := range []int64{229, 230, 231, 232, 232, 232, 232, 236, 237} {
		assert.Equal(t, []any{worth(dollars), backend.StatePriced},
			[]any{history.Items[n].Value, history.Items[n].State}, history.Items[n].Date)
	}
}

func moment(t *testing.T, text string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", text)
	require.NoError(t, err)
	return at
}

func day(t *testing.T, text string) backend.Date {
	d, err := backend.ParseDate(text)
	require.NoError(t, err)
	return d
}

// worth is the value in euros of 100 shares at so many dollars / 1.25, 100 at 8.125 pounds /
// 0.8, and 100 at 1,000 yen / 160.
func worth(dollars int64) string {
	return decimal.NewFromInt(dollars * 100).Div(decimal.RequireFromString("1.25")).Add(decimal.RequireFromString("1640.625")).String()
}

func statuses(b books) []source.Status {
	b.t.Helper()
	var out struct{ Items []source.Status }
	b.api(b.key, http.MethodGet, "/v1/sources", "", http.StatusOK, &out)
	return out.Items
}

// conditions returns the states of the sources.
func conditions(b books) (list []source.Condition) {
	b.t.Helper()
	for _, s := range statuses(b) {
		list = append(list, s.State)
	}
	return list
}

// assertProposed expects the dividend that a source knows of to be proposed once to its
// owner, and refuses it.
func assertProposed(b books, portfolio string) {
	b.t.Helper()
	type proposal struct {
		ID, Source string
		Entry      struct{ Kind, Date, Amount, Currency string }
	}
	list := func() []proposal {
		var out struct{ Items []proposal }
		b.api(b.key, http.MethodGet, portfolio+"/proposals", "", http.StatusOK, &out)
		return out.Items
	}
	proposed := list()
	require.Len(b.t, proposed, 1, "once, however often the source says so")
	assert.Equal(b.t, []string{"DIVIDEND", "2026-03-31", "25", "USD", "twelvedata"},
		[]string{proposed[0].Entry.Kind, proposed[0].Entry.Date, proposed[0].Entry.Amount,
			proposed[0].Entry.Currency, proposed[0].Source})
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodDelete,
		b.base+portfolio+"/proposals/"+proposed[0].ID, http.NoBody)
	require.NoError(b.t, err)
	r.Header.Set("Authorization", "Bearer "+b.key)
	response, err := client.Do(r)
	require.NoError(b.t, err)
	response.Body.Close()
	assert.Equal(b.t, http.StatusNoContent, response.StatusCode)
	assert.Empty(b.t, list())
}
