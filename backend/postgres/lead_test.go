package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLead(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	inside := false
	led, err := db.Lead(ctx, func(ctx context.Context) error {
		led, err := db.Lead(ctx, func(context.Context) error { inside = true; return nil })
		assert.False(t, led, "there is only one leader")
		return err
	})
	require.NoError(t, err)
	assert.True(t, led)
	assert.False(t, inside)

	failed := errors.New("failed")
	for range 2 { // the lock is released after an error, too
		led, err = db.Lead(ctx, func(context.Context) error { return failed })
		assert.True(t, led)
		require.ErrorIs(t, err, failed)
	}
}

func TestPortfoliosOfTimeZones(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	zones, err := db.TimeZones(ctx)
	require.NoError(t, err)
	assert.Empty(t, zones)
	first, second := portfolio(t, db, member(t, db, "alice")), portfolio(t, db, member(t, db, "bob"))
	sydney, _, err := db.CreatePortfolio(ctx, member(t, db, "carol"), "",
		backend.Portfolio{Name: "Far", Base: "AUD", Policy: backend.Policy{Method: backend.FIFO},
			TimeZone: "Australia/Sydney"})
	require.NoError(t, err)
	zones, err = db.TimeZones(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{"Australia/Sydney", "UTC"}, zones)

	later := time.Now().Add(time.Hour)
	page, err := db.PortfoliosIn(ctx, "UTC", later, "", 1)
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, first, page[0])
	page, err = db.PortfoliosIn(ctx, "UTC", later, page[0].ID, 10)
	require.NoError(t, err)
	require.Len(t, page, 1)
	assert.Equal(t, []string{second.ID, "bob"}, []string{page[0].ID, page[0].Owner})
	page, err = db.PortfoliosIn(ctx, "UTC", first.CreatedAt.Add(-time.Second), "", 10)
	require.NoError(t, err)
	assert.Empty(t, page)
	page, err = db.PortfoliosIn(ctx, "Australia/Sydney", later, "", 10)
	require.NoError(t, err)
	assert.Equal(t, []backend.Portfolio{sydney}, page)
	page, err = db.PortfoliosAt(ctx, later, first.ID, 10)
	require.NoError(t, err)
	assert.Equal(t, []string{second.ID, sydney.ID}, []string{page[0].ID, page[1].ID}, "of all time zones")
}
