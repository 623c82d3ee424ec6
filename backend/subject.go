package backend

import (
	"maps"
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

// byHolding returns each holding as a subject, whose flows are what was paid for it and
// what it returned.
func (a *appraisal) byHolding() map[string]subject {
	subjects := map[string]subject{}
	for symbol, parts := range a.holdings {
		s := subject{days: a.days, flows: map[Date]*flow{}}
		for i := range parts {
			s.worth = append(s.worth, a.partWorth(&parts[i], i))
		}
		subjects[symbol] = s
	}
	for _, e := range a.effects {
		if s, found := subjects[e.symbol]; found && !e.cash.IsZero() {
			a.addFlow(s.flows, e.Date, e.cash.Neg(), e.currency)
		}
	}
	for _, f := range a.units {
		a.addUnits(subjects[f.symbol].flows, f)
	}
	return subjects
}

func (a *appraisal) partWorth(p *part, day int) decimal.NullDecimal {
	switch {
	case !p.held:
		return decimal.NewNullDecimal(decimal.Zero)
	case !p.priced:
		return decimal.NullDecimal{}
	}
	amount, _ := a.convert(trimmed(&p.amount, moneyScale), p.currency, day)
	return amount
}

// byCurrency returns each currency, with its cash and the holdings traded in it, as a
// subject. Its flows are those of the portfolio, conversions, and payments between
// currencies.
func (a *appraisal) byCurrency() map[Currency]subject {
	subjects := map[Currency]subject{}
	of := func(c Currency) subject {
		s, found := subjects[c]
		if !found {
			s = subject{days: a.days, flows: map[Date]*flow{}, worth: make([]decimal.NullDecimal, len(a.days))}
			for i, d := range a.days {
				s.worth[i], _ = a.convert(amountOn(a.cash[c], d), c, i)
			}
			subjects[c] = s
		}
		return s
	}
	for _, symbol := range slices.Sorted(maps.Keys(a.holdings)) {
		parts, s := a.holdings[symbol], of(a.timeline.holdings[symbol].currency)
		for i := range parts {
			s.worth[i] = sum(s.worth[i], a.partWorth(&parts[i], i))
		}
	}
	for _, e := range a.effects {
		if e.cash.IsZero() {
			continue
		}
		s := of(e.currency)
		cash, _ := a.external(e)
		if e.Kind == Conversion && !e.fee && !a.portfolio.IgnoreCash {
			// What was received is worth what was given for it; any difference is gain or loss.
			given := e.Amount
			if e.currency == e.Currency {
				given = given.Neg()
			}
			a.addFlow(s.flows, e.Date, given, e.Currency)
			continue
		}
		if k := a.timeline.holdings[e.symbol]; k != nil && k.currency != e.currency && !a.portfolio.IgnoreCash {
			// A dividend or a fee in another currency leaves the currency of the holding.
			a.addFlow(of(k.currency).flows, e.Date, e.cash.Neg(), e.currency)
			cash = cash.Add(e.cash)
		}
		if !cash.IsZero() {
			a.addFlow(s.flows, e.Date, cash, e.currency)
		}
	}
	for _, f := range a.units {
		if _, units := a.external(f.effect); !units.IsZero() {
			a.addUnits(of(a.timeline.holdings[f.symbol].currency).flows, f)
		}
	}
	return subjects
}
