package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

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
