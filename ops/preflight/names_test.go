package preflight

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// maker creates one resource with a name and returns how to remove it.
type maker func(t *testing.T, cfg aws.Config, name string) (undo func() error)

// nameFaults has a left-over of each type.
func nameFaults() []planted {
	things := []struct {
		spoken, name string
		make         maker
	}{
		{"DB instance", "portfolio-holdings-db-pr7", makeDatabase},
		{"DB subnet group", "portfolio-db-subnet-group-pr7", makeSubnetGroup},
		{"load balancer", "portfolio-alb-pr7", makeLoadBalancer},
		{"target group", "portfolio-tg-pr7", makeTargetGroup},
		{"serverless cache", "portfolio-market-cache-pr7", makeCache},
		{"Lambda function", "portfolio-ws-handler-pr7", makeFunction},
		{"Auto Scaling group", "portfolio-asg-pr7", makeGroup},
		{"launch template", "portfolio-lt-pr7", makeLaunchTemplate},
		{"instance profile", "portfolio-instance-pr7", makeInstanceProfile},
		{"dashboard", "portfolio-tracking-metrics-pr7", makeDashboard},
		{"topic", "portfolio-alarms-pr7", makeTopic},
		{"role", "portfolio-flow-logs-pr7", makeRole},
		{"role", "portfolio-instance-pr7", makeRole},
		{"role", "portfolio-db-monitoring-pr7", makeRole},
		{"role", "portfolio-ws-handler-pr7", makeRole},
		{"log group", "/aws/lambda/portfolio-ws-handler-pr7", makeLogGroup},
		{"log group", "/aws/rds/instance/portfolio-holdings-db-pr7/postgresql", makeLogGroup},
		{"key alias", "alias/portfolio-alarms-pr7", makeAlias},
		{"bucket", "portfolio-artifacts-pr7-" + account, makeBucket},
	}
	var faults []planted
	for _, thing := range things {
		faults = append(faults, planted{
			name: thing.spoken + " " + thing.name,
			plant: func(t *testing.T, c cloud) (func(), map[string]string) {
				undo := thing.make(t, c.aws("us-east-1"), thing.name)
				return func() { require.NoError(t, undo()) }, nil
			},
			want: []string{thing.spoken + " " + thing.name + ": got one that is not in the state, want the name to be free; fix: remove it (`aws "},
		})
	}
	return faults
}

// What the state has is this environment's own; what is no longer in the state is not.
func TestStateOwnsNames(t *testing.T) {
	c := newCloud(t)
	name := "portfolio-alarms-pr7"
	undo := makeTopic(t, c.aws("us-east-1"), name)
	cases := map[string]struct {
		state string
		taken int
	}{
		"of this environment":      {stateOf("aws_sns_topic", map[string]any{"name": name}), 0},
		"of another name":          {stateOf("aws_sns_topic", map[string]any{"name": name + "7"}), 1},
		"of another type":          {stateOf("aws_iam_role", map[string]any{"name": name}), 1},
		"read, not made":           {strings.Replace(stateOf("aws_sns_topic", map[string]any{"name": name}), "managed", "data", 1), 1},
		"entry without a resource": {`{"version":4,"resources":[{"mode":"managed","type":"aws_sns_topic","name":"it","instances":[]}]}`, 1},
	}
	for what, tc := range cases {
		t.Run(what, func(t *testing.T) {
			defer c.put(t, "pr7/portfolio-pr7.tfstate", tc.state)()
			assert.Len(t, c.run(t, nil).Findings, tc.taken)
		})
	}
	t.Run("of a bucket misspelled", func(t *testing.T) {
		report := c.run(t, map[string]string{"TERRAFORM_STATE_BUCKET": "preflight-sttaes"})
		expect(t, report, []string{"state bucket preflight-sttaes: got none"})
	})
	require.NoError(t, undo())

	t.Run("addresses count once", func(t *testing.T) {
		undo, _ := addressesTaken(t, c)
		defer undo()
		all, err := ec2.NewFromConfig(c.aws("us-east-1")).DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{})
		require.NoError(t, err)
		defer c.put(t, "pr7/portfolio-pr7.tfstate", stateOf("aws_eip", map[string]any{"id": *all.Addresses[0].AllocationId}))()
		assert.Empty(t, c.run(t, nil).Findings, "three others and the two that it needs, one of which it has")
	})
	t.Run("a generated name never meets another", func(t *testing.T) {
		defer c.deletedSecret(t, "portfolio-signing-key-pr7-202601020304050600000000a1")()
		defer c.deletedSecret(t, "portfolio-signing-key-pr7-b-202601020304050600000000a1")() // of another environment
		report := c.run(t, nil)
		require.Len(t, report.Findings, 1)
		assert.Contains(t, report.Findings[0].String(), "note: secret portfolio-signing-key-pr7-202601020304050600000000a1: got pending deletion since ")
		assert.Contains(t, report.Findings[0].Fix, "delete-secret --force-delete-without-recovery --secret-id arn:aws:secretsmanager:")
		assert.Zero(t, report.Faults())
	})
	c.clean(t)
}

// subnets are two of the default VPC, in two zones.
func subnets(t *testing.T, cfg aws.Config) (ids []string) {
	t.Helper()
	out, err := ec2.NewFromConfig(cfg).DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(out.Subnets), 2)
	return []string{*out.Subnets[0].SubnetId, *out.Subnets[1].SubnetId}
}

func makeDatabase(t *testing.T, cfg aws.Config, name string) func() error {
	client := rds.NewFromConfig(cfg)
	_, err := client.CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: aws.String("db.t3.micro"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("owner"), MasterUserPassword: aws.String("not-a-secret"),
	})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &name, SkipFinalSnapshot: aws.Bool(true)})
		return err
	}
}

func makeSubnetGroup(t *testing.T, cfg aws.Config, name string) func() error {
	client := rds.NewFromConfig(cfg)
	_, err := client.CreateDBSubnetGroup(t.Context(), &rds.CreateDBSubnetGroupInput{
		DBSubnetGroupName: &name, DBSubnetGroupDescription: &name, SubnetIds: subnets(t, cfg),
	})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteDBSubnetGroup(t.Context(), &rds.DeleteDBSubnetGroupInput{DBSubnetGroupName: &name})
		return err
	}
}

func makeLoadBalancer(t *testing.T, cfg aws.Config, name string) func() error {
	client := elasticloadbalancingv2.NewFromConfig(cfg)
	out, err := client.CreateLoadBalancer(t.Context(), &elasticloadbalancingv2.CreateLoadBalancerInput{Name: &name, Subnets: subnets(t, cfg)})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteLoadBalancer(t.Context(), &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: out.LoadBalancers[0].LoadBalancerArn})
		return err
	}
}

func makeTargetGroup(t *testing.T, cfg aws.Config, name string) func() error {
	client := elasticloadbalancingv2.NewFromConfig(cfg)
	out, err := client.CreateTargetGroup(t.Context(), &elasticloadbalancingv2.CreateTargetGroupInput{
		Name: &name, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: aws.String("vpc-00000001"),
	})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteTargetGroup(t.Context(), &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: out.TargetGroups[0].TargetGroupArn})
		return err
	}
}

func makeCache(t *testing.T, cfg aws.Config, name string) func() error {
	client := elasticache.NewFromConfig(cfg)
	_, err := client.CreateServerlessCache(t.Context(), &elasticache.CreateServerlessCacheInput{ServerlessCacheName: &name, Engine: aws.String("valkey")})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteServerlessCache(t.Context(), &elasticache.DeleteServerlessCacheInput{ServerlessCacheName: &name})
		return err
	}
}

func makeFunction(t *testing.T, cfg aws.Config, name string) func() error {
	client := lambda.NewFromConfig(cfg)
	_, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String("arn:aws:iam::" + account + ":role/any"), Runtime: lambdatypes.RuntimeProvidedal2023,
		Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: emptyZip()},
	})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: &name})
		return err
	}
}

// emptyZip is an empty archive.
func emptyZip() []byte { return append([]byte("PK\x05\x06"), make([]byte, 18)...) }

func makeGroup(t *testing.T, cfg aws.Config, name string) func() error {
	client := autoscaling.NewFromConfig(cfg)
	_, err := client.CreateAutoScalingGroup(t.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: &name, MinSize: aws.Int32(0), MaxSize: aws.Int32(0), AvailabilityZones: []string{"us-east-1a"},
		LaunchConfigurationName: aws.String("any"),
	})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteAutoScalingGroup(t.Context(), &autoscaling.DeleteAutoScalingGroupInput{AutoScalingGroupName: &name, ForceDelete: aws.Bool(true)})
		return err
	}
}

func makeLaunchTemplate(t *testing.T, cfg aws.Config, name string) func() error {
	client := ec2.NewFromConfig(cfg)
	_, err := client.CreateLaunchTemplate(t.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name, LaunchTemplateData: &ec2types.RequestLaunchTemplateData{InstanceType: ec2types.InstanceTypeT3Micro},
	})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteLaunchTemplate(t.Context(), &ec2.DeleteLaunchTemplateInput{LaunchTemplateName: &name})
		return err
	}
}

func makeInstanceProfile(t *testing.T, cfg aws.Config, name string) func() error {
	client := iam.NewFromConfig(cfg)
	_, err := client.CreateInstanceProfile(t.Context(), &iam.CreateInstanceProfileInput{InstanceProfileName: &name})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteInstanceProfile(t.Context(), &iam.DeleteInstanceProfileInput{InstanceProfileName: &name})
		return err
	}
}

func makeRole(t *testing.T, cfg aws.Config, name string) func() error {
	client := iam.NewFromConfig(cfg)
	_, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[]}`)})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: &name})
		return err
	}
}

func makeDashboard(t *testing.T, cfg aws.Config, name string) func() error {
	client := cloudwatch.NewFromConfig(cfg)
	_, err := client.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: aws.String(`{"widgets":[]}`)})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteDashboards(t.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
		return err
	}
}

func makeTopic(t *testing.T, cfg aws.Config, name string) func() error {
	client := sns.NewFromConfig(cfg)
	out, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: out.TopicArn})
		return err
	}
}

// makeLogGroup makes another whose name begins with the name, too.
func makeLogGroup(t *testing.T, cfg aws.Config, name string) func() error {
	client := cloudwatchlogs.NewFromConfig(cfg)
	longer := name + "-longer"
	for _, n := range []*string{&longer, &name} {
		_, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: n})
		require.NoError(t, err)
	}
	return func() error {
		// The longer one stays: it is not the name, so clean accounts may have it.
		_, err := client.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &name})
		return err
	}
}

func makeAlias(t *testing.T, cfg aws.Config, name string) func() error {
	client := kms.NewFromConfig(cfg)
	key, err := client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	require.NoError(t, err)
	_, err = client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: key.KeyMetadata.KeyId})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteAlias(t.Context(), &kms.DeleteAliasInput{AliasName: &name})
		return err
	}
}

func makeBucket(t *testing.T, cfg aws.Config, name string) func() error {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name})
	require.NoError(t, err)
	return func() error {
		_, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &name})
		return err
	}
}
