package postgres

import (
	"sync"

	"portfolio/backend"
)

const (
	// tailFrom is the number of entries from which a tail is kept.
	tailFrom = 1_000
	// maxTails bounds the tails that are kept, by the entries of their portfolios.
	maxTails = 500_000
)

// tails keeps what was derived from large portfolios that were changed recently, so
// that the time to check another entry at the end does not depend on their size.
type tails struct {
	from int // entries of a portfolio

	mu   sync.Mutex
	kept map[string]*backend.Tail // by portfolio
	held int
}

// take removes and returns a tail, nil if there is none. The portfolio's lock is held.
func (t *tails) take(portfolio string) *backend.Tail {
	t.mu.Lock()
	defer t.mu.Unlock()
	tail := t.kept[portfolio]
	if tail != nil {
		delete(t.kept, portfolio)
		t.held -= tail.Entries
	}
	return tail
}

// put keeps a tail once the entries that it has checked are committed.
func (t *tails) put(portfolio string, tail *backend.Tail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[string]*backend.Tail{}
	}
	if old := t.kept[portfolio]; old != nil {
		t.held -= old.Entries
	}
	t.kept[portfolio] = tail
	for t.held += tail.Entries; t.held > maxTails && len(t.kept) > 1; {
		for id, other := range t.kept { // any one
			if id != portfolio {
				delete(t.kept, id)
				t.held -= other.Entries
				break
			}
		}
	}
}
