package backend

import "github.com/shopspring/decimal"

// sums are amounts by symbol that may be unknown. A symbol without one has zero.
type sums map[string]decimal.NullDecimal

func (s sums) of(symbol string) decimal.NullDecimal {
	amount, found := s[symbol]
	if !found {
		return decimal.NewNullDecimal(decimal.Zero)
	}
	return amount
}

func (s sums) add(symbol string, amount decimal.NullDecimal) { s[symbol] = sum(s.of(symbol), amount) }

// dayChanges computes the gain since the previous close: the worth now, less the worth
// then and what has come in since.
func (v *valuer) dayChanges(l Ledger, past *background) {
	before, opening := sums{}, past.cash
	for symbol, worth := range past.opening {
		before[symbol], opening = worth, sum(opening, worth)
	}
	if day := DateIn(v.AsOf, v.zone); l.today.date == day {
		for e, total := range l.today.effects {
			amount, into := v.came(l, e, total, day)
			if e.symbol != "" {
				before.add(e.symbol, into)
			}
			if e.external {
				opening = sum(opening, amount)
			}
		}
	}
	all := decimal.NewNullDecimal(decimal.Zero)
	for i := range v.Positions {
		p := &v.Positions[i]
		p.DayChange = sum(p.BaseValue, negative(before.of(p.Symbol)))
		all = sum(all, p.DayChange)
		delete(before, p.Symbol)
	}
	for _, soldOut := range before {
		all = sum(all, negative(soldOut))
	}
	if v.DayChange = sum(v.Total, negative(opening)); l.ignoreCash {
		v.DayChange = all
	}
}

// came returns what the effects of a day are worth now, and how much of that went into
// their holding: the cost of purchases, or the negative proceeds of sales.
func (v *valuer) came(l Ledger, e dayEffect, total decimal.Decimal, day Date) (amount, into decimal.NullDecimal) {
	state := StatePriced // the positions have states of their own
	if e.currency != "" {
		amount = v.exchange(total, e.currency, v.Base, &state)
		return amount, negative(amount)
	}
	h, found := l.Holding(e.priced)
	if !found {
		return amount, amount
	}
	worth, currency, _, state := v.prices.worth(&h, total, v.session, day, v.zone)
	if state != StateNoPrice {
		amount = v.exchange(worth, currency, v.Base, &state)
	}
	return amount, amount
}
