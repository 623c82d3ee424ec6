package test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// traps are what AWS refuses and an emulator accepts. Each row says what holds
// instead, and is checked in the variants where it could fail.
var traps = []struct {
	Variants []string
	Rows     []row
}{
	{[]string{"standard", "production", "domain", "al2023", "replica"}, autoScalingTraps},
	{[]string{"standard", "preview", "production", "al2023"}, launchTraps},
	{[]string{"standard", "preview", "production", "al2023"}, bootTraps},
	{[]string{"standard", "preview", "production"}, securityGroupTraps},
	{[]string{"standard", "preview", "production"}, loadBalancerTraps},
	{[]string{"domain"}, certificateTraps},
	{[]string{"standard", "preview", "production"}, networkTraps},
	{[]string{"standard", "preview", "production"}, destroyTraps},
	{[]string{"standard", "preview", "production", "replica"}, dataTraps},
	{[]string{"standard", "domain"}, apiTraps},
	{[]string{"preview"}, previewTraps},
	{[]string{"production"}, productionTraps},
	{[]string{"replica", "production"}, replicaTraps},
	{[]string{"blue-green"}, blueGreenTraps},
	{[]string{"access-logs"}, accessLogTraps},
}

var previewTraps = []row{
	{"a preview's load balancer can be deleted", has(balancer, `{"enable_deletion_protection": false}`)},
	{"a preview's log bucket is emptied on destroy", has("database/logs/bucket", `{"force_destroy": true}`)},
	{"a preview's secrets are deleted at once", every("aws_secretsmanager_secret", func(m model, path string) bool { return m.at(path, "recovery_window_in_days") == 0.0 })},
	{"a preview's buckets are emptied on destroy", every("aws_s3_bucket", func(m model, path string) bool { return m.at(path, "force_destroy") == true })},
}

var productionTraps = []row{
	{"the data key is found by its alias, and by its description without one", all(has("data-key/alias", `{"name": "alias/portfolio-data-test", "target_key_id": "${data-key/key.key_id}"}`),
		has("data-key/key", `{"description": "Data of portfolio-test"}`))},
	{"the account's policies govern its keys", every("aws_kms_key", func(m model, path string) bool {
		return equal(m.at(path, "policy.Statement.0"), `{"Sid": "AccountPolicies", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::${account.account_id}:root"}, "Action": "kms:*", "Resource": "*"}`) == nil
	})},
	{"the key outlives what it encrypts", has("data-key/key", `{"lifecycle": {"prevent_destroy": true}}`)},
	{"the data key lets CloudWatch Logs of the region use it", has("data-key/key", `{"policy.Statement.1": {"Sid": "CloudWatchLogs", "Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
		"Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*",
		"Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:${account.account_id}:log-group:*"}}}}`)},
	{"each final snapshot has a name of its own", matches(primary, "final_snapshot_identifier", `-final-\$\{database/final-snapshot\.id\}$`)},
	{"automated backups outlive the database", has(primary, `{"delete_automated_backups": false}`)},
	{"the data key's policy names the account first and CloudWatch Logs second", has("data-key/key", `{"policy.Statement.0.Sid": "AccountPolicies", "policy.Statement.1.Sid": "CloudWatchLogs"}`)},
	{"readers of secrets may use their key", all(
		has("compute/instance-policy", `{"policy.Statement.5": {"Sid": "CustomerKey", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "${data-key/key.arn}"}}`),
		has("api/handler-policy", `{"policy.Statement.3": {"Sid": "CustomerKey", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "${data-key/key.arn}"}}`))},
}

var replicaTraps = []row{
	{"a primary with a replica has no Blue/Green updates", every("aws_db_instance", without("blue_green_update"))},
	{"the primary of a replica has backups", between(primary, "backup_retention_period", 1, 35)},
	{"the replica has no subnet group of its own", has("database/replica", `{"db_subnet_group_name": null}`)},
	{"the replica states nothing that it takes from its primary", has("database/replica", `{"username": null, "db_name": null, "password": null,
		"password_wo": null, "password_wo_version": null, "engine": null, "engine_version": null, "allocated_storage": null, "multi_az": null}`)},
	{"the replica has no final snapshot", has("database/replica", `{"skip_final_snapshot": true, "final_snapshot_identifier": null}`)},
	{"the replica has no parameter group of its own", has("database/replica", `{"parameter_group_name": null}`)},
	{"the replica has no key of its own", has("database/replica", `{"kms_key_id": null}`)},
	{"the replica states that it is encrypted, or the next plan replaces it", has("database/replica", `{"storage_encrypted": true}`)},
	{"the replica has no deletion protection", has("database/replica", `{"deletion_protection": false}`)},
}

var blueGreenTraps = []row{
	{"Blue/Green updates have backups", between(primary, "backup_retention_period", 1, 35)},
	{"Blue/Green updates have no replica", counts(map[string]int{"aws_db_instance": 1})},
}

var accessLogTraps = []row{
	{"access logs are one line with the request's id", matches("api/stage", "access_log_settings.format", `^\{[^\n]*"\$context\.requestId"[^\n]*\}$`)},
	{"the stage writes no messages to its log", has("api/stage", `{"default_route_settings.data_trace_enabled": false}`)},
	{"API Gateway creates no log group of its own", has("api/stage", `{"default_route_settings.logging_level": "OFF"}`)},
	{"access logs have variables that WebSocket APIs know", matches("api/stage", "access_log_settings.format", `"integrationError":"\$context\.integration\.error"`)},
}

func TestTraps(t *testing.T) {
	for _, group := range traps {
		for _, name := range group.Variants {
			m := variant(t, name)
			for _, r := range group.Rows {
				t.Run(r.Name+"/"+name, func(t *testing.T) { require.NoError(t, r.Holds(m)) })
			}
		}
	}
}
