package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlanStatus(t *testing.T) {
	half := filepath.Join(t.TempDir(), "half.json")
	require.NoError(t, os.WriteFile(half, []byte(`{"format_version":"1.2","planned_values":{},"errored":true}`), 0o600))
	for name, test := range map[string]struct {
		args          []string
		status        int
		out, problems string
	}{
		"nothing":             {[]string{"plan/testdata/nothing.json"}, 0, "## Plan: nothing to do\n", ""},
		"changes":             {[]string{"plan/testdata/open-port.json"}, exitChanges, "## Plan: changes\n", ""},
		"dangerous":           {[]string{"plan/testdata/replace-database.json"}, exitDangerous, "## Plan: dangerous\n", "ops: plan: stateful resources would be replaced or deleted: got no --accept-dangerous\n"},
		"dangerous, accepted": {[]string{"--accept-dangerous", "plan/testdata/replace-database.json"}, exitChanges, "## Plan: dangerous\n", ""},
		"nothing to accept":   {[]string{"--accept-dangerous", "plan/testdata/nothing.json"}, 0, "## Plan: nothing to do\n", ""},
		"two synths, equal":   {[]string{"--base", "plan/testdata/stack.tf.json", "plan/testdata/stack.tf.json"}, 0, "## Two configurations: nothing to do\n", ""},
		"a base, no stack":    {[]string{"--base", "plan/testdata/nothing.json", "plan/testdata/stack.tf.json"}, exitFailed, "", "ops: base: got no terraform and resource blocks"},
		"no base":             {[]string{"--base", "plan/testdata/none.json", "plan/testdata/stack.tf.json"}, exitFailed, "", "ops: open plan/testdata/none.json"},
		"help":                {[]string{"--help"}, 0, planUsage + "\n", ""},
		"no file":             {nil, exitUsage, "", "usage: ops plan [--accept-dangerous] [--base FILE] FILE|-"},
		"two files":           {[]string{"a", "b"}, exitUsage, "", "usage: ops plan"},
		"unknown flag":        {[]string{"--force", "a"}, exitUsage, "", "usage: plan: flag provided but not defined: -force"},
		"missing":             {[]string{"plan/testdata/none.json"}, exitFailed, "", "ops: open plan/testdata/none.json: no such file"},
		"half a plan":         {[]string{half}, exitFailed, "", "ops: plan: it ended in an error, so it is not whole: plan again\n"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, problems := runOps(t, nil, append([]string{"plan"}, test.args...)...)
			assert.Equal(t, test.status, status)
			assert.True(t, strings.HasPrefix(out, test.out) && (out == "") == (test.out == ""), out)
			assert.True(t, strings.HasPrefix(problems, test.problems) && (problems == "") == (test.problems == ""), problems)
		})
	}
}

func TestPlanReadsStandardInput(t *testing.T) {
	text, err := os.ReadFile("plan/testdata/widen-iam.json")
	require.NoError(t, err)
	want, err := os.ReadFile("plan/testdata/widen-iam.md")
	require.NoError(t, err)
	var stdout, stderr bytes.Buffer
	s := session{root: fstest.MapFS{}, in: bytes.NewReader(text), out: &stdout}
	assert.Equal(t, exitChanges, run(t.Context(), s, []string{"plan", "-"}, &stderr))
	assert.Equal(t, string(want), stdout.String())
	assert.Empty(t, stderr.String())
}

// The statuses in the help are those of the program.
func TestPlanHelpNamesItsStatuses(t *testing.T) {
	for _, status := range []string{"0  nothing", "1  the plan cannot", "2  called", "3  changes", "4  dangerous"} {
		assert.Contains(t, planUsage, "\n  "+status)
	}
	assert.Equal(t, [4]int{1, 2, 3, 4}, [4]int{exitFailed, exitUsage, exitChanges, exitDangerous})
}
