package postgres

import (
	"context"

	"portfolio/backend"
	"portfolio/backend/layout"

	"github.com/jackc/pgx/v5"
)

// maxMappings is how many mappings an owner may have.
const maxMappings = 100

// Mapping implements http.Imports.
func (db *DB) Mapping(ctx context.Context, owner, name string) (*layout.Mapping, error) {
	var m layout.Mapping
	err := db.pool.QueryRow(ctx, "select mapping from mappings where owner = $1 and name = $2", owner, name).Scan(&m)
	if err != nil {
		return nil, outcome("read mapping", found(err))
	}
	return &m, nil
}

// PutMapping implements http.Imports.
func (db *DB) PutMapping(ctx context.Context, by backend.Principal, name string, m layout.Mapping) error {
	return db.within(ctx, "store mapping", func(tx pgx.Tx) error {
		var others int
		if err := tx.QueryRow(ctx, "select count(*) from mappings where owner = $1 and name <> $2", by.Owner,
			name).Scan(&others); err != nil {
			return err
		}
		if others >= maxMappings {
			return limitReached("mappings", maxMappings)
		}
		_, err := tx.Exec(ctx, `
			insert into mappings (owner, name, mapping) values ($1, $2, $3)
			on conflict (owner, name) do update set mapping = excluded.mapping`, by.Owner, name, m)
		return err
	})
}

// DeleteMapping implements http.Imports.
func (db *DB) DeleteMapping(ctx context.Context, by backend.Principal, name string) error {
	return db.within(ctx, "delete mapping", func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, "delete from mappings where owner = $1 and name = $2", by.Owner, name)
		if err == nil && tag.RowsAffected() == 0 {
			err = found(pgx.ErrNoRows)
		}
		return err
	})
}
