package servers_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

func vpc(c aws.Config, tag string) error {
	in := &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}
	if tag != "" {
		in.TagSpecifications = []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeVpc,
			Tags:         []ec2types.Tag{{Key: aws.String("Environment"), Value: &tag}},
		}}
	}
	_, err := ec2.NewFromConfig(c).CreateVpc(context.Background(), in)
	return err
}

func database(c aws.Config, name, role string) error {
	in := &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: aws.String("db.t3.micro"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(20),
		MasterUsername:   aws.String("master"), MasterUserPassword: aws.String("a long password"),
		Tags: []rdstypes.Tag{{Key: aws.String("Environment"), Value: aws.String("one")}},
	}
	if role != "" {
		in.MonitoringInterval, in.MonitoringRoleArn = aws.Int32(60), &role
	}
	_, err := rds.NewFromConfig(c).CreateDBInstance(context.Background(), in)
	return err
}

// named is what the calls of TestAuthorization name.
type named struct{ vpc, targetGroup, key, boundary *string }

// monitoring is the ARN of a role that RDS may assume.
const monitoring = "arn:aws:iam::000000000000:role/monitoring"

func (a account) createNamed(t *testing.T) named {
	t.Helper()
	ctx, tagged := t.Context(), "Environment"
	vpcs, err := ec2.NewFromConfig(a.Config).CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock: aws.String("10.1.0.0/16"),
		TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeVpc,
			Tags:         []ec2types.Tag{{Key: &tagged, Value: aws.String("one")}},
		}},
	})
	require.NoError(t, err)
	require.NoError(t, database(a.Config, "first", ""))
	group, err := elbv2.NewFromConfig(a.Config).CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{
		Name: aws.String("group"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: vpcs.Vpc.VpcId,
		Tags: []elbtypes.Tag{{Key: &tagged, Value: aws.String("one")}},
	})
	require.NoError(t, err)
	_, err = cloudwatchlogs.NewFromConfig(a.Config).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{
		LogGroupName: aws.String("group"), Tags: map[string]string{tagged: "one"},
	})
	require.NoError(t, err)
	key, err := kms.NewFromConfig(a.Config).CreateKey(ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	_, err = kms.NewFromConfig(a.Config).CreateAlias(ctx, &kms.CreateAliasInput{
		AliasName: aws.String("alias/one"), TargetKeyId: key.KeyMetadata.KeyId,
	})
	require.NoError(t, err)
	boundary, err := iam.NewFromConfig(a.Config).CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("boundary"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`),
	})
	require.NoError(t, err)
	_, err = iam.NewFromConfig(a.Config).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("monitoring"), AssumeRolePolicyDocument: aws.String(anyoneMayAssume),
	})
	require.NoError(t, err)
	return named{vpcs.Vpc.VpcId, group.TargetGroups[0].TargetGroupArn, key.KeyMetadata.KeyId, boundary.Policy.Arn}
}

// TestAuthorization checks what authorization.py adds to the emulator: each call is denied
// to a role that has all rights but one, and allowed to a role that has them all.
func TestAuthorization(t *testing.T) {
	a, ctx := newAccount(t), t.Context()
	own := a.createNamed(t)

	createDatabase := []statement{
		allow("rds:*", "arn:aws:rds:us-east-1:000000000000:db:*"),
		allow("rds:*", "arn:aws:rds:us-east-1:000000000000:og:default:postgres-*"),
		allowIf("iam:PassRole", "iam:PassedToService", "monitoring.rds.amazonaws.com"),
	}
	createCache := []statement{
		allow("elasticache:*", "arn:aws:elasticache:us-east-1:000000000000:serverlesscache:*"),
		allow("ec2:CreateVpcEndpoint", "*"),
		allowIf("ec2:CreateTags", "aws:RequestTag/AmazonElastiCacheManaged", "true"),
	}
	for name, c := range map[string]struct {
		allowed, denied []statement
		call            func(c aws.Config, n string) error
	}{
		"aws:RequestTag of EC2": {
			allowed: []statement{allowIf("ec2:CreateVpc", "aws:RequestTag/Environment", "one"), allow("ec2:CreateTags", "*")},
			denied:  []statement{allowIf("ec2:CreateVpc", "aws:RequestTag/Environment", "two"), allow("ec2:CreateTags", "*")},
			call:    func(c aws.Config, _ string) error { return vpc(c, "one") },
		},
		"ec2:CreateAction": {
			allowed: []statement{allow("ec2:CreateVpc", "*"), allowIf("ec2:CreateTags", "ec2:CreateAction", "CreateVpc")},
			denied:  []statement{allow("ec2:CreateVpc", "*"), allowIf("ec2:CreateTags", "ec2:CreateAction", "CreateSubnet")},
			call:    func(c aws.Config, _ string) error { return vpc(c, "one") },
		},
		"ec2:CreateTags for tags at creation": {
			allowed: []statement{allow("ec2:CreateVpc", "*"),
				allow("ec2:CreateTags", "arn:aws:ec2:us-east-1:000000000000:vpc/*")},
			denied: []statement{allow("ec2:CreateVpc", "*")},
			call:   func(c aws.Config, _ string) error { return vpc(c, "one") },
		},
		"aws:ResourceTag of EC2": {
			allowed: []statement{allowIf("ec2:ModifyVpcAttribute", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("ec2:ModifyVpcAttribute", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := ec2.NewFromConfig(c).ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
					VpcId: own.vpc, EnableDnsSupport: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
				})
				return err
			},
		},
		"every resource that a call to EC2 names": {
			allowed: []statement{
				allow("ec2:CreateSubnet", "arn:aws:ec2:us-east-1:000000000000:subnet/*"),
				allow("ec2:CreateSubnet", "arn:aws:ec2:us-east-1:000000000000:vpc/*"),
			},
			denied: []statement{allow("ec2:CreateSubnet", "arn:aws:ec2:us-east-1:000000000000:subnet/*")},
			call: func(c aws.Config, _ string) error {
				_, err := ec2.NewFromConfig(c).CreateSubnet(ctx, &ec2.CreateSubnetInput{
					VpcId: own.vpc, CidrBlock: aws.String("10.1.1.0/24"),
				})
				return err
			},
		},
		"aws:ResourceTag of RDS": {
			allowed: []statement{allowIf("rds:AddTagsToResource", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("rds:AddTagsToResource", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := rds.NewFromConfig(c).AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
					ResourceName: aws.String("arn:aws:rds:us-east-1:000000000000:db:first"),
					Tags:         []rdstypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
				})
				return err
			},
		},
		"RDS's default option group": {
			allowed: createDatabase, denied: createDatabase[:1],
			call: func(c aws.Config, n string) error { return database(c, n, "") },
		},
		"iam:PassedToService": {
			allowed: createDatabase,
			denied:  append(createDatabase[:2:2], allowIf("iam:PassRole", "iam:PassedToService", "ec2.amazonaws.com")),
			call:    func(c aws.Config, n string) error { return database(c, "monitored-"+n, monitoring) },
		},
		"the VPC endpoint of a serverless cache": {
			allowed: createCache, denied: createCache[:2],
			call: func(c aws.Config, n string) error {
				_, err := elasticache.NewFromConfig(c).CreateServerlessCache(ctx, &elasticache.CreateServerlessCacheInput{
					ServerlessCacheName: &n, Engine: aws.String("valkey"),
				})
				return err
			},
		},
		"aws:ResourceTag of Elastic Load Balancing": {
			allowed: []statement{allowIf("elasticloadbalancing:ModifyTargetGroup", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("elasticloadbalancing:ModifyTargetGroup", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := elbv2.NewFromConfig(c).ModifyTargetGroup(ctx, &elbv2.ModifyTargetGroupInput{
					TargetGroupArn: own.targetGroup, HealthCheckPath: aws.String("/health"),
				})
				return err
			},
		},
		"aws:ResourceTag of log groups": {
			allowed: []statement{allowIf("logs:PutRetentionPolicy", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("logs:PutRetentionPolicy", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := cloudwatchlogs.NewFromConfig(c).PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{
					LogGroupName: aws.String("group"), RetentionInDays: aws.Int32(7),
				})
				return err
			},
		},
		"iam:PermissionsBoundary": {
			allowed: []statement{allowIf("iam:CreateRole", "iam:PermissionsBoundary", *own.boundary)},
			denied:  []statement{allowIf("iam:CreateRole", "iam:PermissionsBoundary", "arn:aws:iam::000000000000:policy/other")},
			call: func(c aws.Config, n string) error {
				_, err := iam.NewFromConfig(c).CreateRole(ctx, &iam.CreateRoleInput{
					RoleName: aws.String("bounded-" + n), PermissionsBoundary: own.boundary,
					AssumeRolePolicyDocument: aws.String(anyoneMayAssume),
				})
				return err
			},
		},
		"iam:AWSServiceName": {
			allowed: []statement{allowIf("iam:CreateServiceLinkedRole", "iam:AWSServiceName", "rds.amazonaws.com")},
			denied:  []statement{allowIf("iam:CreateServiceLinkedRole", "iam:AWSServiceName", "ec2.amazonaws.com")},
			call: func(c aws.Config, _ string) error {
				_, err := iam.NewFromConfig(c).CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{
					AWSServiceName: aws.String("rds.amazonaws.com"),
				})
				return err
			},
		},
		"kms:ResourceAliases": {
			allowed: []statement{allowIf("kms:DescribeKey", "kms:ResourceAliases", "alias/one")},
			denied:  []statement{allowIf("kms:DescribeKey", "kms:ResourceAliases", "alias/two")},
			call: func(c aws.Config, _ string) error {
				_, err := kms.NewFromConfig(c).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: own.key})
				return err
			},
		},
		"aws:SecureTransport on loopback": {
			allowed: []statement{allowIf("s3:CreateBucket", "aws:SecureTransport", "true")},
			denied:  []statement{allowIf("s3:CreateBucket", "aws:SecureTransport", "false")},
			call: func(c aws.Config, n string) error {
				buckets := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
				_, err := buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bucket-" + n)})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) { a.allowsAndDenies(t, roleName(name), c.allowed, c.denied, c.call) })
	}
}
