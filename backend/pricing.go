package backend

import (
	"math"
	"math/big"
	"time"

	"github.com/shopspring/decimal"
)

// pricing steps through the days of a holding with the price of each.
type pricing struct {
	*track
	zone   *time.Location
	closes *Closes

	next     int // price that is not in effect yet
	count    int // quantity in effect, counted from 1
	dealt    int // number of trades known
	quantity decimal.Decimal
	currency Currency // of the value
	state    State
	ratio    *big.Rat // units now for one unit of the price; one except after a split

	factor   int64 // that prices are multiplied with, for the value; zero before the first quantity
	factored bool  // there is one
	small    wide  // the value, unless it is in value
	isSmall  bool
	value    big.Int // in 10^-36
}

// moment is a session in microseconds since 1970, for comparisons with Closes.
type moment struct {
	known int64 // the last time of a price that is known
	after int64 // prices that are fresh until an earlier time are stale
	open  int64 // unless they are from then on
}

func (s session) moment() moment {
	m := moment{known: s.at.Add(MaxClockSkew).UnixMicro(),
		after: s.at.Add(time.Microsecond - 1).UnixMicro(), open: math.MaxInt64}
	if !s.open.IsZero() {
		m.open = s.open.UnixMicro()
	}
	return m
}

// advance moves on to a day and the time at which it is valued. It is called for each
// day of each symbol, so it computes only what has changed.
func (p *pricing) advance(d Date, m moment) {
	next, dealt, moved := p.next, p.dealt, false
	for p.next < len(p.closes.times) && p.closes.times[p.next] <= m.known {
		p.next++
	}
	for p.count < len(p.quantities) && p.quantities[p.count].from <= d {
		p.count++
		moved = true
	}
	for p.dealt < len(p.trades) && p.trades[p.dealt].date <= d {
		p.dealt++
	}
	if moved {
		p.quantity = p.quantities[p.count-1].amount
		p.factor, p.factored = wideFactor(p.quantity, p.closes.scale)
	}
	if moved || next != p.next || dealt != p.dealt || p.state == "" || len(p.splits) > 0 &&
		p.splits[len(p.splits)-1].date >= p.since() {
		p.revalue(d)
	}
	if p.next > 0 {
		i := p.next - 1
		p.state = StatePriced
		if m.after > p.closes.staleFrom(i) && p.closes.times[i] < m.open {
			p.state = StateStale
		}
	}
}

// time returns when the price in effect was valid.
func (p *pricing) time() time.Time { return time.UnixMicro(p.closes.times[p.next-1]).UTC() }

// since is the earliest day of splits that the price may not include.
func (p *pricing) since() Date {
	if p.next > 0 {
		return DateIn(p.time(), p.zone)
	}
	if p.dealt > 0 {
		return p.trades[p.dealt-1].date
	}
	return 0
}

func (p *pricing) revalue(d Date) {
	p.ratio, p.isSmall = one, false
	switch {
	case p.next > 0:
		i := p.next - 1
		if p.currency = p.closes.currencies[0].currency; len(p.closes.currencies) > 1 {
			p.currency = p.closes.currency(i)
		}
		if len(p.splits) > 0 {
			at := p.time()
			p.ratio = splitSince(p.splits, d, func(s unitChange) bool { return s.after(at, p.zone) })
		}
		if p.ratio == one && p.factored && p.closes.exact == nil {
			if p.small, p.isSmall = times(p.factor, p.closes.prices[i]); p.isSmall {
				return
			}
		}
	case p.dealt > 0:
		t := p.trades[p.dealt-1]
		p.currency, p.state = p.track.currency, StateEstimated
		p.ratio = splitSince(p.splits, d, func(s unitChange) bool { return s.date > t.date })
	default:
		p.state, p.currency = StateNoPrice, p.track.currency
		p.value.SetInt64(0)
		return
	}
	p.value.Set(scaledInt(p.worth(p.quantity)))
}

// addTo adds the value to that of a day.
func (p *pricing) addTo(t *totals, day int) {
	if p.isSmall {
		t.wide[day].add(p.small)
	} else {
		t.add(day, &p.value)
	}
}

// addValue adds the value to an amount in 10^-moneyScale.
func (p *pricing) addValue(amount *big.Int) {
	if p.isSmall {
		p.small.addTo(amount)
	} else {
		amount.Add(amount, &p.value)
	}
}

// price returns the price in effect.
func (p *pricing) price() decimal.Decimal {
	if p.next > 0 {
		return p.closes.price(p.next - 1)
	}
	return p.trades[p.dealt-1].price
}

// worth returns what units are worth at the price.
func (p *pricing) worth(units decimal.Decimal) decimal.Decimal {
	return worthOf(units, p.price(), p.ratio)
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
