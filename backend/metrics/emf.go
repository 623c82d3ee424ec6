package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"portfolio/contract/metric"
)

// CloudWatch's limits for one line (Amazon CloudWatch user guide, "Specification:
// Embedded metric format"). A line that exceeds one of them is kept as text,
// but its metrics are dropped without an error.
const (
	maxMetrics = 100 // in one directive
	maxValues  = 100 // of one metric
)

// metadata lists the metrics in a line.
type metadata struct {
	Timestamp         int64 // milliseconds since 1970
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// values is a distribution as CloudWatch's agents write it: each distinct value and how
// often it occurred. The user guide documents plain arrays only; the agents' exporter
// of OpenTelemetry histograms sends this form, with all six members.
type values struct {
	Values        []float64
	Counts        []int64
	Min, Max, Sum float64
	Count         int64
}

// taken holds values taken from a series in order to write them.
type taken struct {
	metric metric.Metric
	route  string
	value  any // a number or values
}

// Write logs what was recorded since the last call and starts over. The handler of log
// must write JSON without groups. If nothing was recorded, it logs nothing.
func (r *Registry) Write(ctx context.Context, log *slog.Logger, now time.Time) {
	byRoute := map[string][]taken{}
	r.series.Range(func(k, s any) bool {
		route := k.(key).route
		for _, value := range s.(*series).take() {
			byRoute[route] = append(byRoute[route], taken{s.(*series).metric, route, value})
		}
		return true
	})
	for _, route := range slices.Sorted(maps.Keys(byRoute)) {
		for _, line := range lines(byRoute[route]) {
			r.writeLine(ctx, log, now, route, line)
		}
	}
}

// lines distributes values so that no line has a metric twice or too many metrics.
func lines(all []taken) (out [][]taken) {
	slices.SortStableFunc(all, func(a, b taken) int { return cmp.Compare(a.metric.Name, b.metric.Name) })
	for _, t := range all {
		fits := slices.IndexFunc(out, func(line []taken) bool {
			same := func(o taken) bool { return o.metric.Name == t.metric.Name }
			return len(line) < maxMetrics && !slices.ContainsFunc(line, same)
		})
		if fits < 0 {
			out, fits = append(out, nil), len(out)
		}
		out[fits] = append(out[fits], t)
	}
	return out
}

func (r *Registry) writeLine(ctx context.Context, log *slog.Logger, now time.Time, route string, line []taken) {
	d := directive{Namespace: metric.Namespace, Dimensions: [][]string{{metric.EnvironmentDimension}}}
	attrs := []slog.Attr{slog.String(metric.EnvironmentDimension, r.environment)}
	if route != "" {
		d.Dimensions = append(d.Dimensions, []string{metric.EnvironmentDimension, metric.RouteDimension})
		attrs = append(attrs, slog.String(metric.RouteDimension, route))
	}
	for _, t := range line {
		d.Metrics = append(d.Metrics, definition{t.metric.Name, t.metric.Unit})
		attrs = append(attrs, slog.Any(t.metric.Name, t.value))
	}
	attrs = append(attrs, slog.Any("_aws", metadata{Timestamp: now.UnixMilli(), CloudWatchMetrics: []directive{d}}))
	log.LogAttrs(ctx, slog.LevelInfo, "metrics", attrs...)
}

// take returns what the series has recorded and empties it. A distribution is returned
// as one element for each line that it needs.
func (s *series) take() (out []any) {
	switch s.metric.Kind {
	case metric.Counter:
		return []any{s.sum.Swap(0)} // also 0, which means that nothing failed
	case metric.Gauge:
		if !s.set.Swap(false) {
			return nil
		}
		return []any{math.Float64frombits(s.last.Load())}
	}
	var v values
	for n := range s.buckets {
		count := s.buckets[n].Swap(0)
		if count == 0 {
			continue
		}
		if len(v.Values) == maxValues {
			out, v = append(out, v), values{}
		}
		v.add(bucketValue(n), count)
	}
	if v.Count > 0 {
		out = append(out, v)
	}
	return out
}

// add adds a value that is greater than those before.
func (v *values) add(value float64, count int64) {
	if len(v.Values) == 0 {
		v.Min = value
	}
	v.Values, v.Counts = append(v.Values, value), append(v.Counts, count)
	v.Max = value
	v.Sum += value * float64(count)
	v.Count += count
}
