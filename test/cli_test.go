package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCLIWritesTheSameBytes runs the app with cdktf and with go.
func TestCLIWritesTheSameBytes(t *testing.T) {
	folder := t.TempDir()
	read := func(name string, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
		cmd.Dir = ".."
		// Separate output folders: cdktf empties its own.
		cmd.Env = append(os.Environ(), "ENVIRONMENT_SUFFIX=cli", "AWS_ENDPOINT_URL=", "CI=true",
			"CDKTF_OUTDIR="+filepath.Join(folder, name))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		text, err := os.ReadFile(filepath.Join(folder, name, "stacks", "portfolio-cli", "cdk.tf.json"))
		require.NoError(t, err)
		return text
	}
	plain := read("go", "go", "run", ".")
	cli := read("cdktf", "npx", "--no-install", "cdktf", "synth", "--output", filepath.Join(folder, "cdktf"))
	require.Equal(t, string(plain), string(cli))
}
