package stacks

import (
	"strings"
	"time"

	"portfolio/contract/metric"

	"github.com/aws/jsii-runtime-go"
)

// statistic is a CloudWatch metric and how it is aggregated over a period. A wrong or
// partial set of dimensions is not an error, but the graph stays empty.
type statistic struct {
	Namespace, Name string
	Dimensions      []dimension
	Stat            string        // Average, Maximum, Minimum, Sum, or a percentile such as p99
	Label           string        // in the dashboard's legend
	AlarmPeriod     time.Duration // that an alarm aggregates over; a minute where zero
}

type dimension struct{ Name, Value string }

func (m statistic) percentile() bool { return strings.HasPrefix(m.Stat, "p") }

func (m statistic) dimensionMap() *map[string]*string {
	dimensions := map[string]*string{}
	for _, d := range m.Dimensions {
		dimensions[d.Name] = jsii.String(d.Value)
	}
	return &dimensions
}

// as returns the same metric with another statistic and label.
func (m statistic) as(stat, label string) statistic {
	m.Stat, m.Label = stat, label
	return m
}

// over returns the same metric, aggregated by alarms over a period.
func (m statistic) over(period time.Duration) statistic {
	m.AlarmPeriod = period
	return m
}

// platformMetrics are the metrics of alarms and dashboard.
type platformMetrics struct {
	InstanceCPU, DesiredCapacity, InService                           statistic
	ResponseTime, ResponseTimeP99, Requests                           statistic
	BalancerErrors, TargetErrors, UnhealthyHosts                      statistic
	DatabaseCPU, DatabaseConnections, DatabaseStorage, DatabaseMemory statistic
	ReplicaLag                                                        *statistic // nil without a replica
	CacheHits, CacheMisses, CacheECPU, CacheBytes, CacheThrottled     statistic
	Connects, Messages, IntegrationErrors, ClientErrors, ExecErrors   statistic
	HandlerDuration, HandlerErrors, HandlerThrottles                  statistic
	NATPorts                                                          []statistic // one per gateway
	Service                                                           serviceMetrics
}

// serviceMetrics are the service's own metrics, named by package metric.
type serviceMetrics struct {
	Duration, PushLag, PostFailures    statistic
	Connections, QuoteAge, Pool        statistic
	PriceHits, PriceMisses, Throughput statistic
	HistoryDifferences                 statistic
	HistoryFailures                    statistic
	FailingSources, HeldPrices         statistic
}

// newServiceMetrics returns the metrics of an environment, all routes together.
func newServiceMetrics(suffix string) serviceMetrics {
	of := func(m metric.Metric) statistic {
		return statistic{
			Namespace: metric.Namespace, Name: m.Name, Stat: m.Stat, Label: m.Label,
			Dimensions: []dimension{{metric.EnvironmentDimension, suffix}},
		}
	}
	return serviceMetrics{
		Duration: of(metric.RequestDuration), Throughput: of(metric.RequestDuration).as("SampleCount", "requests"),
		PushLag: of(metric.PushLag), PostFailures: of(metric.PostFailures),
		Connections: of(metric.OpenConnections), QuoteAge: of(metric.QuoteAge), Pool: of(metric.PoolUse),
		PriceHits: of(metric.CacheHits), PriceMisses: of(metric.CacheMisses),
		HistoryDifferences: of(metric.HistoryDifferences), HistoryFailures: of(metric.HistoryFailures),
		FailingSources: of(metric.FailingSources), HeldPrices: of(metric.HeldPrices),
	}
}

func newMetrics(p MonitoringProps) platformMetrics {
	of := func(namespace string, dimensions ...dimension) func(name, stat, label string) statistic {
		return func(name, stat, label string) statistic {
			return statistic{Namespace: namespace, Name: name, Dimensions: dimensions, Stat: stat, Label: label}
		}
	}
	group := dimension{"AutoScalingGroupName", *p.Compute.AutoScalingGroup}
	balancer := dimension{"LoadBalancer", *p.Compute.LoadBalancerARNSuffix}
	ec2, asg := of("AWS/EC2", group), of("AWS/AutoScaling", group)
	alb := of("AWS/ApplicationELB", balancer)
	targets := of("AWS/ApplicationELB", dimension{"TargetGroup", *p.Compute.TargetGroupARNSuffix}, balancer)
	rds := of("AWS/RDS", dimension{"DBInstanceIdentifier", *p.Database.Identifier})
	cache := of("AWS/ElastiCache", dimension{"clusterId", *p.Database.Cache.Name}) // camel case only for serverless
	socket := of("AWS/ApiGateway", dimension{"ApiId", *p.API.ID}, dimension{"Stage", p.API.Stage})
	lambda := of("AWS/Lambda", dimension{"FunctionName", *p.API.FunctionName})

	m := platformMetrics{
		InstanceCPU:         ec2("CPUUtilization", "Average", "average"),
		DesiredCapacity:     asg("GroupDesiredCapacity", "Average", "desired"),
		InService:           asg("GroupInServiceInstances", "Minimum", "in service"),
		ResponseTime:        alb("TargetResponseTime", "Average", "average"),
		ResponseTimeP99:     alb("TargetResponseTime", "p99", "p99"),
		Requests:            alb("RequestCount", "Sum", "requests"),
		BalancerErrors:      alb("HTTPCode_ELB_5XX_Count", "Sum", "load balancer"),
		TargetErrors:        alb("HTTPCode_Target_5XX_Count", "Sum", "service"),
		UnhealthyHosts:      targets("UnHealthyHostCount", "Maximum", "unhealthy"),
		DatabaseCPU:         rds("CPUUtilization", "Average", "CPU"),
		DatabaseConnections: rds("DatabaseConnections", "Maximum", "connections"),
		DatabaseStorage:     rds("FreeStorageSpace", "Minimum", "free storage"),
		DatabaseMemory:      rds("FreeableMemory", "Minimum", "freeable memory"),
		CacheHits:           cache("CacheHits", "Sum", "hits"),
		CacheMisses:         cache("CacheMisses", "Sum", "misses"),
		CacheECPU:           cache("ElastiCacheProcessingUnits", "Sum", "ECPU"),
		CacheBytes:          cache("BytesUsedForCache", "Maximum", "bytes"),
		CacheThrottled:      cache("ThrottledCmds", "Sum", "throttled"),
		Connects:            socket("ConnectCount", "Sum", "connects"),
		Messages:            socket("MessageCount", "Sum", "messages"),
		IntegrationErrors:   socket("IntegrationError", "Sum", "integration errors"),
		ClientErrors:        socket("ClientError", "Sum", "client errors"),
		ExecErrors:          socket("ExecutionError", "Sum", "execution errors"),
		HandlerDuration:     lambda("Duration", "p99", "duration p99"),
		HandlerErrors:       lambda("Errors", "Sum", "errors"),
		HandlerThrottles:    lambda("Throttles", "Sum", "throttles"),
		Service:             newServiceMetrics(p.Names.Suffix),
	}
	for i, id := range p.Network.NATGateways {
		nat := of("AWS/NATGateway", dimension{"NatGatewayId", *id})
		m.NATPorts = append(m.NATPorts, nat("ErrorPortAllocation", "Sum", "zone "+zoneLetters[i]))
	}
	if p.Database.ReplicaID != nil {
		lag := of("AWS/RDS", dimension{"DBInstanceIdentifier", *p.Database.ReplicaID})("ReplicaLag",
			"Maximum", "replica lag")
		m.ReplicaLag = &lag
	}
	return m
}

// widget is one graph of the dashboard.
type widget struct {
	Title   string
	Metrics []statistic
}

// dashboardRows returns the dashboard's rows from top to bottom; a row's widgets share
// its width.
func dashboardRows(m platformMetrics) [][]widget {
	rows := [][]widget{
		{
			{"EC2 CPU (%)", []statistic{m.InstanceCPU, m.InstanceCPU.as("Maximum", "maximum")}},
			{"Response time (s)", []statistic{m.ResponseTime, m.ResponseTimeP99}},
			{"Requests", []statistic{m.Requests}},
		}, {
			{"RDS connections", []statistic{m.DatabaseConnections}},
			{"RDS CPU (%)", []statistic{m.DatabaseCPU}},
			{"Capacity", []statistic{m.DesiredCapacity, m.InService}},
		}, {
			{"HTTP 5xx", []statistic{m.BalancerErrors, m.TargetErrors}},
			{"Unhealthy hosts", []statistic{m.UnhealthyHosts}},
			{"RDS free storage and memory (bytes)", []statistic{m.DatabaseStorage, m.DatabaseMemory}},
		}, {
			{"Cache hits and misses", []statistic{m.CacheHits, m.CacheMisses}},
			{"Cache ECPU", []statistic{m.CacheECPU, m.CacheThrottled}},
			{"Cache storage (bytes)", []statistic{m.CacheBytes}},
		}, {
			{"WebSocket", []statistic{m.Connects, m.Messages}},
			{"WebSocket errors", []statistic{m.IntegrationErrors, m.ClientErrors, m.ExecErrors}},
			{"Handler duration (ms)", []statistic{m.HandlerDuration}},
		}, {
			{"Handler errors and throttles", []statistic{m.HandlerErrors, m.HandlerThrottles}},
			{"NAT port allocation errors", m.NATPorts},
		},
	}
	if m.ReplicaLag != nil {
		last := len(rows) - 1
		rows[last] = append(rows[last], widget{"Replica lag (s)", []statistic{*m.ReplicaLag}})
	}
	return append(rows, serviceRows(m.Service)...)
}

// serviceRows returns the rows with all metrics that the service records.
func serviceRows(m serviceMetrics) [][]widget {
	return [][]widget{
		{
			{"Push lag (ms)", []statistic{m.PushLag.as("p50", "p50"), m.PushLag}},
			{"Quote age (s)", []statistic{m.QuoteAge}},
			{"Sources failing and prices held back", []statistic{m.FailingSources, m.HeldPrices}},
			{"Open connections and failed posts", []statistic{m.Connections, m.PostFailures}},
		}, {
			{"Service time (ms)", []statistic{m.Duration.as("p50", "p50"), m.Duration}},
			{"Service requests and prices from the cache", []statistic{m.Throughput, m.PriceHits, m.PriceMisses}},
			{"Database pool in use (%)", []statistic{m.Pool.as("Average", "average"), m.Pool}},
			{"History: failures and differences", []statistic{m.HistoryFailures, m.HistoryDifferences}},
		},
	}
}

// The dashboard's grid is 24 columns wide.
const (
	gridWidth    = 24
	widgetHeight = 6
)

// dashboardBody renders rows in the syntax of CloudWatch's Dashboard Body.
func dashboardBody(region string, period time.Duration, rows [][]widget) any {
	var widgets []any
	for y, row := range rows {
		width := gridWidth / len(row)
		for x, w := range row {
			var series [][]any
			for _, m := range w.Metrics {
				one := []any{m.Namespace, m.Name}
				for _, d := range m.Dimensions {
					one = append(one, d.Name, d.Value)
				}
				series = append(series, append(one, map[string]any{"stat": m.Stat, "label": m.Label}))
			}
			widgets = append(widgets, map[string]any{
				"type": "metric", "x": x * width, "y": y * widgetHeight, "width": width, "height": widgetHeight,
				"properties": map[string]any{
					"title": w.Title, "region": region, "period": period.Seconds(),
					"view": "timeSeries", "stacked": false, "metrics": series,
				},
			})
		}
	}
	return map[string]any{"widgets": widgets}
}
