package backend

import (
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// returnScale is where returns are rounded, in decimals of a fraction.
const returnScale = 10

// Span is a stretch of time without cash flows but at its ends, in one currency.
type Span struct {
	Start decimal.Decimal // worth at the beginning, before In
	In    decimal.Decimal // came in at the beginning
	Out   decimal.Decimal // went out at the end
	End   decimal.Decimal // worth at the end, after Out
}

// TimeWeighted gives the return of consecutive spans as a fraction, whatever
// came in and out: 0.1 is 10 % over all of them. It is the product of
//
//	(End + Out) / (Start + In)
//
// less one: the true time-weighted return, geometrically linked, of the Global
// Investment Performance Standards. A span of nothing counts for nothing. The
// error is NoCapital where a span has less than nothing at either end, or
// something from nothing.
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

// Return is a return, as a fraction, or why there is none.
type Return struct {
	Value decimal.NullDecimal `json:"value"`
	Why   ReturnError         `json:"why,omitempty"`
}

// Performance is how a portfolio did from the close of one day to that of another.
type Performance struct {
	From Date     `json:"from"`
	To   Date     `json:"to"`
	Base Currency `json:"base"` // of all amounts

	Start decimal.NullDecimal `json:"start"` // worth at the close of From
	End   decimal.NullDecimal `json:"end"`   // worth at the close of To
	In    decimal.NullDecimal `json:"in"`    // deposits after From, before their fees
	Out   decimal.NullDecimal `json:"out"`   // withdrawals after From, before their fees
	Gain  decimal.NullDecimal `json:"gain"`  // End and Out less Start and In

	TimeWeighted  Return `json:"time_weighted"`  // over the whole period
	MoneyWeighted Return `json:"money_weighted"` // a year, also where the period is shorter; see XIRR
}

// Close is the last moment of a day, in UTC, which its closing prices are of.
func Close(d Date) time.Time { return (d + 1).Midnight().Add(-1) }

// Perform measures a portfolio from the close of from to the close of to, in
// the base currency. Only deposits and withdrawals are flows: what they cost,
// all other fees and all income are part of the return. By convention what is
// deposited works from the beginning of its day and what is withdrawn until the
// end. To measure from the first entry on, from is the day before it.
//
// The function closing gives the prices known at the close of a day; it is
// asked for the ends of the period and for each day with a flow and the one
// before. The error is that of Derive, or CodeInvalidRequest for a period of
// no days.
func Perform(policy Policy, txs []Transaction, base Currency, from, to Date,
	closing func(Date) Prices) (Performance, error) {
	if from < 1 || from >= to {
		return Performance{}, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("from: got %q, want a day before %q", from, to)}
	}
	// What is wrong at the end of the period is said before any price is asked for.
	if _, err := Derive(policy, txs, to); err != nil {
		return Performance{}, err
	}
	m := measurement{base: base, closing: closing, entries: newDerivation(policy, txs)}
	if err := m.measure(txs, from, to); err != nil {
		return Performance{}, err
	}
	p := Performance{From: from, To: to, Base: base, Start: m.start, End: m.last, In: m.in, Out: m.out}
	p.Gain = sum(sum(p.End, p.Out), negative(sum(p.Start, p.In)))
	if !p.Gain.Valid {
		p.MoneyWeighted.Why = Unpriced
	} else {
		p.MoneyWeighted = returned(XIRR(m.cashFlows(from, to)))
	}
	if m.unpriced {
		p.TimeWeighted.Why = Unpriced
	} else {
		p.TimeWeighted = returned(TimeWeighted(m.spans))
	}
	return p, nil
}

// returned makes a result of a number or of the reason there is none.
func returned(value decimal.Decimal, err error) Return {
	var why ReturnError
	if errors.As(err, &why) {
		return Return{Why: why}
	}
	return Return{Value: decimal.NewNullDecimal(value)}
}

func negative(d decimal.NullDecimal) decimal.NullDecimal {
	return decimal.NullDecimal{Decimal: d.Decimal.Neg(), Valid: d.Valid}
}
