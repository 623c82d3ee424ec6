package source

import (
	"context"
	"errors"
	"slices"
	"time"

	"portfolio/backend"
)

func (f *Feed) askRates(ctx context.Context, currencies []backend.Currency,
	since map[backend.Currency]backend.Date, from, last backend.Date) error {
	rates, err := f.Source.Rates(ctx, currencies, from, last)
	if err := errors.Join(err, f.write(ctx, nil, rates)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	through := from - 1
	for _, r := range rates {
		through = max(through, TARGET.dayOf(r.Time))
	}
	if f.state.Rates == nil {
		f.state.Rates = map[backend.Currency]Span{}
	}
	for _, c := range currencies {
		wanted := since[c]
		if wanted == 0 {
			wanted = last
		}
		have := f.state.Rates[c]
		if have.From == 0 || wanted < have.From {
			have.From = wanted
		}
		have.Through = max(have.Through, through)
		f.state.Rates[c] = have
	}
	if through < last { // not published yet
		f.state.RatesAfter = f.Now().Add(lateRates)
	}
	return nil
}

func (f *Feed) askLatest(ctx context.Context, i Instrument, s *Symbol) error {
	prices, err := f.Source.Latest(ctx, []Instrument{i})
	if err := errors.Join(err, f.write(ctx, f.accept(i, s, prices), nil)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.Latest, s.Outcome = f.Now(), ""
	return nil
}

func (f *Feed) askCloses(ctx context.Context, i Instrument, s *Symbol, from, last backend.Date) error {
	if i.Since == 0 && s.Closes.From == 0 {
		from = last - recentDays
	}
	prices, err := f.Source.Closes(ctx, i, from, last)
	if e := (*Error)(nil); errors.As(err, &e) && e.Outcome == NoPrice && s.Closes.Through > 0 {
		err = nil // a holiday that the calendar does not know, or a close that is late
	}
	if err != nil {
		return err
	}
	accepted := f.accept(i, s, prices)
	if err := f.write(ctx, accepted, nil); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.Outcome = ""; s.Closes.From == 0 || from < s.Closes.From {
		s.Closes.From = from
	}
	for _, p := range accepted { // those held back are asked for again
		if day := MarketOf(i.MIC).dayOf(p.Time); s.Jump == 0 || day < s.Jump {
			s.Closes.Through = max(s.Closes.Through, day)
		}
	}
	if s.Closes.Through < last && s.Jump == 0 { // not there yet, or a holiday that is not known
		s.ClosesAfter = f.Now().Add(lateCloses)
	}
	return nil
}

// accept returns the prices that do not jump without a reason. A price older than
// the newest is compared within the batch only.
func (f *Feed) accept(i Instrument, s *Symbol, prices []Price) []Price {
	f.mu.Lock()
	defer f.mu.Unlock()
	splits := slices.Concat(i.Splits, s.Splits)
	var accepted []Price
	var before Price
	for _, p := range prices {
		last := before
		if s.Price.Price.IsPositive() && !p.Time.Before(s.Price.Time) {
			last = s.Price
		}
		if reason := check(i, last, p, f.Factor, splits); reason != "" {
			s.Held = &Held{Quote: p, Before: last, Reason: reason}
			if day := backend.DateOf(p.Time); s.Jump == 0 && day > s.Asked && f.Source.Traits().Actions {
				s.Jump = day
			}
			f.Log.Warn("price held back", "source", p.Source, "symbol", p.Symbol, "reason", reason)
			continue
		}
		accepted, before = append(accepted, p), p
		if !p.Time.Before(s.Price.Time) {
			s.Price, s.Held = p, nil
		}
	}
	return accepted
}

func (f *Feed) askActions(ctx context.Context, i Instrument, s *Symbol, from, today backend.Date) error {
	actions, err := f.Source.Actions(ctx, i, from, today)
	if err != nil {
		return err
	}
	if len(actions) > 0 {
		if err := f.Sink.Propose(ctx, actions); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range actions {
		known := Split{Date: a.Entry.Date, Ratio: a.Entry.Ratio}
		if a.Entry.Kind == backend.Split && !slices.Contains(s.Splits, known) {
			s.Splits = append(s.Splits, known)
		}
	}
	if s.Jump > 0 { // the closes that were held back are asked for again
		s.Asked, s.Jump, s.ClosesAfter = today, 0, time.Time{}
	}
	s.Actions = today
	return nil
}

// write hands prices and rates on, in parts.
func (f *Feed) write(ctx context.Context, prices []Price, rates []Rate) error {
	for part := range slices.Chunk(prices, backend.MaxBatch) {
		if err := f.Sink.WritePrices(ctx, part, nil); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(rates, backend.MaxBatch) {
		if err := f.Sink.WritePrices(ctx, nil, part); err != nil {
			return err
		}
	}
	return nil
}
