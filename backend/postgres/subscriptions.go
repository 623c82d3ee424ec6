package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var _ push.Store = (*DB)(nil)

// Subscribe implements push.Store. A portfolio whose ID is not a UUID is not found.
func (db *DB) Subscribe(ctx context.Context, connection, portfolio string, after int64,
	limit int, now time.Time) error {
	return db.within(ctx, "subscribe", func(tx pgx.Tx) error {
		return subscribe(ctx, tx, connection, portfolio, after, limit, now)
	})
}

func subscribe(ctx context.Context, tx pgx.Tx, connection, portfolio string, after int64,
	limit int, now time.Time) error {
	// Locked, so that simultaneous calls count each other.
	var owner *string
	var reads *bool
	err := tx.QueryRow(ctx, `
		select c.owner, k.revoked_at is null and (k.expires_at is null or k.expires_at > $2) and 'read' = any (k.scopes)
		from connections c left join api_keys k on k.id = c.key_id
		where c.connection_id = $1 and c.expires_at > $2
		for update of c`, connection, now).Scan(&owner, &reads)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return &backend.Error{Code: backend.CodeUnknownConnection, Message: "the connection is unknown; connect again"}
	case err != nil:
		return err
	case owner == nil || reads == nil || !*reads:
		return &backend.Error{Code: backend.CodeForbidden, Message: "the key that opened this connection may not read"}
	}
	var there, watched bool
	var count int
	err = tx.QueryRow(ctx, `
		select exists (select from portfolios where id::text = $2 and owner = $3),
			count(*), coalesce(bool_or(portfolio_id::text = $2), false)
		from subscriptions where connection_id = $1`, connection, portfolio, *owner).Scan(&there, &count, &watched)
	switch {
	case err != nil:
		return err
	case !there:
		return &backend.Error{Code: backend.CodeNotFound, Message: "there is no such portfolio"}
	case !watched && count >= limit:
		return &backend.Error{Code: backend.CodeLimitReached,
			Message: fmt.Sprintf("a connection watches at most %d portfolios", limit)}
	}
	_, err = tx.Exec(ctx, `
		insert into subscriptions (connection_id, portfolio_id, after) values ($1, $2, $3)
		on conflict (connection_id, portfolio_id) do update set after = excluded.after, asked_at = excluded.asked_at`,
		connection, portfolio, after)
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "23503" { // foreign_key_violation
		return &backend.Error{Code: backend.CodeNotFound, Message: "the portfolio was deleted"}
	}
	return err
}

// Unsubscribe implements push.Store.
func (db *DB) Unsubscribe(ctx context.Context, connection, portfolio string) error {
	_, err := db.pool.Exec(ctx,
		"delete from subscriptions where connection_id = $1 and portfolio_id::text = $2", connection, portfolio)
	return outcome("unsubscribe", err)
}

// Subscribers implements push.Store.
func (db *DB) Subscribers(ctx context.Context, portfolio string, now time.Time) ([]push.Subscriber, error) {
	rows, _ := db.pool.Query(ctx, `
		select c.connection_id, c.domain_name, c.stage, c.connected_at, c.expires_at,
			coalesce(c.owner, ''), coalesce(c.key_id::text, ''), s.after, s.asked_at
		from subscriptions s join connections c using (connection_id)
		where s.portfolio_id = $1 and c.expires_at > $2`, portfolio, now)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s push.Subscriber, err error) {
		c := &s.Connection
		err = row.Scan(&c.ID, &c.DomainName, &c.Stage, &c.ConnectedAt, &c.ExpiresAt, &c.Owner,
			&c.KeyID, &s.After, &s.Asked)
		return s, err
	})
	return list, outcome("read subscribers", err)
}

// Forget implements push.Store.
func (db *DB) Forget(ctx context.Context, connections []string) error {
	_, err := db.pool.Exec(ctx, "delete from connections where connection_id = any ($1)", connections)
	return outcome("forget connections", err)
}

// ListenSubscriptions implements push.Store. It calls lost once it is listening, and
// returns the error that ended its connection.
func (db *DB) ListenSubscriptions(ctx context.Context, changed func(portfolio string), lost func()) error {
	err := db.notifications(ctx, "portfolio_subscriptions", lost, func(portfolio string) error {
		changed(portfolio)
		return nil
	})
	if ctx.Err() != nil {
		return nil
	}
	return outcome("listen to subscriptions", err)
}
