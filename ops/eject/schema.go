package eject

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// builtIn is the local name of the provider of terraform_data, which is part of
// Terraform.
const builtIn = "terraform"

// sourcesOf returns the source of each provider of a stack by its local name: what
// required_providers says, otherwise HashiCorp's, as Terraform takes it.
func sourcesOf(stack map[string]any) map[string]string {
	sources := map[string]string{}
	for _, kind := range []string{"provider", "resource", "data", "ephemeral"} {
		_ = each(stack[kind], 1, func(labels []string, _ map[string]any) error { // convert reports what is wrong
			local := providerOf(labels[0])
			sources[local] = "hashicorp/" + local
			return nil
		})
	}
	_ = each(stack["terraform"], 0, func(_ []string, settings map[string]any) error {
		return each(settings["required_providers"], 0, func(_ []string, required map[string]any) error {
			for local, value := range required {
				requirement, _ := value.(map[string]any)
				sources[local] = "hashicorp/" + local
				if source, ok := requirement["source"].(string); ok {
					sources[local] = source
				}
			}
			return nil
		})
	})
	sources[builtIn] = "builtin/terraform"
	return sources
}

// providerOf returns the local name of the provider that a type or the provider
// argument of a block names: aws_vpc, aws.west.
func providerOf(name string) string {
	local, _, _ := strings.Cut(name, "_")
	local, _, _ = strings.Cut(local, ".")
	return local
}

// readSchemas reads the schemas of the providers that a stack uses, in a folder of its
// own: the stack's backend need not exist.
func readSchemas(ctx context.Context, stack map[string]any) (_ *tfjson.ProviderSchemas, err error) {
	required := map[string]any{}
	_ = each(stack["terraform"], 0, func(_ []string, settings map[string]any) error { // convert reports what is wrong
		return each(settings["required_providers"], 0, func(_ []string, all map[string]any) error {
			maps.Copy(required, all)
			return nil
		})
	})
	for local, source := range sourcesOf(stack) {
		if _, ok := required[local]; !ok && local != builtIn {
			required[local] = map[string]any{"source": source}
		}
	}
	delete(required, "//")
	folder, err := os.MkdirTemp("", "portfolio-eject-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	text, err := json.Marshal(map[string]any{
		"terraform": map[string]any{"required_providers": required},
		// Terraform reports the schema of terraform_data only where it is used.
		"resource": map[string]any{"terraform_data": map[string]any{"any": map[string]any{}}},
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "main.tf.json"), text, 0o600); err != nil {
		return nil, err
	}
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		return nil, badInput("terraform: got none, want it on PATH")
	}
	tf, err := tfexec.NewTerraform(folder, terraform)
	if err != nil {
		return nil, err
	}
	if err := tf.Init(ctx); err != nil {
		return nil, err
	}
	return tf.ProvidersSchema(ctx)
}
