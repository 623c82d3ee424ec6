package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// driftOf lists what was changed or deleted since Terraform looked last. Providers
// read as an empty map what they had written as none: nobody changed that.
func driftOf(p *tfjson.Plan) []Finding {
	var found []Finding
	for _, r := range changesOf(&tfjson.Plan{ResourceChanges: p.ResourceDrift}) {
		names := r.attributes()
		real := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return nothing(r.before[name]) && nothing(r.after[name])
		})
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

// nothing reports whether a value is null, or a list or a map without elements.
func nothing(v any) bool {
	if v == nil {
		return true
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
	b.WriteString("\nThe next deploy undoes it. What should stay belongs into the configuration first.\n")
	return b.String()
}
