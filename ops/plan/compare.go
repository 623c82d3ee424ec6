package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// synth is a synthesized stack, a cdk.tf.json, without CDKTF's own remarks.
type synth map[string]any

// Compare returns the card of two synthesized stacks, for users who may not read the
// state. The configurations show neither what AWS has nor which change replaces a
// resource; the card says so. A stateful resource that is removed, or has another
// address, is dangerous.
func Compare(base, head []byte) (Card, error) {
	was, errWas := parseSynth("base", base)
	will, errWill := parseSynth("head", head)
	if err := errors.Join(errWas, errWill); err != nil {
		return Card{}, err
	}
	p := &tfjson.Plan{Config: will.config(), OutputChanges: map[string]*tfjson.Change{}}
	before, after := was.resources(), will.resources()
	for address, from := range will.moves(before, after) {
		p.ResourceChanges = append(p.ResourceChanges, compared(address, before[from], after[address]))
		p.ResourceChanges[len(p.ResourceChanges)-1].PreviousAddress = from
		delete(before, from)
		delete(after, address)
	}
	for _, address := range names(before, after) {
		p.ResourceChanges = append(p.ResourceChanges, compared(address, before[address], after[address]))
	}
	for _, name := range different(object(was["output"]), object(will["output"])) {
		p.OutputChanges[name] = &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionUpdate}}
	}
	card := New(p)
	card.Compared = true
	card.Notes = append(card.Notes, comparisonNotes(p)...)
	if others := otherBlocks(was, will); len(others) > 0 {
		card.Status = max(card.Status, Changes)
		card.Notes = append(card.Notes, fmt.Sprintf("Other blocks differ: %s. "+
			"What follows from them is not on this card.", codes(others)))
	}
	return card, nil
}

func parseSynth(name string, text []byte) (synth, error) {
	text, err := plainUTF8(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var s synth
	if err := decoder.Decode(&s); err != nil {
		return nil, fmt.Errorf("%s: got no synthesized stack, want its cdk.tf.json: %w", name, err)
	}
	if object(s["terraform"]) == nil || object(s["resource"]) == nil {
		return nil, fmt.Errorf("%s: got no terraform and resource blocks, want the cdk.tf.json of a stack", name)
	}
	for kind, byName := range object(s["resource"]) {
		for id, r := range object(byName) {
			if object(r) == nil {
				return nil, fmt.Errorf("%s: resource.%s.%s: got %T, want an object", name, kind, id, r)
			}
		}
	}
	dropRemarks(map[string]any(s))
	return s, nil
}

// dropRemarks removes CDKTF's "//", which Terraform ignores.
func dropRemarks(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "//")
		for _, inner := range v {
			dropRemarks(inner)
		}
	case []any:
		for _, inner := range v {
			dropRemarks(inner)
		}
	}
}

func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// resources are the resource blocks by their address.
func (s synth) resources() map[string]map[string]any {
	found := map[string]map[string]any{}
	for kind, byName := range object(s["resource"]) {
		for name, r := range object(byName) {
			found[kind+"."+name] = object(r)
		}
	}
	return found
}

// moves are the moved blocks that have something to move: new address → old one.
func (s synth) moves(before, after map[string]map[string]any) map[string]string {
	found := map[string]string{}
	list, _ := s["moved"].([]any)
	for _, m := range list {
		from, _ := object(m)["from"].(string)
		to, _ := object(m)["to"].(string)
		if before[from] != nil && after[from] == nil && before[to] == nil && after[to] != nil {
			found[to] = from
		}
	}
	return found
}

// config is what the card reads of a plan's configuration: the provider's region.
func (s synth) config() *tfjson.Config {
	list, _ := object(s["provider"])["aws"].([]any)
	if len(list) == 0 {
		return nil
	}
	region := &tfjson.Expression{ExpressionData: &tfjson.ExpressionData{ConstantValue: object(list[0])["region"]}}
	return &tfjson.Config{ProviderConfigs: map[string]*tfjson.ProviderConfig{
		"aws": {Expressions: map[string]*tfjson.Expression{"region": region}},
	}}
}

// compared returns one resource's change; was or will is nil if it does not exist on
// that side.
func compared(address string, was, will map[string]any) *tfjson.ResourceChange {
	kind, name, _ := strings.Cut(address, ".")
	c := &tfjson.Change{}
	r := &tfjson.ResourceChange{Address: address, Type: kind, Name: name, Change: c}
	if was != nil {
		c.Before = inLists(was)
	}
	if will != nil {
		c.After = inLists(will)
	}
	switch {
	case was == nil:
		c.Actions = tfjson.Actions{tfjson.ActionCreate}
	case will == nil:
		c.Actions = tfjson.Actions{tfjson.ActionDelete}
		r.ActionReason = tfjson.ActionReasonDeleteBecauseNoResourceConfig
	case reflect.DeepEqual(was, will):
		c.Actions = tfjson.Actions{tfjson.ActionNoop}
	default:
		c.Actions = tfjson.Actions{tfjson.ActionUpdate}
	}
	if will != nil {
		c.AfterUnknown = unknownIn(c.Before, c.After)
	}
	return r
}

// inLists puts nested blocks into lists, as a plan has them: CDKTF writes a block
// that may occur once as an object. A map of tags becomes a list too, which no rule
// reads.
func inLists(block map[string]any) map[string]any {
	whole := map[string]any{}
	for name, v := range block {
		switch v := v.(type) {
		case map[string]any:
			whole[name] = []any{inLists(v)}
		case []any:
			list := make([]any, len(v))
			for i, element := range v {
				list[i] = element
				if o := object(element); o != nil {
					list[i] = inLists(o)
				}
			}
			whole[name] = list
		default:
			whole[name] = v
		}
	}
	return whole
}

// unknownIn masks the values of expressions, unless an expression is the same on both
// sides. Policies stay: they are compared by their text.
func unknownIn(was, will any) any {
	switch will := will.(type) {
	case map[string]any:
		mask := map[string]any{}
		for name, v := range will {
			if m := unknownIn(object(was)[name], v); anyTrue(m) {
				mask[name] = m
			}
		}
		return mask
	case []any:
		list, _ := was.([]any)
		mask := make([]any, len(will))
		for i, v := range will {
			mask[i] = unknownIn(at(list, []any{i}), v)
		}
		return mask
	case string:
		return was != will && isExpression(will)
	}
	return false
}

func isExpression(text string) bool {
	return strings.Contains(strings.ReplaceAll(text, "$${", ""), "${") && !strings.HasPrefix(text, "{")
}

// comparisonNotes say what two configurations do not show.
func comparisonNotes(p *tfjson.Plan) []string {
	notes := []string{"Made of two configurations, without state or provider: it does not show what AWS has, " +
		"nor **whether a change replaces a resource**."}
	var touched []string
	for _, r := range p.ResourceChanges {
		if statefulKinds[r.Type] != "" && r.Change.Actions.Update() {
			touched = append(touched, r.Address)
		}
	}
	slices.Sort(touched)
	if len(touched) > 0 {
		notes = append(notes, "**Stateful, and perhaps replaced**: "+codes(touched)+
			". A plan by someone with access shows it.")
	}
	return notes
}

// otherBlocks names the blocks other than resources and outputs that differ.
func otherBlocks(was, will synth) []string {
	var found []string
	for _, name := range different(was, will) {
		switch name {
		case "resource", "output", "moved": // already reported
		case "data", "ephemeral":
			for _, kind := range different(object(was[name]), object(will[name])) {
				for _, id := range different(object(object(was[name])[kind]), object(object(will[name])[kind])) {
					found = append(found, name+"."+kind+"."+id)
				}
			}
		case "provider", "variable", "locals", "terraform":
			for _, inner := range different(object(was[name]), object(will[name])) {
				found = append(found, name+"."+inner)
			}
		default:
			found = append(found, name)
		}
	}
	return found
}

// different returns the names whose values differ, sorted.
func different(was, will map[string]any) []string {
	return slices.DeleteFunc(names(was, will),
		func(name string) bool { return reflect.DeepEqual(was[name], will[name]) })
}

func names[V any](was, will map[string]V) []string {
	all := map[string]bool{}
	for name := range was {
		all[name] = true
	}
	for name := range will {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}
