package test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"portfolio/contract/metric"
)

// Dimensions as CloudWatch publishes them; a partial set is an empty graph.
const (
	ofGroup    = "AutoScalingGroupName=${compute/instances.name}"
	ofBalancer = "LoadBalancer=${compute/load-balancer/alb.arn_suffix}"
	ofTargets  = "LoadBalancer=${compute/load-balancer/alb.arn_suffix},TargetGroup=${compute/load-balancer/targets.arn_suffix}"
	ofDatabase = "DBInstanceIdentifier=${database/primary.identifier}"
	ofCache    = "clusterId=${database/cache/valkey.name}"
	ofSocket   = "ApiId=${api/websocket.id},Stage=prod"
	ofHandler  = "FunctionName=${api/handler.function_name}"
	ofService  = "Environment=test"
)

// alarmSpecification has one alarm for each way in which the platform fails: its
// metric, its threshold and how it treats missing data.
var alarmSpecification = []struct{ Name, Metric, Dimensions, Goes, Missing string }{
	{"alb-5xx", "AWS/ApplicationELB HTTPCode_ELB_5XX_Count Sum", ofBalancer, "GreaterThanThreshold 5", "notBreaching"},
	{"target-5xx", "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum", ofBalancer, "GreaterThanThreshold 5", "notBreaching"},
	{"alb-p99", "AWS/ApplicationELB TargetResponseTime p99", ofBalancer, "GreaterThanThreshold 1", "notBreaching"},
	{"unhealthy-hosts", "AWS/ApplicationELB UnHealthyHostCount Maximum", ofTargets, "GreaterThanThreshold 0", "notBreaching"},
	{"in-service", "AWS/AutoScaling GroupInServiceInstances Minimum", ofGroup, "LessThanThreshold 2", "breaching"},
	{"db-cpu", "AWS/RDS CPUUtilization Average", ofDatabase, "GreaterThanThreshold 80", "notBreaching"},
	{"db-storage", "AWS/RDS FreeStorageSpace Minimum", ofDatabase, "LessThanThreshold 2.147483648e+10", "breaching"},
	{"db-memory", "AWS/RDS FreeableMemory Minimum", ofDatabase, "LessThanThreshold 2.68435456e+08", "notBreaching"},
	{"db-connections", "AWS/RDS DatabaseConnections Maximum", ofDatabase, "GreaterThanThreshold 300", "notBreaching"},
	{"cache-throttled", "AWS/ElastiCache ThrottledCmds Sum", ofCache, "GreaterThanThreshold 0", "notBreaching"},
	{"cache-storage", "AWS/ElastiCache BytesUsedForCache Maximum", ofCache, "GreaterThanThreshold 7.5e+09", "notBreaching"},
	{"handler-errors", "AWS/Lambda Errors Sum", ofHandler, "GreaterThanThreshold 0", "notBreaching"},
	{"handler-throttles", "AWS/Lambda Throttles Sum", ofHandler, "GreaterThanThreshold 0", "notBreaching"},
	{"integration-errors", "AWS/ApiGateway IntegrationError Sum", ofSocket, "GreaterThanThreshold 5", "notBreaching"},
	{"push-lag", "Portfolio PushLag p99", ofService, "GreaterThanThreshold 1000", "notBreaching"},
	{"quote-age", "Portfolio QuoteAge Minimum", ofService, "GreaterThanThreshold 900", "notBreaching"},
	{"sources", "Portfolio FailingSources Maximum", ofService, "GreaterThanThreshold 0", "notBreaching"},
	{"history-failures", "Portfolio HistoryFailures Sum", ofService, "GreaterThanThreshold 0", "notBreaching"},
	{"nat-ports-a", "AWS/NATGateway ErrorPortAllocation Sum", "NatGatewayId=${network/nat-a.id}", "GreaterThanThreshold 0", "notBreaching"},
	{"nat-ports-b", "AWS/NATGateway ErrorPortAllocation Sum", "NatGatewayId=${network/nat-b.id}", "GreaterThanThreshold 0", "notBreaching"},
}

// dashboardSpecification lists what each graph shows, in reading order.
var dashboardSpecification = []string{
	"AWS/EC2 CPUUtilization Average " + ofGroup, "AWS/EC2 CPUUtilization Maximum " + ofGroup,
	"AWS/ApplicationELB TargetResponseTime Average " + ofBalancer,
	"AWS/ApplicationELB TargetResponseTime p99 " + ofBalancer,
	"AWS/ApplicationELB RequestCount Sum " + ofBalancer,
	"AWS/RDS DatabaseConnections Maximum " + ofDatabase,
	"AWS/RDS CPUUtilization Average " + ofDatabase,
	"AWS/AutoScaling GroupDesiredCapacity Average " + ofGroup,
	"AWS/AutoScaling GroupInServiceInstances Minimum " + ofGroup,
	"AWS/ApplicationELB HTTPCode_ELB_5XX_Count Sum " + ofBalancer,
	"AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum " + ofBalancer,
	"AWS/ApplicationELB UnHealthyHostCount Maximum " + ofTargets,
	"AWS/RDS FreeStorageSpace Minimum " + ofDatabase, "AWS/RDS FreeableMemory Minimum " + ofDatabase,
	"AWS/ElastiCache CacheHits Sum " + ofCache, "AWS/ElastiCache CacheMisses Sum " + ofCache,
	"AWS/ElastiCache ElastiCacheProcessingUnits Sum " + ofCache, "AWS/ElastiCache ThrottledCmds Sum " + ofCache,
	"AWS/ElastiCache BytesUsedForCache Maximum " + ofCache,
	"AWS/ApiGateway ConnectCount Sum " + ofSocket, "AWS/ApiGateway MessageCount Sum " + ofSocket,
	"AWS/ApiGateway IntegrationError Sum " + ofSocket, "AWS/ApiGateway ClientError Sum " + ofSocket,
	"AWS/ApiGateway ExecutionError Sum " + ofSocket,
	"AWS/Lambda Duration p99 " + ofHandler,
	"AWS/Lambda Errors Sum " + ofHandler, "AWS/Lambda Throttles Sum " + ofHandler,
	"AWS/NATGateway ErrorPortAllocation Sum NatGatewayId=${network/nat-a.id}", "AWS/NATGateway ErrorPortAllocation Sum NatGatewayId=${network/nat-b.id}",
	"Portfolio PushLag p50 " + ofService, "Portfolio PushLag p99 " + ofService, "Portfolio QuoteAge Minimum " + ofService,
	"Portfolio FailingSources Maximum " + ofService, "Portfolio HeldPrices Maximum " + ofService,
	"Portfolio OpenConnections Maximum " + ofService, "Portfolio PostFailures Sum " + ofService,
	"Portfolio RequestDuration p50 " + ofService, "Portfolio RequestDuration p99 " + ofService,
	"Portfolio RequestDuration SampleCount " + ofService,
	"Portfolio CacheHits Sum " + ofService, "Portfolio CacheMisses Sum " + ofService,
	"Portfolio PoolUse Average " + ofService, "Portfolio PoolUse Maximum " + ofService,
	"Portfolio HistoryFailures Sum " + ofService, "Portfolio HistoryDifferences Sum " + ofService,
}

// monitoringSpecification is the dashboard, the topic and the alarms.
var monitoringSpecification = []row{
	{"dashboard by its name", has("monitoring/dashboard", `{"dashboard_name": "portfolio-tracking-metrics-test"}`)},
	{"dashboard shows each metric", dashboardShows(dashboardSpecification)},
	{"dashboard and registry name the same metrics of the service", showsRegistry},
	{"dashboard's grid", gridIsSound},
	{"topic encrypted with a key that CloudWatch may use", all(
		has("monitoring/topic", `{"name": "portfolio-alarms-test", "kms_master_key_id": "${alarm-key/key.arn}"}`),
		has("alarm-key/key", `{"enable_key_rotation": true, "policy.Statement.1": {"Sid": "CloudWatchAlarms", "Effect": "Allow",
			"Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
			"Condition": {"StringEquals": {"aws:SourceAccount": "${account.account_id}"}}}}`),
		none("aws_sns_topic_subscription"))},
	{"alarms, no more and no fewer", alarmsAre},
	{"only alarms that need somebody at once announce recoveries", every("aws_cloudwatch_metric_alarm", func(m model, path string) bool {
		page := slices.Contains([]string{"alb-5xx", "target-5xx", "in-service", "db-storage"},
			strings.TrimPrefix(path, "monitoring/"))
		return page == (asJSON(m.at(path, "ok_actions")) == `["${monitoring/topic.arn}"]`) &&
			page == (m.at(path, "ok_actions") != nil)
	})},
	{"each alarm waits its time", alarmsWait},
	{"an alarm on retried work covers two retries", has("monitoring/history-failures", `{"period": 3600, "evaluation_periods": 2, "datapoints_to_alarm": 2}`)},
}

// alarmTimes are the periods in a row, and their seconds, after which alarms go off that
// do not after five minutes.
var alarmTimes = map[string]string{
	"alb-p99": "10 x 60", "db-cpu": "15 x 60", "db-memory": "15 x 60", "handler-throttles": "1 x 60",
	"history-failures": "2 x 3600", "sources": "4 x 900", "replica-lag": "10 x 60",
}

// alarmsWait holds if each alarm goes off after its time, of which every period counts.
func alarmsWait(m model) error {
	for _, path := range m.of("aws_cloudwatch_metric_alarm") {
		want := cmp.Or(alarmTimes[strings.TrimPrefix(path, "monitoring/")], "5 x 60")
		got := fmt.Sprintf("%v x %v", m.at(path, "evaluation_periods"), m.at(path, "period"))
		if got != want || m.at(path, "datapoints_to_alarm") != m.at(path, "evaluation_periods") {
			return fmt.Errorf("%s: got %s, of which %v, want %s", path, got, m.at(path, "datapoints_to_alarm"), want)
		}
	}
	return nil
}

// alarmsAre holds if the alarms are those of alarmSpecification, each with an action
// and a description.
func alarmsAre(m model) error {
	var want, got []string
	for _, a := range alarmSpecification {
		want = append(want, strings.Join([]string{"portfolio-" + a.Name + "-test", a.Metric, a.Dimensions,
			a.Goes, a.Missing}, " | "))
	}
	for _, path := range m.of("aws_cloudwatch_metric_alarm") {
		if asJSON(m.at(path, "alarm_actions")) != `["${monitoring/topic.arn}"]` ||
			m.text(path, "alarm_description") == "" {
			return fmt.Errorf("%s: no action or no description", path)
		}
		metric := strings.Join([]string{m.text(path, "namespace"), m.text(path, "metric_name"),
			m.text(path, "statistic") + m.text(path, "extended_statistic")}, " ")
		goes := fmt.Sprintf("%s %v", m.text(path, "comparison_operator"), m.at(path, "threshold"))
		got = append(got, strings.Join([]string{m.text(path, "alarm_name"), metric,
			pairs(m.at(path, "dimensions").(map[string]any)), goes, m.text(path, "treat_missing_data")}, " | "))
	}
	return sameLines(got, want)
}

// pairs renders dimensions as "name=value,…" in the order of names.
func pairs(dimensions map[string]any) string {
	var all []string
	for name, value := range dimensions {
		all = append(all, fmt.Sprintf("%s=%v", name, value))
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// dashboardShows holds if the graphs show these metrics and no others.
func dashboardShows(want []string) check {
	return func(m model) error {
		var got []string
		for _, w := range widgets(m) {
			all, _ := dig(w, "properties", "metrics").([]any)
			for _, series := range all {
				s := series.([]any)
				dimensions := map[string]any{}
				for i := 2; i+1 < len(s); i += 2 {
					dimensions[s[i].(string)] = s[i+1]
				}
				got = append(got, fmt.Sprintf("%v %v %v %s", s[0], s[1], dig(s[len(s)-1], "stat"), pairs(dimensions)))
			}
		}
		return sameLines(got, slices.Clone(want))
	}
}

// showsRegistry holds if the graphs show every metric that the service records and no
// other.
func showsRegistry(m model) error {
	shown := map[string]bool{}
	for _, w := range widgets(m) {
		all, _ := dig(w, "properties", "metrics").([]any)
		for _, series := range all {
			if s := series.([]any); s[0] == metric.Namespace {
				shown[s[1].(string)] = true
			}
		}
	}
	var recorded []string
	for _, one := range metric.All() {
		recorded = append(recorded, one.Name)
	}
	return sameLines(slices.Collect(maps.Keys(shown)), recorded)
}

func widgets(m model) []any {
	all, _ := m.at("monitoring/dashboard", "dashboard_body.widgets").([]any)
	return all
}

// gridIsSound holds if every graph has a region and a period, and none overlaps another
// or exceeds the 24 columns.
func gridIsSound(m model) error {
	if len(widgets(m)) == 0 {
		return errors.New("no widgets")
	}
	taken := map[[2]int]bool{}
	for _, w := range widgets(m) {
		if dig(w, "properties", "region") != dig(m.Stack, "provider", "aws", "0", "region") ||
			dig(w, "properties", "period") != 300.0 {
			return fmt.Errorf("widget without region or period: %s", asJSON(w))
		}
		whole := func(key string) int { return int(dig(w, key).(float64)) }
		for x := whole("x"); x < whole("x")+whole("width"); x++ {
			for y := whole("y"); y < whole("y")+whole("height"); y++ {
				if taken[[2]int{x, y}] || x >= 24 {
					return fmt.Errorf("widget overlaps or leaves the grid: %s", asJSON(w))
				}
				taken[[2]int{x, y}] = true
			}
		}
	}
	return nil
}

// sameLines compares two sets of lines and names what is in only one of them.
func sameLines(got, want []string) error {
	var only []string
	for _, line := range got {
		if !slices.Contains(want, line) {
			only = append(only, "unwanted: "+line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			only = append(only, "missing: "+line)
		}
	}
	if len(only) == 0 && len(got) != len(want) {
		only = append(only, fmt.Sprintf("got %d lines, want %d", len(got), len(want)))
	}
	if len(only) > 0 {
		return fmt.Errorf("%s", strings.Join(only, "\n"))
	}
	return nil
}
