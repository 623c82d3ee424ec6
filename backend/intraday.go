package backend

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Samples returns how many prices the values within a day of a portfolio are computed from.
func (t *Tracker) Samples(ctx context.Context, owner, id string) (int, error) {
	b, _, err := t.book(ctx, owner, id)
	if err != nil {
		return 0, err
	}
	symbols, _ := b.extent()
	return symbols * SlotsPerDay, nil
}

// Intraday returns what a portfolio was worth at the end of each slot of a day up to now.
// The day is today or, as there are SampleDays, the one before. An entry counts from its
// time on; see Transaction.Compare for one without a time.
func (t *Tracker) Intraday(ctx context.Context, owner, id string, day Date) ([]MomentValue, error) {
	leave, err := t.readers.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	b, _, err := t.book(ctx, owner, id)
	if err != nil {
		return nil, err
	}
	stretches, p, err := b.during(ctx, day, t.now())
	if err != nil || len(stretches) == 0 {
		return []MomentValue{}, err
	}
	m := dayMarket{quotes: map[string]*Closes{}}
	last := stretches[len(stretches)-1].moments
	from, to := DateOf(stretches[0].moments[0].Add(-SlotLength)), DateOf(last[len(last)-1])
	if err := m.read(ctx, t.market, stretches, p.Base, from, to); err != nil {
		return nil, err
	}
	var values []MomentValue
	for _, s := range stretches {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t.turns.do(func() { values = append(values, m.appraise(s, p.Base, day)...) })
	}
	return values, nil
}

// stretch is a sequence of moments between which a portfolio's holdings did not change.
type stretch struct {
	moments []time.Time
	held    *timeline
}

// during returns the stretches of a day up to now, and the portfolio.
func (b *book) during(ctx context.Context, day Date, now time.Time) ([]stretch, Portfolio, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, zone := b.portfolio, b.portfolio.Location()
	if today := DateIn(now, zone); day > today || day <= today-SampleDays {
		return nil, p, &Error{Code: CodeInvalidRequest,
			Message: fmt.Sprintf("from: got %q, want %q or %q: earlier days have no values within them",
				day, today-SampleDays+1, today)}
	}
	n, end := b.until(day-1), b.until(day)
	d, err := b.at(ctx, n)
	if err != nil {
		return nil, p, err
	}
	if n < end && d == b.live {
		d = d.clone()
	}
	var list []stretch
	for moments := slotEnds(day, zone, now); len(moments) > 0; {
		first := n
		for n < end && !b.txs[n].effective(zone).After(moments[0]) {
			n++
		}
		if first < n {
			if err := d.book(ctx, b.txs[first:n], day); err != nil {
				return nil, p, err
			}
		}
		same := 1
		for same < len(moments) && (n == end || b.txs[n].effective(zone).After(moments[same])) {
			same++
		}
		list = append(list, stretch{moments[:same], d.held(p, day)})
		moments = moments[same:]
	}
	return list, p, nil
}

// effective returns the moment at which an entry takes effect.
func (t Transaction) effective(zone *time.Location) time.Time {
	if t.Kind == Split {
		return openingIn(t.Date, 0, zone) // prices from before its time are of the old units
	}
	return openingIn(t.Date, t.clock(), zone)
}

// held returns a timeline of a day on which nothing changes.
func (d *derivation) held(p Portfolio, day Date) *timeline {
	t := &timeline{portfolio: p, zone: p.Location(), holdings: map[string]*track{}, cash: map[Currency][]amountAt{}}
	for symbol, h := range d.holdings {
		if h.units.Sign() == 0 {
			continue
		}
		t.holdings[symbol] = &track{symbol: symbol, currency: h.currency, splits: h.splits[:len(h.splits):len(h.splits)],
			quantities: []amountAt{{day, h.quantity()}}}
		if h.lastTrade.date != 0 {
			t.holdings[symbol].trades = []trade{h.lastTrade}
		}
	}
	for c, amount := range d.cash {
		t.cash[c] = []amountAt{{day, amount}}
	}
	return t
}

// dayMarket has the prices of a day.
type dayMarket struct {
	quotes map[string]*Closes
	rates  rateSeries
}

// read reads the prices that stretches need, of days in UTC.
func (m *dayMarket) read(ctx context.Context, market Market, stretches []stretch, base Currency, from, to Date) error {
	var symbols []string
	currencies := []Currency{base}
	for _, s := range stretches {
		symbols = append(symbols, s.held.symbols()...)
		currencies = append(currencies, s.held.currencies(base)...)
	}
	slices.Sort(symbols)
	err := market.QuoteSamples(ctx, slices.Compact(symbols), from, to, func(symbol string, quotes *Closes) error {
		m.quotes[symbol] = quotes
		for _, c := range quotes.currencies {
			currencies = append(currencies, c.currency)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(currencies)
	m.rates, err = readRates(ctx, market.RateSamples, slices.Compact(currencies), from, to)
	return err
}

// appraise values a stretch of a day.
func (m *dayMarket) appraise(s stretch, base Currency, day Date) []MomentValue {
	a := newAppraisal(s.held, base, slices.Repeat([]Date{day}, len(s.moments)), undivided)
	a.rates = m.rates
	moments := make([]moment, len(s.moments))
	for i, at := range s.moments {
		a.closes[i] = session{at: at, exact: true}
		moments[i] = a.closes[i].moment()
	}
	for symbol, k := range s.held.holdings {
		quotes := m.quotes[symbol]
		if quotes == nil {
			quotes = &Closes{}
		}
		a.add(k, quotes, moments, nil)
	}
	values := make([]MomentValue, len(s.moments))
	for i, at := range s.moments {
		values[i] = MomentValue{Time: at, Worth: a.value(i)}
	}
	return values
}
