package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

var _ backend.Market = (*DB)(nil)

// WriteQuotes implements backend.Market.
func (db *DB) WriteQuotes(
	ctx context.Context, by backend.Principal, quotes []backend.Quote, rates []backend.Rate,
) (newer int, err error) {
	if n := len(quotes) + len(rates); n < 1 || n > backend.MaxBatch {
		return 0, &backend.Error{Code: backend.CodeInvalidRequest,
			Message: fmt.Sprintf("quotes and rates: got %d, want 1–%d", n, backend.MaxBatch)}
	}
	if err := storablePrices(quotes, rates); err != nil {
		return 0, err
	}
	id, err := newID()
	if err != nil {
		return 0, err
	}
	written, all := batchOf(quotes, rates), samples{quotes, rates}
	quotes, rates = lastQuotes(quotes, quoteKey), lastRates(rates, rateKey)
	err = db.within(ctx, "write quotes", func(tx pgx.Tx) error {
		c := backend.Change{Past: concernsPast(quotes, rates)}
		ofSymbols, err := writeQuotes(ctx, tx, quotes)
		if err != nil {
			return err
		}
		ofPairs, err := writeRates(ctx, tx, rates)
		if err != nil {
			return err
		}
		newer = len(ofSymbols) + len(ofPairs)
		for _, r := range ofSymbols {
			c.Symbols = append(c.Symbols, r.symbol)
		}
		for _, r := range ofPairs {
			c.Pairs = append(c.Pairs, r.pair)
		}
		c.Symbols = slices.Compact(c.Symbols) // sorted, as they were written
		c.Pairs = slices.Compact(c.Pairs)
		written.Newer = newer
		var batch pgx.Batch
		if newer < all.len() {
			all.others(quotes, rates, append(ofSymbols, ofPairs...)).write(&batch)
		}
		audit(&batch, by, by.Owner, "quotes.write", id, "", nil, written)
		if newer > 0 {
			correct(&batch, quotes, time.Now())
			if err := announce(&batch, c); err != nil {
				return err
			}
		}
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return 0, err
	}
	return newer, nil
}

func storablePrices(quotes []backend.Quote, rates []backend.Rate) error {
	for _, q := range quotes {
		if err := storable(q.Time, q.Received, q.StaleFrom()); err != nil {
			return err
		}
	}
	for _, r := range rates {
		if err := storable(r.Time, r.Received, r.StaleFrom()); err != nil {
			return err
		}
	}
	return nil
}

// batch is what the audit records of a batch of quotes and rates.
type batch struct {
	Quotes  int      `json:"quotes"`
	Rates   int      `json:"rates"`
	Newer   int      `json:"newer"`
	Sources []string `json:"sources"`
}

func batchOf(quotes []backend.Quote, rates []backend.Rate) batch {
	b := batch{Quotes: len(quotes), Rates: len(rates)}
	for _, q := range quotes {
		b.Sources = append(b.Sources, q.Source)
	}
	for _, r := range rates {
		b.Sources = append(b.Sources, r.Source)
	}
	slices.Sort(b.Sources)
	b.Sources = slices.Compact(b.Sources)
	return b
}

// concernsPast reports whether a price is of a day that had ended when it was received.
func concernsPast(quotes []backend.Quote, rates []backend.Rate) bool {
	for _, q := range quotes {
		if backend.DateOf(q.Time) < backend.DateOf(q.Received) {
			return true
		}
	}
	for _, r := range rates {
		if backend.DateOf(r.Time) < backend.DateOf(r.Received) {
			return true
		}
	}
	return false
}

// storable refuses times with years that RFC 3339 cannot express.
func storable(times ...time.Time) error {
	for _, t := range times {
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			return &backend.Error{Code: backend.CodeInvalidRequest,
				Message: fmt.Sprintf("time: got the year %d, want 1–9999", year)}
		}
	}
	return nil
}

// writeQuotes returns the rows of the quotes that were newer.
func writeQuotes(ctx context.Context, tx pgx.Tx, quotes []backend.Quote) ([]row, error) {
	if len(quotes) == 0 {
		return nil, nil
	}
	rows, _ := tx.Query(ctx, `
		insert into quotes (symbol, price, currency, source, time, received, fresh_until)
		select symbol, price, currency, source, time, received, fresh_until
		from json_to_recordset($1) as q (symbol text, price numeric, currency text, source text,
			time timestamptz, received timestamptz, fresh_until timestamptz)
		on conflict (symbol, day) do update set price = excluded.price, currency = excluded.currency,
			source = excluded.source, time = excluded.time, received = excluded.received,
			fresh_until = excluded.fresh_until
		where (excluded.time, excluded.received) > (quotes.time, quotes.received)
		returning symbol, day - date '0001-01-01' + 1`, quotes)
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (written row, err error) {
		return written, r.Scan(&written.symbol, &written.at)
	})
}

// writeRates returns the rows of the rates that were newer.
func writeRates(ctx context.Context, tx pgx.Tx, rates []backend.Rate) ([]row, error) {
	if len(rates) == 0 {
		return nil, nil
	}
	rows, _ := tx.Query(ctx, `
		insert into rates (from_currency, to_currency, rate, source, time, received, fresh_until)
		select "from", "to", rate, source, time, received, fresh_until
		from json_to_recordset($1) as r ("from" text, "to" text, rate numeric, source text,
			time timestamptz, received timestamptz, fresh_until timestamptz)
		on conflict (from_currency, to_currency, day) do update set rate = excluded.rate,
			source = excluded.source, time = excluded.time, received = excluded.received,
			fresh_until = excluded.fresh_until
		where (excluded.time, excluded.received) > (rates.time, rates.received)
		returning from_currency, to_currency, day - date '0001-01-01' + 1`, rates)
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (written row, err error) {
		return written, r.Scan(&written.pair.From, &written.pair.To, &written.at)
	})
}

// Latest implements backend.Market.
func (db *DB) Latest(ctx context.Context, symbols []string, currencies []backend.Currency) (backend.Prices, error) {
	prices, err := db.closing(ctx, symbols, currencies, []backend.Date{maxDate})
	return prices[maxDate], err
}

// Closing implements backend.Market.
func (db *DB) Closing(ctx context.Context, symbols []string, currencies []backend.Currency,
	days ...backend.Date) (map[backend.Date]backend.Prices, error) {
	if len(days) > backend.MaxDays {
		return nil, &backend.Error{Code: backend.CodeInvalidRequest,
			Message: fmt.Sprintf("days: got %d, want at most %d", len(days), backend.MaxDays)}
	}
	return db.closing(ctx, symbols, currencies, days)
}

// The newest of each up to each day: one look-up in the primary key for each.
const (
	closingQuotes = `
		select d.day as until, q.symbol, trim_scale(q.price) as price, q.currency, q.source, q.time, q.received, q.fresh_until
		from unnest($1::integer[]) d (day) cross join unnest($2::text[]) s (symbol) cross join lateral (
			select * from quotes where symbol = s.symbol and day <= date '0001-01-01' - 1 + d.day
			order by day desc limit 1) q`
	closingRates = `
		select d.day as until, r.from_currency as "from", r.to_currency as "to", trim_scale(r.rate) as rate,
			r.source, r.time, r.received, r.fresh_until
		from unnest($1::integer[]) d (day) cross join unnest($2::text[]) f (currency)
		cross join unnest($2::text[]) t (currency) cross join lateral (
			select * from rates where from_currency = f.currency and to_currency = t.currency
				and day <= date '0001-01-01' - 1 + d.day
			order by day desc limit 1) r`
)

func (db *DB) closing(ctx context.Context, symbols []string, currencies []backend.Currency,
	days []backend.Date) (map[backend.Date]backend.Prices, error) {
	prices := make(map[backend.Date]backend.Prices, len(days))
	for _, day := range days {
		prices[day] = backend.Prices{Quotes: make(map[string]backend.Quote, len(symbols)),
			Rates: map[backend.Pair]backend.Rate{}}
	}
	var batch pgx.Batch
	if len(symbols) > 0 {
		batch.Queue(closingQuotes, days, symbols).Query(func(rows pgx.Rows) error {
			var until backend.Date
			var q backend.Quote
			var fresh *time.Time
			_, err := pgx.ForEachRow(rows, []any{&until, &q.Symbol, &q.Price, &q.Currency, &q.Source,
				&q.Time, &q.Received, &fresh},
				func() error {
					q.FreshUntil = orZero(fresh)
					prices[until].Quotes[q.Symbol] = q
					return nil
				})
			return err
		})
	}
	if len(currencies) > 1 {
		batch.Queue(closingRates, days, currencies).Query(func(rows pgx.Rows) error {
			var until backend.Date
			var r backend.Rate
			var fresh *time.Time
			_, err := pgx.ForEachRow(rows, []any{&until, &r.From, &r.To, &r.Rate, &r.Source,
				&r.Time, &r.Received, &fresh},
				func() error {
					r.FreshUntil = orZero(fresh)
					prices[until].Rates[r.Pair] = r
					return nil
				})
			return err
		})
	}
	if batch.Len() == 0 {
		return prices, nil
	}
	return prices, outcome("read prices", db.pool.SendBatch(ctx, &batch).Close())
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
