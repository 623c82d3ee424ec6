package backend

import (
	"context"
	"maps"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"
)

// division is into what a measurement divides a portfolio.
type division int

const (
	undivided division = iota
	byHolding
	byCurrency
)

// ownWorth is what a holding was worth on the days that its measurement needs: those with
// flows of its own, the ones before, and the ends of the period. So the cost of all
// holdings grows with the number of entries, not with that of days times holdings.
type ownWorth struct {
	days  []int // indices of the days
	worth []pricedAmount
}

// pricedAmount is an amount in some currency, unless the price is missing.
type pricedAmount struct {
	currency Currency
	amount   decimal.Decimal
	priced   bool
}

// ownDays prepares the worth of each holding.
func (a *appraisal) ownDays() {
	flows := map[string][]Date{}
	first, last := a.days[0], a.days[len(a.days)-1]
	for _, e := range a.effects {
		if e.symbol != "" && e.Date > first && e.Date <= last {
			flows[e.symbol] = append(flows[e.symbol], e.Date)
		}
	}
	for symbol := range a.holdings {
		own := &ownWorth{}
		for _, d := range measured(first, last, flows[symbol]) {
			day, _ := slices.BinarySearch(a.days, d)
			own.days = append(own.days, day)
		}
		a.own[symbol] = own
	}
}

// note keeps the worth on a day, if it is needed.
func (w *ownWorth) note(p *pricing, day int) {
	if w == nil || len(w.worth) == len(w.days) || w.days[len(w.worth)] != day {
		return
	}
	worth := pricedAmount{priced: true}
	if !p.quantity.IsZero() {
		worth = pricedAmount{currency: p.currency, amount: p.valued(), priced: p.state != StateNoPrice}
	}
	w.worth = append(w.worth, worth)
}

// valued returns the value of the quantity.
func (p *pricing) valued() decimal.Decimal {
	var amount big.Int
	p.addValue(&amount)
	return trimmed(&amount, moneyScale)
}

// joint is what all holdings that are traded in a currency were worth on each day.
type joint struct {
	invested map[Currency]*totals // by the currency of the quotes
	unpriced []bool
}

// joint returns the joint worth of a currency, nil if it is not needed.
func (a *appraisal) joint(c Currency) *joint {
	if a.by != byCurrency {
		return nil
	}
	if a.joints[c] == nil {
		a.joints[c] = &joint{invested: map[Currency]*totals{}, unpriced: make([]bool, len(a.days))}
	}
	return a.joints[c]
}

// add adds the worth of a holding on a day.
func (j *joint) add(p *pricing, day int) {
	if p.state == StateNoPrice {
		j.unpriced[day] = true
		return
	}
	sums := j.invested[p.currency]
	if sums == nil {
		sums = newTotals(len(j.unpriced))
		j.invested[p.currency] = sums
	}
	p.addTo(sums, day)
}

// jointWorth returns a joint worth on a day in the base currency.
func (a *appraisal) jointWorth(j *joint, day int) decimal.NullDecimal {
	if j.unpriced[day] {
		return decimal.NullDecimal{}
	}
	worth := decimal.NewNullDecimal(decimal.Zero)
	for c, sums := range j.invested {
		amount, _ := a.convert(trimmed(sums.on(day), moneyScale), c, day)
		worth = sum(worth, amount)
	}
	return worth
}

// parts measures what the portfolio was divided into, until ctx ends.
func (a *appraisal) parts(ctx context.Context, whole subject) []Part {
	invested := whole.capital()
	average := invested.average(whole.started(), whole.days[len(whole.days)-1])
	parts := []Part{}
	add := func(s subject, symbol string, c Currency) {
		if ctx.Err() != nil {
			return
		}
		p := Part{Symbol: symbol, Currency: c, Results: s.measure()}
		if p.Gain.Valid && invested.priced && average.IsPositive() {
			p.Contribution = valid(p.Gain.Decimal.DivRound(average, returnScale), true)
		}
		parts = append(parts, p)
	}
	if a.by == byCurrency {
		subjects := a.currencySubjects()
		for _, c := range slices.Sorted(maps.Keys(subjects)) {
			add(subjects[c], "", c)
		}
		return parts
	}
	subjects := a.holdingSubjects()
	for _, symbol := range slices.Sorted(maps.Keys(subjects)) {
		add(subjects[symbol], symbol, a.holdings[symbol].currency)
	}
	return parts
}

// holdingSubjects returns each holding as a subject, whose flows are what was paid for it
// and what it returned.
func (a *appraisal) holdingSubjects() map[string]subject {
	subjects := map[string]subject{}
	for symbol, own := range a.own {
		s := subject{flows: map[Date]*flow{}}
		for i, worth := range own.worth {
			s.days = append(s.days, a.days[own.days[i]])
			converted := decimal.NullDecimal{}
			if worth.priced {
				converted, _ = a.convert(worth.amount, worth.currency, own.days[i])
			}
			s.worth = append(s.worth, converted)
		}
		subjects[symbol] = s
	}
	for _, e := range a.effects {
		if s, found := subjects[e.symbol]; found && !e.cash.IsZero() {
			a.addFlow(s.flows, e, e.cash.Neg(), e.currency)
		}
	}
	for _, f := range a.units {
		a.addUnits(subjects[f.symbol].flows, f)
	}
	return subjects
}

// currencySubjects returns each currency, with its cash and the holdings traded in it, as
// a subject. Its flows are those of the portfolio, conversions, and payments between
// currencies.
func (a *appraisal) currencySubjects() map[Currency]subject {
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
	for _, c := range slices.Sorted(maps.Keys(a.joints)) {
		for i, worth := range of(c).worth {
			subjects[c].worth[i] = sum(worth, a.jointWorth(a.joints[c], i))
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
			a.addFlow(s.flows, e, given, e.Currency)
			continue
		}
		if k := a.holdings[e.symbol]; k != nil && k.currency != e.currency && !a.portfolio.IgnoreCash {
			// A dividend or a fee in another currency leaves the currency of the holding.
			a.addFlow(of(k.currency).flows, e, e.cash.Neg(), e.currency)
			cash = cash.Add(e.cash)
		}
		if !cash.IsZero() {
			a.addFlow(s.flows, e, cash, e.currency)
		}
	}
	for _, f := range a.units {
		if _, units := a.external(f.effect); !units.IsZero() {
			a.addUnits(of(a.holdings[f.symbol].currency).flows, f)
		}
	}
	return subjects
}
