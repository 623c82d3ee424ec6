package http_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	backendhttp "portfolio/backend/http"
	"portfolio/backend/source"
)

var (
	now     = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	oldKey  = []byte("the previous key")
	goodKey = []byte("the current key")
	newKey  = []byte("the next key")
)

// fakes are the service's dependencies, in memory.
type fakes struct {
	*memory
	mu          sync.Mutex
	instruments map[string]backend.Instrument
	proposals   []backend.Proposal
	keys, fresh [][]byte // before and after Refresh
	keysErr     error
	refreshErr  error
	seen        map[string]time.Duration
	connections map[string]backend.Connection
	storeErr    error
	storePanic  bool
	storeDelay  time.Duration
	checks      map[string]func(context.Context) error
	log         bytes.Buffer
	answered    []string          // routes
	quoted      []time.Time       // newest time of each batch
	days        map[string]string // stored valuations, by portfolio and day
	daysErr     error
	watched     []string // calls of Live
	liveErr     error
	balancers   netip.Prefix
	provider    backend.IdentityProvider
	handler     *backendhttp.Handler
	clock       time.Duration // added to now
}

func (f *fakes) Subscribe(_ context.Context, connection, portfolio string, after int64) error {
	f.watched = append(f.watched, fmt.Sprint("subscribe ", connection, " ", portfolio, " ", after))
	return f.liveErr
}

func (f *fakes) Unsubscribe(_ context.Context, connection, portfolio string) error {
	f.watched = append(f.watched, fmt.Sprint("unsubscribe ", connection, " ", portfolio))
	return f.liveErr
}

func (f *fakes) Answered(route string, took time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if took < 0 {
		route += " took negative time"
	}
	f.answered = append(f.answered, route)
}

func (f *fakes) Day(_ context.Context, portfolio string, day backend.Date) ([]byte, bool, error) {
	text, stored := f.days[portfolio+" "+day.String()]
	return []byte(text), stored, f.daysErr
}

func (f *fakes) Quoted(newest backend.Quote) { f.quoted = append(f.quoted, newest.Time) }

func (f *fakes) SourceStatuses(_ context.Context, owner string) ([]source.Status, error) {
	left := 799
	return []source.Status{{Source: "twelvedata", State: source.Working, CallsLeft: &left, Held: []source.Held{},
		Problems: map[string]source.Outcome{owner: source.UnknownSymbol}}}, nil
}

func (f *fakes) Keys(context.Context) ([][]byte, error)    { return f.keys, f.keysErr }
func (f *fakes) Refresh(context.Context) ([][]byte, error) { return f.fresh, f.refreshErr }

func (f *fakes) Remember(_ context.Context, id string, ttl time.Duration) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, seen := f.seen[id]
	f.seen[id] = ttl
	return !seen, nil
}

func (f *fakes) Add(ctx context.Context, c backend.Connection) error {
	if f.storePanic {
		panic("secret-detail")
	}
	select {
	case <-time.After(f.storeDelay):
	case <-ctx.Done():
		return ctx.Err()
	}
	if f.storeErr == nil {
		f.connections[c.ID] = c
	}
	return f.storeErr
}

func (f *fakes) Known(_ context.Context, id string, _ time.Time) (bool, error) {
	_, known := f.connections[id]
	return known, f.storeErr
}

func (f *fakes) Remove(_ context.Context, id string) error {
	if f.storeErr == nil {
		delete(f.connections, id)
	}
	return f.storeErr
}

// reader is the principal whose ticket is in connectBody.
var reader = backend.Principal{KeyID: "k-1", Owner: "ann", Scopes: []backend.Scope{backend.ScopeRead}}

// ticket makes the ticket in connectBody valid.
func (f *fakes) ticket(by backend.Principal) { f.tickets[backend.HashSecret("t-1")] = by }

func newFakes() *fakes {
	f := &fakes{
		memory: newMemory(),
		keys:   [][]byte{goodKey, oldKey}, fresh: [][]byte{newKey, goodKey},
		seen: map[string]time.Duration{}, connections: map[string]backend.Connection{"c-1": {}},
	}
	f.ticket(reader)
	return f
}

// serve runs the service's real server on the fakes.
func (f *fakes) serve(t testing.TB) *httptest.Server {
	t.Helper()
	log := slog.New(slog.NewJSONHandler(&f.log, nil))
	handler := backendhttp.NewHandler(backendhttp.Dependencies{
		Log: log, Metrics: f, Now: func() time.Time { return now.Add(f.clock) },
		Keys: f, Replays: f, Connections: f, Checks: f.checks,
		APIKeys: f, Sessions: f, Identities: f, Provider: f.provider, Portfolios: f, Imports: f, Tickets: f, Tracker: f,
		Days: f, Market: f, Sources: f, Instruments: f, Proposals: f, Live: f, RateLimit: 100,
		Balancers: f.balancers, Socket: "wss://socket.example/prod",
	})
	f.handler = handler
	server := httptest.NewUnstartedServer(nil)
	server.Config = backendhttp.NewServer(handler, log)
	server.Start()
	t.Cleanup(server.Close)
	return server
}
