package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// preflightOf runs the command against an endpoint.
func preflightOf(t *testing.T, endpoint string, environ map[string]string,
	args ...string) (status int, out, stderr string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	all := map[string]string{"AWS_ENDPOINT_URL": endpoint, "ENVIRONMENT_SUFFIX": "pr7",
		"TERRAFORM_STATE_BUCKET": "preflight-states"}
	for name, value := range environ {
		all[name] = value
	}
	var wrote, complained bytes.Buffer
	status = run(t.Context(), session{environ: all, root: fstest.MapFS{}, out: &wrote},
		append([]string{"preflight"}, args...), &complained)
	return status, wrote.String(), complained.String()
}

func TestPreflightCalledWronglyMakesNoCall(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	cases := map[string]struct {
		environ map[string]string
		args    []string
		status  int
		want    string
	}{
		"bad settings": {map[string]string{"ENVIRONMENT_SUFFIX": "Not A Suffix"}, nil, exitUsage, "ENVIRONMENT_SUFFIX: got Not A Suffix"},
		"argument":     {nil, []string{"now"}, exitUsage, `preflight: got "now", want no argument; see ops preflight --help`},
		"unknown flag": {nil, []string{"--fix"}, exitUsage, "ops: preflight: unknown flag: --fix; see ops preflight --help"},
		"help":         {nil, []string{"--help"}, 0, "Exit status:"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			status, out, stderr := preflightOf(t, server.URL, tc.environ, tc.args...)
			assert.Equal(t, tc.status, status)
			assert.Contains(t, out+stderr, tc.want)
		})
	}
	assert.Zero(t, asked.Load(), "calls of AWS")
}

func TestPreflightStatus(t *testing.T) {
	emulator, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, emulator.Stop()) })

	status, out, stderr := preflightOf(t, emulator.URL, nil)
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "preflight of portfolio-pr7: account 000000000000, us-east-1, ")
	assert.Contains(t, out, "\nstate bucket preflight-states: got none, want one in us-east-1; fix: ")
	assert.Equal(t, "ops: preflight of portfolio-pr7: findings that would stop a deploy: 1\n", stderr)

	cfg, err := session{}.aws(t.Context(), "us-east-1")
	require.NoError(t, err)
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("preflight-states")})
	require.NoError(t, err)
	status, out, _ = preflightOf(t, emulator.URL, nil)
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "\nstate bucket preflight-states: got no versioning, want Enabled; fix: ")
	assert.Contains(t, out, "\nstate bucket preflight-states: got no public access block, want all public access blocked; fix: ")
}
