package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/securitygroup"
	egress "github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpcsecuritygroupegressrule"
	ingress "github.com/cdktf/cdktf-provider-aws-go/aws/v19/vpcsecuritygroupingressrule"
)

// rule opens TCP ports to or from one peer: a CIDR block or a security group.
type rule struct {
	Description string
	From, To    int // ports; if To is 0, only From
	CIDR        string
	Group       *string
}

// ingress returns the rule as one of a group. The bindings give rules for both
// directions the same fields, so that allowOut can convert it.
func (r rule) ingress(group *string) ingress.VpcSecurityGroupIngressRuleConfig {
	c := ingress.VpcSecurityGroupIngressRuleConfig{
		SecurityGroupId:           group,
		Description:               &r.Description,
		IpProtocol:                jsii.String("tcp"),
		FromPort:                  jsii.Number(r.From),
		ToPort:                    jsii.Number(max(r.From, r.To)),
		ReferencedSecurityGroupId: r.Group,
	}
	if r.CIDR != "" {
		c.CidrIpv4 = &r.CIDR
	}
	return c
}

// newSecurityGroup creates a group that allows no traffic and returns its ID. Rules are
// separate resources: inline ones would overwrite them, and without any the provider
// removes AWS's default egress rule. A changed description would replace the group, so it
// states the purpose and nothing that changes.
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
	c := r.ingress(group)
	ingress.NewVpcSecurityGroupIngressRule(scope, jsii.String("in-"+id), &c)
}

// allowOut lets the members of a group reach a peer.
func allowOut(scope constructs.Construct, id string, group *string, r rule) {
	c := egress.VpcSecurityGroupEgressRuleConfig(r.ingress(group))
	egress.NewVpcSecurityGroupEgressRule(scope, jsii.String("out-"+id), &c)
}
