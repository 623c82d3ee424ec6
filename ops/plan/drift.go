package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// driftOf lists what was changed or deleted since Terraform looked last.
func driftOf(p *tfjson.Plan) []Finding {
	var found []Finding
	for _, r := range changesOf(&tfjson.Plan{ResourceChanges: p.ResourceDrift, Config: p.Config}) {
		names := r.attributes()
		real := slices.DeleteFunc(slices.Clone(names), r.settled)
		switch {
		case r.verb == untouched || len(names) > 0 && len(real) == 0:
		case r.verb == deleted:
			found = append(found, Finding{r.address, "was **deleted** outside Terraform"})
		default:
			found = append(found, Finding{r.address, "was changed outside Terraform: " + codes(real)})
		}
	}
	return found
}

// settled reports whether an attribute differs although nobody changed it: an empty
// map that the provider had written as none, or what other resources of the same
// apply have set since the resource was made, routes in a table or rules in a group.
func (c change) settled(name string) bool {
	before := nothing(c.before[name])
	if before && nothing(c.after[name]) {
		return true
	}
	if c.configured == nil || c.configured[name] != nil {
		return false
	}
	// AWS fills these at creation, and resources of their own watch over them.
	own := c.kind == "aws_s3_bucket" && (name == "versioning" || name == "policy") || c.kind == "aws_sns_topic" && name == "policy"
	return before || own
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
	b.WriteString("\nA deploy undoes what the configuration sets. What should stay belongs into the configuration first.\n")
	return b.String()
}
