package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// quota is a number of things that an account may have in a region.
type quota struct {
	spoken        string
	service, code string // in Service Quotas
	fallback      int    // the default of every account
	needs         int    // how many of them an environment has
	kind          string // Terraform's type, whose ID is what list returns
	list          func(context.Context, *ec2.Client) ([]string, error)
}

// quotas lists the quotas that new accounts reach first.
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
		checks = append(checks, check{what: "quota of " + q.spoken,
			find: func(ctx context.Context) ([]Finding, error) { return e.quota(ctx, q) }})
	}
	return checks
}

// quota compares the number that others use plus the number that this environment
// needs in all with the number that the account may have.
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
		Got:  fmt.Sprintf("%d (%s), %d of them used outside this environment", allowed, source, others),
		Want: fmt.Sprintf("%d free", q.needs),
		Fix:  "release some, or " + q.increase(others+q.needs, e.Region),
	}}, nil
}

// increase returns the command that requests a larger quota.
func (q quota) increase(desired int, region string) string {
	return fmt.Sprintf("`aws service-quotas request-service-quota-increase --service-code %s --quota-code %s "+
		"--desired-value %d --region %s`", q.service, q.code, desired, region)
}

// fromService is the source of a quota that Service Quotas knows.
const fromService = "Service Quotas"

// allowed returns the quota and its source. Service Quotas has no value for an account
// whose quota was never changed, nor on an emulator.
func (e *environment) allowed(ctx context.Context, q quota) (int, string, error) {
	out, err := servicequotas.NewFromConfig(e.aws).GetServiceQuota(ctx,
		&servicequotas.GetServiceQuotaInput{ServiceCode: &q.service, QuotaCode: &q.code})
	switch {
	case err == nil && out.Quota != nil && out.Quota.Value != nil:
		return int(*out.Quota.Value), fromService, nil
	case err == nil, absent(err), unsupported(err):
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
	for pages := ec2.NewDescribeInternetGatewaysPaginator(client,
		&ec2.DescribeInternetGatewaysInput{}); pages.HasMorePages(); {
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

// vCPUs compares the quota of standard on-demand instances with what the group needs:
// one more than its minimum for every refresh, and its maximum under load.
func (e *environment) vCPUs(ctx context.Context) ([]Finding, error) {
	q := quota{service: "ec2", code: "L-1216C47A"}
	allowed, source, err := e.allowed(ctx, q)
	if err != nil || source != fromService {
		return nil, err // on AWS this quota always has a value
	}
	client := ec2.NewFromConfig(e.aws)
	types, err := client.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{
		InstanceTypes: []ec2types.InstanceType{ec2types.InstanceType(e.Compute.InstanceType)},
	})
	if err != nil {
		return nil, err
	}
	if len(types.InstanceTypes) == 0 || types.InstanceTypes[0].VCpuInfo == nil {
		return nil, errors.New("EC2 does not describe " + e.Compute.InstanceType)
	}
	each := int(aws.ToInt32(types.InstanceTypes[0].VCpuInfo.DefaultVCpus))
	others, err := e.otherVCPUs(ctx, client)
	if err != nil {
		return nil, err
	}
	refresh, most := others+each*(e.Compute.MinSize+1), others+each*max(e.Compute.MinSize+1, e.Compute.MaxSize)
	if allowed >= most {
		return nil, nil
	}
	f := Finding{
		What: "quota of vCPUs of standard on-demand instances in " + e.Region,
		Got:  fmt.Sprintf("%d (%s), %d of them used outside this environment", allowed, source, others),
		Want: fmt.Sprintf("%d free for %d instances at full load", most-others, e.Compute.MaxSize),
		Fix:  q.increase(most, e.Region), Harmless: allowed >= refresh,
	}
	if !f.Harmless {
		f.Want = fmt.Sprintf("%d free for the %d instances of a refresh, %d at full load", refresh-others,
			e.Compute.MinSize+1, most-others)
	}
	return []Finding{f}, nil
}

// otherVCPUs counts the vCPUs of standard on-demand instances outside this
// environment's group.
func (e *environment) otherVCPUs(ctx context.Context, client *ec2.Client) (int, error) {
	total := 0
	for pages := ec2.NewDescribeInstancesPaginator(client, &ec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"pending", "running"}}},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, err
		}
		for _, r := range page.Reservations {
			for _, i := range r.Instances {
				if i.CpuOptions != nil && i.InstanceLifecycle == "" && standard(i.InstanceType) && !e.inGroup(i) {
					total += int(aws.ToInt32(i.CpuOptions.CoreCount) * aws.ToInt32(i.CpuOptions.ThreadsPerCore))
				}
			}
		}
	}
	return total, nil
}

// standard reports whether the quota of standard instances counts a type: those of
// the families A, C, D, H, I, M, R, T and Z, but not, for example, dl1 or hpc7a.
func standard(kind ec2types.InstanceType) bool {
	digit := strings.IndexAny(string(kind), "0123456789")
	if digit < 0 {
		return false
	}
	return slices.Contains([]string{"a", "c", "d", "h", "i", "im", "is", "m", "r", "t", "z"}, string(kind)[:digit])
}

func (e *environment) inGroup(i ec2types.Instance) bool {
	for _, tag := range i.Tags {
		if aws.ToString(tag.Key) == "aws:autoscaling:groupName" && aws.ToString(tag.Value) == e.Names.AutoScalingGroup {
			return true
		}
	}
	return false
}
