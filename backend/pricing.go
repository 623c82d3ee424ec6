package backend

import (
	"math"
	"math/big"
	"slices"
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
	split    int // number of splits in effect
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
	m := moment{known: s.known().UnixMicro(),
		after: s.at.Add(time.Microsecond - 1).UnixMicro(), open: math.MaxInt64}
	if !s.open.IsZero() {
		m.open = s.open.UnixMicro()
	}
	return m
}

// advance moves on to a day and the time at which it is valued. It is called for each
// day of each symbol, so it computes only what has changed.
func (p *pricing) advance(d Date, m moment) {
	next, dealt, split, moved := p.next, p.dealt, p.split, false
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
	for p.split < len(p.splits) && p.splits[p.split].date <= d {
		p.split++
	}
	if moved {
		p.quantity = p.quantities[p.count-1].amount
		p.factor, p.factored = wideFactor(p.quantity, p.closes.scale)
	}
	priced := next != p.next || p.next == 0 && dealt != p.dealt || p.state == ""
	if priced {
		p.ratio, split = one, 0
	}
	if split < p.split {
		p.ratio, moved = scaledBy(p.ratio, p.splits[split:p.split], p.precedes()), true
	}
	if priced || moved {
		p.revalue()
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

// precedes returns a function that reports whether the price in effect is from before a
// split.
func (p *pricing) precedes() func(unitChange) bool {
	if p.next > 0 {
		at := p.time()
		return func(s unitChange) bool { return s.after(at, p.zone) }
	}
	if p.dealt > 0 {
		traded := p.trades[p.dealt-1].date
		return func(s unitChange) bool { return s.date > traded }
	}
	return func(unitChange) bool { return false }
}

func (p *pricing) revalue() {
	p.isSmall = false
	switch {
	case p.next > 0:
		i := p.next - 1
		if p.currency = p.closes.currencies[0].currency; len(p.closes.currencies) > 1 {
			p.currency = p.closes.currency(i)
		}
		if p.ratio == one && p.factored && p.closes.exact == nil {
			if p.small, p.isSmall = times(p.factor, p.closes.prices[i]); p.isSmall {
				return
			}
		}
	case p.dealt > 0:
		p.currency, p.state = p.track.currency, StateEstimated
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

// splitSince multiplies the splits up to a day that a price precedes.
func splitSince(splits []unitChange, through Date, precedes func(unitChange) bool) *big.Rat {
	n, _ := slices.BinarySearchFunc(splits, through+1, func(s unitChange, d Date) int { return int(s.date - d) })
	return scaledBy(one, splits[:n], precedes)
}

// The products of splits are kept within bounds beyond which no price means anything.
var (
	mostRatio  = new(big.Rat).SetInt(new(big.Int).Exp(ten, big.NewInt(60), nil))
	leastRatio = new(big.Rat).Inv(mostRatio)
)

// scaledBy multiplies a ratio with those splits, all in order, that a price precedes.
func scaledBy(ratio *big.Rat, splits []unitChange, precedes func(unitChange) bool) *big.Rat {
	first := len(splits)
	for first > 0 && precedes(splits[first-1]) {
		first--
	}
	for _, s := range splits[first:] {
		ratio = product(ratio, big.NewRat(s.ratio.New, s.ratio.Old))
		if ratio.Cmp(mostRatio) > 0 {
			ratio = mostRatio
		} else if ratio.Cmp(leastRatio) < 0 {
			ratio = leastRatio
		}
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
