package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"portfolio/local/servers"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The log file survives logrotate's copytruncate.
func TestLogFile(t *testing.T) {
	t.Parallel()
	i := start(t, environment("http://127.0.0.1:1", 1, authority(t), 1, ""))
	require.NotEmpty(t, i.log())
	require.NoError(t, os.Truncate(i.logFile, 0))
	i.get("/not-there")
	require.Eventually(t, func() bool { return i.log() != "" }, 30*time.Second, 20*time.Millisecond)
	assert.True(t, strings.HasPrefix(i.log(), "{"), "the file begins with a line, not with a hole: %q", i.log())
}

// authority writes the certificate of an authority that has signed no server's.
func authority(t *testing.T) string {
	a, err := servers.NewAuthority()
	require.NoError(t, err)
	path := t.TempDir() + "/ca.pem"
	require.NoError(t, os.WriteFile(path, a.PEM(), 0o600))
	return path
}

// run runs the binary until it exits.
func run(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env = append(list(env), "PATH=") // a nil Env would inherit
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the test compares its status
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// Scripts and systemd depend on exit statuses and on which stream has the output.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		arguments      []string
		code           int
		stdout, stderr string // beginnings
	}{
		{[]string{"--help"}, 0, "Serves the portfolio platform", ""},
		{[]string{"help"}, 0, "Serves the portfolio platform", ""},
		{[]string{"help", "key"}, 0, "Manage API keys", ""},
		{[]string{"help", "key", "create"}, 0, "Creates an API key", ""},
		{[]string{"help", "nonsense"}, 2, "", "arguments: "},
		{[]string{"help", "key", "nonsense"}, 2, "", "arguments: "},
		{[]string{"key"}, 2, "", "arguments: "},
		{[]string{"completion"}, 2, "", "arguments: "},
		{[]string{"completion", "nonsense"}, 2, "", "arguments: "},
		{[]string{"completion", "bash"}, 0, "# bash completion", ""},
		{[]string{"--version"}, 0, "portfolio sha256:", ""},
		{[]string{"--nonsense"}, 2, "", "arguments: "},
		{[]string{"nonsense"}, 2, "", "arguments: "},
		{[]string{""}, 2, "", "arguments: "},
	} {
		code, stdout, stderr := run(t, nil, test.arguments...)
		assert.Equal(t, test.code, code, test.arguments)
		assert.True(t, strings.HasPrefix(stdout, test.stdout), stdout)
		assert.True(t, strings.HasPrefix(stderr, test.stderr), stderr)
	}
	code, _, stderr := run(t, map[string]string{"DB_PORT": "many"})
	assert.Equal(t, 2, code)
	for line := range strings.Lines(stderr) {
		assert.Regexp(t, `^[A-Z_]+: got .+, want .+\n$`, line)
	}
	assert.Equal(t, 11, strings.Count(stderr, "\n"), stderr)
}
