package servers_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
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
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// statement is a statement of an IAM policy.
type statement struct {
	Sid                      string `json:",omitempty"`
	Effect, Action, Resource string
	Condition                map[string]map[string]string `json:",omitempty"`
}

func allow(action, resource string) statement {
	return statement{Effect: "Allow", Action: action, Resource: resource}
}

func allowIf(action, key, value string) statement {
	operator := "StringEquals"
	if key == "kms:ResourceAliases" || strings.HasPrefix(key, "route53:") { // have several values
		operator = "ForAnyValue:StringEquals"
	}
	return statement{"", "Allow", action, "*", map[string]map[string]string{operator: {key: value}}}
}

// account is an emulated account, seen by its root.
type account struct{ aws.Config }

func newAccount(t *testing.T) account { return newRecordedAccount(t, "") }

func newRecordedAccount(t *testing.T, recording string) account {
	t.Helper()
	e, err := servers.StartEmulator(t.Context(), servers.EmulatorConfig{EnforceIAM: true, Recording: recording})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Stop()) })
	return account{aws.Config{
		Region: "us-east-1", BaseEndpoint: &e.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
}

const anyoneMayAssume = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// as returns the account as seen by a new role with these rights.
func (a account) as(t *testing.T, name string, rights ...statement) aws.Config {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": rights})
	require.NoError(t, err)
	client := iam.NewFromConfig(a.Config)
	role, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(anyoneMayAssume)})
	require.NoError(t, err)
	_, err = client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("rights"), PolicyDocument: aws.String(string(text))})
	require.NoError(t, err)
	session, err := sts.NewFromConfig(a.Config).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("test")})
	require.NoError(t, err)
	c := a.Config
	c.Credentials = credentials.NewStaticCredentialsProvider(
		*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken)
	return c
}

func vpc(c aws.Config, tag string) error {
	in := &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}
	if tag != "" {
		in.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVpc, Tags: []ec2types.Tag{{Key: aws.String("Environment"), Value: &tag}}}}
	}
	_, err := ec2.NewFromConfig(c).CreateVpc(context.Background(), in)
	return err
}

func database(c aws.Config, name, role string) error {
	in := &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: &name, DBInstanceClass: aws.String("db.t3.micro"), Engine: aws.String("postgres"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("master"), MasterUserPassword: aws.String("a long password"),
		Tags: []rdstypes.Tag{{Key: aws.String("Environment"), Value: aws.String("one")}},
	}
	if role != "" {
		in.MonitoringInterval, in.MonitoringRoleArn = aws.Int32(60), &role
	}
	_, err := rds.NewFromConfig(c).CreateDBInstance(context.Background(), in)
	return err
}

// TestAuthorization checks what authorization.py adds to the emulator: each call is denied
// to a role that has all rights but one, and allowed to a role that has them all.
func TestAuthorization(t *testing.T) {
	a, ctx := newAccount(t), t.Context()
	tagged := "Environment"

	// What the calls below name.
	network := ec2.NewFromConfig(a.Config)
	out, err := network.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16"), TagSpecifications: []ec2types.TagSpecification{
		{ResourceType: ec2types.ResourceTypeVpc, Tags: []ec2types.Tag{{Key: &tagged, Value: aws.String("one")}}},
	}})
	require.NoError(t, err)
	vpcID := out.Vpc.VpcId
	require.NoError(t, database(a.Config, "first", ""))
	balancing := elbv2.NewFromConfig(a.Config)
	group, err := balancing.CreateTargetGroup(ctx, &elbv2.CreateTargetGroupInput{
		Name: aws.String("group"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: vpcID,
		Tags: []elbtypes.Tag{{Key: &tagged, Value: aws.String("one")}},
	})
	require.NoError(t, err)
	_, err = cloudwatchlogs.NewFromConfig(a.Config).CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{
		LogGroupName: aws.String("group"), Tags: map[string]string{tagged: "one"},
	})
	require.NoError(t, err)
	key, err := kms.NewFromConfig(a.Config).CreateKey(ctx, &kms.CreateKeyInput{})
	require.NoError(t, err)
	_, err = kms.NewFromConfig(a.Config).CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/one"), TargetKeyId: key.KeyMetadata.KeyId})
	require.NoError(t, err)
	boundary, err := iam.NewFromConfig(a.Config).CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("boundary"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`),
	})
	require.NoError(t, err)
	const monitoring = "arn:aws:iam::000000000000:role/monitoring"
	_, err = iam.NewFromConfig(a.Config).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("monitoring"), AssumeRolePolicyDocument: aws.String(anyoneMayAssume)})
	require.NoError(t, err)

	createDatabase := []statement{
		allow("rds:*", "arn:aws:rds:us-east-1:000000000000:db:*"), allow("rds:*", "arn:aws:rds:us-east-1:000000000000:og:default:postgres-*"),
		allowIf("iam:PassRole", "iam:PassedToService", "monitoring.rds.amazonaws.com"),
	}
	createCache := []statement{
		allow("elasticache:*", "arn:aws:elasticache:us-east-1:000000000000:serverlesscache:*"), allow("ec2:CreateVpcEndpoint", "*"),
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
			allowed: []statement{allow("ec2:CreateVpc", "*"), allow("ec2:CreateTags", "arn:aws:ec2:us-east-1:000000000000:vpc/*")},
			denied:  []statement{allow("ec2:CreateVpc", "*")},
			call:    func(c aws.Config, _ string) error { return vpc(c, "one") },
		},
		"aws:ResourceTag of EC2": {
			allowed: []statement{allowIf("ec2:ModifyVpcAttribute", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("ec2:ModifyVpcAttribute", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := ec2.NewFromConfig(c).ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{
					VpcId: vpcID, EnableDnsSupport: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
				})
				return err
			},
		},
		"every resource that a call to EC2 names": {
			allowed: []statement{allow("ec2:CreateSubnet", "arn:aws:ec2:us-east-1:000000000000:subnet/*"), allow("ec2:CreateSubnet", "arn:aws:ec2:us-east-1:000000000000:vpc/*")},
			denied:  []statement{allow("ec2:CreateSubnet", "arn:aws:ec2:us-east-1:000000000000:subnet/*")},
			call: func(c aws.Config, _ string) error {
				_, err := ec2.NewFromConfig(c).CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: vpcID, CidrBlock: aws.String("10.1.1.0/24")})
				return err
			},
		},
		"aws:ResourceTag of RDS": {
			allowed: []statement{allowIf("rds:AddTagsToResource", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("rds:AddTagsToResource", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := rds.NewFromConfig(c).AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
					ResourceName: aws.String("arn:aws:rds:us-east-1:000000000000:db:first"), Tags: []rdstypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
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
					TargetGroupArn: group.TargetGroups[0].TargetGroupArn, HealthCheckPath: aws.String("/health"),
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
			allowed: []statement{allowIf("iam:CreateRole", "iam:PermissionsBoundary", *boundary.Policy.Arn)},
			denied:  []statement{allowIf("iam:CreateRole", "iam:PermissionsBoundary", "arn:aws:iam::000000000000:policy/other")},
			call: func(c aws.Config, n string) error {
				_, err := iam.NewFromConfig(c).CreateRole(ctx, &iam.CreateRoleInput{
					RoleName: aws.String("bounded-" + n), AssumeRolePolicyDocument: aws.String(anyoneMayAssume), PermissionsBoundary: boundary.Policy.Arn,
				})
				return err
			},
		},
		"iam:AWSServiceName": {
			allowed: []statement{allowIf("iam:CreateServiceLinkedRole", "iam:AWSServiceName", "rds.amazonaws.com")},
			denied:  []statement{allowIf("iam:CreateServiceLinkedRole", "iam:AWSServiceName", "ec2.amazonaws.com")},
			call: func(c aws.Config, _ string) error {
				_, err := iam.NewFromConfig(c).CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("rds.amazonaws.com")})
				return err
			},
		},
		"kms:ResourceAliases": {
			allowed: []statement{allowIf("kms:DescribeKey", "kms:ResourceAliases", "alias/one")},
			denied:  []statement{allowIf("kms:DescribeKey", "kms:ResourceAliases", "alias/two")},
			call: func(c aws.Config, _ string) error {
				_, err := kms.NewFromConfig(c).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyMetadata.KeyId})
				return err
			},
		},
		"aws:SecureTransport on loopback": {
			allowed: []statement{allowIf("s3:CreateBucket", "aws:SecureTransport", "true")},
			denied:  []statement{allowIf("s3:CreateBucket", "aws:SecureTransport", "false")},
			call: func(c aws.Config, n string) error {
				_, err := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bucket-" + n)})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) { a.allowsAndDenies(t, roleName(name), c.allowed, c.denied, c.call) })
	}
}

// allowsAndDenies makes a call with two roles, whose names begin with id.
func (a account) allowsAndDenies(t *testing.T, id string, allowed, denied []statement, call func(c aws.Config, n string) error) {
	t.Helper()
	var refusal smithy.APIError
	err := call(a.as(t, id+"-denied", denied...), id)
	require.ErrorAs(t, err, &refusal)
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && refusal.ErrorCode() == "UnknownError" { // Route 53's, whose client cannot read the answer
		require.Equal(t, http.StatusForbidden, response.HTTPStatusCode())
	} else {
		require.Contains(t, []string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}, refusal.ErrorCode(), refusal.ErrorMessage())
	}
	require.NoError(t, call(a.as(t, id+"-allowed", allowed...), id))
}

// roleName returns the letters of a test's name, which AWS accepts as a name.
func roleName(test string) string {
	var name []byte
	for _, c := range []byte(strings.ToLower(test)) {
		if c >= 'a' && c <= 'z' {
			name = append(name, c)
		}
	}
	return string(name)
}
