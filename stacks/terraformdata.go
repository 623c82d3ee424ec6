package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// newTerraformData keeps values in the state and creates nothing in AWS. input and
// lifecycle may be nil.
func newTerraformData(scope constructs.Construct, id string, input map[string]any,
	lifecycle *cdktf.TerraformResourceLifecycle) cdktf.TerraformResource {
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

// newRelease records in the state what was deployed, so that an environment can be
// listed, planned and destroyed with only its state.
func newRelease(scope constructs.Construct, c config.Config) {
	newTerraformData(scope, "release", map[string]any{
		"commit": c.Release.Commit, "profile": c.Release.Profile, "region": c.Region, "author": c.Release.Author,
	}, nil)
}

// dataAddress returns Terraform's address of a data source, for expressions that the
// bindings cannot build.
func dataAddress(source cdktf.TerraformDataSource) string {
	return "data." + *source.TerraformResourceType() + "." + *source.FriendlyUniqueId()
}
