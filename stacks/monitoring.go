package stacks

import (
	"cmp"
	"slices"
	"time"

	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudwatchdashboard"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudwatchmetricalarm"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/snstopic"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/snstopicpolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/snstopicsubscription"
)

// MonitoringProps configures dashboard and alarms.
type MonitoringProps struct {
	Names      config.Names
	Region     string
	Account    *string
	Network    NetworkOutputs
	Compute    ComputeOutputs
	Database   DatabaseOutputs
	API        APIOutputs
	Monitoring config.Monitoring
	MinSize    int // instances below which the group is short
	Cache      config.Cache
	AlarmEmail string  // "" for none
	TopicKey   *string // KMS key that CloudWatch may use
}

// MonitoringOutputs is what other tiers may use; pointers are Terraform tokens.
type MonitoringOutputs struct {
	DashboardName *string
}

// NewMonitoring creates the dashboard, a topic, and an alarm that notifies it for each
// known way in which the platform fails.
func NewMonitoring(scope constructs.Construct, id string, p MonitoringProps) MonitoringOutputs {
	scope = constructs.NewConstruct(scope, &id)
	topic := newAlarmTopic(scope, p)
	m := newMetrics(p)
	for _, a := range alarms(p, m) {
		newAlarm(scope, p.Names, a, topic.Arn())
	}
	dashboard := cloudwatchdashboard.NewCloudwatchDashboard(scope, jsii.String("dashboard"),
		&cloudwatchdashboard.CloudwatchDashboardConfig{
			DashboardName: &p.Names.Dashboard,
			DashboardBody: jsonDocument(dashboardBody(p.Region, p.Monitoring.DashboardPeriod, dashboardRows(m))),
		})
	return MonitoringOutputs{DashboardName: dashboard.DashboardName()}
}

func newAlarmTopic(scope constructs.Construct, p MonitoringProps) snstopic.SnsTopic {
	topic := snstopic.NewSnsTopic(scope, jsii.String("topic"), &snstopic.SnsTopicConfig{
		Name:           &p.Names.AlarmTopic,
		KmsMasterKeyId: p.TopicKey,
	})
	snstopicpolicy.NewSnsTopicPolicy(scope, jsii.String("topic-policy"), &snstopicpolicy.SnsTopicPolicyConfig{
		Arn: topic.Arn(),
		Policy: policyDocument(statement{
			Sid:       "Alarms",
			Principal: principal("Service", "cloudwatch.amazonaws.com"),
			Action:    "sns:Publish",
			Resource:  *topic.Arn(),
			Condition: map[string]map[string]string{"ArnLike": {
				"aws:SourceArn": "arn:aws:cloudwatch:" + p.Region + ":" + *p.Account + ":alarm:*-" + p.Names.Suffix,
			}},
		}),
	})
	if p.AlarmEmail != "" {
		// Pending until the person confirms; deleting the topic cleans it up.
		snstopicsubscription.NewSnsTopicSubscription(scope, jsii.String("email"),
			&snstopicsubscription.SnsTopicSubscriptionConfig{
				TopicArn: topic.Arn(),
				Protocol: jsii.String("email"),
				Endpoint: &p.AlarmEmail,
			})
	}
	return topic
}

// How an alarm treats missing data.
const (
	notBreaching = "notBreaching" // errors and latency: no traffic, no data
	breaching    = "breaching"    // a metric that is always published
)

// alarm is one way in which the platform fails.
type alarm struct {
	ID          string // construct id and part of the name
	Description string // what is wrong, for the person who is notified
	Metric      statistic
	Comparison  string // ">", "<", ">="
	Threshold   float64
	Periods     int // in a row, all of them over the threshold
	Missing     string
}

// paging are the alarms that need somebody at once, who is also notified of the
// recovery. A new alarm recovers from having no data: every other one would send
// mail when an environment is created.
var paging = []string{"alb-5xx", "target-5xx", "in-service", "db-storage"}

var comparisons = map[string]string{
	">":  "GreaterThanThreshold",
	">=": "GreaterThanOrEqualToThreshold",
	"<":  "LessThanThreshold",
}

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

func alarms(p MonitoringProps, m platformMetrics) []alarm {
	limits := p.Monitoring
	list := []alarm{
		{"alb-5xx", "The load balancer answers 5xx: no healthy target or refused connections", m.BalancerErrors,
			">", 5, 5, notBreaching},
		{"target-5xx", "The service answers 5xx", m.TargetErrors, ">", 5, 5, notBreaching},
		{"alb-p99", "The service is slow: 99th percentile of its response time", m.ResponseTimeP99, ">",
			limits.ResponseTimeP99.Seconds(), 10, notBreaching},
		{"unhealthy-hosts", "An instance fails its health check", m.UnhealthyHosts, ">", 0, 5, notBreaching},
		{"in-service", "Fewer instances in service than the group's minimum", m.InService, "<",
			float64(p.MinSize), 5, breaching},
		{"db-cpu", "The database's CPU is busy", m.DatabaseCPU, ">", 80, 15, notBreaching},
		{"db-storage", "The database is running out of storage", m.DatabaseStorage, "<",
			float64(limits.DatabaseFreeStorageGiB) * gibibyte, 5, breaching},
		{"db-memory", "The database is running out of memory", m.DatabaseMemory, "<",
			float64(limits.DatabaseFreeMemoryMiB) * mebibyte, 15, notBreaching},
		{"db-connections", "The database is running out of connections", m.DatabaseConnections, ">",
			float64(limits.DatabaseConnections), 5, notBreaching},
		{"cache-throttled", "The cache throttles commands: the limit of ECPU per second is reached", m.CacheThrottled,
			">", 0, 5, notBreaching},
		{"cache-storage", "The cache is nearly full: keys without an expiry would make writes fail", m.CacheBytes, ">",
			0.75 * float64(p.Cache.StorageGB) * 1e9, 5, notBreaching},
		{"handler-errors", "The WebSocket handler fails", m.HandlerErrors, ">", 0, 5, notBreaching},
		{"handler-throttles", "Lambda throttles the WebSocket handler", m.HandlerThrottles, ">", 0, 1, notBreaching},
		{"integration-errors", "API Gateway cannot get an answer from the WebSocket handler", m.IntegrationErrors,
			">", 5, 5, notBreaching},
		{"push-lag", "Prices reach clients late: 99th percentile from the receipt of a quote until it is posted",
			m.Service.PushLag, ">", float64(limits.PushLagP99.Milliseconds()), 5, notBreaching},
	}
	// Failed attempts are repeated within 30 minutes, so every hour counts one until it succeeds.
	list = append(list, alarm{"history-failures",
		"A past day cannot be stored: its attempts have failed for more than an hour",
		m.Service.HistoryFailures.over(time.Hour), ">", 0, 2, notBreaching})
	list = append(list, alarm{"sources",
		"A source of prices has failed for an hour, limits its calls or refuses its key: see GET /v1/sources",
		m.Service.FailingSources.over(15 * time.Minute), ">", 0, 4, notBreaching})
	if limits.QuoteAgeAlarm {
		list = append(list, alarm{"quote-age", "No new quotes arrive: the feed has stopped, or its quotes are refused",
			m.Service.QuoteAge, ">", limits.QuoteAge.Seconds(), 5, notBreaching})
	}
	for i, nat := range m.NATPorts {
		list = append(list, alarm{"nat-ports-" + zoneLetters[i],
			"A NAT gateway has no source port left for new connections", nat, ">", 0, 5, notBreaching})
	}
	if m.ReplicaLag != nil {
		list = append(list, alarm{"replica-lag", "The read replica is behind the primary", *m.ReplicaLag, ">",
			limits.ReplicaLag.Seconds(), 10, breaching})
	}
	return list
}

func newAlarm(scope constructs.Construct, names config.Names, a alarm, topicARN *string) {
	c := &cloudwatchmetricalarm.CloudwatchMetricAlarmConfig{
		AlarmName:          jsii.String(names.Alarm(a.ID)),
		AlarmDescription:   &a.Description,
		Namespace:          &a.Metric.Namespace,
		MetricName:         &a.Metric.Name,
		Dimensions:         a.Metric.dimensionMap(),
		ComparisonOperator: jsii.String(comparisons[a.Comparison]),
		Threshold:          &a.Threshold,
		Period:             jsii.Number(cmp.Or(a.Metric.AlarmPeriod, time.Minute).Seconds()),
		EvaluationPeriods:  jsii.Number(a.Periods),
		DatapointsToAlarm:  jsii.Number(a.Periods),
		TreatMissingData:   &a.Missing,
		AlarmActions:       &[]*string{topicARN},
	}
	if slices.Contains(paging, a.ID) {
		c.OkActions = &[]*string{topicARN}
	}
	if a.Metric.percentile() {
		c.ExtendedStatistic = &a.Metric.Stat
		// A percentile of a few requests means nothing.
		c.EvaluateLowSampleCountPercentiles = jsii.String("ignore")
	} else {
		c.Statistic = &a.Metric.Stat
	}
	cloudwatchmetricalarm.NewCloudwatchMetricAlarm(scope, &a.ID, c)
}
