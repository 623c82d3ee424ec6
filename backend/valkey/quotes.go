package valkey

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portfolio/backend"

	"golang.org/x/sync/singleflight"
)

const (
	// pricesTimeout limits one call to Valkey, which answers within a millisecond
	// unless it has failed.
	pricesTimeout = 100 * time.Millisecond
	// pricesPause is how long Valkey is not used after a failure.
	pricesPause = time.Second
	loadTimeout = 5 * time.Second // of one read, including that of the database

	maxKnown = 50_000 // prices in this instance's own memory, some 300 bytes each
	// noneAge is how long this instance remembers that a price does not exist.
	noneAge = 5 * time.Second
	// lostAge is how long Valkey is not read after changes were missed.
	lostAge = 5 * time.Second
)

// CacheMetrics observes Quotes. It is called by many goroutines and must not wait.
type CacheMetrics interface {
	// CacheRead is called for each read of current prices with how many were found
	// in a cache, the instance's own or Valkey, and how many had to come from the
	// database.
	CacheRead(hits, misses int)
}

type noMetrics struct{}

func (noMetrics) CacheRead(_, _ int) {}

// Quotes reads prices from this instance's memory, which is kept up to date by
// announced changes, then from Valkey, then from the database. Valkey is optional: it
// spares the database the reads of instances that have just started or see a symbol
// for the first time.
type Quotes struct {
	cache   *Cache
	market  backend.Market
	ttl     time.Duration
	log     *slog.Logger
	metrics CacheMetrics
	flight  singleflight.Group

	mu          sync.Mutex
	known       map[string]*price // by key
	counter     atomic.Uint64     // raised with the lock held
	directUntil time.Time
	pausedUntil time.Time // Valkey is not used
	failing     bool      // the last call to Valkey failed, which was logged
}

var _ backend.Pricer = (*Quotes)(nil)

// NewQuotes returns a Quotes of a market. It reads each price again after ttl, plus or
// minus up to a tenth. Metrics may be nil.
func NewQuotes(cache *Cache, market backend.Market, ttl time.Duration, log *slog.Logger, metrics CacheMetrics) *Quotes {
	if metrics == nil {
		metrics = noMetrics{}
	}
	return &Quotes{cache: cache, market: market, ttl: ttl, log: log, metrics: metrics, known: map[string]*price{}}
}

// WriteQuotes writes to the market and then to Valkey.
func (q *Quotes) WriteQuotes(
	ctx context.Context, by backend.Principal, quotes []backend.Quote, rates []backend.Rate,
) (newer int, err error) {
	if newer, err = q.market.WriteQuotes(ctx, by, quotes, rates); err != nil || newer == 0 {
		return newer, err
	}
	found := make(map[string]price, len(quotes)+len(rates))
	for _, quote := range quotes {
		if had := found[quotePrefix+quote.Symbol].quote; had == nil || !quote.Time.Before(had.Time) {
			quote.Time, quote.Received = backend.StoredTime(quote.Time), backend.StoredTime(quote.Received)
			quote.FreshUntil = backend.StoredTime(quote.FreshUntil)
			found[quotePrefix+quote.Symbol] = price{quote: &quote}
		}
	}
	for _, rate := range rates {
		if had := found[pairKey(rate.Pair)].rate; had == nil || !rate.Time.Before(had.Time) {
			rate.Time, rate.Received = backend.StoredTime(rate.Time), backend.StoredTime(rate.Received)
			rate.FreshUntil = backend.StoredTime(rate.FreshUntil)
			found[pairKey(rate.Pair)] = price{rate: &rate}
		}
	}
	q.keep(context.WithoutCancel(ctx), found) // committed, even if the caller has gone
	return newer, nil
}

// Prices implements backend.Pricer.
func (q *Quotes) Prices(ctx context.Context, symbols []string, currencies []backend.Currency,
	asOf time.Time) (backend.Prices, error) {
	if !asOf.IsZero() {
		return backend.MarketPricer{Market: q.market}.Prices(ctx, symbols, currencies, asOf)
	}
	asked := len(symbols) + len(currencies)*(len(currencies)-1)
	out := backend.Prices{Quotes: make(map[string]backend.Quote, len(symbols)), Rates: map[backend.Pair]backend.Rate{}}
	missing, version := q.remembered(symbols, currencies, out)
	if len(missing) == 0 {
		q.metrics.CacheRead(asked, 0)
		return out, nil
	}
	// A read that began before the latest change would miss it, so only reads of
	// the same version are shared.
	slices.Sort(missing)
	flight := fmt.Sprintf("%d %s", version, strings.Join(missing, " "))
	result := q.flight.DoChan(flight, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		return q.load(ctx, missing)
	})
	select {
	case <-ctx.Done():
		return backend.Prices{}, ctx.Err()
	case r := <-result:
		if r.Err != nil {
			return backend.Prices{}, r.Err
		}
		l := r.Val.(loaded)
		q.metrics.CacheRead(asked-l.misses, l.misses)
		for _, p := range l.found {
			add(&p, out)
		}
		return out, nil
	}
}

// loaded holds what was read, by key, and how many keys the database was asked for.
type loaded struct {
	found  map[string]price
	misses int
}

// load reads prices from Valkey and the rest from the database, and remembers those
// that did not change in the meantime.
func (q *Quotes) load(ctx context.Context, keys []string) (loaded, error) {
	now := time.Now()
	began := make(map[string]uint64, len(keys))
	var ask []string
	q.mu.Lock()
	for _, key := range keys {
		p := q.entry(key)
		began[key] = p.version
		if !p.changed && !now.Before(q.directUntil) {
			ask = append(ask, key)
		}
	}
	q.mu.Unlock()
	found := q.shared(ctx, ask)
	var rest []string
	for _, key := range keys {
		if _, known := found[key]; !known {
			rest = append(rest, key)
		}
	}
	if len(rest) > 0 {
		fresh, err := q.read(ctx, rest)
		if err != nil {
			return loaded{}, err
		}
		q.keep(ctx, fresh)
		for key, p := range fresh {
			found[key] = p
		}
	}
	q.remember(keys, began, found)
	return loaded{found: found, misses: len(rest)}, nil
}

// read reads prices from the database.
func (q *Quotes) read(ctx context.Context, keys []string) (map[string]price, error) {
	var symbols []string
	var currencies []backend.Currency
	for _, key := range keys {
		if symbol, is := strings.CutPrefix(key, quotePrefix); is {
			symbols = append(symbols, symbol)
			continue
		}
		from, to, _ := strings.Cut(strings.TrimPrefix(key, ratePrefix), ":")
		currencies = append(currencies, backend.Currency(from), backend.Currency(to))
	}
	slices.Sort(currencies)
	prices, err := q.market.Latest(ctx, symbols, slices.Compact(currencies))
	if err != nil {
		return nil, err
	}
	found := make(map[string]price, len(prices.Quotes)+len(prices.Rates))
	for symbol, quote := range prices.Quotes {
		found[quotePrefix+symbol] = price{quote: &quote}
	}
	for pair, rate := range prices.Rates {
		found[pairKey(pair)] = price{rate: &rate}
	}
	return found, nil
}

// QuoteSeries reads the closes of symbols from the market.
func (q *Quotes) QuoteSeries(ctx context.Context, symbols []string, from, to backend.Date,
	each func(symbol string, closes *backend.Closes) error) error {
	return q.market.QuoteSeries(ctx, symbols, from, to, each)
}
