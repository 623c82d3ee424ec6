package backend

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopspring/decimal"
)

// earlierLifetime is how long closes and rates of past days are kept. Announced
// corrections take effect at once; see Tracker.Corrected.
const earlierLifetime = 15 * time.Minute

// earlier keeps what valuations of a view need from earlier days, and the last answer.
type earlier struct {
	answer atomic.Pointer[answer]

	mu   sync.Mutex
	day  Date        // whose valuations it is for
	past *background // of that day; nil if there is none
	seen int64       // corrections known to it
	at   time.Time   // when it was read
}

// background returns what a valuation of a day needs from the days before.
func (t *Tracker) background(ctx context.Context, p Portfolio, b *book, v view) (*background, error) {
	e, day := v.earlier, v.ledger.Through
	e.mu.Lock()
	defer e.mu.Unlock()
	seen, now := t.corrections.Load(), t.now()
	if e.past != nil && e.day == day && e.seen == seen && now.Sub(e.at) < earlierLifetime && !now.Before(e.at) {
		return e.past, nil
	}
	past, err := t.opening(ctx, p, v, day)
	if err != nil {
		return nil, err
	}
	if past.lots, err = t.pastCosts(ctx, p, b, v); err != nil {
		return nil, err
	}
	e.day, e.past, e.seen, e.at = day, past, seen, now
	return past, nil
}

// opening values what was held at the close of the day before.
func (t *Tracker) opening(ctx context.Context, p Portfolio, v view, day Date) (*background, error) {
	l := v.ledger
	past := &background{known: true, opening: sums{}, cash: decimal.NewNullDecimal(decimal.Zero)}
	held, cash := map[string]decimal.Decimal{}, l.Cash
	if l.today.date == day {
		cash = l.today.cash
	}
	var symbols []string
	currencies := []Currency{p.Base}
	for _, h := range l.Holdings {
		quantity := h.Quantity
		if before, traded := l.today.opening[h.Symbol]; traded && l.today.date == day {
			quantity = before
		}
		if !quantity.IsZero() {
			held[h.Symbol], symbols = quantity, append(symbols, h.Symbol)
			currencies = append(currencies, h.Currency)
		}
	}
	for c, amount := range cash {
		if !amount.IsZero() {
			currencies = append(currencies, c)
		}
	}
	slices.Sort(currencies)
	currencies = slices.Compact(currencies)
	at := CloseIn(day-1, p.Location())
	prices, err := t.pricesOf(ctx, symbols, currencies, p.Base, at)
	if err != nil {
		return nil, err
	}
	open := newValuer(prices, session{at: at}, p.Location())
	open.Valuation = Valuation{AsOf: at, Base: p.Base}
	for _, symbol := range symbols {
		h, _ := l.Holding(symbol)
		worth, currency, _, state := prices.worth(&h, held[symbol], session{at: at}, day-1, p.Location())
		past.opening[symbol] = decimal.NullDecimal{}
		if state != StateNoPrice {
			past.opening[symbol] = open.exchange(worth, currency, p.Base, &state)
		}
	}
	for c, amount := range cash {
		if state := StatePriced; !amount.IsZero() {
			past.cash = sum(past.cash, open.exchange(amount, c, p.Base, &state))
		}
	}
	return past, nil
}
