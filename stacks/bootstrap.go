package stacks

import (
	"strings"

	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/apigatewayaccount"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawscalleridentity"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicyattachment"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamservicelinkedrole"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketlifecycleconfiguration"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// StateBucketAddress is Terraform's address of the state bucket, by which the
// bootstrap program imports an existing one.
const StateBucketAddress = "aws_s3_bucket.state_bucket_803B4E61"

// NewBootstrap adds the resources that all environments of an account and a region
// share, as a stack of its own: a singleton in an environment's stack would be
// deleted with the first environment. Resources that an account has once for all
// regions are only in the stack of the state bucket's region.
func NewBootstrap(app constructs.Construct, c config.Bootstrap) cdktf.TerraformStack {
	stack := cdktf.NewTerraformStack(app, &c.Stack)
	newBackend(stack, c.State, c.Emulator)
	newAWSProvider(stack, c.Region, c.Tags, c.Emulator)
	newOutputs(stack, []output{
		{"api-logs-role-arn", "ARN of the role with which API Gateway writes logs",
			newAPILogging(stack, "api-logs", c.Region)},
	})
	if !c.Account {
		return stack
	}
	account := dataawscalleridentity.NewDataAwsCallerIdentity(stack, jsii.String("account"), nil).AccountId()
	newServiceLinkedRoles(stack, "service-roles")
	states := newStateBucket(stack, "state", c.State)
	github := NewGitHub(stack, "github", GitHubProps{
		Repository: c.Repository, OwnProvider: c.OwnProvider, Domain: c.Domain,
		Account: account, StateBucketARN: states.ARN,
	})
	newOutputs(stack, []output{
		{"state-bucket-name", "Name of the bucket of Terraform states", states.Name},
		{"plan-role-arn", "ARN of the role that plans, for pull requests and the main branch", github.PlanRole},
		{"preview-role-arn", "ARN of the role that deploys pull requests", github.Preview.Role},
		{"preview-boundary-arn", "ARN of the permissions boundary of the roles that it creates",
			github.Preview.Boundary},
		{"production-role-arn", "ARN of the role that deploys every other environment", github.Production.Role},
		{"production-boundary-arn", "ARN of the permissions boundary of the roles that it creates",
			github.Production.Boundary},
	})
	return stack
}

// newStateBucket creates the bucket of all states. It is encrypted by S3 itself: a
// KMS key would be one more thing whose loss makes every state unreadable.
func newStateBucket(scope constructs.Construct, id string, state config.State) bucket {
	return newBucket(scope, id, bucketProps{
		Name: &state.Bucket,
		Kept: true,
		Rules: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule{{
			// Every released lock leaves one.
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
	rights := iamrolepolicyattachment.NewIamRolePolicyAttachment(scope, jsii.String("rights"),
		&iamrolepolicyattachment.IamRolePolicyAttachmentConfig{
			Role:      role.Name(),
			PolicyArn: jsii.String("arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"),
		})
	apigatewayaccount.NewApiGatewayAccount(scope, jsii.String("account"), &apigatewayaccount.ApiGatewayAccountConfig{
		CloudwatchRoleArn: role.Arn(),
		// API Gateway checks the role before it accepts it.
		DependsOn: &[]cdktf.ITerraformDependable{rights},
	})
	return role.Arn()
}

// linkedServices are the services whose service-linked roles environments rely on.
// Each service creates its role when it is first used, but not all succeed in time:
// RDS reports that the role is missing, and the provider does not try again.
var linkedServices = []string{
	"autoscaling.amazonaws.com", "elasticache.amazonaws.com", "elasticloadbalancing.amazonaws.com", "rds.amazonaws.com",
}

// newServiceLinkedRoles creates the roles of linkedServices. An account that has
// used a service has its role already; the bootstrap program imports it unchanged.
func newServiceLinkedRoles(scope constructs.Construct, id string) {
	scope = constructs.NewConstruct(scope, &id)
	for _, service := range linkedServices {
		name, _, _ := strings.Cut(service, ".")
		iamservicelinkedrole.NewIamServiceLinkedRole(scope, &name, &iamservicelinkedrole.IamServiceLinkedRoleConfig{
			AwsServiceName: &service,
			Lifecycle: &cdktf.TerraformResourceLifecycle{
				PreventDestroy: jsii.Bool(true), // other projects use it too
				IgnoreChanges:  jsii.Strings("description", "tags", "tags_all"),
			},
		})
	}
}
