package backend

import (
	"context"
	"slices"

	"github.com/shopspring/decimal"
)

// Transfer moves units from one portfolio to another.
type Transfer struct {
	From     string // ID of the portfolio that they leave
	To       string // ID of another one
	Date     Date
	Symbol   string
	Quantity decimal.Decimal
}

// Validate reports every problem of the transfer on its own, joined: a FieldError each.
func (t Transfer) Validate() error {
	var p problems
	if t.From == t.To {
		p.add("to", "the portfolio that the units leave", "another one")
	}
	if t.Date < 1 {
		p.add("date", "none", "a day such as 2026-02-28")
	}
	p.symbol("symbol", t.Symbol)
	p.number("quantity", t.Quantity, true)
	return p.err()
}

// Sides returns the entries of a transfer: the one by which units leave a portfolio with
// a policy and entries, and those by which they enter the other one, one for each lot.
// Both sides have the same transfer id. The error is that of Derive.
func (t Transfer) Sides(ctx context.Context, policy Policy, txs []Transaction, id string,
	sequence int64) (out Transaction, in []Transaction, err error) {
	out = Transaction{ID: "transfer", Sequence: sequence, Kind: TransferOut, Date: t.Date,
		Symbol: t.Symbol, Quantity: t.Quantity, Transfer: id}
	before := slices.DeleteFunc(slices.Clone(txs), func(tx Transaction) bool { return tx.Compare(out) > 0 })
	d, err := derived(ctx, policy, before, t.Date)
	if err != nil {
		return out, nil, err
	}
	list, err := d.release(out)
	if err != nil {
		return out, nil, err
	}
	currency := d.holdings[t.Symbol].currency
	units, cost := zero, zero
	var unitsSent, costSent decimal.Decimal
	for i, part := range list {
		units, cost = plus(units, part.units), plus(cost, part.cost)
		u, c := shownUnits(units), shownMoney(cost).Round(MaxDecimals)
		if i == len(list)-1 {
			u = t.Quantity
		}
		if u.Equal(unitsSent) {
			continue // a lot too small to be recorded is added to the next one
		}
		in = append(in, Transaction{Kind: TransferIn, Date: t.Date, Symbol: t.Symbol, Currency: currency,
			Quantity: u.Sub(unitsSent), Amount: c.Sub(costSent), Acquired: part.opened, Transfer: id})
		unitsSent, costSent = u, c
	}
	out.ID, out.Sequence = "", 0
	return out, in, nil
}
