package backend

import (
	"testing"
	"time"
)

// What was converted before is kept only as long as it is right.
func TestBaseCostFollowsRates(t *testing.T) {
	now := hours(t, "2026-03-05", 12)
	usd := func(date, price string) Transaction {
		tx := buy(t, date, "1", price, "0")
		tx.Currency = "USD"
		return tx
	}
	tracker, s, market := tracked(t, now, usd("2026-03-01", "100"), usd("2026-03-05", "1000"))
	market.rates = []Rate{rate("USD", "EUR", "0.5", hours(t, "2026-03-01", 9)),
		rate("USD", "CHF", "2", hours(t, "2026-03-01", 9)),
		rate("USD", "EUR", "0.9", hours(t, "2026-03-05", 9))}
	market.quotes = []Quote{quote("ACME", "70", "USD", now)}
	cost := func(what, want string) {
		t.Helper()
		v, err := tracker.Valuation(t.Context(), "alice", "p", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		known(t, what, v.BaseCost, want)
	}
	cost("at first", "950") // 100 × 0.5 and 1000 × 0.9
	market.rates[2].Rate = dec("0.8")
	s.change(func() { s.record(usd("2026-03-05", "10000")) })
	cost("after another rate of today", "8850") // 100 × 0.5 and 11000 × 0.8
	market.rates[0].Rate = dec("0.6")
	tracker.Corrected()
	cost("after a correction", "8860")
	sale := sell(t, "2026-03-05", "1", "70", "0")
	sale.Currency = "USD"
	s.change(func() { s.record(sale) })
	cost("after a sale", "8800")
	s.change(func() { s.portfolio.Base, s.portfolio.Version = "CHF", s.portfolio.Version+1 })
	cost("in another base currency", "22000")
}
