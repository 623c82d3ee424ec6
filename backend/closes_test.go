package backend

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// randomPrice has up to 18 digits before the point, and up to 18 decimals.
func randomPrice(r *rand.Rand) decimal.Decimal {
	switch r.IntN(4) {
	case 0:
		return decimal.New(r.Int64N(1e6), -2)
	case 1:
		return decimal.New(r.Int64N(1000), int32(r.IntN(12)))
	case 2:
		return decimal.New(r.Int64N(1e9), -int32(r.IntN(19)))
	}
	return decimal.New(r.Int64N(1e18), 0).Add(decimal.New(r.Int64N(1e18), -18))
}

// Closes return what was added to them, to the last digit, however different the prices.
func TestClosesAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var all, copied Closes
		var want []Quote
		exact := r.IntN(3) == 0
		at := NewDate(2020, 1, 1).Midnight()
		for range r.IntN(40) {
			q := Quote{Price: randomPrice(r), Currency: "EUR", Time: at}
			if !exact {
				q.Price = decimal.New(r.Int64N(1e6), -int32(r.IntN(6)))
			}
			if r.IntN(5) == 0 {
				q.Currency = "USD"
			}
			if r.IntN(2) == 0 {
				q.FreshUntil = at.Add(time.Hour)
			}
			at = at.Add(time.Duration(r.IntN(100)) * time.Minute)
			all.Add(q)
			want = append(want, q)
		}
		middle := r.IntN(len(want) + 1)
		copied.AppendAll(&all, 0, middle)
		copied.AppendAll(&all, middle, len(want))
		for _, list := range []*Closes{&all, &copied} {
			require.Equal(t, len(want), list.Len())
			for i, q := range want {
				got := list.Quote(i)
				require.True(t, q.Price.Equal(got.Price), "got %s, want %s", got.Price, q.Price)
				got.Price = q.Price
				require.Equal(t, q, got)
			}
		}
	}
}

// Sort keeps prices, times and currencies together.
func TestClosesSort(t *testing.T) {
	var c Closes
	at := NewDate(2020, 1, 1).Midnight()
	for i := range 10 {
		currency := Currency("EUR")
		if i%3 == 0 {
			currency = "USD"
		}
		c.Add(Quote{Price: decimal.New(int64(i), 0), Currency: currency,
			Time: at.Add(time.Duration(7*i%10) * time.Hour)})
	}
	c.Sort()
	for i := range 10 {
		q, price := c.Quote(i), 3*i%10 // 7*3 is 1 modulo 10
		want := Currency("EUR")
		if price%3 == 0 {
			want = "USD"
		}
		assert.Equal(t, []any{at.Add(time.Duration(i) * time.Hour), int64(price), want},
			[]any{q.Time, q.Price.IntPart(), q.Currency})
	}
}

// Sums of products are exact, whether they fit in 128 bits or not.
func TestTotalsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		sums, want := newTotals(1), new(big.Int)
		for range 50 {
			price, quantity := randomPrice(r), randomPrice(r)
			if r.IntN(2) == 0 {
				quantity = quantity.Neg()
			}
			var closes Closes
			closes.Add(Quote{Price: price, Currency: "EUR", Time: NewDate(2020, 1, 1).Midnight()})
			p := pricing{closes: &closes, factored: true,
				track: &track{quantities: []amountAt{{NewDate(2020, 1, 1), quantity}}}}
			p.advance(NewDate(2020, 1, 2), closeOf(NewDate(2020, 1, 2), time.UTC).moment())
			p.addTo(sums, 0)
			want.Add(want, scaledInt(price.Mul(quantity)))
		}
		require.Equal(t, want.String(), sums.on(0).String())
	}
}
