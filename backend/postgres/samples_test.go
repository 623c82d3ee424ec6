package postgres_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sampled returns the prices of days with their samples, each once, in order.
func sampled(t *testing.T, db *postgres.DB, symbol string, from, to backend.Date) (quotes, rates []string) {
	t.Helper()
	add := func(list []string, number decimal.Decimal, at time.Time) []string {
		one := fmt.Sprint(at.UTC().Format("2 15:04:05.999999"), " ", number)
		if len(list) > 0 && list[len(list)-1] == one {
			return list // of the day and of the slot
		}
		return append(list, one)
	}
	require.NoError(t, db.QuoteSamples(t.Context(), []string{"NONE", symbol}, from, to,
		func(read string, closes *backend.Closes) error {
			for i := range closes.Len() {
				assert.Equal(t, symbol, read)
				quotes = add(quotes, closes.Quote(i).Price, closes.Quote(i).Time)
			}
			return nil
		}))
	require.NoError(t, db.RateSamples(t.Context(), []backend.Currency{"EUR", "USD"}, from, to, func(r backend.Rate) error {
		rates = add(rates, r.Rate, r.Time)
		return nil
	}))
	return quotes, rates
}

// Of every five minutes the last price is kept, in whatever order and batches they come.
func TestSamples(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	noon := day.Midnight().Add(12 * time.Hour)
	write := func(quotes []backend.Quote, rates ...backend.Rate) {
		t.Helper()
		_, err := db.WriteQuotes(ctx, backend.Principal{}, quotes, rates)
		require.NoError(t, err)
	}
	write([]backend.Quote{quote("A", "1", noon), quote("A", "2", noon.Add(1)), // a nanosecond is not stored
		quote("A", "3", noon.Add(time.Microsecond)), quote("A", "4", noon.Add(4*time.Minute))},
		rate("EUR", "USD", "1.1", noon), rate("EUR", "USD", "1.2", noon.Add(time.Hour)))
	write([]backend.Quote{quote("A", "5", noon.Add(20*time.Minute))})
	write([]backend.Quote{quote("A", "6", noon.Add(5*time.Minute))}) // older than the newest, but of a slot before
	write([]backend.Quote{quote("A", "7", noon.Add(3*time.Minute))}) // older than the last of its slot
	write([]backend.Quote{quote("A", "8", noon.Add(-48*time.Hour))})
	write([]backend.Quote{quote("A", "9", noon.Add(24*time.Hour))},
		rate("EUR", "USD", "1.3", noon.Add(time.Hour+time.Second)))
	again := quote("A", "10", noon.Add(24*time.Hour))
	again.Received = again.Received.Add(time.Second)
	write([]backend.Quote{again})

	quotes, rates := sampled(t, db, "A", day, day+1)
	date, next := day.Midnight().Day(), (day + 1).Midnight().Day()
	assert.Equal(t, []string{
		fmt.Sprint((day - 2).Midnight().Day(), " 12:00:00 8"), // the close before
		fmt.Sprint(date, " 12:00:00 2"), fmt.Sprint(date, " 12:05:00 6"), fmt.Sprint(date, " 12:20:00 5"),
		fmt.Sprint(next, " 12:00:00 10"),
	}, quotes)
	assert.Equal(t, []string{fmt.Sprint(date, " 12:00:00 1.1"), fmt.Sprint(date, " 13:00:00 1.2"),
		fmt.Sprint(date, " 13:00:01 1.3")}, rates)
}

// Samples change nothing but the values within a day.
func TestSamplesChangeNoOtherPrices(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	r := rand.New(rand.NewPCG(7, 8))
	for range 100 {
		at := day.Midnight().Add(time.Duration(r.Int64N(int64(60 * time.Hour))))
		price := decimal.New(r.Int64N(1e9)+1, -4).String()
		_, err := db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{quote("A", price, at)},
			[]backend.Rate{rate("EUR", "USD", price, at)})
		require.NoError(t, err)
	}
	all := func() string {
		latest, err := db.Latest(ctx, []string{"A"}, []backend.Currency{"EUR", "USD"})
		require.NoError(t, err)
		closing, err := db.Closing(ctx, []string{"A"}, []backend.Currency{"EUR", "USD"}, day-1, day, day+1, day+2)
		require.NoError(t, err)
		text := fmt.Sprint(latest, closing)
		require.NoError(t, db.QuoteSeries(ctx, []string{"A"}, day, day+3, func(_ string, closes *backend.Closes) error {
			for i := range closes.Len() {
				text += fmt.Sprint(closes.Quote(i))
			}
			return nil
		}))
		require.NoError(t, db.RateSeries(ctx, []backend.Currency{"EUR", "USD"}, day, day+3, func(r backend.Rate) error {
			text += fmt.Sprint(r)
			return nil
		}))
		return text
	}
	before := all()
	conn := inspect(t, "testsampleschangenootherprices")
	for _, table := range []string{"quote_samples", "rate_samples"} {
		tag, err := conn.Exec(ctx, "delete from "+table)
		require.NoError(t, err)
		assert.Greater(t, tag.RowsAffected(), int64(50))
	}
	assert.Equal(t, before, all())
}

// Samples are swept in batches once no day can need them, and those that come later than
// that are not kept.
func TestSamplesAreSwept(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	noon := day.Midnight().Add(12 * time.Hour)
	for i := range 3 {
		at := noon.Add(time.Duration(i) * time.Hour)
		_, err := db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{quote("A", "1", at)},
			[]backend.Rate{rate("EUR", "USD", "1", at)})
		require.NoError(t, err)
	}
	for _, at := range []time.Duration{-time.Hour, 4 * time.Hour} { // older than the newest, and newer
		late := quote("A", "1", noon.Add(at))
		late.Received = noon.Add(backend.SamplesKept + 2*time.Hour)
		_, err := db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{late}, nil)
		require.NoError(t, err)
	}
	swept := func(after time.Duration) map[string]int {
		n, err := db.Sweep(ctx, noon.Add(after), 2)
		require.NoError(t, err)
		return n
	}
	assert.Empty(t, swept(backend.SamplesKept-time.Second))
	assert.Equal(t, map[string]int{"quote_samples": 1, "rate_samples": 1}, swept(backend.SamplesKept))
	assert.Equal(t, map[string]int{"quote_samples": 1, "rate_samples": 1}, swept(backend.SamplesKept+5*time.Hour))
	assert.Empty(t, swept(backend.SamplesKept+5*time.Hour))
}

// The previous version of the program writes no samples. What it writes during a deploy is
// kept all the same, even before its role has rights on the new tables.
func TestSamplesOfThePreviousVersion(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	name := "testsamplesofthepreviousversion"
	_, err := inspect(t, name).Exec(ctx, "revoke all on quote_samples, rate_samples from "+name+"_service")
	require.NoError(t, err)
	previous := serviceOf(t, name)
	noon := day.Midnight().Add(12 * time.Hour)
	for i, price := range []string{"1", "2", "3"} {
		at := noon.Add(time.Duration(i) * 4 * time.Minute) // the end of a slot, and within the next two
		_, err := previous.Exec(ctx, `
			insert into quotes (symbol, price, currency, source, time, received) values ('A', $1, 'USD', 's', $2, $2)
			on conflict (symbol, day) do update set price = excluded.price, time = excluded.time, received = excluded.received`,
			price, at)
		require.NoError(t, err)
		_, err = previous.Exec(ctx, `
			insert into rates (from_currency, to_currency, rate, source, time, received) values ('EUR', 'USD', $1, 's', $2, $2)
			on conflict (from_currency, to_currency, day) do update set rate = excluded.rate, time = excluded.time,
				received = excluded.received`, price, at)
		require.NoError(t, err)
	}
	require.NoError(t, db.Migrate(ctx)) // grants again
	quotes, rates := sampled(t, db, "A", day, day)
	date := day.Midnight().Day()
	want := []string{fmt.Sprint(date, " 12:00:00 1"), fmt.Sprint(date, " 12:04:00 2"), fmt.Sprint(date, " 12:08:00 3")}
	assert.Equal(t, want, quotes)
	assert.Equal(t, want, rates)
}
