// Command forty synthesizes a stack of forty types of resources that the platform does
// not use, with tokens of every kind. An argument makes it fail on purpose, without these
// resources: in "create", "callback" or "synth".
package main

import (
	"fmt"
	"os"

	"portfolio/fastsynth"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/provider"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

func main() {
	fail := ""
	if len(os.Args) > 1 {
		fail = os.Args[1]
	}
	os.Exit(run(fail))
}

func run(fail string) (status int) {
	fastsynth.Enable()
	defer jsii.Close()
	defer func() {
		if failure := recover(); failure != nil {
			fmt.Fprintln(os.Stderr, failure)
			status = 1
		}
	}()
	app := cdktf.NewApp(nil)
	stack := cdktf.NewTerraformStack(app, jsii.String("forty"))
	cdktf.NewS3Backend(stack, &cdktf.S3BackendConfig{Bucket: jsii.String("state"), Key: jsii.String("forty")})
	if fail == "" {
		region := &provider.AwsProviderConfig{Region: jsii.String("us-east-1")}
		provider.NewAwsProvider(stack, jsii.String("aws"), region)
		newResources(stack)
		newReferences(stack)
	}
	// Runs "terraform version" in a child of the kernel.
	cdktf.NewDataResource(stack, jsii.String("data"), &cdktf.DataConfig{Input: &map[string]any{"input": true}})
	cdktf.Aspects_Of(stack).Add(&comment{fail: fail == "callback"})
	switch fail {
	case "create":
		cdktf.NewTerraformOutput(stack, jsii.String("data"), &cdktf.TerraformOutputConfig{Value: 1}) // its name is taken
	case "synth":
		cdktf.Annotations_Of(stack).AddError(jsii.String("forty is too many"))
	}
	app.Synth()
	return 0
}

// comment is called back by the kernel for every construct.
type comment struct{ fail bool }

func (c *comment) Visit(node constructs.IConstruct) {
	if c.fail {
		panic("refused " + *node.Node().Path())
	}
	if *cdktf.TerraformElement_IsTerraformElement(node) {
		node.Node().AddMetadata(jsii.String("seen"), node.Node().Id(), nil)
	}
}
