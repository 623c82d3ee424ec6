package test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutation is a fault that a row has to find.
type mutation struct {
	Row, Variant string
	Change       func(m *model)
}

// set changes one argument of a resource; nil removes it.
func set(path, key string, value any) func(m *model) {
	return func(m *model) {
		var b any = map[string]any(m.Blocks[path])
		keys := strings.Split(key, ".")
		b = dig(b, keys[:len(keys)-1]...)
		b.(map[string]any)[keys[len(keys)-1]] = value
	}
}

// reword changes the user data.
func reword(from, to string) func(m *model) {
	return func(m *model) {
		m.Blocks[template]["user_data"] = strings.ReplaceAll(m.text(template, "user_data"), from, to)
	}
}

// add creates a resource.
func add(path, kind string, arguments block) func(m *model) {
	return func(m *model) { m.Blocks[path], m.Kinds[path] = arguments, kind }
}

// forget removes one name from depends_on.
func forget(path, name string) func(m *model) {
	return func(m *model) {
		var left []any
		for _, other := range list(m.at(path, "depends_on")) {
			if other != name {
				left = append(left, other)
			}
		}
		m.Blocks[path]["depends_on"] = left
	}
}

var mutations = []mutation{
	{"instances start after everything that they need to boot", "standard", forget(fleet, "network/s3-endpoint")},
	{"the page's socket is this API, and instances wait neither for its routes nor for the function", "standard", reword("api/websocket.api_endpoint", "api/stage.invoke_url")},
	{"the page's socket is this API, and instances wait neither for its routes nor for the function", "standard", set(fleet, "depends_on", []any{"api/handler"})},
	{"instances start after everything that they need to boot", "standard", forget(fleet, "compute/cloudwatch-agent")},
	{"a refresh is not rolled back, because the group has the new template already", "standard", set(fleet, "instance_refresh.preferences.auto_rollback", true)},
	{"the group follows the template by number and the template an image by id", "standard", set(fleet, "launch_template.version", "$Latest")},
	{"without the parameter a new image fails when it is planned, and one that was chosen stays", "standard", set("compute/image", "lifecycle.postcondition", nil)},
	{"the group waits until all its instances are healthy at the load balancer", "standard", set(fleet, "wait_for_elb_capacity", nil)},
	{"the group waits for the listener that forwards to it", "domain", forget(fleet, "compute/load-balancer/https")},
	{"scaling by requests names the load balancer and its target group, once they are connected", "standard", set("compute/scale-by-requests", "target_tracking_configuration.predefined_metric_specification.resource_label", "${compute/load-balancer/targets.arn_suffix}")},
	{"no lifecycle hook waits for a call that nothing makes", "standard", add("compute/hook", "aws_autoscaling_lifecycle_hook", block{})},
	{"the group publishes only metrics that exist", "standard", set(fleet, "enabled_metrics", []any{"GroupDesiredCapacity", "GroupInServiceInstances", "GroupInServiceInstance"})},
	{"the fixed tags reach instances, volumes and network interfaces", "standard", set(template, "tag_specifications.1.tags.Project", nil)},
	{"user data is encoded exactly once", "standard", set(template, "user_data", `${base64encode(base64encode("text"))}`)},
	{"every interpolation in user data is one of Terraform's", "standard", reword("$delay", "${delay}")},
	{"the binary's hash is in its key and in the user data", "standard", set("compute/service-binary", "key", "service/portfolio")},
	{"instances start after every policy of their role", "standard", forget(fleet, "compute/instance-policy")},
	{"user data is at most 16,384 bytes", "standard", reword("# ", strings.Repeat("#", 1000))},
	{"instances and load balancer have rules for what they send", "standard", set("compute/out-service", "security_group_id", "${compute/security-group.id}")},
	{"rules are separate resources", "standard", set("compute/security-group", "egress", []any{})},
	{"every rule is for TCP and has ports", "standard", set("database/in-postgres", "ip_protocol", "-1")},
	{"every rule has one peer", "standard", set("database/in-postgres", "referenced_security_group_id", "${compute/security-group.id}")},
	{"descriptions hold only characters that EC2 takes", "standard", set("database/in-postgres", "description", "PostgreSQL → VPC")},
	{"the default security group is empty and unused", "standard", set(primary, "vpc_security_group_ids", []any{"${network/default-security-group.id}"})},
	{"the load balancer waits for the policy of its log bucket", "standard", forget(balancer, "database/logs/policy")},
	{"the log bucket's policy names the load balancers' own service", "standard", set("database/logs/policy", "policy.Statement.1.Principal", map[string]any{"Service": "delivery.logs.amazonaws.com"})},
	{"the log bucket's policy covers the load balancer's prefix", "standard", set(balancer, "access_logs.prefix", "AWSLogs")},
	{"the log bucket is encrypted by S3 itself", "production", set("database/logs/encryption", "rule.0.apply_server_side_encryption_by_default.sse_algorithm", "aws:kms")},
	{"the listener's certificate is one that has been issued", "domain", set("compute/load-balancer/https", "certificate_arn", "${compute/load-balancer/certificate.arn}")},
	{"target groups have fixed names and are not created before they are destroyed", "standard", set(targets, "lifecycle", map[string]any{"create_before_destroy": true})},
	{"the load balancer has a large enough subnet in each of two zones", "standard", set("network/public-b", "availability_zone", "${sort(setintersection(network/zones.names, network/offers.locations))[0]}")},
	{"the unit has only directives that systemd 219 knows", "standard", reword("ProtectHome=", "ReadWritePaths=")},
	{"no file has capabilities, which NoNewPrivileges would take away", "standard", reword("\nwork=", "\nsetcap cap_net_bind_service=+ep /opt/portfolio/bin/portfolio\nwork=")},
	{"the service is restarted however often it fails", "standard", reword("StartLimitInterval=0\n", "")},
	{"every call of the AWS CLI names its region", "standard", reword(`--region "$region" `, "")},
	{"the script ends at the first failure, and whatever needs the network is tried again", "standard", reword("retry aws", "aws")},
	{"the binary is checked against its hash before it is installed", "standard", reword("| sha256sum -c -", "")},
	{"addresses, NAT gateways and load balancer wait for the internet gateway", "standard", forget("network/nat-address-a", "network/internet-gateway")},
	{"no policy lets a service create log groups", "standard", set("network/flow-log-policy", "policy.Statement.0.Action", []any{"logs:CreateLogGroup"})},
	{"routes are separate resources", "standard", set("network/public-routes", "route", []any{})},
	{"the data key lets CloudWatch Logs of the region use it", "production", set("data-key/key", "policy.Statement.1.Principal", map[string]any{"Service": "logs.amazonaws.com"})},
	{"password and secret share one version", "standard", set(primary, "password_wo_version", 2.0)},
	{"ephemeral values are only in write-only arguments", "standard", func(m *model) { m.Text += `"tag": "${ephemeral.a.b.c}"` }},
	{"log groups of the database exist before it", "standard", forget(primary, "database/log-group-upgrade")},
	{"only dynamic parameters are applied immediately", "standard", set("database/parameter-group", "parameter.0.apply_method", "immediate")},
	{"the replica has no subnet group of its own", "replica", set("database/replica", "db_subnet_group_name", "x")},
	{"settings of one bucket are made one after the other", "standard", set("database/history/versioning", "depends_on", []any{"database/history/bucket"})},
	{"objects change their class after 30 days at the earliest", "standard", set("database/history/lifecycle", "rule.0.transition.0.days", 29.0)},
	{"the stage waits for its routes", "standard", forget("api/stage", "api/default-response")},
	{"the function writes to a log group that exists before it", "standard", set("api/handler", "logging_config.log_group", "/aws/lambda/x")},
	{"alarms and widgets have exactly their metrics' dimensions", "standard", set("monitoring/unhealthy-hosts", "dimensions.LoadBalancer", "${compute/load-balancer/alb.arn}")},
	{"every alarm has one kind of statistic", "standard", set("monitoring/alb-p99", "statistic", "Average")},
	{"every alarm says what missing data mean", "standard", set("monitoring/alb-p99", "treat_missing_data", nil)},
	{"ignored changes are of arguments that exist", "standard", set(fleet, "lifecycle.ignore_changes", []any{"desiredCapacity"})},
}

func TestTrapsFindTheirFault(t *testing.T) {
	for _, fault := range mutations {
		holds := rowOf(fault.Row, fault.Variant)
		require.NotNil(t, holds, "%s in %s", fault.Row, fault.Variant)
		m := variant(t, fault.Variant)
		require.NoError(t, holds(m), fault.Row)
		fault.Change(&m)
		require.Error(t, holds(m), fault.Row)
	}
}

// rowOf returns a row that is checked in a variant.
func rowOf(name, variant string) check {
	for _, group := range traps {
		for _, v := range group.Variants {
			for _, r := range group.Rows {
				if v == variant && r.Name == name {
					return r.Holds
				}
			}
		}
	}
	return nil
}

// A check that holds for an empty stack could hold for any. Rows that forbid something
// are the exception.
func TestTrapsFailOnAnEmptyStack(t *testing.T) {
	forbidding := map[string]bool{}
	for _, name := range []string{"no number token is printed as a number", "secrets have no resource policy",
		"a serverless cache has neither subnet group nor parameter group",
		"no deployment is managed", "nothing loops over what a plan may not know",
		"every ephemeral value in use is declared", "every token in JSON is resolved", "ignored changes are of arguments that exist"} {
		forbidding[name] = true
	}
	var wrong []string
	nothing := model{Blocks: map[string]block{}, Kinds: map[string]string{}, Stack: block{}}
	for _, group := range traps {
		for _, r := range group.Rows {
			if forbidding[r.Name] != (r.Holds(nothing) == nil) {
				wrong = append(wrong, r.Name)
			}
		}
	}
	require.Empty(t, wrong)
}
