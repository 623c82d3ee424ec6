package live

import (
	"strings"
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/require"
)

// collector gathers the names that carry a suffix, from each service's own list
// call: the emulator's tagging API knows some types only.
type collector struct {
	t     *testing.T
	mark  string
	found []string
}

func (c *collector) add(kind string, name *string) {
	if strings.Contains(aws.ToString(name)+"-", c.mark) {
		c.found = append(c.found, kind+" "+*name)
	}
}

// leftovers are the resources of the environment with this suffix, by name.
func leftovers(t *testing.T, p *platform.Platform, suffix string) []string {
	c := &collector{t: t, mark: "-" + suffix + "-"}
	cfg := sdk(t, p)
	network(c, ec2.NewFromConfig(cfg))
	data(c, cfg, pathStyleS3(t, p))
	serving(c, cfg)
	watching(c, cfg)
	return c.found
}

func network(c *collector, client *ec2.Client) {
	ctx := c.t.Context()
	tagged := func(tags []ec2types.Tag) *string {
		for _, tag := range tags {
			if aws.ToString(tag.Key) == "Name" {
				return tag.Value
			}
		}
		return nil
	}
	vpcs, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	require.NoError(c.t, err)
	for _, v := range vpcs.Vpcs {
		c.add("VPC", tagged(v.Tags))
	}
	subnets, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	require.NoError(c.t, err)
	for _, v := range subnets.Subnets {
		c.add("subnet", tagged(v.Tags))
	}
	gateways, err := client.DescribeInternetGateways(ctx, &ec2.DescribeInternetGatewaysInput{})
	require.NoError(c.t, err)
	for _, v := range gateways.InternetGateways {
		c.add("internet gateway", tagged(v.Tags))
	}
	nats, err := client.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{})
	require.NoError(c.t, err)
	for _, v := range nats.NatGateways {
		if v.State != ec2types.NatGatewayStateDeleted { // shown for an hour after it is gone
			c.add("NAT gateway", tagged(v.Tags))
		}
	}
	addresses, err := client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	require.NoError(c.t, err)
	for _, v := range addresses.Addresses {
		c.add("Elastic IP", tagged(v.Tags))
	}
	tables, err := client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{})
	require.NoError(c.t, err)
	for _, v := range tables.RouteTables {
		c.add("route table", tagged(v.Tags))
	}
	groups, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	require.NoError(c.t, err)
	for _, v := range groups.SecurityGroups {
		c.add("security group", v.GroupName)
	}
	endpoints, err := client.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{})
	require.NoError(c.t, err)
	for _, v := range endpoints.VpcEndpoints {
		c.add("VPC endpoint", tagged(v.Tags))
	}
	templates, err := client.DescribeLaunchTemplates(ctx, &ec2.DescribeLaunchTemplatesInput{})
	require.NoError(c.t, err)
	for _, v := range templates.LaunchTemplates {
		c.add("launch template", v.LaunchTemplateName)
	}
}

func data(c *collector, cfg aws.Config, buckets *s3.Client) {
	ctx := c.t.Context()
	databases := rds.NewFromConfig(cfg)
	instances, err := databases.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{})
	require.NoError(c.t, err)
	for _, v := range instances.DBInstances {
		c.add("DB instance", v.DBInstanceIdentifier)
	}
	subnetGroups, err := databases.DescribeDBSubnetGroups(ctx, &rds.DescribeDBSubnetGroupsInput{})
	require.NoError(c.t, err)
	for _, v := range subnetGroups.DBSubnetGroups {
		c.add("DB subnet group", v.DBSubnetGroupName)
	}
	parameterGroups, err := databases.DescribeDBParameterGroups(ctx, &rds.DescribeDBParameterGroupsInput{})
	require.NoError(c.t, err)
	for _, v := range parameterGroups.DBParameterGroups {
		c.add("DB parameter group", v.DBParameterGroupName)
	}
	caches, err := elasticache.NewFromConfig(cfg).DescribeServerlessCaches(ctx, &elasticache.DescribeServerlessCachesInput{})
	require.NoError(c.t, err)
	for _, v := range caches.ServerlessCaches {
		c.add("serverless cache", v.ServerlessCacheName)
	}
	all, err := buckets.ListBuckets(ctx, &s3.ListBucketsInput{})
	require.NoError(c.t, err)
	for _, v := range all.Buckets {
		c.add("bucket", v.Name)
	}
	secrets, err := secretsmanager.NewFromConfig(cfg).ListSecrets(ctx, &secretsmanager.ListSecretsInput{})
	require.NoError(c.t, err)
	for _, v := range secrets.SecretList {
		c.add("secret", v.Name)
	}
}

func serving(c *collector, cfg aws.Config) {
	ctx := c.t.Context()
	balancers := elasticloadbalancingv2.NewFromConfig(cfg)
	lbs, err := balancers.DescribeLoadBalancers(ctx, &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	require.NoError(c.t, err)
	for _, v := range lbs.LoadBalancers {
		c.add("load balancer", v.LoadBalancerName)
	}
	targets, err := balancers.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{})
	require.NoError(c.t, err)
	for _, v := range targets.TargetGroups {
		c.add("target group", v.TargetGroupName)
	}
	groups, err := autoscaling.NewFromConfig(cfg).DescribeAutoScalingGroups(ctx, &autoscaling.DescribeAutoScalingGroupsInput{})
	require.NoError(c.t, err)
	for _, v := range groups.AutoScalingGroups {
		c.add("Auto Scaling group", v.AutoScalingGroupName)
	}
	functions, err := lambda.NewFromConfig(cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{})
	require.NoError(c.t, err)
	for _, v := range functions.Functions {
		c.add("function", v.FunctionName)
	}
	apis, err := apigatewayv2.NewFromConfig(cfg).GetApis(ctx, &apigatewayv2.GetApisInput{})
	require.NoError(c.t, err)
	for _, v := range apis.Items {
		c.add("API", v.Name)
	}
	identities := iam.NewFromConfig(cfg)
	roles, err := identities.ListRoles(ctx, &iam.ListRolesInput{})
	require.NoError(c.t, err)
	for _, v := range roles.Roles {
		c.add("role", v.RoleName)
	}
	profiles, err := identities.ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
	require.NoError(c.t, err)
	for _, v := range profiles.InstanceProfiles {
		c.add("instance profile", v.InstanceProfileName)
	}
}

func watching(c *collector, cfg aws.Config) {
	ctx := c.t.Context()
	groups, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	require.NoError(c.t, err)
	for _, v := range groups.LogGroups {
		c.add("log group", aws.String(strings.ReplaceAll(*v.LogGroupName, "/", "-")))
	}
	watch := cloudwatch.NewFromConfig(cfg)
	dashboards, err := watch.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{})
	require.NoError(c.t, err)
	for _, v := range dashboards.DashboardEntries {
		c.add("dashboard", v.DashboardName)
	}
	for pages := cloudwatch.NewDescribeAlarmsPaginator(watch, &cloudwatch.DescribeAlarmsInput{}); pages.HasMorePages(); {
		alarms, err := pages.NextPage(ctx) // 50 are less than three environments have
		require.NoError(c.t, err)
		for _, v := range alarms.MetricAlarms {
			c.add("alarm", v.AlarmName)
		}
	}
	topics, err := sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
	require.NoError(c.t, err)
	for _, v := range topics.Topics {
		c.add("topic", v.TopicArn)
	}
	aliases, err := kms.NewFromConfig(cfg).ListAliases(ctx, &kms.ListAliasesInput{})
	require.NoError(c.t, err)
	for _, v := range aliases.Aliases {
		c.add("key alias", v.AliasName)
	}
}
