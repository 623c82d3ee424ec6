package backend

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Tracker computes what portfolios hold, are worth and have earned. It caches ledgers by
// portfolio and version, so that for a portfolio that has not changed it reads only the
// version. It is safe for concurrent use. Its results are shared and must not be
// changed. The code of an error about another owner's portfolio is CodeNotFound.
type Tracker struct {
	portfolios  Portfolios
	market      Market
	prices      Pricer
	now         func() time.Time
	books       *bookCache
	valuing     *batches[[]byte]
	corrections atomic.Int64 // number of corrections of prices of past days
	names       atomic.Pointer[map[string]string]
	turns       turns // of measurements
	readers     turns // of calls that read many prices
}

// NewTracker returns a tracker over the stores. Valuations use prices, which may be
// a cache in front of the market; closing prices of many days come from the market.
func NewTracker(portfolios Portfolios, market Market, prices Pricer, now func() time.Time) *Tracker {
	turns := newTurns()
	return &Tracker{
		portfolios: portfolios, market: inTurns{market, turns}, prices: prices, now: now,
		turns: turns, readers: newReaders(),
		books: newBookCache(maxCachedTransactions, portfolios), valuing: newBatches[[]byte](),
	}
}

// Corrected reports to the tracker that a price or a rate of a past day has changed.
func (t *Tracker) Corrected() { t.corrections.Add(1) }

// SetNames sets the names of instruments by symbol, which must not be changed
// afterwards. What is worth something now is shown with them; past days are stored without
// and shown with those of Name.
func (t *Tracker) SetNames(names map[string]string) { t.names.Store(&names) }

// Name returns the name of the instrument of a symbol, "" if none is known.
func (t *Tracker) Name(symbol string) string {
	if names := t.names.Load(); names != nil {
		return (*names)[symbol]
	}
	return ""
}

// Holdings returns the ledger through the day of a time, in the portfolio's time
// zone; the zero time means now.
func (t *Tracker) Holdings(ctx context.Context, owner, id string, asOf time.Time) (Ledger, error) {
	b, p, err := t.book(ctx, owner, id)
	if err != nil {
		return Ledger{}, err
	}
	l, err := b.ledger(ctx, dayOf(p, asOf), t.now())
	if names := t.names.Load(); names != nil && len(*names) > 0 {
		l.Holdings = slices.Clone(l.Holdings)
		for i := range l.Holdings {
			l.Holdings[i].Name = (*names)[l.Holdings[i].Symbol]
		}
	}
	return l, err
}

// dayOf returns the day of a time for a portfolio, zero for the zero time.
func dayOf(p Portfolio, asOf time.Time) Date {
	if asOf.IsZero() {
		return 0
	}
	return DateIn(asOf, p.Location())
}

// Valuation values a portfolio as of a time by the prices known then; the zero
// time means now. Of past days, only the last price of each is known: for a time within
// one, the close before is used.
func (t *Tracker) Valuation(ctx context.Context, owner, id string, asOf time.Time) (Valuation, error) {
	b, _, err := t.book(ctx, owner, id)
	if err != nil {
		return Valuation{}, err
	}
	return t.valueBook(ctx, b, asOf)
}

// valueBook values what a book holds as of a time, the zero time for now.
func (t *Tracker) valueBook(ctx context.Context, b *book, asOf time.Time) (Valuation, error) {
	at := asOf
	if asOf.IsZero() {
		at = t.now()
	}
	in, err := t.held(ctx, b, at)
	if err != nil {
		return Valuation{}, err
	}
	if in.prices, err = t.pricesOf(ctx, in.symbols, in.currencies, in.base, asOf); err != nil {
		return Valuation{}, err
	}
	if !asOf.IsZero() {
		in.names = nil // what is stored of past days does not change with a name
	}
	return in.value(at), nil
}

// inputs are what a valuation depends on besides its time.
type inputs struct {
	view
	base   Currency
	past   *background // another one for each view and day
	prices Prices
	names  *map[string]string // of instruments; nil for none
}

// held returns what a valuation of a book at a time depends on, without the prices.
func (t *Tracker) held(ctx context.Context, b *book, at time.Time) (in inputs, err error) {
	p, v, err := b.snapshot(ctx, at)
	if err != nil {
		return in, err
	}
	in.view, in.base, in.names = v, p.Base, t.names.Load()
	in.past, err = t.background(ctx, p, b, v)
	return in, err
}

func (in inputs) value(at time.Time) Valuation {
	v := value(in.ledger, in.base, at, in.prices, in.past)
	if in.names != nil {
		for i := range v.Positions {
			v.Positions[i].Name = (*in.names)[v.Positions[i].Symbol]
		}
	}
	return v
}

// pricesOf returns the prices known as of a time, including the rates of currencies in
// which something is priced but nothing is held.
func (t *Tracker) pricesOf(ctx context.Context, symbols []string, currencies []Currency, base Currency,
	asOf time.Time) (Prices, error) {
	prices, err := t.prices.Prices(ctx, symbols, withRateBase(withBase(currencies, base)), asOf)
	if err != nil {
		return Prices{}, err
	}
	if more := quotedIn(prices, currencies, base); len(more) > 0 {
		rates, err := t.prices.Prices(ctx, nil, withRateBase(append(withBase(currencies, base), more...)), asOf)
		if err != nil {
			return Prices{}, err
		}
		prices.Rates = rates.Rates
	}
	return prices, nil
}

// Closes returns how many closing prices the history or the performance of a portfolio
// from one day to another reads, or for the empty id the summary of all of the owner's. It
// includes those of weekends, but none of days before the first entry; from 0 is as in
// Performance.
func (t *Tracker) Closes(ctx context.Context, owner, id string, from, to Date) (int, error) {
	if id == "" {
		return t.allCloses(ctx, owner, from, to)
	}
	b, _, err := t.book(ctx, owner, id)
	if err != nil {
		return 0, err
	}
	return b.closes(from, to), nil
}

func (b *book) closes(from, to Date) int {
	symbols, first := b.extent()
	return symbols * int(to-max(from, min(first, to)-1)+1)
}

// Performance measures a portfolio from the close of one day to that of another,
// in its base currency; from 0 is from inception, the day before the first entry.
func (t *Tracker) Performance(ctx context.Context, owner, id string, from, to Date) (Performance, error) {
	leave, err := t.readers.enter(ctx)
	if err != nil {
		return Performance{}, err
	}
	defer leave()
	a, err := t.measured(ctx, owner, id, from, to, undivided)
	if err != nil {
		return Performance{}, err
	}
	var p Performance
	t.turns.do(func() { p = a.performance(a.total(nil)) })
	return p, nil
}

func (a *appraisal) performance(whole subject) Performance {
	return Performance{From: a.days[0], To: a.days[len(a.days)-1], Base: a.base, Results: whole.measure()}
}

// Parts measures each holding of a portfolio, or each currency, as Performance
// measures the whole, which is returned with them. They are sorted.
func (t *Tracker) Parts(ctx context.Context, owner, id string, from, to Date,
	currencies bool) (Performance, []Part, error) {
	leave, err := t.readers.enter(ctx)
	if err != nil {
		return Performance{}, nil, err
	}
	defer leave()
	by := byHolding
	if currencies {
		by = byCurrency
	}
	a, err := t.measured(ctx, owner, id, from, to, by)
	if err != nil {
		return Performance{}, nil, err
	}
	var p Performance
	var parts []Part
	t.turns.do(func() {
		whole := a.total(nil)
		p, parts = a.performance(whole), a.parts(ctx, whole)
	})
	return p, parts, ctx.Err()
}

// measured appraises a portfolio on the days that a measurement needs.
func (t *Tracker) measured(ctx context.Context, owner, id string, from, to Date, by division) (*appraisal, error) {
	b, _, err := t.book(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	line, err := b.timeline(ctx, to)
	if err != nil {
		return nil, err
	}
	if from == 0 {
		from = to - 1
		if line.first != 0 { // there are entries
			from = min(from, line.first-1)
		}
	}
	if from < 1 || from >= to {
		return nil, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("from: got %q, want a day before %q", from, to)}
	}
	return appraise(ctx, t.market, line, line.portfolio.Base,
		measured(from, to, line.flowDays(from, to, by != undivided)), t.now(), by)
}

// History returns what a portfolio was worth at the close of each day from from through
// to, at most MaxDays; for today, what it is worth now.
func (t *Tracker) History(ctx context.Context, owner, id string, from, to Date) ([]DayValue, error) {
	if from < 1 || from > to || to-from >= MaxDays {
		return nil, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("from: got %q, want a day up to %q, at most %d days", from, to, MaxDays)}
	}
	leave, err := t.readers.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	b, _, err := t.book(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	line, err := b.timeline(ctx, to)
	if err != nil {
		return nil, err
	}
	days := make([]Date, 0, to-from+1)
	for d := from; d <= to; d++ {
		days = append(days, d)
	}
	a, err := appraise(ctx, t.market, line, line.portfolio.Base, days, t.now(), undivided)
	if err != nil {
		return nil, err
	}
	history := make([]DayValue, len(days))
	t.turns.do(func() {
		for i := 0; i < len(days) && ctx.Err() == nil; i++ {
			history[i] = DayValue{Date: days[i], Worth: a.value(i)}
		}
	})
	return history, ctx.Err()
}

// book returns the current book of a portfolio.
func (t *Tracker) book(ctx context.Context, owner, id string) (*book, Portfolio, error) {
	p, err := t.portfolios.GetPortfolio(ctx, owner, id)
	if err != nil {
		return nil, Portfolio{}, err
	}
	b, err := t.books.get(ctx, p)
	return b, p, err
}
