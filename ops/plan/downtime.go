package plan

import "fmt"

// interruptions say what users notice when a resource is replaced.
var interruptions = map[string]string{
	"aws_db_instance":                   "the service has no database until the new one is up and its data restored: 15 minutes or more",
	"aws_rds_cluster":                   "the service has no database until the new one is up and its data restored: 15 minutes or more",
	"aws_elasticache_serverless_cache":  "the cache is empty and at another address: slow until it is warm",
	"aws_elasticache_replication_group": "the cache is empty and at another address: slow until it is warm",
	"aws_autoscaling_group":             "no instances until the new group's are healthy: some 5 minutes",
	"aws_lb":                            "the service is unreachable for some minutes, and the load balancer gets another name",
	"aws_lb_listener":                   "connections are refused for seconds",
	"aws_lb_target_group":               "the load balancer answers 503 until the targets are healthy",
	"aws_nat_gateway":                   "private subnets have no internet for some minutes, and get another address",
	"aws_internet_gateway":              "nothing reaches the internet for seconds to minutes",
	"aws_route":                         "traffic on this route stops for seconds",
	"aws_subnet":                        "everything in the subnet is replaced too",
	"aws_vpc":                           "everything in the network is replaced too",
	"aws_apigatewayv2_api":              "all WebSocket connections end, and the URL changes",
	"aws_apigatewayv2_stage":            "all WebSocket connections end; clients must connect again",
	"aws_apigatewayv2_route":            "messages on this route fail for seconds",
	"aws_apigatewayv2_integration":      "messages fail for seconds",
	"aws_lambda_function":               "WebSocket events fail for seconds",
	"aws_security_group":                "connections through the group stop for seconds",

	"aws_vpc_security_group_ingress_rule": "new connections by this rule are refused for seconds",
	"aws_vpc_security_group_egress_rule":  "new connections by this rule are refused for seconds",
}

// restarts are the changes in place that users may notice.
var restarts = []struct {
	kind, attribute, text string
	window                bool // waits for the maintenance window unless apply_immediately
}{
	{"aws_db_instance", "instance_class", "the database restarts: about a minute with Multi-AZ, some minutes without",
		true},
	{"aws_db_instance", "engine_version", "the database is upgraded: minutes of downtime, with Multi-AZ too if the major version changes", true},
	{"aws_db_instance", "port", "the database restarts at once, and its port changes", false},
	{"aws_db_instance", "identifier", "the database restarts, and its address changes", true},
	{"aws_db_instance", "backup_retention_period", "a short pause where backups are switched on or off", true},
	{"aws_db_instance", "parameter_group_name", "static parameters wait for a reboot by hand", false},
	{"aws_db_instance", "storage_type", "no downtime, slower until it is migrated", true},
	{"aws_db_instance", "password_wo_version", "the password changes at once: new connections need the new one", false},
	{"aws_autoscaling_group", "launch_template",
		"instances are replaced one after another: no downtime, less capacity meanwhile", false},
	{"aws_launch_template", "image_id", "instances are replaced one after another: no downtime, less capacity meanwhile", false},
	{"aws_launch_template", "instance_type", "instances are replaced one after another: no downtime, less capacity meanwhile", false},
	{"aws_launch_template", "user_data", "instances are replaced one after another: no downtime, less capacity meanwhile", false},
	{"aws_elasticache_replication_group", "node_type", "the cache fails over: seconds", true},
	{"aws_elasticache_replication_group", "engine_version", "the cache fails over: seconds", true},
	{"aws_lb_listener", "protocol", "clients of the other protocol are refused", false},
	{"aws_lb_listener", "port", "clients of the other port are refused", false},
}

// downtime says what users notice while a change is applied.
func downtime(c change) []string {
	if c.removes() {
		text := interruptions[c.kind]
		switch {
		case text == "" || c.old:
			return nil
		case c.verb == deleted:
			return []string{"deleted: what uses it stops working"}
		case c.keeps:
			return []string{"the old one keeps running; what uses it moves to the new one"}
		case c.first:
			return []string{"less than this, as the new one comes first: " + text}
		}
		return []string{text}
	}
	if c.verb != updated {
		return nil
	}
	var list []string
	for _, r := range restarts {
		if r.kind != c.kind || !c.changed(r.attribute) {
			continue
		}
		text := r.text
		if r.window && !c.will("apply_immediately").isTrue() {
			text += ", in the next maintenance window"
			if window := c.will("maintenance_window").text(); window != "" {
				text += " (" + code(window) + " UTC)"
			}
		}
		list = append(list, fmt.Sprintf("%s: %s", code(r.attribute), text))
	}
	return list
}
