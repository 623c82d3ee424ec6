package backend

import (
	"context"
	"sync"
	"time"
)

// maxFollowed bounds the portfolios that a follower knows to be current.
const maxFollowed = 100_000

// Follower values portfolios as a Tracker does, but asks the store for a portfolio's
// version only after a change was reported. It is for callers that value again
// after each reported change, such as a price: other callers might get the state before
// an acknowledged change. It is safe for concurrent use.
type Follower struct {
	*Tracker

	mu      sync.Mutex
	changes uint64          // reported so far
	current map[string]bool // portfolios whose newest version the tracker keeps, if it keeps any
}

// NewFollower returns a follower to which no changes have been reported.
func NewFollower(t *Tracker) *Follower {
	return &Follower{Tracker: t, current: map[string]bool{}}
}

// Changed reports a change made at any instance. It has to be called before
// anything is valued because of the change.
func (f *Follower) Changed(c Change) {
	if c.Past {
		f.Corrected()
	}
	if c.Portfolio == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes++
	delete(f.current, c.Portfolio)
}

// Lost forgets everything, because changes may have been missed.
func (f *Follower) Lost() {
	f.Corrected()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes++
	clear(f.current)
}

// Valuation values a portfolio as of a time; the zero time means now.
func (f *Follower) Valuation(ctx context.Context, owner, id string, asOf time.Time) (Valuation, error) {
	if !asOf.IsZero() {
		return f.Tracker.Valuation(ctx, owner, id, asOf)
	}
	f.mu.Lock()
	current, before := f.current[id], f.changes
	f.mu.Unlock()
	if kept := f.books.peek(id); current && kept != nil && kept.owner() == owner {
		return f.valueBook(ctx, kept, asOf)
	}
	v, err := f.Tracker.Valuation(ctx, owner, id, asOf)
	if err != nil {
		return Valuation{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changes == before { // otherwise this portfolio may have changed
		if len(f.current) >= maxFollowed {
			clear(f.current)
		}
		f.current[id] = true
	}
	return v, nil
}
