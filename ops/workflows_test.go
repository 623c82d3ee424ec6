package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type workflowStep struct {
	Uses, Run string
	With      map[string]any
}

type workflow struct {
	On          map[string]any
	Permissions map[string]string
	Jobs        map[string]workflowJob
	Runs        struct{ Steps []workflowStep } // of a composite action
}

type workflowJob struct {
	Permissions map[string]string
	Timeout     int `yaml:"timeout-minutes"`
	Environment string
	Env         map[string]string
	Concurrency struct {
		Group  string
		Cancel *bool `yaml:"cancel-in-progress"`
	}
	Steps []workflowStep
}

var (
	// changing are steps that deploy or destroy; one of them all that are closed.
	changing = regexp.MustCompile(`^make (deploy|destroy|reap)\b`)
	reapAll  = "make reap YES=true"
	pinned   = regexp.MustCompile(`^[\w.-]+/[\w.-]+@[0-9a-f]{40}$`)
	oneLine  = regexp.MustCompile(`^(make|build/ops) [^\n]+$`)
)

// Workflows only call what is tested here, with no more rights than they need.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	actions, err := filepath.Glob("../.github/actions/*/action.yml")
	require.NoError(t, err)
	for _, file := range append(files, actions...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var w workflow
			require.NoError(t, yaml.Unmarshal(text, &w))
			steps := w.Runs.Steps
			if len(w.Jobs) > 0 {
				assert.NotContains(t, w.On, "pull_request_target")
				assert.NotNil(t, w.Permissions)
				assert.Empty(t, w.Permissions, "permissions: {} for all jobs")
			}
			for name, job := range w.Jobs {
				assert.NotNil(t, job.Permissions, name)
				assert.Positive(t, job.Timeout, name)
				checkConcurrency(t, name, job)
				steps = append(steps, job.Steps...)
			}
			require.NotEmpty(t, steps)
			for _, s := range steps {
				checkStep(t, s)
			}
		})
	}
}

func checkStep(t *testing.T, s workflowStep) {
	t.Helper()
	if s.Uses == "" {
		assert.Regexp(t, oneLine, strings.TrimSpace(s.Run))
		assert.NotContains(t, s.Run, "${{")
		return
	}
	if !strings.HasPrefix(s.Uses, "./.github/") {
		assert.Regexp(t, pinned, s.Uses)
	}
	if strings.HasPrefix(s.Uses, "actions/checkout@") {
		assert.Equal(t, false, s.With["persist-credentials"])
	}
}

// checkConcurrency holds jobs that change an environment to one at a time for each
// suffix, none of them cut, and all others to no rights to change one.
func checkConcurrency(t *testing.T, name string, job workflowJob) {
	t.Helper()
	changes, group := false, ""
	for _, s := range job.Steps {
		switch run := strings.TrimSpace(s.Run); {
		case run == reapAll:
			changes, group = true, "environments-reap"
		case changing.MatchString(run):
			changes, group = true, "environment-"+job.Env["ENVIRONMENT_SUFFIX"]
			assert.NotEmpty(t, job.Env["ENVIRONMENT_SUFFIX"], name)
		}
	}
	for _, s := range job.Steps {
		if role, ok := s.With["role-to-assume"]; ok && !changes {
			assert.Equal(t, "${{ vars.AWS_PLAN_ROLE_ARN }}", role, name)
		}
	}
	if !changes {
		assert.Empty(t, job.Environment, "%s: the plan role trusts no environment", name)
		return
	}
	assert.NotEmpty(t, job.Environment, name)
	assert.Equal(t, group, job.Concurrency.Group, name)
	if assert.NotNil(t, job.Concurrency.Cancel, name) {
		assert.False(t, *job.Concurrency.Cancel, name)
	}
}
