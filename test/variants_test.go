package test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// variantSpecification describes what each setting changes.
var variantSpecification = map[string][]row{
	"preview": {
		{"one NAT gateway for both zones", all(counts(map[string]int{"aws_nat_gateway": 1, "aws_eip": 1}), privateRoute("a", "a"), privateRoute("b", "a"))},
		{"single zone", has("database/primary", `{"multi_az": false, "deletion_protection": false, "skip_final_snapshot": true}`)},
		{"Amazon Linux 2023", has("compute/newest-image", `{"name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}`)},
		{"emptied on destroy", every("aws_s3_bucket", func(m model, path string) bool { return m.at(path, "force_destroy") == true })},
		{"logs for 7 days", logsKeptFor(7)},
	},
	"production": {
		{"a NAT gateway per zone", counts(map[string]int{"aws_nat_gateway": 2})},
		{"Multi-AZ, protected, final snapshot", has("database/primary", `{"multi_az": true, "deletion_protection": true,
			"skip_final_snapshot": false, "final_snapshot_identifier": "portfolio-holdings-db-test-final-${database/final-snapshot.id}",
			"delete_automated_backups": false}`)},
		{"replica in another zone", replicaElsewhere},
		{"no plain HTTP", all(httpsForwards(certificateARN), httpRedirects)},
		{"Amazon Linux 2023", has("compute/newest-image", `{"name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}`)},
		{"customer-managed key, rotated", all(has("data-key/key", `{"enable_key_rotation": true, "deletion_window_in_days": 30}`), keyEverywhere)},
		{"kept on destroy", every("aws_s3_bucket", func(m model, path string) bool { return m.at(path, "force_destroy") == false })},
		{"load balancer protected", has("compute/load-balancer/alb", `{"enable_deletion_protection": true}`)},
		{"deleted secrets can be restored", every("aws_secretsmanager_secret", func(m model, path string) bool { return m.at(path, "recovery_window_in_days") == 30.0 })},
		{"logs for 365 days", logsKeptFor(365)},
		{"rights are least", rightsAreLeast},
	},
	"certificate": {
		{"443 forwards with the certificate", httpsForwards(certificateARN)},
		{"80 redirects", httpRedirects},
		{"handler speaks HTTPS", has("api/handler", `{"environment.variables.ALB_SCHEME": "https", "environment.variables.CERTIFICATE_ARN": "`+certificateARN+`"}`)},
		{"no certificate of our own", none("aws_acm_certificate", "aws_route53_record")},
		{"rights are least", rightsAreLeast},
	},
	"domain": {
		{"443 forwards with the issued certificate", httpsForwards("${compute/load-balancer/certificate-issued.certificate_arn}")},
		{"80 redirects", httpRedirects},
		{"validated by DNS", all(
			has("compute/load-balancer/certificate", `{"domain_name": "app.example.com", "validation_method": "DNS"}`),
			has("compute/load-balancer/certificate-issued", `{"certificate_arn": "${compute/load-balancer/certificate.arn}",
				"validation_record_fqdns": ["${compute/load-balancer/certificate-proof.fqdn}"]}`))},
		{"alias record", has("compute/load-balancer/alias", `{"name": "app.example.com", "type": "A", "zone_id": "Z0123456789ABC",
			"alias.name": "${compute/load-balancer/alb.dns_name}", "alias.zone_id": "${compute/load-balancer/alb.zone_id}"}`)},
		{"handler asks for that name", has("api/handler", `{"environment.variables.ALB_SCHEME": "https", "environment.variables.ALB_SERVER_NAME": "app.example.com"}`)},
	},
	"unprotected": {{"can be destroyed", all(has("database/primary", `{"deletion_protection": false, "skip_final_snapshot": false}`),
		has("compute/load-balancer/alb", `{"enable_deletion_protection": false}`))}},
	"oidc": {
		{"the service knows the provider", matches(template, "user_data", `OIDC_ISSUER='https://id\.example/realm'
OIDC_CLIENT_ID='portfolio'
OIDC_CLIENT_SECRET_ARN='`+signInSecretARN+`'
OIDC_OWNERS='\[\{"group":"family","owner":"the smiths","scopes":\["read","trade"\]\}\]'
`)},
		{"instances may read the client's secret", func(m model) error {
			if text := asJSON(m.at("compute/instance-role/policy", "policy")) +
				asJSON(m.at("compute/instance-policy", "policy")); !strings.Contains(text, signInSecretARN) {
				return errors.New("it is not among the secrets")
			}
			return nil
		}},
	},
	"minor version": {{"engine", has("database/primary", `{"engine_version": "15.16"}`)}},
	"resting feed": {{"no alarm on its age", func(m model) error {
		if m.Blocks["monitoring/quote-age"] != nil || m.Blocks["monitoring/push-lag"] == nil {
			return errors.New("the alarms on quotes are not as configured")
		}
		return nil
	}}},
	"replica":    {{"replica in another zone", replicaElsewhere}, {"its lag has an alarm", has("monitoring/replica-lag", `{"metric_name": "ReplicaLag", "dimensions": {"DBInstanceIdentifier": "${database/replica.identifier}"}, "threshold": 600, "alarm_actions": ["${monitoring/topic.arn}"], "treat_missing_data": "breaching"}`)}},
	"blue-green": {{"Blue/Green updates", all(has("database/primary", `{"blue_green_update": {"enabled": true}}`), counts(map[string]int{"aws_db_instance": 1}))}},
	"access-logs": {{"stage logs to a group of its own", all(
		has("api/access-log-group", `{"name": "/portfolio/portfolio-ws-api-test", "retention_in_days": 30}`),
		has("api/stage", `{"access_log_settings.destination_arn": "${api/access-log-group.arn}", "default_route_settings.logging_level": "OFF",
			"default_route_settings.data_trace_enabled": false}`))}},
	"email":  {{"subscribed", has("monitoring/email", `{"topic_arn": "${monitoring/topic.arn}", "protocol": "email", "endpoint": "ops@example.com"}`)}},
	"al2023": {{"Amazon Linux 2023", has("compute/newest-image", `{"name": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"}`)}},
}

func TestVariants(t *testing.T) {
	for name, rows := range variantSpecification {
		m := variant(t, name)
		for _, r := range rows {
			t.Run(name+"/"+r.Name, func(t *testing.T) { require.NoError(t, r.Holds(m)) })
		}
	}
}

func logsKeptFor(days float64) check {
	return every("aws_cloudwatch_log_group", func(m model, path string) bool {
		return m.at(path, "retention_in_days") == days
	})
}

func replicaElsewhere(m model) error {
	return has("database/replica", `{"identifier": "portfolio-holdings-db-replica-test", "replicate_source_db": "${database/primary.identifier}",
		"publicly_accessible": false, "availability_zone":
			"${(database/primary.availability_zone == network/private-a.availability_zone) ? network/private-b.availability_zone : network/private-a.availability_zone}"}`)(m)
}

// keyEverywhere holds if everything that stores data uses the data key, except for the
// logs bucket, which load balancers could not write to.
func keyEverywhere(m model) error {
	const key = "${data-key/key.arn}"
	for path, argument := range map[string]string{
		"database/primary": "kms_key_id", "database/replica": "performance_insights_kms_key_id", "database/cache/valkey": "kms_key_id",
		"database/credentials/secret": "kms_key_id", "database/service-credentials/secret": "kms_key_id", "compute/signing-key/secret": "kms_key_id", "api/handler": "kms_key_arn",
		"database/history/encryption":  "rule.0.apply_server_side_encryption_by_default.kms_master_key_id",
		"compute/artifacts/encryption": "rule.0.apply_server_side_encryption_by_default.kms_master_key_id",
	} {
		if m.text(path, argument) != key {
			return fmt.Errorf("%s: %s: got %v, want %s", path, argument, m.at(path, argument), key)
		}
	}
	return all(has("database/primary", `{"performance_insights_kms_key_id": "`+key+`"}`),
		every("aws_cloudwatch_log_group", func(m model, path string) bool { return m.text(path, "kms_key_id") == key }))(m)
}

func httpsForwards(certificate string) check {
	return has("compute/load-balancer/https", fmt.Sprintf(`{"port": 443, "protocol": "HTTPS", "ssl_policy": "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
		"certificate_arn": %q, "default_action": [{"type": "forward", "target_group_arn": "${compute/load-balancer/targets.arn}"}]}`, certificate))
}

func httpRedirects(m model) error {
	return has("compute/load-balancer/http", `{"port": 80, "protocol": "HTTP",
		"default_action": [{"type": "redirect", "redirect": {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}}]}`)(m)
}

// differences returns the places where two values differ, "path: from -> to".
func differences(path string, from, to any) []string {
	if a, is := from.(map[string]any); is {
		if b, is := to.(map[string]any); is {
			var all []string
			keys := slices.Sorted(maps.Keys(a))
			for key := range b {
				if _, in := a[key]; !in {
					keys = append(keys, key)
				}
			}
			for _, key := range keys {
				all = append(all, differences(path+"/"+key, a[key], b[key])...)
			}
			return all
		}
	}
	if reflect.DeepEqual(from, to) {
		return nil
	}
	return []string{path + ": " + asJSON(from) + " -> " + asJSON(to)}
}

func TestEmulatorDiffersOnlyInItsFewSettings(t *testing.T) {
	aws, emulator := variant(t, "standard"), variant(t, "emulator")
	require.ElementsMatch(t, []string{
		`/provider/aws: ` + asJSON(dig(aws.Stack, "provider", "aws")) + ` -> ` + asJSON(dig(emulator.Stack, "provider", "aws")),
		`/resource/aws_autoscaling_group/compute_instances_B39AD785/wait_for_capacity_timeout: "20m" -> "0"`,
		`/resource/aws_autoscaling_group/compute_instances_B39AD785/wait_for_elb_capacity: 2 -> null`,
		`/resource/aws_lambda_function/api_handler_B9A33751/environment/variables/HTTP_PROXY: null -> "http://127.0.0.1:4566"`,
		`/terraform/backend/s3/use_path_style: null -> true`,
	}, differences("", map[string]any(aws.Stack), map[string]any(emulator.Stack)))
	require.Equal(t, []string{"/s3_use_path_style: null -> true"},
		differences("", dig(aws.Stack, "provider", "aws", "0"), dig(emulator.Stack, "provider", "aws", "0")))
}

// A deploy of the same binary by somebody else, from another checkout, plans neither a
// new template nor a refresh: only the default tags and the release differ.
func TestAuthorDoesNotRollTheFleet(t *testing.T) {
	first := variant(t, "standard")
	second := modelOf(t, map[string]string{"ENVIRONMENT_SUFFIX": "test", "COMMIT_AUTHOR": "somebody else",
		"COMMIT_SHA": "0123abc", "REPOSITORY": "octo/portfolio"})
	for _, change := range differences("", map[string]any(first.Stack), map[string]any(second.Stack)) {
		require.Regexp(t, `^/(provider/aws|resource/terraform_data/release/input/(author|commit)): `, change)
	}
}

func TestRegionIsOneSetting(t *testing.T) {
	for _, name := range []string{"ireland", "sydney"} {
		m := variant(t, name)
		require.Equal(t, "us-east-1", dig(m.Stack, "terraform", "backend", "s3", "region"),
			"the state bucket does not move")
		delete(m.Stack["terraform"].(map[string]any), "backend")
		require.NotRegexp(t, `us-(east|west)-\d`, asJSON(m.Stack), name)
		require.Equal(t, "com.amazonaws."+variants[name]["AWS_REGION"]+".s3",
			m.text("network/s3-endpoint", "service_name"))
		require.NoError(t, gridIsSound(m), "the dashboard's widgets name their region")
	}
}

func TestSuffixIsTheOnlyDifferenceBetweenEnvironments(t *testing.T) {
	first := synth(t, map[string]string{"ENVIRONMENT_SUFFIX": "test"})
	second := synth(t, map[string]string{"ENVIRONMENT_SUFFIX": "pr3522"})
	require.ElementsMatch(t, first.addresses(), second.addresses())
	renamed := regexp.MustCompile(`\bpr3522\b`).ReplaceAllString(string(second.Text), "test")
	require.Equal(t, string(first.Text), renamed)
}

// nameLimits are the longest names that services accept. Terraform adds 26 characters to
// a prefix.
var nameLimits = map[string]int{
	"aws_lb.name": 32, "aws_lb_target_group.name": 32, "aws_iam_role.name": 64, "aws_iam_instance_profile.name": 128,
	"aws_s3_bucket.bucket": 63, "aws_db_instance.identifier": 63, "aws_db_instance.final_snapshot_identifier": 255,
	"aws_db_subnet_group.name": 255, "aws_db_parameter_group.name_prefix": 255 - 26, "aws_elasticache_serverless_cache.name": 50,
	"aws_security_group.name": 255, "aws_lambda_function.function_name": 64, "aws_launch_template.name": 128,
	"aws_autoscaling_group.name": 255, "aws_autoscaling_policy.name": 255, "aws_sns_topic.name": 256,
	"aws_apigatewayv2_api.name": 128, "aws_cloudwatch_dashboard.dashboard_name": 255, "aws_cloudwatch_log_group.name": 512,
	"aws_cloudwatch_metric_alarm.alarm_name": 255, "aws_kms_alias.name": 256, "aws_iam_role_policy.name": 128,
	"aws_secretsmanager_secret.name_prefix": 512 - 26,
	"aws_apigatewayv2_stage.name":           128,
}

func TestLongestSuffixFitsEveryName(t *testing.T) {
	m := modelOf(t, map[string]string{"ENVIRONMENT_SUFFIX": "abcdefgh-1234567", "PORTFOLIO_PROFILE": "production",
		"CERTIFICATE_ARN": certificateARN})
	account, uuid := strings.Repeat("1", 12), strings.Repeat("f", 36)
	tokens := strings.NewReplacer("${account.account_id}", account, "${database/final-snapshot.id}", uuid)
	checked := 0
	for path, kind := range m.Kinds {
		for _, argument := range []string{"name", "name_prefix", "bucket", "identifier", "final_snapshot_identifier",
			"function_name", "dashboard_name", "alarm_name"} {
			name := tokens.Replace(m.text(path, argument))
			if name == "" || strings.Contains(name, "${") || strings.HasPrefix(kind, "data.") {
				continue
			}
			limit, known := nameLimits[kind+"."+argument]
			require.True(t, known, "%s.%s: %s has no limit in this test", kind, argument, name)
			require.LessOrEqual(t, len(name), limit, "%s: %s", path, name)
			checked++
		}
	}
	require.Greater(t, checked, 50)
}
