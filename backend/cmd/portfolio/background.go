package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

const (
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second
)

// retry calls do until it succeeds or ctx ends. Pauses double up to lastPause,
// and are uneven so that instances do not come all at once.
func retry(ctx context.Context, log *slog.Logger, what string, do func(context.Context) error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			log.Info(what + ": done")
			return
		}
		wait := uneven(pause)
		log.Warn(what, "error", err.Error(), "again", wait.String())
		if !sleep(ctx, wait) {
			return
		}
	}
}

// every calls do about every interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	for sleep(ctx, uneven(interval)) {
		do()
	}
}

// uneven is between half of d and d.
func uneven(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2) //nolint:gosec // it spreads load and guards nothing
}

// sleep reports whether d passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
