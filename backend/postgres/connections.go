package postgres

import (
	"context"
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
		insert into connections
			(connection_id, domain_name, stage, source_ip, connected_at, expires_at, owner, key_id)
		values ($1, $2, $3, $4, $5, $6, nullif($7, ''), nullif($8, '')::uuid)
		on conflict (connection_id) do update set
			domain_name = excluded.domain_name, stage = excluded.stage, source_ip = excluded.source_ip,
			connected_at = excluded.connected_at, expires_at = excluded.expires_at,
			owner = excluded.owner, key_id = excluded.key_id`,
		c.ID, c.DomainName, c.Stage, source, c.ConnectedAt, c.ExpiresAt, c.Owner, c.KeyID)
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
