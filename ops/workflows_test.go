package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portfolio/config"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

type workflowStep struct {
	ID, If, Uses, Run string
	With              map[string]any
}

type workflow struct {
	On          map[string]any
	Env         map[string]string
	Permissions map[string]string
	Jobs        map[string]workflowJob
	Runs        struct{ Steps []workflowStep } // of a composite action
}

type workflowJob struct {
	Uses        string // of a workflow that is called
	Needs       any
	If          string
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
	// changing are steps that deploy or destroy; one destroys all closed environments.
	changing = regexp.MustCompile(`^make (deploy|destroy|reap)\b`)
	reapAll  = "make reap YES=true"
	pinned   = regexp.MustCompile(`^[\w.-]+/[\w.-]+@[0-9a-f]{40}$`)
	oneLine  = regexp.MustCompile(`^(make|build/ops|mkdir -p) [^\n]+$`)
)

// Workflows only call what is tested here, with only the rights that they need.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	actions, err := filepath.Glob("../.github/actions/*/action.yml")
	require.NoError(t, err)
	for _, file := range append(files, actions...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w := readWorkflow(t, file)
			steps := w.Runs.Steps
			if len(w.Jobs) > 0 {
				assert.NotContains(t, w.On, "pull_request_target")
				assert.NotNil(t, w.Permissions)
				assert.Empty(t, w.Permissions, "permissions: {} for all jobs")
			}
			for name, job := range w.Jobs {
				assert.NotNil(t, job.Permissions, name)
				if job.Uses != "" {
					assert.True(t, strings.HasPrefix(job.Uses, "./.github/workflows/"), name)
					continue
				}
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

func readWorkflow(t *testing.T, file string) workflow {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var w workflow
	require.NoError(t, yaml.Unmarshal(text, &w))
	return w
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

// checkConcurrency checks that jobs that change an environment run one at a time for each
// suffix and are never cancelled, and that all other jobs have no rights to change one.
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
	within, err := time.ParseDuration(job.Env["WITHIN"])
	require.NoError(t, err, "%s: WITHIN, in which Terraform is interrupted", name)
	const before, after = 20 * time.Minute, 10 * time.Minute // to set up, and to end
	assert.LessOrEqual(t, before+within+after, time.Duration(job.Timeout)*time.Minute, name)
	assert.NotEmpty(t, job.Environment, name)
	assert.Equal(t, group, job.Concurrency.Group, name)
	if assert.NotNil(t, job.Concurrency.Cancel, name) {
		assert.False(t, *job.Concurrency.Cancel, name)
	}
}

// Whatever can be set on a laptop reaches the workflows, because a deploy from CI would
// undo it otherwise. Previews have variables of their own: production's names and costs
// are not for them.
func TestWorkflowsPassEverySetting(t *testing.T) {
	set := map[string]bool{ // by the workflows; AWS_REGION by the step that logs in
		"ENVIRONMENT_SUFFIX": true, "PORTFOLIO_PROFILE": true, "PERMISSIONS_BOUNDARY_ARN": true,
		"REPOSITORY": true, "COMMIT_SHA": true, "COMMIT_AUTHOR": true, "AWS_REGION": true,
	}
	never := "AWS_ENDPOINT_URL" // an emulator's
	for _, test := range []struct{ file, job, prefix string }{
		{"main.yml", "plan", ""}, {"main.yml", "deploy", ""}, {"nightly.yml", "drift", ""},
		{"preview.yml", "deploy", "PREVIEW_"}, {"preview.yml", "destroy", "PREVIEW_"}, {"pull-request.yml", "plan", "PREVIEW_"},
	} {
		w := readWorkflow(t, "../.github/workflows/"+test.file)
		environ := maps.Clone(w.Env)
		maps.Copy(environ, w.Jobs[test.job].Env)
		for _, name := range config.Variables() {
			where := test.file + " " + test.job + " " + name
			switch {
			case name == never:
				assert.NotContains(t, environ, name, where)
			case strings.HasPrefix(name, "TERRAFORM_STATE_"):
				assert.Equal(t, "${{ vars."+name+" }}", environ[name], where)
			case set[name]:
			case name == "DOMAIN_NAME" && test.prefix != "": // each has its own name
				assert.Equal(t, "${{ vars.PREVIEW_DOMAIN_NAME && format('pr{0}.{1}', github.event.number, vars.PREVIEW_DOMAIN_NAME) }}", environ[name], where)
			default:
				assert.Equal(t, "${{ vars."+test.prefix+name+" }}", environ[name], where)
			}
		}
		known := append(config.Variables(), "ACCEPT_DANGEROUS", "APPROVED_PLAN", "TF_PLUGIN_CACHE_DIR", "WITHIN")
		for name := range environ {
			assert.Contains(t, known, name, test.file)
		}
	}
}

// Main is deployed if its checks passed, if no later push replaced it, and as the plan
// that was approved says.
func TestMainDeploysWhatWasApproved(t *testing.T) {
	w := readWorkflow(t, "../.github/workflows/main.yml")
	assert.Equal(t, "./.github/workflows/checks.yml", w.Jobs["checks"].Uses)
	assert.Equal(t, "checks", w.Jobs["plan"].Needs)
	assert.Equal(t, "plan", w.Jobs["deploy"].Needs)
	assert.Empty(t, w.Jobs["deploy"].If, "a job with a condition may run even though another failed")
	assert.Contains(t, readWorkflow(t, "../.github/workflows/checks.yml").On, "workflow_call")
	plan := slices.IndexFunc(w.Jobs["plan"].Steps, func(s workflowStep) bool { return s.ID == "plan" })
	require.GreaterOrEqual(t, plan, 0)
	assert.Contains(t, w.Jobs["plan"].Steps[plan].Run, `DIGEST="$GITHUB_OUTPUT"`)
	assert.Equal(t, "${{ needs.plan.outputs.digest }}", w.Jobs["deploy"].Env["APPROVED_PLAN"])
	var runs []string
	for _, s := range w.Jobs["deploy"].Steps {
		runs = append(runs, s.Run)
	}
	head, deploy := slices.Index(runs, "build/ops github check-head"), slices.Index(runs, "make deploy")
	assert.True(t, head >= 0 && head < deploy, runs)
	script, err := os.ReadFile("../.ci/deploy")
	require.NoError(t, err)
	gate, apply := strings.Index(string(script), "\nbuild/ops plan "), strings.Index(string(script), "cdktf deploy")
	assert.True(t, gate >= 0 && gate < apply, "the card is checked before the apply")
}

// Nightly jobs run outside the windows of backups and maintenance.
func TestNightlyAvoidsTheWindows(t *testing.T) {
	w := readWorkflow(t, "../.github/workflows/nightly.yml")
	schedules, _ := w.On["schedule"].([]any)
	require.NotEmpty(t, schedules)
	minutes := 0
	for _, job := range w.Jobs {
		minutes += job.Timeout
	}
	for _, schedule := range schedules {
		cron := strings.Fields(schedule.(map[string]any)["cron"].(string))
		minute, err := strconv.Atoi(cron[0])
		require.NoError(t, err)
		hour, err := strconv.Atoi(cron[1])
		require.NoError(t, err)
		const opens, closes, day = 2*60 + 30, 5*60 + 30, 24 * 60
		start := hour*60 + minute
		assert.True(t, start >= closes, "%v starts within the windows or before them", cron)
		assert.Less(t, start+minutes, day+opens, "%v may still run in them", cron)
	}
	steps := w.Jobs["drift"].Steps
	last := steps[len(steps)-1]
	assert.Equal(t, "build/ops github drift build/drift", last.Run)
	assert.Equal(t, "${{ !cancelled() }}", last.If, "what could be compared is reported")
}
