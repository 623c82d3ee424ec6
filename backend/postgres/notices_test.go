package postgres_test

import (
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
