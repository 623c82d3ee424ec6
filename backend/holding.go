package backend

import (
	"math/big"
	"slices"

	"github.com/shopspring/decimal"
)

// holding is the state of a symbol in a derivation.
//
// Units and costs in its lots are base units and base costs: a split multiplies
// factor and a return of capital multiplies share, whatever the number of lots. What is
// acquired later is divided by both. All are magnitudes; short has the sign.
type holding struct {
	symbol   string
	currency Currency
	owner    *owner

	queue
	byDay  map[Date]*dayLots // the lots by their day, once that is needed
	paid   []Date            // of its days, those that may have a cost
	units  *big.Rat          // base units in the lots
	cost   *big.Rat          // base cost of them
	factor *big.Rat          // units for one base unit
	share  *big.Rat          // cost for one of base cost

	// traded is the cash from sales less that for purchases, where units that were
	// transferred count as bought or sold at cost. So the realised gain is exactly
	// traded plus the cost of what is held.
	traded decimal.Decimal
	income Balances

	// With Average: what was put into the pool, by day, and the part of it that is
	// left, because a sale takes the same share of each.
	pool     []pooled
	freePool int // number of those without cost
	kept     *big.Rat

	splits    []unitChange // from which its units are counted
	lastTrade trade
	public    *Holding // as shown, without lots; nil after a change

	acquisitions []Lot // the units held, by day; nil after a change
}

// pooled is units that were put into a pool, and their cost, both divided by kept.
type pooled struct {
	opened      Date
	units, cost *big.Rat
}

// dayLots is the lots that were acquired on a day.
type dayLots struct {
	lots  []*lot   // in order of acquisition, without some that are used up
	units *big.Rat // base units in them
	cost  *big.Rat // base cost of them
}

// unitChange is a split: prices from before it are per unit of that time.
type unitChange struct {
	date  Date
	clock Clock
	ratio Ratio
}

// trade is a price that was paid.
type trade struct {
	date  Date
	clock Clock
	price decimal.Decimal
}

func newHolding(symbol string, method CostMethod) *holding {
	return &holding{symbol: symbol, queue: newQueue(method), units: zero, cost: zero, factor: one, share: one,
		kept: one, income: Balances{}}
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

// open adds units to the holding, which has none of the opposite sign.
func (h *holding) open(opened Date, order int64, units, cost *big.Rat, short bool) {
	h.place(opened, order, units, cost, short)
	h.add(units, cost)
}

// add adds units and a cost to those of the holding.
func (h *holding) add(units, cost *big.Rat) {
	h.units, h.cost = plus(h.units, quotient(units, h.factor)), plus(h.cost, quotient(cost, h.share))
}

// place adds a lot to the holding, but not the lot's units and cost, for which there is add.
func (h *holding) place(opened Date, order int64, units, cost *big.Rat, short bool) {
	if h.units.Sign() == 0 {
		h.short = short
	}
	l := &lot{opened: opened, order: order, units: quotient(units, h.factor), cost: quotient(cost, h.share)}
	l.left = l.units
	if h.method == Average {
		h.addToPool(pooled{opened, quotient(l.units, h.kept), quotient(l.cost, h.kept)})
	}
	if h.push(l); h.byDay != nil {
		h.addToDay(l)
	}
}

// addToPool adds what was put into the pool, to that of the same day if it came last.
func (h *holding) addToPool(p pooled) {
	last := len(h.pool) - 1
	if last < 0 || h.pool[last].opened != p.opened {
		h.pool = append(h.pool, p)
		return
	}
	h.pool[last].units, h.pool[last].cost = plus(h.pool[last].units, p.units), plus(h.pool[last].cost, p.cost)
	h.freePool = min(h.freePool, last)
}

func (h *holding) addToDay(l *lot) {
	day := h.byDay[l.opened]
	if day == nil {
		day = &dayLots{units: zero, cost: zero}
		h.byDay[l.opened] = day
	}
	day.lots, day.units, day.cost = append(day.lots, l), plus(day.units, l.left), plus(day.cost, l.costOf(l.left))
	h.paid = append(h.paid, l.opened)
}

// taken is a part of a lot that left a holding, in units and cost of that time.
type taken struct {
	opened      Date
	units, cost *big.Rat
}

// take removes units by the cost method, at most those held, and returns what
// was taken. The last unit takes all remaining cost.
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
	if day := h.byDay[l.opened]; day != nil {
		day.units, day.cost = minus(day.units, units), minus(day.cost, cost)
	}
	h.units, h.cost = minus(h.units, units), minus(h.cost, cost)
	return taken{opened: l.opened, units: product(units, h.factor), cost: product(cost, h.share)}
}

// parts returns all units by age, those of each lot with a share of its cost.
func (h *holding) parts(share *big.Rat) []taken {
	lots := h.byAge()
	list := make([]taken, len(lots))
	share = product(h.share, share)
	for i, l := range lots {
		list[i] = taken{opened: l.opened, units: product(l.left, h.factor), cost: product(l.costOf(l.left), share)}
	}
	return list
}

// days returns the lots by their day.
func (h *holding) days() map[Date]*dayLots {
	if h.byDay == nil {
		h.byDay, h.paid = map[Date]*dayLots{}, nil
		for _, l := range h.byAge() {
			h.addToDay(l)
		}
	}
	return h.byDay
}

// heldSince returns the units acquired on a day.
func (h *holding) heldSince(d Date) *big.Rat {
	if day := h.days()[d]; day != nil {
		return product(day.units, h.factor)
	}
	return zero
}

// takeSince removes units that were acquired on a day, in order of acquisition.
func (h *holding) takeSince(d Date, units *big.Rat) []taken {
	var list []taken
	rest, day := quotient(units, h.factor), h.byDay[d]
	for day != nil && rest.Sign() > 0 && len(day.lots) > 0 {
		l := day.lots[0]
		part := l.left
		if rest.Cmp(part) < 0 {
			part = rest
		}
		if part.Sign() > 0 {
			rest = minus(rest, part)
			list = append(list, h.takeFrom(l, part))
		}
		if l.left.Sign() == 0 {
			day.lots = day.lots[1:]
		}
	}
	h.clearIfEmpty()
	return list
}

// clearIfEmpty removes the cost of a holding without units.
func (h *holding) clearIfEmpty() {
	if h.units.Sign() == 0 {
		h.queue, h.byDay, h.paid = newQueue(h.method), nil, nil
		h.units, h.cost, h.factor, h.share = zero, zero, one, one
		h.pool, h.freePool, h.kept = nil, 0, one
	}
}

// lower reduces the cost by an amount, each lot in proportion to its cost, but not
// below zero.
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
	for ; h.freePool < len(h.pool); h.freePool++ {
		h.pool[h.freePool].cost = zero
	}
	for _, d := range h.paid {
		h.byDay[d].cost = zero
	}
	h.paid = nil
	h.dropCost()
}

// clone copies the holding, so that a derivation can change it.
func (h *holding) clone() *holding {
	c := *h
	c.queue, c.byDay, c.paid, c.income = h.queue.clone(), nil, nil, h.income.clone()
	c.splits, c.pool = h.splits[:len(h.splits):len(h.splits)], slices.Clone(h.pool)
	return &c
}
