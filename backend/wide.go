package backend

import (
	"math/big"
	"math/bits"

	"github.com/shopspring/decimal"
)

// wideScale is the number of decimals of a wide. It is enough for the eight decimals of
// a quantity of coins at a price with eight.
const wideScale = 16

// wide is an integer of 128 bits, in two's complement. It is a hundred times as fast as
// big.Int, and exact: a product that is too large is computed otherwise.
type wide struct {
	high int64
	low  uint64
}

// wideBits bounds products, so that a million of them can be added up.
const wideBits = 106

// times returns a product, and whether it is small enough.
func times(a, b int64) (wide, bool) {
	high, low := bits.Mul64(uint64(a), uint64(b)) //nolint:gosec // bit by bit
	w := wide{int64(high), low}                   //nolint:gosec // bit by bit
	if a < 0 {
		w.high -= b
	}
	if b < 0 {
		w.high -= a
	}
	rest := w.high >> (wideBits - 64)
	return w, rest == 0 || rest == -1
}

func (w *wide) add(x wide) {
	low, carry := bits.Add64(w.low, x.low, 0)
	w.low, w.high = low, w.high+x.high+int64(carry) //nolint:gosec // 0 or 1
}

// addTo adds it, in 10^-wideScale, to an amount in 10^-moneyScale.
func (w wide) addTo(amount *big.Int) {
	var n, low big.Int
	n.SetInt64(w.high)
	n.Lsh(&n, 64).Add(&n, low.SetUint64(w.low))
	amount.Add(amount, n.Mul(&n, powersOfTen[moneyScale-wideScale]))
}

// wideFactor returns what a price of some scale has to be multiplied with to be worth
// a quantity, as a wide, and whether there is such an integer.
func wideFactor(quantity decimal.Decimal, scale int32) (int64, bool) {
	n := quantity.Coefficient()
	if !n.IsInt64() {
		return 0, false
	}
	return shifted(n.Int64(), wideScale-scale+quantity.Exponent())
}

// totals are an amount of each day.
type totals struct {
	wide []wide
	rest []big.Int // in 10^-moneyScale: what is too large, or too precise, for wide; nil for none
}

func newTotals(days int) *totals { return &totals{wide: make([]wide, days)} }

// add adds a big amount on a day.
func (t *totals) add(day int, amount *big.Int) {
	if t.rest == nil {
		t.rest = make([]big.Int, len(t.wide))
	}
	t.rest[day].Add(&t.rest[day], amount)
}

// on returns the amount of a day in 10^-moneyScale.
func (t *totals) on(day int) *big.Int {
	sum := new(big.Int)
	if t.rest != nil {
		sum.Set(&t.rest[day])
	}
	t.wide[day].addTo(sum)
	return sum
}
