package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// driftOf lists what was changed or deleted outside Terraform. A resource of which only
// the address changed did not drift.
func driftOf(p *tfjson.Plan) []Finding {
	var found []Finding
	for _, r := range changesOf(&tfjson.Plan{ResourceChanges: p.ResourceDrift, Config: p.Config}) {
		names := r.attributes()
		real := slices.DeleteFunc(slices.Clone(names), r.unchanged)
		switch {
		case r.verb == untouched || r.verb == updated && len(real) == 0 && (len(names) > 0 || r.moves):
		case r.verb == deleted:
			found = append(found, ranked(r.address, "was **deleted** outside Terraform"))
		default:
			text := "was changed outside Terraform"
			if len(real) > 0 {
				text += ": " + codes(real)
			}
			found = append(found, ranked(r.address, text))
		}
	}
	return found
}

// unchanged reports whether an attribute differs although nobody changed it: an empty
// map that the provider had written as none, or what other resources of the same
// apply have set since the resource was made, routes in a table or rules in a group.
func (c change) unchanged(name string) bool {
	if slices.Contains(volatile[c.kind], name) {
		return true
	}
	before := nothing(c.before[name])
	if before && nothing(c.after[name]) {
		return true
	}
	if c.configured == nil || c.configured[name] != nil {
		return false
	}
	// AWS fills these at creation, and separate resources manage them.
	own := c.kind == "aws_s3_bucket" && (name == "versioning" || name == "policy") ||
		c.kind == "aws_sns_topic" && name == "policy"
	return before || own
}

// volatile attributes change without anyone's doing: AWS reports the time of a backup or
// a state, and a policy scales a group.
var volatile = map[string][]string{
	"aws_autoscaling_group":            {"desired_capacity", "instances", "predicted_capacity", "warm_pool_size"},
	"aws_db_instance":                  {"latest_restorable_time", "status", "replicas"},
	"aws_elasticache_serverless_cache": {"status"},
	"aws_kms_key":                      {"key_state"},
	"aws_lambda_function":              {"last_modified", "last_update_status", "state"},
	"aws_launch_template":              {"default_version", "latest_version"},
	"aws_nat_gateway":                  {"association_id"},
	"aws_vpc_endpoint":                 {"network_interface_ids", "state"},
}

// nothing reports whether a value is null, an empty text, or a list or a map without elements.
func nothing(v any) bool {
	if v == nil {
		return true
	}
	if text, ok := v.(string); ok {
		return text == ""
	}
	kind := reflect.ValueOf(v)
	return (kind.Kind() == reflect.Map || kind.Kind() == reflect.Slice) && kind.Len() == 0
}

// DriftMarkdown writes the card of a refresh-only plan of an environment: what was
// changed outside Terraform, and nothing that is only configured differently.
func (c Card) DriftMarkdown(environment string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Drift of %s\n", code(environment))
	section(&b, "Changed outside Terraform", c.Drift, maxMarkdown-maxSection)
	b.WriteString("\nA deploy reverts what the configuration sets. To keep a change, add it to the configuration first.\n")
	return b.String()
}
