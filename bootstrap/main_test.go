package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Bad arguments and settings are reported, with status 2, and nothing is written.
func TestRunRefuses(t *testing.T) {
	good := map[string]string{"GITHUB_REPOSITORY": "octo/portfolio"}
	for name, c := range map[string]struct {
		args    []string
		environ map[string]string
		want    string
	}{
		"no command":      {nil, good, "bootstrap: got no command, want apply or synth\n"},
		"unknown command": {[]string{"destroy"}, good, "bootstrap: got \"destroy\", want apply or synth\n"},
		"unknown flag":    {[]string{"apply", "--force"}, good, "bootstrap apply: unknown flag: --force\n"},
		"adopt to synth":  {[]string{"synth", "--adopt"}, good, "bootstrap synth: unknown flag: --adopt\n"},
		"an argument":     {[]string{"apply", "now"}, good, "bootstrap apply: got \"now\", want no argument\n"},
		"no repository": {[]string{"apply"}, nil,
			"GITHUB_REPOSITORY: got nothing, want owner/name, or owner@id/name@id where GitHub's tokens have ids in their subject\n"},
		"bucket's name": {[]string{"synth"}, map[string]string{"GITHUB_REPOSITORY": "octo/portfolio", "TERRAFORM_STATE_BUCKET": "My_States"},
			"TERRAFORM_STATE_BUCKET: got My_States, want an S3 bucket name: 3–63 of a–z, 0–9, dots and inner hyphens\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), c.args, c.environ, &stdout, &stderr)
			require.Equal(t, exitBadInput, status)
			require.Equal(t, c.want, stderr.String())
			require.Empty(t, stdout.String())
			written, err := filepath.Glob("*")
			require.NoError(t, err)
			require.Empty(t, written)
		})
	}
}

// Help is written to standard output, without settings, and fits a terminal.
func TestHelp(t *testing.T) {
	for command, want := range map[string]string{"": "GITHUB_OIDC_PROVIDER", "apply": "--adopt", "synth": "CDKTF_OUTDIR"} {
		var stdout, stderr bytes.Buffer
		require.Zero(t, run(t.Context(), append(strings.Fields(command), "--help"), nil, &stdout, &stderr))
		require.Contains(t, stdout.String(), want)
		require.NotRegexp(t, `.{81}`, stdout.String())
		require.Empty(t, stderr.String())
	}
}

// A state that cannot be read is not overwritten.
func TestApplyKeepsUnreadableState(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("bootstrap", 0o755))
	require.NoError(t, os.WriteFile(localState, []byte(`{"version":4,"re`), 0o600))
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitBadInput, run(t.Context(), []string{"apply"},
		map[string]string{"GITHUB_REPOSITORY": "octo/portfolio"}, &stdout, &stderr))
	require.Equal(t, localState+": got a text that is not a Terraform state\n", stderr.String())
	text, err := os.ReadFile(localState)
	require.NoError(t, err)
	require.Equal(t, `{"version":4,"re`, string(text))
}

// A bucket of another account or in another region is reported as such.
func TestApplyRefusesBuckets(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		region string // of the bucket, as S3 reports it
		want   string
	}{
		"another account": {http.StatusForbidden, "", "TERRAFORM_STATE_BUCKET: got octo-states, which belongs to another account or is closed to these credentials, want another name\n"},
		"another region":  {http.StatusMovedPermanently, "eu-west-1", "TERRAFORM_STATE_BUCKET_REGION: got us-east-1, want eu-west-1, the region of octo-states\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.region != "" {
					w.Header().Set("x-amz-bucket-region", c.region)
				}
				w.WriteHeader(c.status)
			}))
			defer s3.Close()
			environ := map[string]string{
				"GITHUB_REPOSITORY": "octo/portfolio", "TERRAFORM_STATE_BUCKET": "octo-states", "AWS_ENDPOINT_URL": s3.URL,
				"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
			}
			for name, value := range environ {
				t.Setenv(name, value) // the SDK reads them itself
			}
			t.Chdir(t.TempDir())
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitBadInput, run(t.Context(), []string{"apply"}, environ, &stdout, &stderr))
			require.Equal(t, c.want, stderr.String())
			require.Empty(t, stdout.String())
		})
	}
}
