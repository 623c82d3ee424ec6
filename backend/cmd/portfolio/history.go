package main

import (
	"context"
	"time"

	"portfolio/backend/history"
)

// historyInterval is between two looks for days that are over. One that finds
// none costs a listing and a lock.
const historyInterval = time.Hour

// keepHistory keeps past days until ctx ends, once there are tables to read.
func (s *service) keepHistory(ctx context.Context) {
	select {
	case <-s.migrated:
	case <-ctx.Done():
		return
	}
	job := history.Job{
		Log: s.log, Bucket: s.history, Leader: s.db, Portfolios: s.db, Valuer: s.tracker,
		Now: time.Now, Sleep: sleep, Differs: s.metrics.Differs,
	}
	retry(ctx, s.log, "keep history", job.Run)
	every(ctx, historyInterval, func() { retry(ctx, s.log, "keep history", job.Run) })
}
