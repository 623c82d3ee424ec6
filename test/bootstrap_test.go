package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"portfolio/config"
	"portfolio/stacks"

	"github.com/hashicorp/terraform-cdk-go/cdktf"
	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/require"
)

// bootstrapOf synthesizes the stack of what an account has once, with these
// settings beside a repository and a bucket.
func bootstrapOf(t *testing.T, settings map[string]string) stack {
	t.Helper()
	environ := map[string]string{"GITHUB_REPOSITORY": "octo/portfolio", "TERRAFORM_STATE_BUCKET": "octo-states"}
	for name, value := range settings {
		environ[name] = value
	}
	c, err := config.LoadBootstrap(environ, fstest.MapFS{})
	require.NoError(t, err)
	kernel.Lock()
	defer kernel.Unlock()
	folder := t.TempDir()
	app := cdktf.NewApp(&cdktf.AppConfig{Outdir: &folder})
	stacks.NewBootstrap(app, c)
	app.Synth()
	var s stack
	s.Text, err = os.ReadFile(filepath.Join(folder, "stacks", c.Stack, "cdk.tf.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(s.Text, &s.JSON))
	return s
}

// TestSnapshotOfBootstrap is TestSnapshot for the bootstrap: what the account has
// once, and what a further region adds.
func TestSnapshotOfBootstrap(t *testing.T) {
	for name, settings := range map[string]map[string]string{
		"bootstrap":        nil,
		"bootstrap-region": {"AWS_REGION": "eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			goldie.New(t, goldie.WithFixtureDir("testdata"), goldie.WithNameSuffix(".json"), goldie.WithDiffEngine(goldie.ColoredDiff)).
				Assert(t, name, bootstrapOf(t, settings).Text)
		})
	}
}
