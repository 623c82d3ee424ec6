package postgres_test

import (
	"testing"
	"time"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestInstruments(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	put := func(i backend.Instrument) error {
		i.MinorUnit = 1
		_, err := db.PutInstrument(ctx, by, i, time.Now())
		return err
	}
	require.NoError(t, put(backend.Instrument{Symbol: "BRK.B", Name: "Berkshire Hathaway", ISIN: "US0846707026",
		Aliases: []string{"BRK-B", "BRK B"}}))
	require.NoError(t, put(backend.Instrument{Symbol: "ACM", Name: "Acme 100% plc", MIC: "XLON", Currency: "GBP"}))
	got, err := db.GetInstrument(ctx, "BRK.B")
	require.NoError(t, err)
	assert.Equal(t, []string{"BRK B", "BRK-B"}, got.Aliases)
	_, err = db.GetInstrument(ctx, "NONE")
	assert.Equal(t, backend.CodeNotFound, codeOf(err))

	for search, want := range map[string][]string{
		"": {"ACM", "BRK.B"}, "brk": {"BRK.B"}, "BRK-": {"BRK.B"}, "us08": {"BRK.B"}, "hathaway": {"BRK.B"},
		"100%": {"ACM"}, "1_0": nil, "%": {"ACM"}, "way B": nil,
	} {
		list, next, err := db.ListInstruments(ctx, search, backend.Page{Limit: 10})
		require.NoError(t, err)
		assert.Empty(t, next)
		var symbols []string
		for _, i := range list {
			symbols = append(symbols, i.Symbol)
		}
		assert.Equal(t, want, symbols, search)
	}
	page, next, err := db.ListInstruments(ctx, "", backend.Page{Limit: 1})
	require.NoError(t, err)
	assert.Len(t, page, 1)
	page, next, err = db.ListInstruments(ctx, "", backend.Page{Limit: 1, After: next})
	require.NoError(t, err)
	assert.Equal(t, []string{"BRK.B", ""}, []string{page[0].Symbol, next})

	for _, taken := range []backend.Instrument{
		{Symbol: "BRK B"}, {Symbol: "OTHER", Aliases: []string{"BRK-B"}}, {Symbol: "OTHER", Aliases: []string{"ACM"}},
	} {
		assert.Equal(t, backend.CodeInvalidRequest, codeOf(put(taken)), "%+v", taken)
	}
	symbols, err := db.SymbolsOf(ctx, []string{"BRK B", "US0846707026", "", "ACM"})
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{"BRK B": {"BRK.B"}, "US0846707026": {"BRK.B"}}, symbols)
	require.NoError(t, put(backend.Instrument{Symbol: "BRK.B", Aliases: []string{"BRK"}}), "replaces name and aliases")
	names, err := db.InstrumentNames(ctx)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"ACM": "Acme 100% plc"}, names)
	known, err := db.InstrumentsOf(ctx, []string{"ACM", "NONE"})
	require.NoError(t, err)
	assert.Equal(t, "XLON", known["ACM"].MIC)
	assert.Len(t, known, 1)
}

func TestOwnedSymbols(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{buy(backend.DateOf(time.Now()), "ACM", "1", "10"),
		deposit(backend.DateOf(time.Now()), "10")})
	require.NoError(t, err)
	owned, err := db.OwnedSymbols(ctx, "alice", []string{"ACM", "BIG"})
	require.NoError(t, err)
	assert.Equal(t, []string{"ACM"}, owned)
	owned, err = db.OwnedSymbols(ctx, "bob", []string{"ACM", "BIG"})
	require.NoError(t, err)
	assert.Empty(t, owned, "another owner's symbols")
}
