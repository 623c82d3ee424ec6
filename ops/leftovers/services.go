package leftovers

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

func (f *finder) data() {
	client := rds.NewFromConfig(f.cfg)
	each(f, "DB instances", rds.NewDescribeDBInstancesPaginator(client, nil), func(page *rds.DescribeDBInstancesOutput) {
		for _, v := range page.DBInstances {
			f.add("DB instance", v.DBInstanceIdentifier)
		}
	})
	each(f, "DB subnet groups", rds.NewDescribeDBSubnetGroupsPaginator(client, nil), func(page *rds.DescribeDBSubnetGroupsOutput) {
		for _, v := range page.DBSubnetGroups {
			f.add("DB subnet group", v.DBSubnetGroupName)
		}
	})
	each(f, "DB parameter groups", rds.NewDescribeDBParameterGroupsPaginator(client, nil), func(page *rds.DescribeDBParameterGroupsOutput) {
		for _, v := range page.DBParameterGroups {
			f.add("DB parameter group", v.DBParameterGroupName)
		}
	})
	caches := elasticache.NewDescribeServerlessCachesPaginator(elasticache.NewFromConfig(f.cfg), nil)
	each(f, "serverless caches", caches, func(page *elasticache.DescribeServerlessCachesOutput) {
		for _, v := range page.ServerlessCaches {
			f.add("serverless cache", v.ServerlessCacheName)
		}
	})
	each(f, "buckets", s3.NewListBucketsPaginator(s3.NewFromConfig(f.cfg), nil), func(page *s3.ListBucketsOutput) {
		for _, v := range page.Buckets {
			f.add("bucket", v.Name)
		}
	})
	secrets := secretsmanager.NewListSecretsPaginator(secretsmanager.NewFromConfig(f.cfg), &secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true)})
	each(f, "secrets", secrets, func(page *secretsmanager.ListSecretsOutput) {
		for _, v := range page.SecretList {
			if v.DeletedDate != nil {
				f.dead = append(f.dead, aws.ToString(v.ARN))
				continue
			}
			f.add("secret", v.Name)
		}
	})
}

func (f *finder) serving() {
	balancers := elasticloadbalancingv2.NewFromConfig(f.cfg)
	each(f, "load balancers", elasticloadbalancingv2.NewDescribeLoadBalancersPaginator(balancers, nil), func(page *elasticloadbalancingv2.DescribeLoadBalancersOutput) {
		for _, v := range page.LoadBalancers {
			f.add("load balancer", v.LoadBalancerName)
		}
	})
	each(f, "target groups", elasticloadbalancingv2.NewDescribeTargetGroupsPaginator(balancers, nil), func(page *elasticloadbalancingv2.DescribeTargetGroupsOutput) {
		for _, v := range page.TargetGroups {
			f.add("target group", v.TargetGroupName)
		}
	})
	groups := autoscaling.NewDescribeAutoScalingGroupsPaginator(autoscaling.NewFromConfig(f.cfg), nil)
	each(f, "Auto Scaling groups", groups, func(page *autoscaling.DescribeAutoScalingGroupsOutput) {
		for _, v := range page.AutoScalingGroups {
			f.add("Auto Scaling group", v.AutoScalingGroupName)
		}
	})
	each(f, "functions", lambda.NewListFunctionsPaginator(lambda.NewFromConfig(f.cfg), nil), func(page *lambda.ListFunctionsOutput) {
		for _, v := range page.Functions {
			f.add("function", v.FunctionName)
		}
	})
	apis := apigatewayv2.NewFromConfig(f.cfg)
	for in := (&apigatewayv2.GetApisInput{}); ; { // the SDK has no paginator for it
		page, err := apis.GetApis(f.ctx, in)
		if err != nil {
			f.failed("APIs", err)
			return
		}
		for _, v := range page.Items {
			f.add("API", v.Name)
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return
		}
	}
}

func (f *finder) identities() {
	client := iam.NewFromConfig(f.cfg)
	each(f, "roles", iam.NewListRolesPaginator(client, nil), func(page *iam.ListRolesOutput) {
		for _, v := range page.Roles {
			f.add("role", v.RoleName)
		}
	})
	each(f, "instance profiles", iam.NewListInstanceProfilesPaginator(client, nil), func(page *iam.ListInstanceProfilesOutput) {
		for _, v := range page.InstanceProfiles {
			f.add("instance profile", v.InstanceProfileName)
		}
	})
	each(f, "key aliases", kms.NewListAliasesPaginator(kms.NewFromConfig(f.cfg), nil), func(page *kms.ListAliasesOutput) {
		for _, v := range page.Aliases {
			f.add("key alias", v.AliasName)
		}
	})
}

func (f *finder) watching() {
	logs := cloudwatchlogs.NewFromConfig(f.cfg)
	each(f, "log groups", cloudwatchlogs.NewDescribeLogGroupsPaginator(logs, nil), func(page *cloudwatchlogs.DescribeLogGroupsOutput) {
		for _, v := range page.LogGroups {
			f.add("log group", v.LogGroupName)
		}
	})
	client := cloudwatch.NewFromConfig(f.cfg)
	each(f, "dashboards", cloudwatch.NewListDashboardsPaginator(client, nil), func(page *cloudwatch.ListDashboardsOutput) {
		for _, v := range page.DashboardEntries {
			f.add("dashboard", v.DashboardName)
		}
	})
	each(f, "alarms", cloudwatch.NewDescribeAlarmsPaginator(client, nil), func(page *cloudwatch.DescribeAlarmsOutput) {
		for _, v := range page.MetricAlarms {
			f.add("alarm", v.AlarmName)
		}
		for _, v := range page.CompositeAlarms {
			f.add("alarm", v.AlarmName)
		}
	})
	each(f, "topics", sns.NewListTopicsPaginator(sns.NewFromConfig(f.cfg), nil), func(page *sns.ListTopicsOutput) {
		for _, v := range page.Topics {
			f.add("topic", v.TopicArn)
		}
	})
}
