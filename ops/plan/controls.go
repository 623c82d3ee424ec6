package plan

import (
	"fmt"
	"slices"
	"strings"
)

// control is a setting that protects something. Its strength is compared on both sides.
type control struct {
	kinds []string
	path  []any
	name  string
	// strength is 0 for "off", and higher is stronger; false if it is not known.
	strength func(value) (int64, bool)
}

func on(v value) (int64, bool) {
	if v.isTrue() {
		return 1, true
	}
	return 0, true
}

func is(want string) func(value) (int64, bool) {
	return func(v value) (int64, bool) {
		if v.text() == want {
			return 1, true
		}
		return 0, !v.sensitive
	}
}

func set(v value) (int64, bool) {
	if v.v == nil || v.v == "" {
		return 0, true
	}
	return 1, true
}

func amount(v value) (int64, bool) {
	if v.v == nil {
		return 0, true
	}
	return v.number()
}

// tls is the strength of a listener's protocol.
func tls(v value) (int64, bool) {
	if v.text() == "HTTPS" || v.text() == "TLS" {
		return 1, true
	}
	return 0, true
}

var settings = []control{
	{[]string{"aws_db_instance", "aws_rds_cluster"}, []any{"storage_encrypted"}, "encryption at rest", on},
	{[]string{"aws_db_instance", "aws_rds_cluster"}, []any{"deletion_protection"}, "deletion protection", on},
	{[]string{"aws_db_instance", "aws_rds_cluster"}, []any{"backup_retention_period"}, "days of backups", amount},
	{[]string{"aws_db_instance"}, []any{"iam_database_authentication_enabled"}, "login with IAM", on},
	{[]string{"aws_db_instance"}, []any{"monitoring_interval"}, "seconds between enhanced metrics", amount},
	{[]string{"aws_kms_key"}, []any{"enable_key_rotation"}, "key rotation", on},
	{[]string{"aws_kms_key"}, []any{"deletion_window_in_days"}, "days before a deleted key is gone", amount},
	{[]string{"aws_lb"}, []any{"drop_invalid_header_fields"}, "dropping invalid headers", on},
	{[]string{"aws_lb"}, []any{"enable_deletion_protection"}, "deletion protection", on},
	{[]string{"aws_lb"}, []any{"access_logs", 0, "enabled"}, "access logs", on},
	{[]string{"aws_lb_listener"}, []any{"protocol"}, "TLS", tls},
	{[]string{"aws_launch_template", "aws_instance"}, []any{"metadata_options", 0, "http_tokens"},
		"required IMDSv2", is("required")},
	{[]string{"aws_launch_template"}, []any{"block_device_mappings", 0, "ebs", 0, "encrypted"},
		"encryption of the disk", on},
	{[]string{"aws_s3_bucket_versioning"}, []any{"versioning_configuration", 0, "status"}, "versioning", is("Enabled")},
	{[]string{"aws_elasticache_replication_group"}, []any{"transit_encryption_enabled"}, "encryption in transit", on},
	{[]string{"aws_elasticache_replication_group"}, []any{"at_rest_encryption_enabled"}, "encryption at rest", on},
	{[]string{"aws_elasticache_serverless_cache"}, []any{"snapshot_retention_limit"}, "days of snapshots", amount},
	{[]string{"aws_secretsmanager_secret"}, []any{"recovery_window_in_days"},
		"days before a deleted secret is gone", amount},
	{[]string{"aws_cloudwatch_log_group"}, []any{"retention_in_days"}, "days of logs", forever},
	{[]string{"aws_sns_topic"}, []any{"kms_master_key_id"}, "encryption of the topic", set},
	{[]string{"aws_cloudwatch_metric_alarm"}, []any{"actions_enabled"}, "the alarm's actions", on},
}

// forever returns a retention, in which 0 means that logs are kept forever.
func forever(v value) (int64, bool) {
	n, ok := amount(v)
	if ok && n == 0 {
		return 1 << 32, true
	}
	return n, ok
}

// guards are resources whose existence is a control.
var guards = []string{
	"aws_cloudtrail", "aws_cloudwatch_metric_alarm", "aws_config_configuration_recorder", "aws_flow_log",
	"aws_guardduty_detector", "aws_network_acl", "aws_s3_bucket_logging", "aws_s3_bucket_ownership_controls",
	"aws_s3_bucket_policy", "aws_s3_bucket_public_access_block", "aws_s3_bucket_server_side_encryption_configuration",
	"aws_s3_bucket_versioning", "aws_secretsmanager_secret_rotation", "aws_sns_topic_policy",
	"aws_sns_topic_subscription",
	"aws_wafv2_web_acl", "aws_wafv2_web_acl_association",
}

// mustStart are the controls that a new resource is expected to have from the start.
var mustStart = []string{
	"encryption at rest", "encryption in transit", "encryption of the disk", "required IMDSv2", "TLS", "key rotation",
	"encryption of the topic",
}

// controls lists the protections that a change weakens, strengthens or removes.
func controls(c change) []string {
	if c.verb == deleted || c.verb == forgotten {
		if slices.Contains(guards, c.kind) && !c.old {
			return []string{fmt.Sprintf("**control %s**",
				map[verb]string{deleted: "deleted", forgotten: "no longer managed"}[c.verb])}
		}
		return nil
	}
	var list []string
	for _, s := range settings {
		if slices.Contains(s.kinds, c.kind) &&
			(s.name != "TLS" || c.will("default_action", 0, "type").text() != "redirect") {
			if text := s.compare(c); text != "" {
				list = append(list, text)
			}
		}
	}
	if c.kind == "aws_lb_listener" && c.verb != created && c.changed("ssl_policy") {
		list = append(list, fmt.Sprintf("TLS policy: %s → %s", c.was("ssl_policy").shown(),
			c.will("ssl_policy").shown()))
	}
	if strings.HasSuffix(c.kind, "_server_side_encryption_configuration") && c.verb != created && c.changed("rule") {
		list = append(list, "the encryption of the bucket changes")
	}
	return list
}

func (s control) compare(c change) string {
	was, will := c.was(s.path...), c.will(s.path...)
	if c.verb == created || c.imports {
		if strong, ok := s.strength(will); ok && strong == 0 && !will.unknown && slices.Contains(mustStart, s.name) {
			return fmt.Sprintf("**starts without %s**", s.name)
		}
		return ""
	}
	before, okBefore := s.strength(was)
	after, okAfter := s.strength(will)
	switch {
	case will.unknown:
		return fmt.Sprintf("%s: %s → %s", s.name, was.shown(), will.shown())
	case !okBefore || !okAfter || before == after:
		return ""
	case after < before:
		return fmt.Sprintf("**weaker**, %s: %s → %s", s.name, was.shown(), will.shown())
	}
	return fmt.Sprintf("stronger, %s: %s → %s", s.name, was.shown(), will.shown())
}
