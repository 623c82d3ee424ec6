package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// prepared returns a migrated database for a benchmark.
func prepared(b *testing.B, name string) (*postgres.DB, backend.Principal, backend.Portfolio) {
	b.Helper()
	return preparedAs(b, fmt.Sprintf("%s_%d", name, time.Now().UnixNano()))
}

// preparedAs is prepared with the name of the database.
func preparedAs(b *testing.B, name string) (*postgres.DB, backend.Principal, backend.Portfolio) {
	b.Helper()
	ctx := context.Background()
	require.NoError(b, server.CreateDatabase(ctx, name, name, "secret"))
	db, err := postgres.Open(ctx, config(name))
	require.NoError(b, err)
	b.Cleanup(db.Close)
	require.NoError(b, db.Migrate(ctx))
	hash := backend.HashSecret(backend.NewSecret())
	_, err = db.CreateKey(ctx, backend.Principal{},
		backend.APIKey{Owner: "alice", Label: "x", Scopes: backend.Scopes}, hash)
	require.NoError(b, err)
	by, err := db.Authenticate(ctx, hash, time.Now())
	require.NoError(b, err)
	p, _, err := db.CreatePortfolio(ctx, by, "",
		backend.Portfolio{Name: "x", Base: "EUR", Policy: backend.Policy{Method: backend.FIFO}})
	require.NoError(b, err)
	return db, by, p
}

// A portfolio of 100 holdings in three currencies, valued from many goroutines:
// with prices in memory and with prices from the tables.
func BenchmarkValuation(b *testing.B) {
	db, by, p := prepared(b, "valuation")
	ctx, at := context.Background(), time.Now()
	var txs []backend.Transaction
	var quotes []backend.Quote
	symbols, currencies := []string{}, []backend.Currency{"EUR", "USD", "CHF"}
	for i := range 100 {
		tx := buy(day, fmt.Sprintf("S%03d", i), "10.5", "101.25")
		tx.Currency = currencies[i%3]
		q := quote(tx.Symbol, fmt.Sprintf("%d.37", 90+i), at)
		q.Currency = tx.Currency
		txs, quotes, symbols = append(txs, tx), append(quotes, q), append(symbols, tx.Symbol)
	}
	_, _, err := db.Record(ctx, by, p.ID, "", txs)
	require.NoError(b, err)
	_, err = db.WriteQuotes(ctx, backend.Principal{}, quotes,
		[]backend.Rate{rate("USD", "EUR", "0.9123", at), rate("CHF", "EUR", "1.0345", at)})
	require.NoError(b, err)
	prices, err := db.Latest(ctx, symbols, currencies)
	require.NoError(b, err)
	for name, pricer := range map[string]backend.Pricer{"cached": fixed(prices),
		"tables": backend.MarketPricer{Market: db}} {
		b.Run(name, func(b *testing.B) {
			tracker := backend.NewTracker(db, db, pricer, time.Now)
			b.RunParallel(func(loop *testing.PB) {
				for loop.Next() {
					if v, err := tracker.Valuation(ctx, "alice", p.ID, time.Time{}); err != nil || !v.Total.Valid {
						b.Error(v.State, err)
						return
					}
				}
			})
		})
	}
}

// fixed returns the same prices always, as a cache would.
type fixed backend.Prices

func (f fixed) Prices(context.Context, []string, []backend.Currency, time.Time) (backend.Prices, error) {
	return backend.Prices(f), nil
}

// Reading all entries of portfolios of several sizes with 100 symbols, and recording one
// more trade, of another symbol.
func BenchmarkEntries(b *testing.B) {
	for _, n := range []int{100, 10_000, 90_000} {
		db, by, p := prepared(b, "entries")
		ctx := context.Background()
		for batch := 0; batch < n; batch += backend.MaxImport {
			var txs []backend.Transaction
			for i := range min(n, backend.MaxImport) {
				txs = append(txs, buy(day, fmt.Sprintf("S%03d", i%100), "10.5", "101.25"))
			}
			_, _, err := db.Record(ctx, by, p.ID, "", txs)
			require.NoError(b, err)
		}
		b.Run(fmt.Sprint("load/", n), func(b *testing.B) {
			for b.Loop() {
				_, _, err := db.Load(ctx, "alice", p.ID)
				require.NoError(b, err)
			}
		})
		b.Run(fmt.Sprint("record/", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{buy(day, fmt.Sprint("N", i), "1", "1")})
				require.NoError(b, err)
			}
		})
	}
}

// A batch of quotes and rates, each newer than the one before, as a feed writes it.
func BenchmarkWriteQuotes(b *testing.B) {
	for _, n := range []int{1, 100, backend.MaxBatch} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			db, by, _ := prepared(b, "quotes")
			at := time.Now()
			for b.Loop() {
				at = at.Add(time.Second)
				quotes := make([]backend.Quote, n)
				for i := range quotes {
					quotes[i] = quote(fmt.Sprintf("S%03d", i), "91.37", at)
				}
				_, err := db.WriteQuotes(b.Context(), by, quotes, nil)
				require.NoError(b, err)
			}
		})
	}
}

// Renewing the leases on 10,000 portfolios.
func BenchmarkClaim(b *testing.B) {
	name := fmt.Sprintf("claim_%d", time.Now().UnixNano())
	db, by, _ := preparedAs(b, name)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server.URL(name, name, "secret"))
	require.NoError(b, err)
	defer conn.Close(ctx)
	for _, fill := range []string{
		`insert into portfolios select gen_random_uuid(), 'alice', 'w', 'EUR', 'FIFO', false, 1, 0, 0, now(), now()
			from generate_series(1, 10000)`,
		`insert into connections select id::text, 'api.example', 'prod', null, now(), now() + interval '2 hours', 'alice',
			'` + by.KeyID + `'::uuid from portfolios`,
		"insert into subscriptions (connection_id, portfolio_id, after) select id::text, id, 0 from portfolios",
		"analyze",
	} {
		_, err := conn.Exec(ctx, fill)
		require.NoError(b, err)
	}
	leases, _, err := db.Claim(ctx, "one", nil, time.Minute)
	require.NoError(b, err)
	held := make([]string, len(leases))
	for i, l := range leases {
		held[i] = l.Portfolio
	}
	for b.Loop() {
		_, lost, err := db.Claim(ctx, "one", held, time.Minute)
		require.NoError(b, err)
		require.Empty(b, lost)
	}
}
