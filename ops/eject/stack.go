package eject

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	tfjson "github.com/hashicorp/terraform-json"
)

// convert writes a synthesized stack as files of the native syntax, by name: one
// for Terraform's own settings, one for each construct, one for the outputs. A
// block or argument that it does not know is an error, so that nothing is lost.
func convert(stack map[string]any, schemas *tfjson.ProviderSchemas) (map[string]string, error) {
	c := &conversion{schemas: schemas, files: map[string]*writer{}}
	// Terraform's own settings head the file that they share with the providers.
	kinds := slices.SortedFunc(maps.Keys(stack), func(a, b string) int {
		if a == "terraform" {
			return -1
		}
		if b == "terraform" {
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, kind := range kinds {
		blocks, ok := stack[kind].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: got %T, want blocks", kind, stack[kind])
		}
		write := map[string]func(map[string]any) error{
			"//":        func(map[string]any) error { return nil },
			"terraform": c.terraform, "provider": c.providers, "output": c.outputs,
			"resource": c.resources("resource"), "data": c.resources("data"), "ephemeral": c.resources("ephemeral"),
		}[kind]
		if write == nil {
			return nil, fmt.Errorf("%s: got a block of no known kind", kind)
		}
		if err := write(blocks); err != nil {
			return nil, err
		}
	}
	files := map[string]string{}
	for name, w := range c.files {
		source := hclwrite.Format([]byte(header + strings.TrimRight(w.out.String(), "\n") + "\n"))
		if _, problems := hclsyntax.ParseConfig(source, name, hcl.InitialPos); problems.HasErrors() {
			return nil, problems
		}
		files[name] = string(source)
	}
	return files, nil
}

// conversion collects the files of a stack.
type conversion struct {
	schemas *tfjson.ProviderSchemas
	files   map[string]*writer
}

// file is a file to write the next block to.
func (c *conversion) file(name string) *writer {
	w := c.files[name+".tf"]
	if w == nil {
		w = &writer{}
		c.files[name+".tf"] = w
	}
	w.out.WriteString("\n")
	return w
}

func (c *conversion) terraform(settings map[string]any) error {
	w := c.file("terraform")
	return w.block("terraform", func() error {
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			value := settings[name]
			blocks, _ := value.(map[string]any)
			var err error
			switch name {
			case "required_version":
				err = w.attribute(name, value)
			case "required_providers":
				err = w.block(name, func() error { return w.attributes(blocks) })
			case "backend":
				for kind, arguments := range blocks {
					arguments, _ := arguments.(map[string]any)
					err = w.block(fmt.Sprintf("backend %q", kind), func() error { return w.attributes(arguments) })
				}
			default:
				err = fmt.Errorf("%s: got a setting of no known kind", name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *conversion) providers(providers map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(providers)) {
		schema := c.schema(name, func(p *tfjson.ProviderSchema) *tfjson.Schema { return p.ConfigSchema })
		if schema == nil {
			return fmt.Errorf("provider %q: got no schema of it", name)
		}
		configurations, err := objects(providers[name])
		if err != nil {
			return fmt.Errorf("provider %q: %w", name, err)
		}
		for _, configuration := range configurations {
			w := c.file("terraform")
			if err := w.resource(fmt.Sprintf("provider %q", name), configuration, schema.Block); err != nil {
				return err
			}
		}
	}
	return nil
}

// schema finds what a provider says of the kind, by the kind's first word, which
// is the provider's name.
func (c *conversion) schema(kind string, find func(*tfjson.ProviderSchema) *tfjson.Schema) *tfjson.Schema {
	local, _, _ := strings.Cut(kind, "_")
	for source, provider := range c.schemas.Schemas {
		if strings.HasSuffix(source, "/"+local) {
			if schema := find(provider); schema != nil {
				return schema
			}
		}
	}
	return nil
}

func (c *conversion) resources(mode string) func(map[string]any) error {
	return func(kinds map[string]any) error {
		for _, kind := range slices.Sorted(maps.Keys(kinds)) {
			schema := c.schema(kind, func(p *tfjson.ProviderSchema) *tfjson.Schema {
				return map[string]map[string]*tfjson.Schema{
					"resource": p.ResourceSchemas, "data": p.DataSourceSchemas, "ephemeral": p.EphemeralResourceSchemas,
				}[mode][kind]
			})
			if schema == nil {
				return fmt.Errorf("%s %q: got no schema of it", mode, kind)
			}
			named, _ := kinds[kind].(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(named)) {
				arguments, ok := named[name].(map[string]any)
				if !ok {
					return fmt.Errorf("%s.%s: got %T, want a block", kind, name, named[name])
				}
				w := c.file(construct(arguments, mode))
				if err := w.resource(fmt.Sprintf("%s %q %q", mode, kind, name), arguments, schema.Block); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// construct names the construct below the stack that a block came from, as CDKTF
// notes it, and so the file that it goes to.
func construct(arguments map[string]any, mode string) string {
	notes, _ := arguments["//"].(map[string]any)
	metadata, _ := notes["metadata"].(map[string]any)
	path, _ := metadata["path"].(string)
	switch parts := strings.Split(path, "/"); {
	case len(parts) > 2:
		return parts[1]
	case mode == "ephemeral":
		return mode
	default:
		return "main"
	}
}

func (c *conversion) outputs(outputs map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		arguments, ok := outputs[name].(map[string]any)
		if !ok {
			return fmt.Errorf("output %q: got %T, want a block", name, outputs[name])
		}
		w := c.file("outputs")
		if err := w.block(fmt.Sprintf("output %q", name), func() error { return w.attributes(arguments) }); err != nil {
			return err
		}
	}
	return nil
}
