package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// The history and the returns of portfolios with one quote per symbol and day.
func BenchmarkHistory(b *testing.B) {
	for _, size := range []struct{ symbols, days, trades, deposits int }{
		{100, 365, 1_000, 365}, {100, 3_650, 1_000, 365}, {900, 3_650, 1_000, 365},
	} {
		b.Run(fmt.Sprintf("%d symbols %d days", size.symbols, size.days), func(b *testing.B) {
			name := fmt.Sprintf("history_%d_%d_%d", size.symbols, size.days, time.Now().UnixNano())
			db, by, p := preparedAs(b, name)
			ctx := context.Background()
			to := backend.DateOf(time.Now())
			from := to - backend.Date(size.days) + 1
			conn, err := pgx.Connect(ctx, server.URL(name, name, "secret"))
			require.NoError(b, err)
			defer conn.Close(ctx)
			_, err = conn.Exec(ctx, `
				insert into quotes (symbol, price, currency, source, time, received)
				select 'S' || s, 50 + (s + d) % 100 + 0.25, 'EUR', 'x', t, t
				from generate_series(0, $1 - 1) s, generate_series(0, $2 - 1) d,
					lateral (select date '0001-01-01' - 1 + $3::integer + d + time '20:00' at time zone 'UTC' as t) x`,
				size.symbols, size.days, from)
			require.NoError(b, err)
			_, err = conn.Exec(ctx, "vacuum analyze quotes")
			require.NoError(b, err)
			var txs []backend.Transaction
			for i := range size.trades {
				txs = append(txs, buy(from+backend.Date(i*size.days/size.trades),
					fmt.Sprintf("S%d", i%size.symbols), "3", "100"))
			}
			for i := range size.deposits {
				txs = append(txs, deposit(from+backend.Date(i*size.days/size.deposits), "1000"))
			}
			_, _, err = db.Record(ctx, by, p.ID, "", txs)
			require.NoError(b, err)
			tracker := backend.NewTracker(db, db, backend.MarketPricer{Market: db}, time.Now)
			b.Run("history", func(b *testing.B) {
				for b.Loop() {
					days, err := tracker.History(ctx, "alice", p.ID, from, to)
					require.NoError(b, err)
					require.Len(b, days, size.days)
				}
			})
			b.Run("returns", func(b *testing.B) {
				for b.Loop() {
					_, err := tracker.Performance(ctx, "alice", p.ID, from-1, to)
					require.NoError(b, err)
				}
			})
		})
	}
}
