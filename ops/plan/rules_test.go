package plan

import (
	"encoding/json"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ruleTest is a change in JSON, and what a rule reports about it.
type ruleTest struct {
	kind          string
	before, after string // JSON objects; empty for none
	unknown       string // mask
	want          []string
}

func (test ruleTest) change(t *testing.T) change {
	t.Helper()
	c := &tfjson.Change{Before: decode(t, test.before), After: decode(t, test.after),
		AfterUnknown: decode(t, test.unknown)}
	switch {
	case test.before == "":
		c.Actions = tfjson.Actions{tfjson.ActionCreate}
	case test.after == "":
		c.Actions = tfjson.Actions{tfjson.ActionDelete}
	default:
		c.Actions = tfjson.Actions{tfjson.ActionUpdate}
	}
	list := changesOf(&tfjson.Plan{ResourceChanges: []*tfjson.ResourceChange{{Address: test.kind + ".it",
		Type: test.kind, Change: c}}})
	require.Len(t, list, 1)
	return list[0]
}

func decode(t *testing.T, text string) any {
	t.Helper()
	if text == "" {
		return nil
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	require.NoError(t, decoder.Decode(&v), text)
	return v
}

func checkRule(t *testing.T, rule func(change) []string, tests map[string]ruleTest) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, rule(test.change(t)))
		})
	}
}

const (
	ingress = "aws_vpc_security_group_ingress_rule"
	egress  = "aws_vpc_security_group_egress_rule"
	block   = "aws_s3_bucket_public_access_block"
)

func TestInternet(t *testing.T) {
	rule := func(cidr, protocol, from, to string) string {
		return `{"cidr_ipv4":"` + cidr + `","ip_protocol":"` + protocol + `","from_port":` +
			from + `,"to_port":` + to + `}`
	}
	checkRule(t, internet, map[string]ruleTest{
		"new rule":             {ingress, "", rule("0.0.0.0/0", "tcp", "22", "22"), "", []string{"**in from `0.0.0.0/0`: tcp 22**"}},
		"new rule, IPv6":       {ingress, "", `{"cidr_ipv6":"::/0","ip_protocol":"-1"}`, "", []string{"**in from `::/0`: everything**"}},
		"half of the internet": {ingress, "", rule("128.0.0.0/1", "tcp", "80", "90"), "", []string{"**in from `128.0.0.0/1`: tcp 80–90**"}},
		"private":              {ingress, "", rule("10.0.0.0/8", "tcp", "22", "22"), "", nil},
		"no range":             {ingress, "", `{"referenced_security_group_id":"sg-1","ip_protocol":"tcp","from_port":80,"to_port":80}`, "", nil},
		"out":                  {egress, "", rule("0.0.0.0/0", "tcp", "443", "443"), "", []string{"out to `0.0.0.0/0`: tcp 443"}},
		"widened":              {ingress, rule("10.0.0.0/16", "tcp", "22", "22"), rule("0.0.0.0/0", "tcp", "22", "22"), "", []string{"**in from `0.0.0.0/0`: tcp 22**"}},
		"more ports":           {ingress, rule("0.0.0.0/0", "tcp", "80", "80"), rule("0.0.0.0/0", "tcp", "80", "443"), "", []string{"**in from `0.0.0.0/0`: tcp 80–443**"}},
		"fewer ports":          {ingress, rule("0.0.0.0/0", "tcp", "80", "443"), rule("0.0.0.0/0", "tcp", "80", "80"), "", nil},
		"from all to one":      {ingress, rule("0.0.0.0/0", "-1", "0", "0"), rule("0.0.0.0/0", "tcp", "80", "80"), "", nil},
		"another protocol":     {ingress, rule("0.0.0.0/0", "tcp", "53", "53"), rule("0.0.0.0/0", "udp", "53", "53"), "", []string{"**in from `0.0.0.0/0`: udp 53**"}},
		"closed":               {ingress, rule("0.0.0.0/0", "tcp", "22", "22"), "", "", nil},
		"not known yet":        {ingress, "", `{"ip_protocol":"tcp"}`, `{"cidr_ipv4":true}`, []string{"`cidr_ipv4` is known only after the apply: check it"}},
		"old kind of rule":     {"aws_security_group_rule", "", `{"type":"ingress","protocol":"tcp","from_port":22,"to_port":22,"cidr_blocks":["10.0.0.0/8","0.0.0.0/0"]}`, "", []string{"**in from `0.0.0.0/0`: tcp 22**"}},
		"rule in the group":    {"aws_security_group", `{"ingress":[]}`, `{"ingress":[{"protocol":"tcp","from_port":22,"to_port":22,"cidr_blocks":[],"ipv6_cidr_blocks":["::/0"]}],"egress":[]}`, "", []string{"**in from `::/0`: tcp 22**"}},

		"block off":           {block, `{"block_public_acls":true,"block_public_policy":true}`, `{"block_public_acls":true,"block_public_policy":false}`, "", []string{"**public access block off**: `block_public_policy`"}},
		"block on":            {block, `{"block_public_acls":false}`, `{"block_public_acls":true}`, "", nil},
		"block deleted":       {block, `{"block_public_acls":true,"restrict_public_buckets":true}`, "", "", []string{"**public access block off**: `block_public_acls`, `restrict_public_buckets`"}},
		"block made half":     {block, "", `{"block_public_acls":true,"block_public_policy":true,"ignore_public_acls":true}`, "", []string{"**public access block off**: `restrict_public_buckets`"}},
		"database public":     {"aws_db_instance", `{"publicly_accessible":false}`, `{"publicly_accessible":true}`, "", []string{"**the database gets a public address**"}},
		"database was public": {"aws_db_instance", `{"publicly_accessible":true}`, `{"publicly_accessible":true,"port":1}`, "", nil},
		"load balancer":       {"aws_lb", `{"internal":true}`, `{"internal":false}`, "", []string{"the load balancer faces the internet"}},
		"by default":          {"aws_lb", "", `{}`, `{"internal":true}`, []string{"the load balancer faces the internet"}},
		"subnet":              {"aws_subnet", `{"map_public_ip_on_launch":false}`, `{"map_public_ip_on_launch":true}`, "", []string{"instances get public addresses automatically"}},
		"template":            {"aws_launch_template", "", `{"network_interfaces":[{"associate_public_ip_address":"true"}]}`, "", []string{"instances get a public address"}},
		"function":            {"aws_lambda_function_url", "", `{"authorization_type":"NONE"}`, "", []string{"**anyone may call the function**"}},
		"acl":                 {"aws_s3_bucket_acl", `{"acl":"private"}`, `{"acl":"public-read"}`, "", []string{"**anyone may read the bucket**"}},
		"route":               {"aws_route", "", `{"destination_cidr_block":"0.0.0.0/0","gateway_id":"igw-1"}`, "", []string{"a subnet gets a route to and from the internet"}},
		"route by NAT":        {"aws_route", "", `{"destination_cidr_block":"0.0.0.0/0","nat_gateway_id":"nat-1"}`, "", nil},
	})
}

func TestStateful(t *testing.T) {
	checkRule(t, stateful, map[string]ruleTest{
		"create":              {"aws_db_instance", "", `{}`, "", nil},
		"update":              {"aws_db_instance", `{"multi_az":false}`, `{"multi_az":true}`, "", []string{"database: update `multi_az`"}},
		"delete, no snapshot": {"aws_db_instance", `{"skip_final_snapshot":true,"deletion_protection":true}`, "", "", []string{"database: delete; no final snapshot; AWS refuses while deletion protection is on"}},
		"bucket, forced":      {"aws_s3_bucket", `{"force_destroy":true}`, "", "", []string{"bucket: delete; its objects go with it"}},
		"bucket":              {"aws_s3_bucket", `{"force_destroy":false}`, "", "", []string{"bucket: delete; AWS refuses while it holds objects"}},
		"secret":              {"aws_secretsmanager_secret", `{"recovery_window_in_days":0}`, "", "", []string{"secret: delete; at once, no recovery"}},
		"secret, in a week":   {"aws_secretsmanager_secret", `{"recovery_window_in_days":7}`, "", "", []string{"secret: delete"}},
		"key":                 {"aws_kms_key", `{}`, "", "", []string{"key: delete; what it encrypted cannot be read after its waiting time"}},
		"cache":               {"aws_elasticache_serverless_cache", `{}`, "", "", []string{"cache: delete; what it caches is lost"}},
		"not stateful":        {"aws_lb", `{}`, "", "", nil},
	})
}

func TestDowntime(t *testing.T) {
	const db = "aws_db_instance"
	window := "in the next maintenance window (`sun:04:00-sun:05:00` UTC)"
	checkRule(t, downtime, map[string]ruleTest{
		"class, in the window":  {db, `{"instance_class":"a","maintenance_window":"sun:04:00-sun:05:00"}`, `{"instance_class":"b","maintenance_window":"sun:04:00-sun:05:00"}`, "", []string{"`instance_class`: the database restarts: about a minute with Multi-AZ, some minutes without, " + window}},
		"class, at once":        {db, `{"instance_class":"a"}`, `{"instance_class":"b","apply_immediately":true}`, "", []string{"`instance_class`: the database restarts: about a minute with Multi-AZ, some minutes without"}},
		"storage grows":         {db, `{"allocated_storage":100}`, `{"allocated_storage":200}`, "", nil},
		"created":               {db, "", `{"instance_class":"b"}`, "", nil},
		"nat deleted":           {"aws_nat_gateway", `{}`, "", "", []string{"deleted: what uses it stops working"}},
		"alarm deleted":         {"aws_cloudwatch_metric_alarm", `{}`, "", "", nil},
		"template, user data":   {"aws_launch_template", `{"user_data":"a"}`, `{}`, `{"user_data":true}`, []string{"`user_data`: instances are replaced one after another: no downtime, less capacity meanwhile"}},
		"template, description": {"aws_launch_template", `{"description":"a"}`, `{"description":"b"}`, "", nil},
	})
	assert.Equal(t, []string{interruptions["aws_lb"]}, downtime(change{kind: "aws_lb", verb: replaced}))
	assert.Equal(t, []string{"less than this, as the new one comes first: " + interruptions["aws_lb"]},
		downtime(change{kind: "aws_lb", verb: replaced, first: true}))
	assert.Empty(t, downtime(change{kind: "aws_lb", verb: deleted, old: true}))
}

func TestControls(t *testing.T) {
	checkRule(t, controls, map[string]ruleTest{
		"encryption off":     {"aws_db_instance", `{"storage_encrypted":true}`, `{"storage_encrypted":false}`, "", []string{"**weaker**, encryption at rest: `true` → `false`"}},
		"protection on":      {"aws_db_instance", `{"deletion_protection":false}`, `{"deletion_protection":true}`, "", []string{"stronger, deletion protection: `false` → `true`"}},
		"fewer backups":      {"aws_db_instance", `{"backup_retention_period":7}`, `{"backup_retention_period":0}`, "", []string{"**weaker**, days of backups: `7` → `0`"}},
		"unencrypted start":  {"aws_db_instance", "", `{"storage_encrypted":false}`, "", []string{"**starts without encryption at rest**"}},
		"unprotected start":  {"aws_db_instance", "", `{"storage_encrypted":true,"deletion_protection":false}`, "", nil},
		"IMDSv1":             {"aws_launch_template", `{"metadata_options":[{"http_tokens":"required"}]}`, `{"metadata_options":[{"http_tokens":"optional"}]}`, "", []string{"**weaker**, required IMDSv2: `required` → `optional`"}},
		"no TLS any more":    {"aws_lb_listener", `{"protocol":"HTTPS","ssl_policy":"p"}`, `{"protocol":"HTTP"}`, "", []string{"**weaker**, TLS: `HTTPS` → `HTTP`", "TLS policy: `p` → none"}},
		"redirect to TLS":    {"aws_lb_listener", "", `{"protocol":"HTTP","default_action":[{"type":"redirect"}]}`, "", nil},
		"versioning stopped": {"aws_s3_bucket_versioning", `{"versioning_configuration":[{"status":"Enabled"}]}`, `{"versioning_configuration":[{"status":"Suspended"}]}`, "", []string{"**weaker**, versioning: `Enabled` → `Suspended`"}},
		"topic's key":        {"aws_sns_topic", `{"kms_master_key_id":"k"}`, `{"kms_master_key_id":""}`, "", []string{"**weaker**, encryption of the topic: `k` → (empty)"}},
		"topic's new key":    {"aws_sns_topic", `{"kms_master_key_id":"k"}`, `{}`, `{"kms_master_key_id":true}`, []string{"encryption of the topic: `k` → (known after apply)"}},
		"logs kept forever":  {"aws_cloudwatch_log_group", `{"retention_in_days":30}`, `{"retention_in_days":0}`, "", []string{"stronger, days of logs: `30` → `0`"}},
		"alarm deleted":      {"aws_cloudwatch_metric_alarm", `{}`, "", "", []string{"**control deleted**"}},
		"flow log deleted":   {"aws_flow_log", `{}`, "", "", []string{"**control deleted**"}},
		"bucket encryption":  {"aws_s3_bucket_server_side_encryption_configuration", `{"rule":[{"a":1}]}`, `{"rule":[{"a":2}]}`, "", []string{"the encryption of the bucket changes"}},
		"nothing of it":      {"aws_vpc", `{"tags":{}}`, `{"tags":{"a":"b"}}`, "", nil},
	})
}
