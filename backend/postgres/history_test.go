package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

// Whatever is written of past days at one instance, histories and returns at every
// instance, which keep past closes in memory, equal those of one that has just started.
func TestHistoriesFollowCorrections(t *testing.T) {
	name := database(t)
	db := open(t, config(name))
	require.NoError(t, db.Migrate(t.Context()))
	instances := []*postgres.DB{db, open(t, config(name))}
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	r := rand.New(rand.NewPCG(7, 8))
	now := time.Now()
	today := backend.DateOf(now)
	const days = 120
	symbols := []string{"A", "B", "C", "D"} // D is never quoted
	for i, symbol := range symbols {
		recorded(t, db, by, p.ID,
			buy(today-days+backend.Date(10*i), symbol, fmt.Sprint("1", i, ".0", i), "3"),
			sell(today-40, symbol, "2", "4"))
	}
	answers := func(db *postgres.DB, from, to backend.Date) string {
		tracker := backend.NewTracker(db, db, backend.MarketPricer{Market: db}, func() time.Time { return now })
		history, err := tracker.History(t.Context(), "alice", p.ID, from, to)
		require.NoError(t, err)
		returns, parts, err := tracker.Parts(t.Context(), "alice", p.ID, from, to, false)
		require.NoError(t, err)
		return asJSON(t, history) + asJSON(t, returns) + asJSON(t, parts)
	}
	for round := range 40 {
		if round%3 > 0 {
			quotes, rates := anyPrices(r, symbols[:3], now, days)
			_, err := instances[r.IntN(2)].WriteQuotes(t.Context(), by, quotes, rates)
			require.NoError(t, err)
		}
		from := today - backend.Date(2+r.IntN(days))
		to := from + 1 + backend.Date(r.IntN(int(today-from)))
		fresh, err := postgres.Open(t.Context(), config(name))
		require.NoError(t, err)
		want := answers(fresh, from, to)
		fresh.Close()
		for _, instance := range instances {
			require.Equal(t, want, answers(instance, from, to), "round %d, from %s to %s", round, from, to)
		}
	}
}

// anyPrices returns quotes of symbols, and rates, from some of the days before now.
func anyPrices(r *rand.Rand, symbols []string, now time.Time, days int64) (
	quotes []backend.Quote, rates []backend.Rate) {
	for range 1 + r.IntN(30) {
		at := now.Add(-time.Duration(r.Int64N(days * int64(24*time.Hour))))
		price := decimal.New(r.Int64N(1e9), -int32(r.IntN(8)))
		if r.IntN(20) == 0 {
			price = decimal.New(r.Int64N(1e18), -18).Add(decimal.New(r.Int64N(1e12), 0))
		}
		q := quote(symbols[r.IntN(len(symbols))], price.String(), at)
		if r.IntN(10) == 0 {
			q.Currency = "USD"
		}
		if r.IntN(2) == 0 {
			q.FreshUntil = at.Add(time.Duration(1+r.IntN(72)) * time.Hour)
		}
		quotes, rates = append(quotes, q), append(rates, rate("USD", "EUR", "0.9", at))
	}
	return quotes, rates
}
