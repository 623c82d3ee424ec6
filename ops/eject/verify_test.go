package eject

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caarlos0/env/v11"
	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// data is a stack of resources that Terraform itself provides, with a state of its own.
func data(t *testing.T, change func(stack map[string]any)) (folder string) {
	t.Helper()
	value := func(input any) map[string]any { return map[string]any{"input": input} }
	at := func(path string, input any) map[string]any {
		return map[string]any{"input": input,
			"//": map[string]any{"metadata": map[string]any{"path": "stack/" + path + "/it"}}}
	}
	resources := map[string]any{
		"x": value(5432), "hidden": at(".x", "a"), "other": at("x_override", "b"), "small": at("net", "c"), "big": at("Net", "d"),
		"port": value(`{"port":"${terraform_data.x.input}"}`), "unquoted": value(`{"port":${terraform_data.x.input}}`),
		"moved": value("m"), "text": value("$${a} %%{b} \"q\" \\\n\ttab\n"),
		"own": map[string]any{
			"input": "o", "depends_on": []any{"terraform_data.x"}, "lifecycle": map[string]any{"ignore_changes": []any{"triggers_replace"}},
			"provisioner": []any{map[string]any{"local-exec": map[string]any{"command": "true", "when": "create"}}},
		},
	}
	for i, document := range []string{
		`{"a": 1}`, `{"b":1,"a":2}`, `{"a":"x&y"}`, `{"a":"<b>"}`, `{"a":1.50}`, `{"a":1e3}`, `{"a":"\/"}`, `{"a":1,"a":2}`, "{\"a\":1}\n",
		`{"a":1,"b":[true,null,"x"]}`, `["a",{"b":"c"}]`, `{"a":"\u0026"}`, "{\n  \"a\": 1\n}\n", `{}`, `[]`, `{"a":"$${b}"}`, `{"a":"ä"}`,
	} {
		resources["document-"+string(rune('a'+i))] = value(document)
	}
	stack := map[string]any{
		"//":        "Kept by hand.",
		"terraform": map[string]any{"required_version": ">= 1.11.0", "backend": map[string]any{"local": map[string]any{"path": filepath.Join(t.TempDir(), "terraform.tfstate")}}},
		"locals":    map[string]any{"two": "${1 + 1}"},
		"variable":  map[string]any{"v": map[string]any{"type": "string", "default": "${literal}"}},
		"resource":  map[string]any{"terraform_data": resources},
		"output": map[string]any{
			"o": map[string]any{"value": "${local.two}${var.v}", "precondition": []any{map[string]any{"condition": "${local.two == 2}", "error_message": "Not two."}}},
			"p": map[string]any{"value": "${terraform_data.port.output}"},
		},
	}
	folder = t.TempDir()
	save := func() {
		text, err := json.Marshal(stack)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "cdk.tf.json"), text, 0o600))
	}
	save()
	if change != nil {
		terraform(t, folder)
		change(stack)
		save()
	}
	return folder
}

// terraform applies what is in a folder.
func terraform(t *testing.T, folder string) {
	t.Helper()
	path, err := exec.LookPath("terraform")
	require.NoError(t, err)
	tf, err := tfexec.NewTerraform(folder, path)
	require.NoError(t, err)
	require.NoError(t, tf.Init(t.Context()))
	require.NoError(t, tf.Apply(t.Context()))
}

func ejected(t *testing.T, folder string) (changes []string, progress string, err error) {
	t.Helper()
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, Write(t.Context(), folder, target, io.Discard))
	var out strings.Builder
	changes, err = Verify(t.Context(), target, env.ToMap(os.Environ()), &out)
	return changes, out.String(), err
}

// Terraform goes on with the state of the JSON and finds nothing to change, whatever
// the documents, the names of constructs and the kinds of blocks.
func TestEjectedPlansNothing(t *testing.T) {
	folder := data(t, func(stack map[string]any) {
		resources := stack["resource"].(map[string]any)["terraform_data"].(map[string]any)
		resources["renamed"] = resources["moved"]
		delete(resources, "moved")
	})
	changes, _, err := ejected(t, folder)
	require.NoError(t, err)
	assert.Equal(t, []string{"terraform_data.moved: delete", "terraform_data.renamed: create"}, changes)

	changes, progress, err := ejected(t, data(t, func(map[string]any) {}))
	require.NoError(t, err)
	assert.Empty(t, changes)
	assert.Contains(t, progress, "terraform plan …\n")

	changes, _, err = ejected(t, data(t, func(stack map[string]any) {
		resources := stack["resource"].(map[string]any)["terraform_data"].(map[string]any)
		resources["renamed"] = resources["moved"]
		delete(resources, "moved")
		stack["moved"] = []any{map[string]any{"from": "terraform_data.moved", "to": "terraform_data.renamed"}}
	}))
	require.NoError(t, err)
	assert.Equal(t, []string{"terraform_data.renamed: no-op"}, changes, "a move is a change of the state")
}

func TestEjectedWithoutAState(t *testing.T) {
	changes, progress, err := ejected(t, data(t, nil))
	require.NoError(t, err)
	assert.Empty(t, changes)
	assert.Equal(t, "terraform validate …\nThe state holds no resources, so nothing is planned.\n", progress)
}

// A state that cannot be read is reported and does not fail what was written.
func TestEjectedWithAStateThatCannotBeRead(t *testing.T) {
	folder := data(t, nil)
	text, err := os.ReadFile(filepath.Join(folder, "cdk.tf.json"))
	require.NoError(t, err)
	var stack struct {
		Terraform struct {
			Backend struct{ Local struct{ Path string } }
		}
	}
	require.NoError(t, json.Unmarshal(text, &stack))
	require.NoError(t, os.WriteFile(stack.Terraform.Backend.Local.Path, []byte("{"), 0o600))
	changes, progress, err := ejected(t, folder)
	require.NoError(t, err)
	assert.Empty(t, changes)
	assert.Contains(t, progress, "The state cannot be read, so nothing is planned: ")
}

func TestVerifyFindsWhatIsNotValid(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "main.tf"),
		[]byte("output \"o\" {\n  value = terraform_data.missing\n}\n"), 0o600))
	_, err := Verify(t.Context(), folder, env.ToMap(os.Environ()), io.Discard)
	require.ErrorContains(t, err, "main.tf:2: Reference to undeclared resource")
}
