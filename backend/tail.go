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
	txs = slices.SortedFunc(slices.Values(txs), Transaction.Compare)
	if p.Policy != t.policy || len(txs) > 0 && t.Entries > 0 && txs[0].Compare(t.last) < 0 {
		return false, nil
	}
	if err := t.derived.book(ctx, txs, forever); err != nil {
		return true, err
	}
	if len(txs) > 0 {
		t.last = txs[len(txs)-1]
	}
	t.Version, t.Entries = version, t.Entries+len(txs)
	return true, nil
}
