package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/postgres"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func quote(symbol, price string, at time.Time) backend.Quote {
	return backend.Quote{Symbol: symbol, Price: dec(price), Currency: "USD", Source: "feed", Time: at,
		Received: at.Add(time.Second)}
}

func rate(from, to backend.Currency, value string, at time.Time) backend.Rate {
	return backend.Rate{Pair: backend.Pair{From: from, To: to}, Rate: dec(value),
		Source: "feed", Time: at, Received: at}
}

func TestMarket(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	write := func(want int, quotes []backend.Quote, rates ...backend.Rate) {
		t.Helper()
		newer, err := db.WriteQuotes(ctx, backend.Principal{}, quotes, rates)
		require.NoError(t, err)
		assert.Equal(t, want, newer)
	}
	price := func(symbol string) string {
		t.Helper()
		p, err := db.Latest(ctx, []string{symbol}, nil)
		require.NoError(t, err)
		q, found := p.Quotes[symbol]
		if !found {
			return "none"
		}
		return q.Price.String()
	}
	noon := day.Midnight().Add(12 * time.Hour)
	assert.Equal(t, "none", price("A"))
	write(1, []backend.Quote{quote("A", "1.000000000001", noon)})
	assert.Equal(t, "1.000000000001", price("A"))
	write(0, []backend.Quote{quote("A", "2", noon.Add(-time.Hour))})
	write(0, []backend.Quote{quote("A", "2", noon)}) // received at the same time, too
	assert.Equal(t, "1.000000000001", price("A"), "older ones change nothing")
	again := quote("A", "3", noon)
	again.Received = again.Received.Add(time.Second)
	write(1, []backend.Quote{again})
	assert.Equal(t, "3", price("A"), "of equal times, the one received last")
	write(1, []backend.Quote{quote("A", "5", noon.Add(2*time.Second)), quote("A", "6", noon.Add(3*time.Second)),
		quote("A", "4", noon.Add(time.Second))})
	assert.Equal(t, "6", price("A"), "of one batch, the newest")
	write(1, []backend.Quote{quote("A", "9", noon.Add(-24*time.Hour))})
	assert.Equal(t, "6", price("A"), "a quote that closes an earlier day is stored, but is not the newest")
	write(1, []backend.Quote{quote("A", "7", (day + 1).Midnight().Add(-time.Nanosecond))})
	write(3, []backend.Quote{quote("B", "0", noon)}, rate("EUR", "USD", "1.25", noon),
		rate("USD", "EUR", "0.8", noon.Add(24*time.Hour)))
	assertStored(t, db, noon)
	assertLimits(t, db)
}

// assertStored expects the last quote of A, and the quote of B and the rate of noon as they
// were written, and the closes of the days around it.
func assertStored(t *testing.T, db *postgres.DB, noon time.Time) {
	t.Helper()
	ctx := t.Context()
	latest, err := db.Latest(ctx, []string{"A", "B", "C", "' or true --"}, []backend.Currency{"EUR", "USD", "CHF"})
	require.NoError(t, err)
	assert.Len(t, latest.Quotes, 2)
	assert.Equal(t, asJSON(t, quote("B", "0", noon)), asJSON(t, latest.Quotes["B"]), "whole")
	assert.Len(t, latest.Rates, 2)
	assert.Equal(t, asJSON(t, rate("EUR", "USD", "1.25", noon)),
		asJSON(t, latest.Rates[backend.Pair{From: "EUR", To: "USD"}]))

	closing, err := db.Closing(ctx, []string{"A", "B"}, []backend.Currency{"EUR", "USD"}, day-2, day-1, day, day+7)
	require.NoError(t, err)
	require.Len(t, closing, 4)
	for d, want := range map[backend.Date]string{
		day - 2: "map[] 0",
		day - 1: "map[A:9] 0",
		day:     "map[A:7 B:0] 1",
		day + 7: "map[A:7 B:0] 2",
	} {
		prices := map[string]string{}
		for symbol, q := range closing[d].Quotes {
			prices[symbol] = q.Price.String()
		}
		assert.Equal(t, want, fmt.Sprint(prices, len(closing[d].Rates)), d.String())
	}
}

// assertLimits expects calls for nothing and for too much to be refused.
func assertLimits(t *testing.T, db *postgres.DB) {
	t.Helper()
	ctx := t.Context()
	for _, n := range []int{0, backend.MaxBatch + 1} {
		_, err := db.WriteQuotes(ctx, backend.Principal{}, make([]backend.Quote, n), nil)
		assertCode(t, backend.CodeInvalidRequest, err, n)
	}
	_, err := db.Closing(ctx, []string{"A"}, nil, make([]backend.Date, backend.MaxDays+1)...)
	assertCode(t, backend.CodeInvalidRequest, err)
	nothing, err := db.Latest(ctx, nil, nil)
	require.NoError(t, err)
	assert.Empty(t, nothing.Quotes)
}

// Feeds that write the same symbols in different orders do not deadlock, and the newest
// price is stored.
func TestConcurrentFeeds(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	const symbols, feeds, rounds = 50, 6, 10
	var writers sync.WaitGroup
	for f := range feeds {
		writers.Go(func() {
			for r := range rounds {
				var quotes []backend.Quote
				for i := range symbols {
					at := now.Add(time.Duration(r*feeds+f) * time.Second)
					quotes = append(quotes, quote(fmt.Sprint("S", (i*7+f*11)%symbols), fmt.Sprint(r*feeds+f), at))
				}
				_, err := db.WriteQuotes(ctx, backend.Principal{}, quotes, nil)
				assert.NoError(t, err)
			}
		})
	}
	writers.Wait()
	for i := range symbols {
		p, err := db.Latest(ctx, []string{fmt.Sprint("S", i)}, nil)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprint(rounds*feeds-1), p.Quotes[fmt.Sprint("S", i)].Price.String())
	}
}

// heard collects the changes that Listen reports.
type heard struct {
	changes chan backend.Change
	lost    chan struct{}
	ended   chan error
}

func listen(t *testing.T, db backend.Changes) heard {
	h := heard{changes: make(chan backend.Change, 100), lost: make(chan struct{}, 100), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		err := db.Listen(ctx, func(c backend.Change) {
			select {
			case h.changes <- c:
			case <-ctx.Done():
			}
		}, func() { h.lost <- struct{}{} })
		close(h.changes)
		h.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-h.ended)
	})
	within(t, h.lost) // it has connected
	return h
}

// within waits for what must arrive soon.
func within[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing arrived")
		panic("unreachable")
	}
}

func TestChanges(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	h, other := listen(t, db), listen(t, open(t, config("testchanges")))
	p := portfolio(t, db, by)
	e := recorded(t, db, by, p.ID, deposit(day, "1"))[0]
	_, _, err := db.Record(ctx, by, p.ID, "", []backend.Transaction{sell(day, "A", "1", "1")})
	require.Error(t, err, "refused changes are not announced")
	require.NoError(t, db.DeleteEntry(ctx, by, p.ID, e.ID, 1))
	for range 3 {
		assert.Equal(t, backend.Change{Portfolio: p.ID}, within(t, h.changes))
		assert.Equal(t, backend.Change{Portfolio: p.ID}, within(t, other.changes), "announced to every instance")
	}
	_, err = db.WriteQuotes(ctx, backend.Principal{}, []backend.Quote{quote("B", "1", now), quote("A", "1", now)},
		[]backend.Rate{rate("EUR", "USD", "1.1", now)})
	require.NoError(t, err)
	assert.Equal(t, backend.Change{Symbols: []string{"A", "B"}, Pairs: []backend.Pair{{From: "EUR", To: "USD"}}},
		within(t, h.changes))
	_, err = db.WriteQuotes(ctx, backend.Principal{},
		[]backend.Quote{quote("B", "1", now), quote("A", "1", now.Add(time.Second))}, nil)
	require.NoError(t, err)
	assert.Equal(t, backend.Change{Symbols: []string{"A"}}, within(t, h.changes), "only newer ones are announced")

	// A change that is too long for one notification is split.
	var many []backend.Quote
	for i := range backend.MaxBatch {
		many = append(many, quote(fmt.Sprintf("S%031d", i), "1", now))
	}
	_, err = db.WriteQuotes(ctx, backend.Principal{}, many, nil)
	require.NoError(t, err)
	all := map[string]bool{}
	for len(all) < len(many) {
		for _, symbol := range within(t, h.changes).Symbols {
			all[symbol] = true
		}
	}
	require.NoError(t, db.RevokeKey(ctx, by, by.KeyID, now))
	assert.Equal(t, backend.Change{RevokedKey: by.KeyID}, within(t, h.changes))
}

// The server ends the listening connection, as a failover does.
func TestListenSurvivesItsConnection(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	h := listen(t, db)
	conn := serviceOf(t, "testlistensurvivesitsconnection")
	for range 2 {
		var ended int
		require.NoError(t, conn.QueryRow(ctx, `select count(pg_terminate_backend(pid)) from pg_stat_activity
			where datname = current_database() and query like 'listen %'`).Scan(&ended))
		require.Equal(t, 1, ended)
		within(t, h.lost)
		_, err := conn.Exec(ctx, `select pg_notify('portfolio_changes', '{"p":"x"}')`)
		require.NoError(t, err)
		assert.Equal(t, backend.Change{Portfolio: "x"}, within(t, h.changes))
	}
	// An announcement of another version that this one cannot read may concern anything.
	_, err := conn.Exec(ctx, `select pg_notify('portfolio_changes', 'nonsense')`)
	require.NoError(t, err)
	within(t, h.lost)
}

// Every batch has a line in the audit with its key and its sources, even if nothing in
// it was newer.
func TestQuotesAreAudited(t *testing.T) {
	db, ctx := migrated(t), t.Context()
	by := member(t, db, "alice")
	at := time.Now()
	for range 2 {
		_, err := db.WriteQuotes(ctx, by, []backend.Quote{quote("A", "1", at), quote("B", "1", at)},
			[]backend.Rate{rate("EUR", "USD", "1", at)})
		require.NoError(t, err)
	}
	entries, _, err := db.Audit(ctx, "alice", backend.Page{Limit: 2})
	require.NoError(t, err)
	require.Len(t, entries, 2)
	for i, newer := range []string{"0", "3"} {
		assert.Equal(t, []string{"quotes.write", by.KeyID}, []string{entries[i].Action, entries[i].KeyID})
		assert.JSONEq(t, `{"quotes":2,"rates":1,"newer":`+newer+`,"sources":["feed"]}`, asJSON(t, entries[i].After))
	}
}
