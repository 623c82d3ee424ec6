package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/backend/push"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// claims is a portfolio that one connection watches, and the claims on it.
type claims struct {
	t    *testing.T
	db   *postgres.DB
	p    backend.Portfolio
	kept bool // by the last one
}

func newClaims(t *testing.T, db *postgres.DB, by backend.Principal) *claims {
	p := portfolio(t, db, by)
	portfolio(t, db, by) // not watched
	socket(t, db, by, "c")
	require.NoError(t, db.Subscribe(t.Context(), "c", p.ID, 0, 9, time.Now()))
	return &claims{t: t, db: db, p: p}
}

func (c *claims) claim(instance string, held []string) []push.Lease {
	c.t.Helper()
	taken, kept, err := c.db.Claim(c.t.Context(), instance, held, 2*time.Second)
	require.NoError(c.t, err)
	c.kept = kept
	return taken
}

func (c *claims) lease(epoch int64) []push.Lease {
	return []push.Lease{{Portfolio: c.p.ID, Owner: "alice", Epoch: epoch}}
}

func TestClaim(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	alice := member(t, db, "alice")
	c := newClaims(t, db, alice)
	assert.Equal(t, c.lease(1), c.claim("one", nil))
	assert.False(t, c.kept, "there were none")
	assert.Empty(t, c.claim("two", nil), "taken")
	assert.Empty(t, c.claim("one", nil))
	assert.True(t, c.kept)
	assert.Empty(t, c.claim("one", []string{c.p.ID}))
	assert.Equal(t, c.lease(2), c.claim("one", []string{}), "no longer held: a new epoch")
	assert.True(t, c.kept)
	assert.Eventually(t, func() bool { return len(c.claim("two", nil)) == 1 }, 30*time.Second,
		20*time.Millisecond, "not renewed")
	assert.Empty(t, c.claim("one", []string{c.p.ID}))
	assert.False(t, c.kept)
	require.NoError(t, db.Release(ctx, "one"), "held by another instance")
	assert.Empty(t, c.claim("one", nil))
	require.NoError(t, db.Release(ctx, "two"))
	assert.Equal(t, c.lease(4), c.claim("one", nil), "available at once")
	require.NoError(t, db.DeletePortfolio(ctx, alice, c.p.ID, c.p.Version))
	assert.Empty(t, c.claim("one", []string{c.p.ID}))
	assert.True(t, c.kept)
}

// Of many instances that claim at once, one succeeds.
func TestSimultaneousClaims(t *testing.T) {
	db := migrated(t)
	c := newClaims(t, db, member(t, db, "alice"))
	var mu sync.Mutex
	var got []push.Lease
	var racers sync.WaitGroup
	for i := range 8 {
		racers.Go(func() {
			leases, _, err := db.Claim(t.Context(), fmt.Sprint("racer-", i), nil, time.Minute)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			got = append(got, leases...)
		})
	}
	racers.Wait()
	assert.Equal(t, c.lease(1), got)
}

func TestExpiredInstance(t *testing.T) {
	db := migrated(t)
	c := newClaims(t, db, member(t, db, "alice"))
	admin := inspect(t, "testexpiredinstance")
	expire := func() {
		_, err := admin.Exec(t.Context(), "update instances set expires_at = now()")
		require.NoError(t, err)
	}
	require.Equal(t, c.lease(1), c.claim("one", nil))
	expire()
	assert.Equal(t, c.lease(2), c.claim("one", []string{c.p.ID}), "not noticed by another")
	assert.False(t, c.kept)

	// While an instance renews its row, its leases are not taken.
	expire()
	tx, err := admin.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(),
		"update instances set expires_at = now() + interval '1 minute' where instance_id = 'one'")
	require.NoError(t, err)
	assert.Empty(t, c.claim("two", nil))
	require.NoError(t, tx.Commit(t.Context()))
	assert.Empty(t, c.claim("two", nil))
	assert.Empty(t, c.claim("one", nil))
	assert.True(t, c.kept)
}

// During a deploy, instances of the previous version have leases of their own kind.
func TestLeasesOfThePreviousVersion(t *testing.T) {
	db := migrated(t)
	c := newClaims(t, db, member(t, db, "alice"))
	admin := inspect(t, "testleasesofthepreviousversion")
	_, err := admin.Exec(t.Context(), `
		insert into streams select portfolio_id, 'previous', 7, now() + interval '1 minute' from subscriptions`)
	require.NoError(t, err)
	assert.Empty(t, c.claim("one", nil))
	_, err = admin.Exec(t.Context(), "update streams set expires_at = now()")
	require.NoError(t, err)
	assert.Equal(t, c.lease(8), c.claim("one", nil))
	tag, err := admin.Exec(t.Context(), "update streams set expires_at = now() where expires_at <= now()")
	require.NoError(t, err)
	assert.Zero(t, tag.RowsAffected(), "the previous version does not take it")
}
