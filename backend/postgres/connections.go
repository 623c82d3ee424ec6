package postgres

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Connections = (*DB)(nil)

// Add implements backend.Connections.
func (db *DB) Add(ctx context.Context, c backend.Connection) error {
	return db.within(ctx, "add connection", func(tx pgx.Tx) error {
		var ends *time.Time
		if c.KeyID != "" {
			var err error
			if ends, err = admit(ctx, tx, c); err != nil {
				return err
			}
		}
		var source *netip.Addr // null if unknown
		if c.SourceIP.IsValid() {
			source = &c.SourceIP
		}
		var batch pgx.Batch
		batch.Queue(`
			insert into connections
				(connection_id, domain_name, stage, source_ip, connected_at, expires_at, owner, key_id, session_id)
			values ($1, $2, $3, $4, $5, $6, nullif($7, ''), nullif($8, '')::uuid, nullif($9, '')::uuid)
			on conflict (connection_id) do update set
				domain_name = excluded.domain_name, stage = excluded.stage, source_ip = excluded.source_ip,
				connected_at = excluded.connected_at, expires_at = excluded.expires_at,
				owner = excluded.owner, key_id = excluded.key_id, session_id = excluded.session_id`,
			c.ID, c.DomainName, c.Stage, source, c.ConnectedAt, c.ExpiresAt, c.Owner, c.KeyID, c.SessionID)
		if ends != nil {
			batch.Queue(`
				insert into notices (connection_id, due_at) values ($1, $2)
				on conflict (connection_id) where portfolio_id is null do update set due_at = excluded.due_at`, c.ID, *ends)
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
}

// admit returns when the key of a new connection ends or, if that is earlier, its
// session, nil for never, or an error if the key has reached its limit of connections. It
// locks both, so that connections count each other and none misses that the key is
// revoked or the session ended.
func admit(ctx context.Context, tx pgx.Tx, c backend.Connection) (ends *time.Time, err error) {
	err = tx.QueryRow(ctx, "select least(expires_at, revoked_at) from api_keys where id = $1 for no key update",
		c.KeyID).Scan(&ends)
	if err != nil {
		return nil, err
	}
	if c.SessionID != "" {
		if ends, err = sessionEnd(ctx, tx, c, ends); err != nil {
			return nil, err
		}
	}
	var open int
	err = tx.QueryRow(ctx, `
		select count(*) from connections where key_id = $1 and expires_at > $2 and connection_id <> $3`,
		c.KeyID, c.ConnectedAt, c.ID).Scan(&open)
	if err == nil && open >= backend.MaxConnections {
		err = limitReached("connections of this key", backend.MaxConnections)
	}
	return ends, err
}

// sessionEnd returns when the session of a new connection ends, or its key if that is
// earlier. A session that does not exist has ended.
func sessionEnd(ctx context.Context, tx pgx.Tx, c backend.Connection, key *time.Time) (*time.Time, error) {
	var end time.Time
	err := tx.QueryRow(ctx, "select ends_at from sessions where id = $1 for key share", c.SessionID).Scan(&end)
	if errors.Is(err, pgx.ErrNoRows) {
		return &c.ConnectedAt, nil
	}
	if err != nil || key != nil && key.Before(end) {
		return key, err
	}
	return &end, nil
}

// Known implements backend.Connections.
func (db *DB) Known(ctx context.Context, id string, now time.Time) (known bool, err error) {
	err = db.pool.QueryRow(ctx, `
		select exists (select from connections where connection_id = $1 and expires_at > $2)`, id, now).Scan(&known)
	return known, outcome("look up connection", err)
}

// Remove implements backend.Connections.
func (db *DB) Remove(ctx context.Context, id string) error {
	_, err := db.pool.Exec(ctx, "delete from connections where connection_id = $1", id)
	return outcome("remove connection", err)
}
