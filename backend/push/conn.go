package push

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"

	"github.com/cenkalti/backoff/v5"
)

// conn is a client that watches streams of this instance, guarded by the engine's
// lock. Its messages are composed when its turn comes, from the newest state.
type conn struct {
	info    backend.Connection
	watches []*watch // the one whose turn it is comes first

	queued, busy bool // at most one post is in flight
	blocked      bool // pausing after a failed post
	closed       bool
	failures     int                         // in a row
	pauses       *backoff.ExponentialBackOff // between posts after failures
	notices      [][]byte
	lastPost     time.Time
	keepAlive    bool // due
	warned       bool // of the cut
}

// connection returns the conn of a connection; the lock is held.
func (e *Engine) connection(info backend.Connection) *conn {
	c := e.conns[info.ID]
	if c == nil {
		c = &conn{info: info, lastPost: time.Now()}
		e.conns[info.ID] = c
	}
	return c
}

// unwatch ends a watch; the lock is held.
func (e *Engine) unwatch(w *watch) {
	delete(w.stream.watchers, w.conn.info.ID)
	w.conn.watches = slices.DeleteFunc(w.conn.watches, func(other *watch) bool { return other == w })
	if len(w.conn.watches) == 0 && e.conns[w.conn.info.ID] == w.conn {
		delete(e.conns, w.conn.info.ID)
	}
}

// ready queues a connection that is due a message; the lock is held.
func (e *Engine) ready(c *conn) {
	if c.queued || c.busy || c.blocked || c.closed || !c.due() {
		return
	}
	c.queued = true
	e.working++
	e.toPost.put(c)
}

func (c *conn) due() bool {
	return len(c.notices) > 0 || c.keepAlive || slices.ContainsFunc(c.watches, (*watch).pending)
}

// scheduleByTime reports whether a connection is due a message because of the time:
// a warning before API Gateway cuts it, or a keepalive; the lock is held.
func (e *Engine) scheduleByTime(c *conn, now time.Time) bool {
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

// delivery is what is posted to a connection at once.
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
		e.recordResult(c, d, err)
		e.ready(c)
		e.mu.Unlock()
	}
}

// next returns what is due for a connection.
func (e *Engine) next(c *conn) delivery {
	e.mu.Lock()
	if len(c.notices) > 0 {
		defer e.mu.Unlock()
		return delivery{messages: c.notices}
	}
	if i := slices.IndexFunc(c.watches, (*watch).pending); i >= 0 {
		w := c.watches[i]
		c.watches = append(slices.Delete(c.watches, i, i+1), w)
		s, asked, u := w.stream, w.asked, w.stream.update(w.sent)
		e.mu.Unlock()
		if u.messages == nil {
			u.encode(s.lease.Portfolio) // without the lock, since it takes a while
			e.mu.Lock()
			s.keep(u)
			e.mu.Unlock()
		}
		return delivery{messages: u.messages, watch: w, asked: asked, sequence: u.sequence, received: u.received}
	}
	defer e.mu.Unlock()
	if c.keepAlive {
		return delivery{messages: [][]byte{keepAlive}}
	}
	return delivery{}
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

// recordResult updates a connection after its posts; the lock is held.
func (e *Engine) recordResult(c *conn, d delivery, err error) {
	switch result(err) {
	case ResultPosted:
		c.failures = 0
		if len(d.messages) == 0 {
			return
		}
		c.lastPost, c.keepAlive = time.Now(), false
		if d.watch == nil {
			c.notices = c.notices[min(len(d.messages), len(c.notices)):]
		} else if d.watch.asked.Equal(d.asked) { // otherwise it has subscribed again meanwhile
			d.watch.sent = d.sequence
		}
	case ResultGone:
		e.close(c)
	case ResultLimited:
		e.block(c)
	default:
		if c.failures == 0 {
			e.Log.Warn("posting to a connection failed", "connectionId", c.info.ID, slog.Any("error", err))
		}
		e.block(c)
		if c.failures >= maxFailures {
			c.notices = nil
			for _, w := range c.watches {
				w.sent = 0 // it is unknown what arrived
			}
		}
	}
}

// close ends a connection that is gone; the lock is held.
func (e *Engine) close(c *conn) {
	e.gone[c.info.ID] = true
	e.leave(c)
}

// leave ends all watches of a connection; the lock is held.
func (e *Engine) leave(c *conn) {
	c.closed = true
	for _, w := range slices.Clone(c.watches) {
		e.unwatch(w)
		if len(w.stream.watchers) == 0 {
			w.stream.emptyFor = time.Now()
		}
	}
}

// block holds back posts to a connection for a while; the lock is held.
func (e *Engine) block(c *conn) {
	if c.failures == 0 {
		c.pauses = newPauses()
	}
	c.failures++
	c.blocked = true
	time.AfterFunc(c.pauses.NextBackOff(), func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		c.blocked = false
		e.ready(c)
	})
}

// forgetAll removes connections that are gone from the store until ctx ends.
func (e *Engine) forgetAll(ctx context.Context) {
	ticker := time.NewTicker(forgetEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.retry(ctx, "removing connections that are gone failed", e.forgetGone)
		}
	}
}

func (e *Engine) forgetGone(ctx context.Context) error {
	e.mu.Lock()
	ids := slices.Collect(maps.Keys(e.gone))
	e.mu.Unlock()
	return e.forget(ctx, ids)
}
