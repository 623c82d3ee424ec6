package plan

import (
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
)

func TestDrift(t *testing.T) {
	drifted := func(address string, action tfjson.Action, before, after any) *tfjson.ResourceChange {
		return &tfjson.ResourceChange{Address: address, Type: "aws_vpc",
			Change: &tfjson.Change{Actions: tfjson.Actions{action}, Before: before, After: after}}
	}
	type attributes = map[string]any
	c := New(&tfjson.Plan{ResourceDrift: []*tfjson.ResourceChange{
		drifted("aws_vpc.edited", tfjson.ActionUpdate, attributes{"tags": nil, "password": "hunter2"},
			attributes{"tags": attributes{}, "password": "hunter3"}),
		drifted("aws_vpc.filled", tfjson.ActionUpdate, attributes{"tags": nil},
			attributes{"tags": attributes{"a": "b"}}),
		drifted("aws_vpc.gone", tfjson.ActionDelete, attributes{"id": "vpc-1"}, nil),
		drifted("aws_vpc.read_as_empty", tfjson.ActionUpdate, attributes{"tags": nil, "list": []any{}},
			attributes{"tags": attributes{}, "list": nil}),
		drifted("aws_vpc.zero", tfjson.ActionUpdate, attributes{"n": nil}, attributes{"n": false}),
	}})
	assert.Equal(t, "## Drift of `pr7`\n\n### Changed outside Terraform\n\n"+
		"- `aws_vpc.gone`: was **deleted** outside Terraform\n"+
		"- `aws_vpc.edited`: was changed outside Terraform: `password`\n"+
		"- `aws_vpc.filled`: was changed outside Terraform: `tags`\n"+
		"- `aws_vpc.zero`: was changed outside Terraform: `n`\n"+
		"\nA deploy reverts what the configuration sets. To keep a change, add it to the configuration first.\n", c.DriftMarkdown("pr7"))
	assert.Equal(t, Nothing, c.Status)
}

// What a separate resource sets is not drift of the one it belongs to, as long as the
// configuration of the latter does not name it.
func TestDriftOfWhatOtherResourcesSet(t *testing.T) {
	drifted := func(kind string, before, after any) *tfjson.ResourceChange {
		change := &tfjson.Change{Actions: tfjson.Actions{tfjson.ActionUpdate}, Before: map[string]any{"policy": before},
			After: map[string]any{"policy": after}}
		return &tfjson.ResourceChange{Address: kind + ".a", Type: kind, Name: "a", Change: change}
	}
	for name, c := range map[string]struct {
		drift      *tfjson.ResourceChange
		configured bool
		want       int
	}{
		"filled":                        {drifted("aws_vpc", nil, "p"), false, 0},
		"filled, though configured":     {drifted("aws_vpc", nil, "p"), true, 1},
		"changed":                       {drifted("aws_vpc", "o", "p"), false, 1},
		"a bucket's policy":             {drifted("aws_s3_bucket", "o", "p"), false, 0},
		"a bucket's policy, configured": {drifted("aws_s3_bucket", "o", "p"), true, 1},
	} {
		block := &tfjson.ConfigResource{Address: c.drift.Address, Expressions: map[string]*tfjson.Expression{}}
		if c.configured {
			block.Expressions["policy"] = &tfjson.Expression{ExpressionData: &tfjson.ExpressionData{}}
		}
		got := New(&tfjson.Plan{
			ResourceDrift: []*tfjson.ResourceChange{c.drift},
			Config:        &tfjson.Config{RootModule: &tfjson.ConfigModule{Resources: []*tfjson.ConfigResource{block}}},
		}).Drift
		assert.Len(t, got, c.want, name)
	}
}
