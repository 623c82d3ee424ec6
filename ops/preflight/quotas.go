package preflight

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// quota is a number of things that an account may have in a region.
type quota struct {
	spoken        string
	service, code string // in Service Quotas
	fallback      int    // what AWS gives every account
	needs         int    // how many of them an environment has
	kind          string // Terraform's type, whose ID is what list returns
	list          func(context.Context, *ec2.Client) ([]string, error)
}

// quotas are those that small accounts meet first.
func (e *environment) quotas() []quota {
	gateways := 1
	if e.Network.NATGatewayPerZone {
		gateways = len(e.Network.PublicCIDRs)
	}
	return []quota{
		{"Elastic IPs", "ec2", "L-0263D0A3", 5, gateways, "aws_eip", addresses},
		{"VPCs", "vpc", "L-F678F1CE", 5, 1, "aws_vpc", vpcs},
		{"internet gateways", "vpc", "L-A4707A72", 5, 1, "aws_internet_gateway", internetGateways},
	}
}

func (e *environment) quotaChecks() []check {
	var checks []check
	for _, q := range e.quotas() {
		checks = append(checks, check{"quota of " + q.spoken, func(ctx context.Context) ([]Finding, error) { return e.quota(ctx, q) }})
	}
	return checks
}

// quota compares what others have, and this environment needs in all, with what
// the account may have.
func (e *environment) quota(ctx context.Context, q quota) ([]Finding, error) {
	ids, err := q.list(ctx, ec2.NewFromConfig(e.aws))
	if err != nil {
		return nil, err
	}
	others := 0
	for _, id := range ids {
		if !e.owned.Has(q.kind, "id", id) {
			others++
		}
	}
	allowed, source, err := e.allowed(ctx, q)
	if err != nil {
		return nil, err
	}
	if others+q.needs <= allowed {
		return nil, nil
	}
	return []Finding{{
		What: fmt.Sprintf("quota of %s in %s", q.spoken, e.Region),
		Got:  fmt.Sprintf("%d (%s), of which others than this environment use %d", allowed, source, others),
		Want: fmt.Sprintf("%d free", q.needs),
		Fix: fmt.Sprintf("release some, or `aws service-quotas request-service-quota-increase --service-code %s --quota-code %s --desired-value %d --region %s`",
			q.service, q.code, others+q.needs, e.Region),
	}}, nil
}

// allowed is the quota and who says so. Service Quotas has no answer where the
// account never had a value of its own, nor on an emulator.
func (e *environment) allowed(ctx context.Context, q quota) (int, string, error) {
	out, err := servicequotas.NewFromConfig(e.aws).GetServiceQuota(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	switch {
	case err == nil && out.Quota != nil && out.Quota.Value != nil:
		return int(*out.Quota.Value), "Service Quotas", nil
	case err == nil, absent(err), codeOf(err) == "UnknownError":
		return q.fallback, "AWS's default, as Service Quotas has no answer", nil
	default:
		return 0, "", err
	}
}

// addresses returns allocation IDs.
func addresses(ctx context.Context, client *ec2.Client) ([]string, error) {
	out, err := client.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, a := range out.Addresses {
		ids = append(ids, aws.ToString(a.AllocationId))
	}
	return ids, nil
}

func vpcs(ctx context.Context, client *ec2.Client) ([]string, error) {
	var ids []string
	for pages := ec2.NewDescribeVpcsPaginator(client, &ec2.DescribeVpcsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, v := range page.Vpcs {
			ids = append(ids, aws.ToString(v.VpcId))
		}
	}
	return ids, nil
}

func internetGateways(ctx context.Context, client *ec2.Client) ([]string, error) {
	var ids []string
	for pages := ec2.NewDescribeInternetGatewaysPaginator(client, &ec2.DescribeInternetGatewaysInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range page.InternetGateways {
			ids = append(ids, aws.ToString(g.InternetGatewayId))
		}
	}
	return ids, nil
}
