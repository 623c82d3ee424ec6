package backend

import (
	"slices"

	"github.com/shopspring/decimal"
)

// total returns the whole portfolio as a subject. Skip excludes some transfers: those
// of which another portfolio of the same owner has the other side.
func (a *appraisal) total(skip map[string]bool) subject {
	s := subject{days: a.days, flows: map[Date]*flow{}}
	for i := range a.days {
		s.worth = append(s.worth, a.value(i).Total)
	}
	for _, e := range a.effects {
		if cash, _ := a.external(e); !cash.IsZero() {
			a.addFlow(s.flows, e, cash, e.currency)
		}
	}
	for _, f := range a.units {
		if _, units := a.external(f.effect); !units.IsZero() && !skip[f.Transfer] {
			a.addUnits(s.flows, f)
		}
	}
	return s
}

// addFlow adds money that came in or, if negative, went out by an effect.
func (a *appraisal) addFlow(flows map[Date]*flow, e effect, amount decimal.Decimal, c Currency) {
	day, found := slices.BinarySearch(a.days, e.Date)
	if !found {
		return // outside the period
	}
	f := flowOn(flows, e.Date)
	converted, _ := a.convert(amount, c, day)
	if !converted.Valid {
		f.unpriced = true
		return
	}
	f.add(e, converted.Decimal)
}

// add adds money that an effect moved. The cash of one entry is one flow: of a dividend,
// what is left after tax went out.
func (f *flow) add(e effect, amount decimal.Decimal) {
	net := amount
	if e.units.IsZero() {
		if e.ID == f.entry {
			f.in, f.out, net = f.in.Sub(positive(f.net)), f.out.Sub(positive(f.net.Neg())), net.Add(f.net)
		}
		f.entry, f.net = e.ID, net
	}
	f.in, f.out = f.in.Add(positive(net)), f.out.Add(positive(net.Neg()))
}

func positive(d decimal.Decimal) decimal.Decimal { return decimal.Max(d, decimal.Zero) }

func (a *appraisal) addUnits(flows map[Date]*flow, f unitFlow) {
	if !f.priced {
		flowOn(flows, f.Date).unpriced = true
		return
	}
	a.addFlow(flows, f.effect, f.amount, f.currency)
}

func flowOn(flows map[Date]*flow, d Date) *flow {
	if flows[d] == nil {
		flows[d] = &flow{}
	}
	return flows[d]
}
