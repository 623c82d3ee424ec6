package postgres

import (
	"context"
	"fmt"
	"time"

	"portfolio/backend"
)

// The tables that expired rows are swept from, their keys, the column with the time from
// which a row expires, and how long after it that is.
var swept = []struct {
	table, key, time string
	after            time.Duration
}{
	{"connections", "connection_id", "expires_at", 0},
	{"tickets", "hash", "expires_at", 0},
	{"sessions", "hash", "expires_at", 0},
	{"idempotency", "portfolio_id, key", "expires_at", 0},
	{"portfolio_idempotency", "owner, key", "expires_at", 0},
	{"imports", "id", "expires_at", 0},
	{"quote_samples", "symbol, slot", "slot", backend.SamplesKept},
	{"rate_samples", "from_currency, to_currency, slot", "slot", backend.SamplesKept},
}

// Sweep removes up to limit rows of each table that expired before now, the oldest
// first, and returns how many it removed of each. Instances that sweep at once share
// the work instead of waiting for each other.
func (db *DB) Sweep(ctx context.Context, now time.Time, limit int) (map[string]int, error) {
	removed := map[string]int{}
	for _, s := range swept {
		tag, err := db.pool.Exec(ctx, fmt.Sprintf(`
			delete from %[1]s where (%[2]s) in (
				select %[2]s from %[1]s where %[3]s <= $1
				order by %[3]s limit $2 for update skip locked)`, s.table, s.key, s.time), now.Add(-s.after), limit)
		if err != nil {
			return removed, fmt.Errorf("sweep %s: %w", s.table, err)
		}
		if n := int(tag.RowsAffected()); n > 0 {
			removed[s.table] = n
		}
	}
	return removed, nil
}
