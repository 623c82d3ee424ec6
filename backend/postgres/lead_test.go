package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLead(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	inside := false
	led, err := db.Lead(ctx, func(ctx context.Context) error {
		led, err := db.Lead(ctx, func(context.Context) error { inside = true; return nil })
		assert.False(t, led, "there is one leader")
		return err
	})
	require.NoError(t, err)
	assert.True(t, led)
	assert.False(t, inside)

	failed := errors.New("failed")
	for range 2 { // the lock is given back after an error too
		led, err = db.Lead(ctx, func(context.Context) error { return failed })
		assert.True(t, led)
		require.ErrorIs(t, err, failed)
	}
}

func TestPortfoliosAt(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	first, second := portfolio(t, db, member(t, db, "alice")), portfolio(t, db, member(t, db, "bob"))
	later := time.Now().Add(time.Hour)
	page, err := db.PortfoliosAt(ctx, later, "", 1)
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, first, page[0])
	page, err = db.PortfoliosAt(ctx, later, page[0].ID, 10)
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, []string{second.ID, "bob"}, []string{page[0].ID, page[0].Owner})
	page, err = db.PortfoliosAt(ctx, first.CreatedAt.Add(-time.Second), "", 10)
	require.NoError(t, err)
	assert.Empty(t, page)
}
