package plan

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// statement is one statement of a policy, every element a list.
type statement struct {
	effect     string
	principals []string // "AWS:…", "Service:…", "*"; empty in policies of identities
	actions    []string
	resources  []string
	condition  map[string]any // operator → key → values
}

// grant is one combination of a statement's elements.
type grant struct {
	principal, action, resource string
	condition                   map[string]any
}

// parsePolicy reads a policy document.
func parsePolicy(text string) ([]statement, error) {
	var document struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	if document.Statement == nil {
		return nil, errors.New("no Statement")
	}
	var raw []map[string]any
	if err := json.Unmarshal(document.Statement, &raw); err != nil {
		var one map[string]any
		if err := json.Unmarshal(document.Statement, &one); err != nil {
			return nil, err
		}
		raw = append(raw[:0], one)
	}
	var list []statement
	for _, r := range raw {
		effect, _ := r["Effect"].(string)
		condition, _ := r["Condition"].(map[string]any)
		list = append(list, statement{
			effect:     effect,
			principals: append(principals(r["Principal"]), except(principals(r["NotPrincipal"]))...),
			actions:    append(texts(r["Action"]), except(texts(r["NotAction"]))...),
			resources:  append(texts(r["Resource"]), except(texts(r["NotResource"]))...),
			condition:  condition,
		})
	}
	return list, nil
}

// texts returns a sorted list of what may be one string or many.
func texts(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case []any:
		for _, element := range v {
			if text, ok := element.(string); ok {
				list = append(list, text)
			}
		}
	}
	slices.Sort(list)
	return list
}

func principals(v any) []string {
	list := texts(v)
	byKind, _ := v.(map[string]any)
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		for _, name := range texts(byKind[kind]) {
			if kind == "AWS" && name == "*" {
				list = append(list, "*") // the same, according to AWS's documentation
			} else {
				list = append(list, kind+":"+name)
			}
		}
	}
	return list
}

// except turns a Not… list into one element, which only an identical list covers.
func except(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{"all except " + strings.Join(list, ", ")}
}

func (s statement) grants() []grant {
	var list []grant
	for _, principal := range orNone(s.principals) {
		for _, action := range orNone(s.actions) {
			for _, resource := range orNone(s.resources) {
				list = append(list, grant{principal, action, resource, s.condition})
			}
		}
	}
	return list
}

func orNone(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

// within reports whether other covers everything that g does.
func (g grant) within(other grant) bool {
	return matches(other.principal, g.principal) &&
		matches(strings.ToLower(other.action), strings.ToLower(g.action)) &&
		matches(other.resource, g.resource) && narrower(g.condition, other.condition)
}

// narrower reports whether a has every condition of b: more conditions allow fewer
// requests.
func narrower(a, b map[string]any) bool {
	for operator, keys := range b {
		mine, _ := a[operator].(map[string]any)
		theirs, _ := keys.(map[string]any)
		for key, values := range theirs {
			if !reflect.DeepEqual(sameShape(mine[key]), sameShape(values)) {
				return false
			}
		}
	}
	return true
}

func sameShape(v any) any {
	if list := texts(v); list != nil {
		return list
	}
	return v
}

// matches reports whether a pattern with * and ? covers a text that may be a pattern
// itself: only a * covers its *.
func matches(pattern, text string) bool {
	if pattern == "" || text == "" {
		return pattern == text
	}
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == text[t] || pattern[p] == '?' && text[t] != '*'):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// added is what statements of an effect in after reach beyond those in before, one
// statement for each that reaches further.
func added(before, after []statement, effect string) []statement {
	var known []grant
	for _, s := range before {
		if s.effect == effect {
			known = append(known, s.grants()...)
		}
	}
	var list []statement
	for _, s := range after {
		if s.effect != effect {
			continue
		}
		further := statement{effect: effect, condition: s.condition}
		for _, g := range s.grants() {
			if !slices.ContainsFunc(known, g.within) {
				further.principals = append(further.principals, g.principal)
				further.actions = append(further.actions, g.action)
				further.resources = append(further.resources, g.resource)
			}
		}
		if further.actions != nil {
			list = append(list, further.sorted())
		}
	}
	return list
}

func (s statement) sorted() statement {
	for _, list := range []*[]string{&s.principals, &s.actions, &s.resources} {
		slices.Sort(*list)
		*list = slices.DeleteFunc(slices.Compact(*list), func(text string) bool { return text == "" })
	}
	return s
}
