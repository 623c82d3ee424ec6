package test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// row is one line of the specification or of the traps.
type row struct {
	Name  string
	Holds check
}

// networkSpecification is the VPC and its security group rules.
var networkSpecification = []row{
	{"VPC", has("network/vpc", `{"cidr_block": "172.32.0.0/16", "enable_dns_support": true, "enable_dns_hostnames": true,
		"tags": {"Name": "portfolio-vpc-test"}}`)},
	{"zones from the data source", has("network/zones", `{"state": "available"}`)},
	{"public subnets", all(subnet("public", 1, "a", "172.32.1.0/24"), subnet("public", 2, "b", "172.32.2.0/24"))},
	{"private subnets", all(subnet("private", 1, "a", "172.32.11.0/24"), subnet("private", 2, "b", "172.32.12.0/24"))},
	{"four subnets and no more", counts(map[string]int{"aws_subnet": 4, "aws_vpc": 1, "aws_internet_gateway": 1})},
	{"internet gateway", has("network/internet-gateway", `{"vpc_id": "${network/vpc.id}"}`)},
	{"an address and a NAT gateway per public subnet", all(nat("a"), nat("b"), counts(map[string]int{"aws_nat_gateway": 2, "aws_eip": 2}))},
	{"one public route table", all(
		has("network/public-internet", `{"route_table_id": "${network/public-routes.id}", "destination_cidr_block": "0.0.0.0/0", "gateway_id": "${network/internet-gateway.id}"}`),
		associated("public-a", "public-routes"), associated("public-b", "public-routes"))},
	{"a private route table per zone", all(privateRoute("a", "a"), privateRoute("b", "b"),
		associated("private-a", "private-routes-a"), associated("private-b", "private-routes-b"),
		counts(map[string]int{"aws_route_table": 3, "aws_route": 3, "aws_route_table_association": 4}))},
	{"S3 gateway endpoint", has("network/s3-endpoint", `{"vpc_endpoint_type": "Gateway", "service_name": "com.amazonaws.us-east-1.s3",
		"vpc_id": "${network/vpc.id}", "route_table_ids": ["${network/private-routes-a.id}", "${network/private-routes-b.id}"]}`)},
	{"default security group adopted and emptied", has("network/default-security-group",
		`{"vpc_id": "${network/vpc.id}", "ingress": null, "egress": null}`)},
	{"flow logs to a group with retention", all(
		has("network/flow-log", `{"vpc_id": "${network/vpc.id}", "traffic_type": "ALL",
			"log_destination": "${network/flow-log-group.arn}", "iam_role_arn": "${network/flow-log-role.arn}"}`),
		has("network/flow-log-group", `{"name": "/portfolio/portfolio-flow-logs-test", "retention_in_days": 30}`))},
	{"security groups", all(
		group("compute/load-balancer/security-group", "portfolio-alb-sg-test"),
		group("compute/security-group", "portfolio-ec2-sg-test"),
		group("database/security-group", "portfolio-db-sg-test"),
		group("database/cache/security-group", "portfolio-cache-sg-test"),
		counts(map[string]int{"aws_security_group": 4, "aws_default_security_group": 1}))},
	{"security group rules, no more and no fewer", rulesAre(
		"in 80-80 compute/load-balancer/security-group 0.0.0.0/0",
		"in 443-443 compute/load-balancer/security-group 0.0.0.0/0",
		"out 80-80 compute/load-balancer/security-group ${compute/security-group.id}",
		"in 80-80 compute/security-group ${compute/load-balancer/security-group.id}",
		"out 443-443 compute/security-group 0.0.0.0/0",
		"out 5432-5432 compute/security-group 172.32.0.0/16",
		"out 6379-6380 compute/security-group 172.32.0.0/16",
		"in 5432-5432 database/security-group 172.32.0.0/16",
		"in 6379-6380 database/cache/security-group 172.32.0.0/16",
	)},
	{"a description on each rule and group", all(
		every("aws_vpc_security_group_ingress_rule", described), every("aws_vpc_security_group_egress_rule", described),
		every("aws_security_group", described))},
}

func subnet(tier string, number int, letter, cidr string) check {
	return has("network/"+tier+"-"+letter, fmt.Sprintf(`{"vpc_id": "${network/vpc.id}", "cidr_block": %q,
		"availability_zone": "${sort(setintersection(network/zones.names, network/offers.locations))[%d]}", "map_public_ip_on_launch": false,
		"tags": {"Name": "portfolio-%s-%d-test", "Type": %q}}`, cidr, number-1, tier, number, tier))
}

func nat(letter string) check {
	return all(
		has("network/nat-address-"+letter, `{"domain": "vpc"}`),
		has("network/nat-"+letter, fmt.Sprintf(`{"allocation_id": "${network/nat-address-%s.id}", "subnet_id": "${network/public-%s.id}"}`, letter, letter)))
}

func privateRoute(letter, natLetter string) check {
	return has("network/private-internet-"+letter, fmt.Sprintf(`{"route_table_id": "${network/private-routes-%s.id}",
		"destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "${network/nat-%s.id}"}`, letter, natLetter))
}

func associated(subnet, table string) check {
	return has("network/"+subnet+"-association",
		fmt.Sprintf(`{"subnet_id": "${network/%s.id}", "route_table_id": "${network/%s.id}"}`, subnet, table))
}

func group(path, name string) check {
	return has(path, fmt.Sprintf(`{"name": %q, "vpc_id": "${network/vpc.id}", "tags": {"Name": %q}}`, name, name))
}

func described(m model, path string) bool { return m.text(path, "description") != "" }

// counts holds if there are exactly this many resources of each kind.
func counts(want map[string]int) check {
	return func(m model) error {
		for kind, number := range want {
			if paths := m.of(kind); len(paths) != number {
				return fmt.Errorf("%s: got %v, want %d", kind, paths, number)
			}
		}
		return nil
	}
}

// rulesAre holds if the security group rules are exactly these, each "direction from-to
// group peer"; all are TCP.
func rulesAre(want ...string) check {
	slices.Sort(want)
	return func(m model) error {
		var got []string
		for kind, direction := range map[string]string{"aws_vpc_security_group_ingress_rule": "in",
			"aws_vpc_security_group_egress_rule": "out"} {
			for _, path := range m.of(kind) {
				if m.text(path, "ip_protocol") != "tcp" {
					return fmt.Errorf("%s: protocol %v", path, m.at(path, "ip_protocol"))
				}
				owner := strings.TrimSuffix(strings.TrimPrefix(m.text(path, "security_group_id"), "${"), ".id}")
				got = append(got, fmt.Sprintf("%s %v-%v %s %s", direction, m.at(path, "from_port"),
					m.at(path, "to_port"), owner,
					m.text(path, "cidr_ipv4")+m.text(path, "referenced_security_group_id")))
			}
		}
		slices.Sort(got)
		if !reflect.DeepEqual(got, want) {
			return fmt.Errorf("rules: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		return none("aws_security_group_rule")(m)
	}
}
