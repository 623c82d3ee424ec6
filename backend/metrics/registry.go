// Package metrics records the service's metrics, which package metric defines, and
// writes them to the log in CloudWatch's embedded metric format.
package metrics

import (
	"math"
	"sync"
	"sync/atomic"

	"portfolio/contract/metric"
)

// Registry collects values until they are written. It is safe for concurrent
// use; recording takes no lock that another recording holds.
type Registry struct {
	environment string
	series      sync.Map // key to *series; as many as there are metrics and routes
}

type key struct{ name, route string }

// series holds the values of one metric, with one set of dimensions, that were recorded
// since the last call of take.
type series struct {
	metric  metric.Metric
	buckets []atomic.Int64 // of a distribution
	sum     atomic.Int64   // of a counter
	last    atomic.Uint64  // of a gauge, the bits of a float64
	set     atomic.Bool    // last was stored
}

// New returns an empty registry of an environment, named by its suffix.
func New(environment string) *Registry { return &Registry{environment: environment} }

// Record records a value of a metric that is not by route. It ignores NaN and infinity,
// for which CloudWatch would refuse a whole line, and negative values, which none of
// the metrics can have.
func (r *Registry) Record(m metric.Metric, value float64) { r.record(m, "", value) }

// RecordRoute records a value of a metric by route. The route must be one of a small,
// fixed set and never text from a client: each is billed as a separate metric.
func (r *Registry) RecordRoute(m metric.Metric, route string, value float64) {
	if route == "" {
		route = "none" // CloudWatch refuses an empty dimension
	}
	r.record(m, route, value)
}

func (r *Registry) record(m metric.Metric, route string, value float64) {
	if math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		return
	}
	s := r.find(key{m.Name, route}, m)
	switch m.Kind {
	case metric.Distribution:
		s.buckets[bucketOf(value)].Add(1)
	case metric.Counter:
		s.sum.Add(int64(value))
	case metric.Gauge:
		s.last.Store(math.Float64bits(value))
		s.set.Store(true)
	}
}

func (r *Registry) find(k key, m metric.Metric) *series {
	if s, ok := r.series.Load(k); ok {
		return s.(*series)
	}
	fresh := &series{metric: m}
	if m.Kind == metric.Distribution {
		fresh.buckets = make([]atomic.Int64, buckets)
	}
	s, _ := r.series.LoadOrStore(k, fresh)
	return s.(*series)
}

// The buckets of a distribution: 0, then powers of growth from smallest on. A
// value counts as the upper end of its bucket, so that a percentile is never too low,
// and at most 5 % too high.
const (
	smallest = 0.1 // a tenth of a millisecond, or of a percent
	growth   = 1.05
	buckets  = 380 // up to 10⁷: nearly three hours in milliseconds
)

var logGrowth = math.Log(growth)

func bucketOf(value float64) int {
	if value == 0 {
		return 0
	}
	n := 1 + math.Ceil(math.Log(value/smallest)/logGrowth-1e-9) // less what rounding adds to an exact power
	return int(min(max(n, 1), buckets-1))
}

// bucketValue is the upper end of a bucket, to four digits: longer numbers would
// only make lines longer.
func bucketValue(n int) float64 {
	if n == 0 {
		return 0
	}
	value := smallest * math.Pow(growth, float64(n-1))
	scale := math.Pow(10, 3-math.Floor(math.Log10(value)))
	return math.Round(value*scale) / scale
}
