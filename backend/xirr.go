package backend

import (
	"math"
	"slices"

	"github.com/shopspring/decimal"
)

// ReturnError says why a return is not a number.
type ReturnError string

// The reasons. Their texts are stable: clients may depend on them.
const (
	NoRoot    ReturnError = "no_root"    // no rate makes the flows worth nothing
	ManyRoots ReturnError = "many_roots" // more than one does, so none is the return
	NoCapital ReturnError = "no_capital" // nothing, or less, was invested at some time
	Unpriced  ReturnError = "unpriced"   // a price or an exchange rate is missing
)

// Error gives the reason.
func (e ReturnError) Error() string { return string(e) }

// CashFlow is money that moved on a day: below zero into the investment, above
// zero out of it, in one currency.
type CashFlow struct {
	Date   Date
	Amount decimal.Decimal
}

// Rates are looked for as g = ln(1 + rate), from a loss of all but a 10^-12th a
// year to a gain of 10^17 times.
const (
	minLogRate = -27.0
	maxLogRate = 39.0
)

// XIRR gives the annual rate at which the flows are worth nothing together, as
// a fraction: 0.1 is 10 % a year. It solves
//
//	Σ amount / (1 + rate)^(days since the first flow / 365) = 0
//
// which is the definition of XIRR in Microsoft Excel's documentation. The
// error is NoRoot or ManyRoots.
//
// Amounts are exact until the equation is solved. A power with a broken exponent
// is irrational, so the rate is computed in floating point and rounded to 10
// decimals. Where flows change their sign once there is exactly one rate, by
// Descartes' rule of signs. Where they change it more often the rates are
// found in steps of 0.2 % near zero and 5 % beyond e times: two closer together
// than that may go unseen.
func XIRR(flows []CashFlow) (decimal.Decimal, error) {
	amounts, years, changes := prepare(flows)
	if changes == 0 {
		return decimal.Zero, NoRoot
	}
	value := func(g float64) float64 { return presentValue(amounts, years, g) }
	steps := logRateSteps()
	if changes == 1 {
		steps = []float64{minLogRate, 0, maxLogRate}
	}
	brackets := signChanges(value, steps)
	switch {
	case len(brackets) == 0:
		return decimal.Zero, NoRoot
	case len(brackets) > 1:
		return decimal.Zero, ManyRoots
	}
	g := bisect(value, brackets[0])
	return decimal.NewFromFloat(math.Expm1(g)).Round(10), nil
}

// prepare sorts the flows, nets those of a day, and gives them as parts of the
// largest, with the years since the first and how often their sign changes.
func prepare(flows []CashFlow) (amounts, years []float64, changes int) {
	byDay := map[Date]decimal.Decimal{}
	for _, flow := range flows {
		byDay[flow.Date] = byDay[flow.Date].Add(flow.Amount)
	}
	var days []Date
	largest := decimal.Zero
	for date, amount := range byDay {
		if !amount.IsZero() {
			days = append(days, date)
			largest = decimal.Max(largest, amount.Abs())
		}
	}
	slices.Sort(days)
	for i, date := range days {
		amounts = append(amounts, byDay[date].DivRound(largest, 30).InexactFloat64())
		years = append(years, float64(date-days[0])/365)
		if i > 0 && byDay[date].Sign() != byDay[days[i-1]].Sign() {
			changes++
		}
	}
	return amounts, years, changes
}

// presentValue has the sign of the sum of amount·e^(-g·years). It is scaled by
// the largest power, so that no exponent overflows.
func presentValue(amounts, years []float64, g float64) float64 {
	scale := max(0, -g*years[len(years)-1])
	sum := 0.0
	for i, amount := range amounts {
		sum += amount * math.Exp(-g*years[i]-scale)
	}
	return sum
}

// logRateSteps are dense where rates of portfolios are, and hit 0 exactly.
func logRateSteps() []float64 {
	var steps []float64
	for g := minLogRate; g < -1; g += 0.05 {
		steps = append(steps, g)
	}
	for i := -500; i <= 500; i++ {
		steps = append(steps, float64(i)/500)
	}
	for g := 1.05; g <= maxLogRate; g += 0.05 {
		steps = append(steps, g)
	}
	return steps
}

// bracket is where f changes its sign; both ends are the same where f is zero.
type bracket struct{ low, high float64 }

func signChanges(f func(float64) float64, steps []float64) []bracket {
	var found []bracket
	before, last := 0.0, 0.0
	for _, x := range steps {
		y := f(x)
		switch {
		case y == 0:
			found = append(found, bracket{x, x})
		case before != 0 && math.Signbit(before) != math.Signbit(y):
			found = append(found, bracket{last, x})
		}
		before, last = y, x
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
