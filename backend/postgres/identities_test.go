package postgres_test

import (
	"context"
	"strings"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIdentities(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	ada := backend.Identity{Issuer: "https://id.example/realm", Subject: "1234", Owner: "ada",
		Scopes: []backend.Scope{backend.ScopeRead, backend.ScopeAdmin}}
	key := func(i backend.Identity) backend.Principal {
		t.Helper()
		p, err := db.IdentityKey(ctx, i, now)
		require.NoError(t, err)
		return p
	}
	var first backend.Principal
	assert.Equal(t, 5, successes(t, 5, func(ctx context.Context) error {
		_, err := db.IdentityKey(ctx, ada, now)
		return err
	}, ""))
	first = key(ada)
	assert.Equal(t, backend.Principal{KeyID: first.KeyID, Owner: "ada", Scopes: ada.Scopes}, first)
	keys, _, err := db.ListKeys(ctx, "ada", backend.Page{Limit: 9})
	require.NoError(t, err)
	require.Len(t, keys, 1, "one key, however often the person signs in")
	assert.Equal(t, "1234 at id.example", keys[0].Label)

	_, session := signedIn(t, db, first, "one", now)
	other := ada
	other.Subject = "1235"
	_, stays := signedIn(t, db, key(other), "two", now)

	ada.Scopes = []backend.Scope{backend.ScopeRead}
	second := key(ada)
	assert.NotEqual(t, first.KeyID, second.KeyID)
	_, err = db.ResumeSession(ctx, session, now)
	assertCode(t, backend.CodeUnauthenticated, err, "it could do more than the person may now")
	_, err = db.ResumeSession(ctx, stays, now)
	require.NoError(t, err)

	require.NoError(t, db.RevokeKey(ctx, second, second.KeyID, now))
	assert.NotEqual(t, second.KeyID, key(ada).KeyID)
	assertAudited(t, db, "ada", "key.create", 4)
	assertAudited(t, db, "ada", "key.revoke", 2)

	ada.Owner = strings.Repeat("x", 101)
	_, err = db.IdentityKey(ctx, ada, now)
	assertCode(t, backend.CodeInvalidRequest, err)
	long := backend.Identity{Issuer: "https://id.example", Subject: strings.Repeat("x", 255),
		Owner: "ada", Scopes: ada.Scopes}
	assert.NotEmpty(t, key(long).KeyID)
}

// People who sign in take no key from those that the owner may make.
func TestIdentitiesAreNotLimited(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	for i := range backend.MaxAPIKeys {
		_, err := db.IdentityKey(ctx, backend.Identity{
			Issuer: "https://id.example", Subject: strings.Repeat("x", i+1), Owner: "ada",
			Scopes: []backend.Scope{backend.ScopeRead},
		}, now)
		require.NoError(t, err)
	}
	member(t, db, "ada")
}
