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
			a.addFlow(s.flows, e.Date, cash, e.currency)
		}
	}
	for _, f := range a.units {
		if _, units := a.external(f.effect); !units.IsZero() && !skip[f.Transfer] {
			a.addUnits(s.flows, f)
		}
	}
	return s
}

// addFlow adds money that came in or, if negative, went out.
func (a *appraisal) addFlow(flows map[Date]*flow, d Date, amount decimal.Decimal, c Currency) {
	day, found := slices.BinarySearch(a.days, d)
	if !found {
		return // outside the period
	}
	f := flowOn(flows, d)
	converted, _ := a.convert(amount, c, day)
	switch {
	case !converted.Valid:
		f.unpriced = true
	case converted.Decimal.IsPositive():
		f.in = f.in.Add(converted.Decimal)
	default:
		f.out = f.out.Sub(converted.Decimal)
	}
}

func (a *appraisal) addUnits(flows map[Date]*flow, f unitFlow) {
	if !f.priced {
		flowOn(flows, f.Date).unpriced = true
		return
	}
	a.addFlow(flows, f.Date, f.amount, f.currency)
}

func flowOn(flows map[Date]*flow, d Date) *flow {
	if flows[d] == nil {
		flows[d] = &flow{}
	}
	return flows[d]
}
