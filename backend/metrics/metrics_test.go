package metrics_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portfolio/backend/metrics"
	"portfolio/contract/metric"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// written returns what a registry writes, by line.
func written(t *testing.T, r *metrics.Registry) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	r.Write(t.Context(), slog.New(slog.NewJSONHandler(&out, nil)), noon)
	var all []map[string]any
	for line := range strings.Lines(out.String()) {
		var one map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &one), line)
		all = append(all, one)
	}
	return all
}

func TestWrite(t *testing.T) {
	r := metrics.New("test")
	r.Record(metric.PushLag, 0)
	r.Record(metric.PushLag, 0.1)
	r.Record(metric.PushLag, 0.1)
	r.Record(metric.PostFailures, 2)
	r.Record(metric.PostFailures, 3)
	r.Record(metric.OpenConnections, 7)
	r.Record(metric.OpenConnections, 10_001)
	r.RecordRoute(metric.RequestDuration, "GET /v1/portfolios/{portfolio}", 0.1)
	r.RecordRoute(metric.RequestDuration, "", 0.1)

	lines := written(t, r)
	require.Len(t, lines, 3)
	for _, line := range lines {
		assert.Equal(t, "metrics", line["msg"])
		delete(line, "time")
		delete(line, "level")
		delete(line, "msg")
	}
	want := []string{`{"_aws": {"Timestamp": 1767355200000, "CloudWatchMetrics": [{"Namespace": "Portfolio", "Dimensions": [["Environment"]],
			"Metrics": [{"Name": "OpenConnections", "Unit": "Count"}, {"Name": "PostFailures", "Unit": "Count"}, {"Name": "PushLag", "Unit": "Milliseconds"}]}]},
		"Environment": "test", "OpenConnections": 10001, "PostFailures": 5,
		"PushLag": {"Values": [0, 0.1], "Counts": [1, 2], "Min": 0, "Max": 0.1, "Sum": 0.2, "Count": 3}}`,
		byRoute("GET /v1/portfolios/{portfolio}"), byRoute("none")}
	for i, line := range lines {
		got, err := json.Marshal(line)
		require.NoError(t, err)
		assert.JSONEq(t, want[i], string(got))
	}

	lines = written(t, r)
	require.Len(t, lines, 1, "what was written is not written again")
	assert.Zero(t, lines[0]["PostFailures"])
	assert.NotContains(t, lines[0], "OpenConnections")
	assert.NotContains(t, lines[0], "PushLag")
	assert.Empty(t, written(t, metrics.New("test")))
}

func byRoute(route string) string {
	return `{"_aws": {"Timestamp": 1767355200000, "CloudWatchMetrics": [{"Namespace": "Portfolio", "Dimensions": [["Environment"], ["Environment", "Route"]],
			"Metrics": [{"Name": "RequestDuration", "Unit": "Milliseconds"}]}]},
		"Environment": "test", "Route": "` + route + `",
		"RequestDuration": {"Values": [0.1], "Counts": [1], "Min": 0.1, "Max": 0.1, "Sum": 0.1, "Count": 1}}`
}

// distribution is one metric's values in a line.
type distribution struct {
	Values, Counts       []float64
	Min, Max, Sum, Count float64
}

func distributionOf(t *testing.T, value any) (d distribution) {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

// A value is reported as high as it was or up to 5 % higher.
func TestDistribution(t *testing.T) {
	for _, value := range []float64{0.1, 0.105, 0.3, 1, 12.5, 99.9, 100, 250, 1000, 59_999, 3_600_000, 9_999_999} {
		r := metrics.New("test")
		r.Record(metric.PushLag, value)
		got := distributionOf(t, written(t, r)[0]["PushLag"]).Values[0]
		if got < value*0.9995 || got > value*1.0505 {
			t.Errorf("Record(%v) = %v, want 0–5 %% more", value, got)
		}
	}
	for value, want := range map[float64]float64{0: 0, 1e-9: 0.1, 0.0999: 0.1} {
		r := metrics.New("test")
		r.Record(metric.PushLag, value)
		assert.Equal(t, []float64{want}, distributionOf(t, written(t, r)[0]["PushLag"]).Values, "Record(%v)", value)
	}
	r := metrics.New("test")
	r.Record(metric.PushLag, math.MaxFloat64)
	assert.Len(t, written(t, r), 1, "beyond the last bucket")
}

// CloudWatch drops a whole line if one of its values is invalid.
func TestInvalidValues(t *testing.T) {
	r := metrics.New("test")
	for _, m := range metric.All() {
		for _, value := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
			r.Record(m, value)
		}
	}
	assert.Empty(t, written(t, r))
}

func TestLimits(t *testing.T) {
	r := metrics.New("test")
	const n = 5000
	for i := range n {
		r.Record(metric.PushLag, 0.1*math.Pow(1.004, float64(i)))
		r.Record(metric.PoolUse, float64(i%100))
	}
	count, last := 0.0, -1.0
	lines := written(t, r)
	assert.Greater(t, len(lines), 3)
	for _, line := range lines {
		d := distributionOf(t, line["PushLag"])
		assert.LessOrEqual(t, len(d.Values), 100)
		assert.Len(t, d.Counts, len(d.Values))
		assert.True(t, slices.IsSorted(d.Values))
		assert.Greater(t, d.Min, last, "a value is in one line only")
		assert.Equal(t, []float64{d.Values[0], d.Values[len(d.Values)-1]}, []float64{d.Min, d.Max})
		count, last = count+d.Count, d.Max
	}
	assert.InDelta(t, n, count, 0)
}

// Nothing is lost or counted twice while others record and write.
func TestConcurrent(t *testing.T) {
	r := metrics.New("test")
	var tasks sync.WaitGroup
	for range 4 {
		tasks.Go(func() {
			for i := range 1000 {
				r.Record(metric.PushLag, float64(i))
				r.Record(metric.PostFailures, 1)
			}
		})
	}
	var lag, failures float64
	take := func() {
		for _, line := range written(t, r) {
			lag += distributionOf(t, line["PushLag"]).Count
			if n, ok := line["PostFailures"].(float64); ok {
				failures += n
			}
		}
	}
	for range 20 {
		take()
	}
	tasks.Wait()
	take()
	assert.Equal(t, []float64{4000, 4000}, []float64{lag, failures})
}
