package source

import (
	"context"
	"maps"
	"slices"
	"time"

	"portfolio/backend"
)

// Store keeps what a feed has asked, so that another instance continues where one
// ended.
type Store interface {
	// LoadSource returns what was saved of a source, the zero value if nothing was.
	LoadSource(ctx context.Context, source string) (State, error)
	SaveSource(ctx context.Context, source string, s State) error
}

// State is what a feed has asked its source for, and the results.
type State struct {
	Spent       Spent                     `json:"spent"`
	LastSuccess time.Time                 `json:"last_success"`
	Failures    int                       `json:"failures"` // in a row
	Outcome     Outcome                   `json:"outcome"`  // of the last call, "" for success
	Detail      string                    `json:"detail"`   // of the last failure
	NextCall    time.Time                 `json:"next_call"`
	Symbols     map[string]*Symbol        `json:"symbols"`
	Rates       map[backend.Currency]Span `json:"rates"`
	RatesAfter  time.Time                 `json:"rates_after"` // no call for rates before
}

// Span is the days that are complete.
type Span struct {
	From    backend.Date `json:"from"`
	Through backend.Date `json:"through"`
}

// Symbol is what is known of one symbol.
type Symbol struct {
	Closes      Span         `json:"closes"`
	ClosesAfter time.Time    `json:"closes_after"` // no call for closes before
	Latest      time.Time    `json:"latest"`       // when the newest price was asked for
	LatestAfter time.Time    `json:"latest_after"`
	Actions     backend.Date `json:"actions"`          // through that day
	Splits      []Split      `json:"splits,omitempty"` // that the source knows
	// Jump is the first day of a price that a split may explain, which the source is
	// yet to be asked for. Asked is the day through which it was.
	Jump    backend.Date  `json:"jump,omitzero"`
	Asked   backend.Date  `json:"asked,omitzero"`
	Price   backend.Quote `json:"price"` // the newest that was accepted
	Held    *Held         `json:"held,omitempty"`
	Outcome Outcome       `json:"outcome,omitempty"` // of the last call about the symbol
}

// symbol returns the state of a symbol, which it adds if there is none.
func (s *State) symbol(name string) *Symbol {
	if s.Symbols == nil {
		s.Symbols = map[string]*Symbol{}
	}
	if s.Symbols[name] == nil {
		s.Symbols[name] = &Symbol{}
	}
	return s.Symbols[name]
}

// Condition is the condition of a source.
type Condition string

// The conditions of a source.
const (
	Idle    Condition = "idle"    // never asked
	Working Condition = "working" // the last call succeeded
	Limited Condition = "limited" // it asked for a pause
	Refused Condition = "refused" // it does not accept the key
	Failing Condition = "failing" // it cannot be reached or understood
)

// Status is what users see of a source.
type Status struct {
	Source      string             `json:"source"`
	State       Condition          `json:"state"`
	LastSuccess *time.Time         `json:"last_success"` // null for never
	NextCall    *time.Time         `json:"next_call"`    // null for none
	CallsLeft   *int               `json:"calls_left"`   // today, null for no limit
	Held        []Held             `json:"held"`         // prices that were held back
	Problems    map[string]Outcome `json:"problems"`     // symbols without prices, and why
}

// StatusOf returns what users see of a source. Details of its failures are for
// operators.
func StatusOf(t Traits, s State, now time.Time) Status {
	status := Status{Source: t.Name, State: Working, Held: []Held{}, Problems: map[string]Outcome{}}
	switch {
	case s.Outcome == RateLimited:
		status.State = Limited
	case s.Outcome == Unauthorised:
		status.State = Refused
	case s.Outcome != "":
		status.State = Failing
	case s.LastSuccess.IsZero():
		status.State = Idle
	}
	if !s.LastSuccess.IsZero() {
		status.LastSuccess = &s.LastSuccess
	}
	if !s.NextCall.IsZero() {
		status.NextCall = &s.NextCall
	}
	if left := newPace(t.Budget, s.Spent, now).left(s.Spent, now); left >= 0 {
		status.CallsLeft = &left
	}
	for _, name := range sortedKeys(s.Symbols) {
		if symbol := s.Symbols[name]; symbol.Held != nil {
			status.Held = append(status.Held, *symbol.Held)
		} else if symbol.Outcome != "" {
			status.Problems[name] = symbol.Outcome
		}
	}
	return status
}

// Symbols returns the symbols that the status names.
func (s Status) Symbols() []string {
	symbols := slices.Collect(maps.Keys(s.Problems))
	for _, h := range s.Held {
		symbols = append(symbols, h.Quote.Symbol)
	}
	return symbols
}

// Keep removes the symbols for which keep reports false.
func (s *Status) Keep(keep func(symbol string) bool) {
	s.Held = slices.DeleteFunc(s.Held, func(h Held) bool { return !keep(h.Quote.Symbol) })
	maps.DeleteFunc(s.Problems, func(symbol string, _ Outcome) bool { return !keep(symbol) })
}
