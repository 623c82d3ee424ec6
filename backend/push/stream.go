package push

import (
	"time"

	"portfolio/backend"
)

// stream is a portfolio that this instance publishes, guarded by the engine's lock.
// What it points to is never changed.
type stream struct {
	lease    Lease
	latest   Latest
	watchers map[string]*watch  // by connection
	symbols  []string           // it is in the index under these
	money    []backend.Currency // and these
	staleAt  time.Time          // when the next price becomes too old; zero for none
	emptyFor time.Time          // since when there are no subscribers; zero if there are any

	queued, running, dropped bool
	stale                    bool           // latest may be out of date
	reload                   bool           // watchers may be
	meanwhile                backend.Change // prices that changed while it is valued
	last                     update         // most connections need the same
}

// watch is one connection's view of a stream.
type watch struct {
	stream *stream
	conn   *conn
	sent   int64 // the client has everything up to here; 0 for nothing
	asked  time.Time
}

// pending reports whether there is something to post.
func (w *watch) pending() bool {
	return w.stream.latest.Valuation != nil && w.sent != w.stream.latest.Sequence
}

// advance adds a valuation and reports whether clients need an update.
func (s *stream) advance(v *backend.Valuation) bool {
	s.staleAt = nextStale(v)
	if s.latest.Valuation == nil || s.latest.Base != v.Base {
		// There is no delta between base currencies.
		s.latest.Start(v, max(s.latest.Sequence, s.lease.Epoch<<counterBits)+1)
		return true
	}
	changed := s.latest.Advance(v)
	if !changed {
		s.last = update{} // it shows old ages
	}
	return changed
}

// exhausted reports whether the epoch has run out of numbers.
func (s *stream) exhausted() bool {
	const last = 1<<counterBits - 1
	return s.latest.Sequence&last == last
}

// update is what brings a client from a number to the newest valuation.
type update struct {
	after, sequence int64     // after is 0 for a snapshot
	received        time.Time // of the oldest new price in a delta
	delta           Delta
	latest          *backend.Valuation
	messages        [][]byte // nil until it is encoded
}

// update returns the update of a client that has everything up to a number.
func (s *stream) update(after int64) update {
	if !s.latest.Knows(after) {
		after = 0
	}
	if s.last.messages != nil && s.last.after == after && s.last.sequence == s.latest.Sequence {
		return s.last
	}
	u := update{after: after, sequence: s.latest.Sequence, latest: s.latest.Valuation}
	if after != 0 {
		u.delta, u.received = s.latest.Since(after)
	}
	return u
}

// encode makes the messages: a delta, or a snapshot if there is none or it is too large.
func (u *update) encode(portfolio string) {
	if u.after != 0 {
		u.messages = encodeDelta(portfolio, u.after, u.sequence, u.delta)
	}
	if u.messages == nil {
		u.messages = encodeSnapshot(portfolio, u.sequence, *u.latest)
	}
}

// keep keeps an update for other clients, unless it is out of date.
func (s *stream) keep(u update) {
	if s.latest.Valuation == u.latest {
		u.delta, u.latest = Delta{}, nil // nothing needs them any more
		s.last = u
	}
}

// nextStale returns when the next price of a valuation becomes stale.
func nextStale(v *backend.Valuation) (next time.Time) {
	soon := func(at time.Time, stale bool) {
		// It is fresh up to and including that time.
		if at = at.Add(time.Millisecond); !stale && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, q := range v.Quotes {
		soon(q.StaleFrom(), q.Stale)
	}
	for _, r := range v.Rates {
		soon(r.StaleFrom(), r.Stale)
	}
	return next
}

// currencies returns the currencies whose rates affect a valuation.
func currencies(v *backend.Valuation) map[backend.Currency]bool {
	all := map[backend.Currency]bool{v.Base: true}
	for _, p := range v.Positions {
		all[p.Currency] = true
	}
	for _, q := range v.Quotes {
		all[q.Currency] = true
	}
	for _, c := range v.Balances {
		all[c.Currency] = true
	}
	if len(all) > 1 {
		all[backend.RateBase] = true // of the legs of crosses
	}
	return all
}
