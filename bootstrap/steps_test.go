package main

import (
	"testing"

	"portfolio/config"
	"portfolio/stacks"

	"github.com/stretchr/testify/require"
)

func TestStepsFor(t *testing.T) {
	home := config.Bootstrap{Account: true, Region: "us-east-1",
		State: config.State{Bucket: "octo-states", Region: "us-east-1", Key: "bootstrap/x.tfstate"}}
	further := home
	further.Account, further.Region = false, "eu-west-1"
	begun := state{"aws_iam_role.plan": {ID: "portfolio-plan"}}
	whole := state{"aws_iam_role.plan": {ID: "portfolio-plan"}, stacks.StateBucketAddress: {ID: "octo-states"}}
	grown := state{"aws_iam_role.plan": {ID: "portfolio-plan"}, stacks.StateBucketAddress: {ID: "octo-states"},
		"aws_iam_role.new": {ID: "new"}}
	other := state{"aws_iam_role.plan": {ID: "portfolio-plan"}, stacks.StateBucketAddress: {ID: "other-states"}}
	tainted := state{stacks.StateBucketAddress: {ID: "octo-states", Tainted: true}}
	for name, c := range map[string]struct {
		found    found
		settings config.Bootstrap
		adopt    bool
		want     steps
		refused  string
	}{
		"nothing exists":                              {settings: home, want: steps{ApplyLocally: true}},
		"nothing exists to adopt":                     {settings: home, adopt: true, want: steps{ApplyLocally: true}},
		"interrupted before the bucket":               {found: found{Local: begun}, settings: home, want: steps{ApplyLocally: true}},
		"interrupted while creating the bucket":       {found: found{Bucket: true, Local: begun}, settings: home, want: steps{ApplyLocally: true, ImportBucket: true}},
		"interrupted before the bucket was confirmed": {found: found{Bucket: true, Local: tainted}, settings: home, want: steps{ApplyLocally: true}},
		"interrupted after the bucket":                {found: found{Bucket: true, Local: whole}, settings: home, want: steps{ApplyLocally: true}},
		"bucket deleted outside Terraform":            {found: found{Local: whole}, settings: home, want: steps{ApplyLocally: true}},
		"interrupted after the copy":                  {found: found{Bucket: true, Local: whole, Remote: whole}, settings: home, want: steps{RemoveLocalState: true}},
		"copied, then applied on another machine":     {found: found{Bucket: true, Local: whole, Remote: grown}, settings: home, want: steps{RemoveLocalState: true}},
		"complete":                              {found: found{Bucket: true, Remote: whole}, settings: home},
		"complete, with --adopt":                {found: found{Bucket: true, Remote: whole}, settings: home, adopt: true},
		"an existing bucket with --adopt":       {found: found{Bucket: true}, settings: home, adopt: true, want: steps{ApplyLocally: true, ImportBucket: true}},
		"another region":                        {found: found{Bucket: true}, settings: further},
		"another region, complete":              {found: found{Bucket: true, Remote: begun}, settings: further},
		"a local state is not another region's": {found: found{Bucket: true, Local: whole}, settings: further},
		"an existing bucket": {found: found{Bucket: true}, settings: home,
			refused: "TERRAFORM_STATE_BUCKET: got octo-states, which exists and does not hold the bootstrap's state, want another name, or ADOPT=1 if it is yours: its policy and lifecycle are replaced, its objects stay"},
		"another region first": {settings: further,
			refused: "TERRAFORM_STATE_BUCKET: got octo-states, which does not exist, want the bucket that a run with AWS_REGION=us-east-1 created"},
		"a resource only in the local state": {found: found{Bucket: true, Local: grown, Remote: whole}, settings: home,
			refused: "bootstrap/portfolio-bootstrap.tfstate: got aws_iam_role.new, which is not in s3://octo-states/bootstrap/x.tfstate, want one state: find out which is out of date and remove it"},
		"another bucket in the local state": {found: found{Bucket: true, Local: other, Remote: whole}, settings: home,
			refused: "bootstrap/portfolio-bootstrap.tfstate: got " + stacks.StateBucketAddress + ", which is not in s3://octo-states/bootstrap/x.tfstate, want one state: find out which is out of date and remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := stepsFor(c.found, c.settings, c.adopt)
			if c.refused != "" {
				require.EqualError(t, err, c.refused)
				require.ErrorAs(t, err, &badInput{})
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestReadState(t *testing.T) {
	for text, want := range map[string]state{
		`{"version":4,"resources":[{"mode":"managed","type":"aws_s3_bucket","name":"x","instances":[{"attributes":{"id":"b"}}]}]}`:                    {"aws_s3_bucket.x": {ID: "b"}},
		`{"version":4,"resources":[{"mode":"data","type":"aws_s3_bucket","name":"x","instances":[{"attributes":{"id":"b"}}]}]}`:                       {},
		`{"version":4,"resources":[{"mode":"managed","type":"aws_s3_bucket","name":"x","instances":[]}]}`:                                             {},
		`{"version":4,"resources":[{"mode":"managed","type":"aws_s3_bucket","name":"x","instances":[{"status":"tainted","attributes":{"id":"b"}}]}]}`: {"aws_s3_bucket.x": {ID: "b", Tainted: true}},
		`{"version":4}`:    {},
		`{"version":3}`:    nil,
		`{"version":4,"re`: nil,
		``:                 nil,
	} {
		got, err := readState([]byte(text))
		require.Equal(t, want, got, text)
		require.Equal(t, want == nil, err != nil, text)
	}
}
