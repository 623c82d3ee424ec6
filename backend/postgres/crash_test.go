package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/contract/wire"
	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// PostgreSQL is killed during writes and comes back. Callers try again with the same
// idempotency key, as they should: no answered write is lost, and none is recorded
// twice, whether or not its answer was lost with the server.
func TestServerIsKilledBetweenWrites(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	mortal, db := startMortal(t)
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	h := listen(t, db)
	go func() {
		for range h.changes { // not compared; Listen must reconnect
		}
	}()

	const writers, writes, kills = 6, 120, 2
	var answered, failed atomic.Int64
	var acknowledged sync.Map // id by note
	var running sync.WaitGroup
	write := func(note string) {
		tx := deposit(day, "1")
		tx.Note = note
		for ctx.Err() == nil {
			list, _, err := db.Record(ctx, by, p.ID, note, []backend.Transaction{tx})
			if err == nil {
				acknowledged.Store(note, list[0].ID)
				answered.Add(1)
				return
			}
			failed.Add(1)
			assertCode(t, wire.CodeUnavailable, err)
			time.Sleep(5 * time.Millisecond)
		}
	}
	for w := range writers {
		running.Go(func() {
			for i := range writes {
				write(fmt.Sprintf("%d-%d", w, i))
			}
		})
	}
	for kill := range kills {
		before := int64((kill + 1) * writers * writes / (kills + 2))
		require.Eventually(t, func() bool { return answered.Load() >= before }, time.Minute, time.Millisecond)
		require.NoError(t, mortal.Kill())
		require.NoError(t, mortal.Restart(ctx))
		within(t, h.lost)
	}
	running.Wait()
	assert.NotZero(t, failed.Load(), "the server was unreachable")
	require.Equal(t, int64(writers*writes), answered.Load())

	after, txs, err := db.Load(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Len(t, txs, writers*writes)
	assert.Equal(t, int64(1+writers*writes), after.Version)
	slices.SortFunc(txs, func(a, b backend.Transaction) int { return int(a.Sequence - b.Sequence) })
	for i, tx := range txs {
		id, found := acknowledged.LoadAndDelete(tx.Note)
		assert.True(t, found, "%s was recorded twice, or without an answer", tx.Note)
		assert.Equal(t, []any{id, int64(i + 1)}, []any{tx.ID, tx.Sequence})
	}
	assert.Equal(t, 1+1+writers*writes, auditLines(t, db, "alice"), "each entry has a line in the audit")
}

// startMortal starts a server that a test may kill, with a migrated database.
func startMortal(t *testing.T) (*servers.Postgres, *postgres.DB) {
	t.Helper()
	mortal, err := servers.StartPostgres(t.Context(), servers.PostgresConfig{Durable: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, mortal.Stop()) })
	require.NoError(t, mortal.CreateDatabase(t.Context(), "mortal", "mortal", "secret"))
	db := open(t, configAt("mortal", mortal.Port, mortal.CAFile))
	require.NoError(t, db.Migrate(t.Context()))
	return mortal, db
}

// auditLines counts the lines of an owner's audit.
func auditLines(t *testing.T, db *postgres.DB, owner string) (n int) {
	t.Helper()
	for after := ""; ; {
		part, next, err := db.Audit(t.Context(), owner, backend.Page{Limit: backend.MaxPage, After: after})
		require.NoError(t, err)
		if n += len(part); next == "" {
			return n
		}
		after = next
	}
}
