package postgres_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKeys(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	expires := now.Add(time.Hour)
	hash := backend.HashSecret("secret")
	k, err := db.CreateKey(ctx, by, backend.APIKey{Owner: "mallory", Label: "reads",
		Scopes: []backend.Scope{backend.ScopeRead}, ExpiresAt: &expires}, hash)
	require.NoError(t, err)
	assert.Equal(t, "alice", k.Owner, "a key can create keys of its owner only")

	p, err := db.Authenticate(ctx, hash, now)
	require.NoError(t, err)
	assert.Equal(t, backend.Principal{KeyID: k.ID, Owner: "alice",
		Scopes: []backend.Scope{backend.ScopeRead}, ExpiresAt: &expires}, p)
	for name, at := range map[string]struct {
		hash backend.SecretHash
		now  time.Time
	}{"unknown": {backend.HashSecret("other"), now}, "expired": {hash, expires}} {
		_, err = db.Authenticate(ctx, at.hash, at.now)
		assertCode(t, backend.CodeUnauthenticated, err, name)
	}

	_, err = db.CreateKey(ctx, p, backend.APIKey{Label: "more",
		Scopes: []backend.Scope{backend.ScopeRead, backend.ScopeTrade}}, backend.HashSecret("x"))
	assertCode(t, backend.CodeForbidden, err, "a scope that the creating key lacks")
	for _, wrong := range []backend.APIKey{{Owner: "a", Label: "none"},
		{Owner: "a", Label: "x", Scopes: []backend.Scope{"root"}},
		{Owner: "", Label: "x", Scopes: backend.Scopes}, {Owner: "a\x00", Label: "x", Scopes: backend.Scopes}} {
		_, err = db.CreateKey(ctx, backend.Principal{}, wrong, backend.HashSecret("y"))
		assertCode(t, backend.CodeInvalidRequest, err)
	}

	require.NoError(t, db.RevokeKey(ctx, by, k.ID, now))
	require.NoError(t, db.RevokeKey(ctx, by, k.ID, now.Add(time.Minute)), "again")
	_, err = db.Authenticate(ctx, hash, now)
	assertCode(t, backend.CodeUnauthenticated, err, "revoked")
	keys, _, err := db.ListKeys(ctx, "alice", backend.Page{Limit: 9})
	require.NoError(t, err)
	require.Len(t, keys, 2)
	assert.Equal(t, now, *keys[1].RevokedAt, "the first time")
	var text string
	require.NoError(t, inspect(t, "testkeys").QueryRow(ctx,
		"select string_agg(k::text, '') from api_keys k").Scan(&text))
	assert.NotContains(t, text, "secret")
}

func TestTickets(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	issue := func(secret string, p backend.Principal) backend.SecretHash {
		hash := backend.HashSecret(secret)
		require.NoError(t, db.IssueTicket(ctx, p, hash, now.Add(backend.TicketLifetime)))
		return hash
	}
	hash := issue("one", by)
	_, err := db.RedeemTicket(ctx, hash, now.Add(backend.TicketLifetime))
	assertCode(t, backend.CodeUnauthenticated, err, "expired")
	assert.Equal(t, 1, successes(t, 10, func(ctx context.Context) error {
		p, err := db.RedeemTicket(ctx, hash, now)
		if err == nil {
			assert.Equal(t, by, p)
		}
		return err
	}, backend.CodeUnauthenticated), "once")
	_, err = db.RedeemTicket(ctx, backend.HashSecret("none"), now)
	assertCode(t, backend.CodeUnauthenticated, err)

	issue("left", by)
	swept, err := db.Sweep(ctx, now.Add(backend.TicketLifetime), 10)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"tickets": 1}, swept)
	hash = issue("late", by)
	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, now))
	_, err = db.RedeemTicket(ctx, hash, now)
	assertCode(t, backend.CodeUnauthenticated, err, "tickets of a revoked key are not valid")
	hash = issue("later", by)
	_, err = db.RedeemTicket(ctx, hash, now)
	assertCode(t, backend.CodeUnauthenticated, err, "nor are those issued after it")
}

// The audit has every change with its key, and cannot be changed.
func TestAudit(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	e := recorded(t, db, by, p.ID, deposit(day, "1"))[0]
	e.Amount = dec("2")
	_, err := db.UpdateEntry(ctx, by, p.ID, e)
	require.NoError(t, err)
	require.NoError(t, db.DeleteEntry(ctx, by, p.ID, e.ID, 2))
	p.Version, p.Name = 4, "Other"
	_, err = db.UpdatePortfolio(ctx, by, p)
	require.NoError(t, err)
	require.NoError(t, db.DeletePortfolio(ctx, by, p.ID, 5))
	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, now))

	list, next, err := db.Audit(ctx, "alice", backend.Page{Limit: 20})
	require.NoError(t, err)
	assert.Empty(t, next)
	value := func(of any, field string) any {
		if of == nil {
			return nil
		}
		var fields map[string]any
		require.NoError(t, json.Unmarshal(of.(json.RawMessage), &fields))
		return fields[field]
	}
	type line struct {
		Action, KeyID, Subject, Portfolio string
		Before, After                     any
	}
	want := []struct {
		line
		field string
	}{
		{line{"key.revoke", by.KeyID, by.KeyID, "", nil, now.Format(time.RFC3339)}, "revoked_at"},
		{line{"portfolio.delete", by.KeyID, p.ID, p.ID, "Other", nil}, "name"},
		{line{"portfolio.update", by.KeyID, p.ID, p.ID, "Pension", "Other"}, "name"},
		{line{"transaction.delete", by.KeyID, e.ID, p.ID, "2", nil}, "amount"},
		{line{"transaction.update", by.KeyID, e.ID, p.ID, "1", "2"}, "amount"},
		{line{"transaction.create", by.KeyID, e.ID, p.ID, nil, "1"}, "amount"},
		{line{"portfolio.create", by.KeyID, p.ID, p.ID, nil, "Pension"}, "name"},
		{line{"key.create", "", by.KeyID, "", nil, "first"}, "label"},
	}
	require.Len(t, list, len(want))
	for i, w := range want {
		got := list[i]
		assert.Equal(t, w.line, line{got.Action, got.KeyID, got.Subject, got.Portfolio, value(got.Before, w.field),
			value(got.After, w.field)})
	}

	conn := inspect(t, "testaudit")
	for _, sql := range []string{"update audit set action = 'none'", "delete from audit", "truncate audit",
		"delete from audit where false"} {
		_, err := conn.Exec(ctx, sql)
		assert.ErrorContains(t, err, "want insert only", sql)
	}
}

// A key has the sources that it may write and an expiry, and keys that it creates
// cannot exceed them.
func TestSourcesOfKeys(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	secret := backend.HashSecret(backend.NewSecret())
	feed := backend.APIKey{
		Owner: "alice", Label: "feed", Scopes: []backend.Scope{backend.ScopeFeed},
		Sources: []string{"ecb"}, ExpiresAt: &end,
	}
	_, err := db.CreateKey(ctx, backend.Principal{}, feed, secret)
	require.NoError(t, err)
	by, err := db.Authenticate(ctx, secret, time.Now())
	require.NoError(t, err)
	assert.Equal(t, []string{"ecb"}, by.Sources)
	assert.Equal(t, end, *by.ExpiresAt)
	for _, sources := range [][]string{nil, {"ecb", "other"}} {
		feed.Sources = sources
		_, err = db.CreateKey(ctx, by, feed, backend.HashSecret(backend.NewSecret()))
		assertCode(t, backend.CodeForbidden, err)
	}
	list, _, err := db.ListKeys(ctx, "alice", backend.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.Equal(t, []string{"ecb"}, list[0].Sources)
}
