package postgres_test

import (
	"context"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIdempotency(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	txs := []backend.Transaction{deposit(day, "100"), buy(day, "A", "10", "5")}
	first, replayed, err := db.Record(ctx, by, p.ID, "key", txs)
	require.NoError(t, err)
	assert.False(t, replayed)
	require.NoError(t, db.DeleteEntry(ctx, by, p.ID, first[1].ID, 1))

	again, replayed, err := db.Record(ctx, by, p.ID, "key", txs)
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, asJSON(t, first), asJSON(t, again), "the first answer, whatever has changed since")
	_, _, err = db.Record(ctx, by, p.ID, "key", txs[:1])
	assertCode(t, backend.CodeIdempotencyConflict, err)
	_, replayed, err = db.Record(ctx, by, portfolio(t, db, by).ID, "key", txs)
	require.NoError(t, err)
	assert.False(t, replayed, "a key applies to one portfolio")
	for _, key := range []string{string(make([]byte, backend.MaxIdempotencyKey+1)), "a\x00b", "\xff"} {
		_, _, err = db.Record(ctx, by, p.ID, key, txs)
		assertCode(t, backend.CodeInvalidRequest, err)
	}

	_, err = inspect(t, "testidempotency").Exec(ctx, `update idempotency
		set recorded_at = recorded_at - interval '2 days', expires_at = now() - interval '1 second'`)
	require.NoError(t, err)
	_, replayed, err = db.Record(ctx, by, p.ID, "key", txs[:1])
	require.NoError(t, err)
	assert.False(t, replayed, "an expired key is a new one")
	swept, err := db.Sweep(ctx, time.Now(), 100)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"idempotency": 1}, swept, "the key of the other portfolio")
}

// Creating a portfolio again with the same key returns the first answer, whatever
// has happened to the portfolio since.
func TestIdempotentPortfolios(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by, other := member(t, db, "alice"), member(t, db, "bob")
	p := backend.Portfolio{Name: "Pension", Base: "EUR", Policy: backend.Policy{Method: backend.FIFO}}
	first, replayed, err := db.CreatePortfolio(ctx, by, "key", p)
	require.NoError(t, err)
	assert.False(t, replayed)
	require.NoError(t, db.DeletePortfolio(ctx, by, first.ID, first.Version))

	again, replayed, err := db.CreatePortfolio(ctx, by, "key", p)
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, asJSON(t, first), asJSON(t, again))
	assert.Equal(t, "alice", again.Owner)
	_, _, err = db.CreatePortfolio(ctx, by, "key", backend.Portfolio{Name: "Other", Base: "EUR", Policy: p.Policy})
	assertCode(t, backend.CodeIdempotencyConflict, err)
	_, replayed, err = db.CreatePortfolio(ctx, other, "key", p)
	require.NoError(t, err)
	assert.False(t, replayed, "a key applies to one owner")
	_, _, err = db.CreatePortfolio(ctx, by, "a\x00b", p)
	assertCode(t, backend.CodeInvalidRequest, err)

	_, err = inspect(t, "testidempotentportfolios").Exec(ctx,
		"update portfolio_idempotency set expires_at = now() - interval '1 second'")
	require.NoError(t, err)
	_, replayed, err = db.CreatePortfolio(ctx, by, "key", p)
	require.NoError(t, err)
	assert.False(t, replayed, "an expired key is a new one")
}

func TestLimits(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	for _, n := range []int{0, backend.MaxImport + 1} {
		_, _, err := db.Record(ctx, by, p.ID, "", make([]backend.Transaction, n))
		assertCode(t, backend.CodeInvalidRequest, err, n)
	}
	conn := inspect(t, "testlimits")
	_, err := conn.Exec(ctx, "update portfolios set transaction_count = $1 - 1", backend.MaxTransactions)
	require.NoError(t, err)
	_, _, err = db.Record(ctx, by, p.ID, "", []backend.Transaction{deposit(day, "1"), deposit(day, "1")})
	assertCode(t, backend.CodeLimitReached, err)
	recorded(t, db, by, p.ID, deposit(day, "1"))
	_, err = conn.Exec(ctx, "update portfolios set transaction_count = $1 + 1", backend.MaxTransactions)
	assert.ErrorContains(t, err, "check constraint", "the schema has the limit, too")

	_, err = conn.Exec(ctx, `insert into portfolios
		select gen_random_uuid(), owner, name, base_currency, cost_method, false, 1, 0, 0, now(), now()
		from portfolios, generate_series(1, $1::integer)`, backend.MaxPortfolios-3)
	require.NoError(t, err)
	assert.Equal(t, 2, successes(t, 8, func(ctx context.Context) error {
		_, _, err := db.CreatePortfolio(ctx, by, "", p)
		return err
	}, backend.CodeLimitReached), "of eight calls at once, as many as the limit allows")

	_, err = conn.Exec(ctx, `insert into api_keys
		select gen_random_uuid(), owner, sha256(i::text::bytea), label, scopes, now(), null, null
		from api_keys, generate_series(1, $1::integer) i`, backend.MaxAPIKeys-3)
	require.NoError(t, err)
	assert.Equal(t, 2, successes(t, 8, func(ctx context.Context) error {
		_, err := db.CreateKey(ctx, by, backend.APIKey{Label: "x", Scopes: backend.Scopes},
			backend.HashSecret(backend.NewSecret()))
		return err
	}, backend.CodeLimitReached))
	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, now))
	_, err = db.CreateKey(ctx, by, backend.APIKey{Label: "x", Scopes: backend.Scopes},
		backend.HashSecret(backend.NewSecret()))
	assert.NoError(t, err, "a revoked key does not count")
}
