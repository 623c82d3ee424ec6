// Package plan summarizes on one page what a Terraform plan would do to the platform:
// what is lost, what opens, what it costs. It reads only the plan, so the same plan
// always produces the same card.
package plan

import (
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// Status summarizes a plan for a pipeline.
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
	Compared bool // of two configurations, without Terraform's plan
	Counts   map[verb]int
	Notes    []string // Markdown: why the card is incomplete
	Checks   []Finding
	Actions  []Finding
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

	rank int // 0 is read first and dropped last
}

// ranked returns a finding ranked by its text, in which bold marks what is important.
// Open ports 80 and 443 rank lower, because the platform serves them.
func ranked(address, text string) Finding {
	rank := 2
	switch {
	case strings.HasSuffix(text, ": tcp 80**"), strings.HasSuffix(text, ": tcp 443**"):
		rank = 1
	case strings.Contains(text, "**"):
		rank = 0
	case text == readText:
		rank = 3
	}
	return Finding{Address: address, Text: text, rank: rank}
}

const readText = "is read while applying"

// New reads a plan.
func New(p *tfjson.Plan) Card {
	changes := changesOf(p)
	c := Card{
		Counts: map[verb]int{}, Cost: costOf(changes, regionOf(p)), Notes: notesOf(p),
		Checks: failedChecks(p), Actions: invocations(p),
	}
	if len(c.Notes)+len(c.Checks)+len(c.Actions)+len(p.DeferredChanges) > 0 {
		c.Status = Changes
	}
	for _, r := range changes {
		c.add(r)
	}
	for _, name := range slices.Sorted(maps.Keys(p.OutputChanges)) {
		if o := p.OutputChanges[name]; o != nil && !o.Actions.NoOp() {
			c.Outputs = append(c.Outputs, name)
			c.Status = max(c.Status, Changes)
		}
	}
	c.Drift = driftOf(p)
	return c
}

// add reads one resource.
func (c *Card) add(r change) {
	facts := r.facts()
	if len(facts) == 0 {
		return
	}
	for _, fact := range facts {
		c.Counts[fact]++
	}
	if r.verb == read { // changes nothing in AWS
		c.Rest = append(c.Rest, ranked(r.address, readText))
		return
	}
	c.Status = max(c.Status, Changes)
	if r.dangerous() {
		c.Status = Dangerous
	}
	if text := r.removal(); text != "" {
		c.Removed = append(c.Removed, ranked(r.address, text))
	} else {
		c.Rest = append(c.Rest, ranked(r.address, r.summary()))
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
			finding := ranked(r.address, text)
			if r.dangerous() {
				finding.rank = 0
			}
			*rule.findings = append(*rule.findings, finding)
		}
	}
}

// summary is the line of a resource that stays.
func (c change) summary() string {
	var texts []string
	for _, fact := range c.facts() {
		text := string(fact)
		if fact == updated {
			text += " " + codes(c.attributes())
		}
		texts = append(texts, text)
	}
	if c.deferred {
		texts = append(texts, "deferred to a later plan")
	}
	return strings.Join(texts, ", ")
}

// notesOf lists what keeps a card from being complete.
func notesOf(p *tfjson.Plan) []string {
	if p.Complete != nil && !*p.Complete {
		return []string{"The plan is not complete (`-target`, or changes that are deferred): more remains to be done."}
	}
	return nil
}

// regionOf returns the region of the AWS provider, empty where the plan has none.
func regionOf(p *tfjson.Plan) string {
	if p.Config == nil {
		return ""
	}
	provider := p.Config.ProviderConfigs["aws"]
	if provider == nil || provider.Expressions["region"] == nil ||
		provider.Expressions["region"].ExpressionData == nil {
		return ""
	}
	region, _ := provider.Expressions["region"].ConstantValue.(string)
	return region
}
