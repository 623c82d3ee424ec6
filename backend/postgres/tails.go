package postgres

import (
	"sync"

	"portfolio/backend"
)

const (
	// tailFrom is how many entries make it worth while to keep a tail.
	tailFrom = 1_000
	// maxTails bounds the tails that are kept, by the entries of their portfolios.
	maxTails = 500_000
)

// tails keeps what was derived of large portfolios that were changed lately, so
// that another entry at the end is checked at its own cost.
type tails struct {
	mu   sync.Mutex
	kept map[string]*backend.Tail // by portfolio
	held int
}

// take removes a tail, for its portfolio's lock is held; nil if there is none.
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

// put keeps a tail once what it has checked is committed.
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
		for id, other := range t.kept { // any
			if id != portfolio {
				delete(t.kept, id)
				t.held -= other.Entries
				break
			}
		}
	}
}
