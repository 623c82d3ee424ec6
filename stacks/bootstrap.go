package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayaccount"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawscalleridentity"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicyattachment"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketlifecycleconfiguration"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// StateBucketAddress is Terraform's address of the state bucket: it outlives any
// single state, and the bootstrap's program takes an existing one over by it.
const StateBucketAddress = "aws_s3_bucket.state_bucket_803B4E61"

// NewBootstrap adds what all environments of an account and a region share, as a
// stack of its own: a singleton in an environment's stack would go with the first
// environment that is destroyed. What an account has once for all of its regions
// is in the stack of the state bucket's region alone.
func NewBootstrap(app constructs.Construct, c config.Bootstrap) cdktf.TerraformStack {
	stack := cdktf.NewTerraformStack(app, &c.Stack)
	newBackend(stack, c.State, c.Emulator)
	newAWSProvider(stack, c.Region, c.Tags, c.Emulator)
	newOutputs(stack, []output{
		{"api-logs-role-arn", "ARN of the role by which API Gateway writes logs", newAPILogging(stack, "api-logs", c.Region)},
	})
	if !c.Account {
		return stack
	}
	account := dataawscalleridentity.NewDataAwsCallerIdentity(stack, jsii.String("account"), nil).AccountId()
	states := newStateBucket(stack, "state", c.State)
	github := NewGitHub(stack, "github", GitHubProps{
		Repository: c.Repository, OwnProvider: c.OwnProvider, Account: account, StateBucketARN: states.ARN,
	})
	newOutputs(stack, []output{
		{"state-bucket-name", "Name of the bucket of Terraform's states", states.Name},
		{"plan-role-arn", "ARN of the role that reads, for pull requests and the main branch", github.PlanRole},
		{"preview-role-arn", "ARN of the role that deploys pull requests", github.Preview.Role},
		{"preview-boundary-arn", "ARN of the permissions boundary of what that role makes", github.Preview.Boundary},
		{"production-role-arn", "ARN of the role that deploys every other environment", github.Production.Role},
		{"production-boundary-arn", "ARN of the permissions boundary of what that role makes", github.Production.Boundary},
	})
	return stack
}

// newStateBucket creates the bucket of all states. S3's own encryption: a key of
// ours would be one more thing without which no state can be read.
func newStateBucket(scope constructs.Construct, id string, state config.State) bucket {
	return newBucket(scope, id, bucketProps{
		Name: &state.Bucket,
		Kept: true,
		Rules: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule{{
			// Every lock that is let go leaves one.
			Id:     jsii.String("delete-markers"),
			Status: jsii.String("Enabled"),
			Filter: everyObject(),
			Expiration: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleExpiration{{
				ExpiredObjectDeleteMarker: true,
			}},
		}},
	})
}

// newAPILogging lets API Gateway write logs in this region, for all APIs of the
// account, and returns the ARN of its role.
func newAPILogging(scope constructs.Construct, id, region string) *string {
	scope = constructs.NewConstruct(scope, &id)
	role := newRole(scope, "role", "portfolio-api-logs-"+region, "apigateway.amazonaws.com", "")
	rights := iamrolepolicyattachment.NewIamRolePolicyAttachment(scope, jsii.String("rights"), &iamrolepolicyattachment.IamRolePolicyAttachmentConfig{
		Role:      role.Name(),
		PolicyArn: jsii.String("arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"),
	})
	apigatewayaccount.NewApiGatewayAccount(scope, jsii.String("account"), &apigatewayaccount.ApiGatewayAccountConfig{
		CloudwatchRoleArn: role.Arn(),
		// API Gateway tries the role before it takes it.
		DependsOn: &[]cdktf.ITerraformDependable{rights},
	})
	return role.Arn()
}
