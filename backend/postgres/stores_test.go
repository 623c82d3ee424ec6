package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"
	"portfolio/contract/wire"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nobody is an id that does not exist.
const nobody = "01980000-0000-7000-8000-000000000000"

func codeOf(err error) backend.Code {
	if err == nil {
		return ""
	}
	e := (*backend.Error)(nil)
	if errors.As(err, &e) {
		return e.Code
	}
	return wire.CodeInternal
}

func assertCode(t *testing.T, want backend.Code, err error, of ...any) {
	t.Helper()
	assert.Equal(t, want, codeOf(err), append([]any{fmt.Sprint(err)}, of...)...)
}

func dec(text string) decimal.Decimal { return decimal.RequireFromString(text) }

// member creates an owner's first key.
func member(t *testing.T, db *postgres.DB, owner string) backend.Principal {
	t.Helper()
	secret := backend.HashSecret(backend.NewSecret())
	k, err := db.CreateKey(t.Context(), backend.Principal{},
		backend.APIKey{Owner: owner, Label: "first", Scopes: backend.Scopes}, secret)
	require.NoError(t, err)
	p, err := db.Authenticate(t.Context(), secret, time.Now())
	require.NoError(t, err)
	assert.Equal(t, backend.Principal{KeyID: k.ID, Owner: owner, Scopes: backend.Scopes}, p)
	return p
}

func portfolio(t *testing.T, db *postgres.DB, by backend.Principal) backend.Portfolio {
	t.Helper()
	p, _, err := db.CreatePortfolio(t.Context(), by, "", backend.Portfolio{
		Name: "Pension", Base: "EUR", Policy: backend.Policy{Method: backend.FIFO}})
	require.NoError(t, err)
	return p
}

func buy(day backend.Date, symbol, quantity, price string) backend.Transaction {
	return backend.Transaction{Kind: backend.Buy, Date: day, Symbol: symbol, Quantity: dec(quantity),
		Price: dec(price), Currency: "EUR"}
}

func sell(day backend.Date, symbol, quantity, price string) backend.Transaction {
	t := buy(day, symbol, quantity, price)
	t.Kind = backend.Sell
	return t
}

func deposit(day backend.Date, amount string) backend.Transaction {
	return backend.Transaction{Kind: backend.Deposit, Date: day, Amount: dec(amount), Currency: "EUR"}
}

func recorded(t *testing.T, db *postgres.DB, by backend.Principal, id string,
	txs ...backend.Transaction) []backend.Entry {
	t.Helper()
	list, replayed, err := db.Record(t.Context(), by, id, "", txs)
	require.NoError(t, err)
	assert.False(t, replayed)
	require.Len(t, list, len(txs))
	return list
}

var day = backend.NewDate(2026, 3, 2)

// Entries of every kind are read as they were recorded, to the last digit.
func TestEntriesAreStoredExactly(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	most := "999999999999999999.999999999999"
	given := []backend.Transaction{
		{Kind: backend.Deposit, Date: day, Amount: dec(most), Currency: "EUR", Fee: dec("0.000000000001"),
			Note: "first\n\"quoted\" ü 💶"},
		{Kind: backend.Buy, Date: day, Symbol: "BRK.B", Quantity: dec("0.1"),
			Price: dec("123456789012345678.1"), Currency: "USD"},
		{Kind: backend.Split, Date: day + 1, Symbol: "BRK.B", Ratio: backend.Ratio{New: 1_000_000, Old: 3}},
		{Kind: backend.Dividend, Date: day + 1, Symbol: "BRK.B", Amount: dec("1.10"), Currency: "USD", Fee: dec("0.3")},
		{Kind: backend.Interest, Date: day + 1, Amount: dec("2"), Currency: "CHF"},
		{Kind: backend.Fee, Date: day + 1, Symbol: "BRK.B", Amount: dec("100"), Currency: "CHF"},
		{Kind: backend.Withdrawal, Date: backend.NewDate(1, 1, 1), Amount: dec("7"), Currency: "EUR"},
		{Kind: backend.Sell, Date: backend.NewDate(9999, 12, 31), Symbol: "BRK.B", Quantity: dec("0.000000000001"),
			Price: decimal.Zero, Currency: "USD"},
	}
	list := recorded(t, db, by, p.ID, given...)
	_, kept, err := db.Load(ctx, "alice", p.ID)
	require.NoError(t, err)
	require.Len(t, kept, len(given))
	for i, want := range given {
		e := list[i]
		want.ID, want.Sequence = e.ID, int64(i+1)
		got, err := db.GetEntry(ctx, "alice", p.ID, e.ID)
		require.NoError(t, err)
		assert.Equal(t, asJSON(t, backend.Entry{Transaction: want, Version: 1, RecordedAt: e.RecordedAt}),
			asJSON(t, got))
		assert.Equal(t, asJSON(t, got), asJSON(t, e), "as Record returned it")
		assert.Contains(t, jsons(t, kept), asJSON(t, want), "as Load returned it")
	}
	after, err := db.GetPortfolio(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(2), after.Version)
	assert.Equal(t, time.UTC, after.CreatedAt.Location())
}

func TestPortfolioLifecycle(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	assert.Equal(t, backend.Portfolio{ID: p.ID, Owner: "alice", Name: "Pension", Base: "EUR",
		Policy: backend.Policy{Method: backend.FIFO}, TimeZone: "UTC", Version: 1, CreatedAt: p.CreatedAt,
		UpdatedAt: p.UpdatedAt}, p)

	changed := p
	changed.Name, changed.Base, changed.Method, changed.AllowShorts = "Play", "CHF", backend.Average, true
	updated, err := db.UpdatePortfolio(ctx, by, changed)
	require.NoError(t, err)
	got, err := db.GetPortfolio(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)
	assert.Equal(t, []any{"Play", backend.Currency("CHF"), changed.Policy, int64(2)},
		[]any{got.Name, got.Base, got.Policy, got.Version})

	_, err = db.UpdatePortfolio(ctx, by, changed)
	assertCode(t, backend.CodeVersionConflict, err, "its version is no longer current")
	changed.Version, changed.Name = 2, " "
	_, err = db.UpdatePortfolio(ctx, by, changed)
	assertCode(t, backend.CodeInvalidRequest, err)
	_, _, err = db.CreatePortfolio(ctx, by, "", changed)
	assertCode(t, backend.CodeInvalidRequest, err)

	recorded(t, db, by, p.ID, sell(day, "A", "1", "1")) // shorts are allowed
	strict := got
	strict.Version, strict.AllowShorts = 3, false
	_, err = db.UpdatePortfolio(ctx, by, strict)
	assertCode(t, backend.CodeOversold, err, "a policy under which the entries are not possible")

	assertCode(t, backend.CodeVersionConflict, db.DeletePortfolio(ctx, by, p.ID, 2))
	require.NoError(t, db.DeletePortfolio(ctx, by, p.ID, 3))
	assertCode(t, backend.CodeNotFound, db.DeletePortfolio(ctx, by, p.ID, 3))
	var left int
	require.NoError(t, inspect(t, "testportfoliolifecycle").QueryRow(ctx,
		"select count(*) from transactions").Scan(&left))
	assert.Zero(t, left)
}

func TestEntryLifecycle(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	bought := recorded(t, db, by, p.ID, buy(day, "A", "10", "5"))[0]
	sold := recorded(t, db, by, p.ID, sell(day+1, "A", "10", "6"))[0]
	assert.Equal(t, []int64{1, 2}, []int64{bought.Sequence, sold.Sequence})

	_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{deposit(day, "1"), sell(day+2, "A", "1", "6")})
	assertCode(t, backend.CodeOversold, err)
	assert.ErrorContains(t, err, "entry 2 of 2026-03-04: quantity: got 1", "named by its position")
	row := sell(day, "B", "1", "6")
	row.ID = "row 7"
	_, _, err = db.Record(ctx, by, p.ID, "", []backend.Transaction{row})
	assert.ErrorContains(t, err, "row 7 of 2026-03-02", "or by the name that the caller gave it")

	less := bought
	less.Quantity = dec("9")
	_, err = db.UpdateEntry(ctx, by, p.ID, less)
	assertCode(t, backend.CodeOversold, err, "an old entry that a later one needs")
	assertCode(t, backend.CodeOversold, db.DeleteEntry(ctx, by, p.ID, bought.ID, 1))
	other := bought
	other.Symbol = "B"
	_, err = db.UpdateEntry(ctx, by, p.ID, other)
	assertCode(t, backend.CodeOversold, err, "the symbol that it had is checked, too")
	wrong := bought
	wrong.Quantity = dec("-1")
	_, err = db.UpdateEntry(ctx, by, p.ID, wrong)
	assertCode(t, backend.CodeInvalidRequest, err)
	after, err := db.GetPortfolio(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(3), after.Version, "refused changes have no effect")

	more := bought
	more.Quantity, more.Note, more.Sequence, more.RecordedAt = dec("11"), "corrected", 99, time.Time{}
	got, err := db.UpdateEntry(ctx, by, p.ID, more)
	require.NoError(t, err)
	assert.Equal(t, []any{int64(2), int64(1), bought.RecordedAt}, []any{got.Version, got.Sequence, got.RecordedAt})
	kept, err := db.GetEntry(ctx, "alice", p.ID, bought.ID)
	require.NoError(t, err)
	assert.Equal(t, asJSON(t, got), asJSON(t, kept))
	_, err = db.UpdateEntry(ctx, by, p.ID, more)
	assertCode(t, backend.CodeVersionConflict, err)
	assertCode(t, backend.CodeVersionConflict, db.DeleteEntry(ctx, by, p.ID, bought.ID, 1))
	require.NoError(t, db.DeleteEntry(ctx, by, p.ID, sold.ID, 1))
	require.NoError(t, db.DeleteEntry(ctx, by, p.ID, bought.ID, 2))
	assertCode(t, backend.CodeNotFound, db.DeleteEntry(ctx, by, p.ID, bought.ID, 2))
	assert.Equal(t, int64(3), recorded(t, db, by, p.ID, deposit(day, "1"))[0].Sequence, "sequences are not used again")
}

// No method finds anything of another owner.
func TestAnotherOwnerFindsNothing(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	alice, mallory := member(t, db, "alice"), member(t, db, "mallory")
	p := portfolio(t, db, alice)
	e := recorded(t, db, alice, p.ID, buy(day, "A", "10", "5"))[0]
	own := portfolio(t, db, mallory)
	page := backend.Page{Limit: 10}
	for _, id := range []string{p.ID, nobody, "", "x", "'; drop table audit; --", p.ID + " ", "\x00"} {
		for name, call := range map[string]func() error{
			"GetPortfolio": func() error { _, err := db.GetPortfolio(ctx, "mallory", id); return err },
			"UpdatePortfolio": func() error {
				q := p
				q.ID, q.Version = id, 2
				_, err := db.UpdatePortfolio(ctx, mallory, q)
				return err
			},
			"DeletePortfolio": func() error { return db.DeletePortfolio(ctx, mallory, id, 2) },
			"Record": func() error {
				_, _, err := db.Record(ctx, mallory, id, "k", []backend.Transaction{deposit(day, "1")})
				return err
			},
			"GetEntry":    func() error { _, err := db.GetEntry(ctx, "mallory", id, e.ID); return err },
			"ListEntries": func() error { _, _, err := db.ListEntries(ctx, "mallory", id, page); return err },
			"UpdateEntry": func() error { _, err := db.UpdateEntry(ctx, mallory, id, e); return err },
			"DeleteEntry": func() error { return db.DeleteEntry(ctx, mallory, id, e.ID, 1) },
			"Load":        func() error { _, _, err := db.Load(ctx, "mallory", id); return err },
			"RevokeKey":   func() error { return db.RevokeKey(ctx, mallory, id, now) },
			"an entry of another portfolio": func() error {
				_, err := db.UpdateEntry(ctx, mallory, own.ID, e)
				return err
			},
			"an entry of another portfolio, to delete": func() error {
				return db.DeleteEntry(ctx, mallory, own.ID, e.ID, 1)
			},
			"an entry of another portfolio, to get": func() error {
				_,
					err := db.GetEntry(ctx, "mallory", own.ID, e.ID)
				return err
			},
		} {
			assertCode(t, backend.CodeNotFound, call(), name, id)
		}
	}
	assertCode(t, backend.CodeNotFound, db.RevokeKey(ctx, mallory, alice.KeyID, now))
	list, _, err := db.ListPortfolios(ctx, "mallory", page)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	keys, _, err := db.ListKeys(ctx, "mallory", page)
	require.NoError(t, err)
	assert.Len(t, keys, 1)
	audit, _, err := db.Audit(ctx, "mallory", page)
	require.NoError(t, err)
	assert.Len(t, audit, 2)
	_, txs, err := db.Load(ctx, "alice", p.ID)
	require.NoError(t, err)
	assert.Len(t, txs, 1, "nothing was changed")
}
