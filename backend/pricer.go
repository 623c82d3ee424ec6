package backend

import (
	"context"
	"slices"
	"time"
)

// MarketPricer gives prices straight from a market.
type MarketPricer struct{ Market }

// Prices implements Pricer. Of past days a market knows the last price of each:
// one that was not known at asOf yet gives way to that of the day before.
func (m MarketPricer) Prices(ctx context.Context, symbols []string, currencies []Currency, asOf time.Time) (Prices, error) {
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

// closesAhead is for how many days closing prices are read at once.
const closesAhead = 100

// closingPrices gives the closing prices of days that are asked for in order.
type closingPrices struct {
	ctx        context.Context // of the call that this is part of
	market     Market
	symbols    []string
	currencies []Currency
	ahead      []Date // not read yet
	read       map[Date]Prices
	err        error // the first; no price is there afterwards
}

// closes prepares for all that the transactions up to a view ever held.
func (t *Tracker) closes(ctx context.Context, through view, base Currency, txs []Transaction, days []Date) *closingPrices {
	c := &closingPrices{ctx: ctx, market: t.market, currencies: []Currency{base}, ahead: days}
	for _, h := range through.ledger.Holdings { // those sold out are there too
		c.symbols = append(c.symbols, h.Symbol)
	}
	for _, tx := range txs {
		if tx.Currency != "" && !slices.Contains(c.currencies, tx.Currency) {
			c.currencies = append(c.currencies, tx.Currency)
		}
	}
	return c
}

func (c *closingPrices) at(d Date) Prices {
	if _, found := c.read[d]; !found && c.err == nil {
		first, _ := slices.BinarySearch(c.ahead, d)
		last := min(first+closesAhead, len(c.ahead))
		c.readDays(c.ahead[first:last])
		c.ahead = c.ahead[last:]
	}
	return c.read[d]
}

func (c *closingPrices) readDays(days []Date) {
	if c.read, c.err = c.market.Closing(c.ctx, c.symbols, c.currencies, days...); c.err != nil {
		return
	}
	var more []Currency
	for _, prices := range c.read {
		for _, currency := range quotedIn(prices, c.currencies, c.currencies[0]) {
			if !slices.Contains(more, currency) {
				more = append(more, currency)
			}
		}
	}
	if len(more) > 0 {
		// Something is priced in a currency in which nothing was booked.
		c.currencies = append(c.currencies, more...)
		c.read, c.err = c.market.Closing(c.ctx, c.symbols, c.currencies, days...)
	}
}
