package plan

import (
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/stretchr/testify/assert"
)

func TestDrift(t *testing.T) {
	drifted := func(address string, action tfjson.Action, before, after any) *tfjson.ResourceChange {
		return &tfjson.ResourceChange{Address: address, Type: "aws_vpc", Change: &tfjson.Change{Actions: tfjson.Actions{action}, Before: before, After: after}}
	}
	type attributes = map[string]any
	c := New(&tfjson.Plan{ResourceDrift: []*tfjson.ResourceChange{
		drifted("aws_vpc.edited", tfjson.ActionUpdate, attributes{"tags": nil, "password": "hunter2"}, attributes{"tags": attributes{}, "password": "hunter3"}),
		drifted("aws_vpc.filled", tfjson.ActionUpdate, attributes{"tags": nil}, attributes{"tags": attributes{"a": "b"}}),
		drifted("aws_vpc.gone", tfjson.ActionDelete, attributes{"id": "vpc-1"}, nil),
		drifted("aws_vpc.read_as_empty", tfjson.ActionUpdate, attributes{"tags": nil, "list": []any{}}, attributes{"tags": attributes{}, "list": nil}),
		drifted("aws_vpc.zero", tfjson.ActionUpdate, attributes{"n": nil}, attributes{"n": ""}),
	}})
	assert.Equal(t, "## Drift of `pr7`\n\n### Changed outside Terraform\n\n"+
		"- `aws_vpc.edited`: was changed outside Terraform: `password`\n"+
		"- `aws_vpc.filled`: was changed outside Terraform: `tags`\n"+
		"- `aws_vpc.gone`: was **deleted** outside Terraform\n"+
		"- `aws_vpc.zero`: was changed outside Terraform: `n`\n"+
		"\nThe next deploy undoes it. What should stay belongs into the configuration first.\n", c.DriftMarkdown("pr7"))
	assert.Equal(t, Nothing, c.Status)
}
