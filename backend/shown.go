package backend

import (
	"maps"
	"math/big"
	"slices"

	"github.com/shopspring/decimal"
)

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

// shownLots returns the lots.
func (h *holding) shownLots() []Lot {
	lots := h.byAge()
	return h.shownParts(len(lots), func(i int) (Date, *big.Rat, *big.Rat) {
		return lots[i].opened, lots[i].left, lots[i].costOf(lots[i].left)
	})
}

// shownParts returns all that is held in n parts, of base units and base costs. Running
// totals are rounded rather than each part, so that the parts add up to the holding.
func (h *holding) shownParts(n int, part func(i int) (opened Date, units, cost *big.Rat)) []Lot {
	list := make([]Lot, n)
	units, cost := zero, zero
	var unitsShown, costShown decimal.Decimal
	for i := range list {
		opened, partUnits, partCost := part(i)
		units, cost = plus(units, partUnits), plus(cost, partCost)
		if i == n-1 {
			units, cost = h.units, h.cost
		}
		u, c := shownUnits(product(units, h.factor)), shownMoney(product(cost, h.share))
		list[i] = Lot{Opened: opened, Quantity: h.signed(u.Sub(unitsShown)), Cost: h.signed(c.Sub(costShown))}
		unitsShown, costShown = u, c
	}
	return list
}

// acquired returns the units by the day they were acquired on. The list is the same as
// long as the holding does not change.
func (h *holding) acquired() []Lot {
	if h.acquisitions == nil {
		h.acquisitions = h.shownDays()
	}
	return h.acquisitions
}

func (h *holding) shownDays() []Lot {
	if h.method != Average {
		byDay := h.days()
		dates := slices.Sorted(maps.Keys(byDay))
		dates = slices.DeleteFunc(dates, func(d Date) bool { return byDay[d].units.Sign() == 0 })
		return h.shownParts(len(dates), func(i int) (Date, *big.Rat, *big.Rat) {
			return dates[i], byDay[dates[i]].units, byDay[dates[i]].cost
		})
	}
	list := make([]Lot, len(h.pool))
	for i, p := range h.pool {
		list[i] = Lot{Opened: p.opened, Quantity: h.signed(shownUnits(product(product(p.units, h.kept), h.factor))),
			Cost: h.signed(shownMoney(product(product(p.cost, h.kept), h.share)))}
	}
	slices.SortStableFunc(list, func(a, b Lot) int { return int(a.Opened - b.Opened) })
	return list
}
