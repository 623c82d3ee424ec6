package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A series has exactly the closing prices of its days, to the last digit.
func TestSeriesAreTheClosingPrices(t *testing.T) {
	db := migrated(t)
	by := member(t, db, "alice")
	r := rand.New(rand.NewPCG(1, 2))
	first := backend.NewDate(2026, 1, 1)
	symbols := []string{"A", "BRK B", "C", "^D"}
	for range 300 {
		at := (first + backend.Date(r.IntN(60))).Midnight().Add(time.Duration(r.IntN(86_400)) * time.Second)
		price := decimal.New(r.Int64N(1e15), -int32(r.IntN(19)))
		q := quote(symbols[r.IntN(3)], price.String(), at)
		_, err := db.WriteQuotes(t.Context(), by, []backend.Quote{q},
			[]backend.Rate{rate("USD", "EUR", price.Add(decimal.New(1, -18)).String(), at)})
		require.NoError(t, err)
	}
	from, to := first+20, first+40
	quotes, rates := map[string][]backend.Quote{}, []backend.Rate{}
	require.NoError(t, db.QuoteSeries(t.Context(), symbols, from, to,
		func(symbol string, closes *backend.Closes) error {
			for i := range closes.Len() {
				quotes[symbol] = append(quotes[symbol], closes.Quote(i))
			}
			return nil
		}))
	require.NoError(t, db.RateSeries(t.Context(), []backend.Currency{"EUR", "USD"}, from, to,
		func(r backend.Rate) error {
			rates = append(rates, r)
			return nil
		}))
	assert.Empty(t, quotes["^D"])
	for d := from; d <= to; d++ {
		closing, err := db.Closing(t.Context(), symbols, []backend.Currency{"EUR", "USD"}, d)
		require.NoError(t, err)
		for symbol, want := range closing[d].Quotes {
			var got backend.Quote
			for _, q := range quotes[symbol] {
				if !q.Time.After(backend.Close(d)) {
					got = q
				}
			}
			assert.Equal(t, fmt.Sprint(want.Price, want.Currency, want.Time),
				fmt.Sprint(got.Price, got.Currency, got.Time))
		}
		var got backend.Rate
		for _, r := range rates {
			if !r.Time.After(backend.Close(d)) {
				got = r
			}
		}
		want := closing[d].Rates[backend.Pair{From: "USD", To: "EUR"}]
		assert.Equal(t, fmt.Sprint(want.Rate, want.Time), fmt.Sprint(got.Rate, got.Time))
	}
}
