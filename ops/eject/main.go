// Command eject writes the platform as Terraform's native syntax: the way out of
// CDKTF. Addresses, backend and relative paths stay what they are, so Terraform
// works on with the state that the JSON left. (cdktf synth --hcl loses ephemeral
// blocks, the required version and the quotes of JSON documents.)
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"portfolio/config"

	"github.com/caarlos0/env/v11"
	"github.com/hashicorp/terraform-exec/tfexec"
	tfjson "github.com/hashicorp/terraform-json"
)

const usage = `Writes ENVIRONMENT_SUFFIX as HCL to build/eject/STACK, of the JSON in build/stacks/STACK.

usage: go run ./eject    (from the top folder, after CDKTF_OUTDIR=build go run .; make eject does both)

Terraform on PATH is asked for its providers' schemas.
`

// header heads every file.
const header = `# Written by make eject from the CDKTF app; edit this instead of the app from now on.
# It keeps the addresses and the state of what is deployed: terraform init, then plan.
# Run it here: paths are relative, and lead to what make build puts into build/.
`

// Exit statuses: 2 says that the input was bad and nothing was written.
const (
	exitFailed   = 1
	exitBadInput = 2
)

// errInput marks an error that the caller can mend.
var errInput = errors.New("input")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, env.ToMap(os.Environ()), os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

func run(ctx context.Context, environ map[string]string, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if len(args) > 0 {
		fmt.Fprintf(stderr, "eject: got %q, want no argument\n\n%s", args, usage)
		return exitBadInput
	}
	c, err := config.Load(environ, os.DirFS("."))
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitBadInput
	}
	target := filepath.Join("build", "eject", c.Names.Stack)
	err = eject(ctx, filepath.Join("build", "stacks", c.Names.Stack), target, stdout)
	switch {
	case errors.Is(err, errInput):
		fmt.Fprintln(stderr, err)
		return exitBadInput
	case err != nil:
		fmt.Fprintf(stderr, "eject: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(stdout, "%s: terraform init and plan there show no change.\n", target)
	return 0
}

// eject writes the stack synthesized in one folder to the other. Before all of it
// is converted nothing is written.
func eject(ctx context.Context, from, target string, progress io.Writer) error {
	const name = "cdk.tf.json"
	path := filepath.Join(from, name)
	source, err := fs.ReadFile(os.DirFS(from), name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s: got none, want the synthesized stack", errInput, path)
	}
	if err != nil {
		return err
	}
	value, err := decode(source)
	if err != nil {
		return fmt.Errorf("%w: %s: got no JSON: %w", errInput, path, err)
	}
	stack, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%w: %s: got %T, want an object", errInput, path, value)
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
		return nil, fmt.Errorf("%w: terraform: got none, want it on PATH", errInput)
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
