package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"portfolio/ops/plan"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCardStatus(t *testing.T) {
	for name, test := range map[string]struct {
		plan, base string
		accepted   bool
		status     int
		want       string // file of the card
	}{
		"nothing":             {plan: "nothing", want: "nothing.md"},
		"everything new":      {plan: "add", want: "add.md"},
		"dangerous":           {plan: "replace-database", status: exitDangerous, want: "replace-database.md"},
		"dangerous, accepted": {plan: "replace-database", accepted: true, want: "replace-database.md"},
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
			err = writeCard(t, tf, cardRequest{test.accepted, test.base, out})
			if test.status == 0 {
				require.NoError(t, err)
			} else {
				var own statusError
				require.ErrorAs(t, err, &own)
				assert.Equal(t, test.status, own.status)
			}
			got, err := os.ReadFile(out)
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

// writeCard writes the card of pr7.
func writeCard(t *testing.T, tf terraform, r cardRequest) error {
	t.Helper()
	s := session{environ: map[string]string{"ENVIRONMENT_SUFFIX": "pr7"}, root: fstest.MapFS{}, out: &bytes.Buffer{}}
	c, err := s.load()
	require.NoError(t, err)
	return s.writeCard(t.Context(), tf, c, r)
}

// What cannot be planned leaves no card that somebody could take for one.
func TestCardFails(t *testing.T) {
	out := filepath.Join(t.TempDir(), "card.md")
	refused := errors.New("no credentials")
	tf := &fakeTerraform{fails: map[string]error{"pr7": refused}}
	require.ErrorIs(t, writeCard(t, tf, cardRequest{out: out}), refused)
	require.ErrorIs(t, writeCard(t, tf, cardRequest{base: "plan/testdata/stack.tf.json", out: out}), refused)
	require.ErrorContains(t, writeCard(t, tf, cardRequest{base: "plan/testdata/none.json", out: out}), "none.json: no such file")
	assert.NoFileExists(t, out)
}

func TestCardAndOutputsUsage(t *testing.T) {
	for _, command := range []string{"card", "outputs"} {
		for name, test := range map[string]struct {
			environ map[string]string
			args    []string
			want    string
		}{
			"an argument":  {nil, []string{"pr7"}, `usage: ` + command + `: got "pr7", want flags only`},
			"unknown flag": {nil, []string{"--force"}, "usage: " + command + ": flag provided but not defined"},
			"bad settings": {map[string]string{"ENVIRONMENT_SUFFIX": "Ä"}, nil, "usage: ENVIRONMENT_SUFFIX: got"},
		} {
			t.Run(command+" "+name, func(t *testing.T) {
				status, out, problems := runOps(t, test.environ, append([]string{command}, test.args...)...)
				assert.Equal(t, exitUsage, status)
				assert.Empty(t, out)
				assert.Contains(t, problems, test.want)
			})
		}
	}
}

func TestOutputs(t *testing.T) {
	bucket := &fakeS3{}
	s, out := at(t, bucket)
	s.environ["ENVIRONMENT_SUFFIX"] = "pr7"
	var stderr bytes.Buffer
	assert.Equal(t, exitFailed, run(t.Context(), s, []string{"outputs"}, &stderr))
	assert.Contains(t, stderr.String(), "pr7: got no state in states, want a deployed environment")
	for name, want := range map[string]string{emptyState: "got no outputs", `{"outputs": "hunter2`: "it is no JSON of a Terraform state"} {
		bucket.put(keyOf("pr7"), name, 0)
		stderr.Reset()
		assert.Equal(t, exitFailed, run(t.Context(), s, []string{"outputs"}, &stderr))
		assert.Contains(t, stderr.String(), want)
		assert.NotContains(t, stderr.String(), "hunter2")
	}
	assert.Empty(t, out.String())

	bucket.put(keyOf("pr7"), `{"version": 4, "outputs": {
		"websocket-url": {"value": "wss://x/prod"}, "dashboard-name": {"value": "board-pr7"}, "password": {"value": "hunter2", "sensitive": true},
		"public-subnet-ids": {"value": ["s-1", "s|2"]}}, "resources": [{"mode": "managed", "type": "terraform_data", "name": "release",
		"instances": [{"attributes": {"input": {"value": {"commit": "0123abc", "region": "eu-west-1"}}}}]}]}`, 0)
	file := filepath.Join(t.TempDir(), "outputs.md")
	require.Equal(t, 0, run(t.Context(), s, []string{"outputs", "--out", file}, &stderr), stderr.String())
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "## Environment pr7\n\nIn eu-west-1, at commit 0123abc.\n\n| output | value |\n|---|---|\n"+
		"| dashboard-name | [board-pr7](https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/board-pr7) |\n"+
		"| password | *sensitive* |\n| public-subnet-ids | `s-1`<br>`s\\|2` |\n| websocket-url | `wss://x/prod` |\n", string(got))
}
