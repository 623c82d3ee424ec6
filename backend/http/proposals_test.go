package http_test

import (
	"context"
	"slices"
	"testing"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (f *fakes) ListProposals(context.Context, string, string) ([]backend.Proposal, error) {
	return slices.Clone(f.proposals), nil
}

func (f *fakes) CloseProposal(_ context.Context, _, _, id string) error {
	before := len(f.proposals)
	if f.proposals = slices.DeleteFunc(f.proposals,
		func(p backend.Proposal) bool { return p.ID == id }); len(f.proposals) == before {
		return &backend.Error{Code: backend.CodeNotFound, Message: "there is no such thing"}
	}
	return nil
}

// A dividend is proposed for what was held the day before, and recorded once accepted.
func TestProposals(t *testing.T) {
	c := newClient(t)
	key := c.all(t, "ada")
	path := c.portfolio(t, key)
	require.Equal(t, 201, c.do(t, key, "POST", path+"/transactions",
		`{"kind":"BUY","date":"2025-12-01","symbol":"ACME","quantity":"8","price":"1","fee":"0","currency":"USD"}`).Status)
	day := backend.NewDate(2025, 12, 2)
	entry := func(symbol string, d backend.Date) backend.Transaction {
		return backend.Transaction{Kind: backend.Dividend, Date: d, Symbol: symbol,
			Amount: decimal.RequireFromString("0.25"), Currency: "USD"}
	}
	const one, two, three = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000a2",
		"00000000-0000-4000-8000-0000000000a3"
	c.fakes.proposals = []backend.Proposal{
		{ID: one, Source: "twelvedata", Entry: entry("ACME", day)},
		{ID: two, Source: "twelvedata", Entry: entry("ACME", day-1)}, // not held the day before
		{ID: three, Source: "twelvedata", Entry: backend.Transaction{Kind: backend.Split, Date: day + 1, Symbol: "ACME", Ratio: backend.Ratio{New: 2, Old: 1}}},
	}
	list := c.do(t, key, "GET", path+"/proposals", "").JSON["items"].([]any)
	require.Len(t, list, 2)
	first := list[0].(map[string]any)
	assert.Equal(t, one, first["id"])
	assert.Equal(t, []any{"DIVIDEND", "2"}, []any{first["entry"].(map[string]any)["kind"],
		first["entry"].(map[string]any)["amount"]}, "8 at 0.25")
	accepted := c.do(t, key, "POST", path+"/proposals/"+one+"/accept", "")
	assert.Equal(t, []any{"DIVIDEND", "2", "2025-12-02"},
		[]any{accepted.JSON["kind"], accepted.JSON["amount"], accepted.JSON["date"]}, accepted.Body)
	assert.Equal(t, 404, c.do(t, key, "POST", path+"/proposals/"+one+"/accept", "").Status, "it is recorded once")
	assert.Equal(t, 204, c.do(t, key, "DELETE", path+"/proposals/"+three, "").Status)
	assert.Equal(t, 404, c.do(t, key, "DELETE", path+"/proposals/"+three, "").Status)
	assert.Empty(t, c.do(t, key, "GET", path+"/proposals", "").JSON["items"])
	assert.Len(t, c.do(t, key, "GET", path+"/transactions", "").JSON["items"], 2)
}
