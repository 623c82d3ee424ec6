package source

import (
	"context"
	"encoding/json"
	"errors"
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
		traits: Traits{Name: "fake", Latest: true, Closes: true, Rates: true, Actions: true, Base: "EUR", ActionCalls: 1, Budget: Budget{PerMinute: 8, PerDay: 800}},
		fail:   func(string) error { return nil },
		price:  func(Instrument, time.Time) decimal.Decimal { return decimal.NewFromInt(100) },
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
		return []Price{{Symbol: i.Symbol, Price: w.price(i, at), Currency: "USD", Source: "fake", Time: at, Received: w.now}}, nil
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
				list = append(list, Rate{Pair: backend.Pair{From: "EUR", To: c}, Rate: decimal.NewFromInt(2), Source: "fake", Time: TARGET.CloseOf(d), Received: w.now})
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

func TestFeedAsksOnlyForWhatIsHeld(t *testing.T) {
	w := newWorld(t, "2026-03-02T12:00:00Z")
	w.runUntil(w.start(), "2026-03-09T12:00:00Z")
	assert.Empty(t, w.calls)
}

func TestFeedCatchesUpANewSymbol(t *testing.T) {
	w := newWorld(t, "2026-03-07T12:00:00Z") // a Saturday
	w.demand = Demand{
		Instruments: []Instrument{acme(t, "2026-02-27")},
		Currencies:  map[backend.Currency]backend.Date{"USD": day(t, "2026-02-27"), "EUR": day(t, "2026-02-27"), "GMD": 0},
	}
	w.runUntil(w.start(), "2026-03-07T13:00:00Z")
	assert.Equal(t, []string{
		"rates [GMD USD] 2026-02-27 2026-03-06", "latest ACME", "closes ACME 2026-02-27 2026-03-06", "actions ACME 2026-02-27 2026-03-07",
	}, w.calls)
	assert.Len(t, w.prices, 6)
	assert.Len(t, w.rates, 6)
	// An entry of an earlier day needs the days before as well.
	w.demand.Instruments[0].Since = day(t, "2026-02-20")
	w.calls = nil
	w.runUntil(w.start(), "2026-03-07T14:00:00Z")
	assert.Equal(t, []string{"closes ACME 2026-02-20 2026-03-06"}, w.calls)
	assert.Len(t, w.prices, 11)
}

// Over a week with a weekend and a holiday, a feed asks while markets are open,
// once after each close and once after each publication.
func TestFeedGoesByTheCalendars(t *testing.T) {
	w := newWorld(t, "2026-04-01T08:00:00Z") // a Wednesday; Good Friday is the 3rd, Easter Monday the 6th
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-03-31")}, Currencies: map[backend.Currency]backend.Date{"USD": day(t, "2026-03-31")}}
	w.runUntil(w.start(), "2026-04-08T08:00:00Z")
	assert.Equal(t, 1+4, w.count("closes"), "the day before, Wednesday, Thursday, Monday and Tuesday: %v", w.calls)
	assert.Equal(t, 1+3, w.count("rates"), "the day before, Wednesday, Thursday and Tuesday")
	for _, d := range []string{"2026-03-31", "2026-04-01", "2026-04-02", "2026-04-06", "2026-04-07"} {
		assert.Contains(t, w.prices, "ACME "+d)
	}
	for i, call := range w.calls {
		at := w.callTimes[i]
		if call == "latest ACME" && i > 5 {
			closed := at.Add(-2 * publication)
			assert.True(t, MarketOf("XNYS").Open(at) || MarketOf("XNYS").Open(closed), "asked at %s", at)
		}
	}
	assert.Greater(t, w.count("latest"), 4*20, "every quarter of an hour on four days")
}

func TestFeedSpreadsADayAtTheProvidersRate(t *testing.T) {
	w := newWorld(t, "2026-03-02T12:00:00Z")
	for i := range 150 {
		w.demand.Instruments = append(w.demand.Instruments, Instrument{Symbol: fmt.Sprintf("S%03d", i), MIC: "XNYS", Since: day(t, "2026-02-27")})
	}
	w.runUntil(w.start(), "2026-03-04T00:00:00Z")
	perMinute, perDay := map[time.Time]int{}, map[backend.Date]int{}
	for _, at := range w.callTimes {
		perMinute[at.Truncate(time.Minute)]++
		perDay[backend.DateOf(at)]++
	}
	for at, n := range perMinute {
		assert.LessOrEqual(t, n, 8, at)
	}
	for d, n := range perDay {
		assert.LessOrEqual(t, n, 800, d)
	}
	assert.Greater(t, perDay[day(t, "2026-03-03")], 700)
	assert.Equal(t, 150, w.count("latest")-w.repeated("latest"), "every symbol has a price")
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

func TestFeedGoesOnAfterARestart(t *testing.T) {
	w := newWorld(t, "2026-03-07T12:00:00Z")
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-02-27")}, Currencies: map[backend.Currency]backend.Date{"USD": day(t, "2026-02-27")}}
	w.runUntil(w.start(), "2026-03-07T12:30:00Z")
	require.Len(t, w.calls, 4)
	for range 20 {
		f := w.start()
		f.Step(t.Context())
	}
	assert.Len(t, w.calls, 4, "a restart asks for nothing that is there")
	spent := w.state().Spent.Calls
	assert.Equal(t, 4, spent)
}

// After an outage of a day, no close and no rate is missing.
func TestFeedLosesNothingInAnOutage(t *testing.T) {
	w := newWorld(t, "2026-03-02T08:00:00Z")
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-02-27")}, Currencies: map[backend.Currency]backend.Date{"USD": day(t, "2026-02-27")}}
	f := w.start()
	w.runUntil(f, "2026-03-03T12:00:00Z")
	w.fail = func(string) error { return &Error{Source: "fake", Outcome: Temporary, Err: errors.New("no route")} }
	before := len(w.calls)
	w.runUntil(f, "2026-03-04T12:00:00Z")
	assert.Less(t, len(w.calls)-before, 200, "pauses grow")
	status := StatusOf(w.traits, w.state(), w.now)
	assert.Equal(t, Failing, status.State)
	assert.True(t, status.LastSuccess.Before(moment(t, "2026-03-03T12:00:00Z")))
	w.fail = func(string) error { return nil }
	w.runUntil(f, "2026-03-05T12:00:00Z")
	assert.Equal(t, Working, StatusOf(w.traits, w.state(), w.now).State)
	for _, d := range []string{"2026-02-27", "2026-03-02", "2026-03-03", "2026-03-04"} {
		assert.Contains(t, w.prices, "ACME "+d)
		assert.Contains(t, w.rates, "USD "+d)
	}
}

func TestFeedObeysTheSource(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		state  Condition
		paused time.Duration
	}{
		"limited with a time": {&Error{Outcome: RateLimited, Until: moment(t, "2026-03-02T18:30:00Z")}, Limited, 3 * time.Hour},
		"the key is refused":  {&Error{Outcome: Unauthorised}, Refused, refusedFor},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-03-02T15:30:00Z")
			w.demand = Demand{Instruments: []Instrument{acme(t, "2026-02-27")}}
			w.fail = func(string) error { return c.err }
			f := w.start()
			next := f.Step(t.Context())
			assert.Equal(t, w.now.Add(c.paused), next)
			w.now = next.Add(-time.Second)
			w.start().Step(t.Context())
			assert.Len(t, w.calls, 1, "no calls during the pause, even after a restart")
			status := StatusOf(w.traits, w.state(), w.now)
			assert.Equal(t, c.state, status.State)
			assert.Equal(t, next, *status.NextCall)
			assert.Equal(t, 799, *status.CallsLeft)
		})
	}
}

func TestFeedGoesOnPastAnUnknownSymbol(t *testing.T) {
	w := newWorld(t, "2026-03-02T15:30:00Z")
	w.demand = Demand{Instruments: []Instrument{{Symbol: "NOSUCH", MIC: "XNYS", Since: day(t, "2026-02-27")}, acme(t, "2026-02-27")}}
	w.fail = func(call string) error {
		if call == "latest NOSUCH" || len(call) > 13 && call[:13] == "closes NOSUCH" {
			return &Error{Source: "fake", Outcome: UnknownSymbol, Symbol: "NOSUCH"}
		}
		return nil
	}
	w.runUntil(w.start(), "2026-03-02T20:30:00Z")
	assert.Equal(t, 1, w.count("latest NOSUCH")+w.count("closes NOSUCH"), "%v", w.calls)
	assert.Greater(t, w.count("latest ACME"), 10)
	status := StatusOf(w.traits, w.state(), w.now)
	assert.Equal(t, Working, status.State)
	assert.Equal(t, map[string]Outcome{"NOSUCH": UnknownSymbol}, status.Problems)
}

func TestFeedHoldsBackAJump(t *testing.T) {
	w := newWorld(t, "2026-03-02T15:30:00Z")
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-02-27")}}
	jump := moment(t, "2026-03-03T00:00:00Z")
	w.price = func(_ Instrument, at time.Time) decimal.Decimal {
		if at.Before(jump) {
			return decimal.NewFromInt(100)
		}
		return decimal.NewFromInt(10000)
	}
	f := w.start()
	w.runUntil(f, "2026-03-03T22:00:00Z")
	assert.NotContains(t, w.prices, "ACME 2026-03-03")
	status := StatusOf(w.traits, w.state(), w.now)
	require.Len(t, status.Held, 1)
	assert.Equal(t, "10000 differs from 100 by more than a factor of 1.75", status.Held[0].Reason)
	// The owner accepts the price.
	w.demand.Instruments[0].Accepted = decimal.NewFromInt(10000)
	w.runUntil(f, "2026-03-04T22:00:00Z")
	assert.Contains(t, w.prices, "ACME 2026-03-03", "closes that were held back are written, too")
	assert.Empty(t, StatusOf(w.traits, w.state(), w.now).Held)
}

func TestFeedExplainsAJumpByTheSourcesSplits(t *testing.T) {
	w := newWorld(t, "2026-03-07T12:00:00Z")
	i := acme(t, "2026-03-02")
	w.demand = Demand{Instruments: []Instrument{i}}
	w.actions = []Action{split("fake", i, day(t, "2026-03-05"), backend.Ratio{New: 4, Old: 1})}
	w.price = func(_ Instrument, at time.Time) decimal.Decimal {
		if at.Before(moment(t, "2026-03-05T00:00:00Z")) {
			return decimal.NewFromInt(400)
		}
		return decimal.NewFromInt(101)
	}
	w.runUntil(w.start(), "2026-03-07T13:00:00Z")
	assert.Len(t, w.prices, 5)
	assert.Empty(t, StatusOf(w.traits, w.state(), w.now).Held)
	assert.Equal(t, "2026-03-05 SPLIT 4:1 0", proposals(w.proposed)[0], "and proposed to the owner, never booked")
}

func TestFeedAsksAgainForWhatCouldNotBeWritten(t *testing.T) {
	w := newWorld(t, "2026-03-07T12:00:00Z")
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-03-05")}}
	w.sinkFail = errors.New("the database cannot be reached")
	f := w.start()
	w.runUntil(f, "2026-03-07T12:01:00Z")
	w.sinkFail = nil
	w.runUntil(f, "2026-03-07T13:00:00Z")
	assert.Len(t, w.prices, 2)
}

func TestFeedRunsUntilItsContextEnds(t *testing.T) {
	w := newWorld(t, "2026-03-07T12:00:00Z")
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-03-05")}}
	f := w.start()
	ctx, cancel := context.WithCancel(t.Context())
	slept := 0
	f.Sleep = func(_ context.Context, d time.Duration) bool {
		w.now = w.now.Add(d)
		if slept++; slept == 20 {
			cancel()
		}
		return slept < 20
	}
	require.NoError(t, f.Run(ctx))
	assert.Equal(t, 3, len(w.calls))
}
