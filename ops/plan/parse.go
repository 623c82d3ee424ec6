package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// Parse reads the output of terraform show -json. It refuses a plan that ended in an
// error, which does not hold everything that would change, and a plan with actions
// that this program does not know, which it could not describe.
func Parse(text []byte) (*tfjson.Plan, error) {
	text, err := plainUTF8(text)
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	var p tfjson.Plan
	p.UseJSONNumber(true)
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("plan: got a text that is not the output of terraform show -json PLAN: %w", inWords(err))
	}
	var end struct {
		Errored   bool            `json:"errored"`
		Applyable bool            `json:"applyable"`
		Planned   json.RawMessage `json:"planned_values"`
		Deferred  []struct {
			Invocation *tfjson.ActionInvocation `json:"action_invocation"`
		} `json:"deferred_action_invocations"`
	}
	if err := json.Unmarshal(text, &end); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if end.Errored {
		return nil, errors.New("plan: it ended in an error and is not complete: plan again")
	}
	if end.Planned == nil && p.ResourceChanges == nil { // a state has format_version too
		return nil, errors.New("plan: got no planned_values, want the plan and not the state")
	}
	if err := errors.Join(checkActions(&p), checkStatuses(&p)); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	for _, d := range end.Deferred { // a later plan invokes them
		p.ActionInvocations = append(p.ActionInvocations, d.Invocation)
	}
	if end.Applyable && isEmpty(&p) {
		return nil, errors.New("plan: got changes of a kind that this program does not know, " + wantKnown)
	}
	return &p, nil
}

// isEmpty reports whether a plan holds nothing that Terraform could apply.
func isEmpty(p *tfjson.Plan) bool {
	for _, r := range changesOf(p) {
		if len(r.facts()) > 0 {
			return false
		}
	}
	for _, o := range p.OutputChanges {
		if !o.Actions.NoOp() {
			return false
		}
	}
	return len(p.ActionInvocations) == 0 && len(p.ResourceDrift) == 0
}

// inWords says where JSON of another type was found, without the names of Go's types.
func inWords(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return err
	case wrong.Field == "":
		return errors.New("want an object, got " + article(wrong.Value))
	}
	return fmt.Errorf("%s: got %s", wrong.Field, article(wrong.Value))
}

// article returns a JSON type with its article.
func article(kind string) string {
	if strings.ContainsAny(kind[:1], "aeiou") {
		return "an " + kind
	}
	return "a " + kind
}

// marks are the beginnings of texts that are not UTF-8, UTF-32 before UTF-16, whose
// mark is a prefix of UTF-32's.
var marks = []struct{ bytes, encoding string }{
	{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"},
	{"{\x00\x00\x00", "UTF-32"}, {"\x00\x00\x00{", "UTF-32"}, {"{\x00", "UTF-16"}, {"\x00{", "UTF-16"},
}

// plainUTF8 removes a byte-order mark. PowerShell's > writes UTF-16; the error names the
// encoding.
func plainUTF8(text []byte) ([]byte, error) {
	for _, mark := range marks {
		if bytes.HasPrefix(text, []byte(mark.bytes)) {
			return nil, fmt.Errorf("got %s, want UTF-8: in PowerShell write it with Out-File -Encoding utf8",
				mark.encoding)
		}
	}
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), nil
}

// known are the actions of a change that Terraform's documentation lists.
var known = []tfjson.Actions{
	{tfjson.ActionNoop}, {tfjson.ActionCreate}, {tfjson.ActionRead}, {tfjson.ActionUpdate},
	{tfjson.ActionDelete}, {tfjson.ActionForget},
	{tfjson.ActionDelete, tfjson.ActionCreate}, {tfjson.ActionCreate, tfjson.ActionDelete},
	{tfjson.ActionCreate, tfjson.ActionForget}, {tfjson.ActionForget, tfjson.ActionCreate},
}

// wantKnown ends the error about what Terraform's documentation does not list.
const wantKnown = "want those that Terraform documents: a newer ops may know them"

func checkActions(p *tfjson.Plan) error {
	var problems []error
	check := func(where string, change *tfjson.Change) {
		switch {
		case change == nil:
			problems = append(problems, fmt.Errorf("%s: got no change, want one", where))
		case !slices.ContainsFunc(known, func(a tfjson.Actions) bool { return slices.Equal(a, change.Actions) }):
			problems = append(problems, fmt.Errorf("%s: got the actions %q, %s", where, change.Actions, wantKnown))
		}
	}
	resource := func(where string, r *tfjson.ResourceChange) {
		if r == nil {
			problems = append(problems, fmt.Errorf("%s: got null, want a change", where))
			return
		}
		check(where+" "+r.Address, r.Change)
	}
	for _, r := range p.ResourceChanges {
		resource("resource_changes", r)
	}
	for _, r := range p.ResourceDrift {
		resource("resource_drift", r)
	}
	for _, d := range p.DeferredChanges {
		if d == nil {
			resource("deferred_changes", nil)
			continue
		}
		resource("deferred_changes", d.ResourceChange)
	}
	for _, name := range names(p.OutputChanges, nil) {
		check("output_changes "+name, p.OutputChanges[name])
	}
	return errors.Join(problems...)
}

// checkStatuses refuses checks with a status that Terraform's documentation does not list:
// whether they failed is not known.
func checkStatuses(p *tfjson.Plan) error {
	var problems []error
	check := func(where string, status tfjson.CheckStatus) {
		switch status {
		case tfjson.CheckStatusPass, tfjson.CheckStatusFail, tfjson.CheckStatusError, tfjson.CheckStatusUnknown:
		default:
			problems = append(problems, fmt.Errorf("checks %s: got the status %q, want pass, fail, error or unknown",
				where, status))
		}
	}
	for _, c := range p.Checks {
		check(c.Address.ToDisplay, c.Status)
		for _, instance := range c.Instances {
			check(instance.Address.ToDisplay, instance.Status)
		}
	}
	return errors.Join(problems...)
}
