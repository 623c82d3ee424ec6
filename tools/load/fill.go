package main

import (
	"context"
	"fmt"
	"math"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/shopspring/decimal"
)

// stored are portfolios to insert, each with one purchase of every of its symbols.
type stored struct {
	name, owner   string
	count         int
	id            string // SQL, by the number n of the portfolio
	entries       int
	symbol, money string // SQL, of the symbol and currency of entry i
}

// insert stores portfolios. It is much faster than the service would be. PostgreSQL has to
// know how many portfolios there are before it stores their transactions: the trigger
// on these looks up the portfolio, and would read all of them for each.
func (w *world) insert(ctx context.Context, s stored) error {
	var ids []string
	err := w.db.QueryRow(ctx, fmt.Sprintf(`
		with p as (
			insert into portfolios
			select %s, $1, $2, 'EUR', 'FIFO', false, 1, $3::bigint, $3::bigint, now(), now()
			from generate_series(1, $4::bigint) n returning id
		)
		select array_agg(id::text) from p`, s.id), s.owner, s.name, s.entries, s.count).Scan(&ids)
	if err != nil {
		return err
	}
	if _, err := w.db.Exec(ctx, "vacuum analyze portfolios"); err != nil {
		return err
	}
	_, err = w.db.Exec(ctx, fmt.Sprintf(`
		insert into transactions
		select id, gen_random_uuid(), i, 'BUY', date '2025-01-01' + i::integer, %s, 1, 10, 0, %s, 0, 0, 0, '', 1, now()
		from unnest($1::uuid[]) id, generate_series(1, $2::bigint) i`, s.symbol, s.money), ids, s.entries)
	if err == nil {
		_, err = w.db.Exec(ctx, "vacuum analyze")
	}
	return err
}

// fill adds portfolios, with one transaction for each holding, until total transactions
// are stored. The first one is the valued one; the others belong to somebody else, because
// nobody may have so many.
func (w *world) fill(ctx context.Context, total int) error {
	now, err := w.stored(ctx)
	if err != nil {
		return err
	}
	s := stored{name: "valued", owner: owner, count: 1, id: "gen_random_uuid()", entries: w.holdings,
		symbol: "'V' || i - 1", money: "case when (i - 1) % 4 = 0 then 'USD' else 'EUR' end"}
	if now == 0 {
		if err := w.insert(ctx, s); err != nil {
			return err
		}
		now = w.holdings
	}
	s.name, s.owner, s.count = "other", "somebody else", (total-now)/w.holdings
	return w.insert(ctx, s)
}

func (w *world) stored(ctx context.Context) (n int, err error) {
	err = w.db.QueryRow(ctx, "select count(*) from transactions").Scan(&n)
	return n, err
}

// portfolio returns the ID of the portfolio that is valued.
func (w *world) portfolio(ctx context.Context) (id string, err error) {
	err = w.db.QueryRow(ctx,
		"select id::text from portfolios where name = 'valued'").Scan(&id)
	return id, err
}

// quoteDays stores closing prices of symbols on days up to the one before to.
func (w *world) quoteDays(ctx context.Context, prefix string, symbols, days int, to backend.Date) error {
	_, err := w.db.Exec(ctx, `
		insert into quotes (symbol, price, currency, source, time, received)
		select $4 || 'S' || s, 50 + (s + d) % 100 + 0.25, 'EUR', 'load', t, t
		from generate_series(0, $1 - 1) s, generate_series(0, $2 - 2) d,
			lateral (select date '0001-01-01' - 1 + $3::integer + d + time '20:00' at time zone 'UTC' as t) x`,
		symbols, days, to-backend.Date(days)+1, prefix)
	return err
}

// trades are purchases of symbols, in turn, that are spread over some days.
func trades(prefix string, symbols, count, days int, to backend.Date) []backend.Transaction {
	list := make([]backend.Transaction, count)
	for i := range list {
		list[i] = backend.Transaction{
			Kind: backend.Buy, Date: to - backend.Date(days) + 1 + backend.Date(i*days/count),
			Symbol:   fmt.Sprint(prefix, "S", i%symbols),
			Quantity: decimal.NewFromInt(3), Price: decimal.NewFromInt(100), Currency: "EUR",
		}
	}
	return list
}

// record stores a portfolio with entries through the store, and returns its ID.
func (w *world) record(ctx context.Context, store *postgres.DB, txs []backend.Transaction) (string, error) {
	by := backend.Principal{Owner: owner, KeyID: w.keyID, Scopes: backend.Scopes}
	p, _, err := store.CreatePortfolio(ctx, by, "", backend.Portfolio{
		Name: "past", Base: "EUR", Policy: backend.Policy{Method: backend.FIFO},
	})
	for len(txs) > 0 && err == nil {
		n := min(len(txs), backend.MaxImport)
		_, _, err = store.Record(ctx, by, p.ID, "", txs[:n])
		txs = txs[n:]
	}
	return p.ID, err
}

// timed returns how long calls of a function took, one at a time.
func timed(count int, call func(i int) error) (times, error) {
	var all times
	for i := range count {
		began := time.Now()
		if err := call(i); err != nil {
			return nil, err
		}
		all = append(all, time.Since(began))
	}
	return all, nil
}

// today is the last day of everything that is stored.
func today() backend.Date { return backend.DateOf(time.Now()) }

// least returns the smaller of a number and what is left of it in a quick run.
func (w *world) least(n int) int { return int(math.Ceil(float64(n) / float64(w.shorter))) }
