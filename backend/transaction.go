package backend

import (
	"cmp"
	"slices"

	"github.com/shopspring/decimal"
)

// Kind is the kind of a transaction.
type Kind string

// The kinds of transactions.
const (
	Buy             Kind = "BUY"
	Sell            Kind = "SELL"
	Dividend        Kind = "DIVIDEND"
	Interest        Kind = "INTEREST" // below zero if it is paid
	Fee             Kind = "FEE"
	Deposit         Kind = "DEPOSIT"
	Withdrawal      Kind = "WITHDRAWAL"
	Conversion      Kind = "CONVERSION"        // of one currency into another
	TransferIn      Kind = "TRANSFER_IN"       // of units, with their cost and their day
	TransferOut     Kind = "TRANSFER_OUT"      // of units, without a realised gain
	ReturnOfCapital Kind = "RETURN_OF_CAPITAL" // reduces the cost of what is held
	Split           Kind = "SPLIT"
	SpinOff         Kind = "SPIN_OFF"
	Merger          Kind = "MERGER"
)

// Limits of the texts, the lists and the terms of a ratio.
const (
	MaxNote      = 1000 // characters
	MaxSplitTerm = 1_000_000
	MaxLots      = 100 // named by one entry
)

// Ratio is how many New units replace Old ones. A split of two for one is {2, 1}.
type Ratio struct {
	New int64 `json:"new"`
	Old int64 `json:"old"`
}

// LotChoice identifies units by the day they were acquired on.
type LotChoice struct {
	Date     Date            `json:"date"`
	Quantity decimal.Decimal `json:"quantity"`
}

// Transaction is one entry of a portfolio. Everything else is derived from these.
type Transaction struct {
	ID       string `json:"id"`       // unique in the portfolio
	Sequence int64  `json:"sequence"` // order of recording; orders entries of the same time
	Kind     Kind   `json:"kind"`
	Date     Date   `json:"date"`
	Time     Clock  `json:"time,omitempty"` // in the portfolio's time zone; see Compare for an entry without one

	// Symbol is what is traded, moved or split, or pays; a FEE or an INTEREST may also
	// have one.
	Symbol   string          `json:"symbol,omitempty"`
	Quantity decimal.Decimal `json:"quantity"` // units
	Price    decimal.Decimal `json:"price"`    // currency per unit; 0 is a gift
	// Amount is money before Fee and Tax. With BUY and SELL it is what the broker
	// settled, 0 for quantity times price. With TRANSFER_IN it is the cost of the
	// units, with SPLIT what is paid for a fraction of a unit.
	Amount   decimal.Decimal `json:"amount"`
	Currency Currency        `json:"currency,omitempty"`
	Fee      decimal.Decimal `json:"fee"`   // on top
	Ratio    Ratio           `json:"ratio"` // SPLIT, SPIN_OFF, MERGER
	Note     string          `json:"note,omitempty"`

	Tax          decimal.Decimal `json:"tax,omitzero"`           // currency, withheld or paid on top
	FeeCurrency  Currency        `json:"fee_currency,omitempty"` // of Fee; "" for Currency
	ToAmount     decimal.Decimal `json:"to_amount,omitzero"`     // CONVERSION: what was received for Amount
	ToCurrency   Currency        `json:"to_currency,omitempty"`  // of ToAmount
	Acquired     Date            `json:"acquired,omitzero"`      // TRANSFER_IN: the day of the lot; 0 for Date
	ToSymbol     string          `json:"to_symbol,omitempty"`    // SPIN_OFF, MERGER: what is received
	CostFraction decimal.Decimal `json:"cost_fraction,omitzero"` // SPIN_OFF: the share of the cost that moves, 0–1
	Lots         []LotChoice     `json:"lots,omitempty"`         // the units to take; none for the cost method's choice
	Transfer     string          `json:"transfer,omitempty"`     // joins the two sides of a transfer between portfolios
}

// Settled returns the money of a trade before fee and tax.
func (t Transaction) Settled() decimal.Decimal {
	if t.Amount.IsZero() {
		return t.Quantity.Mul(t.Price)
	}
	return t.Amount
}

// feeCurrency is the currency that the fee is paid in.
func (t Transaction) feeCurrency() Currency { return cmp.Or(t.FeeCurrency, t.Currency) }

// takes reports whether an entry reduces money or units rather than adding to them.
func (t *Transaction) takes() bool {
	switch t.Kind {
	case Sell, Fee, Withdrawal, TransferOut:
		return true
	case Interest:
		return t.Amount.IsNegative()
	}
	return false
}

// clock returns when an entry takes effect within its day.
func (t *Transaction) clock() Clock {
	switch {
	case t.Time != 0:
		return t.Time
	case t.takes():
		return endOfDay
	}
	return midnight
}

// Compare orders transactions as they take effect: by date; within a day, splits first,
// since a split applies from the opening; then by time, where an entry without one
// counts at 00:00 if it adds money or units and at 24:00 if it reduces them; then by
// Sequence and ID. No two entries of a portfolio are equal,
// so the order is always the same.
func (t Transaction) Compare(other Transaction) int { return inOrder(&t, &other) }

// inOrder is Transaction.Compare without copies.
func inOrder(t, other *Transaction) int {
	if t.Date != other.Date {
		return cmp.Compare(t.Date, other.Date)
	}
	if first, second := t.Kind == Split, other.Kind == Split; first != second {
		if first {
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(t.clock(), other.clock()),
		cmp.Compare(t.Sequence, other.Sequence),
		cmp.Compare(t.ID, other.ID),
	)
}

// sorted returns pointers to transactions in the order they take effect.
func sorted(txs []Transaction) []*Transaction {
	list := make([]*Transaction, len(txs))
	for i := range txs {
		list[i] = &txs[i]
	}
	slices.SortFunc(list, inOrder)
	return list
}
