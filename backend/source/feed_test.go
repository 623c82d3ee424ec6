package source

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"portfolio/backend"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-03-31")},
		Currencies: map[backend.Currency]backend.Date{"USD": day(t, "2026-03-31")}}
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
		w.demand.Instruments = append(w.demand.Instruments,
			Instrument{Symbol: fmt.Sprintf("S%03d", i), MIC: "XNYS", Since: day(t, "2026-02-27")})
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

func TestFeedGoesOnAfterARestart(t *testing.T) {
	w := newWorld(t, "2026-03-07T12:00:00Z")
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-02-27")},
		Currencies: map[backend.Currency]backend.Date{"USD": day(t, "2026-02-27")}}
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
	w.demand = Demand{Instruments: []Instrument{acme(t, "2026-02-27")},
		Currencies: map[backend.Currency]backend.Date{"USD": day(t, "2026-02-27")}}
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
	w.demand = Demand{Instruments: []Instrument{{Symbol: "NOSUCH", MIC: "XNYS", Since: day(t, "2026-02-27")},
		acme(t, "2026-02-27")}}
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
