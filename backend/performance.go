package backend

import (
	"errors"
	"math"
	"time"

	"github.com/shopspring/decimal"
)

// returnScale is the number of decimals to which returns are rounded.
const returnScale = 10

// daysPerYear is the length of a year by XIRR.
const daysPerYear = 365

// Span is a time with cash flows only at its ends, in one currency.
type Span struct {
	Start decimal.Decimal // worth at the beginning, before In
	In    decimal.Decimal // came in at the beginning
	Out   decimal.Decimal // went out at the end
	End   decimal.Decimal // worth at the end, after Out
}

// TimeWeighted returns the return of consecutive spans as a fraction, whatever
// came in and out: 0.1 is 10 % over all of them. It is the product of
//
//	(End + Out) / (Start + In)
//
// less one: the true time-weighted return, geometrically linked, of the Global
// Investment Performance Standards. A span without capital that stays without it is
// skipped. The error is NoCapital if a span has negative capital at either end, or ends
// with capital that it did not begin with.
func TimeWeighted(spans []Span) (decimal.Decimal, error) {
	growth := decimal.NewFromInt(1)
	for _, span := range spans {
		before, after := span.Start.Add(span.In), span.End.Add(span.Out)
		switch {
		case before.IsZero() && after.IsZero():
			continue
		case !before.IsPositive() || after.IsNegative():
			return decimal.Zero, NoCapital
		}
		growth = growth.Mul(after).DivRound(before, 2*returnScale)
	}
	return growth.Sub(decimal.NewFromInt(1)).Round(returnScale), nil
}

// ReturnMethod is how a return was computed.
type ReturnMethod string

// The methods of returns.
const (
	MethodTimeWeighted  ReturnMethod = "time_weighted"
	MethodIRR           ReturnMethod = "irr"
	MethodModifiedDietz ReturnMethod = "modified_dietz"
)

// Return is a return as a fraction, or why there is none.
type Return struct {
	Value      decimal.NullDecimal `json:"value"`      // over the period
	Annualised decimal.NullDecimal `json:"annualised"` // per year; null for less than 365 days
	Method     ReturnMethod        `json:"method"`
	Why        ReturnError         `json:"why,omitempty"` // why there is no value, or none by MethodIRR
}

// Performance is the performance of a portfolio from the close of one day to that of
// another.
type Performance struct {
	From Date     `json:"from"`
	To   Date     `json:"to"`
	Base Currency `json:"base"` // of all amounts

	Results
}

// Results are the worth, the flows and the gain of a portfolio or a part of one.
type Results struct {
	Start decimal.NullDecimal `json:"start"` // worth at the close of From
	End   decimal.NullDecimal `json:"end"`   // worth at the close of To
	In    decimal.NullDecimal `json:"in"`    // came in after From, before fees
	Out   decimal.NullDecimal `json:"out"`   // went out after From, before fees
	Gain  decimal.NullDecimal `json:"gain"`  // End and Out less Start and In

	TimeWeighted  Return `json:"time_weighted"`
	MoneyWeighted Return `json:"money_weighted"`
}

// Part is the performance of a holding or a currency of a portfolio.
type Part struct {
	Symbol   string   `json:"symbol,omitempty"`
	Currency Currency `json:"currency"`
	Results
	// Contribution is the part's gain as a fraction of the average capital of the whole
	// portfolio. Those of all currencies add up to its Modified Dietz return; those of
	// all holdings lack what only cash gained: interest, fees, and changes of rates.
	Contribution decimal.NullDecimal `json:"contribution"`
}

// Close is the last moment of a day in UTC.
func Close(d Date) time.Time { return CloseIn(d, time.UTC) }

// CloseIn is the last moment of a day in a time zone, which its closing prices
// are of.
func CloseIn(d Date, zone *time.Location) time.Time {
	if zone == time.UTC || zone == nil {
		return (d + 1).Midnight().Add(-1)
	}
	year, month, day := (d + 1).Midnight().Date()
	return time.Date(year, month, day, 0, 0, 0, 0, zone).Add(-1).UTC()
}

func valid(d decimal.Decimal, is bool) decimal.NullDecimal {
	if !is {
		return decimal.NullDecimal{}
	}
	return decimal.NewNullDecimal(d)
}

func timeWeighted(spans []Span, days int) Return {
	r := Return{Method: MethodTimeWeighted}
	value, err := TimeWeighted(spans)
	if !errors.As(err, &r.Why) {
		r.Value, r.Annualised = decimal.NewNullDecimal(value), annualised(value, days)
	}
	return r
}

// moneyWeighted returns the internal rate of return. If all that was invested is lost,
// no rate solves the equation, and the limit is −100 %.
func moneyWeighted(flows []CashFlow, days int) Return {
	r := Return{Method: MethodIRR}
	growth, elapsed, err := internalGrowth(flows)
	switch {
	case errors.Is(err, NoRoot) && allLost(flows):
		r.Value = decimal.NewNullDecimal(decimal.NewFromInt(-1))
		r.Annualised = annualised(r.Value.Decimal, days)
	case errors.As(err, &r.Why):
	default:
		r.Value = decimal.NewNullDecimal(rounded(math.Expm1(growth)))
		if days >= daysPerYear {
			r.Annualised = decimal.NewNullDecimal(rounded(math.Expm1(growth * daysPerYear / float64(elapsed))))
		}
	}
	return r
}

// allLost reports whether money was invested and none came back.
func allLost(flows []CashFlow) bool {
	lost := false
	for _, f := range flows {
		if f.Amount.IsPositive() {
			return false
		}
		lost = lost || f.Amount.IsNegative()
	}
	return lost
}

// annualised returns the return per year, for a period of a year or more.
func annualised(value decimal.Decimal, days int) decimal.NullDecimal {
	if days < daysPerYear || value.LessThan(decimal.NewFromInt(-1)) {
		return decimal.NullDecimal{}
	}
	growth := value.InexactFloat64()
	return decimal.NewNullDecimal(rounded(math.Expm1(math.Log1p(growth) * daysPerYear / float64(days))))
}

func negative(d decimal.NullDecimal) decimal.NullDecimal {
	return decimal.NullDecimal{Decimal: d.Decimal.Neg(), Valid: d.Valid}
}
