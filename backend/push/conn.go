package push

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// conn is a client that watches streams of this instance. The engine's lock
// guards it. What it gets is made when its turn comes, of what is newest then.
type conn struct {
	info    backend.Connection
	watches map[string]*watch // by portfolio

	queued, busy bool // at most one post is under way
	blocked      bool // until a pause after a post that failed is over
	closed       bool
	failures     int // in a row
	notices      [][]byte
	lastPost     time.Time
	keepAlive    bool // due
	warned       bool // of the cut
}

// connection gives the conn of a connection; lock held.
func (e *Engine) connection(info backend.Connection) *conn {
	c := e.conns[info.ID]
	if c == nil {
		c = &conn{info: info, watches: map[string]*watch{}, lastPost: time.Now()}
		e.conns[info.ID] = c
	}
	return c
}

// unwatch ends a watch; lock held.
func (e *Engine) unwatch(w *watch) {
	delete(w.stream.watchers, w.conn.info.ID)
	delete(w.conn.watches, w.stream.lease.Portfolio)
	if len(w.conn.watches) == 0 && e.conns[w.conn.info.ID] == w.conn {
		delete(e.conns, w.conn.info.ID)
	}
}

// ready queues a connection that has something to get; lock held.
func (e *Engine) ready(c *conn) {
	if c.queued || c.busy || c.blocked || c.closed || !c.due() {
		return
	}
	c.queued = true
	e.working++
	e.toPost.put(c)
}

func (c *conn) due() bool {
	if len(c.notices) > 0 || c.keepAlive {
		return true
	}
	for _, w := range c.watches {
		if w.pending() {
			return true
		}
	}
	return false
}

// remind reports whether a connection has to hear something because of the
// time; lock held.
func (e *Engine) remind(c *conn, now time.Time) bool {
	left := c.info.ConnectedAt.Add(wire.ConnectionLifetime).Sub(now)
	switch {
	case left <= warnBefore && left > 0 && !c.warned:
		c.warned = true
		c.notices = append(c.notices, reconnect(left))
	case now.Sub(c.lastPost) >= keepAliveAfter:
		c.keepAlive = true
	default:
		return false
	}
	return true
}

// delivery is what one turn of a connection posts.
type delivery struct {
	messages [][]byte
	watch    *watch // nil for a notice
	asked    time.Time
	sequence int64     // the client's afterwards
	received time.Time // of the oldest new quote in it
}

// postAll posts to connections, one after the other.
func (e *Engine) postAll(ctx context.Context) {
	for {
		c, ok := e.toPost.take(ctx)
		if !ok {
			return
		}
		if e.limiter.Wait(ctx) != nil {
			return
		}
		e.mu.Lock()
		c.queued, c.busy = false, true
		e.mu.Unlock()
		d := e.next(c)
		err := e.deliver(ctx, c, d)
		e.mu.Lock()
		c.busy = false
		e.working--
		e.settle(c, d, err)
		e.ready(c)
		e.mu.Unlock()
	}
}

// next makes what is due for a connection.
func (e *Engine) next(c *conn) delivery {
	e.mu.Lock()
	if len(c.notices) > 0 {
		defer e.mu.Unlock()
		return delivery{messages: c.notices}
	}
	for _, w := range c.watches { // in any order, so that none is always last
		if !w.pending() {
			continue
		}
		s := w.stream
		d := delivery{watch: w, asked: w.asked, sequence: s.sequence}
		steps, latest, made := slices.Clone(s.since(w.sent)), s.latest, s.encoded
		sent, portfolio := w.sent, s.lease.Portfolio
		if len(steps) == 0 {
			sent = 0
		}
		for _, step := range steps {
			if d.received.IsZero() || !step.received.IsZero() && step.received.Before(d.received) {
				d.received = step.received
			}
		}
		e.mu.Unlock()
		if made.messages == nil || made.after != sent || made.sequence != d.sequence {
			made = encoded{after: sent, sequence: d.sequence, messages: compose(portfolio, sent, d.sequence, steps, latest)}
			e.mu.Lock()
			if s.latest == latest {
				s.encoded = made
			}
			e.mu.Unlock()
		}
		d.messages = made.messages
		return d
	}
	defer e.mu.Unlock()
	if c.keepAlive {
		return delivery{messages: [][]byte{keepAlive}}
	}
	return delivery{}
}

// compose encodes the steps as one delta, or a snapshot where there is none or
// it is too large.
func compose(portfolio string, sent, sequence int64, steps []entry, latest *backend.Valuation) [][]byte {
	if len(steps) > 0 {
		d := steps[0].delta
		for _, step := range steps[1:] {
			d = d.Then(step.delta)
		}
		if text := encodeDelta(portfolio, sent, sequence, d); text != nil {
			return [][]byte{text}
		}
	}
	return encodeSnapshot(portfolio, sequence, *latest)
}

// deliver posts messages in order, up to the first that fails.
func (e *Engine) deliver(ctx context.Context, c *conn, d delivery) error {
	for i, text := range d.messages {
		if i > 0 {
			if err := e.limiter.Wait(ctx); err != nil {
				return err
			}
		}
		once, cancel := context.WithTimeout(ctx, postTimeout)
		err := e.Poster.Post(once, c.info, text)
		cancel()
		lag := time.Duration(0)
		if !d.received.IsZero() {
			lag = time.Since(d.received)
		}
		e.Metrics.Posted(result(err), lag)
		if err != nil {
			return err
		}
	}
	return nil
}

func result(err error) Result {
	switch {
	case err == nil:
		return ResultPosted
	case errors.Is(err, ErrGone):
		return ResultGone
	case errors.Is(err, ErrLimited):
		return ResultLimited
	default:
		return ResultFailed
	}
}

// settle takes the outcome of a turn in; lock held.
func (e *Engine) settle(c *conn, d delivery, err error) {
	switch result(err) {
	case ResultPosted:
		c.failures = 0
		if len(d.messages) == 0 {
			return
		}
		c.lastPost, c.keepAlive = time.Now(), false
		if d.watch == nil {
			c.notices = c.notices[min(len(d.messages), len(c.notices)):]
		} else if d.watch.asked.Equal(d.asked) { // else it asked for something else meanwhile
			d.watch.sent = d.sequence
		}
	case ResultGone:
		e.close(c)
	case ResultLimited:
		e.block(c)
	default:
		if c.failures == 0 {
			e.Log.Warn("post", "connectionId", c.info.ID, "error", err.Error())
		}
		e.block(c)
		if c.failures >= maxFailures {
			c.notices = nil
			for _, w := range c.watches {
				w.sent = 0 // who knows what arrived
			}
		}
	}
}

// close forgets a connection that is gone; lock held.
func (e *Engine) close(c *conn) {
	e.gone[c.info.ID] = true
	e.leave(c)
}

// leave ends all watches of a connection; lock held.
func (e *Engine) leave(c *conn) {
	c.closed = true
	for _, w := range maps.Clone(c.watches) {
		e.unwatch(w)
		if len(w.stream.watchers) == 0 {
			w.stream.emptyFor = time.Now()
		}
	}
}

// block keeps a connection from getting anything for a while; lock held.
func (e *Engine) block(c *conn) {
	wait := min(firstPause<<min(c.failures, 10), lastPause)
	wait = wait/2 + rand.N(wait/2) //nolint:gosec // it spreads load and guards nothing
	c.failures++
	c.blocked = true
	time.AfterFunc(wait, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		c.blocked = false
		e.ready(c)
	})
}

// forgetAll has the store forget connections that are gone, many at a time.
func (e *Engine) forgetAll(ctx context.Context) {
	for pause(ctx, forgetEvery) {
		e.mu.Lock()
		ids := slices.Collect(maps.Keys(e.gone))
		e.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		once, cancel := context.WithTimeout(ctx, valuationTimeout)
		err := e.Store.Forget(once, ids)
		cancel()
		if err != nil {
			e.Log.Warn("forget connections", "error", err.Error())
			pause(ctx, time.Second)
			continue
		}
		e.mu.Lock()
		for _, id := range ids {
			delete(e.gone, id)
		}
		e.mu.Unlock()
	}
}
