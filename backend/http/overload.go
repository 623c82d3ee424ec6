package http

import (
	"context"
	"net/http"
	"sync/atomic"

	"portfolio/backend"
)

const (
	// maxInFlight bounds the calls of the API that are worked on at once: some ten times as
	// many as the database has connections for. More would only wait for each other, past
	// the time that their clients wait.
	maxInFlight = 256
	// maxHistories bounds the calls that read many prices, those that wait their turn
	// included: the last of them is answered in some seconds.
	maxHistories = 64
	// overloadPause is when to try again, in seconds.
	overloadPause = "1"
)

// CodeOverloaded is the code of a call that is refused because too many are in flight.
const CodeOverloaded backend.Code = "overloaded"

// flights counts the calls in flight.
type flights struct{ n atomic.Int64 }

// admit counts a call, and returns an error if more than limit are in flight. What is
// refused has cost next to nothing, so that the calls that are accepted, and health
// checks, are answered in time. Leave must be called in either case.
func (f *flights) admit(w http.ResponseWriter, limit int64) error {
	if f.n.Add(1) > limit {
		w.Header().Set("Retry-After", overloadPause)
		return &backend.Error{Code: CodeOverloaded, Message: "too many calls are in flight; try again later"}
	}
	return nil
}

func (f *flights) leave() { f.n.Add(-1) }

// bounded serves a call unless too many are in flight.
func (f *flights) bounded(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		defer f.leave()
		if err := f.admit(w, maxInFlight); err != nil {
			return err
		}
		return serve(w, r)
	}
}

// many serves a call that reads many prices, unless too many such calls are in flight.
func (a *api) many(serve keyed) keyed {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, by backend.Principal) error {
		defer a.histories.leave()
		if err := a.histories.admit(w, maxHistories); err != nil {
			return err
		}
		return serve(ctx, w, r, by)
	}
}
