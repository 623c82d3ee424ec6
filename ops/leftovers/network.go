package leftovers

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// nameIn returns the tag with the name of a resource that EC2 identifies only by an ID.
func nameIn(tags []types.Tag) *string {
	for _, tag := range tags {
		if aws.ToString(tag.Key) == "Name" {
			return tag.Value
		}
	}
	return nil
}

func (f *finder) network(ctx context.Context) {
	client := ec2.NewFromConfig(f.cfg)
	list(ctx, f, "VPC", ec2.NewDescribeVpcsPaginator(client, nil),
		func(page *ec2.DescribeVpcsOutput) []types.Vpc { return page.Vpcs },
		func(v types.Vpc) *string { return nameIn(v.Tags) })
	list(ctx, f, "subnet", ec2.NewDescribeSubnetsPaginator(client, nil),
		func(page *ec2.DescribeSubnetsOutput) []types.Subnet { return page.Subnets },
		func(v types.Subnet) *string { return nameIn(v.Tags) })
	list(ctx, f, "internet gateway", ec2.NewDescribeInternetGatewaysPaginator(client, nil),
		func(page *ec2.DescribeInternetGatewaysOutput) []types.InternetGateway { return page.InternetGateways },
		func(v types.InternetGateway) *string { return nameIn(v.Tags) })
	list(ctx, f, "NAT gateway", ec2.NewDescribeNatGatewaysPaginator(client, nil),
		func(page *ec2.DescribeNatGatewaysOutput) []types.NatGateway { return page.NatGateways },
		func(v types.NatGateway) *string { // listed for an hour after it is deleted
			return f.unless(v.State == types.NatGatewayStateDeleted, v.NatGatewayId, nameIn(v.Tags))
		})
	if addresses, err := client.DescribeAddresses(ctx, nil); err != nil {
		f.failed("Elastic IP", err)
	} else {
		name := func(v types.Address) *string { return nameIn(v.Tags) }
		addAll(f, "Elastic IP", addresses.Addresses, name, name)
	}
	list(ctx, f, "route table", ec2.NewDescribeRouteTablesPaginator(client, nil),
		func(page *ec2.DescribeRouteTablesOutput) []types.RouteTable { return page.RouteTables },
		func(v types.RouteTable) *string { return nameIn(v.Tags) })
	list(ctx, f, "security group", ec2.NewDescribeSecurityGroupsPaginator(client, nil),
		func(page *ec2.DescribeSecurityGroupsOutput) []types.SecurityGroup { return page.SecurityGroups },
		func(v types.SecurityGroup) *string { return v.GroupName })
	list(ctx, f, "VPC endpoint", ec2.NewDescribeVpcEndpointsPaginator(client, nil),
		func(page *ec2.DescribeVpcEndpointsOutput) []types.VpcEndpoint { return page.VpcEndpoints },
		func(v types.VpcEndpoint) *string { // EC2 writes the state in lower case
			deleted := strings.EqualFold(string(v.State), string(types.StateDeleted))
			return f.unless(deleted, v.VpcEndpointId, nameIn(v.Tags))
		})
}

func (f *finder) instances(ctx context.Context) {
	client := ec2.NewFromConfig(f.cfg)
	list(ctx, f, "instance", ec2.NewDescribeInstancesPaginator(client, nil), instancesOf,
		func(v types.Instance) *string { // listed for an hour after it is terminated
			terminated := v.State != nil && v.State.Name == types.InstanceStateNameTerminated
			return f.unless(terminated, v.InstanceId, nameIn(v.Tags))
		})
	list(ctx, f, "launch template", ec2.NewDescribeLaunchTemplatesPaginator(client, nil),
		func(page *ec2.DescribeLaunchTemplatesOutput) []types.LaunchTemplate { return page.LaunchTemplates },
		func(v types.LaunchTemplate) *string { return v.LaunchTemplateName })
}

func instancesOf(page *ec2.DescribeInstancesOutput) []types.Instance {
	var all []types.Instance
	for _, reservation := range page.Reservations {
		all = append(all, reservation.Instances...)
	}
	return all
}
