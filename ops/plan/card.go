// Package plan says in a page what a Terraform plan would do to the platform: what
// is lost, what opens, what it costs. It reads the plan and nothing else, so the
// same plan always gives the same card.
package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// Status sums a plan up for a pipeline.
type Status int

// A plan is dangerous when a stateful resource would be replaced or deleted.
const (
	Nothing Status = iota
	Changes
	Dangerous
)

func (s Status) String() string {
	return [...]string{"nothing to do", "changes", "dangerous"}[s]
}

// Card is what people should know before they apply a plan, in the order in which
// they should read it.
type Card struct {
	Status   Status
	Compared bool // of two configurations: nobody asked Terraform
	Counts   map[verb]int
	Notes    []string // Markdown: what limits the card
	Removed  []Finding
	Internet []Finding
	IAM      []Finding
	Stateful []Finding
	Downtime []Finding
	Controls []Finding
	Cost     Cost
	Rest     []Finding
	Outputs  []string // names: their values may be sensitive
	Drift    []Finding
}

// Finding is one remark about one resource.
type Finding struct {
	Address string
	Text    string // Markdown
}

// Parse reads the output of terraform show -json. A plan that ended in an error is
// refused: it does not hold everything that would change.
func Parse(text []byte) (*tfjson.Plan, error) {
	var p tfjson.Plan
	p.UseJSONNumber(true)
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("plan: got no output of terraform show -json PLAN: %w", err)
	}
	var end struct {
		Errored bool            `json:"errored"`
		Planned json.RawMessage `json:"planned_values"`
	}
	if err := json.Unmarshal(text, &end); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	if end.Errored {
		return nil, errors.New("plan: it ended in an error, so it is not whole: plan again")
	}
	if end.Planned == nil && p.ResourceChanges == nil { // a state has format_version too
		return nil, errors.New("plan: got no planned_values, want the plan and not the state")
	}
	return &p, nil
}

// New reads a plan.
func New(p *tfjson.Plan) Card {
	changes := changesOf(p)
	c := Card{Counts: map[verb]int{}, Cost: costOf(changes, regionOf(p)), Notes: notesOf(p)}
	for _, r := range changes {
		c.add(r)
	}
	// What loses data is read first.
	slices.SortStableFunc(c.Removed, func(a, b Finding) int { return rank(a) - rank(b) })
	for _, name := range slices.Sorted(maps.Keys(p.OutputChanges)) {
		if o := p.OutputChanges[name]; o != nil && !o.Actions.NoOp() {
			c.Outputs = append(c.Outputs, name)
			c.Status = max(c.Status, Changes)
		}
	}
	c.Drift = driftOf(p)
	return c
}

// rank sorts what is dangerous, which is bold, before the rest.
func rank(removed Finding) int {
	if strings.HasPrefix(removed.Text, "**") {
		return 0
	}
	return 1
}

// add reads one resource.
func (c *Card) add(r change) {
	if r.verb == untouched {
		return
	}
	c.Counts[r.verb]++
	if r.verb == read { // changes nothing in AWS
		c.Rest = append(c.Rest, Finding{r.address, "is read while applying"})
		return
	}
	c.Status = max(c.Status, Changes)
	if r.dangerous() {
		c.Status = Dangerous
	}
	if text := r.removal(); text != "" {
		c.Removed = append(c.Removed, Finding{r.address, text})
	} else {
		c.Rest = append(c.Rest, Finding{r.address, r.summary()})
	}
	for _, rule := range []struct {
		findings *[]Finding
		texts    func(change) []string
	}{
		{&c.Internet, internet},
		{&c.IAM, widens},
		{&c.Stateful, stateful},
		{&c.Downtime, downtime},
		{&c.Controls, controls},
	} {
		for _, text := range rule.texts(r) {
			*rule.findings = append(*rule.findings, Finding{r.address, text})
		}
	}
}

// summary is the line of a resource that stays.
func (c change) summary() string {
	text := string(c.verb)
	if c.verb == updated {
		text += " " + codes(c.attributes())
	}
	if c.deferred {
		text += ", deferred to a later plan"
	}
	return text
}

// notesOf says why a card may not be the whole truth.
func notesOf(p *tfjson.Plan) []string {
	if p.Complete != nil && !*p.Complete {
		return []string{"The plan is not complete (`-target`, or changes that are deferred): more is left to do than this."}
	}
	return nil
}

// regionOf is the region of the AWS provider, empty where the plan does not say it.
func regionOf(p *tfjson.Plan) string {
	if p.Config == nil {
		return ""
	}
	provider := p.Config.ProviderConfigs["aws"]
	if provider == nil || provider.Expressions["region"] == nil || provider.Expressions["region"].ExpressionData == nil {
		return ""
	}
	region, _ := provider.Expressions["region"].ConstantValue.(string)
	return region
}
