package test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// variants are the settings of the stacks that are checked, each with the suffix
// "test".
var variants = map[string]map[string]string{
	"standard":      {},
	"preview":       {"PORTFOLIO_PROFILE": "preview"},
	"production":    {"PORTFOLIO_PROFILE": "production", "CERTIFICATE_ARN": certificateARN},
	"unprotected":   {"PORTFOLIO_PROFILE": "production", "CERTIFICATE_ARN": certificateARN, "DELETION_PROTECTION": "off"},
	"minor version": {"DB_ENGINE_VERSION": "15.16"},
	"resting feed":  {"QUOTE_AGE_ALARM": "off"},
	"certificate":   {"CERTIFICATE_ARN": certificateARN},
	"domain":        {"DOMAIN_NAME": "app.example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"},
	"replica":       {"RDS_READ_REPLICA": "on"},
	"blue-green":    {"RDS_BLUE_GREEN": "on"},
	"access-logs":   {"API_ACCESS_LOGS": "on"},
	"email":         {"ALARM_EMAIL": "ops@example.com"},
	"al2023":        {"AMAZON_LINUX": "al2023"},
	"emulator":      {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
	"ireland":       {"AWS_REGION": "eu-west-1"},
	"oidc": {"CERTIFICATE_ARN": certificateARN, "OIDC_ISSUER": "https://id.example/realm", "OIDC_CLIENT_ID": "portfolio",
		"OIDC_CLIENT_SECRET_ARN": signInSecretARN, "OIDC_OWNERS": `[{"group":"family","owner":"the smiths","scopes":["read","trade"]}]`},
	"sydney": {"AWS_REGION": "ap-southeast-2"},
}

const signInSecretARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:portfolio-oidc-test-AbCdEf"

const certificateARN = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"

func variant(t *testing.T, name string) model {
	t.Helper()
	environ := maps.Clone(variants[name])
	require.NotNil(t, environ, name)
	environ["ENVIRONMENT_SUFFIX"] = "test"
	return modelOf(t, environ)
}

// stackSpecification is what does not belong to a single tier.
var stackSpecification = []row{
	{"state", func(m model) error {
		return equal(dig(m.Stack, "terraform", "backend"), `{"s3": {"bucket": "iac-rlhf-tf-states", "encrypt": true,
			"key": "test/portfolio-test.tfstate", "region": "us-east-1", "use_lockfile": true}}`)
	}},
	{"tags on everything", func(m model) error {
		return equal(dig(m.Stack, "provider", "aws"), `[{"region": "us-east-1", "default_tags": [{"tags": {"CommitAuthor": "unknown",
			"Environment": "test", "ManagedBy": "cdktf", "Project": "portfolio-tracking", "Repository": "unknown"}}]}]`)
	}},
	{"outputs", outputsAre},
	{"every log group expires", every("aws_cloudwatch_log_group", func(m model, path string) bool { return m.at(path, "retention_in_days") == 30.0 })},
	{"rights are least", rightsAreLeast},
	{"each role is one service's, by its name", rolesAreTrusted},
	{"keys have their aliases", has("alarm-key/alias", `{"name": "alias/portfolio-alarms-test", "target_key_id": "${alarm-key/key.key_id}"}`)},
}

// rolesAreTrusted holds if each role has its name and can be assumed by one service alone.
func rolesAreTrusted(m model) error {
	roles := map[string][2]string{
		"api/handler-role": {"ws-handler", "lambda"}, "compute/instance-role": {"instance", "ec2"},
		"database/monitoring-role": {"db-monitoring", "monitoring.rds"}, "network/flow-log-role": {"flow-logs", "vpc-flow-logs"},
	}
	if found := m.of("aws_iam_role"); len(found) != len(roles) {
		return fmt.Errorf("got the roles %v", found)
	}
	var problems []error
	for path, role := range roles {
		problems = append(problems, has(path, fmt.Sprintf(`{"name": "portfolio-%s-test", "assume_role_policy.Statement": [
			{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "%s.amazonaws.com"}}]}`, role[0], role[1]))(m))
	}
	return errors.Join(problems...)
}

// outputsAre holds if the outputs are the documented ones, each with a description.
func outputsAre(m model) error {
	got := map[string]any{}
	outputs, _ := m.Stack["output"].(map[string]any)
	for name, o := range outputs {
		if dig(o, "description") == nil || dig(o, "sensitive") != nil {
			return fmt.Errorf("output %s: no description, or sensitive", name)
		}
		got[name] = dig(o, "value")
	}
	return equal(got, `{
		"vpc-id": "${network/vpc.id}", "vpc-cidr": "172.32.0.0/16",
		"public-subnet-ids": ["${network/public-a.id}", "${network/public-b.id}"],
		"private-subnet-ids": ["${network/private-a.id}", "${network/private-b.id}"],
		"alb-dns-name": "${compute/load-balancer/alb.dns_name}", "alb-arn": "${compute/load-balancer/alb.arn}",
		"asg-name": "${compute/instances.name}",
		"db-endpoint": "${database/primary.endpoint}", "db-identifier": "${database/primary.identifier}",
		"db-secret-arn": "${database/credentials/version.secret_id}",
		"cache-endpoint": "${database/cache/valkey.endpoint[0].address}:${database/cache/valkey.endpoint[0].port}", "cache-name": "${database/cache/valkey.name}",
		"s3-bucket-name": "${database/history/bucket.id}",
		"websocket-url": "${api/stage.invoke_url}", "websocket-api-id": "${api/websocket.id}",
		"lambda-function-name": "${api/handler.function_name}", "dashboard-name": "${monitoring/dashboard.dashboard_name}"}`)
}

// wildcards are the only statements that may have the resource "*": actions that take
// no resource, and the one Deny for all.
var wildcards = map[string]string{
	"logs:DescribeLogGroups":       "takes no resource",
	"xray:PutTraceSegments":        "takes no resource",
	"xray:PutTelemetryRecords":     "takes no resource",
	"Deny logs:CreateLogGroup":     "takes back what a managed policy allows for every group",
	"Deny logs:PutRetentionPolicy": "takes back what a managed policy allows for every group",
}

// rightsAreLeast holds if no identity policy allows actions with a wildcard, or any
// resource except for those of wildcards.
func rightsAreLeast(m model) error {
	var problems []error
	for _, path := range m.of("aws_iam_role_policy") {
		for _, s := range statements(m, path) {
			for _, action := range list(dig(s, "Action")) {
				if strings.Contains(action, "*") {
					problems = append(problems, fmt.Errorf("%s: allows %s", path, action))
				}
				key := strings.TrimPrefix(dig(s, "Effect").(string)+" "+action, "Allow ")
				if slices.Contains(list(dig(s, "Resource")), "*") && wildcards[key] == "" {
					problems = append(problems, fmt.Errorf("%s: %s on every resource", path, key))
				}
			}
		}
	}
	return errors.Join(problems...)
}

// statements are the parts of a resource's policy.
func statements(m model, path string) []any {
	all, _ := m.at(path, "policy.Statement").([]any)
	return all
}

// list returns a value that IAM writes as one string or a list.
func list(v any) []string {
	if one, is := v.(string); is {
		return []string{one}
	}
	var all []string
	many, _ := v.([]any)
	for _, one := range many {
		all = append(all, one.(string))
	}
	return all
}

func equal(got any, want string) error {
	m := model{Blocks: map[string]block{"value": {"value": got}}}
	return has("value", `{"value": `+want+`}`)(m)
}

// TestSpecification checks the standard profile against the specification.
func TestSpecification(t *testing.T) {
	m := variant(t, "standard")
	for section, rows := range map[string][]row{
		"stack": stackSpecification, "network": networkSpecification, "compute": computeSpecification,
		"data": dataSpecification, "api": apiSpecification, "monitoring": monitoringSpecification,
	} {
		for _, r := range rows {
			t.Run(section+"/"+r.Name, func(t *testing.T) { require.NoError(t, r.Holds(m)) })
		}
	}
}
