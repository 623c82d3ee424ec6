package http

import (
	"net/http"
	"sync/atomic"

	"portfolio/backend"
)

const (
	// maxInFlight bounds the calls of the API that are worked on at once: some ten times as
	// many as the database has connections for. More would only wait for each other, past
	// the time that their clients wait.
	maxInFlight = 256
	// overloadPause is when to try again, in seconds.
	overloadPause = "1"
)

// CodeOverloaded is the code of a call that is refused because too many are in flight.
const CodeOverloaded backend.Code = "overloaded"

// flights counts the calls in flight.
type flights struct{ n atomic.Int64 }

// bounded serves a call unless too many are in flight. What is refused has cost next to
// nothing, so that the calls that are accepted, and health checks, are answered in time.
func (f *flights) bounded(serve endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		defer f.n.Add(-1)
		if f.n.Add(1) > maxInFlight {
			w.Header().Set("Retry-After", overloadPause)
			return &backend.Error{Code: CodeOverloaded, Message: "too many calls are in flight; try again later"}
		}
		return serve(w, r)
	}
}
