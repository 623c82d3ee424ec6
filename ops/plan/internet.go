package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// opening is traffic that a security group allows to or from the internet.
type opening struct {
	direction string // "in" or "out"
	cidr      string
	protocol  string // "-1" is all
	from, to  int64
}

// internet lists what a change opens that was not open before.
func internet(c change) []string {
	var texts []string
	if c.verb == deleted || c.verb == forgotten {
		return closedBlocks(c)
	}
	before := openings(c.kind, c.was)
	for _, o := range openings(c.kind, c.will) {
		if !slices.ContainsFunc(before, o.within) {
			texts = append(texts, o.text())
		}
	}
	for _, name := range cidrAttributes[c.kind] {
		if c.will(name).unknown {
			texts = append(texts, fmt.Sprintf("%s is known only after the apply: check it", code(name)))
		}
	}
	texts = append(texts, closedBlocks(c)...)
	for _, e := range exposures {
		if slices.Contains(e.kinds, c.kind) && e.is(c.will) && !e.is(c.was) {
			texts = append(texts, e.text)
		}
	}
	return texts
}

// cidrAttributes name where the types of this platform keep address ranges.
var cidrAttributes = map[string][]string{
	"aws_vpc_security_group_ingress_rule": {"cidr_ipv4", "cidr_ipv6"},
	"aws_vpc_security_group_egress_rule":  {"cidr_ipv4", "cidr_ipv6"},
	"aws_security_group_rule":             {"cidr_blocks", "ipv6_cidr_blocks"},
}

type side = func(path ...any) value

// exposures are settings that make a resource reachable from the internet.
var exposures = []struct {
	kinds []string
	text  string
	is    func(side) bool
}{
	{[]string{"aws_db_instance", "aws_rds_cluster_instance"}, "**the database gets a public address**",
		func(s side) bool { return s("publicly_accessible").isTrue() }},
	{[]string{"aws_lb"}, "the load balancer faces the internet",
		func(s side) bool { v := s("internal"); return v.unknown || fmt.Sprint(v.v) == "false" }},
	{[]string{"aws_subnet"}, "instances get public addresses automatically",
		func(s side) bool { return s("map_public_ip_on_launch").isTrue() }},
	{[]string{"aws_instance"}, "the instance gets a public address",
		func(s side) bool { return s("associate_public_ip_address").isTrue() }},
	{[]string{"aws_launch_template"}, "instances get a public address",
		func(s side) bool { return s("network_interfaces", 0, "associate_public_ip_address").isTrue() }},
	{[]string{"aws_lambda_function_url"}, "**anyone may call the function**",
		func(s side) bool { return s("authorization_type").text() == "NONE" }},
	{[]string{"aws_s3_bucket_acl", "aws_s3_bucket"}, "**anyone may read the bucket**",
		func(s side) bool { return strings.HasPrefix(s("acl").text(), "public-") }},
	{[]string{"aws_route"}, "a subnet gets a route to and from the internet",
		func(s side) bool {
			way := s("gateway_id")
			wide := isWide(s("destination_cidr_block").text()) || isWide(s("destination_ipv6_cidr_block").text())
			return wide && (way.unknown || strings.HasPrefix(way.text(), "igw-"))
		}},
	{[]string{"aws_apigatewayv2_api", "aws_api_gateway_rest_api"}, "an API that the internet can reach",
		func(s side) bool { return s("name").v != nil }},
}

// closedBlocks finds the public access blocks of buckets that are switched off.
func closedBlocks(c change) []string {
	if c.kind != "aws_s3_bucket_public_access_block" && c.kind != "aws_s3_account_public_access_block" {
		return nil
	}
	var off []string
	for _, name := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls",
		"restrict_public_buckets"} {
		fell := c.verb == created || c.was(name).isTrue()
		if v := c.will(name); fell && !v.isTrue() && !v.unknown {
			off = append(off, name)
		}
	}
	if len(off) == 0 {
		return nil
	}
	return []string{"**public access block off**: " + codes(off)}
}

func openings(kind string, s side) []opening {
	var list []opening
	add := func(direction, protocol string, from, to value, cidrs ...value) {
		first, _ := from.number()
		last, _ := to.number()
		for _, cidr := range cidrs {
			if isWide(cidr.text()) {
				list = append(list, opening{direction, cidr.text(), protocol, first, last})
			}
		}
	}
	switch kind {
	case "aws_vpc_security_group_ingress_rule":
		add("in", s("ip_protocol").text(), s("from_port"), s("to_port"), s("cidr_ipv4"), s("cidr_ipv6"))
	case "aws_vpc_security_group_egress_rule":
		add("out", s("ip_protocol").text(), s("from_port"), s("to_port"), s("cidr_ipv4"), s("cidr_ipv6"))
	case "aws_security_group_rule":
		direction := map[string]string{"ingress": "in", "egress": "out"}[s("type").text()]
		add(direction, s("protocol").text(), s("from_port"), s("to_port"),
			elements(s, "cidr_blocks", "ipv6_cidr_blocks")...)
	case "aws_security_group", "aws_default_security_group":
		for block, direction := range map[string]string{"ingress": "in", "egress": "out"} {
			for i := range s(block).list() {
				rule := func(path ...any) value { return s(append([]any{block, i}, path...)...) }
				add(direction, rule("protocol").text(), rule("from_port"), rule("to_port"),
					elements(rule, "cidr_blocks", "ipv6_cidr_blocks")...)
			}
		}
	}
	slices.SortFunc(list, func(a, b opening) int { return strings.Compare(a.text(), b.text()) })
	return list
}

func elements(s side, names ...string) []value {
	var values []value
	for _, name := range names {
		for i := range s(name).list() {
			values = append(values, s(name, i))
		}
	}
	return values
}

// isWide reports whether a range is the internet or a large part of it: two of /1 are
// all of it.
func isWide(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err == nil && prefix.Bits() < 8
}

// within reports whether another rule already allowed the traffic.
func (o opening) within(before opening) bool {
	if o.direction != before.direction || o.cidr != before.cidr {
		return false
	}
	return before.protocol == "-1" || o.protocol == before.protocol && before.from <= o.from && o.to <= before.to
}

func (o opening) text() string {
	ports := fmt.Sprintf("%s %d–%d", o.protocol, o.from, o.to)
	switch {
	case o.protocol == "-1":
		ports = "everything"
	case o.from == o.to:
		ports = fmt.Sprintf("%s %d", o.protocol, o.from)
	}
	if o.direction == "out" {
		return fmt.Sprintf("out to %s: %s", code(o.cidr), ports)
	}
	return fmt.Sprintf("**in from %s: %s**", code(o.cidr), ports)
}
