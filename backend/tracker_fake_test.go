package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shelf keeps portfolios in memory and counts the calls.
type shelf struct {
	Portfolios // methods that trackers do not call

	mu        sync.Mutex
	portfolio Portfolio
	txs       []Transaction
	written   map[string]int64 // version of the portfolio by ID of the entry
	deleted   map[string]int64
	loads     int
	block     chan struct{} // Load waits until it is closed, unless nil
	failure   error
}

func (s *shelf) GetPortfolio(_ context.Context, owner, id string) (Portfolio, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owner != "alice" {
		return Portfolio{}, &Error{Code: CodeNotFound, Message: "nothing has this ID"}
	}
	p := s.portfolio
	p.ID = id
	return p, nil
}

func (s *shelf) Load(ctx context.Context, owner, id string) (Portfolio, []Transaction, error) {
	p, err := s.GetPortfolio(ctx, owner, id)
	s.mu.Lock()
	s.loads++
	txs, block, failure := slices.Clone(s.txs), s.block, s.failure
	s.mu.Unlock()
	if block != nil {
		<-block
	}
	return p, txs, errors.Join(err, failure)
}

func (s *shelf) LoadSince(ctx context.Context, owner, id string,
	version int64) (Portfolio, []Transaction, []string, error) {
	p, txs, err := s.Load(ctx, owner, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	var changed []Transaction
	var deleted []string
	for _, tx := range txs {
		if s.written[tx.ID] > version {
			changed = append(changed, tx)
		}
	}
	for id, at := range s.deleted {
		if at > version {
			deleted = append(deleted, id)
		}
	}
	return p, changed, deleted, err
}

func (s *shelf) ListPortfolios(ctx context.Context, owner string, _ Page) ([]Portfolio, string, error) {
	p, err := s.GetPortfolio(ctx, owner, "p")
	return []Portfolio{p}, "", err
}

// record adds entries and increments the version, as a store does.
func (s *shelf) record(txs ...Transaction) {
	s.portfolio.Version++
	for _, tx := range txs {
		s.txs = append(s.txs, tx)
		numbered(s.txs...)
		s.written[s.txs[len(s.txs)-1].ID] = s.portfolio.Version
	}
}

func (s *shelf) change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// board is a market in memory.
type board struct {
	Market
	quotes []Quote
	rates  []Rate
	asked  atomic.Int64
	err    error
}

func (b *board) Latest(ctx context.Context, symbols []string, currencies []Currency) (Prices, error) {
	prices, err := b.Closing(ctx, symbols, currencies, NewDate(9000, 1, 1))
	return prices[NewDate(9000, 1, 1)], err
}

func (b *board) Closing(_ context.Context, symbols []string, currencies []Currency,
	days ...Date) (map[Date]Prices, error) {
	b.asked.Add(1)
	all := map[Date]Prices{}
	for _, d := range days {
		all[d] = Prices{Quotes: map[string]Quote{}, Rates: map[Pair]Rate{}}
		for _, q := range b.quotes { // in order of time
			if DateOf(q.Time) <= d && slices.Contains(symbols, q.Symbol) {
				all[d].Quotes[q.Symbol] = q
			}
		}
		for _, r := range b.rates {
			if DateOf(r.Time) <= d && slices.Contains(currencies, r.From) && slices.Contains(currencies, r.To) {
				all[d].Rates[r.Pair] = r
			}
		}
	}
	return all, b.err
}

func (b *board) QuoteSeries(_ context.Context, symbols []string, from, to Date,
	each func(string, *Closes) error) error {
	b.asked.Add(1)
	for _, symbol := range symbols {
		byDay := map[Date]Quote{}
		before := Quote{}
		for _, q := range b.quotes { // in order of time
			switch d := DateOf(q.Time); {
			case q.Symbol != symbol || d > to:
			case d < from:
				before = q
			default:
				byDay[d] = q
			}
		}
		if err := each(symbol, closesOf(before, before.Symbol != "", byDay)); err != nil {
			return err
		}
	}
	return b.err
}

func (b *board) RateSeries(_ context.Context, currencies []Currency, from, to Date, each func(Rate) error) error {
	b.asked.Add(1)
	for _, a := range currencies {
		for _, c := range currencies {
			byDay := map[Date]Rate{}
			before := Rate{}
			for _, r := range b.rates {
				switch d := DateOf(r.Time); {
				case r.From != a || r.To != c || d > to:
				case d < from:
					before = r
				default:
					byDay[d] = r
				}
			}
			if err := eachOf(before, before.From != "", byDay, each); err != nil {
				return err
			}
		}
	}
	return b.err
}

// QuoteSamples has the last quote of each slot, the quotes before the days among them.
func (b *board) QuoteSamples(_ context.Context, symbols []string, _, to Date,
	each func(string, *Closes) error) error {
	b.asked.Add(1)
	for _, symbol := range symbols {
		bySlot := map[int64]Quote{}
		for _, q := range b.quotes {
			if q.Symbol == symbol && DateOf(q.Time) <= to {
				bySlot[SlotEnd(q.Time).Unix()] = q
			}
		}
		if err := each(symbol, closesOf(Quote{}, false, bySlot)); err != nil {
			return err
		}
	}
	return b.err
}

func (b *board) RateSamples(_ context.Context, currencies []Currency, _, to Date, each func(Rate) error) error {
	b.asked.Add(1)
	for _, a := range currencies {
		for _, c := range currencies {
			bySlot := map[int64]Rate{}
			for _, r := range b.rates {
				if r.From == a && r.To == c && DateOf(r.Time) <= to {
					bySlot[SlotEnd(r.Time).Unix()] = r
				}
			}
			if err := eachOf(Rate{}, false, bySlot, each); err != nil {
				return err
			}
		}
	}
	return b.err
}

// closesOf returns the quotes that eachOf calls its function with.
func closesOf[K cmp.Ordered](before Quote, there bool, by map[K]Quote) *Closes {
	closes := &Closes{}
	_ = eachOf(before, there, by, func(q Quote) error { // which never fails
		closes.Add(q)
		return nil
	})
	return closes
}

// eachOf calls its function with the last price before the days, if there is one, and
// that of each day or slot.
func eachOf[K cmp.Ordered, T any](before T, there bool, byDay map[K]T, each func(T) error) error {
	if there {
		if err := each(before); err != nil {
			return err
		}
	}
	for _, d := range slices.Sorted(maps.Keys(byDay)) {
		if err := each(byDay[d]); err != nil {
			return err
		}
	}
	return nil
}

func tracked(t testing.TB, now time.Time, txs ...Transaction) (*Tracker, *shelf, *board) {
	t.Helper()
	s := &shelf{txs: numbered(txs...), written: map[string]int64{}, deleted: map[string]int64{},
		portfolio: Portfolio{Owner: "alice", Base: "EUR", Policy: Policy{Method: FIFO}, Version: 1}}
	b := &board{}
	return NewTracker(s, b, MarketPricer{b}, func() time.Time { return now }), s, b
}

func hours(t testing.TB, date string, h int) time.Time {
	return day(t, date).Midnight().Add(time.Duration(h) * time.Hour)
}

func benchmarkTracker(b *testing.B, holdings int) *Tracker {
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	var txs []Transaction
	var quotes []Quote
	for i := range holdings {
		tx := buy(b, "2026-03-01", "10.5", "101.25", "1")
		tx.Symbol = fmt.Sprintf("S%03d", i)
		tx.Currency = []Currency{"EUR", "USD", "CHF"}[i%3]
		txs = append(txs, tx)
		quotes = append(quotes, quote(tx.Symbol, fmt.Sprintf("%d.37", 90+i), tx.Currency, now))
	}
	tracker, _, market := tracked(b, now, txs...)
	prices := pricesOf(quotes, rate("USD", "EUR", "0.9123", now), rate("CHF", "EUR", "1.0345", now))
	market.quotes, market.rates = quotes, nil
	tracker.prices = fixed(prices)
	return tracker
}

// fixed always returns the same prices, as a cache would.
type fixed Prices

func (f fixed) Prices(context.Context, []string, []Currency, time.Time) (Prices, error) {
	return Prices(f), nil
}

// The tracker's own part of valuing a portfolio of 100 holdings.
func BenchmarkValuation(b *testing.B) {
	tracker := benchmarkTracker(b, 100)
	for b.Loop() {
		if v, err := tracker.Valuation(b.Context(), "alice", "p", time.Time{}); err != nil || v.State != StatePriced {
			b.Fatal(v.State, err)
		}
	}
}
