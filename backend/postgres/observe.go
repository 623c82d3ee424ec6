package postgres

import (
	"context"
	"time"
)

// PoolUse returns the share of the pool's connections that are in use, in percent.
func (db *DB) PoolUse() float64 {
	s := db.pool.Stat()
	return 100 * float64(s.AcquiredConns()) / float64(s.MaxConns())
}

// OpenConnections counts the connections of all instances that have not expired
// at now.
func (db *DB) OpenConnections(ctx context.Context, now time.Time) (n int, err error) {
	err = db.pool.QueryRow(ctx, "select count(*) from connections where expires_at > $1", now).Scan(&n)
	return n, outcome("count connections", err)
}

// NewestQuote returns the time of the newest quote, or a minute before one becomes
// stale that is fresh for longer; the zero time where there is none. It reads the
// quotes of the newest day only.
func (db *DB) NewestQuote(ctx context.Context) (time.Time, error) {
	var newest *time.Time
	err := db.pool.QueryRow(ctx, `
		select max(greatest(time, fresh_until - interval '1 minute'))
		from quotes where day = (select max(day) from quotes)`).Scan(&newest)
	if err != nil || newest == nil {
		return time.Time{}, outcome("find the newest quote", err)
	}
	return *newest, nil
}
