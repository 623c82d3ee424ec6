package postgres

import (
	"context"
	"errors"
	"time"

	"portfolio/backend/source"

	"github.com/jackc/pgx/v5"
)

var _ source.Store = (*DB)(nil)

// LoadSource implements source.Store.
func (db *DB) LoadSource(ctx context.Context, name string) (source.State, error) {
	var s source.State
	err := db.pool.QueryRow(ctx, "select state from sources where name = $1", name).Scan(&s)
	if errors.Is(err, pgx.ErrNoRows) {
		return source.State{}, nil
	}
	return s, outcome("load source", err)
}

// SaveSource implements source.Store.
func (db *DB) SaveSource(ctx context.Context, name string, s source.State) error {
	_, err := db.pool.Exec(ctx, `
		insert into sources (name, state, saved_at) values ($1, $2, $3)
		on conflict (name) do update set state = excluded.state, saved_at = excluded.saved_at`,
		name, s, time.Now())
	return outcome("save source", err)
}

// OwnedSymbols returns those of the symbols that an owner has entries of.
func (db *DB) OwnedSymbols(ctx context.Context, owner string, symbols []string) ([]string, error) {
	if len(symbols) == 0 {
		return nil, nil
	}
	rows, _ := db.pool.Query(ctx, `
		select s.symbol from unnest($2::text[]) s (symbol) where exists (
			select from portfolios p join transactions t on t.portfolio_id = p.id
			where p.owner = $1 and s.symbol in (t.symbol, t.to_symbol))`, owner, symbols) // CollectRows returns the error
	owned, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return owned, outcome("find symbols", err)
}
