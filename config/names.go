package config

import "fmt"

// Names are the names of one environment's resources: "portfolio-<type>-<suffix>".
// People and scripts find resources by them, so they are a contract, and this is
// the only place that makes one. A suffix of 16 characters keeps each within its
// service's limit; the tightest are load balancers and target groups (32).
type Names struct {
	Suffix string
	Stack  string // of the Terraform stack; also in the state's key

	VPC, InternetGateway, FlowLogs, DefaultSecurityGroup string

	LoadBalancer, TargetGroup, AutoScalingGroup, LaunchTemplate string
	LoadBalancerSecurityGroup, InstanceSecurityGroup            string
	InstanceRole, ServiceLogs, SigningSecret                    string

	Database, DatabaseReplica, DatabaseSubnetGroup, DatabaseParameterGroup string
	DatabaseSecurityGroup, DatabaseMonitoringRole, DatabaseSecret          string
	Cache, CacheSecurityGroup                                              string

	WebSocketAPI, WebSocketHandler, WebSocketHandlerRole string

	Dashboard, AlarmTopic, KeyAlias, AlarmKeyAlias string
}

// NewNames makes the names of the environment with this suffix.
func NewNames(suffix string) Names {
	name := func(kind string) string { return "portfolio-" + kind + "-" + suffix }
	return Names{
		Suffix: suffix,
		Stack:  "portfolio-" + suffix,

		VPC:                  name("vpc"),
		InternetGateway:      name("igw"),
		FlowLogs:             name("flow-logs"),
		DefaultSecurityGroup: name("default-sg"),

		LoadBalancer:              name("alb"),
		TargetGroup:               name("tg"),
		AutoScalingGroup:          name("asg"),
		LaunchTemplate:            name("lt"),
		LoadBalancerSecurityGroup: name("alb-sg"),
		InstanceSecurityGroup:     name("ec2-sg"),
		InstanceRole:              name("instance"),
		ServiceLogs:               name("service"),
		SigningSecret:             name("signing-key"),

		Database:               name("holdings-db"),
		DatabaseReplica:        name("holdings-db-replica"),
		DatabaseSubnetGroup:    name("db-subnet-group"),
		DatabaseParameterGroup: name("holdings-db"),
		DatabaseSecurityGroup:  name("db-sg"),
		DatabaseMonitoringRole: name("db-monitoring"),
		DatabaseSecret:         name("holdings-db"),
		Cache:                  name("market-cache"),
		CacheSecurityGroup:     name("cache-sg"),

		WebSocketAPI:         name("ws-api"),
		WebSocketHandler:     name("ws-handler"),
		WebSocketHandlerRole: name("ws-handler"),

		// Dashboard names are global in an account, so this one says what it shows.
		Dashboard:     "portfolio-tracking-metrics-" + suffix,
		AlarmTopic:    name("alarms"),
		KeyAlias:      "alias/" + name("data"),
		AlarmKeyAlias: "alias/" + name("alarms"),
	}
}

// Subnet names the n-th subnet (from 1) of a tier, "public" or "private".
func (n Names) Subnet(tier string, number int) string { return n.numbered(tier, number) }

// RouteTable names the n-th route table of a tier.
func (n Names) RouteTable(tier string, number int) string { return n.numbered(tier+"-rt", number) }

// NATGateway names the n-th NAT gateway and its Elastic IP.
func (n Names) NATGateway(number int) string { return n.numbered("nat", number) }

func (n Names) numbered(kind string, number int) string {
	return fmt.Sprintf("portfolio-%s-%d-%s", kind, number, n.Suffix)
}

// Bucket names a bucket of this environment: kind is "hist", "logs" or
// "artifacts"; bucket names are global, so the account ID ends them.
func (n Names) Bucket(kind, account string) string {
	return "portfolio-" + kind + "-" + n.Suffix + "-" + account
}

// Alarm names the alarm on a condition, e.g. "alb-5xx".
func (n Names) Alarm(condition string) string { return "portfolio-" + condition + "-" + n.Suffix }
