package source

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"portfolio/backend"
)

const (
	// publication is how long after a close or a publication it is asked for.
	publication = 5 * time.Minute
	// lateRates and lateCloses are the pauses until what was not there is asked for again.
	lateRates  = 10 * time.Minute
	lateCloses = 4 * time.Hour
	// unknownFor is how long a symbol that a source does not have is not asked for.
	unknownFor = 24 * time.Hour
	// actionDays is how often corporate actions are asked for, in days.
	actionDays = 7
	// recentDays hold at least one day of trading.
	recentDays = 7
)

// marker is a currency that has a rate on every day, so that it shows which days
// were published where a source has no other currency that is wanted.
const marker backend.Currency = "USD"

// The order in which tasks that are due are done: what is missing altogether
// before what is older than it might be.
const (
	urgencyRates = iota
	urgencyFirstPrice
	urgencyJump
	urgencyCloses
	urgencyLatest
	urgencyActions
)

// task is a call that is due at a time.
type task struct {
	due     time.Time
	urgency int
	symbol  string // "" for rates
	calls   int    // of the budget
	run     func(ctx context.Context) error
}

// routine reports whether nothing is missing without the task.
func (t task) routine() bool { return t.urgency >= urgencyLatest }

// tasks lists everything that the demand asks of the source, due or not.
func (f *Feed) tasks(d Demand, now time.Time) []task {
	t := f.Source.Traits()
	var all []task
	if t.Rates {
		if one, wanted := f.ratesTask(d, now); wanted {
			all = append(all, one)
		}
	}
	for _, i := range d.Instruments {
		s := f.state.symbol(i.Symbol)
		if t.Latest {
			all = append(all, f.latestTask(i, s, now))
		}
		if t.Closes {
			all = append(all, f.closesTask(i, s, now))
		}
		if t.Actions && (i.Since > 0 || s.Jump > 0) {
			all = append(all, f.actionsTask(i, s, now))
		}
	}
	return all
}

// mostUrgent returns the task that is due and comes first, nil if none is due.
func mostUrgent(tasks []task, now time.Time) *task {
	var best *task
	for i := range tasks {
		t := &tasks[i]
		if t.due.After(now) {
			continue
		}
		if best == nil || cmp.Or(
			cmp.Compare(t.urgency, best.urgency), t.due.Compare(best.due), cmp.Compare(t.symbol, best.symbol),
		) < 0 {
			best = t
		}
	}
	return best
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (f *Feed) ratesTask(d Demand, now time.Time) (task, bool) {
	base := f.Source.Traits().Base
	last := TARGET.LastClose(now.Add(-publication))
	from := last + 1
	for c, since := range d.Currencies {
		if c != base {
			from = min(from, missing(f.state.Rates[c], since, last))
		}
	}
	currencies := slices.DeleteFunc(slices.Sorted(maps.Keys(d.Currencies)),
		func(c backend.Currency) bool { return c == base })
	if len(currencies) == 0 {
		return task{}, false
	}
	if !slices.Contains(currencies, marker) {
		currencies = append(currencies, marker)
	}
	due := later(now, f.state.RatesAfter)
	if from > last {
		due = TARGET.CloseOf(TARGET.Next(last)).Add(publication)
	}
	return task{due: due, urgency: urgencyRates, calls: 1, run: func(ctx context.Context) error {
		return f.askRates(ctx, currencies, d.Currencies, from, last)
	}}, true
}

// missing returns the first day that is missing in a span that is wanted from one
// day through another, and the day after if none is.
func missing(have Span, since, through backend.Date) backend.Date {
	if since == 0 {
		since = through
	}
	if have.From == 0 || since < have.From {
		return min(since, through)
	}
	return have.Through + 1
}

func (f *Feed) latestTask(i Instrument, s *Symbol, now time.Time) task {
	market := MarketOf(i.MIC)
	t := task{due: now, urgency: urgencyFirstPrice, symbol: i.Symbol, calls: 1}
	if !s.Latest.IsZero() {
		t.urgency = urgencyLatest
		last := market.LastClose(now)
		switch closed := market.CloseOf(last).Add(publication); {
		case market.Open(now):
			t.due = s.Latest.Add(f.Interval)
		case s.Latest.Before(closed):
			t.due = closed
		default:
			t.due = later(market.at(market.Next(market.dayOf(now)-1), market.open), now.Add(time.Minute))
			if market.Trading(market.dayOf(now)) && !now.Before(market.CloseOf(market.dayOf(now))) {
				t.due = market.at(market.Next(market.dayOf(now)), market.open)
			}
		}
	}
	t.due = later(t.due, s.LatestAfter)
	t.run = func(ctx context.Context) error { return f.askLatest(ctx, i, s) }
	return t
}

func (f *Feed) closesTask(i Instrument, s *Symbol, now time.Time) task {
	market := MarketOf(i.MIC)
	last := market.LastClose(now.Add(-publication))
	from := missing(s.Closes, i.Since, last)
	t := task{due: later(now, s.ClosesAfter), urgency: urgencyCloses, symbol: i.Symbol, calls: 1}
	if from > last {
		t.due = later(market.CloseOf(market.Next(last)).Add(publication), s.ClosesAfter)
	}
	t.run = func(ctx context.Context) error { return f.askCloses(ctx, i, s, from, last) }
	return t
}

func (f *Feed) actionsTask(i Instrument, s *Symbol, now time.Time) task {
	today := backend.DateOf(now)
	from := max(i.Since, s.Actions+1)
	t := task{due: now, urgency: urgencyActions, symbol: i.Symbol, calls: f.Source.Traits().ActionCalls}
	switch {
	case s.Jump > 0:
		t.urgency, from = urgencyJump, s.Jump-recentDays
	case s.Actions+actionDays > today:
		t.due = later((s.Actions + actionDays).Midnight(), s.ClosesAfter)
	default:
		t.due = later(now, s.ClosesAfter)
	}
	t.run = func(ctx context.Context) error { return f.askActions(ctx, i, s, from, today) }
	return t
}
