package test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// profileDifferences lists the arguments, by block, in which a profile differs from
// standard. What holds for all others of standard's holds for the profile as well.
var profileDifferences = map[string]map[string]string{
	"preview": {
		"monitoring/nat-ports-b": "", "network/nat-address-b": "", "network/nat-b": "", "network/private-internet-b": "nat_gateway_id",
		"api/handler-log-group": "retention_in_days", "compute/service-log-group": "retention_in_days",
		"database/log-group-postgresql": "retention_in_days", "database/log-group-upgrade": "retention_in_days",
		"network/flow-log-group": "retention_in_days", "database/logs/lifecycle": "rule",
		"compute/artifacts/bucket": "force_destroy", "database/history/bucket": "force_destroy", "database/primary": "multi_az",
		"compute/image": "lifecycle triggers_replace", "compute/newest-image": "count name",
		"monitoring/dashboard": "dashboard_body", "release": "input",
	},
	"production": {
		"data-key/alias": "", "data-key/key": "", "database/final-snapshot": "", "database/replica": "",
		"database/replica-log-group-postgresql": "", "database/replica-log-group-upgrade": "", "monitoring/replica-lag": "",
		"compute/load-balancer/https": "", "compute/load-balancer/http": "default_action",
		"compute/load-balancer/alb": "enable_deletion_protection", "compute/instances": "depends_on",
		"compute/scale-by-cpu": "depends_on", "compute/scale-by-requests": "depends_on",
		"api/handler-log-group": "kms_key_id retention_in_days", "compute/service-log-group": "kms_key_id retention_in_days",
		"database/log-group-postgresql": "kms_key_id retention_in_days", "database/log-group-upgrade": "kms_key_id retention_in_days",
		"network/flow-log-group": "kms_key_id retention_in_days", "database/logs/lifecycle": "rule",
		"api/handler-policy": "policy", "api/handler": "environment kms_key_arn", "compute/instance-policy": "policy",
		"compute/artifacts/encryption": "rule", "database/history/encryption": "rule", "database/logs/bucket": "force_destroy",
		"compute/signing-key/secret":          "kms_key_id recovery_window_in_days",
		"database/credentials/secret":         "kms_key_id recovery_window_in_days",
		"database/service-credentials/secret": "kms_key_id recovery_window_in_days",
		"database/cache/valkey":               "kms_key_id snapshot_retention_limit",
		"database/primary": "delete_automated_backups deletion_protection final_snapshot_identifier kms_key_id " +
			"performance_insights_kms_key_id skip_final_snapshot",
		"compute/image": "lifecycle triggers_replace", "compute/newest-image": "count name",
		"monitoring/dashboard": "dashboard_body", "release": "input",
	},
}

func TestProfilesDifferWhereTheySay(t *testing.T) {
	standard := variant(t, "standard")
	for name, want := range profileDifferences {
		got, profile := map[string]string{}, variant(t, name)
		for path := range merged(standard.Blocks, profile.Blocks) {
			before, after := standard.Blocks[path], profile.Blocks[path]
			var differing []string
			for key := range merged(before, after) {
				if key != "//" && !reflect.DeepEqual(before[key], after[key]) {
					differing = append(differing, key)
				}
			}
			if before == nil || after == nil {
				got[path] = ""
			} else if len(differing) > 0 {
				slices.Sort(differing)
				got[path] = strings.Join(differing, " ")
			}
		}
		require.Equal(t, want, got, name)
	}
}

// merged returns the keys of both maps.
func merged[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(b)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, a)
	return all
}
