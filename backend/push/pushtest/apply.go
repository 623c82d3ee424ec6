package pushtest

import (
	"cmp"
	"slices"
	"time"

	"portfolio/backend"
	"portfolio/backend/push"
)

// Apply returns the valuation after a delta, from one before it, as clients do.
func Apply(d push.Delta, v backend.Valuation) backend.Valuation {
	positions := byKey(v.Positions, positionKey)
	quotes := byKey(v.Quotes, quoteKey)
	for _, symbol := range d.Removed {
		delete(positions, symbol)
	}
	for _, p := range d.Positions {
		positions[p.Symbol] = p
	}
	for _, q := range d.Quotes {
		quotes[q.Symbol] = q
	}
	v.AsOf, v.State, v.Total, v.Invested, v.Cash, v.Gains = d.AsOf, d.State, d.Total, d.Invested, d.Cash, d.Gains
	v.Positions, v.Quotes = []backend.Position{}, []backend.UsedQuote{}
	for symbol, p := range positions {
		v.Positions = append(v.Positions, p)
		if q, known := quotes[symbol]; known && p.State != backend.StateNoPrice && p.State != backend.StateEstimated {
			v.Quotes = append(v.Quotes, aged(q, d.AsOf))
		}
	}
	v.Positions, v.Quotes = sorted(v.Positions, positionKey), sorted(v.Quotes, quoteKey)
	if d.Balances != nil {
		v.Balances = d.Balances
	}
	if d.Rates != nil {
		v.Rates = d.Rates
	}
	v.Rates = agedRates(v.Rates, d.AsOf)
	return v
}

func aged(q backend.UsedQuote, asOf time.Time) backend.UsedQuote {
	return backend.UsedQuote{Quote: q.Quote, AgeMS: q.Age(asOf).Milliseconds(), Stale: q.Quote.Stale(asOf)}
}

// agedRates keeps nil, which means unchanged.
func agedRates(rates []backend.UsedRate, asOf time.Time) []backend.UsedRate {
	if rates == nil {
		return nil
	}
	out := make([]backend.UsedRate, len(rates))
	for i, r := range rates {
		out[i] = backend.UsedRate{Rate: r.Rate, AgeMS: r.Age(asOf).Milliseconds(), Stale: r.Rate.Stale(asOf)}
	}
	return out
}

func positionKey(p backend.Position) string { return p.Symbol }
func quoteKey(q backend.UsedQuote) string   { return q.Symbol }

func byKey[T any](list []T, key func(T) string) map[string]T {
	m := make(map[string]T, len(list))
	for _, item := range list {
		m[key(item)] = item
	}
	return m
}

func sorted[T any](list []T, key func(T) string) []T {
	if list == nil {
		return []T{}
	}
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}
