// Package http serves the platform over HTTP: its health for the load balancer
// and the operators, and the signed calls of the WebSocket handler.
package http

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"portfolio/backend"
)

// Dependencies is what the handlers work with. Every field is needed.
type Dependencies struct {
	Log         *slog.Logger
	Now         func() time.Time
	Keys        backend.Keys // sign the WebSocket handler's calls
	Replays     backend.ReplayMemory
	Connections backend.Connections
	Checks      map[string]func(context.Context) error // of what the service depends on, by name
}

// api holds what the endpoints share.
type api struct {
	Dependencies
	readiness  readiness
	actions    actions
	refreshing chan struct{} // holds one for each call that waits for fresh keys
}

// endpoint answers a request, or returns the error to answer it with.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// NewHandler returns the whole service. Every error is a problem document
// (RFC 9457), and no answer tells strangers about the inside.
func NewHandler(d Dependencies) http.Handler {
	a := &api{Dependencies: d, actions: newActions(), refreshing: make(chan struct{}, maxRefreshing)}
	a.readiness.checks = d.Checks
	a.readiness.log = d.Log
	mux := http.NewServeMux()
	for _, route := range []struct {
		method, path string
		serve        endpoint
	}{
		{http.MethodGet, "/health", health},
		{http.MethodGet, "/ready", a.ready},
		{http.MethodPost, "/internal/connect", a.signed(handshakeTimeout, a.connect)},
		{http.MethodPost, "/internal/message", a.signed(messageTimeout, a.message)},
		{http.MethodPost, "/internal/disconnect", a.signed(handshakeTimeout, a.disconnect)},
	} {
		mux.Handle(route.method+" "+route.path, answer(route.serve))
		mux.Handle(route.path, answer(only(route.method)))
	}
	mux.Handle("/", answer(notFound))
	return observe(d.Log, mux)
}

// answer serves an endpoint and its errors.
func answer(serve endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			note(w, slog.String("code", string(publicError(err).Code)), slog.String("error", err.Error()))
			writeProblem(w, err)
		}
	})
}

// health says that the process is alive and touches nothing else: a load
// balancer that saw the database in here would replace every instance at once.
func health(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
	return nil
}

func only(method string) endpoint {
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", method)
		return &backend.Error{Code: backend.CodeMethodNotAllowed, Message: "use " + method}
	}
}

func notFound(http.ResponseWriter, *http.Request) error {
	return &backend.Error{Code: backend.CodeNotFound, Message: "there is nothing at this path"}
}
