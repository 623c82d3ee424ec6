package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Portfolios = (*DB)(nil)

const portfolioColumns = `
	id, owner, name, base_currency as base, cost_method as method, allow_shorts, not track_cash as ignore_cash, time_zone,
	version, created_at, updated_at`

// end is a day after every entry.
const end = backend.Date(math.MaxInt32)

// CreatePortfolio implements backend.Portfolios.
func (db *DB) CreatePortfolio(
	ctx context.Context, by backend.Principal, key string, p backend.Portfolio,
) (created backend.Portfolio, replayed bool, err error) {
	invalidPortfolio := p.Validate()
	if invalidPortfolio != nil {
		invalidPortfolio = invalid(invalidPortfolio)
	}
	if err := errors.Join(invalidPortfolio, checkKey(key)); err != nil {
		return backend.Portfolio{}, false, err
	}
	request, err := sumOfJSON(p)
	if err != nil {
		return backend.Portfolio{}, false, err
	}
	err = db.within(ctx, "create portfolio", func(tx pgx.Tx) error {
		if err := lockOwner(ctx, tx, by.Owner); err != nil {
			return err
		}
		if created, replayed, err = replayPortfolio(ctx, tx, by.Owner, key, request); err != nil || replayed {
			return err
		}
		created, err = createPortfolio(ctx, tx, by, p)
		if err != nil || key == "" {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into portfolio_idempotency (owner, key, request, created, expires_at)
			values ($1, $2, $3, $4, now() + $5::interval)
			on conflict (owner, key) do update set
				request = excluded.request, created = excluded.created, expires_at = excluded.expires_at`,
			by.Owner, key, request, created, backend.IdempotencyLifetime)
		return err
	})
	if err != nil {
		return backend.Portfolio{}, false, err
	}
	return created, replayed, nil
}

// replayPortfolio returns the portfolio that an earlier call with the key created,
// and whether there was such a call.
func replayPortfolio(ctx context.Context, tx pgx.Tx, owner, key string,
	request []byte) (p backend.Portfolio, found bool, err error) {
	if key == "" {
		return p, false, nil
	}
	var same bool
	err = tx.QueryRow(ctx, `
		select request = $3, created from portfolio_idempotency
		where owner = $1 and key = $2 and expires_at > now()`, owner, key, request).Scan(&same, &p)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return p, false, nil
	case err != nil:
		return p, false, err
	case !same:
		return p, false, &backend.Error{Code: backend.CodeIdempotencyConflict,
			Message: "idempotency key: got one that was used with another portfolio, want a new one"}
	}
	p.Owner = owner
	return p, true, nil
}

// createPortfolio adds a portfolio of an owner whose lock is held.
func createPortfolio(ctx context.Context, tx pgx.Tx, by backend.Principal,
	p backend.Portfolio) (backend.Portfolio, error) {
	id, err := newID()
	if err != nil {
		return p, err
	}
	var count int
	if err := tx.QueryRow(ctx, "select count(*) from portfolios where owner = $1", by.Owner).Scan(&count); err != nil {
		return p, err
	}
	if count >= backend.MaxPortfolios {
		return p, limitReached("portfolios", backend.MaxPortfolios)
	}
	rows, _ := tx.Query(ctx, `
		insert into portfolios (id, owner, name, base_currency, cost_method, allow_shorts, track_cash, time_zone,
			version, created_at, updated_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, 1, now(), now()) returning `+portfolioColumns,
		id, by.Owner, p.Name, p.Base, p.Method, p.AllowShorts, !p.IgnoreCash, cmp.Or(p.TimeZone, "UTC"))
	if p, err = one[backend.Portfolio](rows); err != nil {
		return p, err
	}
	return p, finish(ctx, tx, by, p, &pgx.Batch{}, "portfolio.create", nil, p)
}

// finish queues the statements that end each change of a portfolio, and sends the batch.
func finish(ctx context.Context, tx pgx.Tx, by backend.Principal, p backend.Portfolio, batch *pgx.Batch, action string,
	before, after any) error {
	audit(batch, by, p.Owner, action, p.ID, p.ID, before, after)
	if err := announce(batch, backend.Change{Portfolio: p.ID}); err != nil {
		return err
	}
	return tx.SendBatch(ctx, batch).Close()
}

// GetPortfolio implements backend.Portfolios.
func (db *DB) GetPortfolio(ctx context.Context, owner, id string) (backend.Portfolio, error) {
	if err := present(id); err != nil {
		return backend.Portfolio{}, err
	}
	var p backend.Portfolio
	// Scanned by position, because nearly every call of the API begins with this.
	err := db.pool.QueryRow(ctx, "select"+portfolioColumns+" from portfolios where id = $1 and owner = $2", id,
		owner).Scan(
		&p.ID, &p.Owner, &p.Name, &p.Base, &p.Method, &p.AllowShorts, &p.IgnoreCash, &p.TimeZone,
		&p.Version, &p.CreatedAt, &p.UpdatedAt)
	return p, outcome("get portfolio", found(err))
}

// ListPortfolios implements backend.Portfolios, the oldest first.
func (db *DB) ListPortfolios(ctx context.Context, owner string,
	page backend.Page) ([]backend.Portfolio, string, error) {
	return listByID(ctx, db, "portfolios", "select"+portfolioColumns+` from portfolios
		where owner = $1 and id > $2 order by id limit $3`,
		owner, page, func(p backend.Portfolio) string { return p.ID })
}

// locked is a portfolio that cannot be changed by others until the transaction ends.
type locked struct {
	backend.Portfolio
	TransactionCount int
	LastSequence     int64
	Now              time.Time // the transaction's
}

// lock locks and returns a portfolio of an owner.
func lock(ctx context.Context, tx pgx.Tx, owner, id string) (locked, error) {
	rows, _ := tx.Query(ctx, "select"+portfolioColumns+`, transaction_count, last_sequence, now()
		from portfolios where id = $1 and owner = $2 for update`, id, owner)
	return one[locked](rows)
}

// UpdatePortfolio implements backend.Portfolios.
func (db *DB) UpdatePortfolio(ctx context.Context, by backend.Principal,
	p backend.Portfolio) (backend.Portfolio, error) {
	if err := present(p.ID); err != nil {
		return backend.Portfolio{}, err
	}
	if err := p.Validate(); err != nil {
		return backend.Portfolio{}, invalid(err)
	}
	err := db.within(ctx, "update portfolio", func(tx pgx.Tx) error {
		before, err := lock(ctx, tx, by.Owner, p.ID)
		if err != nil {
			return err
		}
		if before.Version != p.Version {
			return versionConflict(p.Version, before.Version)
		}
		if p.Policy != before.Policy {
			txs, err := transactions(ctx, tx, p.ID)
			if err != nil {
				return err
			}
			if _, err := backend.Derive(ctx, p.Policy, txs, end); err != nil {
				return err
			}
		}
		rows, _ := tx.Query(ctx, `
			update portfolios set name = $2, base_currency = $3, cost_method = $4, allow_shorts = $5,
				track_cash = $6, time_zone = $7, version = version + 1, updated_at = now()
			where id = $1 returning `+portfolioColumns,
			p.ID, p.Name, p.Base, p.Method, p.AllowShorts, !p.IgnoreCash, cmp.Or(p.TimeZone, "UTC"))
		if p, err = one[backend.Portfolio](rows); err != nil {
			return err
		}
		return finish(ctx, tx, by, p, &pgx.Batch{}, "portfolio.update", before.Portfolio, p)
	})
	return p, err
}

// DeletePortfolio implements backend.Portfolios. The audit keeps
// what its transactions were.
func (db *DB) DeletePortfolio(ctx context.Context, by backend.Principal, id string, version int64) error {
	if err := present(id); err != nil {
		return err
	}
	return db.within(ctx, "delete portfolio", func(tx pgx.Tx) error {
		p, err := lock(ctx, tx, by.Owner, id)
		if err != nil {
			return err
		}
		if p.Version != version {
			return versionConflict(version, p.Version)
		}
		var batch pgx.Batch
		announceDeletion(&batch, id)
		batch.Queue("delete from portfolios where id = $1", id)
		return finish(ctx, tx, by, p.Portfolio, &batch, "portfolio.delete", p.Portfolio, nil)
	})
}

// Load implements backend.Portfolios, in one snapshot.
func (db *DB) Load(ctx context.Context, owner, id string) (p backend.Portfolio, txs []backend.Transaction, err error) {
	if err := present(id); err != nil {
		return p, nil, err
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, db.pool, snapshot, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, "select"+portfolioColumns+" from portfolios where id = $1 and owner = $2", id, owner)
		if p, err = one[backend.Portfolio](rows); err != nil {
			return err
		}
		txs, err = transactions(ctx, tx, id)
		return err
	})
	return p, txs, outcome("load portfolio", err)
}

// LoadSince implements backend.Portfolios, in one snapshot.
func (db *DB) LoadSince(ctx context.Context, owner, id string,
	version int64) (p backend.Portfolio, changed []backend.Transaction, deleted []string, err error) {
	if err := present(id); err != nil {
		return p, nil, nil, err
	}
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, db.pool, snapshot, func(tx pgx.Tx) error {
		rows, _ := tx.Query(ctx, "select"+portfolioColumns+" from portfolios where id = $1 and owner = $2", id, owner)
		if p, err = one[backend.Portfolio](rows); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, "select"+entryColumns+` from transactions t
			where t.portfolio_id = $1 and t.portfolio_version > $2`, id, version)
		if changed, err = pgx.CollectRows(rows, scanTransaction); err != nil {
			return err
		}
		rows, _ = tx.Query(ctx, `
			select id::text from deleted_transactions
			where portfolio_id = $1 and portfolio_version > $2`, id, version)
		deleted, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return p, changed, deleted, outcome("load changes", err)
}

func invalid(err error) error {
	return &backend.Error{Code: backend.CodeInvalidRequest, Message: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

func versionConflict(got, is int64) error {
	return &backend.Error{Code: backend.CodeVersionConflict,
		Message: fmt.Sprintf("version: got %d, want %d: it was changed in the meantime", got, is)}
}

func limitReached(what string, limit int) error {
	return &backend.Error{Code: backend.CodeLimitReached,
		Message: fmt.Sprintf("%s: the limit of %d is reached", what, limit)}
}
