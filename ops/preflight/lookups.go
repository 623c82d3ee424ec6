package preflight

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// api looks resources up by name. Each method returns the ID by which Terraform imports
// the resource; if there is none, "" or an error for which absent returns true.
type api struct {
	aws                aws.Config
	partition, account string
}

func (a api) database(ctx context.Context, name string) (string, error) {
	_, err := rds.NewFromConfig(a.aws).DescribeDBInstances(ctx,
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: &name})
	return name, err
}

func (a api) subnetGroup(ctx context.Context, name string) (string, error) {
	_, err := rds.NewFromConfig(a.aws).DescribeDBSubnetGroups(ctx,
		&rds.DescribeDBSubnetGroupsInput{DBSubnetGroupName: &name})
	return name, err
}

func (a api) loadBalancer(ctx context.Context, name string) (string, error) {
	out, err := elasticloadbalancingv2.NewFromConfig(a.aws).DescribeLoadBalancers(ctx,
		&elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{name}})
	if err != nil || len(out.LoadBalancers) == 0 {
		return "", err
	}
	return aws.ToString(out.LoadBalancers[0].LoadBalancerArn), nil
}

func (a api) targetGroup(ctx context.Context, name string) (string, error) {
	out, err := elasticloadbalancingv2.NewFromConfig(a.aws).DescribeTargetGroups(ctx,
		&elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{name}})
	if err != nil || len(out.TargetGroups) == 0 {
		return "", err
	}
	return aws.ToString(out.TargetGroups[0].TargetGroupArn), nil
}

func (a api) cache(ctx context.Context, name string) (string, error) {
	_, err := elasticache.NewFromConfig(a.aws).DescribeServerlessCaches(ctx,
		&elasticache.DescribeServerlessCachesInput{ServerlessCacheName: &name})
	return name, err
}

func (a api) function(ctx context.Context, name string) (string, error) {
	_, err := lambda.NewFromConfig(a.aws).GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: &name})
	return name, err
}

func (a api) group(ctx context.Context, name string) (string, error) {
	out, err := autoscaling.NewFromConfig(a.aws).DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil || len(out.AutoScalingGroups) == 0 {
		return "", err
	}
	return name, nil
}

func (a api) launchTemplate(ctx context.Context, name string) (string, error) {
	out, err := ec2.NewFromConfig(a.aws).DescribeLaunchTemplates(ctx,
		&ec2.DescribeLaunchTemplatesInput{LaunchTemplateNames: []string{name}})
	if err != nil || len(out.LaunchTemplates) == 0 {
		return "", err
	}
	return aws.ToString(out.LaunchTemplates[0].LaunchTemplateId), nil
}

func (a api) role(ctx context.Context, name string) (string, error) {
	_, err := iam.NewFromConfig(a.aws).GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	return name, err
}

func (a api) instanceProfile(ctx context.Context, name string) (string, error) {
	_, err := iam.NewFromConfig(a.aws).GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: &name})
	return name, err
}

// logGroup lists groups by prefix. The name itself, the shortest, comes first.
func (a api) logGroup(ctx context.Context, name string) (string, error) {
	out, err := cloudwatchlogs.NewFromConfig(a.aws).DescribeLogGroups(ctx,
		&cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &name})
	if err != nil || len(out.LogGroups) == 0 || aws.ToString(out.LogGroups[0].LogGroupName) != name {
		return "", err
	}
	return name, nil
}

func (a api) dashboard(ctx context.Context, name string) (string, error) {
	_, err := cloudwatch.NewFromConfig(a.aws).GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	return name, err
}

func (a api) topic(ctx context.Context, name string) (string, error) {
	arn := a.topicARN(name)
	_, err := sns.NewFromConfig(a.aws).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &arn})
	return arn, err
}

func (a api) topicARN(name string) string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", a.partition, a.aws.Region, a.account, name)
}

// alias lists all aliases: DescribeKey is authorized by the key's tags, of which an alias that
// does not exist has none.
func (a api) alias(ctx context.Context, name string) (string, error) {
	for pages := kms.NewListAliasesPaginator(kms.NewFromConfig(a.aws), nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, alias := range page.Aliases {
			if aws.ToString(alias.AliasName) == name {
				return name, nil
			}
		}
	}
	return "", nil
}
