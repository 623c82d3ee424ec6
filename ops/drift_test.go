package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func driftPlan() *tfjson.Plan {
	return &tfjson.Plan{ResourceDrift: []*tfjson.ResourceChange{{Address: "aws_vpc.network",
		Type: "aws_vpc", Change: &tfjson.Change{
			Actions: tfjson.Actions{tfjson.ActionUpdate}, Before: map[string]any{"a": "1"}, After: map[string]any{"a": "2"},
		}}}}
}

func TestDrift(t *testing.T) {
	lines := func(lines ...string) string { return strings.Join(lines, "\n") + "\n" }
	for name, c := range map[string]struct {
		suffixes []string // of the environments that have a state
		named    []string
		fails    map[string]error
		status   int
		out      string
		problem  string
		reports  []string
	}{
		"none": {[]string{"dev", "prod"}, nil, nil, 0, lines("dev: no drift", "prod: no drift", "Drift in 0 of 2."), "", nil},
		"one": {[]string{"dev", "pr7"}, nil, nil, exitDrift,
			lines("dev: no drift", "pr7: drift: 1 changed outside Terraform",
				"Drift in 1 of 2."), "", []string{"pr7.md"}},
		"one, not asked for": {[]string{"dev", "pr7"}, []string{"dev"}, nil, 0, lines("dev: no drift", "Drift in 0 of 1."), "", nil},
		"one fails, the next is still compared": {[]string{"dev", "pr7"}, nil, map[string]error{"dev": errors.New("synth: no")}, exitFailed,
			lines("dev: could not be compared", "pr7: drift: 1 changed outside Terraform", "Drift in 1 of 2."),
			"dev: synth: no", []string{"dev.failed", "pr7.md"}},
		"one without state": {[]string{"dev"}, []string{"pr9", "dev"}, nil, exitFailed,
			lines("pr9: could not be compared", "dev: no drift", "Drift in 0 of 2."),
			"pr9: it has no state", []string{"pr9.failed"}},
		"no environment": {nil, nil, nil, 0, lines("Drift in 0 of 0."), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, tf, _, out := reaping(t, c.suffixes...)
			if c.fails != nil {
				tf.fails = c.fails
			}
			tf.plans = map[string]*tfjson.Plan{"pr7": driftPlan(), "prod": {}}
			all, err := r.states.list(t.Context())
			require.NoError(t, err)
			all, err = named(all, c.named)
			require.NoError(t, err)
			folder := filepath.Join(t.TempDir(), "reports")
			err = drifts{tf, out, folder}.run(t.Context(), all)

			assert.Equal(t, c.status, statusOf(err), err)
			assert.Equal(t, c.out, out.String())
			if c.problem != "" {
				require.EqualError(t, err, c.problem)
			}
			var reports []string
			files, err := os.ReadDir(folder) // it is there even if nothing drifted
			require.NoError(t, err)
			for _, file := range files {
				reports = append(reports, file.Name())
			}
			assert.Equal(t, c.reports, reports)
		})
	}
}

func statusOf(err error) int {
	var own statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &own):
		return own.status
	}
	return exitFailed
}

func TestDriftWithoutRegion(t *testing.T) {
	r, tf, bucket, out := reaping(t)
	bucket.put(keyOf("bad"), "{", 0)
	bucket.put(keyOf("empty"), emptyState, 0)
	bucket.put(keyOf("old"), `{"version": 4, "resources": [{"mode": "managed", "type": "aws_iam_role", "instances": [{"attributes": {}}]}]}`, 0)
	all, err := r.states.list(t.Context())
	require.NoError(t, err)
	require.EqualError(t, drifts{tf, out, ""}.run(t.Context(), all),
		"bad: its state cannot be read: got a text that is not a Terraform state\nold: its state does not record its region: deploy it again")
	assert.Contains(t, out.String(), "empty: nothing is deployed\n")
}

func TestDriftRefuses(t *testing.T) {
	s, out := at(t, &fakeS3{})
	for _, args := range [][]string{{"--force"}, {"../pr7"}, {""}} {
		var stderr bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), s, append([]string{"drift"}, args...), &stderr), args)
		assert.NotEmpty(t, stderr.String())
	}
	assert.Empty(t, out.String())
}
