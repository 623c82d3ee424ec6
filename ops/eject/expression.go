package eject

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// expression writes a value of Terraform's JSON syntax, in which every string is
// a template, as an expression of the native syntax with the same value.
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
	return "", fmt.Errorf("got %T, want a value of JSON", value)
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
		// Any other spelling of a key, a word of the language among them, is quoted.
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

// text writes a template: one expression alone as it is, a JSON document as a
// call of jsonencode, and many lines as a heredoc.
func text(source string) (string, error) {
	if document, ok := document(source); ok {
		body, err := expression(document)
		return "jsonencode(" + body + ")", err
	}
	parsed, problems := hclsyntax.ParseTemplate([]byte(source), "template", hcl.InitialPos)
	if problems.HasErrors() {
		return "", problems
	}
	return native(parsed, source), nil
}

// document reads a JSON document within a string. One with an escaped character
// is left as text: decoded, the character could begin a template.
func document(source string) (any, bool) {
	if !strings.HasPrefix(source, `{"`) || strings.Contains(source, `\u`) {
		return nil, false
	}
	value, err := decode([]byte(source))
	return value, err == nil
}

// native writes a parsed expression. What lies between the quotation marks of a
// template is written anew, everything else is taken from the source.
func native(e hclsyntax.Expression, source string) string {
	raw := func(r hcl.Range) string { return source[r.Start.Byte:r.End.Byte] }
	switch e := e.(type) {
	case *hclsyntax.TemplateWrapExpr:
		return native(e.Wrapped, source)
	case *hclsyntax.FunctionCallExpr:
		if template, ok := onlyTemplate(e); ok {
			return e.Name + "(" + native(template, source) + ")"
		}
	case *hclsyntax.TemplateExpr:
		var b strings.Builder
		for _, part := range e.Parts {
			switch part := part.(type) {
			case *hclsyntax.LiteralValueExpr:
				b.WriteString(literal(part))
			case *hclsyntax.ConditionalExpr, *hclsyntax.TemplateJoinExpr:
				return quoted(e, source) // %{ if } and %{ for } have no range of their own
			default:
				b.WriteString("${" + raw(part.Range()) + "}")
			}
		}
		return layOut(b.String())
	case *hclsyntax.LiteralValueExpr:
		if e.Val.Type().FriendlyName() == "string" {
			return layOut(literal(e))
		}
	}
	return raw(e.Range())
}

// onlyTemplate is the one argument of a call when that is a template of many lines.
func onlyTemplate(call *hclsyntax.FunctionCallExpr) (*hclsyntax.TemplateExpr, bool) {
	if len(call.Args) != 1 {
		return nil, false
	}
	template, ok := call.Args[0].(*hclsyntax.TemplateExpr)
	return template, ok
}

// literal is the source of a literal part, which no template begins in.
func literal(e *hclsyntax.LiteralValueExpr) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(e.Val.AsString())
}

// quoted is a template that keeps its source, which is quoted where it was not.
func quoted(e *hclsyntax.TemplateExpr, source string) string {
	raw := source[e.Range().Start.Byte:e.Range().End.Byte]
	if strings.HasPrefix(raw, `"`) {
		return raw
	}
	return `"` + escape(raw) + `"`
}

const marker = "TEXT"

// layOut puts a template's source between quotation marks, or into a heredoc when
// it is lines: a heredoc ends in a newline and knows no escapes.
func layOut(source string) string {
	lines := strings.Split(source, "\n")
	whole := strings.HasSuffix(source, "\n") && len(lines) > 2 && !strings.ContainsAny(source, "\r\x00")
	for _, line := range lines {
		whole = whole && strings.TrimSpace(line) != marker
	}
	if whole {
		return "<<" + marker + "\n" + source + marker + "\n"
	}
	return `"` + escape(source) + `"`
}

// escape escapes the literal parts of a template for quotation marks.
func escape(source string) string {
	tokens, _ := hclsyntax.LexTemplate([]byte(source), "template", hcl.InitialPos)
	escapes := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	var b strings.Builder
	at := 0
	for _, token := range tokens {
		b.WriteString(source[at:token.Range.Start.Byte])
		if token.Type == hclsyntax.TokenStringLit {
			b.WriteString(escapes.Replace(string(token.Bytes)))
		} else {
			b.Write(token.Bytes)
		}
		at = token.Range.End.Byte
	}
	return b.String() + source[at:]
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
