package backend

import (
	"context"
	"time"
)

// MarketPricer returns prices straight from a market.
type MarketPricer struct{ Market }

// Prices implements Pricer. Of past days, a market has only the last price:
// if that was not known at asOf yet, the price of the day before is used.
func (m MarketPricer) Prices(ctx context.Context, symbols []string, currencies []Currency,
	asOf time.Time) (Prices, error) {
	if asOf.IsZero() {
		return m.Latest(ctx, symbols, currencies)
	}
	day := DateOf(asOf)
	closing, err := m.Closing(ctx, symbols, currencies, day-1, day)
	if err != nil {
		return Prices{}, err
	}
	known, before := closing[day], closing[day-1]
	for symbol := range known.Quotes {
		if _, was := known.quote(symbol, asOf); !was {
			delete(known.Quotes, symbol)
			if q, found := before.Quotes[symbol]; found {
				known.Quotes[symbol] = q
			}
		}
	}
	for pair := range known.Rates {
		if _, was := known.rate(pair, asOf); !was {
			delete(known.Rates, pair)
			if r, found := before.Rates[pair]; found {
				known.Rates[pair] = r
			}
		}
	}
	return known, nil
}
