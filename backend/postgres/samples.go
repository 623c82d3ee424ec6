package postgres

import (
	"context"
	"time"

	"portfolio/backend"

	"github.com/jackc/pgx/v5"
)

// samples are quotes and rates that are kept by their slots. A price that takes the place
// of an earlier one of its day makes a sample of that one, by a trigger of the database.
type samples struct {
	quotes []backend.Quote
	rates  []backend.Rate
}

func (s samples) len() int { return len(s.quotes) + len(s.rates) }

// others returns the last of each slot, without those that have become the prices of their
// days and those that would be swept at once. What remains is older than the price of its
// day, but may be the last of its slot.
func (s samples) others(quotes []backend.Quote, rates []backend.Rate, written []row) (others samples) {
	given, became := map[row]time.Time{}, map[row]time.Time{}
	for _, q := range quotes {
		given[quoteKey(q)] = q.Time
	}
	for _, r := range rates {
		given[rateKey(r)] = r.Time
	}
	for _, r := range written {
		became[r] = given[r]
	}
	for _, q := range lastQuotes(s.quotes, func(q backend.Quote) row {
		return row{symbol: q.Symbol, at: backend.SlotEnd(q.Time).Unix()}
	}) {
		if !became[quoteKey(q)].Equal(q.Time) && q.Age(q.Received) < backend.SamplesKept {
			others.quotes = append(others.quotes, q)
		}
	}
	for _, r := range lastRates(s.rates, func(r backend.Rate) row {
		return row{pair: r.Pair, at: backend.SlotEnd(r.Time).Unix()}
	}) {
		if !became[rateKey(r)].Equal(r.Time) && r.Age(r.Received) < backend.SamplesKept {
			others.rates = append(others.rates, r)
		}
	}
	return others
}

// write queues the samples that are newer than the stored ones of their slots.
func (s samples) write(batch *pgx.Batch) {
	if len(s.quotes) > 0 {
		batch.Queue(`
			insert into quote_samples (symbol, slot, price, currency, time, received, fresh_until)
			select symbol, slot_end(time), price, currency, time, received, fresh_until
			from json_to_recordset($1) as q (symbol text, price numeric, currency text,
				time timestamptz, received timestamptz, fresh_until timestamptz)
			on conflict (symbol, slot) do update set price = excluded.price, currency = excluded.currency,
				time = excluded.time, received = excluded.received, fresh_until = excluded.fresh_until
			where (excluded.time, excluded.received) > (quote_samples.time, quote_samples.received)`, s.quotes)
	}
	if len(s.rates) > 0 {
		batch.Queue(`
			insert into rate_samples (from_currency, to_currency, slot, rate, time, received, fresh_until)
			select "from", "to", slot_end(time), rate, time, received, fresh_until
			from json_to_recordset($1) as r ("from" text, "to" text, rate numeric,
				time timestamptz, received timestamptz, fresh_until timestamptz)
			on conflict (from_currency, to_currency, slot) do update set rate = excluded.rate,
				time = excluded.time, received = excluded.received, fresh_until = excluded.fresh_until
			where (excluded.time, excluded.received) > (rate_samples.time, rate_samples.received)`, s.rates)
	}
}

// The samples of days, after the rows of quoteSeries and rateSeries.
const (
	quoteSamples = quoteRows + `
				union all
				(select price, currency, time, fresh_until from quote_samples where symbol = s.symbol
					and slot > (date '0001-01-01' - 1 + s.since)::timestamp at time zone 'UTC'
					and slot <= (date '0001-01-01' + $3::integer)::timestamp at time zone 'UTC')` + quoteArrays
	rateSamples = rateRows + `
				union all
				(select rate, time, fresh_until from rate_samples
					where from_currency = p.from_currency and to_currency = p.to_currency
						and slot > (date '0001-01-01' - 1 + $3::integer)::timestamp at time zone 'UTC'
						and slot <= (date '0001-01-01' + $4::integer)::timestamp at time zone 'UTC')` + rateArrays
)

// QuoteSamples implements backend.Market.
func (db *DB) QuoteSamples(
	ctx context.Context, symbols []string, from, to backend.Date, each func(string, *backend.Closes) error,
) error {
	if len(symbols) == 0 {
		return nil
	}
	since := make([]backend.Date, len(symbols))
	for i := range since {
		since[i] = from
	}
	rows, _ := db.pool.Query(ctx, quoteSamples, symbols, since, to) // readSeries gets the error
	return outcome("read samples of quotes", readSeries(rows, func(place int, _ int64, read *backend.Closes) error {
		return each(symbols[place], read)
	}))
}

// RateSamples implements backend.Market.
func (db *DB) RateSamples(ctx context.Context, currencies []backend.Currency, from, to backend.Date,
	each func(backend.Rate) error) error {
	return db.readRates(ctx, rateSamples, currencies, from, to, each)
}
