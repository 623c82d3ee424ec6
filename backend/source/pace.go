package source

import (
	"math"
	"time"

	"portfolio/backend"

	"golang.org/x/time/rate"
)

// Budget is how many calls a source allows; 0 is no limit.
type Budget struct {
	PerMinute int `json:"per_minute"`
	PerHour   int `json:"per_hour"`
	PerDay    int `json:"per_day"` // UTC
}

// interval is the pause between two calls at which no limit is ever reached.
func (b Budget) interval() time.Duration {
	pause := time.Duration(0)
	for _, l := range b.limits() {
		pause = max(pause, l.window/time.Duration(l.calls))
	}
	return pause
}

type limit struct {
	calls  int
	window time.Duration
}

func (b Budget) limits() []limit {
	var all []limit
	for _, l := range []limit{{b.PerMinute, time.Minute}, {b.PerHour, time.Hour}, {b.PerDay, 24 * time.Hour}} {
		if l.calls > 0 {
			all = append(all, l)
		}
	}
	return all
}

// burst is how many calls may follow each other without a pause: what is left of
// each limit at the pace of the slowest. A day's own limit is counted.
func (b Budget) burst() int {
	most := math.MaxInt
	pause := b.interval()
	for _, l := range b.limits() {
		if l.window < 24*time.Hour {
			most = min(most, l.calls-int((l.window+pause-1)/pause))
		}
	}
	if most == math.MaxInt {
		return 1
	}
	return max(1, most)
}

// pace spreads the calls of a day, and goes on after a restart where it was.
type pace struct {
	budget  Budget
	limiter *rate.Limiter
}

// Spent is what a pace keeps: how much of a budget is used.
type Spent struct {
	Day    backend.Date `json:"day"`
	Calls  int          `json:"calls"` // on that day
	Burst  int          `json:"burst"` // calls that might follow each other at At
	At     time.Time    `json:"at"`
	Paused time.Time    `json:"paused"` // no call before
}

func newPace(b Budget, s Spent, now time.Time) *pace {
	limit := rate.Inf
	if pause := b.interval(); pause > 0 {
		limit = rate.Every(pause)
	}
	p := &pace{budget: b, limiter: rate.NewLimiter(limit, b.burst())}
	if !s.At.IsZero() && !s.At.After(now) {
		p.limiter.AllowN(s.At, b.burst()-min(s.Burst, b.burst()))
	}
	return p
}

// next returns when so many calls may be made.
func (p *pace) next(s Spent, calls int, now time.Time) time.Time {
	at := now
	if s.Paused.After(at) {
		at = s.Paused
	}
	if p.budget.PerDay > 0 && s.Day == backend.DateOf(at) && s.Calls+calls > p.budget.PerDay {
		at = (s.Day + 1).Midnight()
	}
	reservation := p.limiter.ReserveN(at, min(calls, p.budget.burst()))
	delay := reservation.DelayFrom(at)
	reservation.CancelAt(at)
	return at.Add(delay)
}

// spend counts calls at a time.
func (p *pace) spend(s *Spent, calls int, now time.Time) {
	if day := backend.DateOf(now); day != s.Day {
		s.Day, s.Calls = day, 0
	}
	s.Calls += calls
	for range calls {
		p.limiter.ReserveN(now, 1)
	}
	s.Burst, s.At = max(0, int(math.Floor(p.limiter.TokensAt(now)))), now
}

// left returns how many calls a day still has, -1 if there is no limit.
func (p *pace) left(s Spent, now time.Time) int {
	if p.budget.PerDay == 0 {
		return -1
	}
	if s.Day != backend.DateOf(now) {
		return p.budget.PerDay
	}
	return max(0, p.budget.PerDay-s.Calls)
}
