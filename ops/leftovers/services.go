package leftovers

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	scalingtypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	cachetypes "github.com/aws/aws-sdk-go-v2/service/elasticache/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secrettypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

func (f *finder) data(ctx context.Context) {
	databases := rds.NewFromConfig(f.cfg)
	list(ctx, f, "DB instance", rds.NewDescribeDBInstancesPaginator(databases, nil),
		func(page *rds.DescribeDBInstancesOutput) []rdstypes.DBInstance { return page.DBInstances },
		func(v rdstypes.DBInstance) *string { return v.DBInstanceIdentifier })
	list(ctx, f, "DB subnet group", rds.NewDescribeDBSubnetGroupsPaginator(databases, nil),
		func(page *rds.DescribeDBSubnetGroupsOutput) []rdstypes.DBSubnetGroup { return page.DBSubnetGroups },
		func(v rdstypes.DBSubnetGroup) *string { return v.DBSubnetGroupName })
	list(ctx, f, "DB parameter group", rds.NewDescribeDBParameterGroupsPaginator(databases, nil),
		func(page *rds.DescribeDBParameterGroupsOutput) []rdstypes.DBParameterGroup {
			return page.DBParameterGroups
		},
		func(v rdstypes.DBParameterGroup) *string { return v.DBParameterGroupName })
	list(ctx, f, "serverless cache", elasticache.NewDescribeServerlessCachesPaginator(elasticache.NewFromConfig(f.cfg),
		nil),
		func(page *elasticache.DescribeServerlessCachesOutput) []cachetypes.ServerlessCache {
			return page.ServerlessCaches
		},
		func(v cachetypes.ServerlessCache) *string { return v.ServerlessCacheName })
	list(ctx, f, bucket, s3.NewListBucketsPaginator(s3.NewFromConfig(f.cfg), nil),
		func(page *s3.ListBucketsOutput) []s3types.Bucket { return page.Buckets },
		func(v s3types.Bucket) *string { return v.Name })
	planned := &secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)}
	list(ctx, f, "secret", secretsmanager.NewListSecretsPaginator(secretsmanager.NewFromConfig(f.cfg), planned),
		func(page *secretsmanager.ListSecretsOutput) []secrettypes.SecretListEntry { return page.SecretList },
		func(v secrettypes.SecretListEntry) *string {
			if v.DeletedDate != nil && f.name.MatchString(aws.ToString(v.Name)) {
				f.ends("secret", *v.Name, "deleted on", v.DeletedDate)
			}
			return f.unless(v.DeletedDate != nil, v.ARN, v.Name)
		})
}

// Kinds of resources that a destroy of some profiles leaves on purpose.
const (
	bucket           = "bucket"
	snapshot         = "DB snapshot"
	automatedBackups = "automated backups"
)

// backups adds what outlives the database and the cache that it is of.
func (f *finder) backups(ctx context.Context) {
	databases := rds.NewFromConfig(f.cfg)
	listOf(ctx, f, snapshot, rds.NewDescribeDBSnapshotsPaginator(databases, nil),
		func(page *rds.DescribeDBSnapshotsOutput) []rdstypes.DBSnapshot { return page.DBSnapshots },
		func(v rdstypes.DBSnapshot) *string { // automated ones are in the automated backups
			return f.unless(aws.ToString(v.SnapshotType) == "automated", v.DBSnapshotArn, v.DBSnapshotIdentifier)
		},
		func(v rdstypes.DBSnapshot) *string { return v.DBInstanceIdentifier })
	listOf(ctx, f, automatedBackups, rds.NewDescribeDBInstanceAutomatedBackupsPaginator(databases, nil),
		func(page *rds.DescribeDBInstanceAutomatedBackupsOutput) []rdstypes.DBInstanceAutomatedBackup {
			return page.DBInstanceAutomatedBackups
		},
		func(v rdstypes.DBInstanceAutomatedBackup) *string { // others go with their instance
			return f.unless(aws.ToString(v.Status) != "retained", v.DBInstanceAutomatedBackupsArn,
				v.DBInstanceAutomatedBackupsArn)
		},
		func(v rdstypes.DBInstanceAutomatedBackup) *string { return v.DBInstanceIdentifier })
	listOf(ctx, f, "cache snapshot",
		elasticache.NewDescribeServerlessCacheSnapshotsPaginator(elasticache.NewFromConfig(f.cfg), nil),
		func(page *elasticache.DescribeServerlessCacheSnapshotsOutput) []cachetypes.ServerlessCacheSnapshot {
			return page.ServerlessCacheSnapshots
		},
		func(v cachetypes.ServerlessCacheSnapshot) *string { return f.unexpired(v) }, cacheOf)
}

func cacheOf(v cachetypes.ServerlessCacheSnapshot) *string {
	if v.ServerlessCacheConfiguration == nil {
		return nil
	}
	return v.ServerlessCacheConfiguration.ServerlessCacheName
}

// unexpired returns the name of a snapshot that stays until somebody deletes it.
func (f *finder) unexpired(v cachetypes.ServerlessCacheSnapshot) *string {
	if v.ExpiryTime != nil && f.name.MatchString(aws.ToString(cacheOf(v))) {
		f.ends("cache snapshot", aws.ToString(v.ServerlessCacheSnapshotName), "expires on", v.ExpiryTime)
	}
	return f.unless(v.ExpiryTime != nil, v.ARN, v.ServerlessCacheSnapshotName)
}

func (f *finder) serving(ctx context.Context) {
	balancers := elb.NewFromConfig(f.cfg)
	list(ctx, f, "load balancer", elb.NewDescribeLoadBalancersPaginator(balancers, nil),
		func(page *elb.DescribeLoadBalancersOutput) []elbtypes.LoadBalancer { return page.LoadBalancers },
		func(v elbtypes.LoadBalancer) *string { return v.LoadBalancerName })
	list(ctx, f, "target group", elb.NewDescribeTargetGroupsPaginator(balancers, nil),
		func(page *elb.DescribeTargetGroupsOutput) []elbtypes.TargetGroup { return page.TargetGroups },
		func(v elbtypes.TargetGroup) *string { return v.TargetGroupName })
	list(ctx, f, "Auto Scaling group",
		autoscaling.NewDescribeAutoScalingGroupsPaginator(autoscaling.NewFromConfig(f.cfg), nil),
		func(page *autoscaling.DescribeAutoScalingGroupsOutput) []scalingtypes.AutoScalingGroup {
			return page.AutoScalingGroups
		},
		func(v scalingtypes.AutoScalingGroup) *string { return v.AutoScalingGroupName })
	list(ctx, f, "function", lambda.NewListFunctionsPaginator(lambda.NewFromConfig(f.cfg), nil),
		func(page *lambda.ListFunctionsOutput) []lambdatypes.FunctionConfiguration { return page.Functions },
		func(v lambdatypes.FunctionConfiguration) *string { return v.FunctionName })
	f.apis(ctx)
}

// apis follows the pages itself: the SDK has no paginator for them.
func (f *finder) apis(ctx context.Context) {
	client, in := apigatewayv2.NewFromConfig(f.cfg), &apigatewayv2.GetApisInput{}
	for {
		page, err := client.GetApis(ctx, in)
		if err != nil {
			f.failed("API", err)
			return
		}
		name := func(v apitypes.Api) *string { return v.Name }
		addAll(f, "API", page.Items, name, name)
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return
		}
	}
}

func (f *finder) identities(ctx context.Context) {
	identities := iam.NewFromConfig(f.cfg)
	list(ctx, f, "role", iam.NewListRolesPaginator(identities, nil),
		func(page *iam.ListRolesOutput) []iamtypes.Role { return page.Roles },
		func(v iamtypes.Role) *string { return v.RoleName })
	list(ctx, f, "instance profile", iam.NewListInstanceProfilesPaginator(identities, nil),
		func(page *iam.ListInstanceProfilesOutput) []iamtypes.InstanceProfile { return page.InstanceProfiles },
		func(v iamtypes.InstanceProfile) *string { return v.InstanceProfileName })
	list(ctx, f, "key alias", kms.NewListAliasesPaginator(kms.NewFromConfig(f.cfg), nil),
		func(page *kms.ListAliasesOutput) []kmstypes.AliasListEntry { return page.Aliases },
		func(v kmstypes.AliasListEntry) *string { return v.AliasName })
}

func (f *finder) watching(ctx context.Context) {
	list(ctx, f, "log group", cloudwatchlogs.NewDescribeLogGroupsPaginator(cloudwatchlogs.NewFromConfig(f.cfg), nil),
		func(page *cloudwatchlogs.DescribeLogGroupsOutput) []logstypes.LogGroup { return page.LogGroups },
		func(v logstypes.LogGroup) *string { return v.LogGroupName })
	watch := cloudwatch.NewFromConfig(f.cfg)
	list(ctx, f, "dashboard", cloudwatch.NewListDashboardsPaginator(watch, nil),
		func(page *cloudwatch.ListDashboardsOutput) []cloudwatchtypes.DashboardEntry {
			return page.DashboardEntries
		},
		func(v cloudwatchtypes.DashboardEntry) *string { return v.DashboardName })
	list(ctx, f, "alarm", cloudwatch.NewDescribeAlarmsPaginator(watch, nil), alarmsOf,
		func(name *string) *string { return name })
	list(ctx, f, "topic", sns.NewListTopicsPaginator(sns.NewFromConfig(f.cfg), nil),
		func(page *sns.ListTopicsOutput) []snstypes.Topic { return page.Topics },
		func(v snstypes.Topic) *string { return v.TopicArn })
}

// alarmsOf returns the names of both kinds of alarms.
func alarmsOf(page *cloudwatch.DescribeAlarmsOutput) []*string {
	var names []*string
	for _, v := range page.MetricAlarms {
		names = append(names, v.AlarmName)
	}
	for _, v := range page.CompositeAlarms {
		names = append(names, v.AlarmName)
	}
	return names
}
