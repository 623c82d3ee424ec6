package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// policyAttributes hold policy documents, whatever the type of the resource.
var policyAttributes = []string{"access_policies", "access_policy", "assume_role_policy", "policy"}

// widens lists the rights that a change grants beyond those of today.
func widens(c change) []string {
	if c.verb == forgotten || c.adopted() {
		return nil
	}
	var list []string
	for _, name := range policyAttributes {
		if c.carries(name) && c.changed(name) && !c.computed(name) {
			list = append(list, comparePolicies(name, c.was(name), c.will(name))...)
		}
	}
	list = append(list, inlinePolicies(c)...)
	list = append(list, attachments(c)...)
	return list
}

// carries reports whether an attribute exists on a side that matters. The policy of
// what is deleted with it (a key, a role) no longer protects anything.
func (c change) carries(name string) bool {
	if c.verb == deleted {
		return c.was(name).v != nil && strings.HasSuffix(c.kind, "_policy")
	}
	return c.was(name).v != nil || c.will(name).v != nil || c.will(name).unknown
}

// computed reports whether AWS sets an attribute and the configuration does not: a bucket
// reports the policy that a separate resource sets.
func (c change) computed(name string) bool {
	return c.will(name).unknown && c.configured != nil && c.configured[name] == nil
}

func comparePolicies(name string, was, will value) []string {
	if was.sensitive || will.sensitive {
		return []string{fmt.Sprintf("%s is sensitive, so it is not compared", code(name))}
	}
	if will.unknown {
		return []string{fmt.Sprintf("%s is known only after the apply, so it is not compared", code(name))}
	}
	before, errBefore := statementsOf(was)
	after, errAfter := statementsOf(will)
	if errBefore != nil || errAfter != nil {
		return []string{fmt.Sprintf("%s is not a readable policy and is not compared", code(name))}
	}
	var list []string
	for _, s := range added(before, after, "Allow") {
		list = append(list, "allows "+s.text())
	}
	for _, s := range added(after, before, "Deny") {
		list = append(list, "no longer denies "+s.text())
	}
	return list
}

func statementsOf(v value) ([]statement, error) {
	text, _ := v.v.(string)
	if text == "" {
		return nil, nil
	}
	return parsePolicy(text)
}

func (s statement) text() string {
	actions := slices.Clone(s.actions)
	// The widest first, because codes names only the first ones.
	slices.SortStableFunc(actions, func(a, b string) int { return strings.Count(b, "*") - strings.Count(a, "*") })
	text := codes(actions)
	if slices.Contains(s.actions, "*") {
		text = "**any action** " + text
	}
	if len(s.resources) > 0 {
		text += " on " + codes(s.resources)
	}
	if len(s.principals) > 0 {
		text += " to " + codes(s.principals)
	}
	if slices.Contains(s.principals, "*") && len(s.condition) == 0 && s.effect == "Allow" {
		text += ": **anyone**"
	}
	if keys := s.conditionKeys(); len(keys) > 0 {
		text += " under a condition on " + codes(keys)
	}
	return text
}

func (s statement) conditionKeys() []string {
	names := map[string]bool{}
	for _, keys := range s.condition {
		byKey, _ := keys.(map[string]any)
		for key := range byKey {
			names[key] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// inlinePolicies compares the policies inside a role, by their names.
func inlinePolicies(c change) []string {
	if c.kind != "aws_iam_role" || c.verb == deleted {
		return nil
	}
	if v := c.will("inline_policy"); v.unknown && c.verb != created {
		return []string{"`inline_policy` is known only after the apply, so it is not compared"}
	}
	before := map[string]value{}
	for i := range c.was("inline_policy").list() {
		before[c.was("inline_policy", i, "name").text()] = c.was("inline_policy", i, "policy")
	}
	var list []string
	for i := range c.will("inline_policy").list() {
		name := c.will("inline_policy", i, "name").text()
		if policy := c.will("inline_policy", i, "policy"); policy.v != nil {
			list = append(list, comparePolicies("inline_policy "+name, before[name], policy)...)
		}
	}
	return list
}

// attachments lists rights that are granted by naming them.
func attachments(c change) []string {
	var list []string
	switch c.kind {
	case "aws_iam_role_policy_attachment", "aws_iam_user_policy_attachment", "aws_iam_group_policy_attachment",
		"aws_iam_policy_attachment":
		if c.verb != deleted && c.changed("policy_arn") {
			list = append(list, "attaches "+c.will("policy_arn").shown())
		}
	case "aws_lambda_permission":
		if c.verb != deleted && (c.changed("principal") || c.changed("source_arn") || c.changed("action")) {
			list = append(list, lambdaPermission(c))
		}
	case "aws_iam_role", "aws_iam_user":
		was := texts(c.was("managed_policy_arns").v)
		for _, arn := range texts(c.will("managed_policy_arns").v) {
			if !slices.Contains(was, arn) {
				list = append(list, "attaches "+code(arn))
			}
		}
		if c.verb != deleted && c.was("permissions_boundary").text() != "" && c.changed("permissions_boundary") {
			list = append(list, fmt.Sprintf("the permissions boundary changes: %s → %s",
				c.was("permissions_boundary").shown(), c.will("permissions_boundary").shown()))
		}
	}
	return list
}

func lambdaPermission(c change) string {
	text := fmt.Sprintf("allows %s to %s", c.will("action").shown(), c.will("principal").shown())
	if source := c.will("source_arn"); source.v != nil || source.unknown {
		return text + " from " + source.shown()
	}
	return text + " from **any source**"
}
