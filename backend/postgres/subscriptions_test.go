package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/apigateway"
	"portfolio/backend/postgres"
	"portfolio/backend/push"
	"portfolio/backend/push/pushtest"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socket stores an open connection of a key.
func socket(t *testing.T, db *postgres.DB, by backend.Principal, id string) {
	t.Helper()
	c := connection(id, time.Now().Add(time.Hour))
	c.Owner, c.KeyID, c.ConnectedAt = by.Owner, by.KeyID, time.Now()
	require.NoError(t, db.Add(t.Context(), c))
}

func TestSubscribe(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	alice, bob := member(t, db, "alice"), member(t, db, "bob")
	p, q, other := portfolio(t, db, alice), portfolio(t, db, alice), portfolio(t, db, bob)
	socket(t, db, alice, "c")
	require.NoError(t, db.Add(ctx, connection("no such portfolio", time.Now().Add(time.Hour))))
	now := time.Now()
	subscribe := func(connection, portfolio string) error { return db.Subscribe(ctx, connection, portfolio, 7, 1, now) }

	assertCode(t, backend.CodeUnknownConnection, subscribe("d", p.ID))
	assertCode(t, backend.CodeForbidden, subscribe("no such portfolio", p.ID))
	assertCode(t, backend.CodeNotFound, subscribe("c", other.ID), "another owner's portfolio")
	assertCode(t, backend.CodeNotFound, subscribe("c", nobody))
	assertCode(t, backend.CodeNotFound, subscribe("c", "' or true --"))
	require.NoError(t, subscribe("c", p.ID))
	require.NoError(t, subscribe("c", p.ID), "again")
	assertCode(t, backend.CodeLimitReached, subscribe("c", q.ID))

	list, err := db.Subscribers(ctx, p.ID, now)
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, int64(7), list[0].After)
	assert.Equal(t, []string{"c", "api.example", "prod", "alice", alice.KeyID}, []string{list[0].Connection.ID,
		list[0].Connection.DomainName, list[0].Connection.Stage, list[0].Connection.Owner, list[0].Connection.KeyID})
	list, err = db.Subscribers(ctx, p.ID, now.Add(2*time.Hour))
	require.NoError(t, err)
	assert.Empty(t, list, "expired")

	require.NoError(t, db.Unsubscribe(ctx, "c", p.ID))
	require.NoError(t, db.Unsubscribe(ctx, "c", p.ID), "again")
	require.NoError(t, subscribe("c", q.ID), "below the limit again")
	require.NoError(t, db.Forget(ctx, []string{"c", "unknown"}))
	list, err = db.Subscribers(ctx, q.ID, now)
	require.NoError(t, err)
	assert.Empty(t, list, "removed with the connection")

	socket(t, db, bob, "b")
	require.NoError(t, db.RevokeKey(ctx, bob, bob.KeyID, time.Now()))
	assertCode(t, backend.CodeForbidden, db.Subscribe(ctx, "b", other.ID, 0, 1,
		time.Now().Add(time.Second)), "a revoked key")
}

func TestClaim(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	alice := member(t, db, "alice")
	p, idle := portfolio(t, db, alice), portfolio(t, db, alice)
	_ = idle // not watched
	socket(t, db, alice, "c")
	require.NoError(t, db.Subscribe(ctx, "c", p.ID, 0, 9, time.Now()))
	claim := func(instance string, held ...string) []push.Lease {
		leases, err := db.Claim(ctx, instance, held, 2*time.Second)
		require.NoError(t, err)
		return leases
	}
	lease := func(epoch int64) []push.Lease { return []push.Lease{{Portfolio: p.ID, Owner: "alice", Epoch: epoch}} }
	assert.Equal(t, lease(1), claim("one"))
	assert.Empty(t, claim("two"), "taken")
	assert.Equal(t, lease(1), claim("one", p.ID), "renewed")
	assert.Equal(t, lease(2), claim("one"), "no longer held: a new epoch")
	assert.Eventually(t, func() bool { return len(claim("two")) == 1 }, 30*time.Second,
		20*time.Millisecond, "not renewed")
	assert.Empty(t, claim("one", p.ID), "lost")
	require.NoError(t, db.Release(ctx, "one", []string{p.ID}), "held by another instance")
	assert.Empty(t, claim("one"))
	require.NoError(t, db.Release(ctx, "two", []string{p.ID}))
	assert.Equal(t, lease(4), claim("one"), "available at once")

	// Of many claims at once, one succeeds.
	require.NoError(t, db.Release(ctx, "one", []string{p.ID}))
	var mu sync.Mutex
	var got []push.Lease
	var racers sync.WaitGroup
	for i := range 8 {
		racers.Go(func() {
			leases, err := db.Claim(ctx, fmt.Sprint("racer-", i), nil, time.Minute)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			got = append(got, leases...)
		})
	}
	racers.Wait()
	assert.Equal(t, lease(5), got)
	require.NoError(t, db.DeletePortfolio(ctx, alice, p.ID, p.Version))
	assert.Empty(t, claim("racer", p.ID))
}

// Every change of subscribers is announced, whatever caused it.
func TestListenSubscriptions(t *testing.T) {
	db := migrated(t)
	ctx, cancel := context.WithCancel(t.Context())
	alice := member(t, db, "alice")
	p := portfolio(t, db, alice)
	socket(t, db, alice, "c")
	heard, listening := make(chan string, 100), make(chan bool, 1)
	ended := make(chan error)
	go func() {
		ended <- db.ListenSubscriptions(ctx, func(id string) { heard <- id }, func() { listening <- true })
	}()
	<-listening
	for _, do := range []func() error{
		func() error { return db.Subscribe(ctx, "c", p.ID, 0, 9, time.Now()) },
		func() error { return db.Subscribe(ctx, "c", p.ID, 5, 9, time.Now()) },
		func() error { return db.Unsubscribe(ctx, "c", p.ID) },
		func() error { return db.Subscribe(ctx, "c", p.ID, 0, 9, time.Now()) },
		func() error { return db.Remove(ctx, "c") },
	} {
		require.NoError(t, do())
		assert.Equal(t, p.ID, <-heard)
	}
	cancel()
	assert.NoError(t, <-ended)
	assert.Empty(t, heard)
}

// valuer values what the database has, without a cache.
type valuer struct{ *postgres.DB }

func (v valuer) Valuation(ctx context.Context, owner, id string, _ time.Time) (backend.Valuation, error) {
	p, txs, err := v.Load(ctx, owner, id)
	if err != nil {
		return backend.Valuation{}, err
	}
	now := time.Now().UTC()
	l, err := backend.Derive(ctx, p.Policy, txs, backend.DateOf(now))
	if err != nil {
		return backend.Valuation{}, err
	}
	var symbols []string
	for _, h := range l.Holdings {
		symbols = append(symbols, h.Symbol)
	}
	prices, err := v.Latest(ctx, symbols, []backend.Currency{p.Base})
	return backend.Value(l, p.Base, now, prices), err
}

// instance is the part of a service process that publishes.
func instance(t *testing.T, c postgres.Config, name, gateway string) (stop func()) {
	db, err := postgres.Open(t.Context(), c)
	require.NoError(t, err)
	poster, err := apigateway.New(apigateway.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKID", "SECRET", ""),
		Endpoint: gateway, Connections: 16,
	})
	require.NoError(t, err)
	e := push.New(push.Config{
		Log: slog.New(slog.DiscardHandler), Store: db, Valuer: valuer{db}, Poster: poster, Instance: name, Rate: 1000,
	})
	ctx, cancel := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	tasks.Go(func() { e.Run(ctx) })
	tasks.Go(func() { _ = db.Listen(ctx, e.Changed, e.Lost) })
	return sync.OnceFunc(func() {
		cancel()
		tasks.Wait()
		db.Close()
	})
}

// A quote and a transaction written at one instance reach clients whose portfolio
// another publishes. If an instance is gone, the other takes over.
func TestPushAcrossInstances(t *testing.T) {
	name := database(t)
	db := open(t, config(name))
	require.NoError(t, db.Migrate(t.Context()))
	ctx := t.Context()
	alice := member(t, db, "alice")
	p := portfolio(t, db, alice)
	record := func(quantity string) {
		_, _, err := db.Record(ctx, alice, p.ID, "",
			[]backend.Transaction{buy(backend.DateOf(time.Now()), "ACME", quantity, "10")})
		require.NoError(t, err)
	}
	quote := func(price string) {
		_, err := db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{{
			Symbol: "ACME", Price: dec(price), Currency: "EUR", Source: "test", Time: time.Now(), Received: time.Now(),
		}}, nil)
		require.NoError(t, err)
	}
	record("2")
	quote("11")

	type message struct {
		Type      string
		Portfolio string
		Sequence  int64
		Invested  *string
		Valuation struct{ Invested *string }
	}
	var mu sync.Mutex
	latest, sequence, last := map[string]string{}, map[string]int64{}, map[string]string{}
	gateway := pushtest.New(func(connection string, text []byte) {
		mu.Lock()
		defer mu.Unlock()
		var m message
		assert.NoError(t, json.Unmarshal(text, &m))
		if m.Portfolio != p.ID {
			return // with -count, the previous run had connections of the same names
		}
		assert.Greater(t, m.Sequence, sequence[connection], "in order: %s after %s: %s",
			connection, last[connection], text)
		last[connection] = string(text)
		invested := m.Invested
		if m.Type == "snapshot" {
			invested = m.Valuation.Invested
		}
		if invested != nil {
			latest[connection] = *invested
		}
		sequence[connection] = m.Sequence
	})
	defer gateway.Close()
	sees := func(want string, connections ...string) {
		t.Helper()
		for _, c := range connections {
			assert.Eventually(t, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return latest[c] == want
			}, time.Minute, 10*time.Millisecond, "%s sees %s", c, want)
		}
	}
	stopOne := instance(t, config(name), "one", gateway.URL)
	defer stopOne()
	for i := range 50 {
		id := fmt.Sprint("gone-", i)
		socket(t, db, alice, id)
		gateway.Answer(id, pushtest.Answer{Status: 410})
		require.NoError(t, db.Subscribe(ctx, id, p.ID, 0, 9, time.Now()))
	}
	socket(t, db, alice, "c=")
	socket(t, db, alice, "d=")
	require.NoError(t, db.Subscribe(ctx, "c=", p.ID, 0, 9, time.Now()))
	sees("22", "c=")
	stopTwo := instance(t, config(name), "two", gateway.URL)
	defer stopTwo()
	require.NoError(t, db.Subscribe(ctx, "d=", p.ID, 0, 9, time.Now()))
	quote("12")
	sees("24", "c=", "d=")
	record("1")
	sees("36", "c=", "d=")
	assert.Eventually(t, func() bool {
		list, err := db.Subscribers(ctx, p.ID, time.Now())
		return err == nil && len(list) == 2
	}, 30*time.Second, 20*time.Millisecond, "exactly the connections that are gone are forgotten")

	// The publisher crashes: its connections to the database are cut, and it does not
	// release its leases.
	stopOne()
	conn := inspect(t, name)
	_, err := conn.Exec(ctx, "update streams set instance_id = 'dead', epoch = epoch + 1, expires_at = now() + interval '1 second'")
	require.NoError(t, err)
	quote("13")
	sees("39", "c=", "d=")
	quote("14")
	sees("42", "c=", "d=")
}

// There is one notice for each connection that watches a portfolio when it is deleted,
// and one for each connection of a key when the key is revoked or expires.
func TestNotices(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	for _, id := range []string{"a", "b", "c"} {
		socket(t, db, by, id)
	}
	for _, id := range []string{"a", "b"} {
		require.NoError(t, db.Subscribe(ctx, id, p.ID, 0, 50, time.Now()))
	}
	notices := func() (all []string) {
		t.Helper()
		list, err := db.Notices(ctx, time.Hour, 100)
		require.NoError(t, err)
		var ids []int64
		for _, n := range list {
			assert.Equal(t, []string{"api.example", "prod"}, []string{n.Connection.DomainName, n.Connection.Stage})
			all, ids = append(all, n.Connection.ID+" "+n.Deleted), append(ids, n.ID)
		}
		again, err := db.Notices(ctx, time.Hour, 100)
		require.NoError(t, err)
		assert.Empty(t, again, "each is returned to one instance, until another attempt is due")
		require.NoError(t, db.Noticed(ctx, ids))
		return all
	}
	assert.Empty(t, notices())
	require.NoError(t, db.DeletePortfolio(ctx, by, p.ID, p.Version))
	assert.ElementsMatch(t, []string{"a " + p.ID, "b " + p.ID}, notices())
	assert.Empty(t, notices())

	expires := time.Now().Add(700 * time.Millisecond)
	secret := backend.HashSecret(backend.NewSecret())
	_, err := db.CreateKey(ctx, by, backend.APIKey{Label: "short", Scopes: backend.Scopes, ExpiresAt: &expires}, secret)
	require.NoError(t, err)
	short, err := db.Authenticate(ctx, secret, time.Now())
	require.NoError(t, err)
	socket(t, db, short, "short")
	socket(t, db, short, "short") // a retried handshake
	assert.Empty(t, notices(), "before it expires")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		list, err := db.Notices(ctx, time.Hour, 100)
		require.NoError(c, err)
		require.Len(c, list, 1)
		assert.Equal(c, []string{"short", ""}, []string{list[0].Connection.ID, list[0].Deleted})
		require.NoError(c, db.Noticed(ctx, []int64{list[0].ID}))
	}, 5*time.Second, 20*time.Millisecond)
	assert.False(t, time.Now().Before(expires))

	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, time.Now()))
	assert.ElementsMatch(t, []string{"a ", "b ", "c "}, notices())
	socket(t, db, by, "late") // whose ticket was redeemed before
	assert.Equal(t, []string{"late "}, notices())
}

// A notice that was not delivered is due again at any instance, until its connection
// is removed.
func TestNoticesAreRetried(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	socket(t, db, by, "a")
	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, time.Now()))
	for range 2 {
		list, err := db.Notices(ctx, 0, 1)
		require.NoError(t, err)
		assert.Len(t, list, 1)
	}
	require.NoError(t, db.Forget(ctx, []string{"a"}))
	list, err := db.Notices(ctx, 0, 1)
	require.NoError(t, err)
	assert.Empty(t, list)
}

// Simultaneous handshakes with one key do not exceed the limit of its connections.
func TestConnectionsOfOneKeyAreLimited(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	add := func(ctx context.Context, id string) error {
		c := connection(id, time.Now().Add(time.Hour))
		c.Owner, c.KeyID, c.ConnectedAt = by.Owner, by.KeyID, time.Now()
		return db.Add(ctx, c)
	}
	var next atomic.Int64
	assert.Equal(t, backend.MaxConnections, successes(t, backend.MaxConnections+20, func(ctx context.Context) error {
		return add(ctx, fmt.Sprint("c", next.Add(1)))
	}, backend.CodeLimitReached))
	var some string
	require.NoError(t, inspect(t, "testconnectionsofonekeyarelimited").QueryRow(ctx,
		"select connection_id from connections limit 1").Scan(&some))
	require.NoError(t, add(ctx, some), "a retried handshake")
	require.NoError(t, db.Remove(ctx, some))
	require.NoError(t, add(ctx, "another"))
	assertCode(t, backend.CodeLimitReached, add(ctx, "one more than the limit"))
}
