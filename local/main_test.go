package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHelpIsOutputAndBadInputIsOneLine(t *testing.T) {
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string // what each has to contain
	}{
		{[]string{"--help"}, 0, "\n  local [command]\n", ""},
		{[]string{"help"}, 0, "down ", ""},
		{[]string{"help", "demo"}, 0, "--for", ""},
		{[]string{"demo", "--help"}, 0, "--for", ""},
		{[]string{"completion", "zsh"}, 0, "#compdef local", ""},
		{nil, exitBadInput, "", "local: got no command, want demo, down, providers, status, up or watch\n"},
		{[]string{"start"}, exitBadInput, "", `local: got "start", want demo, down, providers, status, up or watch` + "\n"},
		{[]string{"stats"}, exitBadInput, "", `local: got "stats", want a command (did you mean status?)` + "\n"},
		{[]string{"stats", "--help"}, exitBadInput, "", `local: got "stats", want a command (did you mean status?)` + "\n"},
		{[]string{"completion", "bash", "x"}, exitBadInput, "", `local completion bash: got "x", want no argument` + "\n"},
		{[]string{"help", "stats"}, exitBadInput, "", `local: got "stats", want a command (did you mean status?)` + "\n"},
		{[]string{"completion"}, exitBadInput, "", "local completion: got no command, want bash, fish, powershell or zsh\n"},
		{[]string{"completion", "nonsense"}, exitBadInput, "", `local completion: got "nonsense", want bash, fish, powershell or zsh` + "\n"},
		{[]string{"help", "completion", "nonsense"}, exitBadInput, "", `local completion: got "nonsense", want bash, fish, powershell or zsh` + "\n"},
		{[]string{"up", "now"}, exitBadInput, "", `local up: got "now", want no argument` + "\n"},
		{[]string{"up", "--fast"}, exitBadInput, "", "local up: unknown flag: --fast\n"},
		{[]string{"--fast"}, exitBadInput, "", "local: unknown flag: --fast\n"},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, c.status, run(t.Context(), c.args, strings.NewReader(""), &stdout, &stderr), c.args)
		assert.Contains(t, stdout.String(), c.stdout, c.args)
		if !slices.Contains(c.args, "zsh") {
			assert.NotRegexp(t, `.{81}`, stdout.String(), "a terminal has 80 columns")
		}
		assert.Equal(t, c.stderr, stderr.String(), c.args)
		assert.Equal(t, c.status == 0, stdout.Len() > 0, c.args)
		assert.NotContains(t, stdout.String(), "valkey-tls", "it is only for the platform")
	}
}

func TestDemoAndWatchReportWhatIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args      []string
		key, want string
	}{
		{[]string{"demo"}, "", "run make local first: the platform is not running\n"},
		{[]string{"demo", "--for", "30s"}, "", "run make local first: the platform is not running\n"},
		{[]string{"watch", "p-1"}, "pfk_1", "run make local first: the platform is not running\n"},
		{[]string{"watch", "p-1"}, "", "PORTFOLIO_KEY: got nothing, want the key that make demo printed\n"},
		{[]string{"watch"}, "pfk_1", "local watch: got no argument, want the ID of a portfolio\n"},
		{[]string{"watch", "p-1", "p-2"}, "pfk_1", `local watch: got "p-1 p-2", want the ID of one portfolio` + "\n"},
		{[]string{"demo", "--for", "soon"}, "", `local demo: invalid argument "soon" for "--for" flag: time: invalid duration "soon"` + "\n"},
		{[]string{"demo", "--for", "0s"}, "", "local demo: --for: got 0s, want a time above zero such as 30s\n"},
		{[]string{"demo", "now"}, "", `local demo: got "now", want no argument` + "\n"},
		{[]string{"demo", "--fast"}, "", "local demo: unknown flag: --fast\n"},
	} {
		t.Setenv(keyVariable, c.key)
		var stdout, stderr bytes.Buffer
		assert.Equal(t, exitBadInput, run(t.Context(), c.args, strings.NewReader(""), &stdout, &stderr), c.args)
		assert.Empty(t, stdout.String(), c.args)
		assert.Equal(t, c.want, stderr.String(), c.args)
	}
}

func TestBadConfigurationIsBadInput(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("ENVIRONMENT_SUFFIX", "-bad-")
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitBadInput, run(t.Context(), []string{"up"}, strings.NewReader(""), &stdout, &stderr))
	assert.Empty(t, stdout.String())
	assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
}

func TestDownAndStatusOfNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	for command, want := range map[string]string{"down": "Nothing was running.\n", "status": "The platform is not running.\n"} {
		var stdout, stderr bytes.Buffer
		assert.Zero(t, run(t.Context(), []string{command}, strings.NewReader(""), &stdout, &stderr))
		assert.Equal(t, want, stdout.String())
		assert.Empty(t, stderr.String())
	}
}
