package main

import (
	"context"
	"time"

	"portfolio/backend/history"
)

const (
	// historyInterval is the time between two checks for days that have ended. A
	// check that finds none costs one listing and one lock.
	historyInterval = time.Hour
	// Pauses after a run that failed. The last is short enough that a portfolio
	// that keeps failing is counted in every hour, which its alarm relies on.
	firstHistoryPause = time.Second
	lastHistoryPause  = 20 * time.Minute
)

// keepHistory stores past days until ctx ends, once the schema is migrated.
func (s *service) keepHistory(ctx context.Context) {
	select {
	case <-s.migrated:
	case <-ctx.Done():
		return
	}
	job := history.NewJob(history.Config{
		Log: s.log, Bucket: s.history, Leader: s.db, Portfolios: s.db, Valuer: s.tracker,
		Metrics: s.metrics, Now: time.Now,
	})
	store := func() {
		retryWithin(ctx, s.log, "store past days", pauses(firstHistoryPause, lastHistoryPause), job.Run)
	}
	store()
	every(ctx, historyInterval, store)
}
