package http

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer returns a server for handler with limits on everything that a
// client decides.
func NewServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		// Of a whole request and its answer: above messageTimeout, the longest.
		ReadTimeout:  30 * time.Second,
		WriteTimeout: 30 * time.Second,
		// The load balancer keeps idle connections for 60 s and must be the one to
		// close them, or it answers 502 to what it has just sent.
		IdleTimeout:    90 * time.Second,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
