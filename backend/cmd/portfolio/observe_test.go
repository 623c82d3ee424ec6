package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portfolio/backend"
	"portfolio/backend/metrics"
	"portfolio/backend/push"
	"portfolio/contract/metric"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// fakeDatabase returns fixed answers.
type fakeDatabase struct {
	open   int
	newest time.Time
	err    error
}

func (f fakeDatabase) PoolUse() float64 { return 25 }

func (f fakeDatabase) OpenConnections(context.Context, time.Time) (int, error) { return f.open, f.err }

func (f fakeDatabase) NewestQuote(context.Context) (time.Time, error) { return f.newest, f.err }

// written returns the metrics that the observer writes.
func written(t *testing.T, o *observer) map[string]any {
	t.Helper()
	var out bytes.Buffer
	o.registry.Write(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), noon)
	all := map[string]any{}
	for line := range strings.Lines(out.String()) {
		maps.Copy(all, metricsOf(t, line))
	}
	return all
}

// metricsOf returns the metrics that CloudWatch finds in a line.
func metricsOf(t *testing.T, line string) map[string]any {
	t.Helper()
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(line), &all))
	var head struct {
		AWS struct {
			CloudWatchMetrics []struct{ Metrics []struct{ Name string } }
		} `json:"_aws"`
	}
	require.NoError(t, json.Unmarshal([]byte(line), &head))
	out := map[string]any{}
	for _, d := range head.AWS.CloudWatchMetrics {
		for _, m := range d.Metrics {
			require.Contains(t, all, m.Name)
			out[m.Name] = all[m.Name]
		}
	}
	return out
}

// The service's own packages report enough for every metric that a dashboard may
// show.
func TestEveryMetricIsRecorded(t *testing.T) {
	o := &observer{registry: metrics.New("test")}
	o.Answered("GET /v1/portfolios", time.Millisecond)
	o.Quoted(backend.Quote{Time: noon.Add(-90 * time.Second)})
	o.Quoted(backend.Quote{Time: noon.Add(-2 * time.Hour)}) // an older one changes nothing
	o.Posted(push.ResultPosted, 30*time.Millisecond)
	o.Posted(push.ResultLimited, 0)
	o.Posted(push.ResultFailed, time.Hour)
	o.Posted(push.ResultGone, time.Hour)
	o.Posted(push.ResultPosted, 0) // a message without a quote
	o.CacheRead(9, 1)
	o.HistoryDiffered()
	o.HistoryFailed()
	require.NoError(t, o.count(t.Context(), fakeDatabase{open: 12}, noon))
	require.NoError(t, statesAt(noon).count(t.Context(), o.registry.Record))

	got := written(t, o)
	var names []string
	for _, m := range metric.All() {
		names = append(names, m.Name)
	}
	assert.ElementsMatch(t, names, slices.Collect(maps.Keys(got)))
	assert.Equal(t, []any{90.0, 12.0, 2.0, 9.0, 1.0},
		[]any{got["QuoteAge"], got["OpenConnections"], got["PostFailures"], got["CacheHits"], got["CacheMisses"]})
	assert.Equal(t, []any{1.0, 1.0}, []any{got["FailingSources"], got["HeldPrices"]})
	assert.Equal(t, 1.0, got["PushLag"].(map[string]any)["Count"], "the lag of posts with a new quote")
}

// A metric whose value is unknown is not written, neither as zero nor as it was before.
func TestUnknownMetricsAreNotWritten(t *testing.T) {
	o := &observer{registry: metrics.New("test")}
	require.NoError(t, o.count(t.Context(), fakeDatabase{open: 12}, noon))
	require.Contains(t, written(t, o), "OpenConnections")
	require.Error(t, o.count(t.Context(), fakeDatabase{err: errors.New("away")}, noon))
	assert.Equal(t, []string{"PoolUse"}, slices.Collect(maps.Keys(written(t, o))))

	require.NoError(t, o.count(t.Context(), fakeDatabase{newest: noon.Add(-time.Hour)}, noon))
	assert.Equal(t, 3600.0, written(t, o)["QuoteAge"], "a restart does not hide that the feed has stopped")
	o.Quoted(backend.Quote{Time: noon.Add(time.Second)}) // a feed's clock is ahead
	require.NoError(t, o.count(t.Context(), fakeDatabase{}, noon))
	assert.Zero(t, written(t, o)["QuoteAge"])
}
