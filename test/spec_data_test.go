package test

// dataSpecification is the database, the cache and the buckets.
var dataSpecification = []row{
	{"PostgreSQL", has("database/primary", `{"identifier": "portfolio-holdings-db-test", "engine": "postgres", "engine_version": "15.14",
		"instance_class": "db.t3.medium", "allocated_storage": 100, "storage_type": "gp3", "storage_encrypted": true, "multi_az": true,
		"backup_retention_period": 7, "backup_window": "03:00-04:00", "maintenance_window": "sun:04:00-sun:05:00",
		"db_subnet_group_name": "${database/subnet-group.name}", "publicly_accessible": false,
		"vpc_security_group_ids": ["${database/security-group.id}"], "performance_insights_enabled": true, "monitoring_interval": 60,
		"monitoring_role_arn": "${database/monitoring-role.arn}", "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"],
		"parameter_group_name": "${database/parameter-group.name}", "copy_tags_to_snapshot": true, "deletion_protection": false,
		"skip_final_snapshot": true, "blue_green_update": null, "password": null, "manage_master_user_password": null}`)},
	{"what clients and backups need of it", has("database/primary", `{"db_name": "portfolio", "port": 5432, "iam_database_authentication_enabled": true,
		"delete_automated_backups": true}`)},
	{"deleted secrets are gone at once", every("aws_secretsmanager_secret", func(m model, path string) bool { return m.at(path, "recovery_window_in_days") == 0.0 })},
	{"private subnet group", has("database/subnet-group", `{"name": "portfolio-db-subnet-group-test",
		"subnet_ids": ["${network/private-a.id}", "${network/private-b.id}"]}`)},
	{"monitoring role", has("database/monitoring-policy", `{"role": "${database/monitoring-role.name}",
		"policy_arn": "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"}`)},
	{"log groups created first", all(
		has("database/log-group-postgresql",
			`{"name": "/aws/rds/instance/portfolio-holdings-db-test/postgresql", "retention_in_days": 30}`),
		has("database/log-group-upgrade",
			`{"name": "/aws/rds/instance/portfolio-holdings-db-test/upgrade", "retention_in_days": 30}`),
		after("database/primary", "database/log-group-postgresql", "database/log-group-upgrade"))},
	{"parameter group", has("database/parameter-group", `{"family": "postgres15", "parameter": [
		{"apply_method": "pending-reboot", "name": "rds.force_ssl", "value": "1"},
		{"apply_method": "immediate", "name": "log_min_duration_statement", "value": "1000"},
		{"apply_method": "immediate", "name": "log_statement", "value": "ddl"},
		{"apply_method": "immediate", "name": "log_connections", "value": "1"},
		{"apply_method": "immediate", "name": "log_disconnections", "value": "1"}]}`)},
	{"no replica", counts(map[string]int{"aws_db_instance": 1})},
	{"password written, never stored", all(
		has("database/primary", `{"password_wo": "${jsondecode(ephemeral.aws_secretsmanager_secret_version.database.secret_string).password}", "password_wo_version": 1}`),
		has("database/credentials/version", `{"secret_string": null, "secret_string_wo_version": 1,
			"secret_string_wo": "${jsonencode({username = \"portfolio_owner\", password = ephemeral.aws_secretsmanager_random_password.database.random_password})}"}`),
		has("database/service-credentials/version", `{"secret_string": null, "secret_string_wo_version": 1,
			"secret_string_wo": "${jsonencode({username = \"portfolio_service\", password = ephemeral.aws_secretsmanager_random_password.service.random_password})}"}`),
		has("compute/signing-key/version", `{"secret_string": null, "secret_string_wo_version": 1,
			"secret_string_wo": "${ephemeral.aws_secretsmanager_random_password.signing.random_password}"}`))},
	{"Valkey", has("database/cache/valkey", `{"name": "portfolio-market-cache-test", "engine": "valkey", "major_engine_version": "8",
		"cache_usage_limits": [{"data_storage": [{"maximum": 10, "unit": "GB"}], "ecpu_per_second": [{"maximum": 5000}]}],
		"daily_snapshot_time": "03:00", "snapshot_retention_limit": 1,
		"subnet_ids": ["${network/private-a.id}", "${network/private-b.id}"], "security_group_ids": ["${database/cache/security-group.id}"]}`)},
	{"history bucket", all(bucket("database/history", "hist"), accessLogged("database/history"))},
	{"artifacts bucket", all(bucket("compute/artifacts", "artifacts"), accessLogged("compute/artifacts"))},
	{"logs bucket", all(bucket("database/logs", "logs"), counts(map[string]int{"aws_s3_bucket": 3, "aws_s3_bucket_logging": 2}))},
	{"access logs are written by load balancer and buckets, and expire", all(
		has("database/logs/policy", `{"policy.Statement.1.Effect": "Allow", "policy.Statement.1.Action": "s3:PutObject"}`),
		has("database/logs/lifecycle", `{"rule.0.status": "Enabled", "rule.0.expiration": [{"days": 30}], "rule.1.status": "Enabled",
			"rule.1.abort_incomplete_multipart_upload": [{"days_after_initiation": 7}]}`),
		has("compute/artifacts/lifecycle",
			`{"rule.0.status": "Enabled", "rule.0.abort_incomplete_multipart_upload": [{"days_after_initiation": 7}]}`),
		has("compute/artifacts/access-logs", `{"target_prefix": "s3/artifacts/"}`),
		has("database/history/access-logs", `{"target_prefix": "s3/history/"}`))},
	{"history ages", has("database/history/lifecycle", `{"rule": [
		{"id": "age", "status": "Enabled", "filter": [{"prefix": ""}],
			"transition": [{"days": 30, "storage_class": "STANDARD_IA"}, {"days": 180, "storage_class": "GLACIER_IR"}]},
		{"id": "clean-up", "status": "Enabled", "filter": [{"prefix": ""}],
			"noncurrent_version_expiration": [{"noncurrent_days": 30}],
			"abort_incomplete_multipart_upload": [{"days_after_initiation": 7}]}]}`)},
	{"buckets that are not empty are kept, but for logs", all(
		has("database/history/bucket", `{"force_destroy": false}`),
		has("compute/artifacts/bucket", `{"force_destroy": false}`),
		has("database/logs/bucket", `{"force_destroy": true}`))},
}

// bucket checks what every bucket has: versions, encryption, no public access, TLS
// only, one owner, clean-up.
func bucket(path, kind string) check {
	id := `"bucket": "${` + path + `/bucket.id}"`
	return all(
		has(path+"/bucket", `{"bucket": "portfolio-`+kind+`-test-${account.account_id}"}`),
		has(path+"/ownership", `{`+id+`, "rule": {"object_ownership": "BucketOwnerEnforced"}}`),
		has(path+"/public-access", `{`+id+`, "block_public_acls": true, "block_public_policy": true, "ignore_public_acls": true, "restrict_public_buckets": true}`),
		has(path+"/versioning", `{`+id+`, "versioning_configuration": {"status": "Enabled"}}`),
		has(path+"/encryption", `{`+id+`, "rule.0.apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}`),
		has(path+"/policy", `{`+id+`, "policy.Statement.0": {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
			"Resource": ["${`+path+`/bucket.arn}", "${`+path+`/bucket.arn}/*"],
			"Condition": {"Bool": {"aws:SecureTransport": "false"}}}}`),
		has(path+"/lifecycle", `{`+id+`}`))
}

func accessLogged(path string) check {
	return has(path+"/access-logs", `{"bucket": "${`+path+`/bucket.id}", "target_bucket": "${database/logs/bucket.id}"}`)
}
