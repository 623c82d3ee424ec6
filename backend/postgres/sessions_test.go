package postgres_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// signedIn starts a session and returns its hash.
func signedIn(t *testing.T, db *postgres.DB, by backend.Principal, secret string,
	at time.Time) (backend.Principal, backend.SecretHash) {
	t.Helper()
	hash := backend.HashSecret(secret)
	p, err := db.StartSession(t.Context(), by, backend.SignInKey, hash, at)
	require.NoError(t, err)
	return p, hash
}

func TestSessions(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p, hash := signedIn(t, db, by, "secret", now)
	end := now.Add(backend.SessionLifetime)
	assert.Equal(t, backend.Principal{
		KeyID: by.KeyID, SessionID: p.SessionID, Owner: "alice", Scopes: by.Scopes,
		Sources: by.Sources, ExpiresAt: &end,
	}, p)
	resumed, err := db.ResumeSession(ctx, hash, now)
	require.NoError(t, err)
	assert.Equal(t, p, resumed)
	_, err = db.ResumeSession(ctx, backend.HashSecret("other"), now)
	assertCode(t, backend.CodeUnauthenticated, err)
	_, err = db.Authenticate(ctx, hash, now)
	assertCode(t, backend.CodeUnauthenticated, err, "a session's secret is not a key")

	var text string
	require.NoError(t, inspect(t, "testsessions").QueryRow(ctx,
		"select string_agg(s::text, '') from sessions s").Scan(&text))
	assert.NotContains(t, text, "secret")

	require.NoError(t, db.EndSession(ctx, p))
	require.NoError(t, db.EndSession(ctx, p), "again")
	_, err = db.ResumeSession(ctx, hash, now)
	assertCode(t, backend.CodeUnauthenticated, err, "ended")
	_, err = db.Authenticate(ctx, backend.HashSecret("none"), now)
	assertCode(t, backend.CodeUnauthenticated, err)

	list, _, err := db.Audit(ctx, "alice", backend.Page{Limit: 2})
	require.NoError(t, err)
	require.Len(t, list, 2)
	assert.Equal(t, []string{"session.end", p.SessionID, by.KeyID},
		[]string{list[0].Action, list[0].Subject, list[0].KeyID})
	assert.Equal(t, []string{"session.start", p.SessionID, by.KeyID},
		[]string{list[1].Action, list[1].Subject, list[1].KeyID})
}

// A session ends 12 hours after its last use, 7 days after its start however much it is
// used, and with its key.
func TestSessionsExpire(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	resume := func(hash backend.SecretHash, at time.Time) error {
		_, err := db.ResumeSession(ctx, hash, at)
		return err
	}
	_, unused := signedIn(t, db, by, "unused", now)
	require.NoError(t, resume(unused, now.Add(time.Second)), "a use soon after the last one is not recorded")
	assertCode(t, backend.CodeUnauthenticated, resume(unused, now.Add(backend.SessionIdle)))

	_, used := signedIn(t, db, by, "used", now)
	const pause = backend.SessionIdle - backend.SessionUse
	at := now
	for ; at.Before(now.Add(backend.SessionLifetime)); at = at.Add(pause) {
		require.NoError(t, resume(used, at), at)
	}
	require.NoError(t, resume(used, now.Add(backend.SessionLifetime-backend.SessionUse)))
	assertCode(t, backend.CodeUnauthenticated, resume(used, now.Add(backend.SessionLifetime)))

	soon := now.Add(time.Hour)
	key := backend.HashSecret("key")
	_, err := db.CreateKey(ctx, by, backend.APIKey{Label: "x",
		Scopes: []backend.Scope{backend.ScopeRead}, ExpiresAt: &soon}, key)
	require.NoError(t, err)
	short, err := db.Authenticate(ctx, key, now)
	require.NoError(t, err)
	p, hash := signedIn(t, db, short, "short", now)
	assert.Equal(t, &soon, p.ExpiresAt)
	require.NoError(t, resume(hash, soon.Add(-time.Microsecond)))
	assertCode(t, backend.CodeUnauthenticated, resume(hash, soon), "its key has expired")

	swept, err := db.Sweep(ctx, now.Add(backend.SessionLifetime), 10)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"sessions": 3}, swept)
}

func TestRevokedKeysEndSessions(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by, other := member(t, db, "alice"), member(t, db, "alice")
	_, hash := signedIn(t, db, by, "one", now)
	_, stays := signedIn(t, db, other, "two", now)
	require.NoError(t, db.RevokeKey(ctx, other, by.KeyID, now))
	_, err := db.ResumeSession(ctx, hash, now)
	assertCode(t, backend.CodeUnauthenticated, err)
	_, err = db.StartSession(ctx, by, backend.SignInKey, backend.HashSecret("three"), now)
	assertCode(t, backend.CodeUnauthenticated, err)
	p, err := db.ResumeSession(ctx, stays, now)
	require.NoError(t, err)
	assert.Equal(t, other.KeyID, p.KeyID)
}

func TestSignOutEverywhere(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by, other, eve := member(t, db, "alice"), member(t, db, "alice"), member(t, db, "eve")
	h := listen(t, db)
	p, one := signedIn(t, db, by, "one", now)
	_, two := signedIn(t, db, other, "two", now)
	_, hers := signedIn(t, db, eve, "hers", now)
	require.NoError(t, db.EndSessions(ctx, p))
	assert.Equal(t, backend.Change{SignedOut: "alice"}, within(t, h.changes))
	for _, hash := range []backend.SecretHash{one, two} {
		_, err := db.ResumeSession(ctx, hash, now)
		assertCode(t, backend.CodeUnauthenticated, err)
	}
	_, err := db.ResumeSession(ctx, hers, now)
	require.NoError(t, err)
	assertAudited(t, db, "alice", "session.end", 2)
}

// assertAudited checks how often an owner's audit has an action.
func assertAudited(t *testing.T, db *postgres.DB, owner, action string, want int) {
	t.Helper()
	list, _, err := db.Audit(t.Context(), owner, backend.Page{Limit: 200})
	require.NoError(t, err)
	count := 0
	for _, e := range list {
		if e.Action == action {
			count++
		}
	}
	assert.Equal(t, want, count, action)
}

// Simultaneous sign-ins count each other, and further ones end those that were not used
// for longest.
func TestSessionsAreLimited(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	_, oldest := signedIn(t, db, by, "oldest", now.Add(-time.Hour))
	newest := successes(t, backend.MaxSessions, func(ctx context.Context) error {
		_, err := db.StartSession(ctx, by, backend.SignInKey, backend.HashSecret(backend.NewSessionSecret()), now)
		return err
	}, "")
	assert.Equal(t, backend.MaxSessions, newest)
	_, err := db.ResumeSession(ctx, oldest, now)
	assertCode(t, backend.CodeUnauthenticated, err)
	var count int
	require.NoError(t, inspect(t, strings.ToLower(t.Name())).QueryRow(ctx,
		"select count(*) from sessions").Scan(&count))
	assert.Equal(t, backend.MaxSessions, count)
	assertAudited(t, db, "alice", "session.end", 1)
}

// Tickets of a session end with it at once, and its WebSockets by a notice.
func TestSessionsEndConnections(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p, _ := signedIn(t, db, by, "one", time.Now())
	ticket := backend.HashSecret("ticket")
	require.NoError(t, db.IssueTicket(ctx, p, ticket, time.Now().Add(time.Minute)))
	redeemed, err := db.RedeemTicket(ctx, ticket, time.Now())
	require.NoError(t, err)
	assert.Equal(t, p.SessionID, redeemed.SessionID)

	add := func(id string, by backend.Principal) {
		c := connection(id, time.Now().Add(time.Hour))
		c.Owner, c.KeyID, c.SessionID = by.Owner, by.KeyID, by.SessionID
		require.NoError(t, db.Add(ctx, c))
	}
	due := func() (ids []string) {
		notices, err := db.Notices(ctx, 0, 10)
		require.NoError(t, err)
		for _, n := range notices {
			ids = append(ids, n.Connection.ID)
		}
		return ids
	}
	add("session", p)
	add("key", by)
	require.NoError(t, db.IssueTicket(ctx, p, ticket, time.Now().Add(time.Minute)))
	assert.Empty(t, due())
	require.NoError(t, db.EndSession(ctx, p))
	assert.Equal(t, []string{"session"}, due(), "the key's own connection stays")
	_, err = db.RedeemTicket(ctx, ticket, time.Now())
	assertCode(t, backend.CodeUnauthenticated, err)
	add("late", p) // whose ticket was redeemed before
	assert.ElementsMatch(t, []string{"session", "late"}, due())
}
