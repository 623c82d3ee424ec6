package test

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// securityGroupTraps are about security groups and their rules.
var securityGroupTraps = []row{
	{"instances and load balancer have rules for what they send", func(m model) error {
		for _, owner := range []string{"compute/security-group", "compute/load-balancer/security-group"} {
			if !slices.ContainsFunc(m.of("aws_vpc_security_group_egress_rule"), func(path string) bool {
				return m.text(path, "security_group_id") == "${"+owner+".id}"
			}) {
				return fmt.Errorf("%s allows no egress", owner)
			}
		}
		return nil
	}},
	{"rules are separate resources", all(every("aws_security_group", without("ingress", "egress")), none("aws_security_group_rule"))},
	// A changed description replaces a group, which fails because its name is taken.
	{"descriptions of security groups are the same in every environment", every("aws_security_group", func(m model, path string) bool {
		return !regexp.MustCompile(`test|\$`).MatchString(m.text(path, "description"))
	})},
	{"every rule is for TCP and has ports", everyRule(func(m model, path string) bool {
		return m.text(path, "ip_protocol") == "tcp" && m.at(path, "from_port") != nil && m.at(path, "to_port") != nil
	})},
	{"every rule has one peer", everyRule(func(m model, path string) bool {
		return (m.at(path, "cidr_ipv4") == nil) != (m.at(path, "referenced_security_group_id") == nil) &&
			m.at(path, "cidr_ipv6") == nil && m.at(path, "prefix_list_id") == nil
	})},
	{"no security group waits for another", every("aws_security_group", func(m model, path string) bool {
		return !slices.ContainsFunc(m.of("aws_security_group"), func(other string) bool { return m.needs(path)[other] })
	})},
	{"descriptions hold only characters that EC2 takes", all(everyRule(plainDescription), every("aws_security_group", func(m model, path string) bool {
		return plainDescription(m, path) && !strings.HasPrefix(m.text(path, "name"), "sg-")
	}))},
	{"the default security group is empty and unused", all(has("network/default-security-group", `{"ingress": null, "egress": null}`), func(m model) error {
		for path := range m.Blocks {
			if m.needs(path)["network/default-security-group"] {
				return fmt.Errorf("%s uses the default security group", path)
			}
		}
		return nil
	})},
}

// loadBalancerTraps are about the load balancer and its access logs.
var loadBalancerTraps = []row{
	{"the load balancer waits for the policy of its log bucket", after(balancer, "database/logs/policy", "database/logs/public-access")},
	{"the log bucket's policy names the load balancers' own service", func(m model) error {
		text := asJSON(m.at("database/logs/policy", "policy"))
		if !strings.Contains(text, `{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}`) {
			return errors.New("load balancers may not write logs")
		}
		if wrong := regexp.MustCompile(`"(delivery\.logs|logdelivery\.elb)\.amazonaws\.com"`).FindString(text); wrong != "" {
			return fmt.Errorf("principal %s is another service's", wrong)
		}
		return nil
	}},
	{"the log bucket's policy covers the load balancer's prefix", func(m model) error {
		prefix := m.text(balancer, "access_logs.prefix")
		if strings.Contains(prefix, "AWSLogs") || strings.Trim(prefix, "/") != prefix || prefix == "" {
			return fmt.Errorf("prefix %q", prefix)
		}
		return has("database/logs/policy", `{"policy.Statement.1.Sid": "LoadBalancerLogs", "policy.Statement.1.Resource":
			"arn:aws:s3:::portfolio-logs-test-${account.account_id}/`+prefix+`/AWSLogs/${account.account_id}/*"}`)(m)
	}},
	{"the log bucket is encrypted by S3 itself", has("database/logs/encryption", `{"rule.0.apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}`)},
	{"target groups have fixed names and are not created before they are destroyed", every("aws_lb_target_group", func(m model, path string) bool { // a fixed name and create-before-destroy exclude each other
		return m.text(path, "name") != "" && m.at(path, "lifecycle.create_before_destroy") == nil
	})},
	{"a target is healthy when /health answers 200 over HTTP", has(targets, `{"health_check.path": "/health", "health_check.matcher": "200", "health_check.protocol": "HTTP"}`)},
	{"the provider is at least 5.99.1 and below 6", func(m model) error {
		return equal(dig(m.Stack, "terraform", "required_providers", "aws", "version"), `">= 5.99.1, < 6.0.0"`)
	}},
	{"names of load balancer and target group are in ELB's form", all(matches(balancer, "name", balancerName), matches(targets, "name", balancerName))},
	{"access logs are switched on", has(balancer, `{"access_logs.enabled": true}`)},
	{"the load balancer has a large enough subnet in each of two zones", func(m model) error {
		subnets, zones := list(m.at(balancer, "subnets")), map[string]bool{}
		for _, subnet := range subnets {
			path := strings.TrimSuffix(strings.TrimPrefix(subnet, "${"), ".id}")
			zones[m.text(path, "availability_zone")] = true
			if cidr, err := netip.ParsePrefix(m.text(path, "cidr_block")); err != nil || cidr.Bits() > 27 {
				return fmt.Errorf("%s is too small: %v %w", path, cidr, err)
			}
		}
		if len(zones) < 2 || len(zones) != len(subnets) {
			return fmt.Errorf("zones of the load balancer: %v", zones)
		}
		return nil
	}},
	{"stickiness has a type", has(targets, `{"stickiness.enabled": true, "stickiness.type": "lb_cookie"}`)},
	{"malformed requests are handled defensively", has(balancer, `{"desync_mitigation_mode": "defensive", "drop_invalid_header_fields": true}`)},
}

// certificateTraps are about a load balancer with a domain of its own.
var certificateTraps = []row{
	{"the listener's certificate is one that has been issued", has("compute/load-balancer/https", `{"certificate_arn": "${compute/load-balancer/certificate-issued.certificate_arn}"}`)},
	{"validation of the certificate ends after 15 minutes", has("compute/load-balancer/certificate-issued", `{"timeouts.create": "15m"}`)},
	{"the certificate has one name and so one record of proof", all(has("compute/load-balancer/certificate", `{"subject_alternative_names": null}`),
		has("compute/load-balancer/certificate-proof", `{"allow_overwrite": true, "for_each": null,
			"name": "${tolist(compute/load-balancer/certificate.domain_validation_options).0.resource_record_name}"}`))},
	{"the listener's TLS policy is named", has("compute/load-balancer/https", `{"ssl_policy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}`)},
	{"the redirect states port and status in ELB's form", has("compute/load-balancer/http", `{"default_action": [{"type": "redirect",
		"redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}}]}`)},
	{"the alias record has the load balancer's own zone and no time to live", has("compute/load-balancer/alias", `{"ttl": null, "records": null, "alias": {"evaluate_target_health": true,
		"name": "${compute/load-balancer/alb.dns_name}", "zone_id": "${compute/load-balancer/alb.zone_id}"}}`)},
}

// networkTraps are about zones, routes, gateways and flow logs.
var networkTraps = []row{
	{"zones are those that offer the instance type", has("network/offers", `{"location_type": "availability-zone", "filter": [{"name": "instance-type", "values": ["t3.medium"]}]}`)},
	{"zones need no opting in, and a subnet in use stays in its own", all(has("network/zones", `{"state": "available", "filter": [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]}`),
		every("aws_subnet", func(m model, path string) bool {
			return asJSON(m.at(path, "lifecycle.ignore_changes")) == `["availability_zone"]`
		}))},
	{"zones are taken from the account's list", every("aws_subnet", func(m model, path string) bool {
		return regexp.MustCompile(`^\$\{sort\(setintersection\(network/zones\.names, network/offers\.locations\)\)\[[01]\]\}$`).MatchString(m.text(path, "availability_zone"))
	})},
	{"addresses, NAT gateways and load balancer wait for the internet gateway", all(every("aws_eip", waitsForInternet), every("aws_nat_gateway", waitsForInternet), every("aws_lb", waitsForInternet))},
	{"the S3 endpoint has the default policy", has("network/s3-endpoint", `{"policy": null}`)},
	{"the S3 endpoint serves both private route tables", all(has("network/s3-endpoint", `{"route_table_ids": ["${network/private-routes-a.id}", "${network/private-routes-b.id}"]}`),
		has("compute/out-https", `{"cidr_ipv4": "0.0.0.0/0"}`))},
	{"flow logs have a role that may write them before they start", all(has("network/flow-log-role", `{"assume_role_policy.Statement.0.Principal": {"Service": "vpc-flow-logs.amazonaws.com"}}`),
		has("network/flow-log-policy", `{"policy.Statement": [
			{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
				"Resource": ["${network/flow-log-group.arn}", "${network/flow-log-group.arn}:*"]},
			{"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}]}`),
		after("network/flow-log", "network/flow-log-policy"))},
	{"no policy lets a service create log groups", nobodyMakesLogGroups},
	{"routes are separate resources", all(every("aws_route_table", without("route")), none("aws_vpc_endpoint_route_table_association"))},
	{"flow logs have the default format", has("network/flow-log", `{"log_format": null}`)},
	{"no argument has been withdrawn by the provider", all(every("aws_eip", func(m model, path string) bool { return m.at(path, "domain") == "vpc" && m.at(path, "vpc") == nil }),
		has("network/flow-log", `{"log_group_name": null, "log_destination": "${network/flow-log-group.arn}"}`))},
}

// destroyTraps are about what a destroy could leave behind or fail at.
var destroyTraps = []row{
	{"instances stop before their log group is deleted and cannot create it again", all(after(fleet, "compute/service-log-group"), has("compute/instance-policy", `{"policy.Statement.4": {"Sid": "NoLogGroups", "Effect": "Deny",
		"Action": ["logs:CreateLogGroup", "logs:PutRetentionPolicy"], "Resource": "*"}}`))},
	{"the agent's configuration is a file", all(none("aws_ssm_parameter"), boot(`-c file:/etc/portfolio/cloudwatch-agent\.json`))},
	{"old versions of objects expire", every("aws_s3_bucket_lifecycle_configuration", func(m model, path string) bool {
		return strings.Contains(asJSON(m.at(path, "rule")), `"noncurrent_version_expiration":[{"noncurrent_days":30}]`)
	})},
}

const balancerName = `^(?:[a-hj-zA-Z0-9]|i[^n])[a-zA-Z0-9-]{0,29}[a-zA-Z0-9]$`

func plainDescription(m model, path string) bool {
	return regexp.MustCompile(`^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}$`).MatchString(m.text(path, "description"))
}

func waitsForInternet(m model, path string) bool { return m.needs(path)["network/internet-gateway"] }

func without(arguments ...string) func(m model, path string) bool {
	return func(m model, path string) bool {
		return !slices.ContainsFunc(arguments, func(a string) bool { return m.at(path, a) != nil })
	}
}

func everyRule(pass func(m model, path string) bool) check {
	return all(every("aws_vpc_security_group_ingress_rule", pass), every("aws_vpc_security_group_egress_rule", pass))
}

// nobodyMakesLogGroups holds if no policy of ours allows logs:CreateLogGroup.
func nobodyMakesLogGroups(m model) error {
	return every("aws_iam_role_policy", func(m model, path string) bool {
		return !slices.ContainsFunc(statements(m, path), func(s any) bool {
			return dig(s, "Effect") == "Allow" && slices.Contains(list(dig(s, "Action")), "logs:CreateLogGroup")
		})
	})(m)
}
