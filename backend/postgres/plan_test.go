package postgres_test

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// queries collects the queries of the pool.
type queries struct {
	mu   sync.Mutex
	seen map[string][]any // arguments by query
}

func (q *queries) add(sql string, arguments []any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.seen[sql] = arguments
}

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	q.add(d.SQL, d.Args)
	return ctx
}
func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (q *queries) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}
func (q *queries) TraceBatchQuery(_ context.Context, _ *pgx.Conn, d pgx.TraceBatchQueryData) {
	q.add(d.SQL, d.Args)
}
func (q *queries) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// crowd fills the tables: 1,000 portfolios of 200 owners with 40 transactions
// each, 400 days of 100 symbols and of 20 pairs, and rows in the other tables.
const crowd = `
	insert into api_keys select gen_random_uuid(), 'o' || i % 200, sha256(i::text::bytea), 'x', '{read}', now(), null, null
		from generate_series(1, 5000) i;
	insert into portfolios select gen_random_uuid(), 'o' || i % 200, 'x', 'EUR', 'FIFO', false, 1, 100, 100, now(), now()
		from generate_series(1, 1000) i;
	insert into transactions select id, gen_random_uuid(), i, 'BUY', date '2025-01-01' + i / 2, 'S' || (i + ascii(id::text)) % 100,
		1, 1, 0, 'EUR', 0, 0, 0, '', 1, now() from portfolios, generate_series(1, 40) i;
	insert into idempotency select id, i::text, sha256(''), 1, '{}', now() - i * interval '1 hour', now() - (i - 24) * interval '1 hour'
		from portfolios, generate_series(1, 15) i;
	insert into portfolio_idempotency select owner, id::text || i, sha256(''), '{}', now() - (i - 24) * interval '1 hour'
		from portfolios, generate_series(1, 15) i;
	insert into audit (owner, action, subject) select owner, 'x', id from portfolios, generate_series(1, 40);
	insert into imports select gen_random_uuid(), id, 'x', '[]', 0, now(), null, now() + i * interval '1 second'
		from portfolios, generate_series(1, 20) i;
	insert into tickets select sha256((id::text || i)::bytea), id, now() + i * interval '1 second' from api_keys, generate_series(1, 5) i;
	insert into sessions select sha256((id::text || 's' || i)::bytea), gen_random_uuid(), id, 'key', now(), now() + interval '7 days', now() + interval '12 hours'
		from api_keys, generate_series(1, 5) i;
	insert into connections select i, 'd', 's', null, now(), now() + i * interval '1 second' from generate_series(1, 20000) i;
	insert into notices (connection_id, due_at) select connection_id, expires_at from connections;
	insert into subscriptions (connection_id, portfolio_id, after)
		select i::text, id, 0 from portfolios, generate_series(1, 5) i;
	insert into quotes (symbol, price, currency, source, time, received)
		select 'S' || s, 1, 'EUR', 'x', now() - d * interval '1 day', now() from generate_series(0, 99) s, generate_series(0, 399) d;
	insert into rates (from_currency, to_currency, rate, source, time, received)
		select f, t, 1, 'x', now() - d * interval '1 day', now() from generate_series(0, 399) d,
			unnest('{EUR,USD,CHF,GBP,JPY}'::text[]) f, unnest('{EUR,USD,CHF,GBP,JPY}'::text[]) t where f <> t;
	insert into corrections select 'S' || s, 1 from generate_series(0, 999) s;
	insert into quote_samples (symbol, slot, price, currency, time, received)
		select 'S' || s, now() - d * interval '5 minutes', 1, 'EUR', now(), now() from generate_series(0, 99) s, generate_series(0, 899) d;
	insert into rate_samples (from_currency, to_currency, slot, rate, time, received)
		select f, t, now() - d * interval '5 minutes', 1, now(), now() from generate_series(0, 899) d,
			unnest('{EUR,USD,CHF,GBP,JPY}'::text[]) f, unnest('{EUR,USD,CHF,GBP,JPY}'::text[]) t where f <> t;
	analyze`

var sequential = regexp.MustCompile(`Seq Scan on \w+`)

// No query reads a whole table, however large the tables are.
func TestQueriesUseIndexes(t *testing.T) {
	ctx := t.Context()
	traced := &queries{seen: map[string][]any{}}
	c := config(database(t))
	require.NoError(t, open(t, c).Migrate(ctx))
	c.Tracer = traced
	db := open(t, c)
	conn := inspect(t, c.Name)
	_, err := conn.Exec(ctx, crowd)
	require.NoError(t, err)

	askEverything(t, db)
	// The query that finds the portfolios that a quote concerns.
	traced.add("select distinct portfolio_id from transactions where symbol = any($1)", []any{[]string{"S1", "S2"}})

	var explained int
	for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
		_, err := conn.Exec(ctx, "set plan_cache_mode = "+mode)
		require.NoError(t, err)
		for sql, arguments := range traced.seen {
			switch verb, _, _ := strings.Cut(strings.TrimSpace(sql), " "); verb {
			case "begin", "commit", "rollback":
				continue
			}
			rows, err := conn.Query(ctx, "explain "+sql, arguments...)
			require.NoError(t, err, sql)
			plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
			require.NoError(t, err, sql)
			explained++
			assert.Empty(t, sequential.FindAllString(strings.Join(plan, "\n"), -1), "%s:\n%s\n%s", mode, sql,
				strings.Join(plan, "\n"))
		}
	}
	assert.Greater(t, explained, 60)
}

// askEverything calls each method once, successfully.
func askEverything(t *testing.T, db *postgres.DB) {
	ctx, by := t.Context(), member(t, db, "o1")
	askForPortfolios(t, db, by)
	symbols, currencies := []string{"S1", "S2", "S3"}, []backend.Currency{"EUR", "USD"}
	_, err := db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{quote("S1", "2", time.Now())},
		[]backend.Rate{rate("EUR", "USD", "2", time.Now())})
	require.NoError(t, err)
	_, err = db.Closing(ctx, symbols, currencies, day, day+1)
	require.NoError(t, err)
	today := backend.DateOf(time.Now())
	ignoreQuotes, ignoreRate := func(string, *backend.Closes) error { return nil }, func(backend.Rate) error { return nil }
	require.NoError(t, db.QuoteSeries(ctx, symbols, today-9, today, ignoreQuotes))
	require.NoError(t, db.RateSeries(ctx, currencies, today-9, today, ignoreRate))
	require.NoError(t, db.QuoteSamples(ctx, symbols, today-1, today, ignoreQuotes))
	require.NoError(t, db.RateSamples(ctx, currencies, today-1, today, ignoreRate))
	_, err = db.Latest(ctx, symbols, currencies)
	require.NoError(t, err)
	_, _, err = db.ListKeys(ctx, "o1", backend.Page{Limit: 3})
	require.NoError(t, err)
	_, _, err = db.Audit(ctx, "o1", backend.Page{Limit: 3})
	require.NoError(t, err)
	hash := backend.HashSecret("ticket")
	require.NoError(t, db.IssueTicket(ctx, by, hash, time.Now().Add(time.Minute)))
	_, err = db.RedeemTicket(ctx, hash, time.Now())
	require.NoError(t, err)
	askForSessions(t, db, by)
	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, time.Now()))
	require.NoError(t, db.Add(ctx, connection("c", time.Now())))
	_, err = db.Known(ctx, "c", time.Now())
	require.NoError(t, err)
	require.NoError(t, db.Remove(ctx, "c"))
	_, err = db.NewestQuote(ctx)
	require.NoError(t, err)
	_, err = db.Sweep(ctx, time.Now(), 10)
	require.NoError(t, err)
}

func askForSessions(t *testing.T, db *postgres.DB, by backend.Principal) {
	ctx := t.Context()
	p, hash := signedIn(t, db, by, "session", time.Now())
	_, err := db.ResumeSession(ctx, hash, time.Now().Add(time.Hour))
	require.NoError(t, err)
	c := connection("s", time.Now())
	c.Owner, c.KeyID, c.SessionID = p.Owner, p.KeyID, p.SessionID
	require.NoError(t, db.Add(ctx, c))
	require.NoError(t, db.EndSession(ctx, p))
	require.NoError(t, db.EndSessions(ctx, p))
	i := backend.Identity{Issuer: "i", Subject: "s", Owner: "o1", Scopes: backend.Scopes}
	for range 2 {
		_, err = db.IdentityKey(ctx, i, time.Now())
		require.NoError(t, err)
		i.Owner = "o2"
	}
}

func askForPortfolios(t *testing.T, db *postgres.DB, by backend.Principal) {
	ctx := t.Context()
	page := backend.Page{Limit: 3}
	list, next, err := db.ListPortfolios(ctx, "o1", page)
	require.NoError(t, err)
	require.Len(t, list, 3)
	_, _, err = db.ListPortfolios(ctx, "o1", backend.Page{Limit: 3, After: next})
	require.NoError(t, err)
	_, err = db.TimeZones(ctx)
	require.NoError(t, err)
	_, err = db.PortfoliosIn(ctx, "UTC", time.Now(), "", 3)
	require.NoError(t, err)
	p := portfolio(t, db, by)
	_, next, err = db.ListEntries(ctx, "o1", list[0].ID, page)
	require.NoError(t, err)
	_, _, err = db.ListEntries(ctx, "o1", list[0].ID, backend.Page{Limit: 3, After: next})
	require.NoError(t, err)
	_, txs, err := db.Load(ctx, "o1", list[0].ID)
	require.NoError(t, err)
	require.Len(t, txs, 40)
	entries, _, err := db.Record(ctx, by, list[0].ID, "new",
		[]backend.Transaction{buy(day, "S1", "1", "1"), buy(day, "S2", "1", "1")})
	require.NoError(t, err)
	_, err = db.GetEntry(ctx, "o1", list[0].ID, entries[0].ID)
	require.NoError(t, err)
	_, err = db.UpdateEntry(ctx, by, list[0].ID, entries[0])
	require.NoError(t, err)
	require.NoError(t, db.DeleteEntry(ctx, by, list[0].ID, entries[1].ID, 1))
	p.Method = backend.Average
	p, err = db.UpdatePortfolio(ctx, by, p)
	require.NoError(t, err)
	require.NoError(t, db.DeletePortfolio(ctx, by, p.ID, p.Version))
}

// A change before the last entry of a large portfolio reads only the entries of its symbols.
func TestEntriesOfASymbolAreFoundByIndex(t *testing.T) {
	traced := &queries{seen: map[string][]any{}}
	c := config(database(t))
	require.NoError(t, open(t, c).Migrate(t.Context()))
	c.Tracer = traced
	db := open(t, c)
	by := member(t, db, "alice")
	p := portfolio(t, db, by)
	conn := inspect(t, c.Name)
	_, err := conn.Exec(t.Context(), `
		insert into transactions select $1, gen_random_uuid(), i, 'BUY', date '2025-01-01' + i / 100, 'S' || i % 100,
			1, 1, 0, 'EUR', 0, 0, 0, '', 1, now() from generate_series(1, 5000) i`, p.ID)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "analyze")
	require.NoError(t, err)
	recorded(t, db, by, p.ID, backend.Transaction{Kind: backend.SpinOff, Date: day, Symbol: "S7", ToSymbol: "NEW",
		Ratio: backend.Ratio{New: 1, Old: 1}})
	explained := 0
	for sql, arguments := range traced.seen {
		if !strings.Contains(sql, "from transactions t where t.portfolio_id = $1 and (") {
			continue
		}
		explained++
		rows, err := conn.Query(t.Context(), "explain "+sql, arguments...)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		text := strings.Join(plan, "\n")
		assert.Contains(t, text, "transactions_symbol", text)
		assert.Contains(t, text, "transactions_to_symbol", text)
	}
	assert.Equal(t, 1, explained)
}
