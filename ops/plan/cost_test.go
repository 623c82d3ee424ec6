package plan

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrice(t *testing.T) {
	const db = `{"engine":"postgres","storage_type":"gp3","allocated_storage":100,"instance_class":"db.t3.medium"`
	for name, test := range map[string]struct{ kind, after, unknown, want string }{
		"database":                {"aws_db_instance", db + `}`, "", "64.06"},
		"database, Multi-AZ":      {"aws_db_instance", db + `,"multi_az":true}`, "", "128.85"},
		"database, odd class":     {"aws_db_instance", `{"engine":"postgres","storage_type":"gp3","allocated_storage":1,"instance_class":"db.x9.huge"}`, "", "unknown"},
		"database, other engine":  {"aws_db_instance", `{"engine":"oracle-ee","storage_type":"gp3","allocated_storage":1,"instance_class":"db.t3.medium"}`, "", "unknown"},
		"database, class unknown": {"aws_db_instance", `{"engine":"postgres","storage_type":"gp3","allocated_storage":1}`, `{"instance_class":true}`, "unknown"},
		"nat":                     {"aws_nat_gateway", `{}`, "", "32.85"},
		"load balancer":           {"aws_lb", `{"load_balancer_type":"application","internal":false,"subnets":["a","b","c"]}`, "", "27.38"},
		"load balancer, internal": {"aws_lb", `{"load_balancer_type":"application","internal":true}`, "", "16.43"},
		"network load balancer":   {"aws_lb", `{"load_balancer_type":"network"}`, "", "unknown"},
		"cache, valkey":           {"aws_elasticache_serverless_cache", `{"engine":"valkey"}`, "", "6.13"},
		"cache, redis":            {"aws_elasticache_serverless_cache", `{"engine":"redis"}`, "", "91.25"},
		"cache, memcached":        {"aws_elasticache_serverless_cache", `{"engine":"memcached"}`, "", "unknown"},
		"cache, with a minimum":   {"aws_elasticache_serverless_cache", `{"engine":"valkey","cache_usage_limits":[{"data_storage":[{"minimum":2}]}]}`, "", "122.64"},
		"gateway endpoint":        {"aws_vpc_endpoint", `{"vpc_endpoint_type":"Gateway"}`, "", "0.00"},
		"interface endpoint":      {"aws_vpc_endpoint", `{"vpc_endpoint_type":"Interface"}`, "", "unknown"},
		"key":                     {"aws_kms_key", `{}`, "", "1.00"},
		"not in the table":        {"aws_msk_cluster", `{}`, "", "unknown"},
		"group without template":  {"aws_autoscaling_group", `{"desired_capacity":2}`, "", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			c := ruleTest{kind: test.kind, after: test.after, unknown: test.unknown}.change(t)
			assert.Equal(t, test.want, usd(world{true, []change{c}}.price(c)))
			assert.Equal(t, "0.00", usd(world{false, []change{c}}.price(c)), "before it is created")
		})
	}
}

func TestGroupPriceFollowsItsTemplate(t *testing.T) {
	template := func(id, size string) change {
		return ruleTest{kind: "aws_launch_template", after: `{"id":"` + id + `","instance_type":"` + size + `","monitoring":[{"enabled":true}],
			"block_device_mappings":[{"ebs":[{"volume_size":20,"volume_type":"gp3"}]}]}`}.change(t)
	}
	group := ruleTest{kind: "aws_autoscaling_group",
		after: `{"desired_capacity":2,"launch_template":[{"id":"lt-b"}]}`}.change(t)
	changes := []change{template("lt-a", "t3.micro"), template("lt-b", "t3.medium"), group}
	assert.Equal(t, "68.14", usd(world{true, changes}.price(group)))

	loose := ruleTest{kind: "aws_autoscaling_group", after: `{"desired_capacity":2,"launch_template":[{}]}`,
		unknown: `{"launch_template":[{"id":true}]}`}.change(t)
	assert.Equal(t, "68.14", usd(world{true, []change{changes[1], loose}}.price(loose)))
	assert.Equal(t, "unknown", usd(world{true, []change{changes[0], changes[1], loose}}.price(loose)),
		"which of the two is not known")
}

// What is not known is named and never counted as 0.
func TestUnknownCostIsNamed(t *testing.T) {
	msk := ruleTest{kind: "aws_msk_cluster", before: `{}`, after: `{"a":1}`}.change(t)
	text := costOf([]change{msk}, "").markdown()
	assert.Contains(t, text, "at least 0.00 → at least 0.00 USD (unchanged)")
	assert.Contains(t, text, "- unknown, not counted: `aws_msk_cluster.it`: unknown before, unknown after\n")
	assert.Contains(t, text, "the plan does not say its region")

	bucket := ruleTest{kind: "aws_s3_bucket", after: `{}`}.change(t)
	text = costOf([]change{bucket}, "eu-central-1").markdown()
	assert.Contains(t, text, "- unknown, only by usage: 1 resource, such as `aws_s3_bucket.it`\n")
	assert.Contains(t, text, "**the plan is for `eu-central-1`, where prices differ**")
}

func TestForgottenStillCosts(t *testing.T) {
	nat := ruleTest{kind: "aws_nat_gateway", before: `{}`}.change(t)
	nat.verb = forgotten
	assert.Equal(t, "32.85", usd(costOf([]change{nat}, "").After))
}

func TestPriceTable(t *testing.T) {
	decoder := json.NewDecoder(bytes.NewReader(pricesJSON))
	decoder.DisallowUnknownFields()
	var table priceTable
	require.NoError(t, decoder.Decode(&table))
	_, err := time.Parse(time.DateOnly, table.Date)
	require.NoError(t, err)
	assert.NotEmpty(t, table.Source)
	assert.Equal(t, "us-east-1", table.Region)
	for class := range table.DatabaseHour {
		assert.Contains(t, table.DatabaseHourMultiAZ, class)
	}
	assert.True(t, slices.IsSorted(table.Free) && slices.IsSorted(table.ByUsage), "lists are sorted")
}

// Every type of the platform is one whose cost is known, or known to be by usage.
func TestPriceTableCoversThePlatform(t *testing.T) {
	text, err := os.ReadFile("../../test/testdata/standard.json")
	require.NoError(t, err)
	var stack struct {
		Resource map[string]any `json:"resource"`
	}
	require.NoError(t, json.Unmarshal(text, &stack))
	require.NotEmpty(t, stack.Resource)
	computed := []string{"aws_autoscaling_group", "aws_db_instance", "aws_eip", "aws_elasticache_serverless_cache",
		"aws_lb", "aws_nat_gateway", "aws_vpc_endpoint"}
	for kind := range stack.Resource {
		_, monthly := prices.PerMonth[kind]
		assert.True(t, monthly || slices.Contains(computed, kind) || slices.Contains(prices.Free, kind) ||
			slices.Contains(prices.ByUsage, kind), kind)
	}
}
