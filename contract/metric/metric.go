// Package metric defines the service's own metrics. The service records them; the
// dashboard and the alarms read them.
package metric

// Namespace is where CloudWatch keeps the service's metrics.
const Namespace = "Portfolio"

// The names of dimensions. Every metric has the first. A metric by route is recorded
// without the second, for all routes together, and with it, for each route.
const (
	EnvironmentDimension = "Environment"
	RouteDimension       = "Route"
)

// Kind is how the values of one minute are aggregated.
type Kind int

// The kinds of metrics.
const (
	Distribution Kind = iota // all values, for percentiles and counts
	Counter                  // the sum of all values
	Gauge                    // the last value
)

// Metric is one of the service's metrics.
type Metric struct {
	Name    string
	Unit    string // one of CloudWatch's
	Kind    Kind
	ByRoute bool   // has the route as a second dimension
	Stat    string // the most useful statistic over instances and time
	Label   string // of that statistic in a legend
}

// The service's metrics.
var (
	RequestDuration = Metric{Name: "RequestDuration", Unit: "Milliseconds", ByRoute: true, Stat: "p99", Label: "p99"}
	// PushLag is the time from the receipt of the oldest quote in a message until
	// the message was posted.
	PushLag = Metric{Name: "PushLag", Unit: "Milliseconds", Stat: "p99", Label: "p99"}
	// PostFailures counts posts that were throttled or failed and may succeed later.
	// Posts to clients that are gone do not count.
	PostFailures = Metric{Name: "PostFailures", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "failed posts"}
	// OpenConnections is counted by all instances from the same rows, so the maximum
	// over the instances is the number.
	OpenConnections = Metric{Name: "OpenConnections", Unit: "Count", Kind: Gauge, Stat: "Maximum", Label: "open"}
	// QuoteAge is the age of the newest quote that an instance received, counted from a
	// minute before it becomes stale if it is fresh for longer, as a daily close is. The
	// minimum over the instances is the age of the platform's newest quote.
	QuoteAge = Metric{Name: "QuoteAge", Unit: "Seconds", Kind: Gauge, Stat: "Minimum", Label: "newest quote"}
	// CacheHits and CacheMisses count price look-ups by whether memory or Valkey had
	// the price.
	CacheHits   = Metric{Name: "CacheHits", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "hits"}
	CacheMisses = Metric{Name: "CacheMisses", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "misses"}
	// HistoryDifferences counts the stored days of portfolios that would differ if
	// they were computed now.
	HistoryDifferences = Metric{Name: "HistoryDifferences", Unit: "Count", Kind: Counter,
		Stat: "Sum", Label: "differences"}
	// HistoryFailures counts failed attempts to store a past day of a portfolio.
	HistoryFailures = Metric{Name: "HistoryFailures", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "failures"}
	// FailingSources counts the sources of prices that have failed since their last
	// success. All instances count the same rows, as with OpenConnections.
	FailingSources = Metric{Name: "FailingSources", Unit: "Count", Kind: Gauge, Stat: "Maximum", Label: "failing"}
	// HeldPrices counts the prices that are held back, because they differ too much
	// from the ones before.
	HeldPrices = Metric{Name: "HeldPrices", Unit: "Count", Kind: Gauge, Stat: "Maximum", Label: "held back"}
	// PoolUse is the share of an instance's database connections that are in use.
	PoolUse = Metric{Name: "PoolUse", Unit: "Percent", Stat: "Maximum", Label: "busiest instance"}
)

// All returns every metric of the service.
func All() []Metric {
	return []Metric{
		RequestDuration, PushLag, PostFailures, OpenConnections, QuoteAge,
		CacheHits, CacheMisses, HistoryDifferences, HistoryFailures, FailingSources, HeldPrices, PoolUse,
	}
}
