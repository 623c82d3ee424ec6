package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// verb is what happens to a resource.
type verb string

const (
	created   verb = "create"
	updated   verb = "update"
	replaced  verb = "replace"
	deleted   verb = "delete"
	forgotten verb = "forget" // stays in AWS, and Terraform no longer knows it
	imported  verb = "import" // counted in addition to what else happens to the resource
	moved     verb = "move"   // likewise
	read      verb = "read"
	untouched verb = ""
)

// change is one resource of the plan, possibly untouched.
type change struct {
	address  string
	block    string // the block that configures it: its address without an index
	kind     string // the resource's type: aws_db_instance
	verb     verb
	replaces []string // top-level attributes that force the replacement
	reason   tfjson.ActionReason
	old      bool // a copy left behind by an interrupted replacement
	deferred bool
	first    bool // a replacement that creates the new one first
	keeps    bool // a replacement that leaves the old one in AWS, unmanaged
	imports  bool
	moves    bool

	before, after                   map[string]any
	configured                      map[string]*tfjson.Expression // by attribute; nil where the plan has no configuration
	unknown, hiddenBefore, hiddenBy any                           // masks of after, before, after
}

// changesOf lists the resources of a plan by their address.
func changesOf(p *tfjson.Plan) []change {
	var list []change
	expressions := map[string]map[string]*tfjson.Expression{}
	if p.Config != nil && p.Config.RootModule != nil { // the platform has no other module
		for _, r := range p.Config.RootModule.Resources {
			expressions[r.Address] = r.Expressions
		}
	}
	for _, r := range p.ResourceChanges {
		list = appendChange(list, r, false)
	}
	for _, d := range p.DeferredChanges {
		if d != nil {
			list = appendChange(list, d.ResourceChange, true)
		}
	}
	for i := range list {
		list[i].configured = expressions[list[i].block]
	}
	slices.SortStableFunc(list, func(a, b change) int { return cmp.Compare(a.address, b.address) })
	return list
}

func appendChange(list []change, r *tfjson.ResourceChange, deferred bool) []change {
	if r == nil || r.Change == nil {
		return list
	}
	c := change{
		address: r.Address, block: r.ModuleAddress + r.Type + "." + r.Name, kind: r.Type,
		verb: verbOf(r), reason: r.ActionReason,
		old: r.DeposedKey != "", deferred: deferred,
		first:   len(r.Change.Actions) == 2 && r.Change.Actions[0] == tfjson.ActionCreate,
		keeps:   len(r.Change.Actions) == 2 && slices.Contains(r.Change.Actions, tfjson.ActionForget),
		imports: r.Change.Importing != nil, moves: r.PreviousAddress != "" && r.PreviousAddress != r.Address,
		unknown: r.Change.AfterUnknown, hiddenBefore: r.Change.BeforeSensitive, hiddenBy: r.Change.AfterSensitive,
	}
	if c.old {
		c.address += " (left-over copy " + r.DeposedKey + ")"
	}
	c.before, _ = r.Change.Before.(map[string]any)
	c.after, _ = r.Change.After.(map[string]any)
	for _, path := range r.Change.ReplacePaths {
		if steps, ok := path.([]any); ok && len(steps) > 0 {
			c.replaces = append(c.replaces, fmt.Sprint(steps[0]))
		}
	}
	slices.Sort(c.replaces)
	c.replaces = slices.Compact(c.replaces)
	return append(list, c)
}

func verbOf(r *tfjson.ResourceChange) verb {
	actions := r.Change.Actions
	has := func(a tfjson.Action) bool { return slices.Contains(actions, a) }
	switch {
	case has(tfjson.ActionDelete) && has(tfjson.ActionCreate), has(tfjson.ActionForget) && has(tfjson.ActionCreate):
		return replaced
	case has(tfjson.ActionDelete):
		return deleted
	case has(tfjson.ActionForget):
		return forgotten
	case has(tfjson.ActionCreate):
		return created
	case has(tfjson.ActionUpdate):
		return updated
	case has(tfjson.ActionRead):
		return read
	}
	return untouched
}

// facts lists everything that happens to a resource, to be counted separately: one that
// is updated may also be imported by the same plan.
func (c change) facts() []verb {
	var facts []verb
	if c.verb != untouched {
		facts = append(facts, c.verb)
	}
	if c.imports {
		facts = append(facts, imported)
	}
	if c.moves {
		facts = append(facts, moved)
	}
	return facts
}

// adopted reports whether Terraform manages the resource from now on or under
// another address, and changes nothing of it.
func (c change) adopted() bool { return c.verb == untouched && (c.imports || c.moves) }

// removes reports whether the resource is replaced or deleted.
func (c change) removes() bool { return c.verb == deleted || c.verb == replaced }

// value is one attribute on one side of a change.
type value struct {
	v         any
	unknown   bool // until the apply
	sensitive bool
}

func (c change) was(path ...any) value {
	return value{v: at(c.before, path), sensitive: c.secret(path) || marked(c.hiddenBefore, path)}
}

func (c change) will(path ...any) value {
	return value{
		v: at(c.after, path), unknown: marked(c.unknown, path),
		sensitive: c.secret(path) || marked(c.hiddenBy, path),
	}
}

// secretWords are in the names of attributes that are not printed even where the
// provider's schema does not mark them.
var secretWords = []string{"password", "secret_string", "secret_binary", "auth_token", "user_data",
	"private_key", "environment"}

func (c change) secret(path []any) bool {
	name := fmt.Sprint(path...)
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// changed reports whether an attribute differs, or may.
func (c change) changed(path ...any) bool {
	return c.will(path...).unknown || !reflect.DeepEqual(at(c.before, path), at(c.after, path))
}

// attributes returns the names of what an update or a replacement changes, sorted.
func (c change) attributes() []string {
	names := map[string]bool{}
	for name := range c.before {
		names[name] = true
	}
	for name := range c.after {
		names[name] = true
	}
	if mask, ok := c.unknown.(map[string]any); ok {
		for name := range mask {
			names[name] = true
		}
	}
	maps.DeleteFunc(names, func(name string, _ bool) bool { return !c.changed(name) })
	return slices.Sorted(maps.Keys(names))
}

// at follows a path of attribute names and list indexes; nil where it ends early.
func at(v any, path []any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				return nil
			}
			v = list[step]
		}
	}
	return v
}

// marked reports whether a mask, after_unknown or a …_sensitive, covers the value at
// a path or anything in it. A mask is true, or has the shape of the value.
func marked(mask any, path []any) bool {
	for i := range path {
		if whole, ok := mask.(bool); ok {
			return whole
		}
		mask = at(mask, path[i:i+1])
	}
	return anyTrue(mask)
}

func anyTrue(mask any) bool {
	switch mask := mask.(type) {
	case bool:
		return mask
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(mask)), anyTrue)
	case []any:
		return slices.ContainsFunc(mask, anyTrue)
	}
	return false
}

func (v value) text() string {
	if v.unknown || v.sensitive {
		return ""
	}
	text, _ := v.v.(string)
	return text
}

func (v value) isTrue() bool {
	return !v.unknown && !v.sensitive && fmt.Sprint(v.v) == "true" // launch templates keep "true"
}

// number returns a whole number, or false if the value is not a known one.
func (v value) number() (int64, bool) {
	if v.unknown || v.sensitive {
		return 0, false
	}
	switch n := v.v.(type) {
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	case float64:
		return int64(n), n == float64(int64(n))
	}
	return 0, false
}

func (v value) list() []any {
	list, _ := v.v.([]any)
	if v.unknown || v.sensitive {
		return nil
	}
	return list
}
