package http

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"portfolio/contract/wire"
)

// traceHeader is set by the load balancer on every request.
const traceHeader = "X-Amzn-Trace-Id"

// recorder remembers of an answer what its log line tells.
type recorder struct {
	http.ResponseWriter
	status int // 0 until the header is written
	attrs  []slog.Attr
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// note adds to the request's log line. Bodies and signatures do not belong there.
func note(w http.ResponseWriter, attrs ...slog.Attr) {
	if r, ok := w.(*recorder); ok {
		r.attrs = append(r.attrs, attrs...)
	}
}

// Metrics observes the service. Its methods are called by many goroutines and
// must not wait.
type Metrics interface {
	// Answered is called after each answer, with the pattern that the request
	// matched: one of a known few, "" for none.
	Answered(route string, took time.Duration)
	// Quoted is called with the time of the newest quote of each call that
	// brought some.
	Quoted(newest time.Time)
}

// observe writes one log line for each request and tells metrics of it, and turns
// a panic into a 500 and a line with its stack. A health check that went well
// leaves no trace.
func observe(log *slog.Logger, metrics Metrics, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("Cache-Control", "no-store")
		rec.Header().Set("X-Content-Type-Options", "nosniff")
		log := log.With("trace", traceID(r))
		serve(log, next, rec, r)
		if r.Pattern == "GET "+wire.HealthPath && rec.status == http.StatusOK {
			return
		}
		took := time.Since(start)
		// The pattern, because a path is a stranger's text.
		metrics.Answered(r.Pattern, took)
		log.LogAttrs(r.Context(), level(rec.status), "request", append([]slog.Attr{
			slog.String("method", r.Method), slog.String("route", r.Pattern),
			slog.Int("status", rec.status), slog.Float64("ms", milliseconds(took)),
		}, rec.attrs...)...)
	})
}

// serve answers with next, and with a 500 where that panics before it answers.
func serve(log *slog.Logger, next http.Handler, rec *recorder, r *http.Request) {
	defer func() {
		failure := recover()
		if failure == nil {
			return
		}
		log.Error("panic", "panic", fmt.Sprint(failure), "stack", string(debug.Stack()))
		if rec.status == 0 {
			writeProblem(rec, fmt.Errorf("panic: %v", failure))
		}
	}()
	next.ServeHTTP(rec, r)
}

// traceID is the load balancer's id of a request, or one made here. It is cut
// short because anybody may send one.
func traceID(r *http.Request) string {
	id := r.Header.Get(traceHeader)
	if id == "" {
		return rand.Text()
	}
	return strings.ToValidUTF8(id[:min(len(id), 128)], "")
}

func level(status int) slog.Level {
	if status >= http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// milliseconds gives a duration to a tenth of a millisecond.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
