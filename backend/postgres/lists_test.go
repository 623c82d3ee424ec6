package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"portfolio/backend"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

func jsons[T any](t *testing.T, list []T) []string {
	var all []string
	for _, item := range list {
		all = append(all, asJSON(t, item))
	}
	return all
}

// pages reads a whole list by pages and returns their lengths.
func pages[T any](t *testing.T, limit int, list func(backend.Page) ([]T, string, error)) (all []T, lengths []int) {
	t.Helper()
	page := backend.Page{Limit: limit}
	for {
		part, next, err := list(page)
		require.NoError(t, err)
		all, lengths = append(all, part...), append(lengths, len(part))
		if next == "" {
			return all, lengths
		}
		require.NotEqual(t, page.After, next)
		page.After = next
	}
}

func TestLists(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	var portfolios []backend.Portfolio
	for range 5 {
		portfolios = append(portfolios, portfolio(t, db, by))
	}
	got, lengths := pages(t, 2, func(p backend.Page) ([]backend.Portfolio, string, error) {
		return db.ListPortfolios(ctx, "alice", p)
	})
	assert.Equal(t, portfolios, got, "the oldest first")
	assert.Equal(t, []int{2, 2, 1}, lengths)
	_, lengths = pages(t, 5, func(p backend.Page) ([]backend.Portfolio, string, error) {
		return db.ListPortfolios(ctx, "alice", p)
	})
	assert.Equal(t, []int{5}, lengths, "the last page is not empty")

	id := portfolios[0].ID
	recorded(t, db, by, id, deposit(day, "1"), deposit(day+1, "2"), deposit(day, "3"), deposit(day-300_000, "4"))
	first, next, err := db.ListEntries(ctx, "alice", id, backend.Page{Limit: 2})
	require.NoError(t, err)
	recorded(t, db, by, id, deposit(day+2, "5")) // entries added meanwhile do not move pages
	rest, _, err := db.ListEntries(ctx, "alice", id, backend.Page{Limit: 9, After: next})
	require.NoError(t, err)
	var amounts []string
	for _, e := range append(first, rest...) {
		amounts = append(amounts, e.Amount.String())
	}
	assert.Equal(t, []string{"2", "3", "1", "4"}, amounts,
		"the latest date first, and within a day the last recorded first")

	audit, _ := pages(t, 3, func(p backend.Page) ([]backend.AuditEntry, string, error) {
		return db.Audit(ctx, "alice", p)
	})
	assert.Len(t, audit, 1+5+5)
	keys, _ := pages(t, 1, func(p backend.Page) ([]backend.APIKey, string, error) {
		return db.ListKeys(ctx, "alice", p)
	})
	assert.Len(t, keys, 1)
	none, _, err := db.ListEntries(ctx, "alice", portfolios[1].ID, backend.Page{Limit: 1})
	require.NoError(t, err)
	assert.Empty(t, none)
}

// A cursor that was changed, or is of another list, is refused.
func TestBadCursors(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by, other := member(t, db, "alice"), member(t, db, "bob")
	p, q := portfolio(t, db, by), portfolio(t, db, by)
	recorded(t, db, by, p.ID, deposit(day, "1"), deposit(day, "2"))
	list := map[string]func(after string, limit int) (string, error){
		"portfolios": func(after string, limit int) (next string, err error) {
			_, next, err = db.ListPortfolios(ctx, by.Owner, backend.Page{After: after, Limit: limit})
			return next, err
		},
		"portfolios of another owner": func(after string, limit int) (next string, err error) {
			_, next, err = db.ListPortfolios(ctx, other.Owner, backend.Page{After: after, Limit: limit})
			return next, err
		},
		"entries": func(after string, limit int) (next string, err error) {
			_, next, err = db.ListEntries(ctx, by.Owner, p.ID, backend.Page{After: after, Limit: limit})
			return next, err
		},
		"entries of another portfolio": func(after string, limit int) (next string, err error) {
			_, next, err = db.ListEntries(ctx, by.Owner, q.ID, backend.Page{After: after, Limit: limit})
			return next, err
		},
		"audit": func(after string, limit int) (next string, err error) {
			_, next, err = db.Audit(ctx, by.Owner, backend.Page{After: after, Limit: limit})
			return next, err
		},
		"keys": func(after string, limit int) (next string, err error) {
			_, next, err = db.ListKeys(ctx, by.Owner, backend.Page{After: after, Limit: limit})
			return next, err
		},
	}
	for _, from := range []string{"portfolios", "entries", "audit"} {
		cursor, err := list[from]("", 1)
		require.NoError(t, err)
		require.NotEmpty(t, cursor, from)
		for name, read := range list {
			if name == from {
				continue
			}
			_, err := read(cursor, 1)
			assertCode(t, backend.CodeInvalidRequest, err, from, name)
		}
		for _, after := range damaged(cursor) {
			_, err := list[from](after, 1)
			assertCode(t, backend.CodeInvalidRequest, err, after)
		}
	}
	for name, read := range list {
		for _, limit := range []int{-1, 0, backend.MaxPage + 1} {
			_, err := read("", limit)
			assertCode(t, backend.CodeInvalidRequest, err, name, fmt.Sprint(limit))
		}
	}
}

// damaged returns a cursor with each character changed in turn, and others that are not
// valid.
func damaged(cursor string) []string {
	list := []string{cursor[1:], cursor + "A", cursor + "=", "x", "\x00", "'"}
	for i := range len(cursor) {
		changed := []byte(cursor)
		if changed[i]++; changed[i] == '{' || changed[i] == '[' || changed[i] == ':' {
			changed[i] = 'A'
		}
		list = append(list, string(changed))
	}
	return list
}
