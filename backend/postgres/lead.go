package postgres

import (
	"context"
	"time"

	"portfolio/backend"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// dailyLock is held by the instance that runs the daily task.
const dailyLock = 0x6461696c79

// Lead calls do on one instance at a time, and reports whether it was this one. The
// lock ends with its connection, so do must be safe to run twice.
func (db *DB) Lead(ctx context.Context, do func(context.Context) error) (led bool, err error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return false, outcome("lead", err)
	}
	defer conn.Release()
	if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", int64(dailyLock)).Scan(&led); err != nil || !led {
		return false, outcome("lead", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if _, err := conn.Exec(ctx, "select pg_advisory_unlock($1)", int64(dailyLock)); err != nil {
			_ = conn.Conn().Close(ctx) // the lock ends with the connection
		}
	}()
	return true, do(ctx)
}

// PortfoliosAt returns up to limit portfolios of all owners that were created no later
// than at, in the order of their IDs, starting after the ID after ("" for the first).
func (db *DB) PortfoliosAt(ctx context.Context, at time.Time, after string, limit int) ([]backend.Portfolio, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	rows, _ := db.pool.Query(ctx, "select"+portfolioColumns+` from portfolios
		where id > $1 and created_at <= $2 order by id limit $3`, after, at, limit) // CollectRows returns the error
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[backend.Portfolio])
	return list, outcome("list portfolios", err)
}
