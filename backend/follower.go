package backend

import (
	"context"
	"sync"
	"time"
)

// maxFollowed bounds the portfolios that a follower knows to be current.
const maxFollowed = 100_000

// Follower values portfolios as a Tracker does, but for those that did not change
// since, as far as it was told, it does not ask the store whether they did. That is
// for whoever values again when the news comes, such as after each price; anybody
// else might see what was before a change that was acknowledged. It is safe for
// concurrent use.
type Follower struct {
	*Tracker

	mu      sync.Mutex
	changes uint64          // heard of so far
	current map[string]bool // portfolios whose newest version the tracker keeps, if it keeps any
}

// NewFollower makes a follower that knows nothing.
func NewFollower(t *Tracker) *Follower {
	return &Follower{Tracker: t, current: map[string]bool{}}
}

// Changed takes in what changed at any instance. It has to be called before
// anything is valued because of the change.
func (f *Follower) Changed(c Change) {
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
	if kept := f.ledgers.peek(id); current && kept != nil && kept.portfolio.Owner == owner {
		now := f.now()
		view, err := kept.through(DateOf(now))
		if err != nil {
			return Valuation{}, err
		}
		return f.value(ctx, kept.portfolio, view, now, asOf)
	}
	v, err := f.Tracker.Valuation(ctx, owner, id, asOf)
	if err != nil {
		return Valuation{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changes == before { // else it may be this portfolio that changed
		if len(f.current) >= maxFollowed {
			clear(f.current)
		}
		f.current[id] = true
	}
	return v, nil
}
