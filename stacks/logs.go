package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/cloudwatchloggroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/flowlog"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpc"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// LogProps is what every log group of an environment has in common.
type LogProps struct {
	RetentionDays int
	KeyARN        *string // customer-managed KMS key, nil for CloudWatch's own
}

// newLogGroup creates a log group before the service that writes to it: a group that
// the service creates on its own never expires and outlives the environment.
func newLogGroup(scope constructs.Construct, id, name string, p LogProps) cloudwatchloggroup.CloudwatchLogGroup {
	return cloudwatchloggroup.NewCloudwatchLogGroup(scope, &id, &cloudwatchloggroup.CloudwatchLogGroupConfig{
		Name:            &name,
		RetentionInDays: jsii.Number(p.RetentionDays),
		KmsKeyId:        p.KeyARN,
	})
}

// The log groups that roles of the environment write to.
func serviceLogGroup(n config.Names) string { return "/portfolio/" + n.ServiceLogs }
func flowLogGroup(n config.Names) string    { return "/portfolio/" + n.FlowLogs }
func handlerLogGroup(n config.Names) string { return "/aws/lambda/" + n.WebSocketHandler }

// newFlowLogs records all traffic of the VPC.
func newFlowLogs(scope constructs.Construct, names config.Names, main vpc.Vpc, boundary string, p LogProps) {
	group := newLogGroup(scope, "flow-log-group", flowLogGroup(names), p)
	role := newRole(scope, "flow-log-role", names.FlowLogs, "vpc-flow-logs.amazonaws.com", boundary)
	// Without logs:CreateLogGroup, with which buffered records would create the group
	// again after a destroy, without a retention.
	policy := iamrolepolicy.NewIamRolePolicy(scope, jsii.String("flow-log-policy"), &iamrolepolicy.IamRolePolicyConfig{
		Role: role.Name(),
		Policy: policyDocument(statement{
			Action:   []string{"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"},
			Resource: []string{*group.Arn(), *group.Arn() + ":*"},
		}, statement{
			Action:   "logs:DescribeLogGroups", // takes no resource
			Resource: "*",
		}),
	})
	flowlog.NewFlowLog(scope, jsii.String("flow-log"), &flowlog.FlowLogConfig{
		VpcId:                  main.Id(),
		TrafficType:            jsii.String("ALL"),
		LogDestination:         group.Arn(),
		IamRoleArn:             role.Arn(),
		MaxAggregationInterval: jsii.Number(600),
		Tags:                   nameTag(names.FlowLogs),
		DependsOn:              &[]cdktf.ITerraformDependable{policy},
	})
}
