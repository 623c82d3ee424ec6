package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/securitygroup"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpcsecuritygroupegressrule"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpcsecuritygroupingressrule"
)

// rule opens TCP ports to or from one peer: a CIDR block or a security group.
type rule struct {
	Description string
	From, To    int // ports; To 0 means From alone
	CIDR        string
	Group       *string
}

func (r rule) ports() (from, to *float64) {
	return jsii.Number(r.From), jsii.Number(max(r.From, r.To))
}

func (r rule) cidr() *string {
	if r.CIDR == "" {
		return nil
	}
	return &r.CIDR
}

// newSecurityGroup creates a group that lets nothing in or out and returns its
// id. Rules are resources of their own: inline ones would overwrite them, and
// the provider removes AWS's allow-all egress. A changed description would
// replace the group, so it says what the group is for and nothing that moves.
func newSecurityGroup(scope constructs.Construct, id, name, description string, network NetworkOutputs) *string {
	return securitygroup.NewSecurityGroup(scope, &id, &securitygroup.SecurityGroupConfig{
		Name:        &name,
		Description: &description,
		VpcId:       network.VPCID,
		Tags:        nameTag(name),
	}).Id()
}

// allowIn lets a peer reach the members of a group.
func allowIn(scope constructs.Construct, id string, group *string, r rule) {
	from, to := r.ports()
	vpcsecuritygroupingressrule.NewVpcSecurityGroupIngressRule(scope, jsii.String("in-"+id), &vpcsecuritygroupingressrule.VpcSecurityGroupIngressRuleConfig{
		SecurityGroupId:           group,
		Description:               &r.Description,
		IpProtocol:                jsii.String("tcp"),
		FromPort:                  from,
		ToPort:                    to,
		CidrIpv4:                  r.cidr(),
		ReferencedSecurityGroupId: r.Group,
	})
}

// allowOut lets the members of a group reach a peer.
func allowOut(scope constructs.Construct, id string, group *string, r rule) {
	from, to := r.ports()
	vpcsecuritygroupegressrule.NewVpcSecurityGroupEgressRule(scope, jsii.String("out-"+id), &vpcsecuritygroupegressrule.VpcSecurityGroupEgressRuleConfig{
		SecurityGroupId:           group,
		Description:               &r.Description,
		IpProtocol:                jsii.String("tcp"),
		FromPort:                  from,
		ToPort:                    to,
		CidrIpv4:                  r.cidr(),
		ReferencedSecurityGroupId: r.Group,
	})
}
