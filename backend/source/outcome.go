package source

import (
	"errors"
	"fmt"
	"time"
)

// Outcome is how a call to a source failed.
type Outcome string

// The outcomes of calls.
const (
	RateLimited     Outcome = "rate_limited"     // asked too often; Until says when it may go on
	Unauthorised    Outcome = "unauthorised"     // the key is missing, wrong or lacks the plan
	UnknownSymbol   Outcome = "unknown_symbol"   // the source does not have the instrument
	NoPrice         Outcome = "no_price"         // it has the instrument, but no price now
	CurrencyChanged Outcome = "currency_changed" // it is traded in another currency than before
	Temporary       Outcome = "temporary"        // not reachable, too slow, or an answer that cannot be read
)

// ErrNotOffered is the error of a call for something that a source never has.
var ErrNotOffered = errors.New("not offered by this source")

// Error is a call that failed.
type Error struct {
	Source  string
	Outcome Outcome
	Symbol  string    // that it is about, "" if it is about all
	Until   time.Time // RateLimited: when to ask again, zero if the source does not say
	Err     error     // details for operators; holds no key
}

// Error is the text for logs.
func (e *Error) Error() string {
	text := fmt.Sprintf("source %s: %s", e.Source, e.Outcome)
	if e.Symbol != "" {
		text += " " + e.Symbol
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// outcomes lists the Errors of an error that may join several.
func outcomes(err error) []*Error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*Error
		for _, e := range joined.Unwrap() {
			all = append(all, outcomes(e)...)
		}
		return all
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return []*Error{e}
	}
	return []*Error{{Outcome: Temporary, Err: err}}
}

// general reports whether an error is about the source, not about a symbol.
func (e *Error) general() bool {
	return e.Outcome == RateLimited || e.Outcome == Unauthorised || e.Outcome == Temporary
}
