package postgres

import (
	"context"
	"sync"
	"time"

	"portfolio/backend"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The locks of tasks that only one instance at a time runs.
const (
	dailyLock  int64 = 0x6461696c79
	sourceLock int64 = 0x736f75726365
)

const (
	// leaseCheck is the time between two checks that a lease still holds.
	leaseCheck = 5 * time.Second
	// releaseTimeout is how long releasing a lock may take.
	releaseTimeout = 2 * time.Second
)

// Lead calls do on one instance at a time, and reports whether it was this one. The
// lock ends with its connection, so do must be safe to run twice.
func (db *DB) Lead(ctx context.Context, do func(context.Context) error) (led bool, err error) {
	return db.lead(ctx, dailyLock, func(ctx context.Context, _ *pgx.Conn) error { return do(ctx) })
}

// LeadSources is Lead for the task that asks sources, which may run for as long as the
// instance does. The context of do ends when the lock may have been lost.
func (db *DB) LeadSources(ctx context.Context, do func(context.Context) error) (led bool, err error) {
	return db.lead(ctx, sourceLock, func(ctx context.Context, conn *pgx.Conn) error {
		ctx, cancel := context.WithCancel(ctx)
		var watching sync.WaitGroup
		watching.Go(func() {
			defer cancel()
			watchLease(ctx, conn)
		})
		defer watching.Wait()
		defer cancel()
		return do(ctx)
	})
}

// watchLease returns when ctx ends or the connection that holds a lock does not answer.
func watchLease(ctx context.Context, conn *pgx.Conn) {
	ticker := time.NewTicker(leaseCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		// Not cancelled with ctx, which would close the connection.
		checking, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseCheck)
		err := conn.Ping(checking)
		cancel()
		if err != nil {
			return
		}
	}
}

func (db *DB) lead(ctx context.Context, lock int64, do func(context.Context, *pgx.Conn) error) (led bool, err error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return false, outcome("lead", err)
	}
	defer conn.Release()
	if err := conn.QueryRow(ctx, "select pg_try_advisory_lock($1)", lock).Scan(&led); err != nil || !led {
		return false, outcome("lead", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, "select pg_advisory_unlock($1)", lock); err != nil {
			_ = conn.Conn().Close(ctx) // the lock ends with the connection
		}
	}()
	return true, do(ctx, conn.Conn())
}

// TimeZones returns the time zones of all portfolios, sorted.
func (db *DB) TimeZones(ctx context.Context) ([]string, error) {
	rows, _ := db.pool.Query(ctx, `
		with recursive zones as (
			select min(time_zone) as zone from portfolios
			union all
			select (select min(time_zone) from portfolios where time_zone > zone) from zones where zone is not null
		)
		select zone from zones where zone is not null order by zone`) // CollectRows returns the error
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return list, outcome("list time zones", err)
}

// PortfoliosAt returns up to limit portfolios of all owners that were created no later
// than at, in the order of their IDs, starting after the ID after ("" for the first).
func (db *DB) PortfoliosAt(ctx context.Context, at time.Time, after string, limit int) ([]backend.Portfolio, error) {
	return db.portfolios(ctx, "true", at, after, limit)
}

// PortfoliosIn returns what PortfoliosAt does, of one time zone.
func (db *DB) PortfoliosIn(ctx context.Context, zone string, at time.Time, after string,
	limit int) ([]backend.Portfolio, error) {
	return db.portfolios(ctx, "time_zone = $4", at, after, limit, zone)
}

// portfolios lists portfolios that meet a condition, whose arguments begin with $4.
func (db *DB) portfolios(ctx context.Context, condition string, at time.Time, after string, limit int,
	args ...any) ([]backend.Portfolio, error) {
	if after == "" {
		after = uuid.Nil.String()
	}
	rows, _ := db.pool.Query(ctx, "select"+portfolioColumns+" from portfolios where "+condition+
		" and id > $1 and created_at <= $2 order by id limit $3", append([]any{after, at, limit}, args...)...)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[backend.Portfolio]) // also the error of the query
	return list, outcome("list portfolios", err)
}
