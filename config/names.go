package config

import "fmt"

// Names are the names of one environment's resources: "portfolio-<type>-<suffix>".
// People and scripts find resources by them, so they are a contract; they are made
// only here. With a suffix of up to 16 characters each is within its service's limit;
// the lowest is that of load balancers and target groups, 32 characters.
type Names struct {
	Suffix string
	Stack  string // of the Terraform stack; also in the state's key

	VPC, InternetGateway, FlowLogs, DefaultSecurityGroup string

	LoadBalancer, TargetGroup, AutoScalingGroup, LaunchTemplate         string
	LoadBalancerSecurityGroup, InstanceSecurityGroup                    string
	InstanceRole, ServiceLogs, SigningSecret, QuoteSecret, SignInSecret string

	Database, DatabaseReplica, DatabaseSubnetGroup, DatabaseParameterGroup string
	DatabaseSecurityGroup, DatabaseMonitoringRole                          string
	DatabaseSecret, DatabaseServiceSecret                                  string
	Cache, CacheSecurityGroup                                              string

	WebSocketAPI, WebSocketHandler, WebSocketHandlerRole string

	Dashboard, AlarmTopic, KeyAlias, AlarmKeyAlias string
}

// NewNames returns the names of the environment with this suffix.
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
		QuoteSecret:               name("quote-sources"), // which people create, if they need one
		SignInSecret:              name("oidc"),          // likewise

		Database:               name("holdings-db"),
		DatabaseReplica:        name("holdings-db-replica"),
		DatabaseSubnetGroup:    name("db-subnet-group"),
		DatabaseParameterGroup: name("holdings-db"),
		DatabaseSecurityGroup:  name("db-sg"),
		DatabaseMonitoringRole: name("db-monitoring"),
		DatabaseSecret:         name("holdings-db"),
		DatabaseServiceSecret:  name("holdings-db") + "/service", // policies that name the other match it too
		Cache:                  name("market-cache"),
		CacheSecurityGroup:     name("cache-sg"),

		WebSocketAPI:         name("ws-api"),
		WebSocketHandler:     name("ws-handler"),
		WebSocketHandlerRole: name("ws-handler"),

		// Dashboard names are shared by all regions of an account.
		Dashboard:     "portfolio-tracking-metrics-" + suffix,
		AlarmTopic:    name("alarms"),
		KeyAlias:      "alias/" + name("data"),
		AlarmKeyAlias: "alias/" + name("alarms"),
	}
}

// Subnet returns the name of the n-th subnet (from 1) of a tier, "public" or "private".
func (n Names) Subnet(tier string, number int) string { return n.numbered(tier, number) }

// RouteTable returns the name of the n-th route table of a tier.
func (n Names) RouteTable(tier string, number int) string { return n.numbered(tier+"-rt", number) }

// NATGateway returns the name of the n-th NAT gateway and of its Elastic IP.
func (n Names) NATGateway(number int) string { return n.numbered("nat", number) }

func (n Names) numbered(kind string, number int) string {
	return fmt.Sprintf("portfolio-%s-%d-%s", kind, number, n.Suffix)
}

// Bucket returns the name of a bucket; kind is "hist", "logs" or "artifacts". Bucket
// names are global, so they end in the account ID.
func (n Names) Bucket(kind, account string) string {
	return "portfolio-" + kind + "-" + n.Suffix + "-" + account
}

// DataKeyDescription returns the description of the customer-managed key of the data, by
// which it is recognized once its alias is gone.
func (n Names) DataKeyDescription() string { return "Data of " + n.Stack }

// Alarm returns the name of the alarm on a condition, such as "alb-5xx".
func (n Names) Alarm(condition string) string { return "portfolio-" + condition + "-" + n.Suffix }
