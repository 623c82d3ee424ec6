package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
)

// runOps runs the program with these arguments as main would.
func runOps(t *testing.T, environ map[string]string, args ...string) (status int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), session{environ: environ, root: fstest.MapFS{}, out: &stdout}, args, &stderr)
	return status, stdout.String(), stderr.String()
}

func TestUsage(t *testing.T) {
	const commands = "await-refresh, drift, eject, environments, github, leftovers, outputs, plan, preflight or reap"
	const none = "ops: got no command, want " + commands + "; see ops --help\n"
	for name, test := range map[string]struct {
		environ map[string]string
		args    []string
		want    string
	}{
		"no command":                      {nil, nil, none},
		"unknown command":                 {nil, []string{"await"}, `ops: got "await", want a command (did you mean await-refresh?); see ops --help`},
		"mistyped command":                {nil, []string{"plna", "x"}, `ops: got "plna", want a command (did you mean plan?); see ops --help`},
		"no command like it":              {nil, []string{"fly"}, `ops: got "fly", want ` + commands + "; see ops --help"},
		"a former name":                   {nil, []string{"card", "--out", "x"}, `ops: got "card", want a command (did you mean plan?); see ops --help`},
		"unknown flag of a group":         {nil, []string{"--fly"}, "ops: unknown flag: --fly; see ops --help"},
		"help of an unknown command":      {nil, []string{"help", "plna"}, `ops: got "plna", want a command (did you mean plan?); see ops --help`},
		"unknown command with --help":     {nil, []string{"plna", "--help"}, `ops: got "plna", want a command (did you mean plan?); see ops --help`},
		"argument of completion":          {nil, []string{"completion", "bash", "x"}, `ops: completion bash: got "x", want no argument; see ops completion bash --help`},
		"completion for an unknown shell": {nil, []string{"completion", "tcsh"}, `ops: completion: got "tcsh", want a command (did you mean bash, fish or zsh?)`},
		"unknown flag":                    {nil, []string{"await-refresh", "--group", "x"}, "ops: await-refresh: unknown flag: --group; see ops await-refresh --help"},
		"an argument too many":            {nil, []string{"await-refresh", "asg"}, `ops: await-refresh: got "asg", want no argument; see ops await-refresh --help`},
		"empty group":                     {nil, []string{"await-refresh", "--asg", ""}, "ops: await-refresh: --asg: got nothing, want the name of a group"},
		"time without zone":               {nil, []string{"await-refresh", "--since", "2026-01-02T15:00:00"}, `ops: await-refresh: invalid argument "2026-01-02T15:00:00" for "--since" flag: invalid time format`},
		"no time to wait":                 {nil, []string{"await-refresh", "--timeout", "0s"}, "ops: await-refresh: --timeout: got 0s, want more than 0"},
		"no duration":                     {nil, []string{"await-refresh", "--timeout", "soon"}, `ops: await-refresh: invalid argument "soon" for "--timeout" flag`},
		"bad settings":                    {map[string]string{"ENVIRONMENT_SUFFIX": "PR_1"}, []string{"await-refresh"}, "ops: ENVIRONMENT_SUFFIX: got PR_1"},
		"outputs, an argument":            {nil, []string{"outputs", "pr7"}, `ops: outputs: got "pr7", want no argument; see ops outputs --help`},
		"outputs, bad settings":           {map[string]string{"ENVIRONMENT_SUFFIX": "Ä"}, []string{"outputs"}, "ops: ENVIRONMENT_SUFFIX: got Ä"},
		"leftovers, an argument":          {nil, []string{"leftovers", "pr7"}, `ops: leftovers: got "pr7", want no argument; see ops leftovers --help`},
		"leftovers, bad settings":         {map[string]string{"PORTFOLIO_PROFILE": "big"}, []string{"leftovers"}, "ops: PORTFOLIO_PROFILE: got big"},
		"eject, an argument":              {nil, []string{"eject", "x"}, `ops: eject: got "x", want no argument; see ops eject --help`},
		"eject, bad settings":             {map[string]string{"ENVIRONMENT_SUFFIX": "NO"}, []string{"eject"}, "ops: ENVIRONMENT_SUFFIX: got NO"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, problems := runOps(t, test.environ, test.args...)
			assert.Equal(t, exitUsage, status)
			assert.Contains(t, problems, test.want)
			assert.Empty(t, out)
		})
	}
}

// The help of every command is written to standard output, without settings,
// network or state.
func TestHelp(t *testing.T) {
	environ := map[string]string{"AWS_REGION": "nowhere"}
	for _, cmd := range newRoot(session{}).Commands() {
		for _, args := range [][]string{{cmd.Name(), "--help"}, {"help", cmd.Name()}} {
			status, out, problems := runOps(t, environ, args...)
			assert.Equal(t, 0, status, args)
			assert.Empty(t, problems, args)
			assert.Contains(t, out, "Usage:\n  ops "+cmd.Name(), args)
			assert.NotRegexp(t, `.{81}`, out, "a terminal has 80 columns")
		}
	}
	status, out, _ := runOps(t, environ, "--help")
	assert.Equal(t, 0, status)
	assert.NotRegexp(t, `.{81}`, out)
	for _, name := range []string{"await-refresh", "drift", "eject", "environments", "github", "leftovers", "outputs", "plan",
		"preflight", "reap", "completion"} {
		assert.Contains(t, out, "\n  "+name+" ", "ops --help")
	}
}

// The statuses that the help of plan and drift names are those of the program.
func TestHelpNamesStatuses(t *testing.T) {
	assert.Equal(t, [5]int{1, 2, 3, 4, 3}, [5]int{exitFailed, exitUsage, exitChanges, exitDangerous, exitDrift})
	_, out, _ := runOps(t, nil, "plan", "--help")
	for _, status := range []string{"0  nothing", "1  the environment cannot", "2  invalid",
		"3  changes", "4  dangerous"} {
		assert.Contains(t, out, "\n  "+status)
	}
	_, out, _ = runOps(t, nil, "drift", "--help")
	for _, status := range []string{"0  no drift", "1  an environment could not", "2  invalid", "3  drift"} {
		assert.Contains(t, out, "\n  "+status)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		status, out, problems := runOps(t, nil, "completion", shell)
		assert.Equal(t, 0, status, problems)
		assert.Contains(t, out, "ops", shell)
	}
	_, out, _ := runOps(t, nil, "__complete", "github", "")
	assert.Contains(t, out, "open-pulls\t")
	assert.Equal(t, 1, strings.Count(out, "comment\t"))
}
