package postgres_test

import (
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestObservedValues(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	assert.Zero(t, db.PoolUse(), "no connection is in use")
	newest, err := db.NewestQuote(ctx)
	require.NoError(t, err)
	assert.Zero(t, newest)

	require.NoError(t, db.Add(ctx, connection("a", now)))
	require.NoError(t, db.Add(ctx, connection("b", now.Add(time.Hour))))
	for at, want := range map[time.Time]int{now.Add(-time.Second): 2, now: 1, now.Add(time.Hour): 0} {
		n, err := db.OpenConnections(ctx, at)
		require.NoError(t, err)
		assert.Equal(t, want, n, "OpenConnections(%s)", at)
	}
	quote := func(symbol string, at time.Time) backend.Quote {
		return backend.Quote{Symbol: symbol, Price: dec("1"), Currency: "EUR", Source: "test", Time: at, Received: now}
	}
	_, err = db.WriteQuotes(ctx, backend.Principal{},
		[]backend.Quote{quote("A", now), quote("B", now.AddDate(0, 0, -3))}, nil)
	require.NoError(t, err)
	newest, err = db.NewestQuote(ctx)
	require.NoError(t, err)
	assert.True(t, newest.Equal(now), "NewestQuote() = %s, want %s", newest, now)
}

func TestPoolUse(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	tx := lockConnections(t, "testpooluse")
	ended := make(chan error, 1)
	go func() { ended <- db.Add(ctx, connection("a", now)) }()
	require.EventuallyWithT(t, func(c *assert.CollectT) { assert.Equal(c, 5.0, db.PoolUse(), "one of 20") },
		30*time.Second, 10*time.Millisecond)
	require.NoError(t, tx.Rollback(ctx))
	require.NoError(t, <-ended)
}
