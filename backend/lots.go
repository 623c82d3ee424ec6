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
	each   *big.Rat // cost/units, HIFO
}

// costOf returns the cost of some of a lot's units.
func (l *lot) costOf(units *big.Rat) *big.Rat {
	if units == l.units || units.Cmp(l.units) == 0 {
		return l.cost
	}
	return limited(new(big.Rat).Mul(l.cost, quotient(units, l.units)))
}

// queue has a holding's lots as a heap, the one to take next first. Lots that entries
// named and used up stay in it until they come first.
type queue struct {
	method CostMethod
	short  bool
	lots   []*lot
}

func (q *queue) Len() int      { return len(q.lots) }
func (q *queue) Swap(i, j int) { q.lots[i], q.lots[j] = q.lots[j], q.lots[i] }
func (q *queue) Push(x any)    { q.lots = append(q.lots, x.(*lot)) }

func (q *queue) Pop() any {
	last := len(q.lots) - 1
	x := q.lots[last]
	q.lots[last], q.lots = nil, q.lots[:last]
	return x
}

func (q *queue) Less(i, j int) bool {
	a, b := q.lots[i], q.lots[j]
	switch q.method {
	case LIFO:
		return older(b, a) < 0
	case HIFO:
		// The cost of a short lot is its proceeds, below zero.
		if c := a.each.Cmp(b.each); c != 0 {
			return c > 0 != q.short
		}
	}
	return older(a, b) < 0
}

// older orders lots by day, then in order of opening.
func older(a, b *lot) int {
	return cmp.Or(cmp.Compare(a.opened, b.opened), cmp.Compare(a.order, b.order))
}

// add adds a lot to the queue. With Average there is one lot, the pool.
func (q *queue) add(l *lot) {
	switch {
	case q.method == Average && len(q.lots) > 0:
		pool := q.lots[0]
		units, cost := plus(pool.left, l.left), plus(pool.costOf(pool.left), l.costOf(l.left))
		q.lots[0] = &lot{opened: min(pool.opened, l.opened), order: pool.order, units: units, left: units, cost: cost}
		return
	case q.method == HIFO:
		l.each = quotient(l.cost, l.units)
	}
	heap.Push(q, l)
}

// next returns the lot to take from, nil if there is none.
func (q *queue) next() *lot {
	for len(q.lots) > 0 {
		if q.lots[0].left.Sign() > 0 {
			return q.lots[0]
		}
		heap.Pop(q)
	}
	return nil
}

// byAge returns the lots with remaining units, the oldest first.
func (q *queue) byAge() []*lot {
	list := slices.Clone(q.lots)
	list = slices.DeleteFunc(list, func(l *lot) bool { return l.left.Sign() == 0 })
	slices.SortFunc(list, older)
	return list
}

// clone copies the lots, so that a derivation can change them.
func (q *queue) clone() queue {
	all := make([]lot, len(q.lots))
	c := queue{method: q.method, short: q.short, lots: make([]*lot, len(q.lots))}
	for i, l := range q.lots {
		all[i] = *l
		c.lots[i] = &all[i]
	}
	return c
}
