package source

import (
	"math"
	"time"

	"portfolio/backend"

	"golang.org/x/time/rate"
)

// Budget is how many calls a source allows; 0 means no limit.
type Budget struct {
	PerMinute int `json:"per_minute"`
	PerHour   int `json:"per_hour"`
	PerDay    int `json:"per_day"` // UTC
}

// rate is a rate and a burst at which the limits of minutes and hours are never
// reached: in every window, the burst and what the rate adds are the limit.
func (b Budget) rate() (rate.Limit, int) {
	slowest, burst := rate.Inf, math.MaxInt
	for _, l := range []struct {
		calls  int
		window time.Duration
	}{{b.PerMinute, time.Minute}, {b.PerHour, time.Hour}} {
		if l.calls < 1 {
			continue
		}
		atOnce := max(1, l.calls/5)
		slowest = min(slowest, rate.Every(l.window/time.Duration(max(1, l.calls-atOnce))))
		burst = min(burst, atOnce)
	}
	if burst == math.MaxInt {
		burst = 1
	}
	return slowest, burst
}

// pace spreads the calls of a day, and continues after a restart where it stopped.
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
	limit, burst := b.rate()
	p := &pace{budget: b, limiter: rate.NewLimiter(limit, burst)}
	if !s.At.IsZero() && !s.At.After(now) {
		p.limiter.AllowN(s.At, burst-min(s.Burst, burst))
	}
	return p
}

// next returns when a number of calls may be made. Routine calls are spread: the
// remaining calls of a day over its remaining time. Others are made at the rate.
func (p *pace) next(s Spent, calls int, routine bool, now time.Time) time.Time {
	at := later(now, s.Paused)
	if p.budget.PerDay > 0 {
		left := p.left(s, at)
		midnight := (backend.DateOf(at) + 1).Midnight()
		switch {
		case left < calls:
			at = midnight
		case routine:
			at = later(at, s.At.Add(midnight.Sub(at)/time.Duration(left)))
		}
	}
	// Not by a reservation: one of a later time would treat the time until then as passed.
	lacking := float64(min(calls, p.limiter.Burst())) - p.limiter.TokensAt(at)
	if lacking <= 0 {
		return at
	}
	return at.Add(time.Duration(math.Ceil(lacking / float64(p.limiter.Limit()) * float64(time.Second))))
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

// left returns how many calls are left on a day, -1 if there is no limit.
func (p *pace) left(s Spent, now time.Time) int {
	if p.budget.PerDay == 0 {
		return -1
	}
	if s.Day != backend.DateOf(now) {
		return p.budget.PerDay
	}
	return max(0, p.budget.PerDay-s.Calls)
}
