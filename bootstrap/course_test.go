package main

import (
	"testing"

	"portfolio/config"
	"portfolio/stacks"

	"github.com/stretchr/testify/require"
)

func TestChoose(t *testing.T) {
	home := config.Bootstrap{Account: true, Region: "us-east-1", State: config.State{Bucket: "octo-states", Region: "us-east-1", Key: "bootstrap/x.tfstate"}}
	further := home
	further.Account, further.Region = false, "eu-west-1"
	begun := state{"aws_iam_role.plan": {ID: "portfolio-plan"}}
	whole := state{"aws_iam_role.plan": {ID: "portfolio-plan"}, stacks.StateBucketAddress: {ID: "octo-states"}}
	grown := state{"aws_iam_role.plan": {ID: "portfolio-plan"}, stacks.StateBucketAddress: {ID: "octo-states"}, "aws_iam_role.new": {ID: "new"}}
	other := state{"aws_iam_role.plan": {ID: "portfolio-plan"}, stacks.StateBucketAddress: {ID: "other-states"}}
	tainted := state{stacks.StateBucketAddress: {ID: "octo-states", Tainted: true}}
	for name, c := range map[string]struct {
		there    found
		settings config.Bootstrap
		adopt    bool
		want     course
		refused  string
	}{
		"nothing yet":                        {settings: home, want: course{Local: true}},
		"nothing yet, though told to adopt":  {settings: home, adopt: true, want: course{Local: true}},
		"cut before the bucket":              {there: found{Local: begun}, settings: home, want: course{Local: true}},
		"cut while the bucket was made":      {there: found{Bucket: true, Local: begun}, settings: home, want: course{Local: true, Import: true}},
		"cut before the bucket answered":     {there: found{Bucket: true, Local: tainted}, settings: home, want: course{Local: true}},
		"cut after the bucket":               {there: found{Bucket: true, Local: whole}, settings: home, want: course{Local: true}},
		"bucket deleted behind the state":    {there: found{Local: whole}, settings: home, want: course{Local: true}},
		"cut after the copy":                 {there: found{Bucket: true, Local: whole, Remote: whole}, settings: home, want: course{Forget: true}},
		"copied, then applied elsewhere":     {there: found{Bucket: true, Local: whole, Remote: grown}, settings: home, want: course{Forget: true}},
		"all done":                           {there: found{Bucket: true, Remote: whole}, settings: home},
		"all done, and told to adopt":        {there: found{Bucket: true, Remote: whole}, settings: home, adopt: true},
		"a bucket of before, taken over":     {there: found{Bucket: true}, settings: home, adopt: true, want: course{Local: true, Import: true}},
		"a further region":                   {there: found{Bucket: true}, settings: further},
		"a further region, done":             {there: found{Bucket: true, Remote: begun}, settings: further},
		"a state here is not a region's own": {there: found{Bucket: true, Local: whole}, settings: further},
		"a bucket of before": {there: found{Bucket: true}, settings: home,
			refused: "TERRAFORM_STATE_BUCKET: got octo-states, which exists and holds no state of the bootstrap, want another name, or ADOPT=1 if it is yours: its policy and lifecycle are replaced, its objects stay"},
		"a further region first": {settings: further,
			refused: "TERRAFORM_STATE_BUCKET: got octo-states, which does not exist, want the bucket of an earlier run with AWS_REGION=us-east-1"},
		"more here": {there: found{Bucket: true, Local: grown, Remote: whole}, settings: home,
			refused: "bootstrap/portfolio-bootstrap.tfstate: got aws_iam_role.new, which s3://octo-states/bootstrap/x.tfstate does not know, want one state: see which is out of date and remove it"},
		"another here": {there: found{Bucket: true, Local: other, Remote: whole}, settings: home,
			refused: "bootstrap/portfolio-bootstrap.tfstate: got " + stacks.StateBucketAddress + ", which s3://octo-states/bootstrap/x.tfstate does not know, want one state: see which is out of date and remove it"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := choose(c.there, c.settings, c.adopt)
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
