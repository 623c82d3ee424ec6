package main

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"portfolio/backend"
	"portfolio/backend/history"
	backendhttp "portfolio/backend/http"
	"portfolio/backend/metrics"
	"portfolio/backend/push"
	"portfolio/backend/valkey"
	"portfolio/contract/metric"
)

const (
	// metricsInterval is the time between two lines of metrics: the shortest period
	// that CloudWatch stores without charging for high resolution.
	metricsInterval = time.Minute
	// sampleInterval is the time between two samples of what has no events of its own.
	sampleInterval = 5 * time.Second
	countTimeout   = 2 * time.Second
)

// observer turns what the packages report into metrics. Every metric of the
// service is recorded here.
type observer struct {
	registry *metrics.Registry
	// newest is the time of the newest quote that came here, or a minute before one
	// became stale that was fresh for longer, in microseconds since 1970.
	newest atomic.Int64
}

var (
	_ backendhttp.Metrics = (*observer)(nil)
	_ push.Metrics        = (*observer)(nil)
	_ valkey.CacheMetrics = (*observer)(nil)
	_ history.Metrics     = (*observer)(nil)
)

// Answered implements the HTTP layer's Metrics.
func (o *observer) Answered(route string, took time.Duration) {
	o.registry.RecordRoute(metric.RequestDuration, route, inMilliseconds(took))
}

// Quoted implements the HTTP layer's Metrics.
func (o *observer) Quoted(newest backend.Quote) {
	o.fresh(newest.StaleFrom().Add(-backend.StaleAfter))
}

func (o *observer) fresh(newest time.Time) {
	for at := newest.UnixMicro(); ; {
		known := o.newest.Load()
		if known >= at || o.newest.CompareAndSwap(known, at) {
			return
		}
	}
}

// Posted implements push.Metrics.
func (o *observer) Posted(result push.Result, lag time.Duration) {
	switch {
	case result == push.ResultPosted && lag > 0: // otherwise there was no quote in it
		o.registry.Record(metric.PushLag, inMilliseconds(lag))
	case result == push.ResultLimited || result == push.ResultFailed:
		o.registry.Record(metric.PostFailures, 1)
	}
}

// Watched implements push.Metrics. The database knows the connections of all
// instances, so those of this one are not a metric.
func (o *observer) Watched(_, _, _ int) {}

// CacheRead implements valkey.CacheMetrics.
func (o *observer) CacheRead(hits, misses int) {
	o.registry.Record(metric.CacheHits, float64(hits))
	o.registry.Record(metric.CacheMisses, float64(misses))
}

// HistoryDiffered implements history.Metrics.
func (o *observer) HistoryDiffered() { o.registry.Record(metric.HistoryDifferences, 1) }

// HistoryFailed implements history.Metrics.
func (o *observer) HistoryFailed() { o.registry.Record(metric.HistoryFailures, 1) }

// database is the part of the database that is observed.
type database interface {
	PoolUse() float64
	OpenConnections(ctx context.Context, now time.Time) (int, error)
	NewestQuote(ctx context.Context) (time.Time, error)
}

// count records what is read for each line.
func (o *observer) count(ctx context.Context, db database, now time.Time) error {
	o.registry.Record(metric.PoolUse, db.PoolUse())
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	n, err := db.OpenConnections(ctx, now)
	if err == nil {
		o.registry.Record(metric.OpenConnections, float64(n))
	}
	return errors.Join(err, o.age(ctx, db, now))
}

// age records how old the newest quote is. A process that has received none asks the
// database, so that a feed that has stopped is noticed after a restart, too.
func (o *observer) age(ctx context.Context, db database, now time.Time) error {
	if o.newest.Load() == 0 {
		newest, err := db.NewestQuote(ctx)
		if err != nil || newest.IsZero() {
			return err
		}
		o.fresh(newest)
	}
	age := now.Sub(time.UnixMicro(o.newest.Load()))
	o.registry.Record(metric.QuoteAge, max(0, age.Seconds())) // a feed's clock may be ahead
	return nil
}

// keep samples and writes metrics until ctx ends, and then those of the last minute.
func (o *observer) keep(ctx context.Context, log *slog.Logger, db database, sources sourceStates) {
	write := func(ctx context.Context) {
		if err := errors.Join(o.count(ctx, db, time.Now()), sources.count(ctx, o.registry.Record)); err != nil {
			log.Warn("reading metrics from the database failed", slog.Any("error", err))
		}
		o.registry.Write(ctx, log, time.Now())
	}
	defer write(context.WithoutCancel(ctx))
	last := time.Now().Truncate(metricsInterval)
	every(ctx, sampleInterval, func() {
		o.registry.Record(metric.PoolUse, db.PoolUse())
		// Soon after the start of each minute: a minute without a line is a gap in
		// every graph.
		if now := time.Now().Truncate(metricsInterval); now.After(last) {
			write(ctx)
			last = now
		}
	})
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
