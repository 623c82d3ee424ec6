package backend

import (
	"math"
	"slices"

	"github.com/shopspring/decimal"
)

// ReturnError is why a return is not the one that was requested, or not a number.
type ReturnError string

// The reasons. Their texts are stable: clients may depend on them.
const (
	NoRoot    ReturnError = "no_root"    // no rate makes the present value of the flows zero
	ManyRoots ReturnError = "many_roots" // more than one does
	NoCapital ReturnError = "no_capital" // zero or less was invested at some time
	Unpriced  ReturnError = "unpriced"   // a price or an exchange rate is missing
)

// Error implements error.
func (e ReturnError) Error() string { return string(e) }

// CashFlow is money that moved on a day, in one currency: below zero into the
// investment, above zero out of it.
type CashFlow struct {
	Date   Date
	Amount decimal.Decimal
}

// XIRR returns the annual rate at which the present value of the flows is zero, as a
// fraction: 0.1 is 10 % per year. It solves
//
//	Σ amount / (1 + rate)^(days since the first flow / 365) = 0
//
// which is the definition of XIRR in Microsoft Excel's documentation. The
// error is NoRoot or ManyRoots.
func XIRR(flows []CashFlow) (decimal.Decimal, error) {
	growth, days, err := internalGrowth(flows)
	if err != nil {
		return decimal.Zero, err
	}
	return rounded(math.Expm1(growth * 365 / float64(days))), nil
}

// internalGrowth returns the logarithm of what one unit of money grew to from
// the first flow to the last, at the rate that XIRR finds, and the days between.
//
// Amounts are exact until the equation is solved. A power with a fractional exponent is
// irrational, so the rate is computed in floating point. Where flows change
// their sign once, there is exactly one rate, by Descartes' rule of signs, and the
// search widens until it is found. If they change it more often, rates are searched in
// steps of 2 % of growth near zero and 2 % of the logarithm beyond: two that are closer
// together may be missed.
func internalGrowth(flows []CashFlow) (growth float64, days int, err error) {
	amounts, times, days, changes := prepare(flows)
	if changes == 0 {
		return 0, days, NoRoot
	}
	value := func(g float64) float64 { return presentValue(amounts, times, g) }
	var brackets []bracket
	if changes == 1 {
		brackets = widening(value)
	} else {
		brackets = signChanges(value, growthSteps())
	}
	switch {
	case len(brackets) == 0:
		return 0, days, NoRoot
	case len(brackets) > 1:
		return 0, days, ManyRoots
	}
	return min(bisect(value, brackets[0]), mostGrowth), days, nil
}

// mostGrowth is the logarithm of the largest return that is shown, 10^300.
const mostGrowth = 690

// rounded returns a return as it is shown.
func rounded(f float64) decimal.Decimal {
	return decimal.NewFromFloat(min(f, math.MaxFloat64)).Round(returnScale)
}

// prepare sorts the flows, nets those of a day, and returns them as parts of the
// largest, with the part of the whole time that had passed, the days of that
// time, and how often the sign changes.
func prepare(flows []CashFlow) (amounts, times []float64, days, changes int) {
	byDay := map[Date]decimal.Decimal{}
	for _, flow := range flows {
		byDay[flow.Date] = byDay[flow.Date].Add(flow.Amount)
	}
	var dates []Date
	largest := decimal.Zero
	for date, amount := range byDay {
		if !amount.IsZero() {
			dates = append(dates, date)
			largest = decimal.Max(largest, amount.Abs())
		}
	}
	if len(dates) == 0 {
		return nil, nil, 0, 0
	}
	slices.Sort(dates)
	days = int(dates[len(dates)-1] - dates[0])
	for i, date := range dates {
		amounts = append(amounts, byDay[date].InexactFloat64()/largest.InexactFloat64())
		times = append(times, float64(date-dates[0])/float64(max(days, 1)))
		if i > 0 && byDay[date].Sign() != byDay[dates[i-1]].Sign() {
			changes++
		}
	}
	return amounts, times, days, changes
}

// presentValue has the sign of the sum of amount·e^(-g·time). It is scaled by
// the largest power, so that no exponent overflows.
func presentValue(amounts, times []float64, g float64) float64 {
	scale := max(0, -g)
	sum := 0.0
	for i, amount := range amounts {
		sum += amount * math.Exp(-g*times[i]-scale)
	}
	return sum
}

// maxGrowth is beyond any growth of amounts of 36 digits in 3,660 steps.
const maxGrowth = 1e6

// widening returns the bracket of the only root.
func widening(f func(float64) float64) []bracket {
	for width := 1.0; width <= maxGrowth; width *= 4 {
		if found := signChanges(f, []float64{-width, 0, width}); len(found) > 0 {
			return found[:1]
		}
	}
	return nil
}

// growthSteps are dense where returns of portfolios usually are, and include 0.
func growthSteps() []float64 {
	var steps []float64
	for i := -700; i <= 700; i++ {
		steps = append(steps, math.Sinh(float64(i)/50))
	}
	return steps
}

// bracket is where f changes its sign; both ends are equal if f is zero there.
type bracket struct{ low, high float64 }

func signChanges(f func(float64) float64, steps []float64) []bracket {
	var found []bracket
	before, last := 0.0, 0.0
	for _, x := range steps {
		y := f(x)
		switch {
		case y == 0 && x == 0:
			found = append(found, bracket{x, x})
		case before != 0 && y != 0 && math.Signbit(before) != math.Signbit(y):
			found = append(found, bracket{last, x})
		}
		if y != 0 {
			before, last = y, x
		} else if x == 0 {
			before = 0
		}
	}
	return found
}

// bisect halves a bracket until no number lies between its ends.
func bisect(f func(float64) float64, b bracket) float64 {
	falling := f(b.low) > 0
	for {
		middle := b.low + (b.high-b.low)/2
		if middle <= b.low || middle >= b.high {
			return middle
		}
		if f(middle) > 0 == falling {
			b.low = middle
		} else {
			b.high = middle
		}
	}
}
