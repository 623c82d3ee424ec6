package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// make checks the prerequisites with a script, because there is no Go program yet.
func TestPrerequisites(t *testing.T) {
	for _, c := range []struct{ name, words, want string }{
		{"go", "go version go1.26.8 linux/amd64", ""},
		{"go", "go version go1.26rc1 linux/amd64", ""},
		{"go", "go version go1.9.7 linux/amd64", "go: got 1.9.7, want 1.26 or newer\n"},
		{"node", "v20.19.0", ""},
		{"node", "v18.20.4", "node: got 18.20.4, want 20.19 or newer\n"},
		{"terraform", "Terraform v1.11.4\non linux_amd64", ""},
		{"terraform", "Terraform v1.5.7\n\nYour version of Terraform is out of date! The latest version\nis 1.13.1.",
			"terraform: got 1.5.7, want 1.11 or newer\n"},
		{"python3", "Python 3.10.0", ""},
		{"python3", "Python 3.9.18", "python3: got 3.9.18, want 3.10 or newer\n"},
		{"python3", "what?", "python3: got none, want 3.10 or newer on PATH\n"},
	} {
		folder := t.TempDir()
		script := "#!/bin/sh\ncat <<'EOF'\n" + c.words + "\nEOF\n"
		require.NoError(t, os.WriteFile(filepath.Join(folder, c.name), []byte(script), 0o700))
		status, stderr := prerequisites(t, folder+":/usr/bin:/bin", c.name)
		assert.Equal(t, c.want, stderr, c.words)
		assert.Equal(t, c.want != "", status == exitBadInput, c.words)
	}
}

func TestMissingPrerequisitesAreReportedTogether(t *testing.T) {
	folder := t.TempDir() // the tools of the script, and nothing else
	for _, tool := range []string{"grep", "head", "sort"} {
		path, err := exec.LookPath(tool)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(folder, tool)))
	}
	status, stderr := prerequisites(t, folder, "go", "terraform")
	assert.Equal(t, exitBadInput, status)
	assert.Equal(t, "go: got none, want 1.26 or newer on PATH\nterraform: got none, want 1.11 or newer on PATH\n", stderr)

	status, stderr = prerequisites(t, folder, "ruby")
	assert.Equal(t, exitBadInput, status)
	assert.Equal(t, "prerequisites: got ruby, want go, node, terraform or python3\n", stderr)
}

func prerequisites(t *testing.T, path string, names ...string) (status int, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"../.ci/prerequisites"}, names...)...)
	var out bytes.Buffer
	cmd.Env, cmd.Stderr = []string{"PATH=" + path}, &out
	err := cmd.Run()
	if failed := new(exec.ExitError); err != nil && !errors.As(err, &failed) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}
