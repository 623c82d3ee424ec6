package backend

import (
	"math/big"

	"github.com/shopspring/decimal"
)

// A ledger counts units in rationals of 10^-18 and money in rationals of 10^-36 of a
// currency, the decimals of units times a price. So every decimal of an entry is an
// integer here, and arithmetic is as fast as with integers; only splits and parts of
// lots make fractions.
const (
	unitScale  = MaxDecimals
	moneyScale = 2 * MaxDecimals
)

// maxFractionBits bounds the denominator of a rational. A rational beyond it is rounded
// to a multiple of 2^-256, far less than what is ever shown, so that a series of splits
// does not make arithmetic slower and slower.
const (
	maxFractionBits = 512
	keptBits        = 256
	// wholeBits says how close to an integer, within 2^-wholeBits, a rational counts as
	// that integer, which lost the rest to rounding.
	wholeBits = 64
)

var (
	one  = big.NewRat(1, 1)
	zero = new(big.Rat)

	powersOfTen = tens(moneyScale + 1)
	ten         = big.NewInt(10)

	mostUnits  = new(big.Rat).SetInt(new(big.Int).Mul(powersOfTen[MaxIntegerDigits], powersOfTen[unitScale]))
	leastUnits = big.NewRat(1, 1)
)

func tens(n int) []*big.Int {
	list := []*big.Int{big.NewInt(1)}
	for len(list) < n {
		list = append(list, new(big.Int).Mul(list[len(list)-1], big.NewInt(10)))
	}
	return list
}

// unitsOf returns a quantity as units are counted here.
func unitsOf(d decimal.Decimal) *big.Rat { return scaled(d, unitScale) }

// moneyOf returns an amount as money is counted here.
func moneyOf(d decimal.Decimal) *big.Rat { return scaled(d, moneyScale) }

func scaled(d decimal.Decimal, scale int32) *big.Rat {
	switch shift := d.Exponent() + scale; {
	case shift < 0:
		return new(big.Rat).SetFrac(d.Coefficient(), new(big.Int).Exp(ten, big.NewInt(int64(-shift)), nil))
	case int(shift) < len(powersOfTen):
		return integer(func(n *big.Int) { n.Mul(d.Coefficient(), powersOfTen[shift]) })
	default:
		return integer(func(n *big.Int) { n.Mul(d.Coefficient(), n.Exp(ten, big.NewInt(int64(shift)), nil)) })
	}
}

// shownUnits returns units as they are shown: exact, or rounded to 18 decimals.
func shownUnits(r *big.Rat) decimal.Decimal { return shown(r, unitScale) }

// shownMoney returns money as it is shown: exact if 36 decimals are enough for that,
// otherwise rounded to 18.
func shownMoney(r *big.Rat) decimal.Decimal { return shown(r, moneyScale) }

// shown rounds half away from zero.
func shown(r *big.Rat, scale int32) decimal.Decimal {
	if n, is := whole(r); is {
		return trimmed(n, scale)
	}
	divisor := new(big.Int).Mul(r.Denom(), powersOfTen[scale-MaxDecimals])
	n := new(big.Int).Abs(r.Num())
	n.Lsh(n, 1).Add(n, divisor).Quo(n, divisor.Lsh(divisor, 1))
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return trimmed(n, MaxDecimals)
}

// whole returns the integer that a rational is, or is so close to that it must be one.
func whole(r *big.Rat) (*big.Int, bool) {
	if r.IsInt() {
		return r.Num(), true
	}
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	tiny := r.Denom().BitLen() - wholeBits
	if rest.BitLen() < tiny {
		return n, true
	}
	sign := big.NewInt(int64(r.Sign()))
	missing := new(big.Int).Sub(r.Denom(), rest.Abs(rest))
	return n.Add(n, sign), missing.BitLen() < tiny
}

// trimmed returns n/10^scale without trailing zeros, so that numbers computed from it
// stay short.
func trimmed(n *big.Int, scale int32) decimal.Decimal {
	if n.Sign() == 0 {
		return decimal.Decimal{}
	}
	quotient, remainder := new(big.Int), new(big.Int)
	for _, step := range []int32{9, 3, 1} {
		for scale >= step {
			if quotient.QuoRem(n, powersOfTen[step], remainder); remainder.Sign() != 0 {
				break
			}
			n, quotient = quotient, new(big.Int)
			scale -= step
		}
	}
	return decimal.NewFromBigInt(n, -scale)
}

// limited rounds a rational whose denominator has grown too long.
func limited(r *big.Rat) *big.Rat {
	if r.Denom().BitLen() <= maxFractionBits {
		return r
	}
	n := new(big.Int).Lsh(r.Num(), keptBits)
	return new(big.Rat).SetFrac(n.Quo(n, r.Denom()), new(big.Int).Lsh(big.NewInt(1), keptBits))
}

func product(a, b *big.Rat) *big.Rat {
	switch {
	case a == one:
		return b
	case b == one:
		return a
	}
	if a.IsInt() && b.IsInt() {
		return integer(func(n *big.Int) { n.Mul(a.Num(), b.Num()) })
	}
	return limited(new(big.Rat).Mul(a, b))
}

func quotient(a, b *big.Rat) *big.Rat {
	if b == one {
		return a
	}
	return limited(new(big.Rat).Quo(a, b))
}

func plus(a, b *big.Rat) *big.Rat {
	if a.IsInt() && b.IsInt() {
		return integer(func(n *big.Int) { n.Add(a.Num(), b.Num()) })
	}
	return limited(new(big.Rat).Add(a, b))
}

func minus(a, b *big.Rat) *big.Rat {
	if a.IsInt() && b.IsInt() {
		return integer(func(n *big.Int) { n.Sub(a.Num(), b.Num()) })
	}
	return limited(new(big.Rat).Sub(a, b))
}

// integer returns a rational whose numerator is set by a function. That is several times
// as fast as the arithmetic of rationals, which normalizes each result.
func integer(set func(*big.Int)) *big.Rat {
	r := new(big.Rat)
	set(r.Num())
	return r
}
