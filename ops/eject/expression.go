package eject

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// expression writes a value of Terraform's JSON syntax, in which every string is a
// template, as an expression of the native syntax with the same value.
func expression(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "null", nil
	case bool, json.Number:
		return fmt.Sprint(v), nil
	case string:
		return text(v)
	case []any:
		return list(v)
	case map[string]any:
		return object(v)
	}
	return "", fmt.Errorf("got %s, want a value of JSON", kindOf(value))
}

// escapes turn a literal text into a template of the same value.
var escapes = strings.NewReplacer("${", "$${", "%{", "%%{")

// literal writes a value in which strings are not templates, such as the settings of a
// backend.
func literal(value any) (string, error) { return expression(escaped(value)) }

func escaped(value any) any {
	switch v := value.(type) {
	case string:
		return escapes.Replace(v)
	case []any:
		all := make([]any, len(v))
		for i, item := range v {
			all[i] = escaped(item)
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for key, item := range v {
			all[escapes.Replace(key)] = escaped(item)
		}
		return all
	}
	return value
}

// reference writes a string that names something, not a template: aws_vpc.main, or
// ${aws_vpc.main}.
func reference(value any) (string, error) {
	name, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("got %s, want a reference", kindOf(value))
	}
	if inner, wrapped := strings.CutPrefix(name, "${"); wrapped {
		name = strings.TrimSuffix(inner, "}")
	}
	parsed, problems := hclsyntax.ParseExpression([]byte(name), "reference", hcl.InitialPos)
	if problems.HasErrors() {
		return "", fmt.Errorf("got %q, want a reference", name)
	}
	switch parsed.(type) {
	case *hclsyntax.ScopeTraversalExpr, *hclsyntax.IndexExpr, *hclsyntax.RelativeTraversalExpr:
		return name, nil
	}
	return "", fmt.Errorf("got %q, want a reference", name)
}

func list(values []any) (string, error) {
	if len(values) == 0 {
		return "[]", nil
	}
	var b strings.Builder
	b.WriteString("[\n")
	for _, value := range values {
		item, err := expression(value)
		if err != nil {
			return "", err
		}
		b.WriteString(item + ",\n")
	}
	return b.String() + "]", nil
}

func object(values map[string]any) (string, error) {
	if len(values) == 0 {
		return "{}", nil
	}
	var b strings.Builder
	b.WriteString("{\n")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		value, err := expression(values[key])
		if err != nil {
			return "", fmt.Errorf("%s: %w", key, err)
		}
		name := key
		// Any other key, including a keyword of the language, is quoted.
		if !hclsyntax.ValidIdentifier(key) || slices.Contains([]string{"for", "null", "true", "false"}, key) {
			if name, err = text(key); err != nil {
				return "", err
			}
			if !strings.HasPrefix(name, `"`) {
				name = "(" + name + ")"
			}
		}
		b.WriteString(name + " = " + value + "\n")
	}
	return b.String() + "}", nil
}

// kindOf names the kind of a decoded JSON value for messages.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case json.Number:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	}
	return "an object"
}

// decode reads one JSON document, its numbers as they are spelt.
func decode(source []byte) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(source)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("got more after the end of a document")
	}
	return value, nil
}
