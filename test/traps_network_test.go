package test

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// securityGroupTraps are rows C1–C8.
var securityGroupTraps = []row{
	{"C1", func(m model) error {
		for _, owner := range []string{"compute/security-group", "compute/load-balancer/security-group"} {
			if !slices.ContainsFunc(m.of("aws_vpc_security_group_egress_rule"), func(path string) bool {
				return m.text(path, "security_group_id") == "${"+owner+".id}"
			}) {
				return fmt.Errorf("%s lets nothing out", owner)
			}
		}
		return nil
	}},
	{"C2", all(every("aws_security_group", without("ingress", "egress")), none("aws_security_group_rule"))},
	// Names are a contract, so a group cannot be replaced beside itself: what
	// would replace it must not move with the environment.
	{"C3", every("aws_security_group", func(m model, path string) bool {
		return !regexp.MustCompile(`test|\$`).MatchString(m.text(path, "description"))
	})},
	{"C4", everyRule(func(m model, path string) bool {
		return m.text(path, "ip_protocol") == "tcp" && m.at(path, "from_port") != nil && m.at(path, "to_port") != nil
	})},
	{"C5", everyRule(func(m model, path string) bool {
		return (m.at(path, "cidr_ipv4") == nil) != (m.at(path, "referenced_security_group_id") == nil) &&
			m.at(path, "cidr_ipv6") == nil && m.at(path, "prefix_list_id") == nil
	})},
	{"C6", every("aws_security_group", func(m model, path string) bool {
		return !slices.ContainsFunc(m.of("aws_security_group"), func(other string) bool { return m.needs(path)[other] })
	})},
	{"C7", all(everyRule(plainDescription), every("aws_security_group", func(m model, path string) bool {
		return plainDescription(m, path) && !strings.HasPrefix(m.text(path, "name"), "sg-")
	}))},
	{"C8", all(has("network/default-security-group", `{"ingress": null, "egress": null}`), func(m model) error {
		for path := range m.Blocks {
			if m.needs(path)["network/default-security-group"] {
				return fmt.Errorf("%s uses the default security group", path)
			}
		}
		return nil
	})},
}

// loadBalancerTraps are rows D1–D21.
var loadBalancerTraps = []row{
	{"D1", after(balancer, "database/logs/policy", "database/logs/public-access")},
	{"D2", func(m model) error {
		text := asJSON(m.at("database/logs/policy", "policy"))
		if !strings.Contains(text, `{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}`) {
			return errors.New("load balancers may not write logs")
		}
		if wrong := regexp.MustCompile(`"(delivery\.logs|logdelivery\.elb)\.amazonaws\.com"`).FindString(text); wrong != "" {
			return fmt.Errorf("principal %s is another service's", wrong)
		}
		return nil
	}},
	{"D3", func(m model) error {
		prefix := m.text(balancer, "access_logs.prefix")
		if strings.Contains(prefix, "AWSLogs") || strings.Trim(prefix, "/") != prefix || prefix == "" {
			return fmt.Errorf("prefix %q", prefix)
		}
		return has("database/logs/policy", `{"policy.Statement.1.Sid": "LoadBalancerLogs", "policy.Statement.1.Resource":
			"arn:aws:s3:::portfolio-logs-test-${account.account_id}/`+prefix+`/AWSLogs/${account.account_id}/*"}`)(m)
	}},
	{"D4", has("database/logs/encryption", `{"rule.0.apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}`)},
	{"D8", every("aws_lb_target_group", func(m model, path string) bool { // a fixed name and create-before-destroy exclude each other
		return m.text(path, "name") != "" && m.at(path, "lifecycle.create_before_destroy") == nil
	})},
	{"D10", has(targets, `{"health_check.path": "/health", "health_check.matcher": "200", "health_check.protocol": "HTTP"}`)},
	{"D13", func(m model) error {
		return equal(dig(m.Stack, "terraform", "required_providers", "aws", "version"), `">= 5.99.1, < 6.0.0"`)
	}},
	{"D14", all(matches(balancer, "name", balancerName), matches(targets, "name", balancerName))},
	{"D16", has(balancer, `{"access_logs.enabled": true}`)},
	{"D17", func(m model) error {
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
	{"D19", has(targets, `{"stickiness.enabled": true, "stickiness.type": "lb_cookie"}`)},
	{"D21", has(balancer, `{"desync_mitigation_mode": "defensive", "drop_invalid_header_fields": true}`)},
}

// certificateTraps are the rows of part D that need a domain of its own.
var certificateTraps = []row{
	{"D5", has("compute/load-balancer/https", `{"certificate_arn": "${compute/load-balancer/certificate-issued.certificate_arn}"}`)},
	{"D6", has("compute/load-balancer/certificate-issued", `{"timeouts.create": "15m"}`)},
	{"D7", all(has("compute/load-balancer/certificate", `{"subject_alternative_names": null}`),
		has("compute/load-balancer/certificate-proof", `{"allow_overwrite": true, "for_each": null,
			"name": "${tolist(compute/load-balancer/certificate.domain_validation_options).0.resource_record_name}"}`))},
	{"D15", has("compute/load-balancer/https", `{"ssl_policy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}`)},
	{"D18", has("compute/load-balancer/http", `{"default_action": [{"type": "redirect",
		"redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}}]}`)},
	{"D20", has("compute/load-balancer/alias", `{"ttl": null, "records": null, "alias": {"evaluate_target_health": true,
		"name": "${compute/load-balancer/alb.dns_name}", "zone_id": "${compute/load-balancer/alb.zone_id}"}}`)},
}

// networkTraps are rows F2–F11.
var networkTraps = []row{
	{"F2", all(has("network/zones", `{"state": "available", "filter": [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]}`),
		every("aws_subnet", func(m model, path string) bool {
			return asJSON(m.at(path, "lifecycle.ignore_changes")) == `["availability_zone"]`
		}))},
	{"F3", every("aws_subnet", func(m model, path string) bool {
		return regexp.MustCompile(`^\$\{element\(network/zones\.names, [01]\)\}$`).MatchString(m.text(path, "availability_zone"))
	})},
	{"F4", all(every("aws_eip", waitsForInternet), every("aws_nat_gateway", waitsForInternet), every("aws_lb", waitsForInternet))},
	{"F5", has("network/s3-endpoint", `{"policy": null}`)},
	{"F6", all(has("network/s3-endpoint", `{"route_table_ids": ["${network/private-routes-a.id}", "${network/private-routes-b.id}"]}`),
		has("compute/out-https", `{"cidr_ipv4": "0.0.0.0/0"}`))},
	{"F7", all(has("network/flow-log-role", `{"assume_role_policy.Statement.0.Principal": {"Service": "vpc-flow-logs.amazonaws.com"}}`),
		has("network/flow-log-policy", `{"policy.Statement": [
			{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
				"Resource": ["${network/flow-log-group.arn}", "${network/flow-log-group.arn}:*"]},
			{"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}]}`),
		after("network/flow-log", "network/flow-log-policy"))},
	{"F8", nobodyMakesLogGroups},
	{"F9", all(every("aws_route_table", without("route")), none("aws_vpc_endpoint_route_table_association"))},
	{"F10", has("network/flow-log", `{"log_format": null}`)},
	{"F11", all(every("aws_eip", func(m model, path string) bool { return m.at(path, "domain") == "vpc" && m.at(path, "vpc") == nil }),
		has("network/flow-log", `{"log_group_name": null, "log_destination": "${network/flow-log-group.arn}"}`))},
}

// destroyTraps are rows G1–G7.
var destroyTraps = []row{
	{"G1", all(after(fleet, "compute/service-log-group"), has("compute/instance-policy", `{"policy.Statement.4": {"Sid": "NoLogGroups", "Effect": "Deny",
		"Action": ["logs:CreateLogGroup", "logs:PutRetentionPolicy"], "Resource": "*"}}`))},
	{"G2", all(none("aws_ssm_parameter"), boot(`-c file:/etc/portfolio/cloudwatch-agent\.json`))},
	{"G7", every("aws_s3_bucket_lifecycle_configuration", func(m model, path string) bool {
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

// nobodyMakesLogGroups holds when no policy of ours allows logs:CreateLogGroup.
func nobodyMakesLogGroups(m model) error {
	return every("aws_iam_role_policy", func(m model, path string) bool {
		return !slices.ContainsFunc(statements(m, path), func(s any) bool {
			return dig(s, "Effect") == "Allow" && slices.Contains(list(dig(s, "Action")), "logs:CreateLogGroup")
		})
	})(m)
}
