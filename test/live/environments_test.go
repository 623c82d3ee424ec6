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

// pullRequest has the settings with which a pull request's environment is deployed. With a
// certificate, they are those that neither the platform's own environment nor production has.
var pullRequest = map[string]string{
	"PORTFOLIO_PROFILE": "preview", "CI": "true", "AMAZON_LINUX": "al2", "DB_ENGINE_VERSION": "15.13",
	"QUOTE_SOURCES": "ecb,twelvedata", "QUOTE_STREAMS": "twelvedata", "QUOTE_INTERVAL": "30s", "QUOTE_AGE_ALARM": "off",
	"QUOTE_SOURCE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:portfolio-quote-sources-pr1-AbCdEf",
	"OIDC_ISSUER":             "https://id.example.com", "OIDC_CLIENT_ID": "portfolio",
	"OIDC_CLIENT_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:portfolio-oidc-pr1-AbCdEf",
	"OIDC_OWNERS":            `[{"subject":"1","owner":"ada","scopes":["read","trade"]}]`,
}

// reaps destroys pr1, whose pull request is closed, with two runs at the same time, and no
// other: neither an open one nor one that is not of a pull request. The platform's own
// environment does not change from what it was before. A dry run comes first, which need not
// wait until pr1 is deployed.
func reaps(t *testing.T, p *platform.Platform, deployed <-chan struct{}, before snapshot) {
	// An open pull request that is not deployed yet: reap decides by the pull request and the
	// state's key. The platform's own environment shows that only pr1's resources are touched.
	writeObject(t, p, stateOf("pr2"),
		`{"version":4,"serial":1,"lineage":"4b7c61e4-9e4c-4f6c-8c53-0a4d7f0f8a11","outputs":{},"resources":[]}`)
	assert.Contains(t, ops(t, p, "pr1", "environments"), "\npr1 ")
	dry := ops(t, p, "pr1", "reap", "--open", "2")
	for _, line := range []string{
		suffix + ": kept: its suffix is not pr<number>\n", "prod: kept: its suffix is not pr<number>\n",
		"pr1: to be destroyed: ", "pr2: kept: ", "Dry run",
	} {
		assert.Contains(t, dry, line)
	}
	assert.NotEmpty(t, leftovers(t, p, "pr1"), "a dry run destroys nothing")
	<-deployed
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
	assert.Equal(t, before.witnessed, picture(t, p).witnessed, "the platform after pr1's destruction")
}

// snapshot is a plan of an environment and what another one's destruction could change.
type snapshot struct {
	plan      plan
	witnessed witnessed
}

type witnessed struct {
	Serial    uint64
	Lineage   string
	Addresses []string // of the state
	Resources []string // that AWS has
	Changes   map[string][]string
}

// picture returns the snapshot of the platform's own environment.
func picture(t *testing.T, p *platform.Platform) snapshot {
	t.Helper()
	s, ok := readState(t, p, suffix)
	require.True(t, ok)
	resources := leftovers(t, p, suffix)
	slices.Sort(resources)
	tf, err := p.Terraform(t.Context())
	require.NoError(t, err)
	plan := planned(t, tf)
	changes := changesOf(plan)
	onlyDrift(t, changes)
	return snapshot{plan, witnessed{s.Serial, s.Lineage, addresses(s), resources, changes}}
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
	return runOpsWith(t, p, as, suffix, pullRequest, args...)
}

func runOpsWith(
	t *testing.T, p *platform.Platform, as platform.Workflow, suffix string, settings map[string]string, args ...string,
) (string, error) {
	t.Helper()
	settings = maps.Clone(settings)
	settings["ENVIRONMENT_SUFFIX"] = suffix
	path, err := operator()
	require.NoError(t, err)
	cmd := command(t, path, args...)
	cmd.Env = list(emulated(t, p, as, settings))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// lockInfo is what Terraform writes into a lock.
type lockInfo struct{ ID, Operation, Info, Who, Version, Created, Path string }

func stateOf(suffix string) string { return suffix + "/portfolio-" + suffix + ".tfstate" }

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

func writeObject(t *testing.T, p *platform.Platform, key, text string) {
	t.Helper()
	_, err := pathStyleS3(t, p).PutObject(t.Context(),
		&s3.PutObjectInput{Bucket: aws.String(stateBucket), Key: &key, Body: strings.NewReader(text)})
	require.NoError(t, err)
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
