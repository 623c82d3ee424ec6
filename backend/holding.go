package backend

import (
	"container/heap"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"
)

// holding is what a derivation knows of a symbol.
//
// Units and costs in its lots are base units and base costs: a split multiplies
// factor and a return of capital multiplies share, whatever the number of lots.
// What was acquired later is divided by both as it comes. All are magnitudes,
// with the sign in short.
type holding struct {
	symbol   string
	currency Currency

	queue
	byDay  map[Date][]*lot // the lots by their day, once one was named
	units  *big.Rat        // base units in the lots
	cost   *big.Rat        // base cost of them
	factor *big.Rat        // units for one base unit
	share  *big.Rat        // cost for one of base cost

	// traded is what the holding brought in cash less what it took, with costs that
	// came with units or went with them as if they were bought or sold at cost. So
	// what was realised is traded and the cost of what is held, exactly.
	traded decimal.Decimal
	income Balances

	// With Average, what is in the pool by the day it came, and the part of each that
	// is left: a sale takes the same share of all.
	pool []pooled
	kept *big.Rat

	splits    []unitChange // since its units are counted
	lastTrade trade
	public    *Holding // as it is shown, without lots; nil after a change
}

// pooled is units that came into a pool, and their cost, both divided by kept.
type pooled struct {
	opened      Date
	units, cost *big.Rat
}

// unitChange is a split, which prices from before it are not of.
type unitChange struct {
	date  Date
	clock Clock
	ratio Ratio
}

// trade is a price somebody paid.
type trade struct {
	date  Date
	clock Clock
	price decimal.Decimal
}

func newHolding(symbol string, method CostMethod) *holding {
	return &holding{symbol: symbol, queue: queue{method: method}, units: zero, cost: zero, factor: one, share: one, kept: one, income: Balances{}}
}

// held returns the units, a magnitude.
func (h *holding) held() *big.Rat { return product(h.units, h.factor) }

// quantity returns the units as they are shown.
func (h *holding) quantity() decimal.Decimal { return h.signed(shownUnits(h.held())) }

// costs returns the cost of the units as it is shown.
func (h *holding) costs() decimal.Decimal {
	return h.signed(shownMoney(product(h.cost, h.share)))
}

func (h *holding) signed(d decimal.Decimal) decimal.Decimal {
	if h.short {
		return d.Neg()
	}
	return d
}

// open adds units to the holding, which has none of the other sign.
func (h *holding) open(opened Date, order int64, units, cost *big.Rat, short bool) {
	if h.units.Sign() == 0 {
		h.short = short
	}
	l := &lot{opened: opened, order: order, units: quotient(units, h.factor), cost: quotient(cost, h.share)}
	l.left = l.units
	h.units, h.cost = plus(h.units, l.units), plus(h.cost, l.cost)
	if h.method == Average {
		h.pool = append(h.pool, pooled{opened, quotient(l.units, h.kept), quotient(l.cost, h.kept)})
	}
	if h.add(l); h.byDay != nil {
		h.byDay[opened] = append(h.byDay[opened], l)
	}
}

// taken is a part of a lot that left a holding, in units and cost of its time.
type taken struct {
	opened      Date
	units, cost *big.Rat
}

// take removes units by the cost method, at most those held, and returns what
// was taken. The last unit takes all cost that is left.
func (h *holding) take(units *big.Rat) []taken {
	var list []taken
	for rest := quotient(units, h.factor); rest.Sign() > 0; {
		l := h.next()
		if l == nil {
			break
		}
		part := l.left
		if rest.Cmp(part) < 0 {
			part = rest
		}
		rest = minus(rest, part)
		list = append(list, h.takeFrom(l, part))
	}
	h.clearIfEmpty()
	return list
}

// takeFrom removes base units from a lot.
func (h *holding) takeFrom(l *lot, units *big.Rat) taken {
	cost := l.costOf(units)
	if h.method == Average && units.Cmp(l.left) < 0 {
		h.kept = product(h.kept, quotient(minus(l.left, units), l.left))
	}
	l.left = minus(l.left, units)
	h.units, h.cost = minus(h.units, units), minus(h.cost, cost)
	return taken{opened: l.opened, units: product(units, h.factor), cost: product(cost, h.share)}
}

// parts returns all units by age, each lot's with a share of its cost.
func (h *holding) parts(share *big.Rat) []taken {
	var list []taken
	for _, l := range h.byAge() {
		list = append(list, taken{opened: l.opened, units: product(l.left, h.factor),
			cost: product(product(l.costOf(l.left), h.share), share)})
	}
	return list
}

// heldSince returns the units acquired on a day.
func (h *holding) heldSince(d Date) *big.Rat {
	if h.byDay == nil {
		h.byDay = map[Date][]*lot{}
		for _, l := range h.byAge() {
			h.byDay[l.opened] = append(h.byDay[l.opened], l)
		}
	}
	sum := zero
	for _, l := range h.byDay[d] {
		sum = plus(sum, l.left)
	}
	return product(sum, h.factor)
}

// takeSince removes units that were acquired on a day, the first of them first.
func (h *holding) takeSince(d Date, units *big.Rat) []taken {
	var list []taken
	rest := quotient(units, h.factor)
	for _, l := range h.byDay[d] {
		part := l.left
		if rest.Cmp(part) < 0 {
			part = rest
		}
		if part.Sign() > 0 {
			rest = minus(rest, part)
			list = append(list, h.takeFrom(l, part))
		}
	}
	h.clearIfEmpty()
	return list
}

// clearIfEmpty leaves no cost where there are no units.
func (h *holding) clearIfEmpty() {
	if h.units.Sign() == 0 {
		h.lots, h.byDay, h.short = nil, nil, false
		h.units, h.cost, h.factor, h.share = zero, zero, one, one
		h.pool, h.kept = nil, one
	}
}

// lower takes an amount off the cost, from each lot in proportion to its cost,
// and not below zero.
func (h *holding) lower(amount *big.Rat) {
	cost := product(h.cost, h.share)
	if amount.Cmp(cost) < 0 {
		h.share = product(h.share, quotient(minus(cost, amount), cost))
		return
	}
	if h.cost.Sign() == 0 {
		return
	}
	h.cost, h.share = zero, one
	for i := range h.pool {
		h.pool[i].cost = zero
	}
	for _, l := range h.lots {
		l.cost = zero
		if l.each != nil {
			l.each = zero
		}
	}
	heap.Init(&h.queue)
}

// show returns the holding without its lots.
func (h *holding) show() Holding {
	if h.public == nil {
		cost := h.costs()
		h.public = &Holding{
			Symbol: h.symbol, Currency: h.currency, Quantity: h.quantity(), Cost: cost,
			Realised: h.traded.Add(cost), Income: h.income.clone(), Lots: []Lot{},
			splits: h.splits[:len(h.splits):len(h.splits)], lastTrade: h.lastTrade,
		}
	}
	return *h.public
}

// shownLots returns the lots. Running totals are rounded rather than each lot, so
// that the lots add up to the holding.
func (h *holding) shownLots() []Lot {
	list := []Lot{}
	units, cost := zero, zero
	var unitsShown, costShown decimal.Decimal
	all := h.byAge()
	for i, l := range all {
		units, cost = plus(units, l.left), plus(cost, l.costOf(l.left))
		if i == len(all)-1 {
			units, cost = h.units, h.cost
		}
		u, c := shownUnits(product(units, h.factor)), shownMoney(product(cost, h.share))
		list = append(list, Lot{Opened: l.opened, Quantity: h.signed(u.Sub(unitsShown)), Cost: h.signed(c.Sub(costShown))})
		unitsShown, costShown = u, c
	}
	return list
}

// acquired returns the units by the day they came, which of a pool are its parts.
func (h *holding) acquired() []Lot {
	if h.method != Average {
		return h.shownLots()
	}
	list := make([]Lot, len(h.pool))
	for i, p := range h.pool {
		list[i] = Lot{Opened: p.opened, Quantity: h.signed(shownUnits(product(product(p.units, h.kept), h.factor))),
			Cost: h.signed(shownMoney(product(product(p.cost, h.kept), h.share)))}
	}
	return list
}

// clone copies what a derivation changes.
func (h *holding) clone() *holding {
	c := *h
	c.queue, c.byDay, c.income = h.queue.clone(), nil, h.income.clone()
	c.splits, c.pool = h.splits[:len(h.splits):len(h.splits)], slices.Clone(h.pool)
	return &c
}
