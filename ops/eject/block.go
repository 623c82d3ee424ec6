package eject

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/zclconf/go-cty/cty"
)

// writer writes one file of blocks.
type writer struct{ out strings.Builder }

// spelling writes the value of an argument: expression, literal or reference.
type spelling func(any) (string, error)

// arguments say how some arguments of a block are written, by name; others are
// expressions.
type arguments map[string]spelling

// block writes a block's head, its body and its end.
func (w *writer) block(head string, body func() error) error {
	w.out.WriteString(head + " {\n")
	if err := body(); err != nil {
		return fmt.Errorf("%s: %w", strings.TrimSpace(head), err)
	}
	w.out.WriteString("}\n")
	return nil
}

func (w *writer) argument(name string, value any, write spelling) error {
	text, err := write(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.out.WriteString(name + " = " + text + "\n")
	return nil
}

// comment writes the JSON's "//", which Terraform ignores. CDKTF's own notes, which
// concern only CDKTF, are left out.
func (w *writer) comment(value any) error {
	text, isText := value.(string)
	if notes, isObject := value.(map[string]any); isObject && notes["metadata"] != nil {
		return nil
	}
	if value == nil {
		return nil
	}
	if !isText {
		lines, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return err
		}
		text = string(lines)
	}
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "\n")) {
		w.out.WriteString(strings.TrimRight("# "+line, " \n") + "\n")
	}
	return nil
}

// flat writes a body that has no blocks.
func (w *writer) flat(body map[string]any, how arguments) error {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if name == "//" {
			if err := w.comment(body[name]); err != nil {
				return err
			}
			continue
		}
		if !hclsyntax.ValidIdentifier(name) {
			return fmt.Errorf("%q: got an argument whose name is not an identifier", name)
		}
		write := how[name]
		if write == nil {
			write = expression
		}
		if err := w.argument(name, body[name], write); err != nil {
			return err
		}
	}
	return nil
}

// each visits the bodies of blocks with a number of labels: in JSON a block is an
// object within one for each label, and any of them may be a list of objects.
func each(value any, labels int, visit func(labels []string, body map[string]any) error) error {
	return eachBelow(value, nil, labels, visit)
}

func eachBelow(value any, above []string, labels int, visit func([]string, map[string]any) error) error {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		for _, item := range v {
			if err := eachBelow(item, above, labels, visit); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		if labels == 0 {
			return visit(above, v)
		}
		for _, label := range slices.Sorted(maps.Keys(v)) {
			if label == "//" {
				continue
			}
			if err := eachBelow(v[label], append(slices.Clone(above), label), labels-1, visit); err != nil {
				return err
			}
		}
		return nil
	}
	where := ""
	if len(above) > 0 {
		where = strings.Join(above, ".") + ": "
	}
	return fmt.Errorf("%sgot %s, want a block", where, kindOf(value))
}

// blocks writes all blocks of a kind within another.
func (w *writer) blocks(kind string, value any, labels int,
	body func(labels []string, body map[string]any) error) error {
	err := each(value, labels, func(labels []string, one map[string]any) error {
		return w.block("\n"+head(kind, labels), func() error { return body(labels, one) })
	})
	if err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// head returns the head of a block: its kind and its labels.
func head(kind string, labels []string) string {
	for _, label := range labels {
		kind += fmt.Sprintf(" %q", label)
	}
	return kind
}

// body writes arguments as the schema has them: JSON does not distinguish an attribute
// that is an object from a block. Arguments come before blocks, both by name.
func (w *writer) body(body map[string]any, schema *tfjson.SchemaBlock) error {
	var blocks []string
	for _, name := range slices.Sorted(maps.Keys(body)) {
		switch {
		case name == "//":
			if err := w.comment(body[name]); err != nil {
				return err
			}
		case schema.NestedBlocks[name] != nil:
			blocks = append(blocks, name)
		case schema.Attributes[name] != nil:
			value := body[name]
			if one, isObject := value.(map[string]any); isObject && listsObjects(schema.Attributes[name]) {
				value = []any{one} // JSON may leave the brackets out
			}
			if err := w.argument(name, value, expression); err != nil {
				return err
			}
		case name == "dynamic":
			blocks = append(blocks, name)
		default:
			return fmt.Errorf("%s: got an argument that the provider's schema does not have", name)
		}
	}
	for _, name := range blocks {
		if name == "dynamic" && schema.NestedBlocks[name] == nil {
			if err := w.dynamic(body[name], schema); err != nil {
				return err
			}
			continue
		}
		nested := schema.NestedBlocks[name]
		labels := 0
		if nested.NestingMode == tfjson.SchemaNestingModeMap {
			labels = 1
		}
		err := w.blocks(name, body[name], labels,
			func(_ []string, one map[string]any) error { return w.body(one, nested.Block) })
		if err != nil {
			return err
		}
	}
	return nil
}

// listsObjects reports whether an attribute is a list or a set of objects, which may also
// be written as blocks.
func listsObjects(attribute *tfjson.SchemaAttribute) bool {
	t := attribute.AttributeType
	return t != cty.NilType && (t.IsListType() || t.IsSetType()) && t.ElementType().IsObjectType()
}

// dynamic writes blocks that Terraform repeats.
func (w *writer) dynamic(value any, schema *tfjson.SchemaBlock) error {
	return w.blocks("dynamic", value, 1, func(labels []string, one map[string]any) error {
		content := w.flatBlock(nil)
		nested, attribute := schema.NestedBlocks[labels[0]], schema.Attributes[labels[0]]
		switch {
		case nested != nil:
			content = func(_ []string, body map[string]any) error { return w.body(body, nested.Block) }
		case attribute == nil || !listsObjects(attribute):
			return fmt.Errorf("got a block that the provider's schema does not have")
		}
		rest := maps.Clone(one)
		delete(rest, "content")
		if err := w.flat(rest, arguments{"iterator": reference}); err != nil {
			return err
		}
		return w.blocks("content", one["content"], 0, content)
	})
}
