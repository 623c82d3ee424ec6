package live

import (
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// resources finds every named resource through AWS's own API. What the emulator forgets is
// asserted as it is, so that a version that no longer forgets fails the test and gets the
// real check.
func resources(t *testing.T, p *platform.Platform) {
	cfg := sdk(t, p)
	t.Run("network", func(t *testing.T) { networkResources(t, p, ec2.NewFromConfig(cfg)) })
	t.Run("load balancer", func(t *testing.T) { balancerResources(t, elasticloadbalancingv2.NewFromConfig(cfg)) })
	t.Run("instances", func(t *testing.T) {
		instanceResources(t, autoscaling.NewFromConfig(cfg), ec2.NewFromConfig(cfg))
	})
	t.Run("database", func(t *testing.T) { databaseResources(t, cfg) })
	t.Run("buckets", func(t *testing.T) { bucketResources(t, p) })
	t.Run("API", func(t *testing.T) { apiResources(t, p, cfg) })
	t.Run("monitoring", func(t *testing.T) { monitoringResources(t, cfg) })
	t.Run("rights", func(t *testing.T) { rights(t, p, cfg) })
}

// inVPC filters a listing by the platform's VPC.
func inVPC(t *testing.T, p *platform.Platform) []ec2types.Filter {
	t.Helper()
	id, err := p.Output("vpc-id")
	require.NoError(t, err)
	return []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{id}}}
}

func networkResources(t *testing.T, p *platform.Platform, client *ec2.Client) {
	ctx, filter := t.Context(), inVPC(t, p)
	vpcs, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{Filters: filter})
	require.NoError(t, err)
	require.Len(t, vpcs.Vpcs, 1)
	assert.Equal(t, "172.32.0.0/16", *vpcs.Vpcs[0].CidrBlock)
	for _, name := range []ec2types.VpcAttributeName{ec2types.VpcAttributeNameEnableDnsHostnames, ec2types.VpcAttributeNameEnableDnsSupport} {
		attribute, err := client.DescribeVpcAttribute(ctx,
			&ec2.DescribeVpcAttributeInput{VpcId: vpcs.Vpcs[0].VpcId, Attribute: name})
		require.NoError(t, err)
		for _, value := range []*ec2types.AttributeBooleanValue{attribute.EnableDnsHostnames, attribute.EnableDnsSupport} {
			assert.True(t, value == nil || *value.Value, name)
		}
	}
	tags := tagMap(vpcs.Vpcs[0].Tags)
	assert.Equal(t, map[string]string{
		"Name": "portfolio-vpc-live", "Project": "portfolio-tracking", "Environment": "live",
		"Repository": "example/portfolio", "CommitAuthor": "live test", "ManagedBy": "cdktf",
	}, tags)

	subnets, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{Filters: filter})
	require.NoError(t, err)
	zones, found := map[string]bool{}, map[string]string{}
	for _, s := range subnets.Subnets {
		tags := tagMap(s.Tags)
		found[tags["Name"]] = *s.CidrBlock + " " + tags["Type"]
		zones[*s.AvailabilityZone] = true
		assert.False(t, *s.MapPublicIpOnLaunch, tags["Name"])
	}
	assert.Len(t, zones, 2)
	assert.Equal(t, map[string]string{
		"portfolio-public-1-live": "172.32.1.0/24 public", "portfolio-public-2-live": "172.32.2.0/24 public",
		"portfolio-private-1-live": "172.32.11.0/24 private", "portfolio-private-2-live": "172.32.12.0/24 private",
	}, found)

	routeResources(t, client, filter, vpcs.Vpcs[0].VpcId)
	flows, err := client.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{})
	require.NoError(t, err)
	var flowing int
	for _, f := range flows.FlowLogs {
		if aws.ToString(f.ResourceId) == *vpcs.Vpcs[0].VpcId {
			flowing++
			assert.Equal(t, ec2types.TrafficTypeAll, f.TrafficType)
		}
	}
	assert.Equal(t, 1, flowing, "flow logs of the VPC")
	securityGroups(t, client, filter)
}

// routeResources finds what routes traffic out of the VPC.
func routeResources(t *testing.T, client *ec2.Client, filter []ec2types.Filter, vpcID *string) {
	ctx := t.Context()
	nats, err := client.DescribeNatGateways(ctx, &ec2.DescribeNatGatewaysInput{Filter: filter})
	require.NoError(t, err)
	assert.Len(t, nats.NatGateways, 2)
	tables, err := client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: filter})
	require.NoError(t, err)
	routes := map[string]int{}
	for _, table := range tables.RouteTables {
		for _, route := range table.Routes {
			if aws.ToString(route.DestinationCidrBlock) == "0.0.0.0/0" {
				routes[tagMap(table.Tags)["Name"]]++
			}
		}
	}
	assert.Equal(t, map[string]int{
		"portfolio-public-rt-1-live": 1, "portfolio-private-rt-1-live": 1, "portfolio-private-rt-2-live": 1,
	}, routes, "routes to the internet")
	endpoints, err := client.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{})
	require.NoError(t, err)
	var services []string
	for _, endpoint := range endpoints.VpcEndpoints { // the emulator does not filter these
		if aws.ToString(endpoint.VpcId) == *vpcID {
			services = append(services, *endpoint.ServiceName)
			assert.Len(t, endpoint.RouteTableIds, 2)
		}
	}
	assert.Equal(t, []string{"com.amazonaws.us-east-1.s3"}, services)
}

func tagMap(tags []ec2types.Tag) map[string]string {
	m := map[string]string{}
	for _, tag := range tags {
		m[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return m
}

// securityGroups compares every rule of every group: nothing else may be open.
func securityGroups(t *testing.T, client *ec2.Client, filter []ec2types.Filter) {
	groups, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: filter})
	require.NoError(t, err)
	names := map[string]string{}
	for _, g := range groups.SecurityGroups {
		names[*g.GroupId] = *g.GroupName
	}
	var got []string
	for _, g := range groups.SecurityGroups {
		for direction, permissions := range map[string][]ec2types.IpPermission{"in": g.IpPermissions, "out": g.IpPermissionsEgress} {
			for _, permission := range permissions {
				for _, peer := range peers(permission, names) {
					got = append(got, *g.GroupName+" "+direction+" "+portRange(permission)+" "+peer)
				}
			}
		}
	}
	want := []string{
		"portfolio-alb-sg-live in 80 0.0.0.0/0",
		"portfolio-alb-sg-live in 443 0.0.0.0/0",
		"portfolio-alb-sg-live out 80 portfolio-ec2-sg-live",
		"portfolio-ec2-sg-live in 80 portfolio-alb-sg-live",
		"portfolio-ec2-sg-live out 443 0.0.0.0/0",
		"portfolio-ec2-sg-live out 5432 172.32.0.0/16",
		"portfolio-ec2-sg-live out 6379-6380 172.32.0.0/16",
		"portfolio-db-sg-live in 5432 172.32.0.0/16",
		"portfolio-cache-sg-live in 6379-6380 172.32.0.0/16",
	}
	// The emulator keeps the rule that AWS adds to each new group and the provider revokes.
	for _, group := range []string{"alb", "ec2", "db", "cache"} {
		want = append(want, "portfolio-"+group+"-sg-live out all 0.0.0.0/0")
	}
	assert.ElementsMatch(t, want, got)
}

func balancerResources(t *testing.T, client *elasticloadbalancingv2.Client) {
	ctx := t.Context()
	found, err := client.DescribeLoadBalancers(ctx,
		&elasticloadbalancingv2.DescribeLoadBalancersInput{Names: []string{"portfolio-alb-live"}})
	require.NoError(t, err)
	lb := found.LoadBalancers[0]
	assert.Equal(t, elbtypes.LoadBalancerSchemeEnumInternetFacing, lb.Scheme)
	assert.Len(t, lb.AvailabilityZones, 2)
	attributes, err := client.DescribeLoadBalancerAttributes(ctx,
		&elasticloadbalancingv2.DescribeLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn})
	require.NoError(t, err)
	got := map[string]string{}
	for _, a := range attributes.Attributes {
		got[*a.Key] = *a.Value
	}
	for key, want := range map[string]string{
		"routing.http.drop_invalid_header_fields.enabled": "true",
		"routing.http.desync_mitigation_mode":             "defensive",
		"idle_timeout.timeout_seconds":                    "60",
		"deletion_protection.enabled":                     "false",
		"access_logs.s3.enabled":                          "true",
		"access_logs.s3.bucket":                           "portfolio-logs-live-000000000000",
		"access_logs.s3.prefix":                           "alb",
	} {
		assert.Equal(t, want, got[key], key)
	}
	listeners, err := client.DescribeListeners(ctx,
		&elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: lb.LoadBalancerArn})
	require.NoError(t, err)
	require.Len(t, listeners.Listeners, 1, "only HTTP without a certificate")
	assert.EqualValues(t, 80, *listeners.Listeners[0].Port)
	assert.Equal(t, elbtypes.ActionTypeEnumForward, listeners.Listeners[0].DefaultActions[0].Type)

	groups, err := client.DescribeTargetGroups(ctx,
		&elasticloadbalancingv2.DescribeTargetGroupsInput{Names: []string{"portfolio-tg-live"}})
	require.NoError(t, err)
	group := groups.TargetGroups[0]
	assert.Equal(t, []any{"/health", int32(30), int32(5), int32(2), int32(3)}, []any{
		*group.HealthCheckPath, *group.HealthCheckIntervalSeconds, *group.HealthCheckTimeoutSeconds,
		*group.HealthyThresholdCount, *group.UnhealthyThresholdCount,
	})
	health, err := client.DescribeTargetHealth(ctx,
		&elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: group.TargetGroupArn})
	require.NoError(t, err)
	assert.Len(t, health.TargetHealthDescriptions, 2, "two instances")
	settings, err := client.DescribeTargetGroupAttributes(ctx,
		&elasticloadbalancingv2.DescribeTargetGroupAttributesInput{TargetGroupArn: group.TargetGroupArn})
	require.NoError(t, err)
	got = map[string]string{}
	for _, a := range settings.Attributes {
		got[*a.Key] = *a.Value
	}
	for key, want := range map[string]string{
		"deregistration_delay.timeout_seconds": "30", "stickiness.enabled": "true", "stickiness.type": "lb_cookie",
	} {
		assert.Equal(t, want, got[key], key)
	}
}

func instanceResources(t *testing.T, groups *autoscaling.Client, machines *ec2.Client) {
	ctx := t.Context()
	found, err := groups.DescribeAutoScalingGroups(ctx,
		&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"portfolio-asg-live"}})
	require.NoError(t, err)
	require.Len(t, found.AutoScalingGroups, 1)
	group := found.AutoScalingGroups[0]
	assert.Equal(t, []int32{2, 2, 6}, []int32{*group.MinSize, *group.DesiredCapacity, *group.MaxSize})
	assert.Equal(t, "ELB", *group.HealthCheckType)
	assert.EqualValues(t, 300, *group.HealthCheckGracePeriod)
	propagated := map[string]bool{}
	for _, tag := range group.Tags {
		propagated[*tag.Key] = *tag.PropagateAtLaunch
	}
	// A tag that differs from deploy to deploy would roll the fleet.
	assert.Equal(t, map[string]bool{"Name": true, "Project": true, "Environment": true, "ManagedBy": true}, propagated)
	assert.Empty(t, group.EnabledMetrics, "the emulator forgets metrics collection")
	assert.Empty(t, group.TargetGroupARNs, "the emulator forgets target groups")
	policies, err := groups.DescribePolicies(ctx,
		&autoscaling.DescribePoliciesInput{AutoScalingGroupName: group.AutoScalingGroupName})
	require.NoError(t, err)
	targets := map[string]float64{}
	for _, policy := range policies.ScalingPolicies {
		tracking := policy.TargetTrackingConfiguration
		targets[string(tracking.PredefinedMetricSpecification.PredefinedMetricType)] = *tracking.TargetValue
	}
	assert.Equal(t, map[string]float64{"ASGAverageCPUUtilization": 60, "ALBRequestCountPerTarget": 1000}, targets)

	versions, err := machines.DescribeLaunchTemplateVersions(ctx, &ec2.DescribeLaunchTemplateVersionsInput{
		LaunchTemplateName: aws.String("portfolio-lt-live"), Versions: []string{"$Latest"},
	})
	require.NoError(t, err)
	template := versions.LaunchTemplateVersions[0].LaunchTemplateData
	assert.Equal(t, ec2types.InstanceTypeT3Medium, template.InstanceType)
	assert.Nil(t, template.KeyName)
	assert.Equal(t, ec2types.LaunchTemplateHttpTokensStateRequired, template.MetadataOptions.HttpTokens)
	assert.EqualValues(t, 1, *template.MetadataOptions.HttpPutResponseHopLimit)
	require.Len(t, template.BlockDeviceMappings, 1)
	disk := template.BlockDeviceMappings[0].Ebs
	assert.True(t, *disk.Encrypted)
	assert.Equal(t, ec2types.VolumeTypeGp3, disk.VolumeType)
}
