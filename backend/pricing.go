package backend

import (
	"math/big"
	"time"

	"github.com/shopspring/decimal"
)

// pricing steps through the days of a holding with the price of each.
type pricing struct {
	*track
	zone   *time.Location
	quotes []Quote // oldest first

	next     int // quote that is not in effect yet
	count    int // quantity in effect, counted from 1
	dealt    int // number of trades known
	quantity decimal.Decimal
	currency Currency // of value
	state    State
	value    big.Int // of the quantity, in 10^-36
	units    big.Int // the quantity, in 10^-18
	scratch  big.Int

	price decimal.Decimal
	ratio *big.Rat // units now for one unit of the price; one except after a split
}

// advance moves on to a day and the time at which it is valued.
func (p *pricing) advance(d Date, s session) {
	at, stale := s.at, false
	before := [3]int{p.next, p.count, p.dealt}
	for p.next < len(p.quotes) && !p.quotes[p.next].Time.After(at.Add(MaxClockSkew)) {
		p.next++
	}
	for p.count < len(p.quantities) && p.quantities[p.count].from <= d {
		p.count++
		p.quantity = p.quantities[p.count-1].amount
		p.units.Set(unitsOf(p.quantity).Num())
	}
	for p.dealt < len(p.trades) && p.trades[p.dealt].date <= d {
		p.dealt++
	}
	if p.next > 0 {
		q := &p.quotes[p.next-1]
		stale = s.stale(q.Time, q.StaleFrom())
	}
	if before != [3]int{p.next, p.count, p.dealt} || p.state == "" {
		p.revalue(d)
	} else if len(p.splits) > 0 && p.splits[len(p.splits)-1].date >= p.since() {
		p.revalue(d)
	}
	if p.state == StatePriced || p.state == StateStale {
		p.state = StatePriced
		if stale {
			p.state = StateStale
		}
	}
}

// since is the earliest day of splits that the price may not include.
func (p *pricing) since() Date {
	if p.next > 0 {
		return DateIn(p.quotes[p.next-1].Time, p.zone)
	}
	if p.dealt > 0 {
		return p.trades[p.dealt-1].date
	}
	return 0
}

func (p *pricing) revalue(d Date) {
	switch {
	case p.next > 0:
		q := p.quotes[p.next-1]
		p.price, p.currency, p.state = q.Price, q.Currency, StatePriced
		p.ratio = splitSince(p.splits, d, func(s unitChange) bool { return s.after(q.Time, p.zone) })
	case p.dealt > 0:
		t := p.trades[p.dealt-1]
		p.price, p.currency, p.state = t.price, p.track.currency, StateEstimated
		p.ratio = splitSince(p.splits, d, func(s unitChange) bool { return s.date > t.date })
	default:
		p.state, p.currency, p.ratio = StateNoPrice, p.track.currency, one
		p.value.SetInt64(0)
		return
	}
	// This runs for each quote of a history, so it avoids allocations.
	if shift := p.price.Exponent() + unitScale; p.ratio == one && shift >= 0 && shift <= unitScale && p.price.NumDigits() < 19 {
		p.scratch.SetInt64(p.price.CoefficientInt64())
		p.scratch.Mul(&p.scratch, powersOfTen[shift])
		p.value.Mul(&p.units, &p.scratch)
		return
	}
	p.value.Set(scaledInt(p.worth(p.quantity)))
}

// worth returns what units are worth at the price.
func (p *pricing) worth(units decimal.Decimal) decimal.Decimal {
	return worthOf(units, p.price, p.ratio)
}

// worthOf returns what units are worth at a price from before splits: exactly, except
// that a fraction that a split makes is rounded to 18 decimals.
func worthOf(units, price decimal.Decimal, ratio *big.Rat) decimal.Decimal {
	worth := units.Mul(price)
	if ratio == one {
		return worth
	}
	return shownMoney(quotient(moneyOf(worth), ratio))
}

// splitSince multiplies the splits up to a day that are after a price.
func splitSince(splits []unitChange, through Date, after func(unitChange) bool) *big.Rat {
	ratio := one
	for i := len(splits) - 1; i >= 0; i-- {
		if splits[i].date > through {
			continue
		}
		if !after(splits[i]) {
			break
		}
		ratio = product(ratio, big.NewRat(splits[i].ratio.New, splits[i].ratio.Old))
	}
	return ratio
}

// after reports whether a split took effect after a moment.
func (s unitChange) after(at time.Time, zone *time.Location) bool {
	return openingIn(s.date, s.clock, zone).After(at)
}

// openingIn returns the moment of a time of day, midnight for the zero value.
func openingIn(d Date, c Clock, zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	year, month, day := d.Midnight().Date()
	return time.Date(year, month, day, 0, 0, int(max(c-1, 0)), 0, zone)
}

// scaledInt returns an amount of at most 36 decimals in 10^-36.
func scaledInt(d decimal.Decimal) *big.Int {
	n := d.Coefficient()
	if shift := d.Exponent() + moneyScale; shift >= 0 && int(shift) < len(powersOfTen) {
		return n.Mul(n, powersOfTen[shift])
	}
	return scaled(d, moneyScale).Num()
}
