package test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const primary = "database/primary"

// dataTraps are the rows of part B on passwords, RDS, ElastiCache, S3, KMS and SNS.
var dataTraps = []row{
	{"B1: one ephemeral fed straight into both", all(
		has(primary, `{"password_wo": "${jsondecode(ephemeral.aws_secretsmanager_secret_version.database.secret_string).password}"}`),
		matches("database/credentials/version", "secret_string_wo", `ephemeral\.aws_secretsmanager_random_password\.database\.random_password`))},
	{"B1: ephemeral read keyed on the secret", func(m model) error {
		return equal(dig(m.Stack, "ephemeral", "aws_secretsmanager_secret_version", "database"),
			`{"secret_id": "${database/credentials/version.secret_id}", "version_id": "${database/credentials/version.version_id}"}`)
	}},
	{"B1: only one of the two versions raised", func(m model) error {
		if m.at(primary, "password_wo_version") == nil || m.at(primary, "password_wo_version") != m.at("database/credentials/version", "secret_string_wo_version") {
			return errors.New("password and secret have versions of their own")
		}
		return nil
	}},
	{"B1: default random password", func(m model) error {
		const want = `{"password_length": 32, "exclude_punctuation": true, "require_each_included_type": true}`
		passwords, _ := dig(m.Stack, "ephemeral", "aws_secretsmanager_random_password").(map[string]any)
		return errors.Join(equal(passwords["database"], want), equal(passwords["signing"], want))
	}},
	{"B1: rebuilt with the same secret name", every("aws_secretsmanager_secret", func(m model, path string) bool {
		return m.at(path, "name") == nil && m.text(path, "name_prefix") != ""
	})},
	{"B1: version derived from an ephemeral", every("aws_secretsmanager_secret_version", func(m model, path string) bool {
		_, literal := m.at(path, "secret_string_wo_version").(float64)
		return literal
	})},
	{"B1: ephemeral value in a tag, output, user_data or environment", ephemeralOnlyWhereWritten},
	{"B1: expecting the old version to vanish", bootLacks(`version_id`)},
	{"B1: secret JSON with the database's host", matches("database/credentials/version", "secret_string_wo", `^\$\{jsonencode\(\{username = "[a-z_]+", password = [a-z_.]+\}\)\}$`)},
	{"B1: resource policy with broad Deny", none("aws_secretsmanager_secret_policy")},

	{"B2: iops or storage_throughput on 100 GB gp3", has(primary, `{"iops": null, "storage_throughput": null}`)},
	{"B2: username admin", matches(primary, "username", `^portfolio_[a-z_]{1,6}$`)},
	{"B2: exact engine version with automatic upgrade", has(primary, `{"engine_version": "15.14", "auto_minor_version_upgrade": false}`)},
	{"B2: export log groups not created first", every("aws_db_instance", func(m model, path string) bool {
		return !slices.ContainsFunc(list(m.at(path, "enabled_cloudwatch_logs_exports")), func(log string) bool {
			name := "/aws/rds/instance/" + m.text(path, "identifier") + "/" + log
			return !slices.ContainsFunc(m.of("aws_cloudwatch_log_group"), func(group string) bool {
				return m.text(group, "name") == name && m.needs(path)[group]
			})
		})
	})},
	{"B2: parameter whose value equals the engine default", has("database/parameter-group",
		`{"parameter.0": {"name": "rds.force_ssl", "value": "1", "apply_method": "pending-reboot"}}`)},
	{"B2: static parameter with immediate", every("aws_db_parameter_group", func(m model, path string) bool {
		parameters, _ := m.at(path, "parameter").([]any)
		return !slices.ContainsFunc(parameters, func(p any) bool {
			return dig(p, "apply_method") == "immediate" && !strings.HasPrefix(dig(p, "name").(string), "log_")
		})
	})},
	{"B2: Blue/Green with a fixed-name parameter group", has("database/parameter-group", `{"name": null, "lifecycle.create_before_destroy": true}`)},
	{"B2: clients without TLS", all(boot(`(?m)^DB_CA_FILE='/etc/portfolio/rds-ca\.pem'$`), boot(`/global/global-bundle\.pem`))},
	{"B2: windows that overlap", has(primary, `{"backup_window": "03:00-04:00", "maintenance_window": "sun:04:00-sun:05:00"}`)},
	{"B2: enhanced monitoring role", all(after(primary, "database/monitoring-policy"),
		has("database/monitoring-policy", `{"policy_arn": "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"}`),
		has("database/monitoring-role", `{"assume_role_policy.Statement.0.Principal": {"Service": "monitoring.rds.amazonaws.com"}}`),
		every("aws_cloudwatch_log_group", func(m model, path string) bool { return m.text(path, "name") != "RDSOSMetrics" }))},
	{"B2: Performance Insights", has(primary, `{"performance_insights_retention_period": 7, "database_insights_mode": "standard"}`)},
	{"B2: max_allocated_storage close to the allocation", has(primary, `{"max_allocated_storage": null}`)},
	{"B2: old CA", every("aws_db_instance", func(m model, path string) bool { return m.text(path, "ca_cert_identifier") == "rds-ca-rsa2048-g1" })},
	{"B2: apply_immediately unset", has(primary, `{"apply_immediately": null}`)}, // changes wait for the window in every profile
	{"B2: Blue/Green left on for good", has(primary, `{"blue_green_update": null}`)},

	{"B4: plain, non-cluster client", boot(`(?m)^CACHE_ENDPOINT='\$\{database/cache/valkey\.endpoint\[0\]\.address\}:6379'$`)},
	{"B4: changing major_engine_version", has("database/cache/valkey", `{"major_engine_version": "8"}`)},
	{"B4: limits out of range", all(between("database/cache/valkey", "cache_usage_limits.0.data_storage.0.maximum", 1, 5000),
		between("database/cache/valkey", "cache_usage_limits.0.ecpu_per_second.0.maximum", 1000, 15_000_000),
		has("database/cache/valkey", `{"cache_usage_limits.0.data_storage.0.unit": "GB"}`))},
	{"B4: security group opens only 6379", all(has("database/cache/in-valkey", `{"from_port": 6379, "to_port": 6380}`),
		has("compute/out-valkey", `{"from_port": 6379, "to_port": 6380}`))},
	{"B4: endpoint treated as a map", bootLacks(`valkey\.endpoint[^\[]`)},
	{"B4: name with upper case or > 50 characters", matches("database/cache/valkey", "name", `^[a-z][a-z0-9-]{1,49}$`)},
	{"B4: subnet group or parameter group", none("aws_elasticache_subnet_group", "aws_elasticache_parameter_group")},
	{"B4: snapshot_retention_limit", all(between("database/cache/valkey", "snapshot_retention_limit", 1, 35), has("database/cache/valkey", `{"daily_snapshot_time": "03:00"}`))},

	{"B5: bucket name without an account suffix", every("aws_s3_bucket", func(m model, path string) bool {
		return strings.HasSuffix(m.text(path, "bucket"), "-${account.account_id}")
	})},
	{"B5: sub-resources created in parallel", every("aws_s3_bucket", settingsInOrder)},
	{"B5: log destination bucket with SSE-KMS", has("database/logs/encryption", `{"rule.0.apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}`)},
	{"B5: ACLs on a new bucket", all(none("aws_s3_bucket_acl"), has("database/logs/policy", `{"policy.Statement.2": {"Sid": "BucketLogs", "Effect": "Allow",
		"Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
		"Resource": "arn:aws:s3:::portfolio-logs-test-${account.account_id}/s3/*",
		"Condition": {"StringEquals": {"aws:SourceAccount": "${account.account_id}"},
			"ArnLike": {"aws:SourceArn": "arn:aws:s3:::portfolio-*-test-${account.account_id}"}}}}`))},
	{"B5: policy denying PutObject without encryption header", every("aws_s3_bucket_policy", func(m model, path string) bool {
		denies := slices.DeleteFunc(statements(m, path), func(s any) bool { return dig(s, "Effect") != "Deny" })
		return len(denies) == 1 && asJSON(dig(denies[0], "Condition")) == `{"Bool":{"aws:SecureTransport":"false"}}` && len(list(dig(denies[0], "Resource"))) == 2
	})},
	{"B5: STANDARD_IA before day 30", everyLifecycleRule(func(rule any) bool {
		transitions, _ := dig(rule, "transition").([]any)
		return !slices.ContainsFunc(transitions, func(t any) bool { return dig(t, "days").(float64) < 30 })
	})},
	{"B5: expiration <= transition days", everyLifecycleRule(func(rule any) bool { return dig(rule, "expiration") == nil || dig(rule, "transition") == nil })},
	{"B5: lifecycle filter", everyLifecycleRule(func(rule any) bool {
		return asJSON(dig(rule, "filter")) == `[{"prefix":""}]` && dig(rule, "prefix") == nil
	})},
	{"B5: aws_s3_object.etag", all(has("compute/service-binary", `{"etag": null}`), matches("compute/service-binary", "source_hash", `^\$\{filemd5\(`))},
	{"B5: > 10 tags on an object", func(m model) error {
		defaults, _ := dig(m.Stack, "provider", "aws", "0", "default_tags", "0", "tags").(map[string]any)
		if len(defaults) > 10 || len(defaults) == 0 {
			return fmt.Errorf("%d default tags", len(defaults))
		}
		return has("compute/service-binary", `{"tags": null}`)(m)
	}},

	{"B6: topic encrypted with alias/aws/sns", all(has("monitoring/topic", `{"kms_master_key_id": "${alarm-key/key.arn}"}`), has("alarm-key/key",
		`{"policy.Statement.1.Principal": {"Service": "cloudwatch.amazonaws.com"}, "policy.Statement.1.Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}`))},
	{"B6: custom topic policy without CloudWatch", has("monitoring/topic-policy", `{"policy.Statement.0.Effect": "Allow", "policy.Statement.0.Action": "sns:Publish",
		"policy.Statement.0.Principal": {"Service": "cloudwatch.amazonaws.com"},
		"policy.Statement.0.Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:${account.account_id}:alarm:*-test"}}}`)},
	{"B6: key destroyed before what it encrypts", every("aws_kms_key", func(m model, path string) bool { return m.at(path, "deletion_window_in_days") == 30.0 })},
}

// ephemeralOnlyWhereWritten holds when ephemeral values are in write-only
// arguments and in other ephemerals alone.
func ephemeralOnlyWhereWritten(m model) error {
	text := regexp.MustCompile(`"(password_wo|secret_string_wo)":\s*"[^\n]*"`).ReplaceAllString(m.Text, "")
	if found := regexp.MustCompile(`ephemeral\.[a-z_.]+`).FindString(text); found != "" {
		return fmt.Errorf("%s is where Terraform refuses it", found)
	}
	if strings.Count(m.Text, "ephemeral.") != 3 {
		return fmt.Errorf("got %d uses of ephemeral values, want two secrets and one password", strings.Count(m.Text, "ephemeral."))
	}
	return nil
}

// settingsInOrder holds when each of a bucket's settings waits for another: at
// most one may be made directly after the bucket.
func settingsInOrder(m model, bucket string) bool {
	folder, first := strings.TrimSuffix(bucket, "/bucket"), 0
	for _, setting := range []string{"ownership", "public-access", "versioning", "encryption", "policy", "lifecycle", "access-logs"} {
		if after := list(m.at(folder+"/"+setting, "depends_on")); len(after) == 1 && after[0] == bucket {
			first++
		} else if m.Blocks[folder+"/"+setting] != nil && (len(after) != 1 || !strings.HasPrefix(after[0], folder+"/")) {
			return false
		}
	}
	return first == 1
}

func everyLifecycleRule(pass func(rule any) bool) check {
	return every("aws_s3_bucket_lifecycle_configuration", func(m model, path string) bool {
		rules, _ := m.at(path, "rule").([]any)
		return len(rules) > 0 && !slices.ContainsFunc(rules, func(rule any) bool { return !pass(rule) })
	})
}
