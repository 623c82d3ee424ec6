package main

import (
	"context"
	"log/slog"
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
		Log: s.log, Bucket: s.history, Leader: s.db, Portfolios: s.db, Valuer: s.tracker, Metrics: s.metrics, Now: time.Now,
	})
	after := pauses(firstHistoryPause, lastHistoryPause)
	for {
		pause := historyInterval
		if err := job.Run(ctx); err != nil {
			pause = after.NextBackOff()
			s.log.Error("keeping history failed", slog.Any("error", err), "retryIn", pause.String())
		} else {
			after.Reset()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
