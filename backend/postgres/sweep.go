package postgres

import (
	"context"
	"fmt"
	"time"
)

// The tables that expired rows are swept from, and their keys.
var swept = []struct{ table, key string }{
	{"connections", "connection_id"},
	{"tickets", "hash"},
	{"sessions", "hash"},
	{"idempotency", "portfolio_id, key"},
	{"portfolio_idempotency", "owner, key"},
	{"imports", "id"},
}

// Sweep removes up to limit rows of each table that expired before now, the oldest
// first, and returns how many it removed of each. Instances that sweep at once share
// the work instead of waiting for each other.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (map[string]int, error) {
	removed := map[string]int{}
	for _, s := range swept {
		tag, err := db.pool.Exec(ctx, fmt.Sprintf(`
			delete from %[1]s where (%[2]s) in (
				select %[2]s from %[1]s where expires_at <= $1
				order by expires_at limit $2 for update skip locked)`, s.table, s.key), now, limit)
		if err != nil {
			return removed, fmt.Errorf("sweep %s: %w", s.table, err)
		}
		if n := int(tag.RowsAffected()); n > 0 {
			removed[s.table] = n
		}
	}
	return removed, nil
}
