package postgres_test

import (
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/source"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A proposal is its owner's, and does not come back once it was answered.
func TestProposals(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	folder, _, err := db.CreatePortfolio(ctx, by, "", backend.Portfolio{
		Name: "World", Base: "USD", Policy: backend.Policy{Method: backend.FIFO, IgnoreCash: true},
	})
	require.NoError(t, err)
	day := backend.DateOf(time.Now()) - 30
	_, _, err = db.Record(ctx, by, folder.ID, "", []backend.Transaction{buy(day, "DIVI", "100", "10")})
	require.NoError(t, err)
	action := source.Action{Symbol: "DIVI", Source: "twelvedata", Entry: backend.Transaction{
		Kind: backend.Dividend, Date: day + 1, Symbol: "DIVI",
		Amount: decimal.RequireFromString("0.25"), Currency: "USD",
	}}
	for range 2 {
		require.NoError(t, db.Propose(ctx, []source.Action{action}))
	}
	proposals, err := db.ListProposals(ctx, "alice", folder.ID)
	require.NoError(t, err)
	require.Len(t, proposals, 1, "once, however often the source says so")
	assert.Equal(t, []any{backend.Dividend, day + 1, "0.25", backend.Currency("USD"), "twelvedata"},
		[]any{proposals[0].Entry.Kind,
			proposals[0].Entry.Date, proposals[0].Entry.Amount.String(),
			proposals[0].Entry.Currency, proposals[0].Source})
	assert.Equal(t, backend.CodeNotFound, codeOf(db.CloseProposal(ctx, "bob", folder.ID, proposals[0].ID)))
	require.NoError(t, db.CloseProposal(ctx, "alice", folder.ID, proposals[0].ID))
	require.NoError(t, db.Propose(ctx, []source.Action{action}))
	proposals, err = db.ListProposals(ctx, "alice", folder.ID)
	require.NoError(t, err)
	assert.Empty(t, proposals)
}
