package push

import (
	"time"

	"portfolio/backend"
)

// stream is a portfolio that this instance publishes, guarded by the engine's lock.
// What it points to is never changed.
type stream struct {
	lease    Lease
	latest   *backend.Valuation // nil until the first one
	sequence int64              // of latest
	ring     []entry            // the steps to latest, the oldest first, without gaps
	watchers map[string]*watch  // by connection
	symbols  []string           // it is in the index under these
	money    []backend.Currency // and these
	staleAt  time.Time          // when the next price becomes too old; zero for none
	emptyFor time.Time          // since when there are no subscribers; zero if there are any

	queued, running, dropped bool
	stale                    bool           // latest may be out of date
	reload                   bool           // watchers may be
	meanwhile                backend.Change // prices that changed while it is valued
	encoded                  encoded
}

// entry is one step of a stream.
type entry struct {
	after, sequence int64
	delta           Delta
	received        time.Time // of the oldest quote that is new in it
}

// encoded is the last message made, which most connections need too.
type encoded struct {
	after, sequence int64
	messages        [][]byte
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
	return w.stream.latest != nil && w.sent != w.stream.sequence
}

// advance adds a valuation and reports whether clients need an update.
func (s *stream) advance(v *backend.Valuation) bool {
	s.staleAt = nextStale(v)
	if s.latest == nil || s.latest.Base != v.Base {
		// There is no delta between base currencies.
		s.latest, s.ring = v, nil
		s.sequence = max(s.sequence, s.lease.Epoch<<counterBits) + 1
		return true
	}
	d, changed := Diff(s.latest, v)
	old := s.latest
	s.latest = v
	if !changed {
		s.encoded = encoded{} // a snapshot would show old ages
		return false
	}
	if len(s.ring) == ringSize {
		s.ring = append(s.ring[:0:0], s.ring[1:]...)
	}
	s.ring = append(s.ring, entry{after: s.sequence, sequence: s.sequence + 1, delta: d, received: received(old, d)})
	s.sequence++
	return true
}

// exhausted reports whether the epoch has run out of numbers.
func (s *stream) exhausted() bool {
	const last = 1<<counterBits - 1
	return s.sequence&last == last
}

// since returns the steps after a number, none if the number is too old.
func (s *stream) since(sent int64) []entry {
	for i, e := range s.ring {
		if e.after == sent {
			return s.ring[i:]
		}
	}
	return nil
}

// knows reports whether a client that has everything up to a number can continue
// from there.
func (s *stream) knows(after int64) bool {
	return after == s.sequence || s.since(after) != nil
}

// received returns when the oldest new price of a delta was received, the zero time
// if it has none.
func received(old *backend.Valuation, d Delta) (oldest time.Time) {
	earlier := func(t time.Time) {
		if oldest.IsZero() || t.Before(oldest) {
			oldest = t
		}
	}
	for _, q := range d.Quotes {
		earlier(q.Received)
	}
	known := map[backend.Pair]time.Time{}
	for _, r := range old.Rates {
		known[r.Pair] = r.Received
	}
	for _, r := range d.Rates {
		if !known[r.Pair].Equal(r.Received) {
			earlier(r.Received)
		}
	}
	return oldest
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
