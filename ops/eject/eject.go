// Package eject writes the platform as Terraform's native syntax: the way out of
// CDKTF. Addresses, backend and relative paths stay as they are, so Terraform goes on
// with the state that the JSON left. (cdktf synth --hcl loses ephemeral blocks, the
// required version and the quotes of JSON documents.)
package eject

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

// header heads every file.
const header = `# Written by make eject from the CDKTF app; edit this instead of the app from now on.
# It keeps the addresses and the state of what is deployed: terraform init, then plan.
# Run it here: paths are relative, and lead to what make build puts into build/.
`

// ErrInput marks an error that the caller can correct; nothing was written.
var ErrInput = errors.New("input")

// Write writes the stack synthesized in one folder to the other. Nothing is written
// unless all of it can be converted.
func Write(ctx context.Context, from, target string, progress io.Writer) error {
	const name = "cdk.tf.json"
	path := filepath.Join(from, name)
	source, err := fs.ReadFile(os.DirFS(from), name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: got none, want the synthesized stack", ErrInput, path)
	}
	if err != nil {
		return err
	}
	value, err := decode(source)
	if err != nil {
		return fmt.Errorf("%w: %s: got no JSON document: %w", ErrInput, path, err)
	}
	stack, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%w: %s: got %s, want an object", ErrInput, path, kindOf(value))
	}
	fmt.Fprintln(progress, "reading the providers' schemas …")
	schemas, err := readSchemas(ctx, stack)
	if err != nil {
		return fmt.Errorf("providers' schemas: %w", err)
	}
	files, err := convert(stack, schemas)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return write(target, files)
}

// readSchemas asks the providers that a stack requires, in a folder of their own:
// the stack's has a backend that need not be there.
func readSchemas(ctx context.Context, stack map[string]any) (_ *tfjson.ProviderSchemas, err error) {
	settings, _ := stack["terraform"].(map[string]any)
	folder, err := os.MkdirTemp("", "portfolio-eject-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	text, err := json.Marshal(map[string]any{
		"terraform": map[string]any{"required_providers": settings["required_providers"]},
		// The provider of terraform_data is built in, and told of only where it is used.
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
		return nil, fmt.Errorf("%w: terraform: got none, want it on PATH", ErrInput)
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

// write replaces the files of an earlier run, and leaves what Terraform keeps.
func write(folder string, files map[string]string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
