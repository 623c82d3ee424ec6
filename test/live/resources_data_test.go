package live

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"portfolio/local/platform"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func databaseResources(t *testing.T, cfg aws.Config) {
	ctx := t.Context()
	databases := rds.NewFromConfig(cfg)
	found, err := databases.DescribeDBInstances(ctx,
		&rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("portfolio-holdings-db-live")})
	require.NoError(t, err)
	db := found.DBInstances[0]
	assert.Equal(t, []any{"postgres", "15.14", "db.t3.medium", int32(100), "gp3", true, true, int32(7), "03:00-04:00",
		"sun:04:00-sun:05:00", false, true, int32(60)}, []any{
		*db.Engine, *db.EngineVersion, *db.DBInstanceClass, *db.AllocatedStorage, *db.StorageType, *db.StorageEncrypted,
		*db.MultiAZ, *db.BackupRetentionPeriod, *db.PreferredBackupWindow, *db.PreferredMaintenanceWindow,
		*db.PubliclyAccessible, *db.CopyTagsToSnapshot, *db.MonitoringInterval,
	})
	assert.ElementsMatch(t, []string{"postgresql", "upgrade"}, db.EnabledCloudwatchLogsExports)
	assert.Equal(t, "portfolio-db-subnet-group-live", *db.DBSubnetGroup.DBSubnetGroupName)
	require.NotEmpty(t, db.DBParameterGroups)
	group := db.DBParameterGroups[0].DBParameterGroupName
	assert.True(t, strings.HasPrefix(*group, "portfolio-holdings-db-live-"), *group)
	set := map[string]string{}
	pages := rds.NewDescribeDBParametersPaginator(databases,
		&rds.DescribeDBParametersInput{DBParameterGroupName: group, Source: aws.String("user")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		require.NoError(t, err)
		for _, parameter := range page.Parameters {
			set[*parameter.ParameterName] = aws.ToString(parameter.ParameterValue)
		}
	}
	for name, want := range map[string]string{"rds.force_ssl": "1", "log_min_duration_statement": "1000", "log_connections": "1"} {
		assert.Equal(t, want, set[name], name)
	}

	caches, err := elasticache.NewFromConfig(cfg).DescribeServerlessCaches(ctx,
		&elasticache.DescribeServerlessCachesInput{ServerlessCacheName: aws.String("portfolio-market-cache-live")})
	require.NoError(t, err)
	cache := caches.ServerlessCaches[0]
	assert.Equal(t, []any{"valkey", "8", int32(10), int32(5000), "03:00"}, []any{
		*cache.Engine, *cache.MajorEngineVersion, *cache.CacheUsageLimits.DataStorage.Maximum,
		*cache.CacheUsageLimits.ECPUPerSecond.Maximum, *cache.DailySnapshotTime,
	})
	assert.Len(t, cache.SubnetIds, 2)
}

func bucketResources(t *testing.T, p *platform.Platform) {
	ctx, client := t.Context(), pathStyleS3(t, p)
	for _, kind := range []string{"hist", "logs", "artifacts"} {
		bucket := aws.String("portfolio-" + kind + "-live-000000000000")
		versioning, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
		require.NoError(t, err, *bucket)
		assert.Equal(t, s3types.BucketVersioningStatusEnabled, versioning.Status, *bucket)
		access, err := client.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: bucket})
		require.NoError(t, err, *bucket)
		block := access.PublicAccessBlockConfiguration
		assert.True(t, *block.BlockPublicAcls && *block.BlockPublicPolicy && *block.IgnorePublicAcls &&
			*block.RestrictPublicBuckets, *bucket)
		encryption, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: bucket})
		require.NoError(t, err, *bucket)
		assert.Len(t, encryption.ServerSideEncryptionConfiguration.Rules, 1, *bucket)
		policy, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: bucket})
		require.NoError(t, err, *bucket)
		assert.Contains(t, *policy.Policy, `"aws:SecureTransport":"false"`, *bucket)
		owner, err := client.GetBucketOwnershipControls(ctx, &s3.GetBucketOwnershipControlsInput{Bucket: bucket})
		require.NoError(t, err, *bucket)
		assert.Equal(t, s3types.ObjectOwnershipBucketOwnerEnforced, owner.OwnershipControls.Rules[0].ObjectOwnership, *bucket)
	}
	history := aws.String("portfolio-hist-live-000000000000")
	life, err := client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: history})
	require.NoError(t, err)
	var moves []string
	for _, rule := range life.Rules {
		for _, move := range rule.Transitions {
			moves = append(moves, fmt.Sprintf("%s after %d days", move.StorageClass, *move.Days))
		}
	}
	assert.ElementsMatch(t, []string{"STANDARD_IA after 30 days", "GLACIER_IR after 180 days"}, moves)
	logging, err := client.GetBucketLogging(ctx, &s3.GetBucketLoggingInput{Bucket: history})
	require.NoError(t, err)
	assert.Equal(t, "portfolio-logs-live-000000000000", *logging.LoggingEnabled.TargetBucket)
	objects, err := client.ListObjectsV2(ctx,
		&s3.ListObjectsV2Input{Bucket: aws.String("portfolio-artifacts-live-000000000000")})
	require.NoError(t, err)
	require.Len(t, objects.Contents, 1)
	assert.Regexp(t, `^service/[0-9a-f]{64}/portfolio$`, *objects.Contents[0].Key)
}

func apiResources(t *testing.T, p *platform.Platform, cfg aws.Config) {
	ctx := t.Context()
	id, err := p.Output("websocket-api-id")
	require.NoError(t, err)
	gateway := apigatewayv2.NewFromConfig(cfg)
	api, err := gateway.GetApi(ctx, &apigatewayv2.GetApiInput{ApiId: &id})
	require.NoError(t, err)
	assert.Equal(t, "portfolio-ws-api-live WEBSOCKET $request.body.action",
		fmt.Sprintf("%s %s %s", *api.Name, api.ProtocolType, *api.RouteSelectionExpression))
	routes, err := gateway.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &id})
	require.NoError(t, err)
	var keys []string
	for _, route := range routes.Items {
		keys = append(keys, *route.RouteKey)
	}
	assert.ElementsMatch(t, []string{"$connect", "$disconnect", "$default"}, keys)
	stage, err := gateway.GetStage(ctx, &apigatewayv2.GetStageInput{ApiId: &id, StageName: aws.String("prod")})
	require.NoError(t, err)
	assert.True(t, *stage.AutoDeploy)
	assert.Positive(t, *stage.DefaultRouteSettings.ThrottlingRateLimit)
	assert.Positive(t, *stage.DefaultRouteSettings.ThrottlingBurstLimit)

	functions := lambda.NewFromConfig(cfg)
	function, err := functions.GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: aws.String("portfolio-ws-handler-live")})
	require.NoError(t, err)
	assert.Equal(t, []any{"provided.al2023", int32(256), int32(30)},
		[]any{string(function.Runtime), *function.MemorySize, *function.Timeout})
	balancer, err := p.Output("alb-dns-name")
	require.NoError(t, err)
	assert.Equal(t, balancer, function.Environment.Variables["ALB_DNS"])
	policy, err := functions.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: function.FunctionName})
	require.NoError(t, err)
	assert.Contains(t, *policy.Policy, id+"/prod/*")
}

func monitoringResources(t *testing.T, cfg aws.Config) {
	ctx := t.Context()
	watch := cloudwatch.NewFromConfig(cfg)
	dashboard, err := watch.GetDashboard(ctx,
		&cloudwatch.GetDashboardInput{DashboardName: aws.String("portfolio-tracking-metrics-live")})
	require.NoError(t, err)
	for _, want := range []string{"CPUUtilization", "TargetResponseTime", "RequestCount", "DatabaseConnections", "GroupInServiceInstances", "p99"} {
		assert.Contains(t, *dashboard.DashboardBody, want)
	}
	alarms, err := watch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	require.NoError(t, err)
	var names []string
	for _, alarm := range alarms.MetricAlarms {
		if name, found := strings.CutSuffix(*alarm.AlarmName, "-live"); found && strings.HasPrefix(name, "portfolio-") {
			names = append(names, strings.TrimPrefix(name, "portfolio-"))
		}
	}
	assert.ElementsMatch(t, []string{
		"alb-5xx", "target-5xx", "alb-p99", "unhealthy-hosts", "in-service", "db-cpu", "db-storage", "db-memory",
		"db-connections", "cache-throttled", "cache-storage", "handler-errors", "handler-throttles",
		"integration-errors", "push-lag", "quote-age", "sources", "history-failures", "nat-ports-a", "nat-ports-b",
	}, names)
	topics, err := sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
	require.NoError(t, err)
	var topic *string
	for _, one := range topics.Topics {
		if strings.HasSuffix(*one.TopicArn, ":portfolio-alarms-live") {
			topic = one.TopicArn
		}
	}
	require.NotNil(t, topic)
	attributes, err := sns.NewFromConfig(cfg).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic})
	require.NoError(t, err)
	assert.Contains(t, attributes.Attributes["KmsMasterKeyId"], "key/")

	groups, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	require.NoError(t, err)
	kept := map[string]int32{}
	for _, group := range groups.LogGroups {
		kept[*group.LogGroupName] = aws.ToInt32(group.RetentionInDays)
	}
	for _, name := range []string{
		"/portfolio/portfolio-flow-logs-live", "/portfolio/portfolio-service-live", "/aws/lambda/portfolio-ws-handler-live",
		"/aws/rds/instance/portfolio-holdings-db-live/postgresql", "/aws/rds/instance/portfolio-holdings-db-live/upgrade",
	} {
		assert.EqualValues(t, 30, kept[name], name)
	}
}

// rights checks the inline policies that matter most: what the instances and the handler
// may do, and with which resources.
func rights(t *testing.T, p *platform.Platform, cfg aws.Config) {
	client := iam.NewFromConfig(cfg)
	id, err := p.Output("websocket-api-id")
	require.NoError(t, err)
	for role, want := range map[string][]string{
		"portfolio-instance-live":   {"secretsmanager:GetSecretValue", "s3:PutObject", "execute-api:ManageConnections", id + "/prod/*/@connections/*"},
		"portfolio-ws-handler-live": {"logs:PutLogEvents", "xray:PutTraceSegments", "secretsmanager:GetSecretValue"},
	} {
		names, err := client.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: &role})
		require.NoError(t, err)
		var text strings.Builder
		for _, name := range names.PolicyNames {
			policy, err := client.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
			require.NoError(t, err)
			document, err := url.QueryUnescape(*policy.PolicyDocument)
			require.NoError(t, err)
			text.WriteString(document)
		}
		for _, part := range want {
			assert.Contains(t, text.String(), part, role)
		}
	}
	attached, err := client.ListAttachedRolePolicies(t.Context(),
		&iam.ListAttachedRolePoliciesInput{RoleName: aws.String("portfolio-instance-live")})
	require.NoError(t, err)
	var managed []string
	for _, policy := range attached.AttachedPolicies {
		managed = append(managed, *policy.PolicyName)
	}
	assert.ElementsMatch(t, []string{"AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy"}, managed)
}

// peers returns the other ends of a permission, with security groups by name.
func peers(permission ec2types.IpPermission, names map[string]string) []string {
	var all []string
	for _, r := range permission.IpRanges {
		all = append(all, *r.CidrIp)
	}
	for _, g := range permission.UserIdGroupPairs {
		all = append(all, names[*g.GroupId])
	}
	return all
}

func portRange(permission ec2types.IpPermission) string {
	if aws.ToString(permission.IpProtocol) == "-1" {
		return "all"
	}
	if aws.ToInt32(permission.FromPort) == aws.ToInt32(permission.ToPort) {
		return fmt.Sprint(aws.ToInt32(permission.FromPort))
	}
	return fmt.Sprintf("%d-%d", *permission.FromPort, *permission.ToPort)
}
