package postgres

import (
	"context"
	"time"

	"portfolio/backend/push"

	"github.com/jackc/pgx/v5"
)

// Notices implements push.Store.
func (db *DB) Notices(ctx context.Context, retryAfter time.Duration, limit int) ([]push.Notice, error) {
	rows, _ := db.pool.Query(ctx, `
		update notices n set due_at = now() + $1::interval
		from connections c
		where n.id in (select id from notices where due_at <= now() order by due_at limit $2 for update skip locked)
			and c.connection_id = n.connection_id
		returning n.id, coalesce(n.portfolio_id::text, ''), c.connection_id, c.domain_name, c.stage,
			c.connected_at, c.expires_at`,
		retryAfter, limit)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n push.Notice, err error) {
		c := &n.Connection
		err = row.Scan(&n.ID, &n.Deleted, &c.ID, &c.DomainName, &c.Stage, &c.ConnectedAt, &c.ExpiresAt)
		return n, err
	})
	return list, outcome("read notices", err)
}

// Noticed implements push.Store.
func (db *DB) Noticed(ctx context.Context, ids []int64) error {
	_, err := db.pool.Exec(ctx, "delete from notices where id = any ($1)", ids)
	return outcome("delete notices", err)
}

// announceDeletion queues a notice to each client that watches a portfolio.
func announceDeletion(batch *pgx.Batch, portfolio string) {
	batch.Queue(`
		insert into notices (connection_id, portfolio_id, due_at)
		select connection_id, portfolio_id, now() from subscriptions where portfolio_id = $1`, portfolio)
}

// endConnections queues the end of each connection of a key.
func endConnections(batch *pgx.Batch, key string) {
	batch.Queue(`
		insert into notices (connection_id, due_at) select connection_id, now() from connections where key_id = $1
		on conflict (connection_id) where portfolio_id is null do update set due_at = excluded.due_at`, key)
}

// endSessionConnections queues the end of each connection of sessions.
func endSessionConnections(batch *pgx.Batch, sessions []string) {
	batch.Queue(`
		insert into notices (connection_id, due_at) select connection_id, now() from connections where session_id = any ($1)
		on conflict (connection_id) where portfolio_id is null do update set due_at = excluded.due_at`, sessions)
}
