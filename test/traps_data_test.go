package test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const primary = "database/primary"

// dataTraps are about secrets, RDS, ElastiCache, S3, KMS and SNS.
var dataTraps = []row{
	{"the database's password is read back from the secret that was written", all(
		has(primary, `{"password_wo": "${jsondecode(ephemeral.aws_secretsmanager_secret_version.database.secret_string).password}"}`),
		matches("database/credentials/version", "secret_string_wo",
			`ephemeral\.aws_secretsmanager_random_password\.database\.random_password`))},
	{"the password is read from the version that was written", func(m model) error {
		return equal(dig(m.Stack, "ephemeral", "aws_secretsmanager_secret_version", "database"),
			`{"secret_id": "${database/credentials/version.secret_id}", "version_id": "${database/credentials/version.version_id}"}`)
	}},
	{"password and secret share one version", func(m model) error {
		if m.at(primary, "password_wo_version") == nil ||
			m.at(primary, "password_wo_version") != m.at("database/credentials/version", "secret_string_wo_version") {
			return errors.New("password and secret have versions of their own")
		}
		return nil
	}},
	{"passwords have 32 characters and no punctuation", func(m model) error {
		const want = `{"password_length": 32, "exclude_punctuation": true, "require_each_included_type": true}`
		passwords, _ := dig(m.Stack, "ephemeral", "aws_secretsmanager_random_password").(map[string]any)
		return errors.Join(equal(passwords["database"], want), equal(passwords["signing"], want))
	}},
	{"names of secrets are generated", every("aws_secretsmanager_secret", func(m model, path string) bool {
		return m.at(path, "name") == nil && m.text(path, "name_prefix") != ""
	})},
	{"versions of secrets are literals", every("aws_secretsmanager_secret_version", func(m model, path string) bool {
		_, literal := m.at(path, "secret_string_wo_version").(float64)
		return literal
	})},
	{"ephemeral values are only in write-only arguments", ephemeralOnlyWhereWritten},
	{"the boot script reads the current version of secrets", bootLacks(`version_id`)},
	{"the database's secret contains only user and password", matches("database/credentials/version", "secret_string_wo", `^\$\{jsonencode\(\{username = "[a-z_]+", password = [a-z_.]+\}\)\}$`)},
	{"secrets have no resource policy", none("aws_secretsmanager_secret_policy")},

	{"small gp3 storage has neither IOPS nor throughput", has(primary, `{"iops": null, "storage_throughput": null}`)},
	{"the master user's name is not reserved", matches(primary, "username", `^portfolio_[a-z_]{1,6}$`)},
	{"an exact engine version goes without automatic upgrades", has(primary, `{"engine_version": "15.14", "auto_minor_version_upgrade": false}`)},
	{"log groups of the database exist before it", every("aws_db_instance", func(m model, path string) bool {
		return !slices.ContainsFunc(list(m.at(path, "enabled_cloudwatch_logs_exports")), func(log string) bool {
			name := "/aws/rds/instance/" + m.text(path, "identifier") + "/" + log
			return !slices.ContainsFunc(m.of("aws_cloudwatch_log_group"), func(group string) bool {
				return m.text(group, "name") == name && m.needs(path)[group]
			})
		})
	})},
	{"rds.force_ssl is applied as RDS reports it", has("database/parameter-group",
		`{"parameter.0": {"name": "rds.force_ssl", "value": "1", "apply_method": "pending-reboot"}}`)},
	{"only dynamic parameters are applied immediately", every("aws_db_parameter_group", func(m model, path string) bool {
		parameters, _ := m.at(path, "parameter").([]any)
		return !slices.ContainsFunc(parameters, func(p any) bool {
			return dig(p, "apply_method") == "immediate" && !strings.HasPrefix(dig(p, "name").(string), "log_")
		})
	})},
	{"the parameter group has a generated name and is created before it is destroyed", has("database/parameter-group", `{"name": null, "lifecycle.create_before_destroy": true}`)},
	{"instances have the certificates of RDS", all(boot(`(?m)^DB_CA_FILE='/etc/portfolio/rds-ca\.pem'$`), boot(`/global/global-bundle\.pem`))},
	{"backup and maintenance windows do not overlap", has(primary, `{"backup_window": "03:00-04:00", "maintenance_window": "sun:04:00-sun:05:00"}`)},
	{"enhanced monitoring has its role before the database starts", all(after(primary, "database/monitoring-policy"),
		has("database/monitoring-policy",
			`{"policy_arn": "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"}`),
		has("database/monitoring-role",
			`{"assume_role_policy.Statement.0.Principal": {"Service": "monitoring.rds.amazonaws.com"}}`),
		every("aws_cloudwatch_log_group", func(m model, path string) bool {
			return m.text(path, "name") != "RDSOSMetrics"
		}))},
	{"Performance Insights keeps what is free", has(primary, `{"performance_insights_retention_period": 7, "database_insights_mode": "standard"}`)},
	{"storage does not grow on its own", has(primary, `{"max_allocated_storage": null}`)},
	{"databases have the current certificate authority", every("aws_db_instance", func(m model, path string) bool { return m.text(path, "ca_cert_identifier") == "rds-ca-rsa2048-g1" })},
	{"changes of the database wait for its window", has(primary, `{"apply_immediately": null}`)}, // changes wait for the window in every profile
	{"Blue/Green updates are off by default", has(primary, `{"blue_green_update": null}`)},

	{"the service has the cache's one endpoint with its port", boot(`(?m)^CACHE_ENDPOINT='\$\{database/cache/valkey\.endpoint\[0\]\.address\}:\$\{database/cache/valkey\.endpoint\[0\]\.port\}'$`)},
	{"the cache states only the major version", has("database/cache/valkey", `{"major_engine_version": "8"}`)},
	{"limits of the cache are within ElastiCache's", all(between("database/cache/valkey", "cache_usage_limits.0.data_storage.0.maximum", 1, 5000),
		between("database/cache/valkey", "cache_usage_limits.0.ecpu_per_second.0.maximum", 1000, 15_000_000),
		has("database/cache/valkey", `{"cache_usage_limits.0.data_storage.0.unit": "GB"}`))},
	{"both ports of the cache are open", all(has("database/cache/in-valkey", `{"from_port": 6379, "to_port": 6380}`),
		has("compute/out-valkey", `{"from_port": 6379, "to_port": 6380}`))},
	{"the cache's endpoint is read as a list", bootLacks(`valkey\.endpoint[^\[]`)},
	{"the cache's name is in ElastiCache's form", matches("database/cache/valkey", "name", `^[a-z][a-z0-9-]{1,49}$`)},
	{"a serverless cache has neither subnet group nor parameter group", none("aws_elasticache_subnet_group", "aws_elasticache_parameter_group")},
	{"the cache's snapshots have a time and a number of days", all(between("database/cache/valkey", "snapshot_retention_limit", 1, 35), has("database/cache/valkey", `{"daily_snapshot_time": "03:00"}`))},

	{"names of buckets end in the account", every("aws_s3_bucket", func(m model, path string) bool {
		return strings.HasSuffix(m.text(path, "bucket"), "-${account.account_id}")
	})},
	{"settings of one bucket are made one after the other", every("aws_s3_bucket", settingsInOrder)},
	{"access logs are granted by policy, not by ACL", all(none("aws_s3_bucket_acl"), has("database/logs/policy", `{"policy.Statement.2": {"Sid": "BucketLogs", "Effect": "Allow",
		"Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
		"Resource": "arn:aws:s3:::portfolio-logs-test-${account.account_id}/s3/*",
		"Condition": {"StringEquals": {"aws:SourceAccount": "${account.account_id}"},
			"ArnLike": {"aws:SourceArn": "arn:aws:s3:::portfolio-*-test-${account.account_id}"}}}}`))},
	{"bucket policies deny only requests without TLS", every("aws_s3_bucket_policy", func(m model, path string) bool {
		denies := slices.DeleteFunc(slices.Clone(statements(m, path)), func(s any) bool { return dig(s, "Effect") != "Deny" })
		return len(denies) == 1 && asJSON(dig(denies[0], "Condition")) == `{"Bool":{"aws:SecureTransport":"false"}}` &&
			len(list(dig(denies[0], "Resource"))) == 2
	})},
	{"objects change their class after 30 days at the earliest", everyLifecycleRule(func(rule any) bool {
		transitions, _ := dig(rule, "transition").([]any)
		return !slices.ContainsFunc(transitions, func(t any) bool { return dig(t, "days").(float64) < 30 })
	})},
	{"no rule both moves and expires objects", everyLifecycleRule(func(rule any) bool { return dig(rule, "expiration") == nil || dig(rule, "transition") == nil })},
	{"every lifecycle rule has a filter", everyLifecycleRule(func(rule any) bool {
		return asJSON(dig(rule, "filter")) == `[{"prefix":""}]` && dig(rule, "prefix") == nil
	})},
	{"the binary's changes are found by a hash of its content", all(has("compute/service-binary", `{"etag": null}`), matches("compute/service-binary", "source_hash", `^\$\{filemd5\(`))},
	{"objects have at most 10 tags", func(m model) error {
		defaults, _ := dig(m.Stack, "provider", "aws", "0", "default_tags", "0", "tags").(map[string]any)
		if len(defaults) > 10 || len(defaults) == 0 {
			return fmt.Errorf("%d default tags", len(defaults))
		}
		return has("compute/service-binary", `{"tags": null}`)(m)
	}},

	{"the alarm topic has a key that CloudWatch may use", all(has("monitoring/topic", `{"kms_master_key_id": "${alarm-key/key.arn}"}`), has("alarm-key/key",
		`{"policy.Statement.1.Principal": {"Service": "cloudwatch.amazonaws.com"}, "policy.Statement.1.Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}`))},
	{"the alarm topic's policy lets this environment's alarms publish", has("monitoring/topic-policy", `{"policy.Statement.0.Effect": "Allow", "policy.Statement.0.Action": "sns:Publish",
		"policy.Statement.0.Principal": {"Service": "cloudwatch.amazonaws.com"},
		"policy.Statement.0.Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:${account.account_id}:alarm:*-test"}}}`)},
	{"keys are deleted after 30 days", every("aws_kms_key", func(m model, path string) bool { return m.at(path, "deletion_window_in_days") == 30.0 })},
}

// ephemeralOnlyWhereWritten holds if ephemeral values are used only in write-only
// arguments and in other ephemerals.
func ephemeralOnlyWhereWritten(m model) error {
	text := regexp.MustCompile(`"(password_wo|secret_string_wo)":\s*"[^\n]*"`).ReplaceAllString(m.Text, "")
	if found := regexp.MustCompile(`ephemeral\.[a-z_.]+`).FindString(text); found != "" {
		return fmt.Errorf("%s is where Terraform refuses it", found)
	}
	if strings.Count(m.Text, "ephemeral.") != 4 {
		return fmt.Errorf("got %d uses of ephemeral values, want three secrets and one password",
			strings.Count(m.Text, "ephemeral."))
	}
	return nil
}

// settingsInOrder holds if each of a bucket's settings waits for another: only one may
// be created directly after the bucket.
func settingsInOrder(m model, bucket string) bool {
	folder, first := strings.TrimSuffix(bucket, "/bucket"), 0
	for _, setting := range []string{"ownership", "public-access", "versioning", "encryption", "policy",
		"lifecycle", "access-logs"} {
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
