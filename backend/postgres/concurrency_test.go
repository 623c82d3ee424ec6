package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// successes makes n calls at once and counts those that succeed. The others must fail
// with a code.
func successes(t *testing.T, n int, call func(context.Context) error, otherwise backend.Code) int {
	t.Helper()
	var good atomic.Int64
	var callers sync.WaitGroup
	begin := make(chan struct{})
	for range n {
		callers.Go(func() {
			<-begin
			if err := call(t.Context()); err == nil {
				good.Add(1)
			} else {
				assertCode(t, otherwise, err)
			}
		})
	}
	close(begin)
	callers.Wait()
	return int(good.Load())
}

func TestConcurrentChanges(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	bought := recorded(t, db, by, p.ID, buy(day, "A", "1", "5"))[0]

	assert.Equal(t, 1, successes(t, 20, func(ctx context.Context) error {
		_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{sell(day, "A", "1", "6")})
		return err
	}, backend.CodeOversold), "sales of the last unit")

	var n atomic.Int64
	assert.Equal(t, 1, successes(t, 10, func(ctx context.Context) error {
		e := bought
		e.Note = fmt.Sprint(n.Add(1))
		_, err := db.UpdateEntry(ctx, by, p.ID, e)
		return err
	}, backend.CodeVersionConflict), "edits of one version of an entry")

	current, err := db.GetPortfolio(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(4), current.Version)
	assert.Equal(t, 1, successes(t, 10, func(ctx context.Context) error {
		_, err := db.UpdatePortfolio(ctx, by, current)
		return err
	}, backend.CodeVersionConflict), "edits of one version of a portfolio")

	var added atomic.Int64
	assert.Equal(t, 20, successes(t, 20, func(ctx context.Context) error {
		_, replayed, err := db.Record(ctx, by, p.ID, "one key", []backend.Transaction{deposit(day, "1")})
		if !replayed {
			added.Add(1)
		}
		return err
	}, ""), "all calls with one idempotency key are answered")
	assert.Equal(t, int64(1), added.Load(), "one of them adds an entry")

	assert.Equal(t, 30, successes(t, 30, func(ctx context.Context) error {
		_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{deposit(day, "1")})
		return err
	}, ""), "changes that do not conflict are not refused")
	_, txs, err := db.Load(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Len(t, txs, 2+1+30)
	sequences := map[int64]bool{}
	for _, tx := range txs {
		sequences[tx.Sequence] = true
	}
	assert.Len(t, sequences, len(txs), "sequences are unique")

	// Delete the portfolio while others write to it.
	current, err = db.GetPortfolio(ctx, "alice", p.ID)
	require.NoError(t, err)
	require.NoError(t, db.DeletePortfolio(ctx, by, p.ID, current.Version))
	assert.Zero(t, successes(t, 5, func(ctx context.Context) error {
		_, _, err := db.Record(ctx, by, p.ID, "one key", []backend.Transaction{deposit(day, "1")})
		return err
	}, backend.CodeNotFound))
}

// A loaded portfolio never has a version without its entries.
func TestLoadIsConsistent(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	var writer sync.WaitGroup
	writer.Go(func() {
		for range 100 {
			_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{deposit(day, "1")})
			assert.NoError(t, err)
		}
	})
	for version := int64(0); version < 101; {
		q, txs, err := db.Load(ctx, "alice", p.ID)
		require.NoError(t, err)
		require.Equal(t, q.Version, int64(len(txs)+1))
		version = q.Version
	}
	writer.Wait()
}
