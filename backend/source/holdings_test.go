package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// accounts are portfolios in memory, with what is known of instruments and prices.
type accounts struct {
	portfolios []backend.Portfolio // by ID
	entries    map[string][]backend.Transaction
	known      map[string]backend.Instrument
	quotes     map[string]backend.Quote
	loads      []string
	fail       error
}

func (a *accounts) PortfoliosAt(_ context.Context, _ time.Time, after string, limit int) ([]backend.Portfolio, error) {
	page := slices.Clone(a.portfolios)
	page = slices.DeleteFunc(page, func(p backend.Portfolio) bool { return p.ID <= after })
	return page[:min(len(page), limit)], a.fail
}

func (a *accounts) Load(_ context.Context, owner, id string) (backend.Portfolio, []backend.Transaction, error) {
	a.loads = append(a.loads, id)
	for _, p := range a.portfolios {
		if p.ID == id && p.Owner == owner {
			return p, a.entries[id], nil
		}
	}
	return backend.Portfolio{}, nil, &backend.Error{Code: backend.CodeNotFound}
}

func (a *accounts) InstrumentsOf(context.Context, []string) (map[string]backend.Instrument, error) {
	return a.known, nil
}

func (a *accounts) Latest(context.Context, []string, []backend.Currency) (backend.Prices, error) {
	return backend.Prices{Quotes: a.quotes}, nil
}

// add adds a portfolio, and returns where its entries are added.
func (a *accounts) add(id string, base backend.Currency) func(entries ...backend.Transaction) {
	a.portfolios = append(a.portfolios, backend.Portfolio{
		ID: id, Owner: "owner of " + id, Base: base, Version: 1,
		Policy: backend.Policy{Method: backend.FIFO, IgnoreCash: true},
	})
	n := len(a.portfolios) - 1
	return func(entries ...backend.Transaction) {
		for _, e := range entries {
			e.Sequence = int64(len(a.entries[id]) + 1)
			e.ID = fmt.Sprint(id, e.Sequence)
			a.entries[id] = append(a.entries[id], e)
		}
		a.portfolios[n].Version++
	}
}

func trade(t *testing.T, kind backend.Kind, date, symbol string, quantity int64,
	currency backend.Currency) backend.Transaction {
	return backend.Transaction{Kind: kind, Date: day(t, date), Symbol: symbol, Quantity: decimal.NewFromInt(quantity),
		Price: decimal.NewFromInt(5), Currency: currency}
}

func TestHoldings(t *testing.T) {
	now := moment(t, "2026-03-06T12:00:00Z")
	a := &accounts{entries: map[string][]backend.Transaction{}, known: map[string]backend.Instrument{},
		quotes: map[string]backend.Quote{}}
	h := NewHoldings(a, a, a, func() time.Time { return now })
	wanted := func(source string, first bool) (Demand, []string) {
		t.Helper()
		d, err := h.Of(source, first).Wanted(t.Context())
		require.NoError(t, err)
		var symbols []string
		for _, i := range d.Instruments {
			symbols = append(symbols, i.Symbol)
		}
		return d, symbols
	}
	later := func() { now = now.Add(heldFor) }

	d, symbols := wanted("one", true)
	assert.Empty(t, symbols)
	assert.Empty(t, d.Currencies)

	euro, dollar := a.add("1", "EUR"), a.add("2", "EUR")
	euro(trade(t, backend.Buy, "2026-02-02", "ACME", 10, "EUR"), trade(t, backend.Buy, "2026-01-05", "GONE", 4, "EUR"),
		trade(t, backend.Sell, "2026-02-01", "GONE", 4, "EUR"))
	_, symbols = wanted("one", true)
	assert.Empty(t, symbols, "what was read is kept for a while")
	later()
	d, symbols = wanted("one", true)
	assert.Equal(t, []string{"ACME"}, symbols, "what was sold is not asked for")
	assert.Empty(t, d.Currencies, "one currency needs no rates")
	assert.Equal(t, Instrument{Symbol: "ACME", Traded: "EUR", Since: day(t, "2026-02-02")}, d.Instruments[0])

	dollar(trade(t, backend.Buy, "2026-01-20", "ACME", 3, "USD"), trade(t, backend.Buy, "2026-01-20", "PNY", 3, "GBP"),
		backend.Transaction{Kind: backend.Split, Date: day(t, "2026-02-10"), Symbol: "ACME",
			Ratio: backend.Ratio{New: 2, Old: 1}})
	a.known["PNY"] = backend.Instrument{Symbol: "PNY", MIC: "XLON", Currency: "GBP", MinorUnit: 100, Source: "two",
		SourceID: "PNY:LSE"}
	a.quotes["PNY"] = backend.Quote{Symbol: "PNY", Price: decimal.NewFromInt(8)}
	later()
	a.loads = nil
	d, symbols = wanted("one", true)
	assert.Equal(t, []string{"ACME"}, symbols, "PNY names another source")
	assert.Equal(t, []string{"2"}, a.loads, "a portfolio that did not change is not derived again")
	assert.Equal(t, Instrument{
		Symbol: "ACME", Since: day(t, "2026-01-20"), Splits: []Split{{day(t, "2026-02-10"), backend.Ratio{New: 2, Old: 1}}},
	}, d.Instruments[0], "held in two currencies, since the earlier entry")
	assert.Equal(t, map[backend.Currency]backend.Date{
		"EUR": day(t, "2026-01-05") - rateMargin, "USD": day(t, "2026-01-20") - rateMargin, "GBP": day(t, "2026-01-20") - rateMargin,
	}, d.Currencies, "of every source, with a margin for long weekends")
	d, symbols = wanted("two", false)
	assert.Equal(t, []string{"PNY"}, symbols, "only what names a source that is not the first")
	assert.Equal(t, Instrument{
		Symbol: "PNY", ID: "PNY:LSE", MIC: "XLON", Currency: "GBP", MinorUnit: 100, Traded: "GBP",
		Since:    day(t, "2026-01-20"),
		Accepted: decimal.NewFromInt(8),
	}, d.Instruments[0])

	// Another day: all are derived again, and one was deleted since it was listed.
	a.loads, now = nil, now.Add(24*time.Hour)
	a.portfolios[1].Owner = "nobody"
	_, symbols = wanted("one", true)
	assert.Equal(t, []string{"1", "2"}, a.loads)
	assert.Equal(t, []string{"ACME"}, symbols)

	later()
	a.fail = errors.New("the database cannot be reached")
	_, err := h.Of("one", true).Wanted(t.Context())
	assert.ErrorIs(t, err, a.fail)
}

// More portfolios than a page holds are all read.
func TestHoldingsReadsEveryPage(t *testing.T) {
	a := &accounts{entries: map[string][]backend.Transaction{}}
	for n := range backend.MaxPage + 1 {
		a.add(fmt.Sprintf("%06d", n), "EUR")(trade(t, backend.Buy, "2026-02-02", fmt.Sprintf("S%d", n), 1, "EUR"))
	}
	now := moment(t, "2026-03-06T12:00:00Z")
	d, err := NewHoldings(a, a, a, func() time.Time { return now }).Of("one", true).Wanted(t.Context())
	require.NoError(t, err)
	assert.Len(t, d.Instruments, backend.MaxPage+1)
}
