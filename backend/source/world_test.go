package source

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// world is everything around a feed: a provider, what is held, what was written.
type world struct {
	t   *testing.T
	now time.Time

	traits    Traits
	calls     []string
	callTimes []time.Time
	fail      func(call string) error
	price     func(i Instrument, at time.Time) decimal.Decimal
	actions   []Action

	demand   Demand
	prices   map[string]Price // by symbol and time
	rates    map[string]Rate
	proposed []Action
	saved    []byte // as the store keeps it
	sinkFail error
}

func newWorld(t *testing.T, at string) *world {
	return &world{
		t: t, now: moment(t, at), prices: map[string]Price{}, rates: map[string]Rate{},
		traits: Traits{Name: "fake", Latest: true, Closes: true, Rates: true, Actions: true, Base: "EUR", ActionCalls: 1,
			Budget: Budget{PerMinute: 8, PerDay: 800}},
		fail:  func(string) error { return nil },
		price: func(Instrument, time.Time) decimal.Decimal { return decimal.NewFromInt(100) },
	}
}

func (w *world) Traits() Traits { return w.traits }

func (w *world) call(format string, values ...any) error {
	call := fmt.Sprintf(format, values...)
	w.calls, w.callTimes = append(w.calls, call), append(w.callTimes, w.now)
	return w.fail(call)
}

func (w *world) Latest(_ context.Context, instruments []Instrument) ([]Price, error) {
	return each(instruments, func(i Instrument) ([]Price, error) {
		if err := w.call("latest %s", i.Symbol); err != nil {
			return nil, err
		}
		market := MarketOf(i.MIC)
		at := w.now
		if !market.Open(at) {
			at = market.CloseOf(market.LastClose(at))
		}
		return []Price{{Symbol: i.Symbol, Price: w.price(i, at), Currency: "USD", Source: "fake", Time: at,
			Received: w.now}}, nil
	})
}

func (w *world) Closes(_ context.Context, i Instrument, from, through backend.Date) ([]Price, error) {
	if err := w.call("closes %s %s %s", i.Symbol, from, through); err != nil {
		return nil, err
	}
	var list []Price
	market := MarketOf(i.MIC)
	for d := from; d <= through; d++ {
		if market.Trading(d) {
			list = append(list, closing("fake", i, w.price(i, market.CloseOf(d)), "USD", d, market, w.now))
		}
	}
	return list, nil
}

func (w *world) Rates(_ context.Context, currencies []backend.Currency, from, through backend.Date) ([]Rate, error) {
	if err := w.call("rates %v %s %s", currencies, from, through); err != nil {
		return nil, err
	}
	var list []Rate
	for d := from; d <= through; d++ {
		if !TARGET.Trading(d) {
			continue
		}
		for _, c := range currencies {
			if c != "GMD" {
				list = append(list, Rate{Pair: backend.Pair{From: "EUR", To: c}, Rate: decimal.NewFromInt(2), Source: "fake",
					Time: TARGET.CloseOf(d), Received: w.now})
			}
		}
	}
	return list, nil
}

func (w *world) Actions(_ context.Context, i Instrument, from, through backend.Date) ([]Action, error) {
	if err := w.call("actions %s %s %s", i.Symbol, from, through); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(w.actions), func(a Action) bool { return a.Entry.Date < from || a.Entry.Date > through }), nil
}

func (w *world) Stream(context.Context, []Instrument, func(Price)) error { return ErrNotOffered }

func (w *world) Wanted(context.Context) (Demand, error) { return w.demand, nil }

func (w *world) WritePrices(_ context.Context, prices []Price, rates []Rate) error {
	assert.LessOrEqual(w.t, len(prices)+len(rates), backend.MaxBatch)
	if w.sinkFail != nil {
		return w.sinkFail
	}
	for _, p := range prices {
		assert.NoError(w.t, p.Validate())
		w.prices[p.Symbol+" "+p.Time.UTC().Format(time.DateOnly)] = p
	}
	for _, r := range rates {
		w.rates[string(r.To)+" "+r.Time.UTC().Format(time.DateOnly)] = r
	}
	return nil
}

func (w *world) Propose(_ context.Context, actions []Action) error {
	w.proposed = append(w.proposed, actions...)
	return nil
}

func (w *world) LoadSource(context.Context, string) (State, error) {
	var s State
	if w.saved == nil {
		return s, nil
	}
	return s, json.Unmarshal(w.saved, &s)
}

func (w *world) SaveSource(_ context.Context, _ string, s State) (err error) {
	w.saved, err = json.Marshal(s)
	return err
}

// start starts a feed as an instance does that becomes the leader.
func (w *world) start() *Feed {
	f := &Feed{
		Source: w, Wants: w, Sink: w, Store: w, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return w.now }, Interval: 15 * time.Minute,
	}
	require.NoError(w.t, f.Start(w.t.Context()))
	return f
}

// runUntil runs a feed, its clock jumping to each next call.
func (w *world) runUntil(f *Feed, until string) {
	end := moment(w.t, until)
	for w.now.Before(end) {
		next := f.Step(w.t.Context())
		if next.After(w.now) {
			w.now = next
		}
	}
	w.now = end
}

func (w *world) count(prefix string) int {
	n := 0
	for _, c := range w.calls {
		if len(c) >= len(prefix) && c[:len(prefix)] == prefix {
			n++
		}
	}
	return n
}

func (w *world) state() State {
	s, err := w.LoadSource(w.t.Context(), "fake")
	require.NoError(w.t, err)
	return s
}

func acme(t *testing.T, since string) Instrument {
	return Instrument{Symbol: "ACME", MIC: "XNYS", Since: day(t, since)}
}

// repeated counts the calls that came before with the same words.
func (w *world) repeated(prefix string) int {
	seen, n := map[string]bool{}, 0
	for _, c := range w.calls {
		if len(c) > len(prefix) && c[:len(prefix)] == prefix {
			if seen[c] {
				n++
			}
			seen[c] = true
		}
	}
	return n
}
