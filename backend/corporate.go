package backend

import (
	"cmp"
	"fmt"
	"math/big"

	"github.com/shopspring/decimal"
)

// transferIn books incoming units with their cost and their day.
func (d *derivation) transferIn(tx Transaction) error {
	if err := d.inCurrency(tx, tx.Symbol, tx.Currency); err != nil {
		return err
	}
	h := d.holding(tx.Symbol)
	if h.short {
		return invalid(tx, "symbol: got one that is held short, want the short sale closed by a BUY first")
	}
	units := unitsOf(tx.Quantity)
	if err := inBounds(tx, tx.Symbol, plus(h.held(), units)); err != nil {
		return err
	}
	h.currency = tx.Currency
	h.traded = h.traded.Sub(tx.Amount)
	d.opened++
	h.open(cmp.Or(tx.Acquired, tx.Date), d.opened, units, moneyOf(tx.Amount), false)
	d.transferred(tx, h, tx.Quantity)
	return nil
}

// transferOut books outgoing units at their cost.
func (d *derivation) transferOut(tx Transaction) error {
	_, err := d.release(tx)
	return err
}

// release books a TRANSFER_OUT and returns what it took.
func (d *derivation) release(tx Transaction) ([]taken, error) {
	h := d.holding(tx.Symbol)
	if err := d.sellable(tx, h); err != nil {
		return nil, err
	}
	units := unitsOf(tx.Quantity)
	if _, err := d.remaining(tx, h, units, true); err != nil {
		return nil, err
	}
	before := h.costs()
	list := d.close(tx, h, units)
	h.traded = h.traded.Add(before.Sub(h.costs()))
	d.transferred(tx, h, tx.Quantity.Neg())
	return list, nil
}

func (d *derivation) transferred(tx Transaction, h *holding, units decimal.Decimal) {
	d.note(effect{Transaction: tx, symbol: h.symbol, priced: h.symbol, currency: h.currency,
		units: units, external: true})
}

// returnOfCapital books money that reduces the cost of what is held. Money beyond the
// cost is realised; if nothing is held, that is all of it.
func (d *derivation) returnOfCapital(tx Transaction) error {
	if err := d.inCurrency(tx, tx.Symbol, tx.Currency); err != nil {
		return err
	}
	h := d.holding(tx.Symbol)
	if h.short {
		return invalid(tx, "symbol: got one that is held short, want one that is held")
	}
	h.currency = tx.Currency
	d.repay(tx, h)
	d.fee(tx)
	return nil
}

func (d *derivation) repay(tx Transaction, h *holding) {
	d.pay(tx, tx.Amount)
	h.traded = h.traded.Add(tx.Amount)
	h.lower(moneyOf(tx.Amount))
}

// split changes the number of units but not their cost. With an amount, the remaining
// fraction of a unit is sold for it.
func (d *derivation) split(tx Transaction) error {
	h := d.holding(tx.Symbol)
	factor := product(h.factor, big.NewRat(tx.Ratio.New, tx.Ratio.Old))
	after := product(h.units, factor)
	fraction := zero
	if !tx.Amount.IsZero() {
		if err := d.inCurrency(tx, tx.Symbol, tx.Currency); err != nil {
			return err
		}
		if h.short {
			return invalid(tx, fmt.Sprintf("amount: got %s, want none for a symbol that is held short", tx.Amount))
		}
		if fraction = fractionOf(after); fraction.Sign() == 0 {
			return invalid(tx, fmt.Sprintf("amount: got %s, want none: the split leaves no fraction of a unit to be paid for",
				tx.Amount))
		}
		after = minus(after, fraction)
	}
	if err := inBounds(tx, tx.Symbol, after); err != nil {
		return err
	}
	h.splits = append(h.splits, unitChange{date: tx.Date, clock: tx.Time, ratio: tx.Ratio})
	if h.units.Sign() == 0 {
		return nil
	}
	h.factor = factor
	if fraction.Sign() > 0 {
		d.pay(tx, tx.Amount)
		h.traded = h.traded.Add(tx.Amount)
		h.take(fraction)
	}
	return nil
}

// fractionOf returns the fractional part of a number of units.
func fractionOf(units *big.Rat) *big.Rat {
	whole := new(big.Int).Mul(units.Denom(), powersOfTen[unitScale])
	whole.Quo(units.Num(), whole).Mul(whole, powersOfTen[unitScale])
	return minus(units, new(big.Rat).SetInt(whole))
}

// spinOff adds units of another symbol for each lot, with a share of its cost and
// with its day.
func (d *derivation) spinOff(tx Transaction) error {
	from, to, err := d.exchange(tx)
	if err != nil {
		return err
	}
	share := moneyOf(tx.CostFraction)
	share = share.Mul(share, new(big.Rat).SetFrac(big.NewInt(1), powersOfTen[moneyScale]))
	lots, before := from.parts(share), from.costs()
	from.lower(product(product(from.cost, from.share), share))
	d.deliver(tx, from, to, lots, from.held(), before.Sub(from.costs()))
	return nil
}

// merger turns a holding into another one. Cash paid with it reduces the cost as a
// return of capital does.
func (d *derivation) merger(tx Transaction) error {
	if !tx.Amount.IsZero() {
		if err := d.inCurrency(tx, tx.Symbol, tx.Currency); err != nil {
			return err
		}
	}
	from, to, err := d.exchange(tx)
	if err != nil {
		return err
	}
	if !tx.Amount.IsZero() {
		d.repay(tx, from)
	}
	lots, units, before := from.parts(one), from.held(), from.costs()
	from.take(units)
	d.deliver(tx, from, to, lots, units, before)
	return nil
}

// exchange returns the two holdings of a corporate action, or why it is not possible.
func (d *derivation) exchange(tx Transaction) (from, to *holding, err error) {
	from = d.holding(tx.Symbol)
	if from.units.Sign() == 0 || from.short {
		return nil, nil, invalid(tx, fmt.Sprintf("symbol: got %s, which is not held, want one that is held", tx.Symbol))
	}
	if target := d.holdings[tx.ToSymbol]; target != nil {
		if target.short {
			return nil, nil, invalid(tx, "to_symbol: got one that is held short, want the short sale closed by a BUY first")
		}
		if target.currency != "" && target.currency != from.currency {
			return nil, nil, invalid(tx, fmt.Sprintf("to_symbol: got one in %s, want one in %s as %s is",
				target.currency, from.currency, tx.Symbol))
		}
	}
	held := zero
	if target := d.holdings[tx.ToSymbol]; target != nil {
		held = target.held()
	}
	come := product(from.held(), big.NewRat(tx.Ratio.New, tx.Ratio.Old))
	if err := inBounds(tx, tx.ToSymbol, plus(held, come)); err != nil {
		return nil, nil, err
	}
	if err := d.moves.add(tx, from.size()); err != nil {
		return nil, nil, err
	}
	return from, d.holding(tx.ToSymbol), nil
}

// deliver opens lots of the new symbol in place of lots of the old one. These are so many
// units in all, and cost moved.
func (d *derivation) deliver(tx Transaction, from, to *holding, lots []taken, units *big.Rat,
	moved decimal.Decimal) {
	to.currency = from.currency
	ratio := big.NewRat(tx.Ratio.New, tx.Ratio.Old)
	before := to.quantity()
	for _, l := range lots {
		d.opened++
		to.place(l.opened, d.opened, product(l.units, ratio), l.cost, false)
	}
	to.add(product(units, ratio), moneyOf(moved)) // not each lot's, so that rounding loses nothing
	from.traded, to.traded = from.traded.Add(moved), to.traded.Sub(moved)
	come := to.quantity().Sub(before)
	d.note(effect{Transaction: tx, symbol: from.symbol, priced: to.symbol, currency: to.currency,
		units: come.Neg(), moved: true})
	d.note(effect{Transaction: tx, symbol: to.symbol, priced: to.symbol, currency: to.currency,
		units: come, moved: true})
}
