package eject

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
)

// writer writes one file of blocks.
type writer struct{ out strings.Builder }

// block writes a block's head, its body and its end.
func (w *writer) block(head string, body func() error) error {
	w.out.WriteString(head + " {\n")
	if err := body(); err != nil {
		return fmt.Errorf("%s: %w", head, err)
	}
	w.out.WriteString("}\n")
	return nil
}

func (w *writer) attribute(name string, value any) error {
	text, err := expression(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.out.WriteString(name + " = " + text + "\n")
	return nil
}

// body writes arguments as the schema has them: JSON does not tell an attribute
// that is an object from a block. Arguments come before blocks, both by name.
func (w *writer) body(arguments map[string]any, schema *tfjson.SchemaBlock) error {
	var blocks []string
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		value := arguments[name]
		switch {
		case name == "//": // CDKTF's notes
		case schema.NestedBlocks[name] != nil:
			blocks = append(blocks, name)
		case schema.Attributes[name] != nil:
			if err := w.attribute(name, value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: got an argument that the provider's schema lacks", name)
		}
	}
	for _, name := range blocks {
		nested := schema.NestedBlocks[name]
		if nested.NestingMode == tfjson.SchemaNestingModeMap {
			return fmt.Errorf("%s: got a block with labels, want one without", name)
		}
		each, err := objects(arguments[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, one := range each {
			if err := w.block("\n"+name, func() error { return w.body(one, nested.Block) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// objects are the bodies of a block's occurrences: none, one or a list.
func objects(value any) ([]map[string]any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return []map[string]any{v}, nil
	case []any:
		var all []map[string]any
		for _, item := range v {
			one, err := objects(item)
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
		return all, nil
	}
	return nil, fmt.Errorf("got %T, want blocks", value)
}

// resource writes a resource's meta-arguments around its body.
func (w *writer) resource(head string, arguments map[string]any, schema *tfjson.SchemaBlock) error {
	body := maps.Clone(arguments)
	return w.block(head, func() error {
		for _, name := range []string{"count", "for_each"} {
			if value, ok := body[name]; ok {
				if err := w.attribute(name, value); err != nil {
					return err
				}
			}
			delete(body, name)
		}
		dependencies, lifecycle := body["depends_on"], body["lifecycle"]
		delete(body, "depends_on")
		delete(body, "lifecycle")
		if err := w.body(body, schema); err != nil {
			return err
		}
		if dependencies != nil {
			w.out.WriteString("\n")
			if err := w.references("depends_on", dependencies); err != nil {
				return err
			}
		}
		return w.lifecycle(lifecycle)
	})
}

// references writes a list whose strings are references, not templates.
func (w *writer) references(name string, value any) error {
	values, ok := value.([]any)
	if !ok {
		if value == "all" && name == "ignore_changes" {
			w.out.WriteString(name + " = all\n")
			return nil
		}
		return fmt.Errorf("%s: got %T, want a list", name, value)
	}
	w.out.WriteString(name + " = [\n")
	for _, value := range values {
		reference, ok := value.(string)
		if !ok {
			return fmt.Errorf("%s: got %v, want a reference", name, value)
		}
		w.out.WriteString(strings.TrimSuffix(strings.TrimPrefix(reference, "${"), "}") + ",\n")
	}
	w.out.WriteString("]\n")
	return nil
}

func (w *writer) lifecycle(value any) error {
	blocks, err := objects(value)
	if err != nil {
		return fmt.Errorf("lifecycle: %w", err)
	}
	for _, rules := range blocks {
		err := w.block("\nlifecycle", func() error {
			for _, name := range slices.Sorted(maps.Keys(rules)) {
				var err error
				switch name {
				case "create_before_destroy", "prevent_destroy":
					err = w.attribute(name, rules[name])
				case "ignore_changes", "replace_triggered_by":
					err = w.references(name, rules[name])
				case "precondition", "postcondition":
					err = w.conditions(name, rules[name])
				default:
					err = fmt.Errorf("%s: got a rule of no known kind", name)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) conditions(name string, value any) error {
	blocks, err := objects(value)
	if err != nil {
		return err
	}
	for _, condition := range blocks {
		if err := w.block(name, func() error { return w.attributes(condition) }); err != nil {
			return err
		}
	}
	return nil
}

// attributes writes a body that has no blocks.
func (w *writer) attributes(arguments map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		if !hclsyntax.ValidIdentifier(name) {
			return fmt.Errorf("%s: got no identifier, want one", name)
		}
		if err := w.attribute(name, arguments[name]); err != nil {
			return err
		}
	}
	return nil
}

// decode reads JSON whole, numbers as they are spelt.
func decode(source []byte) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(string(source)))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, fmt.Errorf("got more after the end of a document")
	}
	return value, nil
}
