package http

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"portfolio/backend"
	"portfolio/contract/wire"
)

// traceHeader is set by the load balancer on every request.
const traceHeader = "X-Amzn-Trace-Id"

// recorder records what the log line says about an answer.
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

// note adds attributes to the request's log line. Bodies, keys and signatures must
// not be logged.
func note(w http.ResponseWriter, attrs ...slog.Attr) {
	if r, ok := w.(*recorder); ok {
		r.attrs = append(r.attrs, attrs...)
	}
}

// Metrics observes the service. Its methods are called by many goroutines and must not
// block.
type Metrics interface {
	// Answered is called after each answer with the pattern that the request matched,
	// of which there are few; it is "" for none.
	Answered(route string, took time.Duration)
	// Quoted is called with the quote of each batch that is fresh for longest.
	Quoted(newest backend.Quote)
}

// observe logs and measures each request, and turns a panic into a 500 and a log line
// with its stack. Successful health checks are neither logged nor measured.
func (a *api) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := &recorder{ResponseWriter: w}
		a.protect(rec.Header(), r)
		id := traceID(r)
		rec.Header().Set("X-Request-Id", id)
		trace := slog.String("trace", id)
		serve(a.Log, trace, next, rec, r)
		if r.Pattern == "GET "+wire.HealthPath && rec.status == http.StatusOK {
			return
		}
		took := time.Since(start)
		// The pattern, because anybody can choose a path.
		a.Metrics.Answered(r.Pattern, took)
		gone := r.Context().Err() != nil
		if gone {
			note(rec, slog.Bool("clientGone", true))
		}
		a.Log.LogAttrs(r.Context(), level(rec.status, gone), "request", append([]slog.Attr{
			trace, slog.String("method", r.Method), slog.String("route", r.Pattern),
			slog.Int("status", rec.status), slog.Float64("ms", milliseconds(took)),
		}, rec.attrs...)...)
	})
}

// everywhere is what protect always sets: canonical names, and values without room to
// append to.
var everywhere = map[string][]string{
	"Cache-Control":           {"no-store"},
	"Content-Security-Policy": {"default-src 'none'; frame-ancestors 'none'"},
	"Referrer-Policy":         {"no-referrer"},
	"X-Content-Type-Options":  {"nosniff"},
}

// protect sets the headers of every answer, which the page's files relax for themselves.
func (a *api) protect(h http.Header, r *http.Request) {
	for name, values := range everywhere {
		h[name] = values
	}
	if a.overTLS(r) {
		h.Set("Strict-Transport-Security", "max-age=31536000") // a year
	}
}

// serve calls next, and answers with a 500 if that panics before it has answered.
func serve(log *slog.Logger, trace slog.Attr, next http.Handler, rec *recorder, r *http.Request) {
	defer func() {
		failure := recover()
		if failure == nil {
			return
		}
		log.Error("serving the request panicked", trace, "panic", fmt.Sprint(failure), "stack", string(debug.Stack()))
		if rec.status == 0 {
			writeProblem(rec, fmt.Errorf("panic: %v", failure))
		}
	}()
	next.ServeHTTP(rec, r)
}

// traceID returns the load balancer's ID of a request, or a new one. It is truncated,
// because anybody can send one.
func traceID(r *http.Request) string {
	id := r.Header.Get(traceHeader)
	if id == "" {
		return rand.Text()
	}
	return strings.ToValidUTF8(id[:min(len(id), 128)], "")
}

// level is that of a request's log line. For a client that has gone, a service that is
// unavailable is one that stopped working for it.
func level(status int, gone bool) slog.Level {
	if status >= http.StatusInternalServerError && (!gone || status != http.StatusServiceUnavailable) {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// milliseconds returns a duration rounded to a tenth of a millisecond.
func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
