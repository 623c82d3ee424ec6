package eject

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// text writes a template: a single expression as it is, a JSON document as a call of
// jsonencode where that returns the same bytes, and many lines as a heredoc.
func text(source string) (string, error) {
	parsed, problems := hclsyntax.ParseTemplate([]byte(source), "template", hcl.InitialPos)
	if problems.HasErrors() {
		return "", problems
	}
	if document, ok := document(source, parsed); ok {
		body, err := expression(document)
		return "jsonencode(" + body + ")", err
	}
	return native(parsed, source), nil
}

// document reads a string that holds a JSON document as jsonencode writes it: keys in
// order, numbers in their shortest form, no space between. Any other would change its
// bytes, and one with an expression may: a number would lose its quotes, and quotes in
// a value would be escaped.
func document(source string, parsed hclsyntax.Expression) (any, bool) {
	if !strings.HasPrefix(source, "{") && !strings.HasPrefix(source, "[") {
		return nil, false
	}
	// Terraform drops a byte-order mark at the start of a template, as each value would be.
	if len(parsed.Variables()) > 0 || strings.Contains(source, "\ufeff") {
		return nil, false
	}
	for _, part := range partsOf(parsed) {
		if !isText(part) {
			return nil, false
		}
	}
	evaluated, problems := parsed.Value(nil)
	if problems.HasErrors() || evaluated.Type() != cty.String {
		return nil, false
	}
	text := []byte(evaluated.AsString())
	kind, err := ctyjson.ImpliedType(text)
	if err != nil {
		return nil, false
	}
	decoded, err := ctyjson.Unmarshal(text, kind)
	if err != nil {
		return nil, false
	}
	encoded, err := stdlib.JSONEncode(decoded)
	if err != nil || encoded.AsString() != string(text) {
		return nil, false
	}
	value, err := decode([]byte(source))
	return value, err == nil
}

// isText reports whether a part of a template is text, and not an expression.
func isText(part hclsyntax.Expression) bool {
	literal, ok := part.(*hclsyntax.LiteralValueExpr)
	return ok && literal.Val.Type() == cty.String
}

// partsOf returns the parts of a template, which may be its only one.
func partsOf(e hclsyntax.Expression) []hclsyntax.Expression {
	if template, ok := e.(*hclsyntax.TemplateExpr); ok {
		return template.Parts
	}
	return []hclsyntax.Expression{e}
}

// native writes a parsed expression. The text between a template's quotation marks is
// written again; everything else is copied from the source.
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
				if isText(part) {
					b.WriteString(literalPart(part))
				} else { // ${1}
					b.WriteString("${" + raw(part.Range()) + "}")
				}
			case *hclsyntax.ConditionalExpr, *hclsyntax.TemplateJoinExpr:
				return quoted(e, source) // %{ if } and %{ for } have no range of their own
			default:
				b.WriteString("${" + raw(part.Range()) + "}")
			}
		}
		return layOut(b.String())
	case *hclsyntax.LiteralValueExpr:
		if isText(e) {
			return layOut(literalPart(e))
		}
	}
	return raw(e.Range())
}

// onlyTemplate returns the argument of a call that has one, a template.
func onlyTemplate(call *hclsyntax.FunctionCallExpr) (*hclsyntax.TemplateExpr, bool) {
	if len(call.Args) != 1 {
		return nil, false
	}
	template, ok := call.Args[0].(*hclsyntax.TemplateExpr)
	return template, ok
}

// literalPart returns the source of a literal part, in which no template begins.
func literalPart(e *hclsyntax.LiteralValueExpr) string {
	return escapes.Replace(e.Val.AsString())
}

// quoted returns a template with its own source, in quotation marks.
func quoted(e *hclsyntax.TemplateExpr, source string) string {
	raw := source[e.Range().Start.Byte:e.Range().End.Byte]
	if strings.HasPrefix(raw, `"`) {
		return raw
	}
	return `"` + escape(raw) + `"`
}

const marker = "TEXT"

// layOut puts a template's source between quotation marks, or into a heredoc where it
// consists of lines: a heredoc ends in a newline and has no escapes.
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
	quotes := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	var b strings.Builder
	at := 0
	for _, token := range tokens {
		b.WriteString(source[at:token.Range.Start.Byte])
		if token.Type == hclsyntax.TokenStringLit {
			b.WriteString(quotes.Replace(string(token.Bytes)))
		} else {
			b.Write(token.Bytes)
		}
		at = token.Range.End.Byte
	}
	return b.String() + source[at:]
}
