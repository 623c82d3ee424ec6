package backend

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// CodeOversold is the code of an entry that sells more than there is.
const CodeOversold Code = "oversold"

// Policy is what a portfolio chooses about its holdings.
type Policy struct {
	Method      CostMethod `json:"cost_method"`
	AllowShorts bool       `json:"allow_shorts"` // a sale may take a holding below zero units
}

// Holding is what the transactions make of one symbol. All its money is in
// Currency but Income, which is in the currencies it was paid in.
type Holding struct {
	Symbol   string          `json:"symbol"`
	Currency Currency        `json:"currency"` // that of its trades
	Quantity decimal.Decimal `json:"quantity"` // units; negative when short
	Cost     decimal.Decimal `json:"cost"`     // of the units held, purchase fees included
	Realised decimal.Decimal `json:"realised"` // gain of the units sold, fees taken off
	Income   Balances        `json:"income"`   // dividends and interest before fees
	Lots     []Lot           `json:"lots"`     // the units held, the oldest first; one with Average
}

// Ledger is everything that follows from the transactions of a portfolio up to
// a day. It is derived, never edited.
type Ledger struct {
	Through  Date      `json:"through"`  // the last day counted
	Holdings []Holding `json:"holdings"` // by symbol; those sold out stay, with zero units
	Cash     Balances  `json:"cash"`     // may be below zero: spent before it was recorded
	Income   Balances  `json:"income"`   // dividends and interest before fees
	Fees     Balances  `json:"fees"`     // those that are in no cost and in no realised gain
}

// Derive computes the ledger from scratch, from the transactions dated up to
// and including through. Their order in the slice does not matter; see
// Transaction.Compare for the one that does. It changes nothing it is given.
//
// Every entry that cannot be is reported, joined: an Error each, with
// CodeOversold or CodeInvalidRequest, naming the entry. The ledger is then
// empty.
func Derive(policy Policy, txs []Transaction, through Date) (Ledger, error) {
	if policy.Method != FIFO && policy.Method != Average {
		return Ledger{}, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("cost_method: got %.16q, want FIFO or AVERAGE", policy.Method)}
	}
	return newDerivation(policy, txs).at(through)
}

// Holding gives the holding of a symbol.
func (l Ledger) Holding(symbol string) (Holding, bool) {
	i, found := slices.BinarySearchFunc(l.Holdings, symbol,
		func(h Holding, symbol string) int { return cmp.Compare(h.Symbol, symbol) })
	if !found {
		return Holding{}, false
	}
	return l.Holdings[i], true
}

// Currencies gives every currency the ledger holds cash or units in, sorted.
func (l Ledger) Currencies() []Currency {
	set := map[Currency]bool{}
	for currency, amount := range l.Cash {
		set[currency] = set[currency] || !amount.IsZero()
	}
	for _, h := range l.Holdings {
		set[h.Currency] = set[h.Currency] || !h.Quantity.IsZero()
	}
	maps.DeleteFunc(set, func(_ Currency, held bool) bool { return !held })
	return slices.Sorted(maps.Keys(set))
}

// derivation walks through the entries of a portfolio, day by day.
type derivation struct {
	policy   Policy
	ahead    []Transaction // in the order they take effect
	wrong    []error
	ledger   Ledger
	holdings map[string]*Holding
}

func newDerivation(policy Policy, txs []Transaction) *derivation {
	return &derivation{
		policy:   policy,
		ahead:    slices.SortedFunc(slices.Values(txs), Transaction.Compare),
		ledger:   Ledger{Cash: Balances{}, Income: Balances{}, Fees: Balances{}},
		holdings: map[string]*Holding{},
	}
}

// at books the entries up to a day, which must not be before that of the last
// call. The ledger holds until the next call.
func (d *derivation) at(through Date) (Ledger, error) {
	for len(d.ahead) > 0 && d.ahead[0].Date <= through {
		tx := d.ahead[0]
		d.ahead = d.ahead[1:]
		if err := tx.Validate(); err != nil {
			d.wrong = append(d.wrong, invalid(tx, strings.ReplaceAll(err.Error(), "\n", "; ")))
		} else if err := d.book(tx); err != nil {
			d.wrong = append(d.wrong, err)
		}
	}
	if err := errors.Join(d.wrong...); err != nil {
		return Ledger{}, err
	}
	d.ledger.Through = through
	d.ledger.Holdings = []Holding{}
	for _, symbol := range slices.Sorted(maps.Keys(d.holdings)) {
		d.ledger.Holdings = append(d.ledger.Holdings, *d.holdings[symbol])
	}
	return d.ledger, nil
}

func (d *derivation) book(tx Transaction) error {
	switch tx.Kind {
	case Buy, Sell:
		return d.trade(tx)
	case Split:
		if h := d.holdings[tx.Symbol]; h != nil {
			h.Lots = lots(h.Lots).split(tx.Ratio)
			h.Quantity = lots(h.Lots).quantity()
		}
	case Dividend, Interest:
		d.ledger.Cash.add(tx.Currency, tx.Amount)
		d.ledger.Income.add(tx.Currency, tx.Amount)
		if tx.Symbol != "" {
			d.holding(tx.Symbol).Income.add(tx.Currency, tx.Amount)
		}
		d.fee(tx.Currency, tx.Fee)
	case Deposit:
		d.ledger.Cash.add(tx.Currency, tx.Amount)
		d.fee(tx.Currency, tx.Fee)
	case Withdrawal:
		d.ledger.Cash.add(tx.Currency, tx.Amount.Neg())
		d.fee(tx.Currency, tx.Fee)
	case Fee:
		d.fee(tx.Currency, tx.Amount)
	}
	return nil
}

// trade books units against cash. Fees belong to the cost of what is bought and
// lower what a sale brings.
func (d *derivation) trade(tx Transaction) error {
	h := d.holding(tx.Symbol)
	switch {
	case h.Currency == "":
		h.Currency = tx.Currency
	case h.Currency != tx.Currency:
		return invalid(tx, fmt.Sprintf("currency: got %s, want %s as in the first trade of %s",
			tx.Currency, h.Currency, tx.Symbol))
	}
	units := tx.Quantity
	if tx.Kind == Sell {
		if !d.policy.AllowShorts && units.GreaterThan(h.Quantity) {
			return &Error{Code: CodeOversold, Message: entry(tx) +
				fmt.Sprintf("quantity: got %s, want at most the %s held", units, h.Quantity)}
		}
		units = units.Neg()
	}
	cost := units.Mul(tx.Price).Add(tx.Fee)
	d.ledger.Cash.add(tx.Currency, cost.Neg())
	open, gain := lots(h.Lots).trade(Lot{Opened: tx.Date, Quantity: units, Cost: cost}, d.policy.Method)
	h.Lots, h.Realised = open, h.Realised.Add(gain)
	// What closed units cost and brought left the lots; the gain is its negative.
	h.Quantity, h.Cost = h.Quantity.Add(units), h.Cost.Add(cost).Add(gain)
	return nil
}

// fee books a fee that is part of no cost.
func (d *derivation) fee(c Currency, amount decimal.Decimal) {
	d.ledger.Cash.add(c, amount.Neg())
	d.ledger.Fees.add(c, amount)
}

func (d *derivation) holding(symbol string) *Holding {
	if d.holdings[symbol] == nil {
		d.holdings[symbol] = &Holding{Symbol: symbol, Income: Balances{}, Lots: []Lot{}}
	}
	return d.holdings[symbol]
}

func invalid(tx Transaction, problem string) error {
	return &Error{Code: CodeInvalidRequest, Message: entry(tx) + problem}
}

// entry names a transaction as messages begin.
func entry(tx Transaction) string {
	return fmt.Sprintf("%.64s of %s: ", tx.ID, tx.Date)
}
