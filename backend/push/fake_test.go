package push_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"
	"portfolio/contract/wire"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

const owner = "ann"

// world implements the stores, the market and the clients of a test in memory.
type world struct {
	t  *testing.T
	mu sync.Mutex

	connections map[string]backend.Connection
	subs        map[string]map[string]push.Subscriber // portfolio → connection
	leases      map[string]lease                      // by portfolio
	instances   map[string]time.Time                  // until when their leases are valid
	listeners   []func(string)
	storeErr    error
	forgotten   []string
	notices     []push.Notice
	closed      []string // connections that Close was called for

	ledgers map[string]backend.Ledger
	prices  backend.Prices
	slow    func() // called by each valuation after it has read the prices

	clients map[string]*client
	answer  map[string]func() error // called before a message is accepted
}

type lease struct {
	instance string
	epoch    int64
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, connections: map[string]backend.Connection{}, subs: map[string]map[string]push.Subscriber{},
		leases: map[string]lease{}, instances: map[string]time.Time{}, ledgers: map[string]backend.Ledger{},
		prices:  backend.Prices{Quotes: map[string]backend.Quote{}, Rates: map[backend.Pair]backend.Rate{}},
		clients: map[string]*client{}, answer: map[string]func() error{},
	}
}

// hold sets a portfolio to one unit of each symbol.
func (w *world) hold(portfolio string, symbols ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := backend.Ledger{Cash: map[backend.Currency]decimal.Decimal{}}
	for _, symbol := range symbols {
		l.Holdings = append(l.Holdings, backend.Holding{Symbol: symbol, Currency: "USD",
			Quantity: decimal.NewFromInt(1)})
	}
	w.ledgers[portfolio] = l
}

// quote sets a price and announces it to the engines, as the database does.
func (w *world) quote(symbol string, price int64, engines ...*push.Engine) {
	w.mu.Lock()
	now := time.Now()
	w.prices.Quotes[symbol] = backend.Quote{
		Symbol: symbol, Price: decimal.NewFromInt(price), Currency: "USD", Source: "test", Time: now, Received: now,
	}
	w.mu.Unlock()
	for _, e := range engines {
		e.Changed(backend.Change{Symbols: []string{symbol}})
	}
}

func (w *world) Valuation(_ context.Context, by, id string, _ time.Time) (backend.Valuation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l, found := w.ledgers[id]
	if !found || by != owner {
		return backend.Valuation{}, &backend.Error{Code: backend.CodeNotFound, Message: "there is no such portfolio"}
	}
	v := backend.Value(l, "USD", time.Now(), w.prices)
	if slow := w.slow; slow != nil {
		w.mu.Unlock() // the valuation is of what was read before
		slow()
		w.mu.Lock()
	}
	return v, nil
}

func (w *world) Post(_ context.Context, to backend.Connection, text []byte) error {
	w.mu.Lock()
	answer := w.answer[to.ID]
	w.mu.Unlock()
	if answer != nil {
		if err := answer(); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(text) > wire.MaxMessage {
		w.clients[to.ID].problems = append(w.clients[to.ID].problems, "message too large")
	}
	w.clients[to.ID].take(text)
	return nil
}

func (w *world) Subscribe(_ context.Context, connection, portfolio string, after int64, limit int, _ time.Time) error {
	w.mu.Lock()
	if w.storeErr != nil {
		defer w.mu.Unlock()
		return w.storeErr
	}
	if w.subs[portfolio] == nil {
		w.subs[portfolio] = map[string]push.Subscriber{}
	}
	w.subs[portfolio][connection] = push.Subscriber{Connection: w.connections[connection],
		After: after, Asked: time.Now()}
	w.mu.Unlock()
	w.announce(portfolio)
	return nil
}

func (w *world) announce(portfolio string) {
	w.mu.Lock()
	listeners := slices.Clone(w.listeners)
	w.mu.Unlock()
	for _, changed := range listeners {
		changed(portfolio)
	}
}

func (w *world) Unsubscribe(_ context.Context, connection, portfolio string) error {
	w.mu.Lock()
	delete(w.subs[portfolio], connection)
	w.mu.Unlock()
	w.announce(portfolio)
	return nil
}

func (w *world) Subscribers(_ context.Context, portfolio string, _ time.Time) (list []push.Subscriber, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.subs[portfolio] {
		list = append(list, s)
	}
	return list, w.storeErr
}

func (w *world) Claim(_ context.Context, instance string, held []string,
	ttl time.Duration) (taken []push.Lease, kept bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.storeErr != nil {
		return nil, false, w.storeErr
	}
	now := time.Now()
	kept = now.Before(w.instances[instance])
	w.instances[instance] = now.Add(ttl)
	for portfolio, l := range w.leases {
		if l.instance == instance && (!kept || held != nil && !slices.Contains(held, portfolio)) {
			w.leases[portfolio] = lease{epoch: l.epoch}
		}
	}
	for portfolio, subs := range w.subs {
		if len(subs) > 0 && !w.leased(portfolio) {
			l := lease{instance: instance, epoch: w.leases[portfolio].epoch + 1}
			w.leases[portfolio] = l
			taken = append(taken, push.Lease{Portfolio: portfolio, Owner: owner, Epoch: l.epoch})
		}
	}
	return taken, kept, nil
}

// leased reports whether an instance has the lease on a portfolio; the lock is held.
func (w *world) leased(portfolio string) bool {
	return time.Now().Before(w.instances[w.leases[portfolio].instance])
}

func (w *world) Release(_ context.Context, instance string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.instances, instance)
	return nil
}

func (w *world) Notices(context.Context, time.Duration, int) ([]push.Notice, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.notices
	w.notices = nil
	return list, w.storeErr
}

func (w *world) Noticed(context.Context, []int64) error { return nil }

func (w *world) Close(_ context.Context, c backend.Connection) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = append(w.closed, c.ID)
	return nil
}

func (w *world) Forget(_ context.Context, connections []string) error {
	w.mu.Lock()
	w.forgotten = append(w.forgotten, connections...)
	var changed []string
	for portfolio, subs := range w.subs {
		for _, id := range connections {
			delete(subs, id)
		}
		changed = append(changed, portfolio)
	}
	w.mu.Unlock()
	for _, portfolio := range changed {
		w.announce(portfolio)
	}
	return nil
}

func (w *world) ListenSubscriptions(ctx context.Context, changed func(string), lost func()) error {
	w.mu.Lock()
	w.listeners = append(w.listeners, changed)
	w.mu.Unlock()
	lost()
	<-ctx.Done()
	return nil
}

// engine runs an engine until the test or stop ends it.
func (w *world) engine(instance string) (e *push.Engine, stop func()) {
	e = push.New(push.Config{
		Log: slog.New(slog.DiscardHandler), Store: w, Valuer: w, Poster: w, Instance: instance,
		Rate: 100_000, Posters: 8,
	})
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Run(ctx)
	}()
	return e, func() {
		cancel()
		<-ended
	}
}

func (w *world) subscribe(e *push.Engine, connection, portfolio string, after int64) {
	require.NoError(w.t, e.Subscribe(w.t.Context(), connection, portfolio, after))
}

// watchedWorld returns a world with the portfolio p, which holds A at 1, and an engine
// that runs until the test ends.
func watchedWorld(t *testing.T) (*world, *push.Engine) {
	w := newWorld(t)
	w.hold("p", "A")
	w.quote("A", 1)
	e, stop := w.engine("one")
	t.Cleanup(stop)
	return w, e
}

// watchedBy returns a watchedWorld in which a client has a snapshot of p.
func watchedBy(t *testing.T, id string) (*world, *push.Engine, *client) {
	w, e := watchedWorld(t)
	c := w.connect(id)
	w.subscribe(e, id, "p", 0)
	process()
	return w, e, c
}
