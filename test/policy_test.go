package test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// policyStatement is one statement of a policy as IAM evaluates it.
type policyStatement struct {
	Sid, Effect                              string
	Action, NotAction, Resource, NotResource values
	Principal                                map[string]string
	Condition                                map[string]map[string]values
}

// values is one string or a list of them.
type values []string

func (v *values) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*v = values{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// request is a request that IAM authorizes. Context holds condition keys, without those
// that a real request would not have.
type request struct {
	Action, Resource string
	Context          map[string]values
}

// statementsOf reads a policy document.
func statementsOf(t *testing.T, text string) []policyStatement {
	t.Helper()
	var document struct{ Statement []policyStatement }
	require.NoError(t, json.Unmarshal([]byte(text), &document), text)
	return document.Statement
}

// allows evaluates identity policies: a statement allows the request and none denies it.
func allows(policy []policyStatement, r request) bool {
	allowed := false
	for _, s := range policy {
		if !s.applies(r) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = true
	}
	return allowed
}

func (s policyStatement) applies(r request) bool {
	action, resource := anyLike(s.Action, strings.ToLower(r.Action), true), anyLike(s.Resource, r.Resource, false)
	if s.NotAction != nil {
		action = !anyLike(s.NotAction, strings.ToLower(r.Action), true)
	}
	if s.NotResource != nil {
		resource = !anyLike(s.NotResource, r.Resource, false)
	}
	if !action || !resource {
		return false
	}
	for operator, keys := range s.Condition {
		for key, want := range keys {
			if !holds(operator, r.Context[key], want) {
				return false
			}
		}
	}
	return true
}

// holds evaluates one condition. For a key that the request does not have, operators
// with Not and with ForAllValues hold, those with ForAnyValue do not.
func holds(operator string, got, want values) bool {
	equal := func(v string) bool { return slices.Contains(want, v) }
	like := func(v string) bool { return anyLike(want, v, false) }
	switch operator {
	case "StringEquals":
		return slices.ContainsFunc(got, equal)
	case "StringLike":
		return slices.ContainsFunc(got, like)
	case "StringNotEquals":
		return !slices.ContainsFunc(got, equal)
	case "StringNotLike":
		return !slices.ContainsFunc(got, like)
	case "ForAnyValue:StringNotLike":
		return slices.ContainsFunc(got, func(v string) bool { return !like(v) })
	case "ForAnyValue:StringLike":
		return slices.ContainsFunc(got, like)
	case "ForAllValues:StringLike":
		return !slices.ContainsFunc(got, func(v string) bool { return !like(v) })
	case "ForAllValues:StringEquals":
		return !slices.ContainsFunc(got, func(v string) bool { return !equal(v) })
	case "Null":
		return want[0] == fmt.Sprint(got == nil)
	}
	panic("condition operator " + operator) // not implemented here
}

// anyLike matches IAM's patterns: * is any text, including slashes, and ? any character.
func anyLike(patterns values, text string, fold bool) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if fold {
			pattern = strings.ToLower(pattern)
		}
		return compiled(pattern).MatchString(text)
	})
}

// patterns are compiled once: the tests match the same ones thousands of times.
var patterns = map[string]*regexp.Regexp{}

func compiled(pattern string) *regexp.Regexp {
	if patterns[pattern] == nil {
		quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		patterns[pattern] = regexp.MustCompile(`^` + quoted + `$`)
	}
	return patterns[pattern]
}

func TestPolicyEvaluation(t *testing.T) {
	policy := statementsOf(t, `{"Statement": [
		{"Effect": "Allow", "Action": "s3:Get*", "Resource": ["a/*", "b?"]},
		{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"StringLike": {"tag": ["pr1*"]}}},
		{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"tag": "pr*"}, "Null": {"tag": "false"}}},
		{"Effect": "Deny", "NotAction": "s3:GetObject", "NotResource": ["a/*", "b?", "k"]}
	]}`)
	for _, c := range []struct {
		want             bool
		action, resource string
		tag              values
	}{
		{true, "s3:GetObject", "a/b/c", nil},
		{true, "S3:getobject", "a/b/c", nil},
		{true, "s3:GetObject", "b1", nil},
		{false, "s3:GetObject", "b12", nil},
		{false, "s3:PutObject", "a/b", nil},
		{false, "s3:GetObject", "a/b", values{"dev"}},
		{true, "s3:GetObject", "a/b", values{"pr2"}},
		{true, "kms:Decrypt", "k", values{"pr12"}},
		{false, "kms:Decrypt", "k", values{"pr2"}},
		{false, "kms:Decrypt", "k", nil},
		{false, "kms:Decrypt", "z", values{"pr12"}},
	} {
		r := request{c.action, c.resource, map[string]values{"tag": c.tag}}
		if c.tag == nil {
			delete(r.Context, "tag")
		}
		require.Equal(t, c.want, allows(policy, r), "allows(%v)", r)
	}
}
