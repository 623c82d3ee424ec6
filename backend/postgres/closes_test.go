package postgres

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is kept never uses more memory than its limit, and what was used last stays.
func TestClosesAreBounded(t *testing.T) {
	c := newCloses(100_000)
	day := backend.NewDate(2020, 1, 1)
	for i := range 200 {
		var list backend.Closes
		for d := range 100 {
			list.Add(backend.Quote{Price: decimal.New(int64(d), -2), Currency: "EUR",
				Time: (day + backend.Date(d)).Midnight()})
		}
		c.put(fmt.Sprint(i), keptCloses{from: day, to: day + 99, closes: &list})
		require.LessOrEqual(t, c.size, c.limit)
		require.NotNil(t, c.since([]string{"0"}, day)[0].closes, "used after each")
	}
	assert.Greater(t, c.kept.Len(), 10)
	assert.Nil(t, c.since([]string{"1"}, day)[0].closes)
	total := 0
	for _, k := range c.kept.Values() {
		total += k.closes.Size()
	}
	assert.Equal(t, total, c.size)
}

// A number that is decoded in either way is the same.
func TestNumericsAreDecodedExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 2_000 {
		digits := r.IntN(7)
		b := []byte{0, byte(digits), 0, byte(r.IntN(4)), 0, 0, 0, 0}
		for i := range digits {
			n := r.IntN(10_000)
			if i == 0 {
				n = 1 + r.IntN(9_999)
			}
			b = append(b, byte(n>>8), byte(n))
		}
		want, err := binaryNumeric(b)
		require.NoError(t, err)
		n, exponent, ok := shortNumeric(b)
		require.Equal(t, digits <= 4, ok)
		if ok {
			require.True(t, want.Equal(decimal.New(n, exponent)), "%v: got %d, %d, want %s", b, n, exponent, want)
		}
	}
}
