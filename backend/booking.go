package backend

import (
	"fmt"
	"math/big"

	"github.com/shopspring/decimal"
)

// enter books one entry. An entry that is refused changes nothing.
func (d *derivation) enter(tx Transaction) error {
	switch tx.Kind {
	case Buy, Sell:
		return d.trade(tx)
	case Dividend, Interest:
		d.pay(tx, tx.Amount)
		d.income.add(tx.Currency, tx.Amount)
		if tx.Symbol != "" {
			d.holding(tx.Symbol).income.add(tx.Currency, tx.Amount)
		}
		d.fee(tx)
		d.tax(tx)
	case Deposit:
		d.move(tx, "", tx.Currency, tx.Amount, true)
		d.fee(tx)
	case Withdrawal:
		d.move(tx, "", tx.Currency, tx.Amount.Neg(), true)
		d.fee(tx)
	case Fee:
		d.pay(tx, tx.Amount.Neg())
		d.fees.add(tx.Currency, tx.Amount)
	case Conversion:
		d.pay(tx, tx.Amount.Neg())
		d.move(tx, "", tx.ToCurrency, tx.ToAmount, false)
		d.fee(tx)
	case TransferIn:
		return d.transferIn(tx)
	case TransferOut:
		return d.transferOut(tx)
	case ReturnOfCapital:
		return d.returnOfCapital(tx)
	case Split:
		return d.split(tx)
	case SpinOff:
		return d.spinOff(tx)
	case Merger:
		return d.merger(tx)
	}
	return nil
}

// move books a change of cash.
func (d *derivation) move(tx Transaction, symbol string, c Currency, amount decimal.Decimal, external bool) {
	if !d.policy.IgnoreCash {
		d.cash.add(c, amount)
	}
	if !amount.IsZero() {
		d.note(effect{Transaction: tx, symbol: symbol, currency: c, cash: amount, external: external})
	}
}

// pay books a change of cash in the entry's currency, for its symbol if it has one.
func (d *derivation) pay(tx Transaction, amount decimal.Decimal) {
	d.move(tx, tx.Symbol, tx.Currency, amount, false)
}

// fee books a fee that is not part of a cost.
func (d *derivation) fee(tx Transaction) {
	c := tx.feeCurrency()
	if !d.policy.IgnoreCash {
		d.cash.add(c, tx.Fee.Neg())
	}
	if d.fees.add(c, tx.Fee); !tx.Fee.IsZero() {
		d.note(effect{Transaction: tx, symbol: tx.Symbol, currency: c, cash: tx.Fee.Neg(), fee: true})
	}
}

func (d *derivation) tax(tx Transaction) {
	d.pay(tx, tx.Tax.Neg())
	d.taxes.add(tx.Currency, tx.Tax)
}

// inCurrency checks that an entry is in the currency of its holding.
func (d *derivation) inCurrency(tx Transaction, symbol string, c Currency) error {
	h := d.holdings[symbol]
	if h == nil || h.currency == "" || h.currency == c {
		return nil
	}
	return invalid(tx, fmt.Sprintf("currency: got %s, want %s as in the first trade of %s", c, h.currency, symbol))
}

// trade books units against cash. A fee in the currency of the trade is part of the
// cost of a purchase and reduces the proceeds of a sale.
func (d *derivation) trade(tx Transaction) error {
	if err := d.inCurrency(tx, tx.Symbol, tx.Currency); err != nil {
		return err
	}
	h := d.holding(tx.Symbol)
	if tx.Kind == Sell {
		if err := d.sellable(tx, h); err != nil {
			return err
		}
	}
	units := unitsOf(tx.Quantity)
	closing := h.units.Sign() > 0 && h.short == (tx.Kind == Buy)
	rest, err := d.remaining(tx, h, units, closing)
	if err != nil {
		return err
	}
	cost := tx.Settled()
	if tx.Kind == Sell {
		cost = cost.Neg()
	}
	own := tx.feeCurrency() == tx.Currency
	if own {
		cost = cost.Add(tx.Fee)
	}
	h.currency = tx.Currency
	d.pay(tx, cost.Neg())
	if !own {
		d.fee(tx)
	}
	d.tax(tx)
	h.traded = h.traded.Sub(cost)
	if !tx.Price.IsZero() {
		h.lastTrade = trade{date: tx.Date, clock: tx.clock(), price: tx.Price}
	}
	if closing {
		d.close(tx, h, units)
	}
	if rest.Sign() > 0 {
		opened := moneyOf(cost)
		if tx.Kind == Sell {
			opened.Neg(opened)
		}
		if rest.Cmp(units) < 0 {
			opened = limited(opened.Mul(opened, quotient(rest, units)))
		}
		d.opened++
		h.open(tx.Date, d.opened, rest, opened, tx.Kind == Sell)
	}
	return nil
}

// sellable checks that the units that an entry takes are held.
func (d *derivation) sellable(tx Transaction, h *holding) error {
	if len(tx.Lots) > 0 {
		if d.policy.Method == Average {
			return invalid(tx, "lots: got some, want none with the cost method AVERAGE, which has no lots to choose from")
		}
		chosen := map[Date]decimal.Decimal{}
		for _, choice := range tx.Lots {
			chosen[choice.Date] = chosen[choice.Date].Add(choice.Quantity)
		}
		for day, quantity := range chosen {
			held := zero
			if !h.short {
				held = h.heldSince(day)
			}
			if available := shownUnits(held); quantity.GreaterThan(available) {
				return &Error{Code: CodeOversold, Message: entry(tx) +
					fmt.Sprintf("lots: got %s of %s, want at most the %s held that were acquired on that day",
						quantity, day, available)}
			}
		}
		return nil
	}
	if d.policy.AllowShorts && tx.Kind == Sell {
		return nil
	}
	if held := decimal.Max(h.quantity(), decimal.Zero); tx.Quantity.GreaterThan(held) {
		return &Error{Code: CodeOversold, Message: entry(tx) +
			fmt.Sprintf("quantity: got %s, want at most the %s held", tx.Quantity, held)}
	}
	return nil
}

// remaining returns how many of units open a lot, and refuses a holding that would
// become too large or too small. An entry that takes as many units as are shown takes
// all of them.
func (d *derivation) remaining(tx Transaction, h *holding, units *big.Rat, closing bool) (*big.Rat, error) {
	held, rest := h.held(), units
	var after *big.Rat
	switch {
	case !closing:
		after = plus(held, units)
	case shownUnits(held).Equal(shownUnits(units)):
		return zero, nil
	case units.Cmp(held) > 0:
		rest = minus(units, held)
		after = rest
	default:
		after, rest = minus(held, units), zero
	}
	return rest, inBounds(tx, tx.Symbol, after)
}

// inBounds refuses a holding of more than 10^18 or less than 10^-18 units.
func inBounds(tx Transaction, symbol string, units *big.Rat) error {
	if units.Sign() == 0 || units.Cmp(leastUnits) >= 0 && units.Cmp(mostUnits) <= 0 {
		return nil
	}
	size := "more than 10^18"
	if units.Cmp(leastUnits) < 0 {
		size = "less than 10^-18"
	}
	return invalid(tx, fmt.Sprintf("quantity: got a holding of %s units of %s, want 10^-18 to 10^18 or none", size,
		symbol))
}

// close takes units from a holding: those that the entry names or those that the cost
// method picks.
func (d *derivation) close(tx Transaction, h *holding, units *big.Rat) []taken {
	if shownUnits(h.held()).Equal(shownUnits(units)) {
		return h.take(h.held())
	}
	if len(tx.Lots) == 0 {
		return h.take(units)
	}
	var list []taken
	for _, choice := range tx.Lots {
		part := unitsOf(choice.Quantity)
		if held := h.heldSince(choice.Date); shownUnits(held).Equal(choice.Quantity) {
			part = held
		}
		list = append(list, h.takeSince(choice.Date, part)...)
	}
	return list
}
