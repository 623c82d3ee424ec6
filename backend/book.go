package backend

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// maxViews is how many days of one portfolio are kept.
	maxViews = 4
	// maxLine is how many entries a timeline that is kept has: each takes a kilobyte.
	maxLine = 10_000
)

// book has what is derived from the entries of a portfolio. After a change, only what
// follows the checkpoint before it is derived again. A book is safe for concurrent use.
type book struct {
	mu        sync.Mutex
	portfolio Portfolio
	txs       []*Transaction // in the order they take effect; returned ones are never changed
	newest    int64          // the last sequence
	live      *derivation    // of the first booked entries
	booked    int
	marks     []mark          // oldest first
	every     int             // entries between two checkpoints, at least
	views     map[Date]view   // by the day of the last entry counted
	line      *timeline       // the one made last, if it is small; nil if there is none
	lined     int             // entries counted in it
	named     map[string]bool // symbols in the entries; nil if they were not counted
	past      pastCosts
}

// view is the ledger through a day, with what is needed to value it.
type view struct {
	ledger     Ledger     // without lots
	symbols    []string   // with units
	currencies []Currency // with cash or units
	earlier    *earlier
}

func newBook(p Portfolio, txs []Transaction) *book {
	b := &book{portfolio: p, txs: sorted(txs), every: markEvery, views: map[Date]view{}}
	for i := range txs {
		b.newest = max(b.newest, txs[i].Sequence)
	}
	return b
}

func (b *book) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.txs) + 1
}

// extent returns the number of symbols in the entries, and the day of the first entry,
// forever if there is none.
func (b *book) extent() (symbols int, first Date) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.named == nil {
		b.named = map[string]bool{}
		for i := range b.txs {
			for _, symbol := range []string{b.txs[i].Symbol, b.txs[i].ToSymbol} {
				if symbol != "" {
					b.named[symbol] = true
				}
			}
		}
	}
	first = forever
	if len(b.txs) > 0 {
		first = b.txs[0].Date
	}
	return len(b.named), first
}

func (b *book) owner() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.portfolio.Owner
}

func (b *book) version() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.portfolio.Version
}

// snapshot returns the portfolio and the view of its entries through the day of a time.
// Later changes of the book do not affect them.
func (b *book) snapshot(ctx context.Context, at time.Time) (Portfolio, view, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	through := b.portfolio.Today(at)
	n := b.until(through)
	counted := b.last(n)
	v, found := b.views[counted]
	if !found {
		d, err := b.at(ctx, n)
		if err != nil {
			return Portfolio{}, view{}, err
		}
		v = view{ledger: d.ledger(false), earlier: &earlier{}}
		v.ledger.zone = b.portfolio.Location()
		for _, h := range v.ledger.Holdings {
			if !h.Quantity.IsZero() {
				v.symbols = append(v.symbols, h.Symbol)
			}
		}
		v.currencies = v.ledger.Currencies()
		if len(b.views) >= maxViews {
			clear(b.views)
		}
		b.views[counted] = v
	}
	v.ledger.Through = through
	return b.portfolio, v, nil
}

// ledger returns the ledger through a day with its lots; 0 is today.
func (b *book) ledger(ctx context.Context, through Date, now time.Time) (Ledger, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if through == 0 {
		through = b.portfolio.Today(now)
	}
	d, err := b.at(ctx, b.until(through))
	if err != nil {
		return Ledger{}, err
	}
	l := d.ledger(true)
	l.Through, l.zone = through, b.portfolio.Location()
	return l, nil
}

// acquired returns the units of holdings in other currencies than the base at the
// close of a day, by the days they were acquired on. The lists must not be changed.
func (b *book) acquired(ctx context.Context, through Date) (map[string][]Lot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, err := b.at(ctx, b.until(through))
	if err != nil {
		return nil, err
	}
	lots := map[string][]Lot{}
	for symbol, h := range d.holdings {
		if h.units.Sign() != 0 && h.currency != b.portfolio.Base {
			lots[symbol] = h.acquired()
		}
	}
	return lots, nil
}

// timeline returns what the portfolio held on each day up to one. It is shared and must
// not be changed.
func (b *book) timeline(ctx context.Context, through Date) (*timeline, error) {
	b.mu.Lock()
	p, n := b.portfolio, b.until(through)
	txs, line, lined := b.txs[:n:n], b.line, b.lined
	b.mu.Unlock()
	if line != nil && lined == n {
		return line, nil
	}
	line, err := newTimeline(ctx, p, txs, through)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n <= maxLine && b.portfolio.Version == p.Version { // otherwise it is of an earlier version
		b.line, b.lined = line, n
	}
	return line, nil
}

// until counts the entries up to a day.
func (b *book) until(d Date) int {
	n, _ := slices.BinarySearchFunc(b.txs, d+1, func(t *Transaction, d Date) int { return int(t.Date - d) })
	return n
}

func (b *book) last(n int) Date {
	if n == 0 {
		return 0
	}
	return b.txs[n-1].Date
}

// update brings the book to a later version of its portfolio: with the entries
// that are new or were changed, and without those that were deleted.
func (b *book) update(p Portfolio, entries []Transaction, deleted []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.Policy != b.portfolio.Policy {
		b.marks, b.live, b.booked = nil, nil, 0
		clear(b.views)
	}
	if p.TimeZone != b.portfolio.TimeZone || p.Base != b.portfolio.Base {
		clear(b.views)
		b.past.forget()
	}
	b.portfolio = p
	b.line, b.named = nil, nil
	gone, added := b.indices(entries, deleted), sorted(entries)
	first, since := len(b.txs), forever
	if len(added) > 0 {
		first, _ = slices.BinarySearchFunc(b.txs, added[0], inOrder)
		since = added[0].Date
	}
	if len(gone) > 0 {
		first, since = min(first, gone[0]), min(since, b.txs[gone[0]].Date)
	}
	for i := range entries {
		b.newest = max(b.newest, entries[i].Sequence)
	}
	if first == len(b.txs) {
		b.txs = append(b.txs, added...)
	} else {
		b.txs = edited(b.txs, gone, added)
	}
	b.forget(first, since)
}

// indices returns where the book has the earlier versions of entries, and deleted entries.
func (b *book) indices(entries []Transaction, deleted []string) []int {
	ids := map[string]bool{}
	for _, id := range deleted {
		ids[id] = true
	}
	for i := range entries {
		if entries[i].Sequence <= b.newest {
			ids[entries[i].ID] = true
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var list []int
	for i := range b.txs {
		if ids[b.txs[i].ID] {
			list = append(list, i)
		}
	}
	return list
}

// edited returns a copy of a sorted list without the entries at some indices, and with
// others. Both are in order, and few.
func edited(txs []*Transaction, gone []int, entries []*Transaction) []*Transaction {
	all := make([]*Transaction, 0, len(txs)-len(gone)+len(entries))
	next := 0
	for len(gone)+len(entries) > 0 {
		at := len(txs)
		if len(entries) > 0 {
			at, _ = slices.BinarySearchFunc(txs, entries[0], inOrder)
		}
		if len(gone) > 0 && gone[0] < at {
			all, next, gone = append(all, txs[next:gone[0]]...), gone[0]+1, gone[1:]
			continue
		}
		all, next = append(all, txs[next:at]...), at
		if len(entries) > 0 {
			all, entries = append(all, entries[0]), entries[1:]
		}
	}
	return append(all, txs[next:]...)
}

// forget drops what was derived from the entries beginning at an index and a day.
func (b *book) forget(first int, since Date) {
	b.marks = slices.DeleteFunc(b.marks, func(m mark) bool { return m.n > first })
	if b.booked > first {
		b.live, b.booked = nil, 0
	}
	maps.DeleteFunc(b.views, func(d Date, _ view) bool { return d >= since })
}
