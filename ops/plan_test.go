package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"portfolio/ops/plan"

	tfjson "github.com/hashicorp/terraform-json"
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
		"nothing":               {[]string{"plan/testdata/nothing.json"}, 0, "## Plan: nothing to do\n", ""},
		"changes":               {[]string{"plan/testdata/open-port.json"}, exitChanges, "## Plan: changes\n", ""},
		"dangerous":             {[]string{"plan/testdata/replace-database.json"}, exitDangerous, "## Plan: dangerous\n", "ops: plan: stateful resources would be replaced or deleted: want --accept-dangerous if that is intended\n"},
		"dangerous, accepted":   {[]string{"--accept-dangerous", "plan/testdata/replace-database.json"}, exitChanges, "## Plan: dangerous\n", ""},
		"nothing to accept":     {[]string{"--accept-dangerous", "plan/testdata/nothing.json"}, 0, "## Plan: nothing to do\n", ""},
		"two synths, equal":     {[]string{"--base", "plan/testdata/stack.tf.json", "plan/testdata/stack.tf.json"}, 0, "## Two configurations: nothing to do\n", ""},
		"a base, no stack":      {[]string{"--base", "plan/testdata/nothing.json", "plan/testdata/stack.tf.json"}, exitFailed, "", "ops: base: got no terraform and resource blocks"},
		"no base":               {[]string{"--base", "plan/testdata/none.json", "plan/testdata/stack.tf.json"}, exitFailed, "", "ops: open plan/testdata/none.json"},
		"two files":             {[]string{"a", "b"}, exitUsage, "", `ops: plan: got "a b", want one FILE or -`},
		"standard input, twice": {[]string{"--base", "-", "-"}, exitUsage, "", "ops: plan: got - for FILE and --base, want it for one of them"},
		"unknown flag":          {[]string{"--force", "a"}, exitUsage, "", "ops: plan: unknown flag: --force"},
		"missing":               {[]string{"plan/testdata/none.json"}, exitFailed, "", "ops: open plan/testdata/none.json: no such file"},
		"half a plan":           {[]string{half}, exitFailed, "", "ops: plan: it ended in an error and is not complete: plan again\n"},
	} {
		t.Run(name, func(t *testing.T) {
			status, out, problems := runOps(t, nil, append([]string{"plan"}, test.args...)...)
			assert.Equal(t, test.status, status)
			assert.True(t, strings.HasPrefix(out, test.out) && (out == "") == (test.out == ""), out)
			assert.True(t, strings.HasPrefix(problems, test.problems) && (problems == "") == (test.problems == ""),
				problems)
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

func TestPlanOfTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		plan, base string
		accepted   bool
		status     int
		want       string // file of the card
	}{
		"nothing":             {plan: "nothing", want: "nothing.md"},
		"everything new":      {plan: "add", status: exitChanges, want: "add.md"},
		"dangerous":           {plan: "replace-database", status: exitDangerous, want: "replace-database.md"},
		"dangerous, accepted": {plan: "replace-database", accepted: true, status: exitChanges, want: "replace-database.md"},
		"two synths":          {base: "plan/testdata/stack.tf.json", want: "compare/same.md"},
	} {
		t.Run(name, func(t *testing.T) {
			tf := &fakeTerraform{plans: map[string]*tfjson.Plan{"pr7": nil}}
			if test.plan != "" {
				text, err := os.ReadFile("plan/testdata/" + test.plan + ".json")
				require.NoError(t, err)
				tf.plans["pr7"], err = plan.Parse(text)
				require.NoError(t, err)
			} else {
				text, err := os.ReadFile(test.base)
				require.NoError(t, err)
				tf.stack = text
			}
			want, err := os.ReadFile("plan/testdata/" + test.want)
			require.NoError(t, err)
			out := filepath.Join(t.TempDir(), "card.md")
			err = planPR7(t, tf, planRequest{accepted: test.accepted, base: test.base, out: out})
			assert.Equal(t, test.status, statusOf(err), err)
			got, err := os.ReadFile(out)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

// planPR7 plans the environment pr7.
func planPR7(t *testing.T, tf terraform, r planRequest) error {
	t.Helper()
	s := session{environ: map[string]string{"ENVIRONMENT_SUFFIX": "pr7"}, root: fstest.MapFS{}, out: &bytes.Buffer{}}
	return s.plan(t.Context(), tf, r)
}

// A deploy carries out the plan that was approved or none.
func TestPlanApproved(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	require.NoError(t, os.WriteFile(output, []byte("a=b\n"), 0o600))
	status, _, problems := runOps(t, nil, "plan", "--digest", output, "plan/testdata/open-port.json")
	require.Equal(t, exitChanges, status, problems)
	text, err := os.ReadFile(output)
	require.NoError(t, err)
	require.Regexp(t, `^a=b\ndigest=[0-9a-f]{64}\n$`, string(text))
	digest := strings.TrimSpace(strings.TrimPrefix(string(text), "a=b\ndigest="))

	status, out, _ := runOps(t, nil, "plan", "--approved", digest, "plan/testdata/open-port.json")
	assert.Equal(t, exitChanges, status)
	assert.Contains(t, out, "## Plan: changes\n")
	status, out, problems = runOps(t, nil, "plan", "--approved", digest, "plan/testdata/widen-iam.json")
	assert.Equal(t, exitFailed, status)
	assert.Empty(t, out)
	assert.Contains(t, problems,
		"ops: plan: got changes other than those of the approved plan "+digest[:12]+", want the same: approve them again\n")
}

// What cannot be planned leaves no card.
func TestPlanFails(t *testing.T) {
	out := filepath.Join(t.TempDir(), "card.md")
	refused := errors.New("no credentials")
	tf := &fakeTerraform{fails: map[string]error{"pr7": refused}}
	require.ErrorIs(t, planPR7(t, tf, planRequest{out: out}), refused)
	require.ErrorIs(t, planPR7(t, tf, planRequest{base: "plan/testdata/stack.tf.json", out: out}), refused)
	require.ErrorContains(t, planPR7(t, tf, planRequest{base: "plan/testdata/none.json", out: out}),
		"none.json: no such file")
	assert.NoFileExists(t, out)
}
