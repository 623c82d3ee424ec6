package leftovers

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// nameIn returns the tag that names what EC2 knows by an id only.
func nameIn(tags []types.Tag) *string {
	for _, tag := range tags {
		if aws.ToString(tag.Key) == "Name" {
			return tag.Value
		}
	}
	return nil
}

func (f *finder) network() {
	client := ec2.NewFromConfig(f.cfg)
	each(f, "VPCs", ec2.NewDescribeVpcsPaginator(client, nil), func(page *ec2.DescribeVpcsOutput) {
		for _, v := range page.Vpcs {
			f.add("VPC", nameIn(v.Tags))
		}
	})
	each(f, "subnets", ec2.NewDescribeSubnetsPaginator(client, nil), func(page *ec2.DescribeSubnetsOutput) {
		for _, v := range page.Subnets {
			f.add("subnet", nameIn(v.Tags))
		}
	})
	each(f, "internet gateways", ec2.NewDescribeInternetGatewaysPaginator(client, nil), func(page *ec2.DescribeInternetGatewaysOutput) {
		for _, v := range page.InternetGateways {
			f.add("internet gateway", nameIn(v.Tags))
		}
	})
	each(f, "NAT gateways", ec2.NewDescribeNatGatewaysPaginator(client, nil), func(page *ec2.DescribeNatGatewaysOutput) {
		for _, v := range page.NatGateways {
			if v.State == types.NatGatewayStateDeleted { // shown for an hour after it is gone
				f.dead = append(f.dead, aws.ToString(v.NatGatewayId))
				continue
			}
			f.add("NAT gateway", nameIn(v.Tags))
		}
	})
	addresses, err := client.DescribeAddresses(f.ctx, nil)
	if err != nil {
		f.failed("Elastic IPs", err)
	} else {
		for _, v := range addresses.Addresses {
			f.add("Elastic IP", nameIn(v.Tags))
		}
	}
	each(f, "route tables", ec2.NewDescribeRouteTablesPaginator(client, nil), func(page *ec2.DescribeRouteTablesOutput) {
		for _, v := range page.RouteTables {
			f.add("route table", nameIn(v.Tags))
		}
	})
	each(f, "security groups", ec2.NewDescribeSecurityGroupsPaginator(client, nil), func(page *ec2.DescribeSecurityGroupsOutput) {
		for _, v := range page.SecurityGroups {
			f.add("security group", v.GroupName)
		}
	})
	each(f, "VPC endpoints", ec2.NewDescribeVpcEndpointsPaginator(client, nil), func(page *ec2.DescribeVpcEndpointsOutput) {
		for _, v := range page.VpcEndpoints {
			if strings.EqualFold(string(v.State), string(types.StateDeleted)) { // EC2 writes it small
				f.dead = append(f.dead, aws.ToString(v.VpcEndpointId))
				continue
			}
			f.add("VPC endpoint", nameIn(v.Tags))
		}
	})
}

func (f *finder) instances() {
	client := ec2.NewFromConfig(f.cfg)
	each(f, "instances", ec2.NewDescribeInstancesPaginator(client, nil), func(page *ec2.DescribeInstancesOutput) {
		for _, reservation := range page.Reservations {
			for _, v := range reservation.Instances {
				if v.State != nil && v.State.Name == types.InstanceStateNameTerminated { // shown for an hour, too
					f.dead = append(f.dead, aws.ToString(v.InstanceId))
					continue
				}
				f.add("instance", nameIn(v.Tags))
			}
		}
	})
	each(f, "launch templates", ec2.NewDescribeLaunchTemplatesPaginator(client, nil), func(page *ec2.DescribeLaunchTemplatesOutput) {
		for _, v := range page.LaunchTemplates {
			f.add("launch template", v.LaunchTemplateName)
		}
	})
}
