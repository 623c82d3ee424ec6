package backend

import (
	"context"
	"math"
	"slices"
)

// forever is a day after every entry.
const forever = Date(math.MaxInt32)

// Tail checks entries that take effect after all others of a portfolio, in time that
// depends only on the new ones. It is not safe for concurrent use.
type Tail struct {
	Version int64 // of the portfolio
	Entries int
	policy  Policy
	last    Transaction
	derived *derivation
}

// NewTail derives all entries of a portfolio. The error is that of Derive.
func NewTail(ctx context.Context, p Portfolio, txs []Transaction) (*Tail, error) {
	d, err := derived(ctx, p.Policy, txs, forever)
	if err != nil {
		return nil, err
	}
	t := &Tail{Version: p.Version, Entries: len(txs), policy: p.Policy, derived: d}
	if len(txs) > 0 {
		t.last = slices.MaxFunc(txs, Transaction.Compare)
	}
	return t, nil
}

// Append adds entries that result in a new version of the portfolio. It returns false
// and does nothing if one of them takes effect before the last one. The error is that
// of Derive; after it, the tail must not be used again.
func (t *Tail) Append(ctx context.Context, p Portfolio, version int64, txs []Transaction) (bool, error) {
	list := sorted(txs)
	if p.Policy != t.policy || len(list) > 0 && t.Entries > 0 && inOrder(list[0], &t.last) < 0 {
		return false, nil
	}
	if err := t.derived.book(ctx, list, forever); err != nil {
		return true, err
	}
	if len(list) > 0 {
		t.last = *list[len(list)-1]
	}
	t.Version, t.Entries = version, t.Entries+len(txs)
	return true, nil
}

// Replace checks a change before the last entry that results in a new version of the
// portfolio with added more entries, in time that depends only on the entries of some
// symbols. Txs are all those that name one of them, after the change; none of them names
// another symbol, before or after it. The error is that of Derive; the tail must not be used after it.
func (t *Tail) Replace(
	ctx context.Context, p Portfolio, version int64, added int, symbols []string, txs []Transaction,
) error {
	d, err := derived(ctx, p.Policy, txs, forever)
	if err != nil {
		return err
	}
	for _, symbol := range symbols {
		delete(t.derived.holdings, symbol)
		if h := d.holdings[symbol]; h != nil {
			t.derived.holdings[symbol] = h
		}
	}
	t.derived.opened = max(t.derived.opened, d.opened)
	if err := t.derived.moves.replace(symbols, d.moves); err != nil {
		return err
	}
	for i := range txs {
		if txs[i].Compare(t.last) > 0 {
			t.last = txs[i]
		}
	}
	t.Version, t.Entries = version, t.Entries+added
	return nil
}

// Covers reports whether the tail is of the current version of a portfolio.
func (t *Tail) Covers(p Portfolio) bool {
	return t != nil && t.Version == p.Version && t.policy == p.Policy
}
