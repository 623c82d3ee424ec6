package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second
)

// retry calls do until it succeeds or ctx ends, with pauses that grow from firstPause to
// lastPause.
func retry(ctx context.Context, log *slog.Logger, task string, do func(context.Context) error) {
	retryWithin(ctx, log, task, pauses(firstPause, lastPause), do)
}

// retryWithin is retry with other pauses.
func retryWithin(ctx context.Context, log *slog.Logger, task string, between backoff.BackOff,
	do func(context.Context) error) {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do(ctx) },
		backoff.WithBackOff(between),
		backoff.WithMaxElapsedTime(0), // no limit
		backoff.WithNotify(func(err error, pause time.Duration) {
			log.Warn("task failed", "task", task, slog.Any("error", err), "retryIn", pause.String())
		}))
	if err == nil {
		log.Info("task succeeded", "task", task)
	}
}

// pauses returns pauses that double from first up to last. They are randomized, so
// that instances do not all call at once.
func pauses(first, last time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{InitialInterval: first, MaxInterval: last, Multiplier: 2,
		RandomizationFactor: 0.5}
}

// every calls do each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			do()
		}
	}
}
