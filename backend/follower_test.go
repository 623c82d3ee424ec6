package backend

import (
	"context"
	"testing"
	"time"
)

// asks counts how often a follower asks for versions.
type asks struct {
	Portfolios
	count int
	then  func() // called while the answer is in flight
}

func (a *asks) GetPortfolio(ctx context.Context, owner, id string) (Portfolio, error) {
	a.count++
	p, err := a.Portfolios.GetPortfolio(ctx, owner, id)
	if a.then != nil {
		a.then()
	}
	return p, err
}

func TestFollowerAsksOnlyAfterChanges(t *testing.T) {
	now := hours(t, "2026-03-05", 12)
	_, s, b := tracked(t, now, buy(t, "2026-03-01", "10", "5", "0"))
	store := &asks{Portfolios: s}
	f := NewFollower(NewTracker(store, b, MarketPricer{b}, func() time.Time { return now }))
	change := Change{Portfolio: "p"}
	write := func() {
		s.change(func() { s.record(buy(t, "2026-03-02", "1", "5", "0")) })
	}
	for _, step := range []struct {
		name   string
		before func()
		owner  string
		asOf   time.Time
		asked  int
		held   string
	}{
		{"first", func() {}, "alice", time.Time{}, 1, "10"},
		{"again", func() {}, "alice", time.Time{}, 0, "10"},
		{"after a price", func() { f.Changed(Change{Symbols: []string{"ACME"}}) }, "alice", time.Time{}, 0, "10"},
		{"another owner", func() {}, "bob", time.Time{}, 1, ""},
		{"in the past", func() {}, "alice", now.Add(-time.Hour), 1, "10"},
		{"before the change is reported", write, "alice", time.Time{}, 0, "10"},
		{"after the change is reported", func() { f.Changed(change) }, "alice", time.Time{}, 1, "11"},
		{"after changes may have been missed", func() { write(); f.Lost() }, "alice", time.Time{}, 1, "12"},
		{"a change while it is read", func() {
			f.Changed(change)
			store.then = func() { store.then = nil; write(); f.Changed(change) }
		}, "alice", time.Time{}, 1, ""},
		{"and therefore once more", func() {}, "alice", time.Time{}, 1, "13"},
		{"not again", func() {}, "alice", time.Time{}, 0, "13"},
	} {
		step.before()
		store.count = 0
		v, err := f.Valuation(t.Context(), step.owner, "p", step.asOf)
		if (err != nil) != (step.owner == "bob") {
			t.Fatalf("%s: Valuation(%s) = %v", step.name, step.owner, err)
		}
		if store.count != step.asked {
			t.Errorf("%s: asked %d times, want %d", step.name, store.count, step.asked)
		}
		if step.held != "" && (len(v.Positions) != 1 || v.Positions[0].Quantity.String() != step.held) {
			t.Errorf("%s: Valuation = %v, want %s units", step.name, v.Positions, step.held)
		}
	}
}
