package plan

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	databaseName = "database_primary_D3810515"
	templateName = "compute_launch-template_F00EA28D"
	policyName   = "api_handler-policy_27301A44"
)

// stack.tf.json is a part of this platform's synthesized stack; each case edits it.
func TestCompareCards(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(s stack)
		want Status
	}{
		"same":   {func(stack) {}, Nothing},
		"remark": {func(s stack) { s["//"] = map[string]any{"metadata": "other"} }, Nothing},
		"change": {func(s stack) {
			s.resource("aws_db_instance", databaseName)["instance_class"] = "db.t3.large"
			s.resource("aws_db_instance", databaseName)["deletion_protection"] = true
			s.resource("aws_launch_template", templateName)["user_data"] = `${base64encode("#!/bin/sh\necho other")}`
			s.resource("aws_launch_template",
				templateName)["metadata_options"].(map[string]any)["http_tokens"] = "optional"
			s.resource("aws_iam_role_policy", policyName)["policy"] = `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"${aws_s3_bucket.b.arn}/*"}]}`
			s.kind("aws_vpc_security_group_ingress_rule")["ssh"] = map[string]any{"cidr_ipv4": "0.0.0.0/0",
				"ip_protocol": "tcp", "from_port": 22, "to_port": 22}
			s["provider"].(map[string]any)["aws"].([]any)[0].(map[string]any)["default_tags"] = []any{}
			s["data"].(map[string]any)["aws_ami"] = map[string]any{"new": map[string]any{"owners": []any{"amazon"}}}
			delete(s["output"].(map[string]any), "db-endpoint")
		}, Changes},
		"rename-database": {func(s stack) {
			s.kind("aws_db_instance")["database_main"] = s.kind("aws_db_instance")[databaseName]
			delete(s.kind("aws_db_instance"), databaseName)
		}, Dangerous},
		"move-database": {func(s stack) {
			s.kind("aws_db_instance")["database_main"] = s.kind("aws_db_instance")[databaseName]
			delete(s.kind("aws_db_instance"), databaseName)
			s["moved"] = []any{map[string]any{"from": "aws_db_instance." + databaseName,
				"to": "aws_db_instance.database_main"}}
		}, Changes},
		"remove-cache": {func(s stack) { delete(s["resource"].(map[string]any), "aws_elasticache_serverless_cache") }, Dangerous},
	} {
		t.Run(name, func(t *testing.T) {
			base := readFile(t, "testdata/stack.tf.json")
			var head stack
			require.NoError(t, json.Unmarshal(base, &head))
			test.edit(head)
			text, err := json.Marshal(head)
			require.NoError(t, err)
			card, err := Compare(base, text)
			require.NoError(t, err)
			assert.Equal(t, test.want, card.Status)
			goldie.New(t, goldie.WithFixtureDir("testdata/compare"), goldie.WithNameSuffix(".md"),
				goldie.WithDiffEngine(goldie.ColoredDiff)).
				Assert(t, name, []byte(card.Markdown()))
		})
	}
}

// The whole platform: equal to itself, and its profiles differ without a crash.
func TestComparePlatform(t *testing.T) {
	standard, production := readFile(t, "../../test/testdata/standard.json"),
		readFile(t, "../../test/testdata/production.json")
	card, err := Compare(standard, standard)
	require.NoError(t, err)
	assert.Equal(t, Nothing, card.Status)
	card, err = Compare(standard, production)
	require.NoError(t, err)
	assert.Equal(t, Changes, card.Status)
	assert.Contains(t, card.Markdown(), "stronger, deletion protection: `false` → `true`")
	again, err := Compare(standard, production)
	require.NoError(t, err)
	assert.Equal(t, card.Markdown(), again.Markdown())
}

// A literal where an expression should be is not shown either.
func TestCompareKeepsSecrets(t *testing.T) {
	base := readFile(t, "testdata/stack.tf.json")
	var head stack
	require.NoError(t, json.Unmarshal(base, &head))
	head.resource("aws_db_instance", databaseName)["password"] = "hunter2"
	text, err := json.Marshal(head)
	require.NoError(t, err)
	card, err := Compare(base, text)
	require.NoError(t, err)
	assert.Contains(t, card.Markdown(), "`password`")
	assert.NotContains(t, card.Markdown(), "hunter2")
}

func TestCompareRefuses(t *testing.T) {
	good := `{"terraform":{"a":1},"resource":{"a":{"b":{}}}}`
	for name, test := range map[string]struct{ base, head, want string }{
		"nothing":       {"", good, "base: got no synthesized stack"},
		"a list":        {good, "[]", "head: got no synthesized stack"},
		"a plan":        {good, `{"format_version":"1.2","planned_values":{}}`, "head: got no terraform and resource blocks"},
		"both":          {"", "{}", "head: got no terraform"},
		"odd resources": {good, `{"terraform":{"a":1},"resource":{"a":{"b":[]}}}`, "head: resource.a.b: got []interface {}, want an object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compare([]byte(test.base), []byte(test.head))
			require.ErrorContains(t, err, test.want)
		})
	}
}

// stack is a synthesized stack under edit.
type stack map[string]any

func (s stack) kind(kind string) map[string]any {
	return s["resource"].(map[string]any)[kind].(map[string]any)
}

func (s stack) resource(kind, name string) map[string]any {
	return s.kind(kind)[name].(map[string]any)
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return text
}
