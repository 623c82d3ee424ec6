package source

import (
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/contract/setting"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTARGETDays(t *testing.T) {
	for text, want := range map[string]bool{
		"2026-01-01": false, "2026-01-02": true, "2026-01-03": false, "2026-04-03": false, "2026-04-06": false, "2026-04-07": true,
		"2026-05-01": false, "2026-12-24": true, "2026-12-25": false, "2026-12-26": false, "2027-03-26": false, "2027-03-29": false,
		"2025-04-18": false, "2025-04-21": false, "2025-12-26": false, "2025-10-03": true,
	} {
		assert.Equal(t, want, TARGET.Trading(day(t, text)), text)
	}
}

func TestMarketDays(t *testing.T) {
	for _, c := range []struct {
		mic, day string
		want     bool
	}{
		{"XNYS", "2026-07-03", false}, {"XNYS", "2026-11-26", false}, {"XNYS", "2026-11-27", true}, {"XNYS", "2026-04-03", false},
		{"XNAS", "2026-01-19", false}, {"XNAS", "2026-10-12", true}, {"XLON", "2026-05-04", false}, {"XLON", "2026-05-01", true},
		{"XETR", "2026-12-24", false}, {"XETR", "2026-05-01", false}, {"XTKS", "2026-01-12", false}, {"NONE", "2026-01-12", true}, {"NONE", "2026-01-11", false},
	} {
		assert.Equal(t, c.want, MarketOf(c.mic).Trading(day(t, c.day)), "%+v", c)
	}
}

func TestCloses(t *testing.T) {
	newYork := MarketOf("XNYS")
	assert.Equal(t, moment(t, "2026-03-06T21:00:00Z"), newYork.CloseOf(day(t, "2026-03-06")).UTC(), "winter")
	assert.Equal(t, moment(t, "2026-03-09T20:00:00Z"), newYork.CloseOf(day(t, "2026-03-09")).UTC(), "summer")
	for at, want := range map[string]string{
		"2026-03-06T20:59:59Z": "2026-03-05", "2026-03-06T21:00:00Z": "2026-03-06", "2026-03-08T12:00:00Z": "2026-03-06", "2026-03-09T19:59:00Z": "2026-03-06",
		"2026-11-27T03:00:00Z": "2026-11-25", // the day after Thanksgiving, before it opens
	} {
		assert.Equal(t, want, newYork.LastClose(moment(t, at)).String(), at)
	}
	assert.True(t, newYork.Open(moment(t, "2026-03-06T15:00:00Z")))
	assert.False(t, newYork.Open(moment(t, "2026-03-07T15:00:00Z")))
	assert.False(t, newYork.Open(moment(t, "2026-03-06T14:29:00Z")))
}

// Neither a weekend nor a holiday makes a price stale: it is the newest until the
// next close or publication, and a grace.
func TestFreshUntil(t *testing.T) {
	for _, c := range []struct {
		calendar *Calendar
		day      string
		want     string
	}{
		{TARGET, "2026-03-05", "2026-03-06T17:00:00Z"},
		{TARGET, "2026-03-06", "2026-03-09T17:00:00Z"},
		{TARGET, "2026-04-02", "2026-04-07T16:00:00Z"}, // over Easter
		{TARGET, "2026-12-24", "2026-12-28T17:00:00Z"},
		{MarketOf("XNYS"), "2026-03-06", "2026-03-10T00:00:00Z"},
		{MarketOf("XNYS"), "2026-11-25", "2026-11-28T01:00:00Z"}, // over Thanksgiving
	} {
		assert.Equal(t, moment(t, c.want), c.calendar.FreshUntil(day(t, c.day)).UTC(), c.day)
	}
}

func TestCheck(t *testing.T) {
	quote := func(price, currency, at string) backend.Quote {
		return backend.Quote{Price: decimal.RequireFromString(price), Currency: backend.Currency(currency),
			Time: moment(t, at)}
	}
	before := quote("100", "GBP", "2026-03-02T16:30:00Z")
	for name, c := range map[string]struct {
		i    Instrument
		next backend.Quote
		want string
	}{
		"a usual move":           {Instrument{}, quote("131", "GBP", "2026-03-03T16:30:00Z"), ""},
		"pence for pounds":       {Instrument{}, quote("10010", "GBP", "2026-03-03T16:30:00Z"), "10010 differs from 100 by more than a factor of 1.75"},
		"pounds for pence":       {Instrument{}, quote("1.001", "GBP", "2026-03-03T16:30:00Z"), "1.001 differs from 100 by more than a factor of 1.75"},
		"a split":                {Instrument{}, quote("49", "GBP", "2026-03-03T16:30:00Z"), "49 differs from 100 by more than a factor of 1.75"},
		"a split that is known":  {Instrument{Splits: []Split{{day(t, "2026-03-03"), backend.Ratio{New: 2, Old: 1}}}}, quote("49", "GBP", "2026-03-03T16:30:00Z"), ""},
		"a split of another day": {Instrument{Splits: []Split{{day(t, "2026-03-02"), backend.Ratio{New: 2, Old: 1}}}}, quote("49", "GBP", "2026-03-03T16:30:00Z"), "49 differs from 100 by more than a factor of 1.75"},
		"accepted by the owner":  {Instrument{Accepted: decimal.NewFromInt(50)}, quote("49", "GBP", "2026-03-03T16:30:00Z"), ""},
		"another currency":       {Instrument{}, quote("100", "EUR", "2026-03-03T16:30:00Z"), "the currency changed from GBP to EUR"},
	} {
		assert.Equal(t, c.want, check(c.i, before, c.next, DefaultFactor, c.i.Splits), name)
	}
	assert.Empty(t, check(Instrument{}, backend.Quote{}, before, DefaultFactor, nil), "the first price")
}

// A year of calls at the pace is within every limit in every window.
func TestPaceStaysWithinBudget(t *testing.T) {
	for name, b := range map[string]Budget{
		"a free plan":  {PerMinute: 8, PerDay: 800},
		"another":      {PerHour: 50, PerDay: 1000},
		"a minute":     {PerMinute: 4, PerDay: 200},
		"one a minute": {PerMinute: 1},
	} {
		t.Run(name, func(t *testing.T) {
			now := moment(t, "2026-03-02T22:00:00Z")
			var spent Spent
			p := newPace(b, spent, now)
			var calls []time.Time
			for len(calls) < 3000 {
				next := p.next(spent, 1, len(calls)%3 == 0, now)
				if next.Equal(now) {
					p.spend(&spent, 1, now)
					calls = append(calls, now)
					if len(calls)%7 == 0 { // restarts do not restore the budget
						p = newPace(b, spent, now)
					}
					continue
				}
				require.True(t, next.After(now))
				now = next
			}
			for limit, window := range map[int]time.Duration{b.PerMinute: time.Minute, b.PerHour: time.Hour} {
				for i := limit; limit > 0 && i < len(calls); i++ {
					require.GreaterOrEqual(t, calls[i].Sub(calls[i-limit]), window, "calls %d to %d", i-limit, i)
				}
			}
			perDay := map[backend.Date]int{}
			for _, at := range calls {
				perDay[backend.DateOf(at)]++
			}
			for d, n := range perDay {
				assert.True(t, b.PerDay == 0 || n <= b.PerDay, "%s: %d calls", d, n)
			}
		})
	}
}

func TestRatioOf(t *testing.T) {
	for factor, want := range map[string]backend.Ratio{
		"4": {New: 4, Old: 1}, "1.5": {New: 3, Old: 2}, "0.333333": {New: 1, Old: 3}, "0.05": {New: 1, Old: 20}, "1.0309278": {New: 100, Old: 97},
	} {
		got, ok := ratioOf(decimal.RequireFromString(factor))
		assert.True(t, ok, factor)
		assert.Equal(t, want, got, factor)
	}
	_, ok := ratioOf(decimal.RequireFromString("2000000"))
	assert.False(t, ok)
}

func TestSourcesAreSettings(t *testing.T) {
	assert.Equal(t, setting.QuoteSources, Names(), "what QUOTE_SOURCES may name")
}
