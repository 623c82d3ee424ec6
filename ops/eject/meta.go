package eject

import (
	"fmt"
	"maps"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"
)

// metaArguments are Terraform's own arguments of a resource, in the order in which
// they are written before those of the provider.
var metaArguments = []string{"provider", "count", "for_each"}

// resource writes a resource's meta-arguments around its body.
func (w *writer) resource(head string, body map[string]any, schema *tfjson.SchemaBlock) error {
	rest := maps.Clone(body)
	return w.block(head, func() error {
		for _, name := range metaArguments {
			if value, ok := rest[name]; ok {
				write := spelling(expression)
				if name == "provider" {
					write = reference
				}
				if err := w.argument(name, value, write); err != nil {
					return err
				}
			}
			delete(rest, name)
		}
		for _, name := range []string{"depends_on", "lifecycle", "provisioner", "connection"} {
			delete(rest, name)
		}
		if err := w.body(rest, schema); err != nil {
			return err
		}
		if err := w.blocks("connection", body["connection"], 0, w.flatBlock(nil)); err != nil {
			return err
		}
		if err := w.provisioners(body["provisioner"]); err != nil {
			return err
		}
		if body["depends_on"] != nil {
			w.out.WriteString("\n")
			if err := w.argument("depends_on", body["depends_on"], references); err != nil {
				return err
			}
		}
		return w.blocks("lifecycle", body["lifecycle"], 0, w.lifecycle)
	})
}

// flatBlock returns what writes the body of a block without blocks.
func (w *writer) flatBlock(how arguments) func([]string, map[string]any) error {
	return func(_ []string, body map[string]any) error { return w.flat(body, how) }
}

func (w *writer) provisioners(value any) error {
	return w.blocks("provisioner", value, 1, func(_ []string, body map[string]any) error {
		rest := maps.Clone(body)
		delete(rest, "connection")
		if err := w.flat(rest, arguments{"when": reference, "on_failure": reference}); err != nil {
			return err
		}
		return w.blocks("connection", body["connection"], 0, w.flatBlock(nil))
	})
}

// references writes a list whose strings are references, not templates.
func references(value any) (string, error) {
	values, ok := value.([]any)
	if !ok {
		return "", fmt.Errorf("got %s, want a list", kindOf(value))
	}
	text := "[\n"
	for _, value := range values {
		name, err := reference(value)
		if err != nil {
			return "", err
		}
		text += name + ",\n"
	}
	return text + "]", nil
}

// ignored writes ignore_changes, which may be the word all.
func ignored(value any) (string, error) {
	if value == "all" {
		return "all", nil
	}
	return references(value)
}

func (w *writer) lifecycle(_ []string, rules map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		var err error
		switch name {
		case "//":
			err = w.comment(rules[name])
		case "create_before_destroy", "prevent_destroy", "destroy":
			err = w.argument(name, rules[name], expression)
		case "ignore_changes":
			err = w.argument(name, rules[name], ignored)
		case "replace_triggered_by":
			err = w.argument(name, rules[name], references)
		case "precondition", "postcondition":
			err = w.blocks(name, rules[name], 0, w.flatBlock(nil))
		default:
			err = fmt.Errorf("%s: got a lifecycle rule that eject does not write", name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
