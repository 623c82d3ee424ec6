package test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	fleet    = "compute/instances"
	template = "compute/launch-template"
	balancer = "compute/load-balancer/alb"
	targets  = "compute/load-balancer/targets"
)

// autoScalingTraps are rows A1–A20.
var autoScalingTraps = []row{
	{"A1", after(fleet, "network/nat-a", "network/private-internet-a", "network/private-internet-b",
		"network/private-a-association", "network/private-b-association", "network/s3-endpoint",
		"compute/instance-policy", "compute/session-manager", "compute/cloudwatch-agent", "compute/service-binary",
		"database/credentials/version", "compute/signing-key/version", "database/primary", "database/cache/valkey",
		"compute/service-log-group")},
	{"A2", has(fleet, `{"instance_refresh.preferences.auto_rollback": false}`)},
	{"A3", all(has(fleet, `{"launch_template.version": "${compute/launch-template.latest_version}"}`), matches(template, "image_id", `^\$\{compute/image\.output\.id\}$`))},
	{"A5", has(fleet, `{"wait_for_capacity_timeout": "20m"}`)},
	{"A6", func(m model) error {
		if m.at(fleet, "desired_capacity") == nil || m.at(fleet, "wait_for_elb_capacity") != m.at(fleet, "desired_capacity") {
			return fmt.Errorf("waits for %v at the load balancer, wants %v", m.at(fleet, "wait_for_elb_capacity"), m.at(fleet, "desired_capacity"))
		}
		return nil
	}},
	{"A7", waitsForForwarding(fleet)},
	{"A8", all(has("compute/scale-by-requests", `{"target_tracking_configuration.predefined_metric_specification.resource_label":
		"${compute/load-balancer/alb.arn_suffix}/${compute/load-balancer/targets.arn_suffix}"}`),
		after("compute/scale-by-requests", fleet), waitsForForwarding("compute/scale-by-requests"))},
	{"A9", has(fleet, `{"instance_refresh.preferences.min_healthy_percentage": 100, "instance_refresh.preferences.max_healthy_percentage": 150}`)},
	{"A10", has(targets, `{"health_check.path": "/health"}`)},
	{"A11", between(fleet, "health_check_grace_period", 300, 600)},
	{"A12", all(between(fleet, "default_instance_warmup", 1, 600), matches(fleet, "instance_refresh.preferences.instance_warmup", `^[1-9]\d*$`))},
	{"A13", has(fleet, `{"ignore_failed_scaling_activities": null}`)},
	{"A14", has(fleet, `{"lifecycle.ignore_changes": ["desired_capacity"]}`)},
	{"A16", all(has(fleet, `{"timeouts.delete": "20m", "force_delete": null}`), matches(targets, "deregistration_delay", `^(3\d|[45]\d|60)$`))},
	{"A17", all(has(fleet, `{"initial_lifecycle_hook": null}`), none("aws_autoscaling_lifecycle_hook"))},
	{"A18", all(has(fleet, `{"metrics_granularity": "1Minute"}`), knownGroupMetrics)},
	{"A19", tagsReachInstances},
	{"A20", has(fleet, `{"instance_refresh.triggers": ["tag"]}`)},
}

// launchTraps are rows B1–B13 of part A.
var launchTraps = []row{
	{"B1", matches(template, "user_data", `^Content-Type: multipart/mixed`)}, // bootText has undone one base64encode
	{"B2", referencesAreReal},
	{"B3", func(m model) error {
		if number := regexp.MustCompile(`\d\.\d+e[+-]?\d{2,}`).FindString(m.Text); number != "" {
			return fmt.Errorf("a number token was printed: %s", number)
		}
		return nil
	}},
	{"B4", all(matches("compute/service-binary", "key", `^service/\$\{filesha256\(`),
		matches(template, "user_data", `(?m)^artifact='s3://[^']*/service/\$\{filesha256\([^']*\)\}/portfolio'$`),
		matches(template, "user_data", `(?m)^sha256='\$\{filesha256\(`))},
	{"B5", all(after(fleet, "compute/instance-policy", "compute/session-manager", "compute/cloudwatch-agent"), func(m model) error {
		for _, kind := range []string{"aws_iam_role_policy", "aws_iam_role_policy_attachment"} {
			for _, path := range m.of(kind) {
				// The right to push is used long after boot, when a client is connected.
				if m.text(path, "role") == "${compute/instance-role.name}" && path != "api/push-policy" && !m.needs(fleet)[path] {
					return fmt.Errorf("instances may start before %s", path)
				}
			}
		}
		return nil
	})},
	{"B6", all(has(template, `{"image_id": "${compute/image.output.id}"}`), has("compute/image", `{"lifecycle.ignore_changes": ["input"]}`))},
	{"B7", matches("compute/newest-image", "name", `^/aws/service/ami-amazon-linux-latest/(amzn2-ami-hvm-x86_64-gp2|al2023-ami-kernel-default-x86_64)$`)},
	{"B8", has(template, `{"block_device_mappings.0.ebs.encrypted": "true", "block_device_mappings.0.ebs.kms_key_id": null}`)},
	{"B9", all(has(template, `{"metadata_options": {"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1}}`),
		bootLacks(`169\.254\.169\.254|instance-data`))},
	{"B10", func(m model) error {
		// An ARN or a host name of AWS is rarely longer than 128 characters.
		text := reference.ReplaceAllString(m.text(template, "user_data"), strings.Repeat("x", 128))
		if len(text) > 16384 || text == "" {
			return fmt.Errorf("user data is %d bytes", len(text))
		}
		return nil
	}},
	{"B11", has(template, `{"block_device_mappings.0.device_name": "/dev/xvda", "block_device_mappings.1": null}`)},
	{"B12", has(template, `{"network_interfaces": null}`)},
	{"B13", func(m model) error {
		if regexp.MustCompile(`newest-image\.value`).MatchString(m.Text) {
			return errors.New("an image's id is read as a secret")
		}
		return has("compute/image", `{"input.id": "${compute/newest-image.insecure_value}"}`)(m)
	}},
}

// waitsForForwarding holds when path waits for the listener that reaches the
// target group; one that only redirects does not count.
func waitsForForwarding(path string) check {
	return func(m model) error {
		for _, listener := range m.of("aws_lb_listener") {
			if m.text(listener, "default_action.0.type") == "forward" {
				return after(path, listener)(m)
			}
		}
		return errors.New("no listener forwards")
	}
}

func between(path, keys string, low, high float64) check {
	return func(m model) error {
		if got, is := m.at(path, keys).(float64); !is || got < low || got > high {
			return fmt.Errorf("%s: %s: got %v, want %v to %v", path, keys, m.at(path, keys), low, high)
		}
		return nil
	}
}

func knownGroupMetrics(m model) error {
	known := []string{"GroupMinSize", "GroupMaxSize", "GroupDesiredCapacity", "GroupInServiceInstances",
		"GroupPendingInstances", "GroupStandbyInstances", "GroupTerminatingInstances", "GroupTotalInstances"}
	metrics := list(m.at(fleet, "enabled_metrics"))
	if !slices.Contains(metrics, "GroupDesiredCapacity") || !slices.Contains(metrics, "GroupInServiceInstances") {
		return fmt.Errorf("the dashboard's metrics are not among %v", metrics)
	}
	for _, metric := range metrics {
		if !slices.Contains(known, metric) {
			return fmt.Errorf("no such metric: %s", metric)
		}
	}
	return nil
}

// tagsReachInstances holds when the default tags are on what instances are made of.
func tagsReachInstances(m model) error {
	want := map[string]any{"Name": m.text(fleet, "name")}
	defaults, _ := dig(m.Stack, "provider", "aws", "0", "default_tags", "0", "tags").(map[string]any)
	for key, value := range defaults {
		want[key] = value
	}
	propagated := map[string]any{}
	tags, _ := m.at(fleet, "tag").([]any)
	for _, tag := range tags {
		if dig(tag, "propagate_at_launch") == true {
			propagated[dig(tag, "key").(string)] = dig(tag, "value")
		}
	}
	problems := []error{equal(propagated, asJSON(want))}
	for i, kind := range []string{"instance", "volume", "network-interface"} {
		problems = append(problems, equal(m.at(template, fmt.Sprintf("tag_specifications.%d", i)),
			asJSON(map[string]any{"resource_type": kind, "tags": want})))
	}
	return errors.Join(problems...)
}

// reference is one interpolation; functions nest no braces in this stack but in
// user data, whose own are read after bootText.
var reference = regexp.MustCompile(`\$\{([^{}]*)\}`)

// known is what an interpolation may begin with, beside a construct's path.
var known = regexp.MustCompile(`^(filesha256|filemd5|element|jsondecode|jsonencode|ephemeral\.|\()`)

// referencesAreReal holds when every interpolation in user data is one of
// Terraform's: a shell's "${NAME}" would be read as one, too.
func referencesAreReal(m model) error {
	text := m.text(template, "user_data")
	found := reference.FindAllStringSubmatch(text, -1)
	if strings.Contains(text, "%{") || strings.Count(text, "${") != len(found) || len(found) == 0 {
		return errors.New("user data has an interpolation that is not understood")
	}
	for _, f := range found {
		path, _, _ := strings.Cut(f[1], ".")
		if m.Blocks[path] == nil && !known.MatchString(f[1]) {
			return fmt.Errorf("%s is no reference", f[0])
		}
	}
	return nil
}
