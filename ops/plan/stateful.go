package plan

import (
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// statefulKinds hold what cannot be recreated from the configuration: replacing or
// deleting one is dangerous.
var statefulKinds = map[string]string{
	"aws_db_instance":                   "database",
	"aws_rds_cluster":                   "database",
	"aws_rds_cluster_instance":          "database",
	"aws_db_snapshot":                   "snapshot",
	"aws_dynamodb_table":                "table",
	"aws_ebs_volume":                    "volume",
	"aws_efs_file_system":               "file system",
	"aws_elasticache_cluster":           "cache",
	"aws_elasticache_replication_group": "cache",
	"aws_elasticache_serverless_cache":  "cache",
	"aws_kms_key":                       "key",
	"aws_s3_bucket":                     "bucket",
	"aws_s3_directory_bucket":           "bucket",
	"aws_secretsmanager_secret":         "secret",
}

// touchedKinds belong to a stateful resource. A secret's version is replaced by
// every rotation, so that alone is not dangerous.
var touchedKinds = map[string]string{
	"aws_secretsmanager_secret_version": "secret's value",
	"aws_db_parameter_group":            "database's parameters",
}

var reasons = map[tfjson.ActionReason]string{
	tfjson.ActionReasonReplaceBecauseTainted:         "it is tainted",
	tfjson.ActionReasonReplaceByRequest:              "by request",
	tfjson.ActionReasonReplaceByTriggers:             "by a trigger",
	tfjson.ActionReasonDeleteBecauseNoResourceConfig: "no longer configured",
	tfjson.ActionReasonDeleteBecauseNoModule:         "its module is no longer configured",
	tfjson.ActionReasonDeleteBecauseNoMoveTarget:     "moved to an address that is not configured",
	tfjson.ActionReasonDeleteBecauseCountIndex:       "its index is out of range",
	tfjson.ActionReasonDeleteBecauseEachKey:          "its key is gone",
	tfjson.ActionReasonDeleteBecauseWrongRepetition:  "its kind of index changed",
}

func (c change) dangerous() bool {
	return statefulKinds[c.kind] != "" && c.removes()
}

// removal is the line of a resource that is replaced, deleted or forgotten, otherwise
// empty.
func (c change) removal() string {
	var text string
	switch {
	case c.verb == replaced && c.keeps:
		text = "replaced; the old one stays in AWS, unmanaged"
	case c.verb == replaced && c.first:
		text = "replaced, the new one first"
	case c.verb == replaced:
		text = "replaced, deleted first"
	case c.verb == deleted:
		text = "deleted"
	case c.verb == forgotten:
		text = "forgotten: it stays in AWS, unmanaged"
	default:
		return ""
	}
	if c.dangerous() {
		text = "**" + text + "**"
	}
	if c.moves {
		text += ", and moved"
	}
	if c.imports {
		text += ", and imported"
	}
	for _, name := range c.replaces {
		text += fmt.Sprintf("; %s: %s → %s", code(name), c.was(name).shown(), c.will(name).shown())
	}
	if reason := reasons[c.reason]; reason != "" {
		text += "; " + reason
	}
	if c.kind == "aws_cloudwatch_log_group" && c.verb != forgotten && !c.keeps {
		text += "; its logs are lost"
	}
	return text
}

// stateful says what happens to the data that a resource holds.
func stateful(c change) []string {
	name := statefulKinds[c.kind]
	if name == "" {
		name = touchedKinds[c.kind]
	}
	switch {
	case name == "" || c.verb == created || c.verb == untouched && !c.imports:
		return nil
	case c.keeps:
		return []string{name + ": replace; the new one starts empty, the old one keeps what it holds"}
	case c.removes():
		return []string{strings.Join(append([]string{fmt.Sprintf("%s: %s", name, c.verb)}, c.losses()...), "; ")}
	case c.verb == untouched:
		return []string{fmt.Sprintf("%s: %s", name, imported)}
	case c.verb == updated:
		return []string{fmt.Sprintf("%s: update %s", name, codes(c.attributes()))}
	}
	return []string{fmt.Sprintf("%s: %s", name, c.verb)}
}

// losses lists what is lost with a deletion under the current settings.
func (c change) losses() []string {
	var texts []string
	switch c.kind {
	case "aws_db_instance", "aws_rds_cluster":
		if c.was("skip_final_snapshot").isTrue() {
			texts = append(texts, "no final snapshot")
		}
		if c.was("delete_automated_backups").isTrue() {
			texts = append(texts, "its automated backups go with it")
		}
	case "aws_s3_bucket":
		if c.was("force_destroy").isTrue() {
			texts = append(texts, "its objects go with it")
		} else {
			texts = append(texts, "AWS refuses while it holds objects")
		}
	case "aws_secretsmanager_secret":
		if days, ok := c.was("recovery_window_in_days").number(); ok && days == 0 {
			texts = append(texts, "at once, no recovery")
		}
	case "aws_kms_key":
		texts = append(texts, "what it encrypted cannot be read after its waiting time")
	case "aws_elasticache_cluster", "aws_elasticache_replication_group", "aws_elasticache_serverless_cache":
		texts = append(texts, "what it caches is lost")
	}
	if c.was("deletion_protection").isTrue() || c.was("deletion_protection_enabled").isTrue() {
		texts = append(texts, "AWS refuses while deletion protection is on")
	}
	return texts
}
