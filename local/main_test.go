package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args           []string
		status         int
		stdout, stderr string // what each has to hold
	}{
		{[]string{"--help"}, 0, "usage: go run ./local COMMAND", ""},
		{[]string{"help"}, 0, "down", ""},
		{[]string{"demo", "--help"}, 0, "demo --for 30s", ""},
		{nil, exitBadInput, "", "want one of up, down, status, demo, watch, providers"},
		{[]string{"start"}, exitBadInput, "", `got ["start"]`},
		{[]string{"up", "--fast"}, exitBadInput, "", `got ["up" "--fast"]`},
	} {
		var stdout, stderr bytes.Buffer
		assert.Equal(t, c.status, run(t.Context(), c.args, strings.NewReader(""), &stdout, &stderr), c.args)
		assert.Contains(t, stdout.String(), c.stdout, c.args)
		assert.Contains(t, stderr.String(), c.stderr, c.args)
		assert.Equal(t, c.status == 0, stderr.Len() == 0, c.args)
	}
}

func TestDemoAndWatchSayWhatIsMissing(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args      []string
		key, want string
	}{
		{[]string{"demo"}, "", "run make local first: the platform is not running\n"},
		{[]string{"demo", "--for", "30s"}, "", "run make local first: the platform is not running\n"},
		{[]string{"watch", "p-1"}, "pfk_1", "run make local first: the platform is not running\n"},
		{[]string{"watch", "p-1"}, "", "PORTFOLIO_KEY: got nothing, want the key that make demo printed\n"},
		{[]string{"watch"}, "pfk_1", "local watch: got [], want the id of one portfolio\n"},
		{[]string{"watch", "p-1", "p-2"}, "pfk_1", `local watch: got ["p-1" "p-2"], want the id of one portfolio` + "\n"},
		{[]string{"demo", "--for", "soon"}, "", `local demo: got ["--for" "soon"], want nothing or a time such as --for 30s` + "\n"},
		{[]string{"demo", "--for", "0s"}, "", `local demo: got ["--for" "0s"], want nothing or a time such as --for 30s` + "\n"},
		{[]string{"demo", "now"}, "", `local demo: got ["now"], want nothing or a time such as --for 30s` + "\n"},
		{[]string{"demo", "--fast"}, "", `local demo: got ["--fast"], want nothing or a time such as --for 30s` + "\n"},
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
