package http

import (
	"log/slog"
	"net/http"
	"time"

	"portfolio/contract/wire"
)

// NewServer returns a server for handler that limits everything that clients choose.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		// For a whole request and its answer: more than messageTimeout, the longest.
		ReadTimeout:  30 * time.Second,
		WriteTimeout: 30 * time.Second,
		// The load balancer must be the one to close an idle connection, or it
		// answers 502 to a request that it has just sent.
		IdleTimeout:    wire.BalancerIdleTimeout + 30*time.Second,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
