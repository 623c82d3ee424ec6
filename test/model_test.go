package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// model is a synthesized stack prepared for invariants: resources and data sources by
// construct path, references with the same paths ("${network/vpc.id}"), JSON in strings
// parsed and user data decoded.
type model struct {
	Blocks map[string]block // by construct path, e.g. "network/vpc"
	Kinds  map[string]string
	Stack  block // the whole stack, with the same references
	Text   string
}

// documents are the arguments with JSON in a string.
var documents = []string{"policy", "assume_role_policy", "dashboard_body"}

// newModel parses a stack.
func newModel(text []byte) (model, error) {
	m := model{Blocks: map[string]block{}, Kinds: map[string]string{}}
	var raw block
	if err := json.Unmarshal(text, &raw); err != nil {
		return m, err
	}
	var renames []string
	visitBlocks(raw, func(prefix, kind, name string, b block) {
		renames = append(renames, prefix+kind+"."+name, constructPath(b))
	})
	m.Text = strings.NewReplacer(renames...).Replace(string(text))
	if err := json.Unmarshal([]byte(m.Text), &m.Stack); err != nil {
		return m, err
	}
	var problems []error
	visitBlocks(m.Stack, func(prefix, kind, name string, b block) {
		path := constructPath(b)
		for _, argument := range documents {
			if text, is := b[argument].(string); is {
				var parsed any
				if err := json.Unmarshal([]byte(text), &parsed); err != nil {
					problems = append(problems, fmt.Errorf("%s: %s: %w", path, argument, err))
				}
				b[argument] = parsed
			}
		}
		if text, is := b["user_data"].(string); is {
			b["user_data"] = bootText(text)
		}
		m.Blocks[path], m.Kinds[path] = b, prefix+kind
	})
	return m, errors.Join(problems...)
}

// bootText returns the user data in its Terraform expression, which encodes it exactly
// once; any other expression is returned unchanged.
func bootText(expression string) string {
	text, before := strings.CutPrefix(expression, `${base64encode("`)
	text, after := strings.CutSuffix(text, `")}`)
	if !before || !after {
		return expression
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(text)
}

// visitBlocks calls visit for each resource (prefix "") and data source ("data.").
func visitBlocks(stack block, visit func(prefix, kind, name string, b block)) {
	for section, prefix := range map[string]string{"resource": "", "data": "data."} {
		kinds, _ := stack[section].(map[string]any) // nil where the stack has none
		for kind, named := range kinds {
			for name, b := range named.(map[string]any) {
				visit(prefix, kind, name, b.(map[string]any))
			}
		}
	}
}

// constructPath returns a block's path below its stack.
func constructPath(b block) string {
	path := b["//"].(map[string]any)["metadata"].(map[string]any)["path"].(string)
	_, below, _ := strings.Cut(path, "/")
	return below
}

// modelOf synthesizes and parses the stack for these environment variables.
func modelOf(t *testing.T, environ map[string]string) model {
	t.Helper()
	m, err := newModel(synth(t, environ).Text)
	require.NoError(t, err)
	return m
}

// of returns the sorted paths of one kind; kinds of data sources begin with "data.".
func (m model) of(kind string) []string {
	var paths []string
	for _, path := range slices.Sorted(maps.Keys(m.Kinds)) {
		if m.Kinds[path] == kind {
			paths = append(paths, path)
		}
	}
	return paths
}

// at follows keys and indexes from a resource, such as "health_check.path" or
// "rule.0.id"; it returns nil if there is nothing.
func (m model) at(path, keys string) any {
	b, found := m.Blocks[path]
	if !found {
		return nil
	}
	return dig(map[string]any(b), strings.Split(keys, ".")...)
}

// text returns the string at keys, or "".
func (m model) text(path, keys string) string {
	s, _ := m.at(path, keys).(string)
	return s
}

func dig(value any, keys ...string) any {
	for _, key := range keys {
		switch v := value.(type) {
		case block:
			value = v[key]
		case map[string]any:
			value = v[key]
		case []any:
			var i int
			if _, err := fmt.Sscanf(key, "%d", &i); err != nil || i >= len(v) {
				return nil
			}
			value = v[i]
		default:
			return nil
		}
	}
	return value
}

var pathCharacters = regexp.MustCompile(`[A-Za-z0-9/_-]+`)

// needs returns the resources that must exist before path: those that its arguments or
// depends_on refer to, and what they need.
func (m model) needs(path string) map[string]bool {
	all := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		text, _ := json.Marshal(m.Blocks[path])
		for _, word := range pathCharacters.FindAllString(string(text), -1) {
			if _, isBlock := m.Blocks[word]; isBlock && word != path && !all[word] {
				all[word] = true
				add(word)
			}
		}
	}
	add(path)
	return all
}

// check is an invariant; its error describes what does not hold.
type check func(m model) error

// all holds if each of the checks does.
func all(checks ...check) check {
	return func(m model) error {
		var problems []error
		for _, c := range checks {
			problems = append(problems, c(m))
		}
		return errors.Join(problems...)
	}
}

// has holds if the resource at path has these arguments, given as a JSON object, with
// exactly these values; null means that the argument is absent.
func has(path, arguments string) check {
	var want map[string]any
	if err := json.Unmarshal([]byte(arguments), &want); err != nil {
		panic(fmt.Errorf("%s: %s: %w", path, arguments, err))
	}
	return func(m model) error {
		if m.Blocks[path] == nil {
			return fmt.Errorf("%s: missing", path)
		}
		var problems []error
		for _, keys := range slices.Sorted(maps.Keys(want)) {
			if got := m.at(path, keys); !reflect.DeepEqual(got, want[keys]) {
				problems = append(problems, fmt.Errorf("%s: %s: got %s, want %s", path, keys,
					asJSON(got), asJSON(want[keys])))
			}
		}
		return errors.Join(problems...)
	}
}

// every holds if there is a resource of this kind and each one passes.
func every(kind string, pass func(m model, path string) bool) check {
	return func(m model) error {
		paths := m.of(kind)
		if len(paths) == 0 {
			return fmt.Errorf("no %s", kind)
		}
		var problems []error
		for _, path := range paths {
			if !pass(m, path) {
				problems = append(problems, fmt.Errorf("%s: %s", path, asJSON(m.Blocks[path])))
			}
		}
		return errors.Join(problems...)
	}
}

// none holds if there is no resource of these kinds.
func none(kinds ...string) check {
	return func(m model) error {
		for _, kind := range kinds {
			if paths := m.of(kind); len(paths) > 0 {
				return fmt.Errorf("%s: %v", kind, paths)
			}
		}
		return nil
	}
}

// after holds if path is created after each of the others.
func after(path string, others ...string) check {
	return func(m model) error {
		needs := m.needs(path)
		for _, other := range others {
			if !needs[other] {
				return fmt.Errorf("%s does not wait for %s", path, other)
			}
		}
		return nil
	}
}

// matches holds if the string at keys matches the pattern.
func matches(path, keys, pattern string) check {
	compiled := regexp.MustCompile(pattern)
	return func(m model) error {
		if got := m.text(path, keys); !compiled.MatchString(got) {
			return fmt.Errorf("%s: %s: %q does not match %s", path, keys, got, pattern)
		}
		return nil
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
