package push

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// claimSoon requests a claim of the streams that no instance publishes.
func (e *Engine) claimSoon() {
	select {
	case e.claims <- struct{}{}:
	default: // about to happen
	}
}

// keepLeases renews this instance's leases and takes over expired ones of other
// instances until ctx ends. If the store does not answer in time, the instance
// stops publishing before another one may start.
func (e *Engine) keepLeases(ctx context.Context) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	var goodUntil time.Time
	for {
		began := time.Now()
		if err := e.claim(ctx); err == nil {
			goodUntil = began.Add(leaseTTL)
		} else if ctx.Err() == nil {
			e.Log.Warn("claiming streams failed", slog.Any("error", err))
		}
		if time.Now().Add(heartbeat + claimTimeout).After(goodUntil) {
			e.dropAll()
		}
		e.housekeep(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-e.claims:
		}
	}
}

func (e *Engine) claim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	e.mu.Lock()
	var held []string // nil while the store knows: there may be ten thousand
	if e.dropped {
		held = slices.AppendSeq([]string{}, maps.Keys(e.streams))
		e.dropped = false
	}
	e.mu.Unlock()
	taken, kept, err := e.Store.Claim(ctx, e.Instance, held, leaseTTL)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.dropped = true // it is unknown what was taken
		return err
	}
	if !kept {
		e.dropEverything()
		e.dropped = false // the store has ended these leases
	}
	for _, l := range taken {
		if s := e.streams[l.Portfolio]; s != nil {
			e.drop(s)
		}
		s := &stream{lease: l, watchers: map[string]*watch{}, stale: true, reload: true, emptyFor: time.Now()}
		e.streams[l.Portfolio] = s
		e.enqueue(s)
	}
	return nil
}

// dropAll stops publishing everything.
func (e *Engine) dropAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dropEverything()
}

// dropEverything is dropAll; the lock is held.
func (e *Engine) dropEverything() {
	for _, s := range e.streams {
		e.drop(s)
	}
}

// housekeep does what is due by the clock.
func (e *Engine) housekeep(now time.Time) {
	e.mu.Lock()
	for _, s := range e.streams {
		if !s.staleAt.IsZero() && !now.Before(s.staleAt) {
			s.staleAt = time.Time{}
			e.revalue(s)
		}
		if !s.emptyFor.IsZero() && now.Sub(s.emptyFor) > idleStream {
			e.drop(s)
		}
	}
	subscriptions := 0
	for _, c := range e.conns {
		subscriptions += len(c.watches)
		if e.scheduleByTime(c, now) {
			e.ready(c)
		}
	}
	streams, conns := len(e.streams), len(e.conns)
	e.mu.Unlock()
	e.Metrics.Watched(streams, conns, subscriptions)
}

// drain waits for the valuations and posts that are due or in flight, within
// DrainTimeout.
func (e *Engine) drain() {
	for deadline := time.Now().Add(e.DrainTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		e.mu.Lock()
		working := e.working
		e.mu.Unlock()
		if working == 0 {
			return
		}
	}
	e.Log.Warn("shutting down with posts still due", "after", e.DrainTimeout.String())
}

// release ends all leases, for other instances to take over.
func (e *Engine) release(ctx context.Context) {
	e.dropAll()
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	if err := e.Store.Release(ctx, e.Instance); err != nil {
		e.Log.Warn("releasing streams failed", slog.Any("error", err)) // their leases expire
	}
}
