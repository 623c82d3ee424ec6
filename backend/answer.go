package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"portfolio/contract/wire"
)

// ValuationJSON returns the valuation of a portfolio as of now, as a line of JSON.
// Concurrent callers share one valuation, which is made after the last of them
// called. If only the time has changed since the previous one, only the times in its
// text are replaced.
func (t *Tracker) ValuationJSON(ctx context.Context, owner, id string) ([]byte, error) {
	line, err := t.valuing.do(ctx, owner+"\x00"+id, loadTimeout, func(ctx context.Context) ([]byte, error) {
		b, _, err := t.book(ctx, owner, id)
		if err != nil {
			return nil, err
		}
		return t.answer(ctx, b)
	})
	if errors.Is(err, ctx.Err()) && err != nil {
		err = &Error{Code: wire.CodeUnavailable,
			Message: "the portfolio could not be valued in time, try again", Err: err}
	}
	return line, err
}

// answer values what a book holds now.
func (t *Tracker) answer(ctx context.Context, b *book) ([]byte, error) {
	at, changes := t.now(), uint64(0)
	if counter, counts := t.prices.(changeCounter); counts {
		changes = counter.Changes() // before the prices are read, so that later changes are noticed
	}
	in, err := t.held(ctx, b, at)
	if err != nil {
		return nil, err
	}
	kept := in.earlier.answer.Load()
	if kept.holds(in, at) && changes != 0 && kept.changes == changes && at.Sub(kept.checked) < unchecked {
		return kept.at(at)
	}
	if in.prices, err = t.pricesOf(ctx, in.symbols, in.currencies, in.base, time.Time{}); err != nil {
		return nil, err
	}
	var fresh answer
	if kept.holds(in, at) && maps.Equal(kept.prices.Quotes, in.prices.Quotes) &&
		maps.Equal(kept.prices.Rates, in.prices.Rates) {
		fresh = *kept
	} else if fresh, err = newAnswer(in, at); err != nil {
		return nil, err
	}
	fresh.checked, fresh.changes = at, changes
	in.earlier.answer.Store(&fresh)
	return fresh.at(at)
}

// changeCounter is a Pricer that counts the price changes reported to it.
type changeCounter interface{ Changes() uint64 }

// unchecked is how long an answer is used without reading its prices if no change is
// known.
const unchecked = time.Second

// answer is the text of a valuation without the times that change: its own and the ages
// of prices.
type answer struct {
	inputs
	since, until time.Time // in between, no price becomes stale or ceases to be in the future
	text         [][]byte  // between the times
	times        []time.Time

	checked time.Time // when the prices were read
	changes uint64    // changes of prices known before that; 0 if they are not counted
}

// ageMember precedes each age. It cannot be part of a string, in which quotation marks
// are escaped.
var (
	ageMember  = []byte(`"age_ms":`)
	asOfMember = []byte(`{"as_of":`)
)

func newAnswer(in inputs, at time.Time) (a answer, err error) {
	v := in.value(at)
	text, err := json.Marshal(v)
	if err != nil {
		return a, err
	}
	a = answer{inputs: in, since: at, until: nextState(in.prices, at)}
	for i := range v.Quotes {
		a.times = append(a.times, v.Quotes[i].Time)
	}
	for i := range v.Rates {
		a.times = append(a.times, v.Rates[i].Time)
	}
	own, err := at.MarshalJSON()
	if err != nil {
		return a, err
	}
	rest, found := bytes.CutPrefix(text, slices.Concat(asOfMember, own))
	if !found {
		return a, fmt.Errorf("valuation in JSON: got %.60q, want as_of first", text)
	}
	for {
		before, after, found := bytes.Cut(rest, ageMember)
		if !found {
			break
		}
		a.text = append(a.text, rest[:len(before)+len(ageMember)])
		rest = after[bytes.IndexByte(after, ','):]
	}
	if a.text = append(a.text, append(rest, '\n')); len(a.text) != len(a.times)+1 {
		return a, fmt.Errorf("valuation in JSON: got %d ages, want %d", len(a.text)-1, len(a.times))
	}
	return a, nil
}

// nextState returns the time until which the states of the prices known at a time stay the
// same.
func nextState(prices Prices, at time.Time) time.Time {
	until := at.AddDate(1, 0, 0)
	passes := func(moment time.Time) {
		if !moment.Before(at) && moment.Before(until) {
			until = moment
		}
	}
	price := func(of, staleFrom time.Time) {
		passes(staleFrom)
		passes(of.Add(-MaxClockSkew - 1)) // the last moment at which it is not known
	}
	for _, q := range prices.Quotes {
		price(q.Time, q.StaleFrom())
	}
	for _, r := range prices.Rates {
		price(r.Time, r.StaleFrom())
	}
	return until
}

// holds reports whether an answer, which may be nil, is right at a time except for the
// times in it, provided that its prices have not changed.
func (a *answer) holds(in inputs, at time.Time) bool {
	return a != nil && a.past == in.past && a.base == in.base && a.names == in.names &&
		!at.Before(a.since) && !at.After(a.until)
}

// at returns the answer as of a time.
func (a *answer) at(at time.Time) ([]byte, error) {
	own, err := at.MarshalJSON()
	if err != nil {
		return nil, err
	}
	size := len(asOfMember) + len(own)
	for _, part := range a.text {
		size += len(part) + 16
	}
	line := append(make([]byte, 0, size), asOfMember...)
	line = append(line, own...)
	for i, part := range a.text {
		line = append(line, part...)
		if i < len(a.times) {
			line = strconv.AppendInt(line, age(a.times[i], at).Milliseconds(), 10)
		}
	}
	return line, nil
}
