package backend

import (
	"cmp"
	"container/heap"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"
)

// CostMethod is the rule for which units a sale takes first. It is chosen per portfolio.
type CostMethod string

// The cost methods.
const (
	FIFO    CostMethod = "FIFO"    // the units held longest
	LIFO    CostMethod = "LIFO"    // the units held shortest
	HIFO    CostMethod = "HIFO"    // the units with the highest cost each
	Average CostMethod = "AVERAGE" // a share of all units, at their average cost
)

// Valid reports whether m is one of the cost methods.
func (m CostMethod) Valid() bool { return m == FIFO || m == LIFO || m == HIFO || m == Average }

const wantCostMethod = "FIFO, LIFO, HIFO or AVERAGE"

// Lot is units that were acquired together. Short lots have negative units and a
// negative cost: the proceeds of the sale.
type Lot struct {
	Opened   Date            `json:"opened"`
	Quantity decimal.Decimal `json:"quantity"` // units
	Cost     decimal.Decimal `json:"cost"`     // currency, fees included
}

// lot is a Lot in a derivation. Its numbers are those of when it was opened, before all
// later splits, so that a split does not have to change it; see holding. They are
// magnitudes, even of a short lot, and not changed in place, because copies of the lot
// share them.
type lot struct {
	opened Date
	order  int64    // of opening
	units  *big.Rat // when it was opened
	left   *big.Rat // of units
	cost   *big.Rat // of units
	each   *big.Rat // cost/units, or less than zero if it is short; HIFO
}

// costOf returns the cost of some of a lot's units.
func (l *lot) costOf(units *big.Rat) *big.Rat {
	if units == l.units || units.Cmp(l.units) == 0 {
		return l.cost
	}
	return limited(new(big.Rat).Mul(l.cost, quotient(units, l.units)))
}

// queue has a holding's lots, the ones to take next first. Each lot moves at most once from
// paid to free, so that returning all cost repeatedly takes no longer than opening the lots
// did.
type queue struct {
	method CostMethod
	short  bool
	paid   lotHeap // lots with a cost, unless they were free
	free   lotHeap // lots whose cost has been returned
}

func newQueue(method CostMethod) queue {
	return queue{method: method, paid: lotHeap{method: method}, free: lotHeap{method: method}}
}

// lotHeap is lots in the order in which they are taken. Lots that entries named and used
// up stay in it until they come first.
type lotHeap struct {
	method CostMethod
	lots   []*lot
}

func (h *lotHeap) Len() int           { return len(h.lots) }
func (h *lotHeap) Swap(i, j int)      { h.lots[i], h.lots[j] = h.lots[j], h.lots[i] }
func (h *lotHeap) Less(i, j int) bool { return h.before(h.lots[i], h.lots[j]) }
func (h *lotHeap) Push(x any)         { h.lots = append(h.lots, x.(*lot)) }

func (h *lotHeap) Pop() any {
	last := len(h.lots) - 1
	x := h.lots[last]
	h.lots[last], h.lots = nil, h.lots[:last]
	return x
}

// before reports whether to take from a before taking from b.
func (h *lotHeap) before(a, b *lot) bool {
	switch h.method {
	case LIFO:
		return older(b, a) < 0
	case HIFO:
		if c := a.each.Cmp(b.each); c != 0 {
			return c > 0
		}
	}
	return older(a, b) < 0
}

// next returns the first lot with remaining units, nil if there is none.
func (h *lotHeap) next() *lot {
	for len(h.lots) > 0 {
		if h.lots[0].left.Sign() > 0 {
			return h.lots[0]
		}
		heap.Pop(h)
	}
	return nil
}

// older orders lots by day, then in order of opening.
func older(a, b *lot) int {
	return cmp.Or(cmp.Compare(a.opened, b.opened), cmp.Compare(a.order, b.order))
}

// size returns the number of lots, including some that are used up.
func (q *queue) size() int { return len(q.paid.lots) + len(q.free.lots) }

// push adds a lot to the queue. With Average there is one lot, the pool.
func (q *queue) push(l *lot) {
	switch {
	case q.method == Average && len(q.paid.lots) > 0:
		pool := q.paid.lots[0]
		units, cost := plus(pool.left, l.left), plus(pool.costOf(pool.left), l.costOf(l.left))
		q.paid.lots[0] = &lot{opened: min(pool.opened, l.opened), order: pool.order, units: units, left: units, cost: cost}
		return
	case q.method == HIFO:
		if l.each = quotient(l.cost, l.units); q.short { // its cost is its proceeds, below zero
			l.each = new(big.Rat).Neg(l.each)
		}
	}
	heap.Push(&q.paid, l)
}

// next returns the lot to take from, nil if there is none.
func (q *queue) next() *lot {
	paid, free := q.paid.next(), q.free.next()
	if paid == nil || free != nil && q.paid.before(free, paid) {
		return free
	}
	return paid
}

// dropCost removes the cost of all lots.
func (q *queue) dropCost() {
	if q.method == Average {
		for _, pool := range q.paid.lots {
			pool.cost = zero
		}
		return
	}
	for _, l := range q.paid.lots {
		l.cost, l.each = zero, zero
		heap.Push(&q.free, l)
	}
	q.paid.lots = nil
}

// byAge returns the lots with remaining units, the oldest first.
func (q *queue) byAge() []*lot {
	list := slices.Concat(q.paid.lots, q.free.lots)
	list = slices.DeleteFunc(list, func(l *lot) bool { return l.left.Sign() == 0 })
	slices.SortFunc(list, older)
	return list
}

// clone copies the lots, so that a derivation can change them.
func (q *queue) clone() queue {
	return queue{method: q.method, short: q.short, paid: q.paid.clone(), free: q.free.clone()}
}

func (h *lotHeap) clone() lotHeap {
	all := make([]lot, len(h.lots))
	c := lotHeap{method: h.method, lots: make([]*lot, len(h.lots))}
	for i, l := range h.lots {
		all[i] = *l
		c.lots[i] = &all[i]
	}
	return c
}
