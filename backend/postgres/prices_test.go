package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/backend/source"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// providers are fakes of the ECB and of Twelve Data at a clock.
type providers struct {
	clock time.Time
	away  atomic.Bool
	url   string
}

// listings are the markets, units and prices that Twelve Data has. The American price
// rises by one dollar a day from the first of March 2026.
var listings = map[string]struct{ mic, currency, price string }{
	"AAPL": {"XNAS", "USD", ""}, "ACM": {"XLON", "GBp", "812.5"}, "7203": {"XTKS", "JPY", "1000"},
}

func priceOf(symbol string, d backend.Date) string {
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

// lead starts feeds of both sources, as an instance does that becomes the leader.
func (p *providers) lead(t *testing.T, db *postgres.DB) []*source.Feed {
	now := func() time.Time { return p.clock }
	held := source.NewHoldings(db, db, db, now)
	var feeds []*source.Feed
	for _, name := range []string{"ecb", "twelvedata"} {
		opened, err := source.Open(name, source.Config{Key: "key", URL: p.url, Now: now})
		require.NoError(t, err)
		feed := &source.Feed{
			Source: opened, Wants: held.Of(name, name == "twelvedata"), Store: db, Log: slog.New(slog.DiscardHandler), Now: now, Interval: time.Hour,
			Sink: source.MarketSink{Market: db, Proposals: db, Quoted: func(source.Price) {}},
		}
		require.NoError(t, feed.Start(t.Context()))
		feeds = append(feeds, feed)
	}
	return feeds
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
// pence and yen by what two sources publish, over Easter 2026 and an outage of a day.
func TestPortfolioIsValuedFromSources(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	day := func(text string) backend.Date {
		d, err := backend.ParseDate(text)
		require.NoError(t, err)
		return d
	}
	at := func(text string) time.Time {
		moment, err := time.Parse("2006-01-02 15:04", text)
		require.NoError(t, err)
		return moment
	}
	folder, _, err := db.CreatePortfolio(ctx, by, "", backend.Portfolio{Name: "World", Base: "EUR", Policy: backend.Policy{Method: backend.FIFO, IgnoreCash: true}})
	require.NoError(t, err)
	var entries []backend.Transaction
	for symbol, l := range listings {
		_, err := db.PutInstrument(ctx, by, backend.Instrument{Symbol: symbol, MIC: l.mic, MinorUnit: 1}, time.Now())
		require.NoError(t, err)
		e := buy(day("2026-03-30"), symbol, "100", priceOf(symbol, day("2026-03-30")))
		e.Currency = backend.Currency(l.currency)
		entries = append(entries, e.InMajorUnits())
	}
	_, _, err = db.Record(ctx, by, folder.ID, "", entries)
	require.NoError(t, err)

	p := newProviders(t, at("2026-04-02 12:00")) // Maundy Thursday
	feeds := p.lead(t, db)
	tracker := backend.NewTracker(db, db, backend.MarketPricer{Market: db}, func() time.Time { return p.clock })
	value := func() backend.Valuation {
		v, err := tracker.Valuation(ctx, "alice", folder.ID, time.Time{})
		require.NoError(t, err)
		return v
	}
	// In euros: 100 at so many dollars / 1.25, 100 at 8.125 pounds / 0.8, and 100 at 1,000 yen / 160.
	worth := func(dollars int64) string {
		return decimal.NewFromInt(dollars * 100).Div(decimal.RequireFromString("1.25")).Add(decimal.RequireFromString("1640.625")).String()
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
		p.run(ctx, feeds, at(check.at))
		v := value()
		assert.Equal(t, backend.StatePriced, v.State, check.at)
		assert.Equal(t, worth(check.dollars), v.Total.Decimal.String(), check.at)
		assert.Len(t, v.Rates, 3, "the legs from the euro")
	}

	proposals, err := db.ListProposals(ctx, "alice", folder.ID)
	require.NoError(t, err)
	require.Len(t, proposals, 1, "once, however often the source says so")
	assert.Equal(t, []any{backend.Dividend, day("2026-03-31"), "0.25", backend.Currency("USD"), "twelvedata"}, []any{proposals[0].Entry.Kind,
		proposals[0].Entry.Date, proposals[0].Entry.Amount.String(), proposals[0].Entry.Currency, proposals[0].Source})
	assert.Equal(t, backend.CodeNotFound, codeOf(db.CloseProposal(ctx, "bob", folder.ID, proposals[0].ID)))
	require.NoError(t, db.CloseProposal(ctx, "alice", folder.ID, proposals[0].ID))
	require.NoError(t, db.Propose(ctx, []source.Action{{Symbol: "AAPL", Source: "twelvedata", Entry: proposals[0].Entry}}))
	proposals, err = db.ListProposals(ctx, "alice", folder.ID)
	require.NoError(t, err)
	assert.Empty(t, proposals, "one that was answered does not come back")

	p.away.Store(true)
	p.run(ctx, feeds, at("2026-04-07 23:00"))
	v := value()
	assert.Equal(t, backend.StateStale, v.State, "London closed and the ECB published on Tuesday")
	assert.Equal(t, worth(236), v.Total.Decimal.String())
	state, err := db.LoadSource(ctx, "twelvedata")
	require.NoError(t, err)
	assert.Equal(t, source.Temporary, state.Outcome)

	p.away.Store(false)
	p.run(ctx, p.lead(t, db), at("2026-04-08 06:50")) // another instance, when Tokyo has closed
	assert.Equal(t, backend.StatePriced, value().State)
	assert.Equal(t, worth(237), value().Total.Decimal.String(), "Tuesday's close")
	history, err := tracker.History(ctx, "alice", folder.ID, day("2026-03-30"), day("2026-04-07"))
	require.NoError(t, err)
	for n, dollars := range []int64{229, 230, 231, 232, 232, 232, 232, 236, 237} {
		assert.Equal(t, worth(dollars), history[n].Total.Decimal.String(), history[n].Date.String())
		assert.Equal(t, backend.StatePriced, history[n].State, history[n].Date.String())
	}
}
