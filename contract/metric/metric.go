// Package metric names the service's own metrics: the service records them, the
// dashboard and the alarms read them. It imports nothing but the standard library,
// so that the description of the infrastructure may import it.
package metric

// Namespace is where CloudWatch keeps the service's metrics.
const Namespace = "Portfolio"

// The names of dimensions. Every metric has the first; a metric by route is kept
// once for all routes together, without the second, and once for each.
const (
	EnvironmentDimension = "Environment"
	RouteDimension       = "Route"
)

// Kind is how a metric's values of one minute are put together.
type Kind int

// The kinds of metrics.
const (
	Distribution Kind = iota // of all values, for percentiles and their number
	Counter                  // the sum of all values
	Gauge                    // the last value
)

// Metric is one of the service's metrics.
type Metric struct {
	Name    string
	Unit    string // one of CloudWatch's
	Kind    Kind
	ByRoute bool   // has the route as a second dimension
	Stat    string // the statistic over instances and time that says most
	Label   string // of that statistic, in a legend
}

// The service's metrics.
var (
	RequestDuration = Metric{Name: "RequestDuration", Unit: "Milliseconds", ByRoute: true, Stat: "p99", Label: "p99"}
	// From the receipt of the oldest quote in a message until it was posted.
	PushLag = Metric{Name: "PushLag", Unit: "Milliseconds", Stat: "p99", Label: "p99"}
	// Posts that may succeed later: throttled or failed. A client that is gone is none.
	PostFailures = Metric{Name: "PostFailures", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "failed posts"}
	// All instances count the same rows, so that their maximum is the number.
	OpenConnections = Metric{Name: "OpenConnections", Unit: "Count", Kind: Gauge, Stat: "Maximum", Label: "open"}
	// Of the newest quote that an instance received, so that the minimum of all
	// instances is the age of what the platform has.
	QuoteAge = Metric{Name: "QuoteAge", Unit: "Seconds", Kind: Gauge, Stat: "Minimum", Label: "newest quote"}
	// Prices that were asked for, by whether memory or Valkey had them.
	CacheHits   = Metric{Name: "CacheHits", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "hits"}
	CacheMisses = Metric{Name: "CacheMisses", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "misses"}
	// Days of portfolios in the history that would be others if they were made now.
	HistoryDifferences = Metric{Name: "HistoryDifferences", Unit: "Count", Kind: Counter, Stat: "Sum", Label: "differences"}
	// Connections to the database in use, of those that an instance may have.
	PoolUse = Metric{Name: "PoolUse", Unit: "Percent", Stat: "Maximum", Label: "busiest instance"}
)

// All is every metric of the service.
func All() []Metric {
	return []Metric{RequestDuration, PushLag, PostFailures, OpenConnections, QuoteAge, CacheHits, CacheMisses, HistoryDifferences, PoolUse}
}
