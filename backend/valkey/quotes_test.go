package valkey_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/valkey"
	"portfolio/local/servers"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// market is an in-memory database.
type market struct {
	backend.Market // the methods that Quotes does not call

	mu     sync.Mutex
	quotes map[string]backend.Quote
	rates  map[backend.Pair]backend.Rate
	days   map[backend.Date]backend.Prices
	reads  int
	asked  []string
	err    error
	hold   chan bool // if set, reads wait for it before they return
}

func newMarket() *market {
	return &market{quotes: map[string]backend.Quote{}, rates: map[backend.Pair]backend.Rate{}}
}

func (m *market) WriteQuotes(_ context.Context, _ backend.Principal, quotes []backend.Quote,
	rates []backend.Rate) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, q := range quotes {
		m.quotes[q.Symbol] = q
	}
	for _, r := range rates {
		m.rates[r.Pair] = r
	}
	return len(quotes) + len(rates), m.err
}

func (m *market) Latest(_ context.Context, symbols []string, currencies []backend.Currency) (backend.Prices, error) {
	m.mu.Lock()
	m.reads++
	m.asked = append(m.asked, symbols...)
	out := backend.Prices{Quotes: map[string]backend.Quote{}, Rates: map[backend.Pair]backend.Rate{}}
	for _, s := range symbols {
		if q, known := m.quotes[s]; known {
			out.Quotes[s] = q
		}
	}
	for _, from := range currencies {
		for _, to := range currencies {
			if r, known := m.rates[backend.Pair{From: from, To: to}]; known {
				out.Rates[r.Pair] = r
			}
		}
	}
	hold, err := m.hold, m.err
	m.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return out, err
}

func (m *market) Closing(_ context.Context, _ []string, _ []backend.Currency,
	days ...backend.Date) (map[backend.Date]backend.Prices, error) {
	out := map[backend.Date]backend.Prices{}
	for _, day := range days {
		out[day] = m.days[day]
	}
	return out, m.err
}

var instant = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func quote(symbol string, price int64, at time.Time) backend.Quote {
	return backend.Quote{Symbol: symbol, Price: decimal.NewFromInt(price), Currency: "USD",
		Source: "test", Time: at, Received: at}
}

func quotes(c *valkey.Cache, m backend.Market) *valkey.Quotes {
	return valkey.NewQuotes(c, m, time.Minute, slog.New(slog.DiscardHandler), nil)
}

func priceOf(t *testing.T, q *valkey.Quotes, symbol string) string {
	t.Helper()
	prices, err := q.Prices(t.Context(), []string{symbol}, nil, time.Time{})
	require.NoError(t, err)
	got, known := prices.Quotes[symbol]
	if !known {
		return "none"
	}
	return got.Price.String()
}

func TestPricesThroughValkey(t *testing.T) {
	c := connect(t, start(t, servers.ValkeyConfig{}))
	m := newMarket()
	one, two := quotes(c, m), quotes(c, m)
	rate := backend.Rate{Pair: backend.Pair{From: "EUR", To: "USD"}, Rate: decimal.RequireFromString("1.1"),
		Source: "test", Time: instant, Received: instant}
	_, err := one.WriteQuotes(t.Context(), backend.Principal{},
		[]backend.Quote{quote("A", 1, instant), quote("B", 2, instant)}, []backend.Rate{rate})
	require.NoError(t, err)

	prices, err := two.Prices(t.Context(), []string{"A", "B"}, []backend.Currency{"EUR", "USD"}, time.Time{})
	require.NoError(t, err)
	assert.Equal(t, map[string]backend.Quote{"A": quote("A", 1, instant), "B": quote("B", 2, instant)}, prices.Quotes)
	assert.Equal(t, map[backend.Pair]backend.Rate{rate.Pair: rate}, prices.Rates)
	assert.Empty(t, m.asked, "both quotes come from Valkey")

	assert.Equal(t, "none", priceOf(t, two, "C"))
	m.quotes["C"] = quote("C", 3, instant)
	two.Changed(backend.Change{Symbols: []string{"C"}})
	assert.Equal(t, "3", priceOf(t, two, "C"), "a missing price is read again after a change")
	reads := m.reads
	assert.Equal(t, "3", priceOf(t, two, "C"))
	assert.Equal(t, "3", priceOf(t, one, "C"), "the other instance reads it from Valkey")
	assert.Equal(t, reads, m.reads)
}

// An instance that was notified of a change does not read Valkey, which may not have
// the new price yet. An older quote never replaces a newer one there.
func TestChangedPriceIsNotReadFromValkey(t *testing.T) {
	c := connect(t, start(t, servers.ValkeyConfig{}))
	m := newMarket()
	one, two := quotes(c, m), quotes(c, m)
	_, err := one.WriteQuotes(t.Context(), backend.Principal{}, []backend.Quote{quote("A", 1, instant)}, nil)
	require.NoError(t, err)
	assert.Equal(t, "1", priceOf(t, two, "A"))
	m.quotes["A"] = quote("A", 2, instant.Add(time.Second)) // committed, but not written to Valkey
	two.Changed(backend.Change{Symbols: []string{"A"}})
	assert.Equal(t, "2", priceOf(t, two, "A"))
	_, err = quotes(c, newMarket()).WriteQuotes(t.Context(), backend.Principal{},
		[]backend.Quote{quote("A", 1, instant)}, nil)
	require.NoError(t, err)
	assert.Equal(t, "2", priceOf(t, quotes(c, newMarket()), "A"), "a late writer does not replace a newer quote")
	m.quotes["A"] = quote("A", 3, instant.Add(2*time.Second))
	assert.Equal(t, "2", priceOf(t, two, "A"), "the change was not announced")
	two.Lost()
	assert.Equal(t, "3", priceOf(t, two, "A"), "changes may have been missed")
}

func TestSingleFlight(t *testing.T) {
	m := newMarket()
	m.quotes["A"] = quote("A", 1, instant)
	m.hold = make(chan bool)
	q := quotes(valkey.New("127.0.0.1:1", nil), m) // never connected
	var readers sync.WaitGroup
	for range 50 {
		readers.Go(func() { assert.Equal(t, "1", priceOf(t, q, "A")) })
	}
	reads := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.reads
	}
	require.Eventually(t, func() bool { return reads() == 1 }, 30*time.Second, time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	assert.Equal(t, 1, reads())

	// A read that began before a change is not shared with readers after it.
	m.mu.Lock()
	m.quotes["A"] = quote("A", 2, instant.Add(time.Second))
	m.mu.Unlock()
	q.Changed(backend.Change{Symbols: []string{"A"}})
	readers.Go(func() { assert.Equal(t, "2", priceOf(t, q, "A")) })
	require.Eventually(t, func() bool { return reads() == 2 }, 30*time.Second, time.Millisecond)
	close(m.hold)
	readers.Wait()
	assert.Equal(t, "2", priceOf(t, q, "A"), "the older read does not win")
	assert.Equal(t, 2, reads())
}

// While Valkey is down prices are read from the database without delay. Valkey is used
// again once it is back.
func TestPricesWithoutValkey(t *testing.T) {
	authority, err := servers.NewAuthority()
	require.NoError(t, err)
	server := start(t, servers.ValkeyConfig{Authority: authority})
	c := connect(t, server)
	m := newMarket()
	var mu sync.Mutex
	var buffer bytes.Buffer
	log := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return buffer.Write(b)
	}), nil))
	text := func() string { mu.Lock(); defer mu.Unlock(); return buffer.String() }
	q := valkey.NewQuotes(c, m, time.Minute, log, nil)
	_, err = q.WriteQuotes(t.Context(), backend.Principal{}, []backend.Quote{quote("A", 1, instant)}, nil)
	require.NoError(t, err)
	require.NoError(t, server.Stop())

	for price := int64(2); price < 20; price++ {
		_, err = q.WriteQuotes(t.Context(), backend.Principal{},
			[]backend.Quote{quote("A", price, instant.Add(time.Duration(price)*time.Second))}, nil)
		require.NoError(t, err)
		q.Changed(backend.Change{Symbols: []string{"A"}})
		assert.Equal(t, decimal.NewFromInt(price).String(), priceOf(t, q, "A"))
		assert.Equal(t, decimal.NewFromInt(price).String(), priceOf(t, quotes(valkey.New("127.0.0.1:1", nil), m), "A"))
	}
	assert.Equal(t, 1, bytes.Count([]byte(text()), []byte("cache failed")), "logged once: %s", text())

	start(t, servers.ValkeyConfig{Authority: authority, Port: server.Port})
	assert.Eventually(t, func() bool {
		_, err := q.WriteQuotes(t.Context(), backend.Principal{}, []backend.Quote{quote("B", 7, instant)}, nil)
		return err == nil && priceOf(t, quotes(c, newMarket()), "B") == "7"
	}, time.Minute, 50*time.Millisecond, "Valkey is used again")
	assert.Contains(t, text(), "cache again")
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func TestPastPrices(t *testing.T) {
	day := backend.DateOf(instant)
	prices := func(price int64, at time.Time) backend.Prices {
		return backend.Prices{Quotes: map[string]backend.Quote{"A": quote("A", price, at)}}
	}
	for name, test := range map[string]struct {
		asOf, last time.Time
		want       string
	}{
		"after the last of the day":  {instant, instant.Add(-time.Hour), "2"},
		"before the last of the day": {instant, instant.Add(time.Hour), "1"},
		"within the clocks' skew":    {instant, instant.Add(backend.MaxClockSkew), "2"},
	} {
		m := newMarket()
		m.days = map[backend.Date]backend.Prices{day: prices(2, test.last),
			day - 1: prices(1, instant.Add(-24*time.Hour))}
		got, err := quotes(valkey.New("127.0.0.1:1", nil), m).Prices(t.Context(), []string{"A"}, nil, test.asOf)
		require.NoError(t, err)
		assert.Equal(t, test.want, got.Quotes["A"].Price.String(), name)
	}
}
