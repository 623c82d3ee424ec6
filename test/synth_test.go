// Package test checks the synthesized stacks against snapshots, the specification and
// what AWS requires; package live below it checks the running platform.
package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"portfolio/config"
	"portfolio/fastsynth"
	"portfolio/stacks"

	"github.com/aws/jsii-runtime-go"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/require"
)

var profiles = []string{"standard", "preview", "production"}

func TestMain(m *testing.M) {
	fastsynth.Enable()
	status := m.Run()
	jsii.Close()
	os.Exit(status)
}

// block is a parsed JSON object: a resource, a nested block or the whole stack.
type block map[string]any

// stack is one synthesized environment.
type stack struct {
	Text []byte
	JSON block
}

// kernel guards jsii, which serves one caller at a time.
var (
	kernel      sync.Mutex
	synthesized = map[string]stack{}
)

// synth builds the stack that the app would build with these environment variables,
// once per test run.
func synth(t *testing.T, environ map[string]string) stack {
	t.Helper()
	key, err := json.Marshal(environ)
	require.NoError(t, err)
	kernel.Lock()
	defer kernel.Unlock()
	if s, done := synthesized[string(key)]; done {
		return s
	}
	c, err := config.Load(environ, fstest.MapFS{})
	require.NoError(t, err)
	folder := t.TempDir()
	app := cdktf.NewApp(&cdktf.AppConfig{Outdir: &folder})
	stacks.NewPlatform(app, c)
	app.Synth()

	var s stack
	s.Text, err = os.ReadFile(filepath.Join(folder, "stacks", c.Names.Stack, "cdk.tf.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(s.Text, &s.JSON))
	synthesized[string(key)] = s
	return s
}

// synthProfile builds the stack of a profile under the suffix "test".
func synthProfile(t *testing.T, profile string) stack { return synth(t, ofProfile("test", profile)) }

// ofProfile returns the least settings of a profile: production has a certificate.
func ofProfile(suffix, profile string) map[string]string {
	environ := map[string]string{"ENVIRONMENT_SUFFIX": suffix, "PORTFOLIO_PROFILE": profile}
	if profile == "production" {
		environ["CERTIFICATE_ARN"] = certificateARN
	}
	return environ
}

// TestSnapshot compares every byte of each profile with testdata; go test ./test -run
// Snapshot -update accepts a change.
func TestSnapshot(t *testing.T) {
	for _, profile := range profiles {
		t.Run(profile, func(t *testing.T) {
			goldie.New(t, goldie.WithFixtureDir("testdata"), goldie.WithNameSuffix(".json"),
				goldie.WithDiffEngine(goldie.ColoredDiff)).
				Assert(t, profile, synthProfile(t, profile).Text)
		})
	}
}

// stateful are the addresses of resources whose content would be lost if the address
// changed: Terraform would destroy the old resource and create a new one.
var stateful = []string{
	"aws_vpc.network_vpc_4E8F0223",
	"aws_db_instance.database_primary_D3810515",
	"aws_elasticache_serverless_cache.database_cache_valkey_CB74DFDE",
	"aws_s3_bucket.database_history_bucket_24D2865D",
	"aws_apigatewayv2_api.api_websocket_8B41AF91",
}

func TestAddressesOfStatefulResourcesDoNotMove(t *testing.T) {
	for _, profile := range profiles {
		for _, suffix := range []string{"test", "pr3522"} {
			s := synth(t, ofProfile(suffix, profile))
			for _, address := range stateful {
				require.Contains(t, s.addresses(), address, "%s in %s", suffix, profile)
			}
		}
	}
}

// addresses returns the addresses of all resources, "type.name".
func (s stack) addresses() []string {
	var all []string
	for kind, named := range s.JSON["resource"].(map[string]any) {
		for name := range named.(map[string]any) {
			all = append(all, kind+"."+name)
		}
	}
	return all
}
