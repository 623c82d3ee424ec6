package http

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	checkTimeout = 2 * time.Second
	// readyAge is how long a report is reused: anybody can ask, so that asking must
	// cost the stores next to nothing.
	readyAge = 2 * time.Second
)

// report says which dependencies are reachable, but not why one is not.
type report struct {
	Status string                 `json:"status"` // "ready" or "unavailable"
	Checks map[string]checkResult `json:"checks"`
}

type checkResult struct {
	Status    string  `json:"status"` // "up" or "down"
	LatencyMS float64 `json:"latencyMs"`
}

// readiness checks what the service depends on.
type readiness struct {
	checks map[string]func(context.Context) error
	log    *slog.Logger

	mu      sync.Mutex // held while checking, so that concurrent calls share one report
	last    report
	expires time.Time
}

// ready answers with a report on the dependencies: 200 if all are up, and 503 if not.
func (a *api) ready(w http.ResponseWriter, r *http.Request) error {
	report := a.readiness.report(context.WithoutCancel(r.Context()))
	status := http.StatusOK
	if report.Status != "ready" {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, "application/json", report)
	return nil
}

// report returns a report that is at most readyAge old, within checkTimeout.
func (r *readiness) report(ctx context.Context) report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Now().Before(r.expires) {
		return r.last
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var mu sync.Mutex
	var checks sync.WaitGroup
	fresh := report{Status: "ready", Checks: map[string]checkResult{}}
	for name, check := range r.checks {
		checks.Go(func() {
			start := time.Now()
			err := check(ctx)
			result := checkResult{Status: "up", LatencyMS: milliseconds(time.Since(start))}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				r.log.Warn("a dependency is not ready", "check", name, slog.Any("error", err))
				result.Status, fresh.Status = "down", "unavailable"
			}
			fresh.Checks[name] = result
		})
	}
	checks.Wait()
	r.last, r.expires = fresh, time.Now().Add(readyAge)
	return fresh
}
