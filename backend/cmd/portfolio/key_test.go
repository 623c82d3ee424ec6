package main_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An owner's first key is created on the command line, before any instance has run.
func TestKeyCreate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	create := []string{"key", "create", "--owner", "alice", "--scopes", "read,trade", "--label", "first"}
	code, stdout, stderr := run(t, w.env, create...)
	require.Equal(t, 0, code, stderr)
	assert.Regexp(t, `^pfk_[A-Za-z0-9_-]{43}\n$`, stdout)
	assert.Regexp(t, `^key [0-9a-f-]{36} of alice with read, trade; it is shown only once\n$`, stderr)
	secret := strings.TrimSpace(stdout)

	_, another, _ := run(t, w.env, create...)
	assert.NotEqual(t, stdout, another)
	db := w.connect(t)
	hash := sha256.Sum256([]byte(secret))
	var owner, label, text string
	var scopes []string
	require.NoError(t, db.QueryRow(t.Context(), `
		select owner, label, scopes, k::text || (select string_agg(a::text, '') from audit a) from api_keys k where hash = $1`,
		hash[:]).Scan(&owner, &label, &scopes, &text))
	assert.Equal(t, []any{"alice", "first", []string{"read", "trade"}}, []any{owner, label, scopes})
	assert.NotContains(t, text, secret)

	for sources, granted := range map[string]string{"": "any source", "ecb": "ecb", "ecb,xetra": "ecb and xetra"} {
		arguments := []string{"key", "create", "--owner", "prices", "--scopes", "read,feed", "--label", "feed"}
		if sources != "" {
			arguments = append(arguments, "--sources", sources)
		}
		code, _, stderr := run(t, w.env, arguments...)
		assert.Equal(t, 0, code)
		assert.Contains(t, stderr, " of prices with read, feed of "+granted+"; it is shown")
		var stored []string
		require.NoError(t, db.QueryRow(t.Context(),
			"select sources from api_keys order by id desc limit 1").Scan(&stored))
		assert.Equal(t, sources, strings.Join(stored, ","))
	}

	w.stopDatabase()
	code, stdout, stderr = run(t, w.env, create...)
	assert.Equal(t, 1, code)
	assert.Empty(t, stdout, "no key is printed that was not stored")
	assert.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
}
