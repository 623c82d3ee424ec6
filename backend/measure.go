package backend

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"
)

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
