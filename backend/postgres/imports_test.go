package postgres_test

import (
	"encoding/json"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/layout"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// imported returns a purchase as a file has it.
func imported(symbol, brokerID string) backend.Imported {
	return backend.Imported{
		Transaction: backend.Transaction{
			ID: "row 2", Kind: backend.Buy, Date: backend.NewDate(2026, time.March, 2), Symbol: symbol,
			Quantity: decimal.NewFromInt(1), Price: decimal.RequireFromString("40.2"), Currency: "USD",
		},
		Origin: backend.Origin{Issuer: "broker", BrokerID: brokerID, Content: symbol},
	}
}

// jsonOf returns a form in which values can be compared: equal decimals may differ in
// memory.
func jsonOf(t *testing.T, value any) string {
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func TestImportLifecycle(t *testing.T) {
	db := migrated(t)
	by := member(t, db, "ada")
	p := portfolio(t, db, by)
	entries := []backend.Imported{imported("ACME", "a"), imported("ACME", "b")}
	i, err := db.CreateImport(t.Context(), by, backend.Import{Portfolio: p.ID, Layout: "broker", Entries: entries})
	require.NoError(t, err)
	assert.Equal(t, backend.ImportLifetime, i.ExpiresAt.Sub(i.CreatedAt))
	got, err := db.GetImport(t.Context(), "ada", p.ID, i.ID)
	require.NoError(t, err)
	assert.Equal(t, jsonOf(t, entries), jsonOf(t, got.Entries))

	_, err = db.ConfirmImport(t.Context(), by, i, p.Version+1, entries)
	assertCode(t, backend.CodeVersionConflict, err)
	for range 2 { // a retry records nothing more
		recorded, err := db.ConfirmImport(t.Context(), by, i, p.Version, entries)
		require.NoError(t, err)
		assert.Equal(t, 2, recorded)
	}
	_, txs, err := db.Load(t.Context(), "ada", p.ID)
	require.NoError(t, err)
	require.Len(t, txs, 2)
	origins, err := db.Origins(t.Context(), "ada", p.ID)
	require.NoError(t, err)
	assert.ElementsMatch(t, []backend.Origin{entries[0].Origin, entries[1].Origin},
		[]backend.Origin{origins[txs[0].ID], origins[txs[1].ID]})

	// One of them has been sold since: without it the sale is not possible.
	sale := entries[0].Transaction
	sale.Kind, sale.ID, sale.Date = backend.Sell, "", sale.Date+1
	sold := recorded(t, db, by, p.ID, sale)
	assertCode(t, backend.CodeOversold, db.DeleteImport(t.Context(), by, p.ID, i.ID))
	_, txs, err = db.Load(t.Context(), "ada", p.ID)
	require.NoError(t, err)
	assert.Len(t, txs, 3, "all or none")
	require.NoError(t, db.DeleteEntry(t.Context(), by, p.ID, sold[0].ID, sold[0].Version))
	require.NoError(t, db.DeleteImport(t.Context(), by, p.ID, i.ID))
	_, txs, err = db.Load(t.Context(), "ada", p.ID)
	require.NoError(t, err)
	assert.Empty(t, txs)
	_, err = db.GetImport(t.Context(), "ada", p.ID, i.ID)
	assertCode(t, backend.CodeNotFound, err)
}

func TestImportsOfAnotherOwner(t *testing.T) {
	db := migrated(t)
	by, eve := member(t, db, "ada"), member(t, db, "eve")
	p := portfolio(t, db, by)
	i, err := db.CreateImport(t.Context(), by, backend.Import{Portfolio: p.ID, Layout: "broker"})
	require.NoError(t, err)
	_, err = db.CreateImport(t.Context(), eve, backend.Import{Portfolio: p.ID})
	assertCode(t, backend.CodeNotFound, err)
	_, err = db.GetImport(t.Context(), "eve", p.ID, i.ID)
	assertCode(t, backend.CodeNotFound, err)
	_, err = db.ConfirmImport(t.Context(), eve, i, p.Version, nil)
	assertCode(t, backend.CodeNotFound, err)
	assertCode(t, backend.CodeNotFound, db.DeleteImport(t.Context(), eve, p.ID, i.ID))
	origins, err := db.Origins(t.Context(), "eve", p.ID)
	require.NoError(t, err)
	assert.Empty(t, origins)
}

// A preview that is not confirmed is removed after an hour; an import stays.
func TestPreviewsAreSwept(t *testing.T) {
	db := migrated(t)
	by := member(t, db, "ada")
	p := portfolio(t, db, by)
	one, err := db.CreateImport(t.Context(), by, backend.Import{Portfolio: p.ID, Layout: "broker"})
	require.NoError(t, err)
	two, err := db.CreateImport(t.Context(), by, backend.Import{Portfolio: p.ID, Layout: "broker"})
	require.NoError(t, err)
	_, err = db.ConfirmImport(t.Context(), by, two, p.Version, nil)
	require.NoError(t, err)
	removed, err := db.Sweep(t.Context(), one.ExpiresAt.Add(time.Second), 10)
	require.NoError(t, err)
	assert.Equal(t, 1, removed["imports"])
	_, err = db.GetImport(t.Context(), "ada", p.ID, one.ID)
	assertCode(t, backend.CodeNotFound, err)
	_, err = db.GetImport(t.Context(), "ada", p.ID, two.ID)
	assert.NoError(t, err)
}

func TestMappings(t *testing.T) {
	db := migrated(t)
	by := member(t, db, "ada")
	m := layout.Mapping{Columns: map[string]string{"date": "Tag"}, Decimal: ","}
	for range 2 {
		require.NoError(t, db.PutMapping(t.Context(), by, "bank", m))
	}
	got, err := db.Mapping(t.Context(), "ada", "bank")
	require.NoError(t, err)
	assert.Equal(t, m, *got)
	_, err = db.Mapping(t.Context(), "eve", "bank")
	assertCode(t, backend.CodeNotFound, err)
	require.NoError(t, db.DeleteMapping(t.Context(), by, "bank"))
	assertCode(t, backend.CodeNotFound, db.DeleteMapping(t.Context(), by, "bank"))
}
