package postgres

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"portfolio/backend"
)

var _ backend.Connections = (*DB)(nil)

// Add implements backend.Connections.
func (db *DB) Add(ctx context.Context, c backend.Connection) error {
	var source *netip.Addr // null where it is not known
	if c.SourceIP.IsValid() {
		source = &c.SourceIP
	}
	_, err := db.pool.Exec(ctx, `
		insert into connections (connection_id, domain_name, stage, source_ip, connected_at, expires_at)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (connection_id) do update set
			domain_name = excluded.domain_name, stage = excluded.stage, source_ip = excluded.source_ip,
			connected_at = excluded.connected_at, expires_at = excluded.expires_at`,
		c.ID, c.DomainName, c.Stage, source, c.ConnectedAt, c.ExpiresAt)
	return outcome("add connection", err)
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

// Sweep removes up to limit connections that expired before now, the oldest
// first, and reports how many. Instances that sweep at once share the work
// instead of waiting for each other.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (int, error) {
	tag, err := db.pool.Exec(ctx, `
		delete from connections where connection_id in (
			select connection_id from connections where expires_at <= $1
			order by expires_at limit $2 for update skip locked)`, now, limit)
	if err != nil {
		return 0, fmt.Errorf("sweep connections: %w", err)
	}
	return int(tag.RowsAffected()), nil
}
