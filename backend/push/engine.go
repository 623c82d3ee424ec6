package push

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"portfolio/backend"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// Engine publishes streams while Run is running.
type Engine struct {
	Config
	limiter *rate.Limiter
	claims  chan struct{} // requests a claim now
	notices chan struct{} // requests a look for notices now

	toValue *queue[*stream] // each at most once
	toPost  *queue[*conn]   // each at most once

	mu         sync.Mutex
	streams    map[string]*stream // by portfolio
	conns      map[string]*conn   // that watch one of them
	symbols    index[string]
	currencies index[backend.Currency]
	gone       map[string]bool  // connections to forget
	ended      map[string]bool  // connections whose key has ended, until they are closed
	working    int              // streams and connections queued or under way
	dropped    bool             // the store may have leases of this instance that it does not publish
	valuing    map[*stream]bool // under way
}

// index maps a symbol or currency to the streams that depend on it.
type index[K comparable] map[K]map[*stream]bool

func (x index[K]) add(key K, s *stream) {
	if x[key] == nil {
		x[key] = map[*stream]bool{}
	}
	x[key][s] = true
}

func (x index[K]) remove(key K, s *stream) {
	if delete(x[key], s); len(x[key]) == 0 {
		delete(x, key)
	}
}

// New returns an engine that publishes nothing yet.
func New(c Config) *Engine {
	if c.Metrics == nil {
		c.Metrics = NoMetrics{}
	}
	if c.Posters == 0 {
		c.Posters = 128
	}
	if c.Valuers == 0 {
		c.Valuers = 4
	}
	if c.DrainTimeout == 0 {
		c.DrainTimeout = 5 * time.Second
	}
	return &Engine{
		Config:  c,
		limiter: rate.NewLimiter(rate.Limit(c.Rate), max(1, int(c.Rate/10))),
		claims:  make(chan struct{}, 1),
		notices: make(chan struct{}, 1),
		toValue: newQueue[*stream](), toPost: newQueue[*conn](),
		streams: map[string]*stream{}, conns: map[string]*conn{},
		symbols: index[string]{}, currencies: index[backend.Currency]{}, gone: map[string]bool{},
		ended:   map[string]bool{},
		valuing: map[*stream]bool{},
	}
}

// Run publishes until ctx ends. Then it makes the posts that are due, within
// DrainTimeout, and releases its leases to the other instances.
func (e *Engine) Run(ctx context.Context) {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var tasks sync.WaitGroup
	for range e.Posters {
		tasks.Go(func() { e.postAll(work) })
	}
	for range e.Valuers {
		tasks.Go(func() { e.valueAll(work) })
	}
	tasks.Go(func() { e.forgetAll(work) })
	tasks.Go(func() { e.notifyAll(work) })
	var listening sync.WaitGroup
	listening.Go(func() { e.listen(ctx) })
	e.keepLeases(ctx)
	listening.Wait()
	e.drain()
	stop()
	tasks.Wait()
	e.release(context.WithoutCancel(ctx))
}

// Subscribe makes a connection watch a portfolio. The client already has everything
// up to the sequence number after, 0 for nothing.
func (e *Engine) Subscribe(ctx context.Context, connection, portfolio string, after int64) error {
	if err := e.Store.Subscribe(ctx, connection, portfolio, after, MaxSubscriptions, time.Now()); err != nil {
		return err
	}
	e.claimSoon() // where no instance publishes it, this one does
	return nil
}

// Unsubscribe ends a subscription.
func (e *Engine) Unsubscribe(ctx context.Context, connection, portfolio string) error {
	return e.Store.Unsubscribe(ctx, connection, portfolio)
}

// Changed must be called with each change made at any instance.
func (e *Engine) Changed(c backend.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s := e.streams[c.Portfolio]; s != nil {
		e.revalue(s)
	}
	for _, symbol := range c.Symbols {
		for s := range e.symbols[symbol] {
			e.revalue(s)
		}
	}
	for _, pair := range c.Pairs {
		for s := range e.currencies[pair.From] {
			if e.currencies[pair.To][s] {
				e.revalue(s)
			}
		}
	}
	for s := range e.valuing {
		s.meanwhile.Symbols = append(s.meanwhile.Symbols, c.Symbols...)
		s.meanwhile.Pairs = append(s.meanwhile.Pairs, c.Pairs...)
	}
	if c.RevokedKey != "" || c.SignedOut != "" {
		e.notifySoon()
	}
}

// Lost values everything again, because changes may have been missed.
func (e *Engine) Lost() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.streams {
		e.revalue(s)
	}
}

// revalue queues a stream for valuation; the lock is held.
func (e *Engine) revalue(s *stream) {
	s.stale = true
	e.enqueue(s)
}

// enqueue queues a stream to be brought up to date; the lock is held.
func (e *Engine) enqueue(s *stream) {
	if !s.queued && !s.running && !s.dropped {
		s.queued = true
		e.working++
		e.toValue.put(s)
	}
}

func (e *Engine) listen(ctx context.Context) {
	reload := func(s *stream) {
		s.reload = true
		e.enqueue(s)
	}
	changed := func(portfolio string) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if s := e.streams[portfolio]; s != nil {
			reload(s)
		}
	}
	lost := func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, s := range e.streams {
			reload(s)
		}
	}
	for ctx.Err() == nil {
		e.retry(ctx, "listening for subscriptions failed", func(ctx context.Context) error {
			return e.Store.ListenSubscriptions(ctx, changed, lost)
		})
	}
}

// drop stops publishing a stream without telling its clients; the lock is held. The next
// claim ends its lease.
func (e *Engine) drop(s *stream) {
	if s.dropped {
		return
	}
	s.dropped, e.dropped = true, true
	e.unindex(s)
	for _, w := range s.watchers {
		e.unwatch(w)
	}
	delete(e.streams, s.lease.Portfolio)
}

// end stops publishing a portfolio that was deleted. Its clients get notices.
func (e *Engine) end(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.drop(s)
	e.notifySoon()
}

// retry calls do until it succeeds or ctx ends, and logs each failure.
func (e *Engine) retry(ctx context.Context, failure string, do func(context.Context) error) {
	_, _ = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do(ctx) }, // only fails with ctx
		backoff.WithBackOff(newPauses()), backoff.WithMaxElapsedTime(0),
		backoff.WithNotify(func(err error, _ time.Duration) { e.Log.Warn(failure, slog.Any("error", err)) }))
}

// newPauses returns randomized pauses that double.
func newPauses() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: firstPause, MaxInterval: lastPause, Multiplier: 2, RandomizationFactor: 0.5,
	}
}
