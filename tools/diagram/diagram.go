package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// part is a box. It stands for every resource whose construct path begins with one of
// Paths, unless another part has a longer prefix of that path.
type part struct {
	ID, Label, Shape string
	Paths            []string
}

// The parts of the platform. Resources that belong to no part (keys, log groups, routes)
// are left out for clarity.
var parts = []part{
	{"api", "API Gateway\nWebSocket API", "", []string{"api/", "api/handler-integration"}},
	{"handler", "Lambda\nWebSocket handler", "", []string{"api/handler"}},
	{"vpc.public.alb", "Application Load Balancer", "", []string{"compute/load-balancer/"}},
	{"vpc.public.nat", "NAT gateways", "", []string{"network/nat-"}},
	{"vpc.private.instances", "Auto Scaling group\nservice instances", "", []string{"compute/"}},
	{"vpc.private.postgres", "RDS\nPostgreSQL", "cylinder", []string{"database/primary", "database/security-group", "database/in-"}},
	{"vpc.private.replica", "RDS\nread replica", "cylinder", []string{"database/replica"}},
	{"vpc.private.valkey", "ElastiCache Serverless\nValkey", "cylinder", []string{"database/cache/"}},
	{"history", "S3\nhistory", "stored_data", []string{"database/history/"}},
	{"logs", "S3\naccess logs", "stored_data", []string{"database/logs/"}},
	{"artifacts", "S3\nbinaries", "stored_data", []string{"compute/artifacts/", "compute/service-binary"}},
	{"credentials", "Secrets Manager\ndatabase user", "page", []string{"database/credentials/"}},
	{"signing", "Secrets Manager\nsigning key", "page", []string{"compute/signing-key/"}},
	{"alarms", "CloudWatch\nalarms and dashboard", "", []string{"monitoring/"}},
	{"topic", "SNS\nalarm topic", "queue", []string{"monitoring/topic"}},
}

// resource is one block of the stack.
type resource struct {
	address, path, kind string
	text                string // its JSON without depends_on
	part                string // "" for none
	block               map[string]any
}

// stack is the part of a cdk.tf.json that is read.
type stack struct{ resources []resource }

func parse(text []byte) (stack, error) {
	var raw struct {
		Resource map[string]map[string]map[string]any
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return stack{}, err
	}
	var s stack
	for kind, named := range raw.Resource {
		for name, block := range named {
			remark, _ := block["//"].(map[string]any)
			metadata, _ := remark["metadata"].(map[string]any)
			path, _ := metadata["path"].(string)
			_, path, _ = strings.Cut(path, "/")
			delete(block, "//")
			delete(block, "depends_on")
			text, err := json.Marshal(block)
			if err != nil {
				return stack{}, err
			}
			s.resources = append(s.resources,
				resource{kind + "." + name, path, kind, string(text), partOf(path), block})
		}
	}
	slices.SortFunc(s.resources, func(a, b resource) int { return strings.Compare(a.path, b.path) })
	return s, nil
}

func partOf(path string) string {
	best, id := "", ""
	for _, p := range parts {
		for _, prefix := range p.Paths {
			if strings.HasPrefix(path, prefix) && len(prefix) > len(best) {
				best, id = prefix, p.ID
			}
		}
	}
	return id
}

// edge is an arrow from a part to one that it refers to or may connect to.
type edge struct{ from, to, label string }

// skipped are resources whose references are not drawn: egress rules and load
// balancers' rules repeat ingress rules, and a function's permission repeats what its
// caller refers to.
var skipped = map[string]bool{"aws_vpc_security_group_egress_rule": true, "aws_lambda_permission": true}

var reference = regexp.MustCompile(`[a-z0-9_]+\.[A-Za-z0-9_-]+`)

// edges returns the references between parts. Instead of references to security groups
// it returns their rules, which have a port and a direction.
func (s stack) edges() []edge {
	owner, kinds := map[string]string{}, map[string]string{}
	for _, r := range s.resources {
		owner[r.address], kinds[r.address] = r.part, r.kind
	}
	found := map[edge]bool{}
	for _, r := range s.resources {
		if role, _ := r.block["role"].(string); r.kind == "aws_iam_role_policy" {
			r.part = owner[reference.FindString(role)] // a role's rights are drawn from its owner
		}
		if r.kind == "aws_vpc_security_group_ingress_rule" {
			found[s.admitted(r, owner)] = true
			continue
		}
		if skipped[r.kind] {
			continue
		}
		for _, address := range reference.FindAllString(r.text, -1) {
			to, known := owner[address]
			if known && to != "" && r.part != "" && to != r.part && kinds[address] != "aws_security_group" {
				found[edge{r.part, to, ""}] = true
			}
		}
	}
	delete(found, edge{})
	for e := range found { // an edge with a port replaces references in both directions
		if e.label != "" {
			delete(found, edge{e.from, e.to, ""})
			delete(found, edge{e.to, e.from, ""})
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b edge) int {
		return strings.Compare(a.from+" "+a.to+" "+a.label, b.from+" "+b.to+" "+b.label)
	})
}

// admitted returns an edge from the source that a rule admits: the owner of a security
// group, the VPC or the internet.
func (s stack) admitted(rule resource, owner map[string]string) edge {
	from := "internet"
	if group, _ := rule.block["referenced_security_group_id"].(string); group != "" {
		from = owner[reference.FindString(group)]
	} else if cidr, _ := rule.block["cidr_ipv4"].(string); cidr != "0.0.0.0/0" {
		from = "vpc.private.instances" // the only clients in the VPC
	}
	ports := fmt.Sprint(rule.block["from_port"])
	if last := fmt.Sprint(rule.block["to_port"]); last != ports {
		ports += "–" + last
	}
	return edge{from, rule.part, ports}
}

// source renders the stack in the language of D2.
func (s stack) source() string {
	var b strings.Builder
	b.WriteString("# Generated by make diagram from the synthesized stack.\n" +
		"direction: right\ninternet: Internet {shape: cloud}\n")
	fmt.Fprintf(&b, "vpc: %q {\n  public: %q\n  private: %q\n}\n",
		"VPC "+s.value("network/vpc", "cidr_block"), s.subnets("public"), s.subnets("private"))
	for _, p := range parts {
		n := 0
		for _, r := range s.resources {
			if r.part == p.ID {
				n++
			}
		}
		if n == 0 {
			continue
		}
		shape := ""
		if p.Shape != "" {
			shape = " {shape: " + p.Shape + "}"
		}
		fmt.Fprintf(&b, "%s: %q%s\n", p.ID, p.Label, shape)
	}
	b.WriteString("internet -> api: wss\n")
	for _, e := range s.edges() {
		label := ""
		switch {
		case e.label != "":
			label = ": " + e.label
		case e.from == "alarms": // it refers to nearly everything
			label = ": {style: {stroke-dash: 3; opacity: 0.4}}"
		}
		fmt.Fprintf(&b, "%s -> %s%s\n", e.from, e.to, label)
	}
	return b.String()
}

func (s stack) value(path, name string) string {
	for _, r := range s.resources {
		if r.path == path {
			v, _ := r.block[name].(string)
			return v
		}
	}
	return ""
}

// subnets returns the label of a tier's subnets, with their CIDR blocks.
func (s stack) subnets(tier string) string {
	var blocks []string
	for _, r := range s.resources {
		if r.kind == "aws_subnet" && strings.HasPrefix(r.path, "network/"+tier) {
			v, _ := r.block["cidr_block"].(string)
			blocks = append(blocks, v)
		}
	}
	return fmt.Sprintf("%d %s subnets, one per zone\n%s", len(blocks), tier, strings.Join(blocks, ", "))
}
