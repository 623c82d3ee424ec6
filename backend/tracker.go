package backend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Tracker says what portfolios hold, are worth and earned. It keeps ledgers by
// portfolio and version, so that an answer about a portfolio that did not change
// costs one look at its version and none at its transactions. It is safe for
// concurrent use. What it gives is shared and must not be changed. The code of
// an error about another owner's portfolio is CodeNotFound.
type Tracker struct {
	portfolios Portfolios
	market     Market
	prices     Pricer
	now        func() time.Time
	ledgers    *ledgerCache
}

// NewTracker makes a tracker over the stores. Valuations use prices, which may be
// a cache in front of the market; closing prices of many days come from the market.
func NewTracker(portfolios Portfolios, market Market, prices Pricer, now func() time.Time) *Tracker {
	return &Tracker{portfolios: portfolios, market: market, prices: prices, now: now,
		ledgers: newLedgerCache(maxCachedTransactions, portfolios.Load)}
}

// Holdings gives the ledger through the day of a time (UTC); the zero time means now.
func (t *Tracker) Holdings(ctx context.Context, owner, id string, asOf time.Time) (Ledger, error) {
	if asOf.IsZero() {
		asOf = t.now()
	}
	_, _, view, err := t.view(ctx, owner, id, DateOf(asOf))
	return view.ledger, err
}

// Valuation values a portfolio as of a time by the prices known then; the zero
// time means now. Of past days the last price of each is known, so what a price
// was in the middle of one is not: the close before counts there.
func (t *Tracker) Valuation(ctx context.Context, owner, id string, asOf time.Time) (Valuation, error) {
	at := asOf
	if asOf.IsZero() {
		at = t.now()
	}
	p, _, view, err := t.view(ctx, owner, id, DateOf(at))
	if err != nil {
		return Valuation{}, err
	}
	return t.value(ctx, p, view, at, asOf)
}

// value values what is held at a time by the prices known as of one.
func (t *Tracker) value(ctx context.Context, p Portfolio, view view, at, asOf time.Time) (Valuation, error) {
	prices, err := t.prices.Prices(ctx, view.symbols, withBase(view.currencies, p.Base), asOf)
	if err != nil {
		return Valuation{}, err
	}
	// Something may be priced in a currency in which nothing is held.
	if more := quotedIn(prices, view.currencies, p.Base); len(more) > 0 {
		rates, err := t.prices.Prices(ctx, nil, append(withBase(view.currencies, p.Base), more...), asOf)
		if err != nil {
			return Valuation{}, err
		}
		prices.Rates = rates.Rates
	}
	return Value(view.ledger, p.Base, at, prices), nil
}

// Performance measures a portfolio from the close of one day to that of another.
// See Perform.
func (t *Tracker) Performance(ctx context.Context, owner, id string, from, to Date) (Performance, error) {
	p, txs, view, err := t.view(ctx, owner, id, to)
	if err != nil {
		return Performance{}, err
	}
	days := map[Date]bool{from: true, to: true}
	for _, flows := range flowsByDay(txs, from, to) {
		days[flows.date-1], days[flows.date] = true, true
	}
	closes := t.closes(ctx, view, p.Base, txs, slices.Sorted(maps.Keys(days)))
	result, err := Perform(p.Policy, txs, p.Base, from, to, closes.at)
	if closes.err != nil {
		return Performance{}, closes.err
	}
	return result, err
}

// History gives what a portfolio was worth at the close of each day from from to
// to, at most MaxDays; for today that is what it is worth now.
func (t *Tracker) History(ctx context.Context, owner, id string, from, to Date) ([]DayValue, error) {
	if from < 1 || from > to || to-from >= MaxDays {
		return nil, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("from: got %q, want a day up to %q, at most %d days", from, to, MaxDays)}
	}
	p, txs, view, err := t.view(ctx, owner, id, to)
	if err != nil {
		return nil, err
	}
	days := make([]Date, 0, to-from+1)
	for d := from; d <= to; d++ {
		days = append(days, d)
	}
	closes := t.closes(ctx, view, p.Base, txs, days)
	entries, now := newDerivation(p.Policy, txs), t.now()
	history := make([]DayValue, 0, len(days))
	for _, d := range days {
		ledger, err := entries.at(d)
		if err != nil {
			return nil, err
		}
		at := Close(d)
		if at.After(now) {
			at = now
		}
		v := Value(ledger, p.Base, at, closes.at(d))
		if closes.err != nil {
			return nil, closes.err
		}
		history = append(history, DayValue{Date: d, State: v.State, Total: v.Total, Invested: v.Invested, Cash: v.Cash})
	}
	return history, nil
}

// view gives a portfolio as it is now, its transactions in the order they take
// effect, and what they make through a day.
func (t *Tracker) view(ctx context.Context, owner, id string, through Date) (Portfolio, []Transaction, view, error) {
	p, err := t.portfolios.GetPortfolio(ctx, owner, id)
	if err != nil {
		return Portfolio{}, nil, view{}, err
	}
	kept, err := t.ledgers.get(ctx, p)
	if err != nil {
		return Portfolio{}, nil, view{}, err
	}
	v, err := kept.through(through)
	return kept.portfolio, kept.txs, v, err
}

// withBase adds the base currency where it is not there. It changes nothing it
// is given.
func withBase(currencies []Currency, base Currency) []Currency {
	if slices.Contains(currencies, base) {
		return slices.Clip(currencies)
	}
	return append(slices.Clip(currencies), base)
}

// quotedIn gives the currencies of quotes that are not among those.
func quotedIn(prices Prices, currencies []Currency, base Currency) []Currency {
	var more []Currency
	for _, q := range prices.Quotes {
		if q.Currency != base && !slices.Contains(currencies, q.Currency) && !slices.Contains(more, q.Currency) {
			more = append(more, q.Currency)
		}
	}
	return more
}
