package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

// CreateImport implements backend.Imports.
func (db *DB) CreateImport(ctx context.Context, by backend.Principal, i backend.Import) (backend.Import, error) {
	if err := present(i.Portfolio); err != nil {
		return i, err
	}
	err := db.within(ctx, "create import", func(tx pgx.Tx) error {
		p, err := lock(ctx, tx, by.Owner, i.Portfolio)
		if err != nil {
			return err
		}
		if i.ID, err = newID(); err != nil {
			return err
		}
		i.CreatedAt, i.ExpiresAt = p.Now, p.Now.Add(backend.ImportLifetime)
		if i.Entries == nil {
			i.Entries = []backend.Imported{}
		}
		_, err = tx.Exec(ctx, `
			insert into imports (id, portfolio_id, layout, entries, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)`,
			i.ID, i.Portfolio, i.Layout, i.Entries, i.CreatedAt, i.ExpiresAt)
		return err
	})
	return i, err
}

// GetImport implements backend.Imports.
func (db *DB) GetImport(ctx context.Context, owner, portfolio, id string) (i backend.Import, err error) {
	if err := present(portfolio, id); err != nil {
		return i, err
	}
	err = db.within(ctx, "get import", func(tx pgx.Tx) error {
		i, err = getImport(ctx, tx, owner, portfolio, id)
		return err
	})
	return i, err
}

func getImport(ctx context.Context, tx pgx.Tx, owner, portfolio, id string) (i backend.Import, err error) {
	var expires, confirmed *time.Time
	err = tx.QueryRow(ctx, `
		select i.id::text, i.portfolio_id::text, i.layout, i.entries, i.recorded, i.created_at, i.expires_at, i.confirmed_at
		from imports i join portfolios p on p.id = i.portfolio_id
		where i.id = $1 and p.id = $2 and p.owner = $3 and (i.expires_at is null or i.expires_at > now())`,
		id, portfolio, owner).
		Scan(&i.ID, &i.Portfolio, &i.Layout, &i.Entries, &i.Recorded, &i.CreatedAt, &expires, &confirmed)
	if expires != nil {
		i.ExpiresAt = *expires
	}
	if confirmed != nil {
		i.ConfirmedAt = *confirmed
	}
	return i, found(err)
}

// Origins implements backend.Imports.
func (db *DB) Origins(ctx context.Context, owner, portfolio string) (map[string]backend.Origin, error) {
	if err := present(portfolio); err != nil {
		return nil, err
	}
	rows, _ := db.pool.Query(ctx, `
		select i.transaction_id::text, i.issuer, i.broker_id, i.content
		from imported i join portfolios p on p.id = i.portfolio_id
		where p.id = $1 and p.owner = $2`, portfolio, owner) // ForEachRow returns the error
	origins := map[string]backend.Origin{}
	var id string
	var o backend.Origin
	_, err := pgx.ForEachRow(rows, []any{&id, &o.Issuer, &o.BrokerID, &o.Content}, func() error {
		origins[id] = o
		return nil
	})
	return origins, outcome("read origins", err)
}

// ConfirmImport implements backend.Imports.
func (db *DB) ConfirmImport(ctx context.Context, by backend.Principal, i backend.Import, version int64,
	entries []backend.Imported) (recorded int, err error) {
	if err := present(i.Portfolio, i.ID); err != nil {
		return 0, err
	}
	err = db.within(ctx, "confirm import", func(tx pgx.Tx) error {
		p, err := lock(ctx, tx, by.Owner, i.Portfolio)
		if err != nil {
			return err
		}
		current, err := getImport(ctx, tx, by.Owner, i.Portfolio, i.ID)
		switch {
		case err != nil:
			return err
		case current.Confirmed():
			recorded = current.Recorded
			return nil
		case p.Version != version:
			return versionConflict(version, p.Version)
		}
		recorded = len(entries)
		return db.recordImport(ctx, tx, by, p, i.ID, entries)
	})
	if err != nil {
		db.tails.take(i.Portfolio) // it may have entries that were not committed
		return 0, err
	}
	return recorded, nil
}

// recordImport records the entries of a preview with their origins.
func (db *DB) recordImport(ctx context.Context, tx pgx.Tx, by backend.Principal, p locked, id string,
	entries []backend.Imported) error {
	if p.TransactionCount+len(entries) > backend.MaxTransactions {
		return limitReached("transactions", backend.MaxTransactions)
	}
	if len(entries) > 0 {
		txs := make([]backend.Transaction, len(entries))
		for i, e := range entries {
			txs[i] = e.Transaction
		}
		list, err := db.record(ctx, tx, p, txs)
		if err != nil {
			return err
		}
		if err := keep(ctx, tx, by, p, "", nil, list); err != nil {
			return err
		}
		rows := make([][]any, len(list))
		for i, e := range list {
			o := entries[i].Origin
			rows[i] = []any{p.ID, e.ID, id, o.Issuer, o.BrokerID, o.Content}
		}
		columns := []string{"portfolio_id", "transaction_id", "import_id", "issuer", "broker_id", "content"}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"imported"}, columns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, `
		update imports set confirmed_at = $2, expires_at = null, recorded = $3, entries = '[]' where id = $1`,
		id, p.Now, len(entries))
	return err
}

// DeleteImport implements backend.Imports.
func (db *DB) DeleteImport(ctx context.Context, by backend.Principal, portfolio, id string) error {
	if err := present(portfolio, id); err != nil {
		return err
	}
	return db.within(ctx, "delete import", func(tx pgx.Tx) error {
		p, err := lock(ctx, tx, by.Owner, portfolio)
		if err != nil {
			return err
		}
		i, err := getImport(ctx, tx, by.Owner, portfolio, id)
		if err != nil {
			return err
		}
		if i.Confirmed() {
			if err := undo(ctx, tx, by, p, id); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, "delete from imports where id = $1", id)
		return err
	})
}

// undo deletes the entries of an import that have not been deleted yet.
func undo(ctx context.Context, tx pgx.Tx, by backend.Principal, p locked, id string) error {
	rows, _ := tx.Query(ctx, "select transaction_id::text from imported where import_id = $1", id)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string]) // also the error of the query
	if err != nil || len(ids) == 0 {
		return err
	}
	slices.Sort(ids)
	rows, _ = tx.Query(ctx, "select"+entryColumns+" from transactions t where t.portfolio_id = $1", p.ID)
	all, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return err
	}
	var kept []backend.Transaction
	var batch pgx.Batch
	for _, e := range all {
		if _, gone := slices.BinarySearch(ids, e.ID); gone {
			audit(&batch, by, by.Owner, "transaction.delete", e.ID, p.ID, e, nil)
			continue
		}
		kept = append(kept, e.Transaction)
	}
	if _, err := backend.Derive(ctx, p.Policy, kept, end); err != nil {
		return err
	}
	batch.Queue("delete from transactions where portfolio_id = $1 and id = any($2::uuid[])", p.ID, ids)
	if err := raise(&batch, p.ID, -len(ids)); err != nil {
		return err
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("undo import: %w", err)
	}
	return nil
}
