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

// autoScalingTraps are about the Auto Scaling group, its refreshes and its scaling.
var autoScalingTraps = []row{
	{"instances start after everything that they need to boot", after(fleet, "network/nat-a", "network/private-internet-a", "network/private-internet-b",
		"network/private-a-association", "network/private-b-association", "network/s3-endpoint",
		"compute/instance-policy", "compute/session-manager", "compute/cloudwatch-agent", "compute/service-binary",
		"database/credentials/version", "compute/signing-key/version", "database/primary", "database/cache/valkey",
		"compute/service-log-group")},
	{"a refresh is not rolled back, because the group has the new template already", has(fleet, `{"instance_refresh.preferences.auto_rollback": false}`)},
	{"the group follows the template by number and the template an image by id", all(has(fleet, `{"launch_template.version": "${compute/launch-template.latest_version}"}`), matches(template, "image_id", `^\$\{compute/image\.output\.id\}$`))},
	{"the group waits 20 minutes for capacity", has(fleet, `{"wait_for_capacity_timeout": "20m"}`)},
	{"the group waits until all its instances are healthy at the load balancer", func(m model) error {
		if m.at(fleet, "desired_capacity") == nil ||
			m.at(fleet, "wait_for_elb_capacity") != m.at(fleet, "desired_capacity") {
			return fmt.Errorf("waits for %v at the load balancer, want %v", m.at(fleet, "wait_for_elb_capacity"),
				m.at(fleet, "desired_capacity"))
		}
		return nil
	}},
	{"the group waits for the listener that forwards to it", waitsForForwarding(fleet)},
	{"scaling by requests names the load balancer and its target group, once they are connected", all(has("compute/scale-by-requests", `{"target_tracking_configuration.predefined_metric_specification.resource_label":
		"${compute/load-balancer/alb.arn_suffix}/${compute/load-balancer/targets.arn_suffix}"}`),
		after("compute/scale-by-requests", fleet), waitsForForwarding("compute/scale-by-requests"))},
	{"a refresh launches instances before it ends others", has(fleet, `{"instance_refresh.preferences.min_healthy_percentage": 100, "instance_refresh.preferences.max_healthy_percentage": 150}`)},
	{"health checks ask for /health", has(targets, `{"health_check.path": "/health"}`)},
	{"the grace period is 300 to 600 seconds", between(fleet, "health_check_grace_period", 300, 600)},
	{"group and refresh state their warm-up", all(between(fleet, "default_instance_warmup", 1, 600), matches(fleet, "instance_refresh.preferences.instance_warmup", `^[1-9]\d*$`))},
	{"failed scaling activities are not ignored", has(fleet, `{"ignore_failed_scaling_activities": null}`)},
	{"the desired capacity belongs to scaling", has(fleet, `{"lifecycle.ignore_changes": ["desired_capacity"]}`)},
	{"deletion of the group allows for connections to drain", all(has(fleet, `{"timeouts.delete": "20m", "force_delete": null}`), matches(targets, "deregistration_delay", `^(3\d|[45]\d|60)$`))},
	{"no lifecycle hook waits for a call that nothing makes", all(has(fleet, `{"initial_lifecycle_hook": null}`), none("aws_autoscaling_lifecycle_hook"))},
	{"the group publishes only metrics that exist", all(has(fleet, `{"metrics_granularity": "1Minute"}`), knownGroupMetrics)},
	{"the fixed tags reach instances, volumes and network interfaces", tagsReachInstances},
	{"changed tags start a refresh", has(fleet, `{"instance_refresh.triggers": ["tag"]}`)},
}

// launchTraps are about the launch template, its image and its user data.
var launchTraps = []row{
	{"user data is encoded exactly once", matches(template, "user_data", `^Content-Type: multipart/mixed`)}, // bootText has undone one base64encode
	{"every interpolation in user data is one of Terraform's", referencesAreReal},
	{"no number token is printed as a number", func(m model) error {
		if number := regexp.MustCompile(`\d\.\d+e[+-]?\d{2,}`).FindString(m.Text); number != "" {
			return fmt.Errorf("a number token was printed: %s", number)
		}
		return nil
	}},
	{"the binary's hash is in its key and in the user data", all(matches("compute/service-binary", "key", `^service/\$\{filesha256\(`),
		matches(template, "user_data", `(?m)^artifact='s3://[^']*/service/\$\{filesha256\([^']*\)\}/portfolio'$`),
		matches(template, "user_data", `(?m)^sha256='\$\{filesha256\(`))},
	{"instances start after every policy of their role", all(after(fleet, "compute/instance-policy", "compute/session-manager", "compute/cloudwatch-agent"), func(m model) error {
		for _, kind := range []string{"aws_iam_role_policy", "aws_iam_role_policy_attachment"} {
			for _, path := range m.of(kind) {
				// The right to push is not needed for booting.
				if m.text(path, "role") == "${compute/instance-role.name}" &&
					path != "api/push-policy" && !m.needs(fleet)[path] {
					return fmt.Errorf("instances may start before %s", path)
				}
			}
		}
		return nil
	})},
	{"a newer image of Amazon's does not change the template", all(has(template, `{"image_id": "${compute/image.output.id}"}`), has("compute/image", `{"lifecycle.ignore_changes": ["input"]}`))},
	{"a public parameter that Amazon has withdrawn does not stop a plan", all(has("compute/offered-images", `{"path": "/aws/service/ami-amazon-linux-latest"}`),
		matches("compute/newest-image", "count",
			`^\$\{contains\(compute/offered-images\.names, "/aws/service/ami-amazon-linux-latest/[a-z0-9_-]+"\) \? 1 : 0\}$`))},
	{"without the parameter a new image fails when it is planned, and one that was chosen stays", has("compute/image", `{"lifecycle.postcondition.0.condition": "${self.input.id != null}"}`)},
	{"the image's public parameter exists", matches("compute/newest-image", "name", `^/aws/service/ami-amazon-linux-latest/(amzn2-ami-hvm-x86_64-gp2|al2023-ami-kernel-default-x86_64)$`)},
	{"root volumes are encrypted with the AWS-managed key", has(template, `{"block_device_mappings.0.ebs.encrypted": "true", "block_device_mappings.0.ebs.kms_key_id": null}`)},
	{"the metadata service demands tokens, and no script asks it", all(has(template, `{"metadata_options": {"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1}}`),
		bootLacks(`169\.254\.169\.254|instance-data`))},
	{"user data is at most 16,384 bytes", func(m model) error {
		// An ARN or a host name of AWS is rarely longer than 128 characters.
		text := reference.ReplaceAllString(m.text(template, "user_data"), strings.Repeat("x", 128))
		if len(text) > 16384 || text == "" {
			return fmt.Errorf("user data is %d bytes", len(text))
		}
		return nil
	}},
	{"the root device has its own name, so that no second volume is added", has(template, `{"block_device_mappings.0.device_name": "/dev/xvda", "block_device_mappings.1": null}`)},
	{"security groups are named for the instance, not for its interfaces", has(template, `{"network_interfaces": null}`)},
	{"the image's id is not read as a secret", func(m model) error {
		if regexp.MustCompile(`newest-image\.value`).MatchString(m.Text) {
			return errors.New("an image's id is read as a secret")
		}
		return has("compute/image", `{"input.id": "${one(compute/newest-image[*].insecure_value)}"}`)(m)
	}},
}

// waitsForForwarding holds if path waits for the listener that forwards to the target
// group, not just for one that redirects.
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

// tagsReachInstances holds if instances, volumes and network interfaces have the default
// tags, except for those that differ between deploys.
func tagsReachInstances(m model) error {
	want := map[string]any{"Name": m.text(fleet, "name")}
	defaults, _ := dig(m.Stack, "provider", "aws", "0", "default_tags", "0", "tags").(map[string]any)
	for key, value := range defaults {
		if key != "CommitAuthor" && key != "Repository" {
			want[key] = value
		}
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

// reference is one interpolation. Functions in this stack have no nested braces, except
// around user data, which bootText extracts.
var reference = regexp.MustCompile(`\$\{([^{}]*)\}`)

// known is what an interpolation may begin with in addition to a construct's path.
var known = regexp.MustCompile(`^(filesha256|filemd5|element|jsondecode|jsonencode|ephemeral\.|\()`)

// referencesAreReal holds if every interpolation in user data is one of Terraform's,
// which would also evaluate a shell's "${NAME}".
func referencesAreReal(m model) error {
	text := m.text(template, "user_data")
	found := reference.FindAllStringSubmatch(text, -1)
	if strings.Contains(text, "%{") || strings.Count(text, "${") != len(found) || len(found) == 0 {
		return errors.New("user data has an interpolation that is not understood")
	}
	for _, f := range found {
		path, _, _ := strings.Cut(f[1], ".")
		if m.Blocks[path] == nil && !known.MatchString(f[1]) {
			return fmt.Errorf("%s is not a reference", f[0])
		}
	}
	return nil
}
