package postgres

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"portfolio/backend"
)

// row identifies a row of the market.
type row struct {
	symbol string
	pair   backend.Pair
	at     int64 // the day, or the end of the slot in seconds since 1970
}

func (r row) compare(other row) int {
	return cmp.Or(cmp.Compare(r.symbol, other.symbol), cmp.Compare(r.pair.From, other.pair.From),
		cmp.Compare(r.pair.To, other.pair.To), cmp.Compare(r.at, other.at))
}

func quoteKey(q backend.Quote) row { return row{symbol: q.Symbol, at: int64(backend.DateOf(q.Time))} }
func rateKey(r backend.Rate) row   { return row{pair: r.Pair, at: int64(backend.DateOf(r.Time))} }

// lastQuotes keeps the last quote of each row, with its times as they are stored.
func lastQuotes(quotes []backend.Quote, key func(backend.Quote) row) []backend.Quote {
	return lastOf(quotes, key, func(q *backend.Quote) []*time.Time {
		return []*time.Time{&q.Time, &q.Received, &q.FreshUntil}
	})
}

// lastRates is lastQuotes for rates.
func lastRates(rates []backend.Rate, key func(backend.Rate) row) []backend.Rate {
	return lastOf(rates, key, func(r *backend.Rate) []*time.Time {
		return []*time.Time{&r.Time, &r.Received, &r.FreshUntil}
	})
}

// lastOf keeps the last of each row by the first two of its times, in an order that is the
// same for all writers, so that they cannot deadlock.
func lastOf[T any](list []T, key func(T) row, times func(*T) []*time.Time) []T {
	last := map[row]T{}
	for _, item := range list {
		given := times(&item)
		for _, t := range given {
			*t = backend.StoredTime(*t)
		}
		k := key(item)
		if before, found := last[k]; found {
			was := times(&before)
			if cmp.Or(given[0].Compare(*was[0]), given[1].Compare(*was[1])) < 0 {
				continue
			}
		}
		last[k] = item
	}
	kept := slices.Collect(maps.Values(last))
	slices.SortFunc(kept, func(a, b T) int { return key(a).compare(key(b)) })
	return kept
}
