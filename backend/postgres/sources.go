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
