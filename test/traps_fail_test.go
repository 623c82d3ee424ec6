package test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutation is a fault that a trap's check has to find.
type mutation struct {
	Row, Variant string
	Change       func(m *model)
}

// set changes one argument of a resource; nil takes it away.
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

// forget takes one name out of depends_on.
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
	{"A1", "standard", forget(fleet, "network/s3-endpoint")},
	{"A1", "standard", forget(fleet, "compute/cloudwatch-agent")},
	{"A2", "standard", set(fleet, "instance_refresh.preferences.auto_rollback", true)},
	{"A3", "standard", set(fleet, "launch_template.version", "$Latest")},
	{"A6", "standard", set(fleet, "wait_for_elb_capacity", nil)},
	{"A7", "domain", forget(fleet, "compute/load-balancer/https")},
	{"A8", "standard", set("compute/scale-by-requests", "target_tracking_configuration.predefined_metric_specification.resource_label", "${compute/load-balancer/targets.arn_suffix}")},
	{"A17", "standard", add("compute/hook", "aws_autoscaling_lifecycle_hook", block{})},
	{"A18", "standard", set(fleet, "enabled_metrics", []any{"GroupDesiredCapacity", "GroupInServiceInstances", "GroupInServiceInstance"})},
	{"A19", "standard", set(template, "tag_specifications.1.tags.Project", nil)},
	{"B1", "standard", set(template, "user_data", `${base64encode(base64encode("text"))}`)},
	{"B2", "standard", reword("$delay", "${delay}")},
	{"B4", "standard", set("compute/service-binary", "key", "service/portfolio")},
	{"B5", "standard", forget(fleet, "compute/instance-policy")},
	{"B10", "standard", reword("# ", strings.Repeat("#", 1000))},
	{"C1", "standard", set("compute/out-service", "security_group_id", "${compute/security-group.id}")},
	{"C2", "standard", set("compute/security-group", "egress", []any{})},
	{"C4", "standard", set("database/in-postgres", "ip_protocol", "-1")},
	{"C5", "standard", set("database/in-postgres", "referenced_security_group_id", "${compute/security-group.id}")},
	{"C7", "standard", set("database/in-postgres", "description", "PostgreSQL → VPC")},
	{"C8", "standard", set(primary, "vpc_security_group_ids", []any{"${network/default-security-group.id}"})},
	{"D1", "standard", forget(balancer, "database/logs/policy")},
	{"D2", "standard", set("database/logs/policy", "policy.Statement.1.Principal", map[string]any{"Service": "delivery.logs.amazonaws.com"})},
	{"D3", "standard", set(balancer, "access_logs.prefix", "AWSLogs")},
	{"D4", "production", set("database/logs/encryption", "rule.0.apply_server_side_encryption_by_default.sse_algorithm", "aws:kms")},
	{"D5", "domain", set("compute/load-balancer/https", "certificate_arn", "${compute/load-balancer/certificate.arn}")},
	{"D8", "standard", set(targets, "lifecycle", map[string]any{"create_before_destroy": true})},
	{"D17", "standard", set("network/public-b", "availability_zone", "${element(network/zones.names, 0)}")},
	{"E3", "standard", reword("ProtectHome=", "ReadWritePaths=")},
	{"E6", "standard", reword("\nwork=", "\nsetcap cap_net_bind_service=+ep /opt/portfolio/bin/portfolio\nwork=")},
	{"E9", "standard", reword("StartLimitInterval=0\n", "")},
	{"E16", "standard", reword(`--region "$region" `, "")},
	{"E17", "standard", reword("retry aws", "aws")},
	{"E21", "standard", reword("| sha256sum -c -", "")},
	{"F4", "standard", forget("network/nat-address-a", "network/internet-gateway")},
	{"F8", "standard", set("network/flow-log-policy", "policy.Statement.0.Action", []any{"logs:CreateLogGroup"})},
	{"F9", "standard", set("network/public-routes", "route", []any{})},
	{"G8", "production", set("data-key/key", "policy.Statement.1.Principal", map[string]any{"Service": "logs.amazonaws.com"})},
	{"B1: only one of the two versions raised", "standard", set(primary, "password_wo_version", 2.0)},
	{"B1: ephemeral value in a tag, output, user_data or environment", "standard", func(m *model) { m.Text += `"tag": "${ephemeral.a.b.c}"` }},
	{"B2: export log groups not created first", "standard", forget(primary, "database/log-group-upgrade")},
	{"B2: static parameter with immediate", "standard", set("database/parameter-group", "parameter.0.apply_method", "immediate")},
	{"B3: db_subnet_group_name with a same-Region identifier", "replica", set("database/replica", "db_subnet_group_name", "x")},
	{"B5: sub-resources created in parallel", "standard", set("database/history/versioning", "depends_on", []any{"database/history/bucket"})},
	{"B5: STANDARD_IA before day 30", "standard", set("database/history/lifecycle", "rule.0.transition.0.days", 29.0)},
	{"B7: stage before routes exist", "standard", forget("api/stage", "api/default-response")},
	{"B8: log group created in parallel", "standard", set("api/handler", "logging_config.log_group", "/aws/lambda/x")},
	{"B9: wrong or partial dimension set", "standard", set("monitoring/unhealthy-hosts", "dimensions.LoadBalancer", "${compute/load-balancer/alb.arn}")},
	{"B9: statistic with extended_statistic", "standard", set("monitoring/alb-p99", "statistic", "Average")},
	{"B9: treat_missing_data left at missing", "standard", set("monitoring/alb-p99", "treat_missing_data", nil)},
	{"B10: ignore_changes with Go names", "standard", set(fleet, "lifecycle.ignore_changes", []any{"desiredCapacity"})},
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

// rowOf finds a row among those held in a variant.
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

// A check that holds of nothing at all would hold whatever the stack became. The
// rows that forbid something are the exception: nothing has it.
func TestTrapsDoNotHoldOfNothing(t *testing.T) {
	forbidding := map[string]bool{}
	for _, name := range []string{"B3", "B1: resource policy with broad Deny", "B4: subnet group or parameter group",
		"B7: deployment replaced in place", "B10: TerraformIterator over domain_validation_options",
		"B10: CDKTF has no ephemeral blocks", "B10: tokens inside hand-made JSON", "B10: ignore_changes with Go names"} {
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
