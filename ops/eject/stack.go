package eject

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	tfjson "github.com/hashicorp/terraform-json"
)

// convert writes a synthesized stack as files of the native syntax, by name: one for
// Terraform's own settings, one for each construct, one for the outputs. A block or
// argument that it does not know is an error, so that nothing is lost.
func convert(stack map[string]any, schemas *tfjson.ProviderSchemas) (map[string]string, error) {
	c := &conversion{schemas: schemas, sources: sourcesOf(stack), files: map[string]*writer{}}
	write := map[string]func(any) error{
		"terraform": c.terraform, "provider": c.providers, "output": c.outputs,
		"variable": c.variables, "locals": c.locals,
		"resource": c.resources("resource"), "data": c.resources("data"), "ephemeral": c.resources("ephemeral"),
		"moved": c.refactoring("moved"), "import": c.refactoring("import"), "removed": c.refactoring("removed"),
	}
	// Comments and Terraform's own settings head the file that they share with the providers.
	kinds := slices.DeleteFunc(slices.Sorted(maps.Keys(stack)),
		func(kind string) bool { return kind == "//" || kind == "terraform" })
	if err := c.head(stack["//"]); err != nil {
		return nil, err
	}
	if settings, ok := stack["terraform"]; ok {
		if err := c.terraform(settings); err != nil {
			return nil, err
		}
	}
	for _, kind := range kinds {
		if write[kind] == nil {
			return nil, fmt.Errorf("%s: got blocks of a kind that eject does not write, want %s",
				kind, strings.Join(slices.Sorted(maps.Keys(write)), ", "))
		}
		if err := write[kind](stack[kind]); err != nil {
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
	sources map[string]string // of providers, by local name
	files   map[string]*writer
}

// file returns the file that the next block goes to.
func (c *conversion) file(name string) *writer {
	w := c.files[name]
	if w == nil {
		w = &writer{}
		c.files[name] = w
	}
	w.out.WriteString("\n")
	return w
}

const settingsFile = "terraform.tf"

// head writes the stack's own comment.
func (c *conversion) head(comment any) error {
	w := &writer{}
	if err := w.comment(comment); err != nil || w.out.Len() == 0 {
		return err
	}
	c.file(settingsFile).out.WriteString(w.out.String())
	return nil
}

func (c *conversion) terraform(value any) error {
	return each(value, 0, func(_ []string, settings map[string]any) error {
		w := c.file(settingsFile)
		return w.block("terraform", func() error {
			for _, name := range slices.Sorted(maps.Keys(settings)) {
				var err error
				switch name {
				case "//":
					err = w.comment(settings[name])
				case "required_version":
					err = w.argument(name, settings[name], literal)
				case "required_providers":
					err = w.blocks(name, settings[name], 0, w.requirements)
				case "backend":
					err = w.blocks(name, settings[name], 1, w.backend)
				case "cloud":
					err = w.blocks(name, settings[name], 0, w.backend)
				default:
					err = fmt.Errorf("%s: got a setting of Terraform's that eject does not write", name)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func (w *writer) requirements(_ []string, providers map[string]any) error {
	how := arguments{}
	for local, requirement := range providers {
		how[local] = literal
		if r, _ := requirement.(map[string]any); r["configuration_aliases"] != nil {
			return fmt.Errorf("%s: got configuration_aliases, which belong in a module", local)
		}
	}
	return w.flat(providers, how)
}

// backend writes the settings of a backend, which Terraform reads without templates.
func (w *writer) backend(_ []string, settings map[string]any) error {
	how, rest := arguments{}, maps.Clone(settings)
	delete(rest, "workspaces") // a block, of the backends that have it
	for name := range rest {
		how[name] = literal
	}
	if err := w.flat(rest, how); err != nil {
		return err
	}
	return w.blocks("workspaces", settings["workspaces"], 0, w.backend)
}

func (c *conversion) providers(value any) error {
	return each(value, 1, func(labels []string, configuration map[string]any) error {
		name := labels[0]
		schema := c.schema(name, func(p *tfjson.ProviderSchema) *tfjson.Schema { return p.ConfigSchema })
		if schema == nil {
			return fmt.Errorf("provider %q: got no schema of this provider", name)
		}
		w := c.file(settingsFile)
		return w.block(head("provider", labels), func() error {
			rest := maps.Clone(configuration)
			for _, meta := range []string{"alias", "version"} {
				if value, ok := rest[meta]; ok {
					if err := w.argument(meta, value, literal); err != nil {
						return err
					}
				}
				delete(rest, meta)
			}
			return w.body(rest, schema.Block)
		})
	})
}

// schema finds what the provider with this local name says, nil where there is none.
func (c *conversion) schema(local string, find func(*tfjson.ProviderSchema) *tfjson.Schema) *tfjson.Schema {
	source := c.sources[local]
	for name, provider := range c.schemas.Schemas {
		if name == source || strings.HasSuffix(name, "/"+source) {
			return find(provider)
		}
	}
	return nil
}

func (c *conversion) resources(mode string) func(any) error {
	return func(value any) error {
		return each(value, 2, func(labels []string, body map[string]any) error {
			kind, local := labels[0], providerOf(labels[0])
			if name, err := reference(body["provider"]); err == nil {
				local = providerOf(name)
			}
			schema := c.schema(local, func(p *tfjson.ProviderSchema) *tfjson.Schema {
				return map[string]map[string]*tfjson.Schema{
					"resource": p.ResourceSchemas, "data": p.DataSourceSchemas, "ephemeral": p.EphemeralResourceSchemas,
				}[mode][kind]
			})
			if kind == "terraform_data" && schema == nil {
				return errors.New("terraform_data: got no schema of this type, want Terraform 1.4 or newer")
			}
			if schema == nil {
				return fmt.Errorf("%s %q: got no schema of this type from the provider %s", mode, kind, local)
			}
			return c.file(construct(body, mode)).resource(head(mode, labels), body, schema.Block)
		})
	}
}

// construct returns the file for a block, by the construct below the stack that it
// came from, as CDKTF notes it.
func construct(body map[string]any, mode string) string {
	notes, _ := body["//"].(map[string]any)
	metadata, _ := notes["metadata"].(map[string]any)
	path, _ := metadata["path"].(string)
	switch parts := strings.Split(path, "/"); {
	case len(parts) > 2:
		return fileOf(parts[1])
	case mode == "ephemeral":
		return "ephemeral.tf"
	}
	return "main.tf"
}

func (c *conversion) outputs(value any) error {
	return each(value, 1, func(labels []string, body map[string]any) error {
		w := c.file("outputs.tf")
		return w.block(head("output", labels), func() error {
			rest := maps.Clone(body)
			delete(rest, "precondition")
			how := arguments{"description": literal, "depends_on": references}
			if err := w.flat(rest, how); err != nil {
				return err
			}
			return w.blocks("precondition", body["precondition"], 0, w.flatBlock(nil))
		})
	})
}

func (c *conversion) variables(value any) error {
	return each(value, 1, func(labels []string, body map[string]any) error {
		w := c.file("variables.tf")
		return w.block(head("variable", labels), func() error {
			rest := maps.Clone(body)
			delete(rest, "validation")
			how := arguments{"type": typeOf, "default": literal, "description": literal, "deprecated": literal}
			if err := w.flat(rest, how); err != nil {
				return err
			}
			return w.blocks("validation", body["validation"], 0, w.flatBlock(nil))
		})
	})
}

// typeOf writes the type of a variable, which JSON has as a string.
func typeOf(value any) (string, error) {
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("got %s, want a type", kindOf(value))
	}
	if inner, wrapped := strings.CutPrefix(text, "${"); wrapped {
		text = strings.TrimSuffix(inner, "}")
	}
	if _, problems := hclsyntax.ParseExpression([]byte(text), "type", hcl.InitialPos); problems.HasErrors() {
		return "", fmt.Errorf("got %q, want a type", text)
	}
	return text, nil
}

func (c *conversion) locals(value any) error {
	return each(value, 0, func(labels []string, body map[string]any) error {
		w := c.file("locals.tf")
		return w.block("locals", func() error { return w.flat(body, nil) })
	})
}

// refactoring writes the blocks about addresses: moved, import and removed.
func (c *conversion) refactoring(kind string) func(any) error {
	return func(value any) error {
		return each(value, 0, func(_ []string, body map[string]any) error {
			w := c.file("refactoring.tf")
			return w.block(kind, func() error {
				rest := maps.Clone(body)
				delete(rest, "lifecycle")
				delete(rest, "provisioner")
				if err := w.flat(rest, arguments{"from": reference, "to": reference,
					"provider": reference}); err != nil {
					return err
				}
				if err := w.provisioners(body["provisioner"]); err != nil {
					return err
				}
				return w.blocks("lifecycle", body["lifecycle"], 0, w.lifecycle)
			})
		})
	}
}
