package source

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"portfolio/backend"

	"github.com/cenkalti/backoff/v5"
	"github.com/shopspring/decimal"
)

const (
	// idleFor is how long a feed sleeps at most: what is wanted may have changed.
	idleFor = heldFor
	// refusedFor is how long a source that refuses its key is not asked again.
	refusedFor = time.Hour
	// The pauses after failures double from the first to the longest, with jitter.
	firstPause, longestPause = 5 * time.Second, 15 * time.Minute
)

// Demand is what users hold or watch.
type Demand struct {
	Instruments []Instrument
	// Currencies are those that something is held, priced or valued in, with the
	// first day that rates are wanted of; 0 for the last one only.
	Currencies map[backend.Currency]backend.Date
}

// Wants returns what is held or watched now.
type Wants interface {
	Wanted(ctx context.Context) (Demand, error)
}

// Sink receives what a source published.
type Sink interface {
	// WritePrices stores prices and rates, at most backend.MaxBatch in all. The same
	// ones may come again.
	WritePrices(ctx context.Context, prices []Price, rates []Rate) error
	// Propose offers corporate actions to the owners of their symbols. The same ones
	// may come again.
	Propose(ctx context.Context, actions []Action) error
}

// Feed asks one source for what is wanted, at the source's pace. Only one
// instance runs it at a time.
type Feed struct {
	Source Source
	Wants  Wants
	Sink   Sink
	Store  Store
	Log    *slog.Logger
	Now    func() time.Time
	// Sleep reports whether d passed before ctx ended.
	Sleep    func(ctx context.Context, d time.Duration) bool
	Interval time.Duration   // between two prices of a symbol while its market is open
	Factor   decimal.Decimal // by which a price may differ from the one before; 0 for DefaultFactor

	mu    sync.Mutex // the stream and the calls share what follows
	state State
	pace  *pace
	pause *backoff.ExponentialBackOff
}

// Run asks until ctx ends. It returns an error only if the state cannot be loaded.
func (f *Feed) Run(ctx context.Context) error {
	if err := f.Start(ctx); err != nil {
		return err
	}
	if f.Source.Traits().Stream {
		var streaming sync.WaitGroup
		streaming.Go(func() { f.stream(ctx) })
		defer streaming.Wait()
	}
	for ctx.Err() == nil {
		next := f.Step(ctx)
		if pause := next.Sub(f.Now()); pause > 0 && !f.Sleep(ctx, min(pause, idleFor)) {
			break
		}
	}
	return nil
}

// Start loads what an earlier run has asked.
func (f *Feed) Start(ctx context.Context) error {
	state, err := f.Store.LoadSource(ctx, f.Source.Traits().Name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Factor.IsZero() {
		f.Factor = DefaultFactor
	}
	f.state = state
	f.pace = newPace(f.Source.Traits().Budget, state.Spent, f.Now())
	f.pause = backoff.NewExponentialBackOff()
	f.pause.InitialInterval, f.pause.MaxInterval, f.pause.Multiplier = firstPause, longestPause, 2
	return nil
}

// Step makes the most urgent call that is due, if there is one and the budget
// allows it, and returns when the next one may be.
func (f *Feed) Step(ctx context.Context) time.Time {
	now := f.Now()
	demand, err := f.Wants.Wanted(ctx)
	if err != nil {
		f.Log.Error("reading the demand failed", slog.Any("error", err))
		return now.Add(idleFor)
	}
	t, next := f.pick(demand, now)
	if t == nil {
		return next
	}
	err = t.run(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.record(*t, err, now)
	next = f.nextCall(f.tasks(demand, now), now)
	f.state.NextCall = next
	if err := f.Store.SaveSource(ctx, f.Source.Traits().Name, f.state); err != nil {
		f.Log.Error("saving the state of a source failed", "source", f.Source.Traits().Name, slog.Any("error", err))
	}
	return next
}

// pick returns the most urgent task that is due and counts its calls, or nil and
// when there may be one.
func (f *Feed) pick(d Demand, now time.Time) (*task, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	tasks := f.tasks(d, now)
	t := mostUrgent(tasks, now)
	if t == nil || f.pace.next(f.state.Spent, t.calls, t.routine(), now).After(now) {
		return nil, f.nextCall(tasks, now)
	}
	f.pace.spend(&f.state.Spent, t.calls, now)
	return t, now
}

// nextCall is when the next task is due and the budget allows it.
func (f *Feed) nextCall(tasks []task, now time.Time) time.Time {
	if len(tasks) == 0 {
		return now.Add(idleFor)
	}
	next := time.Time{}
	for _, t := range tasks {
		if at := f.pace.next(f.state.Spent, t.calls, t.routine(), later(now, t.due)); next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// record keeps how a call went, and pauses after a failure of the source.
func (f *Feed) record(t task, err error, now time.Time) {
	var general *Error
	for _, e := range outcomes(err) {
		if e.general() {
			general = e
			break
		}
		f.recordSymbol(e, now)
	}
	if general == nil {
		f.state.Failures, f.state.Outcome, f.state.Detail, f.state.LastSuccess = 0, "", "", now
		f.pause.Reset()
		return
	}
	f.state.Failures++
	f.state.Outcome, f.state.Detail = general.Outcome, general.Error()
	until := now.Add(f.pause.NextBackOff())
	switch {
	case general.Outcome == RateLimited && general.Until.After(now):
		until = general.Until
	case general.Outcome == Unauthorised:
		until = now.Add(refusedFor)
	}
	f.state.Spent.Paused = until
	f.Log.Warn("source failed", "source", f.Source.Traits().Name, "symbol", t.symbol, "again", until,
		slog.Any("error", general))
}

// recordSymbol keeps why a symbol has no price.
func (f *Feed) recordSymbol(e *Error, now time.Time) {
	s := f.state.symbol(e.Symbol)
	s.Outcome = e.Outcome
	pause := unknownFor
	if e.Outcome == NoPrice {
		pause = lateCloses
	}
	s.LatestAfter, s.ClosesAfter = now.Add(pause), now.Add(pause)
	if s.Latest.IsZero() {
		s.Latest = now
	}
	f.Log.Warn("a symbol has no price", "source", f.Source.Traits().Name, "symbol", e.Symbol, slog.Any("error", e))
}

func sortedKeys(m map[string]*Symbol) []string { return slices.Sorted(maps.Keys(m)) }
