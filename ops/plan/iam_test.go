package plan

import (
	"encoding/json"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// policyJSON is an attribute with a policy of these statements, as JSON in JSON.
func policyJSON(t *testing.T, attribute, statements string) string {
	t.Helper()
	text, err := json.Marshal(map[string]string{attribute: `{"Version":"2012-10-17","Statement":` + statements + `}`})
	require.NoError(t, err)
	return string(text)
}

func TestPoliciesThatWiden(t *testing.T) {
	const get = `[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]`
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"same, in other words":       {get, `{"Resource":["arn:aws:s3:::b/*"],"Action":["s3:getobject"],"Effect":"Allow","Sid":"x"}`, nil},
		"one more action":            {get, `[{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"}]`, []string{"allows `s3:PutObject` on `arn:aws:s3:::b/*`"}},
		"one more resource":          {get, `[{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::c/*"]}]`, []string{"allows `s3:GetObject` on `arn:aws:s3:::c/*`"}},
		"all resources":              {get, `[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]`, []string{"allows `s3:GetObject` on `*`"}},
		"all actions":                {get, `[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"}]`, []string{"allows **any action** `*` on `arn:aws:s3:::b/*`"}},
		"narrower":                   {`[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]`, get, nil},
		"narrower, by a question":    {`[{"Effect":"Allow","Action":"s3:Get?bject","Resource":"*"}]`, get, nil},
		"a star is not one letter":   {`[{"Effect":"Allow","Action":"s3:Get?","Resource":"*"}]`, `[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]`, []string{"allows `s3:Get*` on `*`"}},
		"split over two statements":  {`[{"Effect":"Allow","Action":["a:A","a:B"],"Resource":"*"}]`, `[{"Effect":"Allow","Action":"a:A","Resource":"*"},{"Effect":"Allow","Action":"a:B","Resource":"*"}]`, nil},
		"everything except":          {get, `[{"Effect":"Allow","NotAction":["iam:*"],"Resource":"*"}]`, []string{"allows `all except iam:*` on `*`"}},
		"a condition is gone":        {`[{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"Bool":{"aws:MFA":"true"}}}]`, `[{"Effect":"Allow","Action":"a:A","Resource":"*"}]`, []string{"allows `a:A` on `*`"}},
		"a condition is new":         {`[{"Effect":"Allow","Action":"a:A","Resource":"*"}]`, `[{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"Bool":{"aws:MFA":"true"}}}]`, nil},
		"a condition differs":        {`[{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"StringEquals":{"a:k":"1"}}}]`, `[{"Effect":"Allow","Action":"a:A","Resource":"*","Condition":{"StringEquals":{"a:k":["1","2"]}}}]`, []string{"allows `a:A` on `*` under a condition on `a:k`"}},
		"a deny is gone":             {`[{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]`, `[]`, []string{"no longer denies `s3:*` on `*` under a condition on `aws:SecureTransport`"}},
		"a deny is weaker":           {`[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]`, `[{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}]`, []string{"no longer denies `s3:*` on `*`"}},
		"a deny is stronger":         {`[{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}]`, `[{"Effect":"Deny","Action":"s3:*","Resource":"*"}]`, nil},
		"a principal":                {`[{"Effect":"Allow","Action":"a:A","Principal":{"Service":"ec2.amazonaws.com"}}]`, `[{"Effect":"Allow","Action":"a:A","Principal":{"Service":"ec2.amazonaws.com","AWS":["1","2"]}}]`, []string{"allows `a:A` to `AWS:1`, `AWS:2`"}},
		"anybody":                    {`[{"Effect":"Allow","Action":"a:A","Principal":{"AWS":"1"}}]`, `[{"Effect":"Allow","Action":"a:A","Principal":{"AWS":"*"}}]`, []string{"allows `a:A` to `*`: **anyone**"}},
		"anybody, in the other form": {`[{"Effect":"Allow","Action":"a:A","Principal":"*"}]`, `[{"Effect":"Allow","Action":"a:A","Principal":{"AWS":"*"}}]`, nil},
		"no statements":              {get, `null`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := ruleTest{kind: "aws_iam_role_policy", before: policyJSON(t, "policy", test.before),
				after: policyJSON(t, "policy", test.after)}
			assert.Equal(t, test.want, widens(c.change(t)))
		})
	}
}

func TestWidens(t *testing.T) {
	trust := policyJSON(t, "assume_role_policy",
		`[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]`)
	deny := policyJSON(t, "policy", `[{"Effect":"Deny","Action":"s3:*","Resource":"*","Principal":"*"}]`)
	checkRule(t, widens, map[string]ruleTest{
		"new role":              {"aws_iam_role", "", trust, "", []string{"allows `sts:AssumeRole` to `Service:ec2.amazonaws.com`"}},
		"role deleted":          {"aws_iam_role", trust, "", "", nil},
		"bucket policy deleted": {"aws_s3_bucket_policy", deny, "", "", []string{"no longer denies `s3:*` on `*` to `*`"}},
		"key deleted":           {"aws_kms_key", deny, "", "", nil},
		"not known yet":         {"aws_iam_role_policy", "", `{}`, `{"policy":true}`, []string{"`policy` is known only after the apply, so it is not compared"}},
		"not a policy":          {"aws_iam_role_policy", "", `{"policy":"{"}`, "", []string{"`policy` is not a readable policy and is not compared"}},
		"not JSON of a policy":  {"aws_iam_role_policy", "", `{"policy":"{}"}`, "", []string{"`policy` is not a readable policy and is not compared"}},
		"attached":              {"aws_iam_role_policy_attachment", "", `{"policy_arn":"arn:x"}`, "", []string{"attaches `arn:x`"}},
		"detached":              {"aws_iam_role_policy_attachment", `{"policy_arn":"arn:x"}`, "", "", nil},
		"attached to the role":  {"aws_iam_role", `{"managed_policy_arns":["arn:x"]}`, `{"managed_policy_arns":["arn:x","arn:y"]}`, "", []string{"attaches `arn:y`"}},
		"boundary removed":      {"aws_iam_role", `{"permissions_boundary":"arn:b"}`, `{}`, "", []string{"the permissions boundary changes: `arn:b` → none"}},
		"inline":                {"aws_iam_role", `{"inline_policy":[]}`, `{"inline_policy":[{"name":"n","policy":"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:A\",\"Resource\":\"*\"}}"}]}`, "", []string{"allows `a:A` on `*`"}},
		"function":              {"aws_lambda_permission", "", `{"action":"lambda:InvokeFunction","principal":"*"}`, "", []string{"allows `lambda:InvokeFunction` to `*` from **any source**"}},
		"function, from a part": {"aws_lambda_permission", "", `{"action":"lambda:InvokeFunction","principal":"s3.amazonaws.com","source_arn":"arn:s"}`, "", []string{"allows `lambda:InvokeFunction` to `s3.amazonaws.com` from `arn:s`"}},
	})
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "anything", true},
		{"s3:*", "s3:GetObject", true},
		{"s3:Get*", "s3:*", false},
		{"*Object", "s3:GetObject", true},
		{"s3:*O*t", "s3:GetObject", true},
		{"s3:Get", "s3:GetObject", false},
		{"s3:Get?bject", "s3:GetObject", true},
		{"", "", true},
		{"*", "", false}, // a policy of an identity has no principal to compare
		{"a**", "a", true},
	} {
		assert.Equal(t, test.want, matches(test.pattern, test.text), "matches(%q, %q)", test.pattern, test.text)
	}
}

// AWS reports a bucket's policy on the bucket; the configuration has it elsewhere.
func TestComputedPolicyIsNotAnAlarm(t *testing.T) {
	p := &tfjson.Plan{
		ResourceChanges: []*tfjson.ResourceChange{{Address: "aws_s3_bucket.b[0]", Type: "aws_s3_bucket",
			Name: "b", Change: &tfjson.Change{
				Actions: tfjson.Actions{tfjson.ActionCreate}, After: map[string]any{},
				AfterUnknown: map[string]any{"policy": true},
			}}},
		Config: &tfjson.Config{RootModule: &tfjson.ConfigModule{Resources: []*tfjson.ConfigResource{
			{Address: "aws_s3_bucket.b", Expressions: map[string]*tfjson.Expression{"bucket": {}}},
		}}},
	}
	assert.Empty(t, New(p).IAM)
	p.Config.RootModule.Resources[0].Expressions["policy"] = &tfjson.Expression{}
	assert.Len(t, New(p).IAM, 1)
	p.Config = nil
	assert.Len(t, New(p).IAM, 1, "unknown without a configuration")
}
