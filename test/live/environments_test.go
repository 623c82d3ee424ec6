package live

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"portfolio/config/tfstate"
	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pullRequest has the settings with which a pull request's environment is deployed.
var pullRequest = map[string]string{"PORTFOLIO_PROFILE": "preview", "CI": "true"}

// environments deploys two pull requests concurrently, one with interruptions and the other
// with the commands that people use. Destroying the first does not change the second.
// The platform is starting at the same time, until up is closed.
func environments(t *testing.T, p *platform.Platform, up <-chan struct{}) {
	t.Run("concurrently", func(t *testing.T) {
		t.Run("pr1", func(t *testing.T) { t.Parallel(); cutDeploys(t, p, "pr1") })
		t.Run("pr2", func(t *testing.T) { t.Parallel(); cliDeploys(t, p, "pr2") })
	})
	require.False(t, t.Failed(), "the rest needs both environments")
	<-up // reap has to see the platform's environment, and keep it
	before := picture(t, p, "pr2")
	reaps(t, p)
	assert.Equal(t, before, picture(t, p, "pr2"), "pr2 after pr1's destruction")
}

// makeDestroys destroys an environment with make and checks that nothing is left.
func makeDestroys(t *testing.T, p *platform.Platform, suffix string) {
	out, err := makeTarget(t, p, "destroy", suffix)
	require.NoError(t, err, out)
	assert.Empty(t, leftovers(t, p, suffix))
}

// reaps destroys the environment whose pull request is closed, with two runs at the same
// time, and no other: neither an open one nor one that is not of a pull request.
func reaps(t *testing.T, p *platform.Platform) {
	assert.Contains(t, ops(t, p, "pr1", "environments"), "\npr1 ")
	dry := ops(t, p, "pr1", "reap", "--open", "2")
	for _, line := range []string{suffix + ": stays: its suffix is not pr<number>\n", "pr1: goes: ", "pr2: stays: ", "Dry run"} {
		assert.Contains(t, dry, line)
	}
	assert.NotEmpty(t, leftovers(t, p, "pr1"), "a dry run destroys nothing")
	t.Run("at once", func(t *testing.T) {
		for _, name := range []string{"one", "two"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				assert.Contains(t, ops(t, p, "pr1", "reap", "--open", "2", "--yes"), "Destroyed ")
			})
		}
	})
	assert.Empty(t, leftovers(t, p, "pr1"))
	after := ops(t, p, "pr1", "environments")
	assert.NotContains(t, after, "pr1 ")
	assert.Contains(t, after, "\npr2 ")
}

// ops runs a command of the operator's program for an environment, as the workflow that
// deploys previews. It has to succeed.
func ops(t *testing.T, p *platform.Platform, suffix string, args ...string) string {
	t.Helper()
	out, err := runOps(t, p, platform.DeploysPreview, suffix, args...)
	require.NoError(t, err, "ops %v\n%s", args, out)
	return out
}

func runOps(t *testing.T, p *platform.Platform, as platform.Workflow, suffix string, args ...string) (string, error) {
	t.Helper()
	settings := maps.Clone(pullRequest)
	settings["ENVIRONMENT_SUFFIX"] = suffix
	path, err := operator()
	require.NoError(t, err)
	cmd := command(t, path, args...)
	cmd.Env = list(emulated(t, p, as, settings))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// makeTarget runs make for a pull request's environment.
func makeTarget(t *testing.T, p *platform.Platform, target, suffix string) (string, error) {
	t.Helper()
	cmd := command(t, "make", target, "ENVIRONMENT_SUFFIX="+suffix)
	cmd.Env = list(emulated(t, p, platform.DeploysPreview, pullRequest))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// cliDeploys deploys an environment with make, and again while its lock is held: the second
// deploy names the holder.
func cliDeploys(t *testing.T, p *platform.Platform, suffix string) {
	out, err := makeTarget(t, p, "deploy", suffix)
	require.NoError(t, err, out)
	// make deploy stops on findings, so there must be none about the environment itself.
	assert.Contains(t, ops(t, p, suffix, "preflight"), "preflight of portfolio-"+suffix+": account 000000000000, us-east-1")
	out, err = makeTarget(t, p, "outputs", suffix)
	require.NoError(t, err, out)
	assert.Contains(t, out, databaseOf(suffix))

	client, key := pathStyleS3(t, p), stateOf(suffix)+".tflock"
	held := lockInfo{ID: "11111111-2222-3333-4444-555555555555", Operation: "OperationTypeApply", Who: "somebody@elsewhere",
		Version: "1.11.4", Created: "2026-01-02T03:04:05Z", Path: stateBucket + "/" + stateOf(suffix)}
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(stateBucket), Key: &key, Body: strings.NewReader(string(marshal(t, held)))})
	require.NoError(t, err)
	out, err = makeTarget(t, p, "deploy", suffix)
	require.Error(t, err, out)
	assert.Contains(t, out, held.Who)
	assert.Contains(t, out, held.ID)
	assert.Contains(t, out, "2026-01-02")
	_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(stateBucket), Key: &key})
	require.NoError(t, err)
}

// lockInfo is what Terraform writes into a lock.
type lockInfo struct{ ID, Operation, Info, Who, Version, Created, Path string }

func stateOf(suffix string) string { return suffix + "/portfolio-" + suffix + ".tfstate" }

// snapshot is what another environment's destruction could change.
type snapshot struct {
	Serial    uint64
	Lineage   string
	Addresses []string // of the state
	Resources []string // that AWS has
	Plan      map[string][]string
}

func picture(t *testing.T, p *platform.Platform, suffix string) snapshot {
	t.Helper()
	s, ok := readState(t, p, suffix)
	require.True(t, ok)
	resources := leftovers(t, p, suffix)
	slices.Sort(resources)
	tf := stackTerraform(t, p, platform.PlansPullRequest, synthesize(t, p, suffix, pullRequest), pullRequest)
	changes := changesOf(planned(t, tf))
	onlyDrift(t, changes)
	return snapshot{s.Serial, s.Lineage, addresses(s), resources, changes}
}

// addresses returns those of the managed resources in a state.
func addresses(s tfstate.State) []string {
	var all []string
	for _, r := range s.Managed() {
		all = append(all, r.Address())
	}
	slices.Sort(all)
	return all
}

// readState reads an environment's state without Terraform and its lock.
func readState(t *testing.T, p *platform.Platform, suffix string) (s tfstate.State, ok bool) {
	t.Helper()
	text, ok := readObject(t, p, stateOf(suffix))
	if !ok {
		return tfstate.State{}, false
	}
	s, err := tfstate.Read(text)
	require.NoError(t, err)
	return s, true
}

func readObject(t *testing.T, p *platform.Platform, key string) ([]byte, bool) {
	t.Helper()
	client := pathStyleS3(t, p)
	listed, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(stateBucket), Prefix: &key})
	require.NoError(t, err)
	if !slices.ContainsFunc(listed.Contents, keyIs(key)) {
		return nil, false
	}
	object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(stateBucket), Key: &key})
	require.NoError(t, err)
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	require.NoError(t, err)
	return text, true
}
