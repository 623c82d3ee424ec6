package push

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"portfolio/backend"
)

// valueAll brings streams up to date, one after the other.
func (e *Engine) valueAll(ctx context.Context) {
	for {
		s, ok := e.toValue.take(ctx)
		if !ok {
			return
		}
		e.mu.Lock()
		s.queued, s.running = false, true
		reload, stale := s.reload, s.stale || s.latest.Valuation == nil
		s.reload, s.stale = false, false
		e.valuing[s], s.meanwhile = true, backend.Change{}
		e.mu.Unlock()
		err := e.refresh(ctx, s, reload, stale)
		e.mu.Lock()
		s.running = false
		delete(e.valuing, s)
		e.working--
		if err != nil {
			s.reload, s.stale = s.reload || reload, s.stale || stale
			e.mu.Unlock()
			e.failed(ctx, s, err)
			continue
		}
		if s.reload || s.stale {
			e.enqueue(s)
		}
		e.mu.Unlock()
	}
}

// failed handles a stream that could not be brought up to date: it ends, or it is
// tried again.
func (e *Engine) failed(ctx context.Context, s *stream, err error) {
	if known := (*backend.Error)(nil); errors.As(err, &known) && known.Code == backend.CodeNotFound {
		e.end(s)
		return
	}
	if ctx.Err() != nil {
		return
	}
	e.Log.Warn("valuing a portfolio failed", "portfolio", s.lease.Portfolio, slog.Any("error", err))
	time.AfterFunc(time.Second, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.enqueue(s)
	})
}

// refresh reads the subscribers of a stream and its valuation.
func (e *Engine) refresh(ctx context.Context, s *stream, reload, stale bool) error {
	ctx, cancel := context.WithTimeout(ctx, valuationTimeout)
	defer cancel()
	now := time.Now()
	if reload {
		list, err := e.Store.Subscribers(ctx, s.lease.Portfolio, now)
		if err != nil {
			return err
		}
		fresh := e.setWatchers(s, list)
		stale = stale || fresh && now.Sub(s.latest.AsOf) > time.Second
	}
	if !stale {
		return nil
	}
	v, err := e.Valuer.Valuation(ctx, s.lease.Owner, s.lease.Portfolio, time.Time{})
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.dropped {
		return nil
	}
	if s.exhausted() {
		e.drop(s) // and claimed again with the next epoch
		e.claimSoon()
		return nil
	}
	changed := s.advance(&v)
	e.reindex(s)
	s.stale = s.stale || e.concerned(s, s.meanwhile)
	for _, w := range s.watchers {
		if changed || w.pending() {
			e.ready(w.conn)
		}
	}
	return nil
}

// setWatchers sets the subscribers of a stream. It reports whether any is new and
// the stream has a valuation to send.
func (e *Engine) setWatchers(s *stream, list []Subscriber) (fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s.dropped {
		return false
	}
	left := maps.Clone(s.watchers)
	for _, sub := range list {
		id := sub.Connection.ID
		if e.gone[id] || e.ended[id] {
			continue // the store is about to forget it
		}
		w := left[id]
		delete(left, id)
		if w != nil && w.asked.Equal(sub.Asked) {
			continue
		}
		if w == nil {
			w = &watch{stream: s, conn: e.connection(sub.Connection)}
			s.watchers[id], w.conn.watches = w, append(w.conn.watches, w)
		}
		w.asked, w.sent = sub.Asked, 0
		if s.latest.Valuation != nil && s.latest.Knows(sub.After) {
			w.sent = sub.After
		}
		fresh = true
		e.ready(w.conn)
	}
	for _, w := range left {
		e.unwatch(w)
	}
	s.emptyFor = time.Time{}
	if len(s.watchers) == 0 {
		s.emptyFor = time.Now()
	}
	return fresh && s.latest.Valuation != nil
}

// reindex registers a stream for changes of its prices; the lock is held.
func (e *Engine) reindex(s *stream) {
	e.unindex(s)
	for _, p := range s.latest.Positions {
		s.symbols = append(s.symbols, p.Symbol)
		e.symbols.add(p.Symbol, s)
	}
	s.money = slices.Collect(maps.Keys(currencies(s.latest.Valuation)))
	for _, c := range s.money {
		e.currencies.add(c, s)
	}
}

// concerned reports whether changes of prices concern a stream. Changes that arrived
// while it was being valued could not find it in the index; the lock is held.
func (e *Engine) concerned(s *stream, c backend.Change) bool {
	for _, symbol := range c.Symbols {
		if e.symbols[symbol][s] {
			return true
		}
	}
	for _, pair := range c.Pairs {
		if e.currencies[pair.From][s] && e.currencies[pair.To][s] {
			return true
		}
	}
	return false
}

// unindex undoes reindex; the lock is held.
func (e *Engine) unindex(s *stream) {
	for _, symbol := range s.symbols {
		e.symbols.remove(symbol, s)
	}
	for _, c := range s.money {
		e.currencies.remove(c, s)
	}
	s.symbols, s.money = s.symbols[:0], nil
}
