package backend

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shopspring/decimal"
)

// pastCost is the sum of the lots' costs, and of their units, at the rates of their days.
type pastCost struct {
	cost, units decimal.NullDecimal
}

// add adds a lot at a rate.
func (c *pastCost) add(lot Lot, rate decimal.NullDecimal) {
	c.cost = sum(c.cost, decimal.NullDecimal{Decimal: lot.Cost.Mul(rate.Decimal), Valid: rate.Valid})
	c.units = sum(c.units, decimal.NullDecimal{Decimal: lot.Quantity.Mul(rate.Decimal), Valid: rate.Valid})
}

// recentDays is how many days before today rates may still come in for: they are read again
// for each change of a portfolio. Corrections of older ones are counted.
const recentDays = 2

// pastCosts keeps what the holdings of a book cost in its base currency, so that a change
// of one holding costs no conversion of the others. It is safe for concurrent use.
type pastCosts struct {
	mu     sync.Mutex
	seen   int64     // corrections known to it
	at     time.Time // when it was emptied
	until  Date      // the first day whose rates are not kept
	rates  map[datedCurrency]decimal.NullDecimal
	before map[string]keptCost // by symbol
}

type datedCurrency struct {
	currency Currency
	day      Date
}

// keptCost is the cost of a holding's lots from before a day.
type keptCost struct {
	lots []Lot // all of them
	pastCost
}

// of reports whether the cost is known and of these lots: the same list, not an equal one.
func (c keptCost) of(lots []Lot) bool {
	return c.lots != nil && len(c.lots) == len(lots) && (len(lots) == 0 || &c.lots[0] == &lots[0])
}

// forget empties the costs.
func (k *pastCosts) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rates = nil
}

// pastCosts converts the lots of holdings in other currencies at the rates of their days.
func (t *Tracker) pastCosts(ctx context.Context, p Portfolio, b *book, v view) (map[string]pastCost, error) {
	foreign := func(h Holding) bool { return !h.Quantity.IsZero() && h.Currency != p.Base }
	if !slices.ContainsFunc(v.ledger.Holdings, foreign) {
		return nil, nil
	}
	acquired, err := b.acquired(ctx, v.ledger.Through)
	if err != nil {
		return nil, err
	}
	k := &b.past
	k.mu.Lock()
	defer k.mu.Unlock()
	seen, now, until := t.corrections.Load(), t.now(), v.ledger.Through-recentDays
	if k.rates == nil || k.until != until || k.seen != seen || now.Sub(k.at) >= earlierLifetime || now.Before(k.at) {
		k.seen, k.at, k.until = seen, now, until
		k.rates, k.before = map[datedCurrency]decimal.NullDecimal{}, map[string]keptCost{}
	}
	recent, err := t.ratesOf(ctx, p, k, v.ledger, acquired)
	if err != nil {
		return nil, err
	}
	nought := decimal.NewNullDecimal(decimal.Zero)
	costs := map[string]pastCost{}
	for symbol, lots := range acquired {
		h, _ := v.ledger.Holding(symbol)
		old := lots[:lotsBefore(lots, until)]
		kept := k.before[symbol]
		if !kept.of(lots) {
			kept = keptCost{lots: lots, pastCost: pastCost{cost: nought, units: nought}}
			for _, lot := range old {
				kept.add(lot, k.rates[datedCurrency{h.Currency, lot.Opened}])
			}
			k.before[symbol] = kept
		}
		c := kept.pastCost
		for _, lot := range lots[len(old):] {
			c.add(lot, recent[datedCurrency{h.Currency, lot.Opened}])
		}
		costs[symbol] = c
	}
	return costs, nil
}

// lotsBefore counts the lots, the oldest first, from before a day.
func lotsBefore(lots []Lot, d Date) int {
	n, _ := slices.BinarySearchFunc(lots, d, func(l Lot, d Date) int { return int(l.Opened - d) })
	return n
}

// ratesOf adds the missing rates of old days, and returns those of recent ones.
func (t *Tracker) ratesOf(ctx context.Context, p Portfolio, k *pastCosts, l Ledger, acquired map[string][]Lot,
) (recent map[datedCurrency]decimal.NullDecimal, err error) {
	missing := map[datedCurrency]bool{}
	currencies := []Currency{p.Base}
	first, last := l.Through, Date(0)
	for symbol, lots := range acquired {
		if k.before[symbol].of(lots) {
			lots = lots[lotsBefore(lots, k.until):]
		}
		h, _ := l.Holding(symbol)
		if !slices.Contains(currencies, h.Currency) {
			currencies = append(currencies, h.Currency)
		}
		for _, lot := range lots {
			dated := datedCurrency{h.Currency, lot.Opened}
			if _, known := k.rates[dated]; known || missing[dated] {
				continue
			}
			missing[dated] = true
			first, last = min(first, lot.Opened), max(last, lot.Opened)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	rates, err := readRates(ctx, t.market.RateSeries, currencies, first-1, last+1)
	if err != nil {
		return nil, err
	}
	recent = map[datedCurrency]decimal.NullDecimal{}
	for dated := range missing {
		r, found := rates.converter(dated.currency, closeOf(dated.day, p.Location())).
			convert(Pair{From: dated.currency, To: p.Base})
		if dated.day < k.until {
			k.rates[dated] = valid(r.Rate, found)
		} else {
			recent[dated] = valid(r.Rate, found)
		}
	}
	return recent, nil
}
