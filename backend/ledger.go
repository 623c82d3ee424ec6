package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// CodeOversold is the code of an entry that takes more units than are held.
const CodeOversold Code = "oversold"

// Policy is how a portfolio treats its holdings.
type Policy struct {
	Method      CostMethod `json:"cost_method"`
	AllowShorts bool       `json:"allow_shorts"` // a sale may take a holding below zero units
	// IgnoreCash keeps no cash: purchases are paid from outside the portfolio, and
	// proceeds leave it. It is for people who do not record deposits. JSON has the
	// opposite, track_cash.
	IgnoreCash bool `json:"-"`
}

// Holding is the result of the transactions of one symbol. All its money is in Currency
// except Income, which is in the currencies it was paid in.
type Holding struct {
	Symbol   string          `json:"symbol"`
	Name     string          `json:"name,omitempty"` // of the instrument
	Currency Currency        `json:"currency"`       // that of its trades
	Quantity decimal.Decimal `json:"quantity"`       // units; negative when short
	Cost     decimal.Decimal `json:"cost"`           // of the units held, purchase fees included
	Realised decimal.Decimal `json:"realised"`       // gain of the units sold, after fees
	Income   Balances        `json:"income"`         // dividends and interest before fees and taxes
	Lots     []Lot           `json:"lots"`           // the units held, the oldest first; one with Average

	splits    []unitChange
	lastTrade trade
}

// Ledger is everything that follows from the transactions of a portfolio up to
// a day. It is derived, never edited.
type Ledger struct {
	Through  Date      `json:"through"`  // the last day counted
	Holdings []Holding `json:"holdings"` // by symbol; those that were sold stay, with zero units
	Cash     Balances  `json:"cash"`     // may be below zero: spent before its deposit was recorded
	Income   Balances  `json:"income"`   // dividends and interest before fees and taxes
	Fees     Balances  `json:"fees"`     // those that are not part of a cost or a realised gain
	Taxes    Balances  `json:"taxes"`    // not part of a cost, a realised gain or an income

	zone  *time.Location // in which its days begin; nil for UTC
	today dayBook        // the last day with entries

	ignoreCash bool
}

// Derive computes the ledger from scratch, from the transactions dated up to
// and including through. Their order in the slice does not matter; see
// Transaction.Compare for the one that does. It does not change its arguments.
//
// All entries that are not possible are reported, joined: an Error each, with
// CodeOversold or CodeInvalidRequest, that names the entry. The ledger is then empty,
// as it is with the context's error after the context has ended.
func Derive(ctx context.Context, policy Policy, txs []Transaction, through Date) (Ledger, error) {
	d, err := derived(ctx, policy, txs, through)
	if err != nil {
		return Ledger{}, err
	}
	return d.ledger(true), nil
}

// DeriveTotals is Derive without the lots of the holdings.
func DeriveTotals(ctx context.Context, policy Policy, txs []Transaction, through Date) (Ledger, error) {
	d, err := derived(ctx, policy, txs, through)
	if err != nil {
		return Ledger{}, err
	}
	return d.ledger(false), nil
}

func derived(ctx context.Context, policy Policy, txs []Transaction, through Date) (*derivation, error) {
	if !policy.Method.Valid() {
		return nil, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("cost_method: got %.16q, want %s", policy.Method, wantCostMethod)}
	}
	d := newDerivation(policy)
	return d, d.book(ctx, sorted(txs), through)
}

// Holding returns the holding of a symbol.
func (l Ledger) Holding(symbol string) (Holding, bool) {
	i, found := slices.BinarySearchFunc(l.Holdings, symbol,
		func(h Holding, symbol string) int { return cmp.Compare(h.Symbol, symbol) })
	if !found {
		return Holding{}, false
	}
	return l.Holdings[i], true
}

// Currencies returns every currency the ledger holds cash or units in, sorted.
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

// derivation books the entries of a portfolio in the order they take effect. Its state
// can be shown at any point.
type derivation struct {
	policy   Policy
	through  Date // the last day that was asked for
	opened   int64
	moves    lotMoves
	holdings map[string]*holding // see holding for changing one
	owner    *owner              // of the holdings that only this derivation has
	symbols  []string            // of the holdings, sorted

	cash, income, fees, taxes Balances

	today   dayBook
	observe func(effect) // called with each effect of an entry; may be nil
}

// effect is what an entry did to cash and units, for measuring returns.
type effect struct {
	Transaction
	symbol   string // of the holding that paid, was paid for or was moved
	currency Currency
	cash     decimal.Decimal // change of the cash in currency
	external bool            // cash came from outside or went there
	fee      bool            // cash was a fee that is not part of a cost
	units    decimal.Decimal // change by a transfer or a corporate action
	priced   string          // symbol that the units are of
	moved    bool            // units moved between holdings of the portfolio
}

// note reports an effect.
func (d *derivation) note(e effect) {
	of := dayEffect{symbol: e.symbol, external: e.external, priced: e.priced}
	amount := e.units
	if !e.cash.IsZero() {
		of.currency, amount = e.currency, e.cash
	}
	d.today.effects[of] = d.today.effects[of].Add(amount)
	if d.observe != nil {
		d.observe(e)
	}
}

// dayEffect identifies what is summed up of the effects of a day.
type dayEffect struct {
	symbol   string
	external bool
	currency Currency // of cash; "" for units
	priced   string
}

// dayBook has the state at the beginning of the last day with entries, and the effects of
// that day.
type dayBook struct {
	date    Date
	opening map[string]decimal.Decimal    // units before the first entry of the day that concerns them
	cash    Balances                      // at the opening
	effects map[dayEffect]decimal.Decimal // sums of cash or units
}

// begin notes the state before an entry.
func (d *derivation) begin(tx *Transaction) {
	if d.today.date != tx.Date {
		d.today = dayBook{date: tx.Date, opening: map[string]decimal.Decimal{}, cash: d.cash.clone(),
			effects: map[dayEffect]decimal.Decimal{}}
	}
	for _, symbol := range []string{tx.Symbol, tx.ToSymbol} {
		if symbol == "" {
			continue
		}
		d.moves.name(symbol)
		if _, noted := d.today.opening[symbol]; !noted {
			d.today.opening[symbol] = decimal.Zero
			if h := d.holdings[symbol]; h != nil {
				d.today.opening[symbol] = h.quantity()
			}
		}
	}
}

func newDerivation(policy Policy) *derivation {
	return &derivation{policy: policy, owner: new(owner), holdings: map[string]*holding{}, moves: newLotMoves(),
		cash: Balances{}, income: Balances{}, fees: Balances{}, taxes: Balances{}}
}

// contextCheck is the number of entries after which a derivation checks whether its
// context has ended.
const contextCheck = 256

// book books entries, which are in order, up to a day. It returns the errors of all that
// are not possible.
func (d *derivation) book(ctx context.Context, txs []*Transaction, through Date) error {
	var wrong []error
	moves := d.moves.made
	for i, tx := range txs {
		if tx.Date > through {
			break
		}
		if (i%contextCheck == 0 || d.moves.made-moves > contextCheck) && ctx.Err() != nil {
			return ctx.Err()
		}
		moves = d.moves.made
		if err := tx.Validate(); err != nil {
			wrong = append(wrong, invalid(*tx, strings.ReplaceAll(err.Error(), "\n", "; ")))
			continue
		}
		d.begin(tx)
		if err := d.enter(*tx); err != nil {
			wrong = append(wrong, err)
		}
	}
	d.through = max(d.through, through)
	return errors.Join(wrong...)
}

// ledger returns the ledger of the entries booked so far, with or without lots.
func (d *derivation) ledger(lots bool) Ledger {
	l := Ledger{Through: d.through, Holdings: make([]Holding, 0, len(d.symbols)),
		Cash: d.cash.clone(), Income: d.income.clone(), Fees: d.fees.clone(), Taxes: d.taxes.clone(), today: d.today,
		ignoreCash: d.policy.IgnoreCash}
	l.today.opening, l.today.effects = maps.Clone(d.today.opening), maps.Clone(d.today.effects)
	for _, symbol := range d.symbols {
		h := d.holdings[symbol]
		public := h.show()
		if lots {
			public.Lots = h.shownLots()
		}
		l.Holdings = append(l.Holdings, public)
	}
	return l
}

// clone returns a copy that can be continued independently. Both share their holdings, of
// which each copies those that it changes.
func (d *derivation) clone() *derivation {
	c := *d
	c.owner, d.owner = new(owner), new(owner)
	c.holdings = maps.Clone(d.holdings)
	c.symbols, c.moves = slices.Clone(d.symbols), d.moves.clone()
	c.today.opening, c.today.effects = maps.Clone(d.today.opening), maps.Clone(d.today.effects)
	c.cash, c.income, c.fees, c.taxes = d.cash.clone(), d.income.clone(), d.fees.clone(), d.taxes.clone()
	return &c
}

// owner identifies a derivation by its address.
type owner struct{ _ byte }

// size is what a copy of the derivation and its holdings costs, in lots and holdings.
func (d *derivation) size() int {
	n := len(d.symbols)
	for _, h := range d.holdings {
		n += h.size()
	}
	return n
}

// holding returns the holding of a symbol, for changing it.
func (d *derivation) holding(symbol string) *holding {
	h := d.holdings[symbol]
	switch {
	case h == nil:
		h = newHolding(symbol, d.policy.Method)
		h.owner, d.holdings[symbol] = d.owner, h
		i, _ := slices.BinarySearch(d.symbols, symbol)
		d.symbols = slices.Insert(d.symbols, i, symbol)
	case h.owner != d.owner:
		h = h.clone()
		h.owner, d.holdings[symbol] = d.owner, h
	}
	h.public, h.acquisitions = nil, nil
	return h
}

func invalid(tx Transaction, problem string) error {
	return &Error{Code: CodeInvalidRequest, Message: entry(tx) + problem}
}

// entry returns the name of a transaction with which messages begin.
func entry(tx Transaction) string {
	return fmt.Sprintf("%.64s of %s: ", tx.ID, tx.Date)
}
