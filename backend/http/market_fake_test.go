package http_test

import (
	"context"
	"time"

	"portfolio/backend"
)

func (m *memory) WriteQuotes(_ context.Context, _ backend.Principal, quotes []backend.Quote,
	rates []backend.Rate) (newer int, err error) {
	for _, q := range quotes {
		if q.Time.After(m.prices.Quotes[q.Symbol].Time) {
			m.prices.Quotes[q.Symbol] = q
			newer++
		}
	}
	for _, r := range rates {
		if r.Time.After(m.prices.Rates[r.Pair].Time) {
			m.prices.Rates[r.Pair] = r
			newer++
		}
	}
	return newer, nil
}

func (m *memory) Prices(context.Context, []string, []backend.Currency, time.Time) (backend.Prices, error) {
	return m.prices, nil
}

// Closing implements backend.Market as if every price had always been known.
func (m *memory) Closing(_ context.Context, _ []string, _ []backend.Currency,
	days ...backend.Date) (map[backend.Date]backend.Prices, error) {
	all := map[backend.Date]backend.Prices{}
	for _, d := range days {
		all[d] = m.prices
	}
	return all, nil
}

func (m *memory) Latest(context.Context, []string, []backend.Currency) (backend.Prices, error) {
	return m.prices, nil
}

func (m *memory) QuoteSeries(_ context.Context, symbols []string, _, _ backend.Date,
	each func(string, *backend.Closes) error) error {
	for _, symbol := range symbols {
		var closes backend.Closes
		if q, found := m.prices.Quotes[symbol]; found {
			closes.Add(q)
		}
		if err := each(symbol, &closes); err != nil {
			return err
		}
	}
	return nil
}

// QuoteSamples implements backend.Market as if a slot ended with every price.
func (m *memory) QuoteSamples(ctx context.Context, symbols []string, from, to backend.Date,
	each func(string, *backend.Closes) error) error {
	return m.QuoteSeries(ctx, symbols, from, to, each)
}

func (m *memory) RateSamples(ctx context.Context, currencies []backend.Currency, from, to backend.Date,
	each func(backend.Rate) error) error {
	return m.RateSeries(ctx, currencies, from, to, each)
}

func (m *memory) RateSeries(_ context.Context, _ []backend.Currency, _, _ backend.Date,
	each func(backend.Rate) error) error {
	for _, r := range m.prices.Rates {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) LoadSince(ctx context.Context, owner, id string,
	_ int64) (backend.Portfolio, []backend.Transaction, []string, error) {
	p, txs, err := m.Load(ctx, owner, id)
	return p, txs, nil, err
}

func (m *memory) Name(symbol string) string { return m.names[symbol] }

// tracker returns a new backend.Tracker that reads these stores.
func (m *memory) tracker() *backend.Tracker {
	return backend.NewTracker(m, m, m, func() time.Time { return now })
}

func (m *memory) Holdings(ctx context.Context, owner, id string, at time.Time) (backend.Ledger, error) {
	return m.tracker().Holdings(ctx, owner, id, at)
}

func (m *memory) Valuation(ctx context.Context, owner, id string, at time.Time) (backend.Valuation, error) {
	return m.tracker().Valuation(ctx, owner, id, at)
}

func (m *memory) Closes(ctx context.Context, owner, id string, from, to backend.Date) (int, error) {
	return m.tracker().Closes(ctx, owner, id, from, to)
}

func (m *memory) ValuationJSON(ctx context.Context, owner, id string) ([]byte, error) {
	return m.tracker().ValuationJSON(ctx, owner, id)
}

func (m *memory) Performance(ctx context.Context, owner, id string,
	from, to backend.Date) (backend.Performance, error) {
	return m.tracker().Performance(ctx, owner, id, from, to)
}

func (m *memory) History(ctx context.Context, owner, id string,
	from, to backend.Date) (days []backend.DayValue, err error) {
	return m.tracker().History(ctx, owner, id, from, to)
}

func (m *memory) Samples(ctx context.Context, owner, id string) (int, error) {
	return m.tracker().Samples(ctx, owner, id)
}

func (m *memory) Intraday(ctx context.Context, owner, id string, day backend.Date) ([]backend.MomentValue, error) {
	return m.tracker().Intraday(ctx, owner, id, day)
}

func (m *memory) Parts(ctx context.Context, owner, id string, from, to backend.Date,
	byCurrency bool) (backend.Performance, []backend.Part, error) {
	return m.tracker().Parts(ctx, owner, id, from, to, byCurrency)
}

func (m *memory) Summary(ctx context.Context, owner string, base backend.Currency,
	from, to backend.Date) (backend.Summary, error) {
	return m.tracker().Summary(ctx, owner, base, from, to)
}

// Transfer implements backend.Portfolios.
func (m *memory) Transfer(ctx context.Context, by backend.Principal, key string,
	t backend.Transfer) (out, in []backend.Entry, replayed bool, err error) {
	p, txs, err := m.Load(ctx, by.Owner, t.From)
	if err != nil {
		return nil, nil, false, err
	}
	leaving, coming, err := t.Sides(ctx, p.Policy, txs, m.id(), int64(len(txs))+1)
	if err != nil {
		return nil, nil, false, err
	}
	if out, replayed, err = m.Record(ctx, by, t.From, key, []backend.Transaction{leaving}); err != nil {
		return nil, nil, false, err
	}
	in, _, err = m.Record(ctx, by, t.To, key, coming)
	return out, in, replayed, err
}
