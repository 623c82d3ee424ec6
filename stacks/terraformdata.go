package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// newTerraformData keeps values in state and is nothing in AWS. input and
// lifecycle may be nil.
func newTerraformData(scope constructs.Construct, id string, input map[string]any, lifecycle *cdktf.TerraformResourceLifecycle) cdktf.TerraformResource {
	// Not cdktf.NewDataResource: it runs "terraform version" in every synth.
	data := cdktf.NewTerraformResource(scope, &id, &cdktf.TerraformResourceConfig{
		TerraformResourceType: jsii.String("terraform_data"),
		Lifecycle:             lifecycle,
	})
	if input != nil {
		data.AddOverride(jsii.String("input"), input)
	}
	return data
}

// newRelease says in the state what was deployed, so that an environment can be
// listed, planned and destroyed with nothing but its state at hand.
func newRelease(scope constructs.Construct, c config.Config) {
	newTerraformData(scope, "release", map[string]any{
		"commit": c.Release.Commit, "profile": c.Release.Profile, "region": c.Region, "author": c.Release.Author,
	}, nil)
}
