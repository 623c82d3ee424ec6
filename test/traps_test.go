package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// traps are what AWS refuses and an emulator accepts, each under the name of its
// row and held in the variants where it could appear.
var traps = []struct {
	Variants []string
	Rows     []row
}{
	{[]string{"standard", "production", "domain", "al2023", "replica"}, autoScalingTraps},
	{[]string{"standard", "preview", "production", "al2023"}, launchTraps},
	{[]string{"standard", "preview", "production", "al2023"}, bootTraps},
	{[]string{"standard", "production"}, securityGroupTraps},
	{[]string{"standard", "preview", "production"}, loadBalancerTraps},
	{[]string{"domain"}, certificateTraps},
	{[]string{"standard", "production"}, networkTraps},
	{[]string{"standard", "preview", "production"}, destroyTraps},
	{[]string{"standard"}, dataTraps},
	{[]string{"standard", "domain"}, apiTraps},
	{[]string{"preview"}, previewTraps},
	{[]string{"production"}, productionTraps},
	{[]string{"replica", "production"}, replicaTraps},
	{[]string{"blue-green"}, blueGreenTraps},
	{[]string{"access-logs"}, accessLogTraps},
}

var previewTraps = []row{
	{"D11", has(balancer, `{"enable_deletion_protection": false}`)},
	{"D12", has("database/logs/bucket", `{"force_destroy": true}`)},
	{"B1: recovery window in throw-away stages", every("aws_secretsmanager_secret", func(m model, path string) bool { return m.at(path, "recovery_window_in_days") == 0.0 })},
	{"B5: versioned or log bucket on destroy", every("aws_s3_bucket", func(m model, path string) bool { return m.at(path, "force_destroy") == true })},
}

var productionTraps = []row{
	{"G8", has("data-key/key", `{"policy.Statement.1": {"Sid": "CloudWatchLogs", "Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
		"Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*",
		"Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:${account.account_id}:log-group:*"}}}}`)},
	{"B2: fixed final_snapshot_identifier", matches(primary, "final_snapshot_identifier", `-final-\$\{database/final-snapshot\.id\}$`)},
	{"B2: delete_automated_backups default", has(primary, `{"delete_automated_backups": false}`)},
	{"B5: log destination bucket with SSE-KMS", has("database/logs/encryption", `{"rule.0.apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}`)},
	{"B6: log group with a CMK whose policy omits Logs", has("data-key/key", `{"policy.Statement.0.Sid": "AccountPolicies", "policy.Statement.1.Sid": "CloudWatchLogs"}`)},
	{"B6: readers need kms:Decrypt besides GetSecretValue", all(
		has("compute/instance-policy", `{"policy.Statement.5": {"Sid": "CustomerKey", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": "${data-key/key.arn}"}}`),
		has("api/handler-policy", `{"policy.Statement.3": {"Sid": "CustomerKey", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "${data-key/key.arn}"}}`))},
}

var replicaTraps = []row{
	{"B2: blue_green_update on a primary that has a read replica", every("aws_db_instance", without("blue_green_update"))},
	{"B3: source without backups", between(primary, "backup_retention_period", 1, 35)},
	{"B3: db_subnet_group_name with a same-Region identifier", has("database/replica", `{"db_subnet_group_name": null}`)},
	{"B3: username, db_name, password, engine on the replica", has("database/replica", `{"username": null, "db_name": null, "password": null,
		"password_wo": null, "password_wo_version": null, "engine": null, "engine_version": null, "allocated_storage": null, "multi_az": null}`)},
	{"B3: final_snapshot_identifier on the replica", has("database/replica", `{"skip_final_snapshot": true, "final_snapshot_identifier": null}`)},
	{"B3: own parameter_group_name on the replica", has("database/replica", `{"parameter_group_name": null}`)},
	{"B3: encryption arguments", has("database/replica", `{"kms_key_id": null, "storage_encrypted": null}`)},
}

var blueGreenTraps = []row{
	{"B2: Blue/Green needs backups on", between(primary, "backup_retention_period", 1, 35)},
	{"B2: Blue/Green with a read replica", counts(map[string]int{"aws_db_instance": 1})},
}

var accessLogTraps = []row{
	{"B7: access-log format without a request id", matches("api/stage", "access_log_settings.format", `^\{[^\n]*"\$context\.requestId"[^\n]*\}$`)},
	{"B7: data_trace_enabled", has("api/stage", `{"default_route_settings.data_trace_enabled": false, "default_route_settings.logging_level": "ERROR"}`)},
}

// unseen are the rows that the synthesized JSON cannot show, and why.
var unseen = map[string]string{
	"A4":  "what a deploy does after its apply: make deploy waits for the instance refresh",
	"A15": "what an operator does while a refresh runs: make deploy waits for it",
	"D9":  "the service's server: its own tests hold the idle time above the load balancer's 60 s",
	"E1":  "a warning of the synth, not part of its output: config's tests",
	"E20": "how make builds the service: CGO_ENABLED=0 GOOS=linux GOARCH=amd64",
	"F1":  "the specification's own network; a warning of the synth: config's tests",
	"G3":  "a quota of the account",
	"G4":  "a quota of the account",
	"G5":  "the order of an operator's applies; switches are one setting, PORTFOLIO_PROFILE",
	"G6":  "how long AWS keeps interfaces after a destroy",
	"G9":  "the rights of the role that deploys, which is not part of the stack",

	"B1: plan role without secret read rights":            "the rights of the role that deploys, which is not part of the stack",
	"B1: raising the password's version under Blue/Green": "two changes in one apply; a plan has no past",
	"B2: Blue/Green for a class-only change":              "two changes in one apply; a plan has no past",
	"B2: deletion_protection":                             "the order of an operator's applies; the value is in the specification's variants",
	"B2: version or class not orderable":                  "what a region offers at the time",
	"B3: removing replicate_source_db":                    "the replica is a resource of its own and goes as a whole",
	"B4: data_storage.maximum reached":                    "keys without an expiry are the service's; the alarm at 75 % is in the specification",
	"B4: removing user_group_id or cache_usage_limits":    "a change between two applies",
	"B6: e-mail subscription":                             "a person confirms it",
	"B7: pushing from inside $connect":                    "the service's and the Lambda's code",
	"B7: $connect handler error":                          "the Lambda's code; connections expire in the service",
	"B7: using invoke_url for callbacks":                  "the service's code builds the endpoint from the event's domain and stage",
	"B7: quotas taken for infinite":                       "the client's code",
	"B8: zip hash differs per machine":                    "how make builds the Lambda: -trimpath, -buildvcs=false, mode 0755",
	"B8: binary not built before plan":                    "make builds before it plans",
	"B8: slow work at init":                               "the Lambda's code",
	"B10: jsii pointers":                                  "Go code; what it leaves out is missing here and a row fails",
	"B10: binding, core and provider mismatch":            "go.mod and package-lock.json",
}

// partA are the rows on network, compute and Amazon Linux, by section.
var partA = map[string]int{"A": 20, "B": 13, "C": 8, "D": 21, "E": 24, "F": 11, "G": 9}

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

func TestEveryRowIsHeldOrExplained(t *testing.T) {
	held := map[string]bool{}
	for _, group := range traps {
		for _, r := range group.Rows {
			held[r.Name] = true
		}
	}
	var all []string
	for section, rows := range partA {
		for i := range rows {
			id := fmt.Sprintf("%s%d", section, i+1)
			all = append(all, id)
			require.NotEqual(t, held[id], unseen[id] != "", "%s is in exactly one of the two", id)
		}
	}
	for id := range unseen {
		require.True(t, slices.Contains(all, id) || strings.HasPrefix(id, "B") && strings.Contains(id, ": "), "%s is no row", id)
		require.False(t, held[id], "%s is held and explained", id)
	}
}
