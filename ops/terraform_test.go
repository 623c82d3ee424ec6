package main

import (
	"bytes"
	"os"
	"testing"
	"testing/fstest"

	"portfolio/config"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSettingsAreThoseOfTheState(t *testing.T) {
	e := environment{Suffix: "pr7", Region: "eu-west-1", Profile: "preview", Commit: "0123abc", Author: "Zoë"}
	caller := map[string]string{"ENVIRONMENT_SUFFIX": "dev", "AWS_REGION": "us-east-1",
		"PORTFOLIO_PROFILE": "production", "COMMIT_SHA": "fff", "TERRAFORM_STATE_BUCKET": "states",
		"CERTIFICATE_ARN": "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"}
	environ, c, err := cli{environ: caller, root: fstest.MapFS{}}.settings(e)
	require.NoError(t, err)
	assert.Equal(t, "pr7/portfolio-pr7.tfstate", c.State.Key)
	assert.Equal(t, "states", c.State.Bucket)
	assert.Equal(t, "eu-west-1", c.Region)
	assert.Equal(t, config.Release{Commit: "0123abc", Profile: "preview", Author: "Zoë"}, c.Release)
	assert.Equal(t, "eu-west-1", environ["AWS_REGION"])
	assert.Equal(t, "dev", caller["ENVIRONMENT_SUFFIX"], "the caller's own is kept")

	_, c, err = cli{environ: caller, root: fstest.MapFS{}}.settings(environment{Suffix: "pr7", Region: "eu-west-1"})
	require.NoError(t, err)
	assert.Equal(t, "production", c.Release.Profile, "what the state does not have is the caller's")
}

// A wrong region is refused before anything runs: Terraform would find nothing there and
// drop the environment from its state.
func TestOpenRefusesTheRegionOfTheCheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	tf := cli{environ: map[string]string{}, root: fstest.MapFS{config.RegionFile: {Data: []byte("us-west-2\n")}},
		out: &out}
	err := tf.destroy(t.Context(), environment{Suffix: "pr7", Region: "eu-west-1"}, 0)
	require.EqualError(t, err, "lib/AWS_REGION: got us-west-2, want nothing or eu-west-1, where the environment is")
	assert.Empty(t, out.String())
}

// A synthesis that fails is reported and leaves no folder behind.
func TestOpenReportsWhyTheSynthesisFailed(t *testing.T) {
	bin := t.TempDir()
	for name, script := range map[string]string{"go": "echo no module >&2; exit 1", "terraform": "exit 1"} {
		require.NoError(t, os.WriteFile(bin+"/"+name, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	folder := t.TempDir()
	t.Chdir(folder)
	var out bytes.Buffer
	_, err := cli{environ: map[string]string{"PATH": os.Getenv("PATH")}, root: fstest.MapFS{},
		out: &out}.drift(t.Context(), environment{Suffix: "pr7", Region: "eu-west-1"})
	require.EqualError(t, err, "synth: exit status 1\nno module\n")
	assert.Equal(t, "pr7: synthesizing\n", out.String())
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Progress repeats how far Terraform has come, and nothing of a plan.
func TestProgressLine(t *testing.T) {
	for line, want := range map[string]bool{
		"Acquiring state lock. This may take a few moments...":         true,
		"aws_vpc.network: Still destroying... [id=vpc-1, 10s elapsed]": true,
		"aws_vpc.network: Destruction complete after 1s":               true,
		"aws_vpc.network: Refreshing state... [id=vpc-1]":              true,
		`      - password = "hunter2" -> null`:                         false,
		`      - note     = "Destroying a secret: hunter2" -> null`:    false,
		"Plan: 0 to add, 0 to change, 3 to destroy.":                   false,
	} {
		assert.Equal(t, want, progressLine.MatchString(line), line)
	}
}
