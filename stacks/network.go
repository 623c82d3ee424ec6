package stacks

import (
	"portfolio/config"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawsavailabilityzones"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/dataawsec2instancetypeofferings"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/defaultsecuritygroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/eip"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/internetgateway"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/natgateway"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/route"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/routetable"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/routetableassociation"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/subnet"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpc"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpcendpoint"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

const internet = "0.0.0.0/0"

// NetworkProps configures the VPC.
type NetworkProps struct {
	Names        config.Names
	Region       string
	Network      config.Network
	InstanceType string   // which both zones have to offer
	Logs         LogProps // of the flow logs
	Boundary     string   // as in newRole
}

// NetworkOutputs is what other tiers may use; pointers are Terraform tokens.
type NetworkOutputs struct {
	VPCID         *string
	CIDR          string
	Zones         [2]*string // names of the private subnets' availability zones
	PublicSubnets []*string  // ids, one per zone
	Private       []*string  // ids of the private subnets, one per zone
	NATGateways   []*string  // ids, one per zone or one in all

	// Egress must exist before a private instance can reach the internet and S3;
	// Ingress before an internet-facing resource can be created.
	Egress  []cdktf.ITerraformDependable
	Ingress []cdktf.ITerraformDependable
}

// zoneLetters are in the ids of constructs: names of zones differ between accounts.
var zoneLetters = [2]string{"a", "b"}

// NewNetwork creates a VPC with one public and one private subnet in each of two
// zones. Public subnets reach the internet through the internet gateway, private
// ones through a NAT gateway; S3 is reached without either.
func NewNetwork(scope constructs.Construct, id string, p NetworkProps) NetworkOutputs {
	scope = constructs.NewConstruct(scope, &id)
	cidr := p.Network.CIDR.String()
	main := vpc.NewVpc(scope, jsii.String("vpc"), &vpc.VpcConfig{
		CidrBlock:          &cidr,
		EnableDnsSupport:   true,
		EnableDnsHostnames: true,
		Tags:               nameTag(p.Names.VPC),
	})
	// Without rules: AWS's default rules are removed, and nothing uses the group.
	defaultsecuritygroup.NewDefaultSecurityGroup(scope, jsii.String("default-security-group"),
		&defaultsecuritygroup.DefaultSecurityGroupConfig{
			VpcId: main.Id(),
			Tags:  nameTag(p.Names.DefaultSecurityGroup),
		})
	newFlowLogs(scope, p.Names, main, p.Boundary, p.Logs)

	n := NetworkOutputs{VPCID: main.Id(), CIDR: cidr}
	zones := zones(scope, p.InstanceType)
	public := n.newPublicTier(scope, p, main, zones)
	n.newPrivateTier(scope, p, main, zones, public)
	return n
}

// zones are the first two availability zones of the region, by name, that need no
// opting in and offer the instance type: an old zone may lack it.
func zones(scope constructs.Construct, instanceType string) [2]*string {
	available := dataawsavailabilityzones.NewDataAwsAvailabilityZones(scope, jsii.String("zones"),
		&dataawsavailabilityzones.DataAwsAvailabilityZonesConfig{
			State: jsii.String("available"),
			Filter: []*dataawsavailabilityzones.DataAwsAvailabilityZonesFilter{{
				Name: jsii.String("opt-in-status"), Values: jsii.Strings("opt-in-not-required"),
			}},
		})
	offers := dataawsec2instancetypeofferings.NewDataAwsEc2InstanceTypeOfferings(scope, jsii.String("offers"),
		&dataawsec2instancetypeofferings.DataAwsEc2InstanceTypeOfferingsConfig{
			LocationType: jsii.String("availability-zone"),
			Filter: []*dataawsec2instancetypeofferings.DataAwsEc2InstanceTypeOfferingsFilter{{
				Name: jsii.String("instance-type"), Values: jsii.Strings(instanceType),
			}},
		})
	var names [2]*string
	for i := range names {
		names[i] = jsii.Sprintf("${sort(setintersection(%s.names, %s.locations))[%d]}",
			dataAddress(available), dataAddress(offers), i)
	}
	return names
}

// newPublicTier creates the public subnets and one NAT gateway in each that has one.
func (n *NetworkOutputs) newPublicTier(scope constructs.Construct, p NetworkProps, main vpc.Vpc,
	zones [2]*string) []natgateway.NatGateway {
	gateway := internetgateway.NewInternetGateway(scope, jsii.String("internet-gateway"),
		&internetgateway.InternetGatewayConfig{
			VpcId: main.Id(),
			Tags:  nameTag(p.Names.InternetGateway),
		})
	table := routetable.NewRouteTable(scope, jsii.String("public-routes"), &routetable.RouteTableConfig{
		VpcId: main.Id(),
		Tags:  nameTag(p.Names.RouteTable("public", 1)),
	})
	n.Ingress = append(n.Ingress, gateway, route.NewRoute(scope, jsii.String("public-internet"), &route.RouteConfig{
		RouteTableId:         table.Id(),
		DestinationCidrBlock: jsii.String(internet),
		GatewayId:            gateway.Id(),
	}))
	var gateways []natgateway.NatGateway
	for i, letter := range zoneLetters {
		public := newSubnet(scope, "public", i, p.Names, p.Network.PublicCIDRs[i].String(), zones[i], main)
		n.PublicSubnets = append(n.PublicSubnets, public.Id())
		n.Ingress = append(n.Ingress, associate(scope, "public-"+letter, public, table))
		if i == 0 || p.Network.NATGatewayPerZone {
			// AWS refuses a NAT gateway, and the release of its address, while the
			// internet gateway is not attached.
			attached := &[]cdktf.ITerraformDependable{gateway}
			address := eip.NewEip(scope, jsii.String("nat-address-"+letter), &eip.EipConfig{
				Domain:    jsii.String("vpc"),
				Tags:      nameTag(p.Names.NATGateway(i + 1)),
				DependsOn: attached,
			})
			nat := natgateway.NewNatGateway(scope, jsii.String("nat-"+letter), &natgateway.NatGatewayConfig{
				AllocationId: address.Id(),
				SubnetId:     public.Id(),
				Tags:         nameTag(p.Names.NATGateway(i + 1)),
				DependsOn:    attached,
			})
			gateways = append(gateways, nat)
			n.NATGateways = append(n.NATGateways, nat.Id())
		}
	}
	return gateways
}

// newPrivateTier creates the private subnets, each with a route table of its own
// to the NAT gateway of its zone, or to the only one.
func (n *NetworkOutputs) newPrivateTier(scope constructs.Construct, p NetworkProps, main vpc.Vpc, zones [2]*string,
	gateways []natgateway.NatGateway) {
	var tables []*string
	for i, letter := range zoneLetters {
		private := newSubnet(scope, "private", i, p.Names, p.Network.PrivateCIDRs[i].String(), zones[i], main)
		n.Zones[i] = private.AvailabilityZone()
		n.Private = append(n.Private, private.Id())
		table := routetable.NewRouteTable(scope, jsii.String("private-routes-"+letter), &routetable.RouteTableConfig{
			VpcId: main.Id(),
			Tags:  nameTag(p.Names.RouteTable("private", i+1)),
		})
		tables = append(tables, table.Id())
		n.Egress = append(n.Egress,
			associate(scope, "private-"+letter, private, table),
			route.NewRoute(scope, jsii.String("private-internet-"+letter), &route.RouteConfig{
				RouteTableId:         table.Id(),
				DestinationCidrBlock: jsii.String(internet),
				NatGatewayId:         gateways[min(i, len(gateways)-1)].Id(),
			}))
	}
	// With the default policy: Amazon Linux's package repositories are in S3 and
	// reached through this endpoint.
	n.Egress = append(n.Egress, vpcendpoint.NewVpcEndpoint(scope, jsii.String("s3-endpoint"),
		&vpcendpoint.VpcEndpointConfig{
			VpcId:           main.Id(),
			ServiceName:     jsii.String("com.amazonaws." + p.Region + ".s3"),
			VpcEndpointType: jsii.String("Gateway"),
			RouteTableIds:   &tables,
			Tags:            nameTag(p.Names.VPC + "-s3"),
		}))
}

func newSubnet(scope constructs.Construct, tier string, i int, names config.Names, cidr string, zone *string,
	main vpc.Vpc) subnet.Subnet {
	return subnet.NewSubnet(scope, jsii.String(tier+"-"+zoneLetters[i]), &subnet.SubnetConfig{
		VpcId:               main.Id(),
		CidrBlock:           &cidr,
		AvailabilityZone:    zone,
		MapPublicIpOnLaunch: false,
		Tags:                &map[string]*string{"Name": jsii.String(names.Subnet(tier, i+1)), "Type": &tier},
		// A zone that AWS adds or withdraws must not replace subnets that are in use.
		Lifecycle: &cdktf.TerraformResourceLifecycle{IgnoreChanges: jsii.Strings("availability_zone")},
	})
}

func associate(scope constructs.Construct, id string, s subnet.Subnet,
	table routetable.RouteTable) cdktf.ITerraformDependable {
	return routetableassociation.NewRouteTableAssociation(scope, jsii.String(id+"-association"),
		&routetableassociation.RouteTableAssociationConfig{
			SubnetId:     s.Id(),
			RouteTableId: table.Id(),
		})
}

func nameTag(name string) *map[string]*string { return &map[string]*string{"Name": &name} }
