package backend

import (
	"errors"
	"maps"
	"math"
	"slices"
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

// flow is the money that came in and went out on a day, in the base currency.
type flow struct {
	in, out  decimal.Decimal
	unpriced bool

	entry string          // the last one whose cash was added
	net   decimal.Decimal // of that entry so far
}

// subject is something that is measured: its worth at the close of each of some days,
// and its flows.
type subject struct {
	days  []Date // the first is the start, the last the end; each flow's day and the one before are there
	worth []decimal.NullDecimal
	flows map[Date]*flow
}

// started is the day before the first one on which it had anything.
func (s subject) started() Date {
	if !s.worth[0].Valid || !s.worth[0].Decimal.IsZero() {
		return s.days[0]
	}
	for i, d := range s.days[1:] {
		if f := s.flows[d]; f != nil && (!f.in.IsZero() || !f.out.IsZero()) || !s.worth[i+1].Decimal.IsZero() {
			return d - 1
		}
	}
	return s.days[0]
}

// measure computes the returns. By convention, money that comes in counts from the
// beginning of its day, and money that goes out until the end of it.
func (s subject) measure() Results {
	first, last := 0, len(s.days)-1
	r := Results{Start: s.worth[first], End: s.worth[last]}
	in, out, unpriced := decimal.Zero, decimal.Zero, false
	var spans []Span
	flows := []CashFlow{{Date: s.days[first], Amount: s.worth[first].Decimal.Neg()}}
	started := s.started()
	for i := 1; i <= last; i++ {
		d := s.days[i]
		f := s.flows[d]
		if f == nil {
			f = &flow{}
		}
		unpriced = unpriced || f.unpriced || !s.worth[i].Valid || !s.worth[i-1].Valid
		in, out = in.Add(f.in), out.Add(f.out)
		spans = append(spans, Span{Start: s.worth[i-1].Decimal, In: f.in, Out: f.out, End: s.worth[i].Decimal})
		if !f.in.IsZero() || !f.out.IsZero() {
			flows = append(flows, CashFlow{Date: d, Amount: f.out.Sub(f.in)})
		}
	}
	flowsKnown := true
	for d, f := range s.flows {
		flowsKnown = flowsKnown && (!f.unpriced || d <= s.days[first] || d > s.days[last])
	}
	r.In, r.Out = valid(in, flowsKnown), valid(out, flowsKnown)
	r.Gain = sum(sum(r.End, r.Out), negative(sum(r.Start, r.In)))
	days := int(s.days[last] - started)
	r.TimeWeighted = Return{Method: MethodTimeWeighted, Why: Unpriced}
	if !unpriced {
		r.TimeWeighted = timeWeighted(spans, days)
	}
	r.MoneyWeighted = Return{Method: MethodIRR, Why: Unpriced}
	if r.Gain.Valid {
		flows = append(flows, CashFlow{Date: s.days[last], Amount: s.worth[last].Decimal})
		r.MoneyWeighted = moneyWeighted(flows, days)
		if !r.MoneyWeighted.Value.Valid {
			r.MoneyWeighted = s.modifiedDietz(r.Gain.Decimal, started, r.MoneyWeighted.Why)
		}
	}
	return r
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

// capital is what is needed to average the capital over periods with the same start.
type capital struct {
	start   decimal.Decimal   // worth at the start
	priced  bool              // it and all flows
	days    []Date            // with flows, in order
	in, out []decimal.Decimal // through each of those days
	inDays  []decimal.Decimal // each amount times the number of its day, likewise
	outDays []decimal.Decimal
}

func (s subject) capital() capital {
	c := capital{start: s.worth[0].Decimal, priced: s.worth[0].Valid}
	var in, out, inDays, outDays decimal.Decimal
	for _, d := range slices.Sorted(maps.Keys(s.flows)) {
		if d <= s.days[0] || d > s.days[len(s.days)-1] {
			continue
		}
		f, day := s.flows[d], decimal.NewFromInt(int64(d))
		c.priced = c.priced && !f.unpriced
		in, out = in.Add(f.in), out.Add(f.out)
		inDays, outDays = inDays.Add(f.in.Mul(day)), outDays.Add(f.out.Mul(day))
		c.days = append(c.days, d)
		c.in, c.out = append(c.in, in), append(c.out, out)
		c.inDays, c.outDays = append(c.inDays, inDays), append(c.outDays, outDays)
	}
	return c
}

// average returns the average capital from one day to another: the worth at the start
// and each flow, weighted with the part of the time that it was invested. What comes in
// is invested from the beginning of its day, what goes out until the end of it.
func (c capital) average(since, until Date) decimal.Decimal {
	n, _ := slices.BinarySearch(c.days, until+1)
	if n == 0 {
		return c.start
	}
	end := decimal.NewFromInt(int64(until))
	weighted := c.in[n-1].Mul(end.Add(decimal.NewFromInt(1))).Sub(c.inDays[n-1]).
		Sub(c.out[n-1].Mul(end).Sub(c.outDays[n-1]))
	return c.start.Add(weighted.DivRound(decimal.NewFromInt(int64(until-since)), 2*returnScale))
}

// modifiedDietz returns the gain on the average capital, for which no equation has to be
// solved. If that capital is not above zero, because an account was nearly empty before
// a last fee, time at the end is left out until it is.
func (s subject) modifiedDietz(gain decimal.Decimal, since Date, why ReturnError) Return {
	r := Return{Method: MethodModifiedDietz, Why: why}
	c := s.capital()
	average := c.average(since, s.days[len(s.days)-1])
	for i := len(s.days) - 2; !average.IsPositive() && i > 0 && s.days[i] > since; i-- {
		average = c.average(since, s.days[i])
	}
	if !c.priced || !average.IsPositive() {
		r.Why = NoCapital
		return r
	}
	value := gain.DivRound(average, returnScale)
	r.Value = decimal.NewNullDecimal(value)
	r.Annualised = annualised(value, int(s.days[len(s.days)-1]-since))
	return r
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
