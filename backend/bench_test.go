package backend

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Deriving 10,000 entries: only trades, and trades alternating with splits.
func BenchmarkDerive(b *testing.B) {
	for _, every := range []int{0, 2} {
		var txs []Transaction
		for i := range 10_000 {
			tx := buy(b, "2000-01-01", "10", "100", "1")
			if i%4 == 3 {
				tx = sell(b, "2000-01-01", "5", "100", "1")
			}
			if every > 0 && i%every == 0 {
				tx = split(b, "2000-01-01", Ratio{New: int64(1 + i/2%2), Old: int64(2 - i/2%2)})
			}
			tx.Date += Date(i)
			txs = append(txs, tx)
		}
		numbered(txs...)
		b.Run(fmt.Sprintf("split every %d", every), func(b *testing.B) {
			for b.Loop() {
				if _, err := Derive(context.Background(), Policy{Method: FIFO, AllowShorts: true},
					txs, forever); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Adding a trade at the end of portfolios of several sizes and deriving the ledger.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var txs []Transaction
			for i := range n {
				tx := buy(b, "2000-01-01", "1", "100", "1")
				tx.Symbol, tx.Date = fmt.Sprintf("S%03d", i%100), tx.Date+Date(i/40)
				tx.ID, tx.Sequence = fmt.Sprint(i), int64(i+1)
				txs = append(txs, tx)
			}
			p := Portfolio{ID: "p", Base: "EUR", Policy: Policy{Method: FIFO}, Version: 1}
			book := newBook(p, txs)
			now := time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)
			if _, _, err := book.snapshot(context.Background(), now); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				n++
				p.Version++
				tx := buy(b, "2039-01-01", "1", "100", "1")
				tx.Symbol, tx.ID, tx.Sequence = fmt.Sprintf("S%03d", n%100), fmt.Sprint(n), int64(n+1)
				book.update(p, []Transaction{tx}, nil)
				if _, _, err := book.snapshot(context.Background(), now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Adding a trade at the end of portfolios of several sizes, whose holdings are not in the
// base currency, and valuing the portfolio.
func BenchmarkForeignChange(b *testing.B) {
	const days = 3_650
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ entries, symbols int }{{1_000, 100}, {100_000, 100}, {100_000, 1}} {
		b.Run(fmt.Sprintf("%d of %d", c.entries, c.symbols), func(b *testing.B) {
			entry := func(i int, d Date) Transaction {
				tx := buy(b, "2020-01-01", "1", "100", "1")
				tx.Symbol, tx.Date, tx.Currency = fmt.Sprintf("S%03d", i%c.symbols), d, "USD"
				return tx
			}
			last := DateOf(now)
			txs := make([]Transaction, c.entries)
			for i := range txs {
				txs[i] = entry(i, last-days+Date(i*days/c.entries))
				txs[i].ID, txs[i].Sequence = fmt.Sprint(i), int64(i+1)
			}
			tracker, _, market := tracked(b, now)
			for d := last - days; d <= last; d++ {
				market.rates = append(market.rates, rate("USD", "EUR", "0.9", d.Midnight()))
			}
			p := Portfolio{ID: "p", Base: "EUR", Policy: Policy{Method: FIFO}, Version: 1}
			book := newBook(p, txs)
			if _, err := tracker.held(b.Context(), book, now); err != nil {
				b.Fatal(err)
			}
			for i := c.entries; b.Loop(); i++ {
				p.Version++
				tx := entry(i, last)
				tx.ID, tx.Sequence = fmt.Sprint(i), int64(i+1)
				book.update(p, []Transaction{tx}, nil)
				if _, err := tracker.held(b.Context(), book, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The values within a day of 300 holdings, without the time that the store takes.
func BenchmarkIntraday(b *testing.B) {
	for _, trades := range []int{0, 100} {
		b.Run(fmt.Sprint("trades/", trades), func(b *testing.B) {
			tracker := benchmarkTracker(b, 300)
			now := time.Date(2026, 3, 5, 23, 59, 0, 0, time.UTC)
			tracker.now = func() time.Time { return now }
			market := tracker.market.(inTurns).Market.(*board)
			for i := range 300 {
				for slot := range SlotsPerDay {
					at := DateOf(now).Midnight().Add(time.Duration(slot) * SlotLength)
					market.quotes = append(market.quotes,
						quote(fmt.Sprintf("S%03d", i), "91.37", []Currency{"EUR", "USD", "CHF"}[i%3], at))
				}
			}
			s := tracker.portfolios.(*shelf)
			for i := range trades {
				tx := buy(b, "2026-03-05", "1", "90", "0")
				tx.Symbol, tx.Time = "S000", Clock(i*600+1)
				s.record(tx)
			}
			read := &readOnce{Market: market}
			tracker.market = read
			for b.Loop() {
				if _, err := tracker.Intraday(b.Context(), "alice", "p", DateOf(now)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// readOnce keeps what a market has of a day, as the time that a store takes is not measured.
type readOnce struct {
	Market
	quotes map[string]*Closes
}

func (m *readOnce) QuoteSamples(ctx context.Context, symbols []string, from, to Date,
	each func(string, *Closes) error) error {
	if m.quotes == nil {
		m.quotes = map[string]*Closes{}
		if err := m.Market.QuoteSamples(ctx, symbols, from, to, func(symbol string, quotes *Closes) error {
			m.quotes[symbol] = quotes
			return nil
		}); err != nil {
			return err
		}
	}
	for symbol, quotes := range m.quotes {
		if err := each(symbol, quotes); err != nil {
			return err
		}
	}
	return nil
}
