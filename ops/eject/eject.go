// Package eject writes the platform as Terraform's native syntax: the way out of CDKTF.
// Addresses, backend and relative paths stay as they are, so Terraform continues from the
// state that the JSON left. (cdktf synth --hcl loses ephemeral blocks, the required
// version and the quotes of JSON documents.)
package eject

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// header heads every file, so that a later run knows its own.
const header = `# Written by make eject from the CDKTF app; edit this instead of the app from now on.
# It keeps the addresses and the state of what is deployed: terraform init, then plan.
# Run it here: paths are relative, and lead to what make build puts into build/.
`

// InputError is an error that the caller can correct; nothing was written.
type InputError struct{ Err error }

func (e InputError) Error() string { return e.Err.Error() }

func (e InputError) Unwrap() error { return e.Err }

func badInput(format string, values ...any) error {
	return InputError{fmt.Errorf(format, values...)}
}

// Write writes the stack synthesized in one folder to the other. Nothing is written
// unless all of it can be converted.
func Write(ctx context.Context, from, target string, progress io.Writer) error {
	const name = "cdk.tf.json"
	path := filepath.Join(from, name)
	source, err := fs.ReadFile(os.DirFS(from), name)
	if errors.Is(err, fs.ErrNotExist) {
		return badInput("%s: got none, want the synthesized stack", path)
	}
	if err != nil {
		return err
	}
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	value, err := decode(source)
	if err != nil {
		return badInput("%s: got something else, want a JSON document: %w", path, err)
	}
	if where, twice := duplicate(source); twice {
		return badInput("%s: %s: got it twice, want it once: Terraform reads both, eject only one", path, where)
	}
	stack, ok := value.(map[string]any)
	if !ok {
		return badInput("%s: got %s, want an object", path, kindOf(value))
	}
	fmt.Fprintln(progress, "reading the providers' schemas …")
	schemas, err := readSchemas(ctx, stack)
	if err != nil {
		return fmt.Errorf("providers' schemas: %w", err)
	}
	files, err := convert(stack, schemas)
	if err != nil {
		return badInput("%s: %w", path, err)
	}
	return write(target, files)
}

// duplicate returns the path to the first name that an object of a JSON document has twice.
func duplicate(source []byte) (path string, found bool) {
	_, err := jsontext.NewDecoder(bytes.NewReader(source), jsontext.AllowInvalidUTF8(true)).ReadValue()
	var problem *jsontext.SyntacticError
	if errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &problem) {
		return strings.ReplaceAll(strings.TrimPrefix(string(problem.JSONPointer), "/"), "/", "."), true
	}
	return "", false
}

// write replaces the files of an earlier run and leaves what Terraform keeps. It
// refuses a folder with a configuration that it did not write.
func write(folder string, files map[string]string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.tf*"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(header, "\n")
	var ours []string
	for _, path := range old {
		if !strings.HasSuffix(path, ".tf") && !strings.HasSuffix(path, ".tf.json") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(string(text), first) {
			return badInput("%s: got a file that eject did not write, want none in its folder: move it away", path)
		}
		ours = append(ours, path)
	}
	for _, path := range ours {
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
