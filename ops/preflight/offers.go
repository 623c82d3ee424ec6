package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	pricingtypes "github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// storageType is the database's, in stacks.
const storageType = "gp3"

// offerChecks ask whether AWS offers in the region what the environment consists of.
// Without an answer a deploy may still succeed.
func (e *environment) offerChecks() []check {
	return []check{
		{what: "version of the database", find: e.engineUpgraded, optional: true},
		{what: "offer of the database", find: e.databaseOffer, optional: true},
		{what: "zones with " + e.Compute.InstanceType, find: e.instanceOffer, optional: true},
		{what: "offer of ElastiCache Serverless", find: e.cacheOffer, optional: true},
		{what: "quota of vCPUs", find: e.vCPUs, optional: true},
		{what: "image of the launch template", find: e.image, optional: true},
	}
}

// engineUpgraded finds a database that AWS has upgraded beyond the settings, which
// would be a downgrade.
func (e *environment) engineUpgraded(ctx context.Context) ([]Finding, error) {
	if !e.owned.Has("aws_db_instance", "identifier", e.Names.Database) {
		return nil, nil
	}
	out, err := rds.NewFromConfig(e.aws).DescribeDBInstances(ctx,
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: &e.Names.Database})
	if absent(err) {
		return nil, nil // the plan creates it
	}
	if err != nil || len(out.DBInstances) == 0 {
		return nil, err
	}
	actual := aws.ToString(out.DBInstances[0].EngineVersion)
	if !newer(actual, e.Database.EngineVersion) {
		return nil, nil
	}
	return []Finding{{
		What: "version of database " + e.Names.Database, Got: "DB_ENGINE_VERSION " + e.Database.EngineVersion,
		Want: actual + " or newer, because RDS refuses a downgrade", Fix: "set DB_ENGINE_VERSION=" + actual,
	}}, nil
}

// newer compares versions such as "15.14".
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		if errX != nil || errY != nil {
			return false
		}
		if x != y {
			return x > y
		}
	}
	return len(as) > len(bs)
}

// databaseOffer asks whether the database can be created. An existing one keeps running
// without the offer, until it has to be restored.
func (e *environment) databaseOffer(ctx context.Context) ([]Finding, error) {
	d := e.Database
	pages := rds.NewDescribeOrderableDBInstanceOptionsPaginator(rds.NewFromConfig(e.aws),
		&rds.DescribeOrderableDBInstanceOptionsInput{
			Engine: aws.String("postgres"), EngineVersion: &d.EngineVersion,
			DBInstanceClass: &d.InstanceClass, Vpc: aws.Bool(true),
		})
	var missing []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil && !strings.HasPrefix(codeOf(err), "InvalidParameter") {
			return nil, err
		}
		if err != nil { // no such version or class
			break
		}
		for _, option := range page.OrderableDBInstanceOptions {
			lacks := e.lacks(option)
			if len(lacks) == 0 {
				return nil, nil
			}
			if missing == nil || len(lacks) < len(missing) {
				missing = lacks
			}
		}
	}
	f := Finding{
		What: "database in " + e.Region, Got: fmt.Sprintf("no PostgreSQL %s on %s to order", d.EngineVersion,
			d.InstanceClass), Want: "one",
		Fix: fmt.Sprintf("set DB_ENGINE_VERSION to one of `aws rds describe-orderable-db-instance-options "+
			"--engine postgres --db-instance-class %s --region %s "+
			"--query 'OrderableDBInstanceOptions[].EngineVersion'`", d.InstanceClass, e.Region),
	}
	if missing != nil {
		f.Got = fmt.Sprintf("PostgreSQL %s on %s without %s", d.EngineVersion, d.InstanceClass,
			strings.Join(missing, " and "))
		f.Want = "all of that"
	}
	for _, attributes := range e.instances("aws_db_instance") {
		same := attributes["engine_version"] == d.EngineVersion && attributes["instance_class"] == d.InstanceClass
		f.Harmless = f.Harmless || attributes["identifier"] == e.Names.Database && same
	}
	return []Finding{f}, nil
}

// lacks lists what the database needs and an offer does not have.
func (e *environment) lacks(option rdstypes.OrderableDBInstanceOption) []string {
	var missing []string
	if aws.ToString(option.StorageType) != storageType {
		missing = append(missing, storageType+" storage")
	}
	if e.Database.MultiAZ && !aws.ToBool(option.MultiAZCapable) {
		missing = append(missing, "Multi-AZ")
	}
	if e.Database.ReadReplica && !aws.ToBool(option.ReadReplicaCapable) {
		missing = append(missing, "read replicas")
	}
	return missing
}

// instanceOffer counts the zones that have the instance type and do not require opting in.
func (e *environment) instanceOffer(ctx context.Context) ([]Finding, error) {
	client := ec2.NewFromConfig(e.aws)
	zones, err := client.DescribeAvailabilityZones(ctx, &ec2.DescribeAvailabilityZonesInput{
		Filters: []ec2types.Filter{filter("opt-in-status", "opt-in-not-required"), filter("state", "available")},
	})
	if err != nil {
		return nil, err
	}
	usable := map[string]bool{}
	for _, z := range zones.AvailabilityZones {
		usable[aws.ToString(z.ZoneName)] = true
	}
	offers, err := client.DescribeInstanceTypeOfferings(ctx, &ec2.DescribeInstanceTypeOfferingsInput{
		LocationType: ec2types.LocationTypeAvailabilityZone,
		Filters:      []ec2types.Filter{filter("instance-type", e.Compute.InstanceType)},
	})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, o := range offers.InstanceTypeOfferings {
		if zone := aws.ToString(o.Location); usable[zone] {
			found = append(found, zone)
		}
	}
	if len(found) >= len(e.Network.PrivateCIDRs) {
		return nil, nil
	}
	got := "none"
	if len(found) > 0 {
		got = strings.Join(found, ", ")
	}
	return []Finding{{
		What: "zones of " + e.Region + " with " + e.Compute.InstanceType, Got: got,
		Want: fmt.Sprintf("at least %d", len(e.Network.PrivateCIDRs)),
		Fix: fmt.Sprintf("choose another AWS_REGION, or a type that `aws ec2 describe-instance-type-offerings "+
			"--location-type availability-zone --region %s` lists, in config/profile.go", e.Region),
	}}, nil
}

func filter(name, value string) ec2types.Filter {
	return ec2types.Filter{Name: &name, Values: []string{value}}
}

// cacheOffer looks for a price of ElastiCache Serverless in the region. The service's
// own API lists nothing that a region offers.
func (e *environment) cacheOffer(ctx context.Context) ([]Finding, error) {
	prices := e.aws.Copy()
	prices.Region = "us-east-1" // has the prices of all regions
	equal := func(field, value string) pricingtypes.Filter {
		return pricingtypes.Filter{Type: pricingtypes.FilterTypeTermMatch, Field: &field, Value: &value}
	}
	out, err := pricing.NewFromConfig(prices).GetProducts(ctx, &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonElastiCache"), MaxResults: aws.Int32(1),
		Filters: []pricingtypes.Filter{equal("regionCode", e.Region), equal("productFamily", "ElastiCache Serverless")},
	})
	if unsupported(err) {
		return nil, nil
	}
	if err != nil || len(out.PriceList) > 0 {
		return nil, err
	}
	return []Finding{{
		What: "ElastiCache Serverless in " + e.Region, Got: "no price", Want: "a region that offers it",
		Fix: "choose another AWS_REGION: `aws pricing get-products --region us-east-1 --service-code AmazonElastiCache " +
			"--filters Type=TERM_MATCH,Field=productFamily,Value='ElastiCache Serverless'` shows which",
	}}, nil
}

// image looks for the image that new instances start from. The deploy that moves to
// another is not stopped.
func (e *environment) image(ctx context.Context) ([]Finding, error) {
	var id string
	for _, attributes := range e.instances("aws_launch_template") {
		if attributes["name"] == e.Names.LaunchTemplate {
			id, _ = attributes["image_id"].(string)
		}
	}
	if id == "" {
		return nil, nil
	}
	out, err := ec2.NewFromConfig(e.aws).DescribeImages(ctx, &ec2.DescribeImagesInput{ImageIds: []string{id}})
	switch {
	case err != nil && !strings.HasPrefix(codeOf(err), "InvalidAMIID"):
		return nil, err
	case err == nil && len(out.Images) > 0 && out.Images[0].State == ec2types.ImageStateAvailable:
		return nil, nil
	}
	return []Finding{{
		What: "image " + id + " of launch template " + e.Names.LaunchTemplate, Got: "none that is available",
		Want: "one, without which no instance can start",
		Fix:  "increment imageRelease in stacks/compute.go and `make deploy`", Harmless: true,
	}}, nil
}
