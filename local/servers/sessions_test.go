package servers_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	apitypes "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestConditionsOnOtherServices continues TestAuthorization.
func TestConditionsOnOtherServices(t *testing.T) {
	a, ctx := newAccount(t), t.Context()
	zone, err := route53.NewFromConfig(a.Config).CreateHostedZone(ctx, &route53.CreateHostedZoneInput{
		Name: aws.String("example.com"), CallerReference: aws.String("1"),
	})
	require.NoError(t, err)
	key, err := kms.NewFromConfig(a.Config).CreateKey(ctx, &kms.CreateKeyInput{
		Tags: []kmstypes.Tag{{TagKey: aws.String("Environment"), TagValue: aws.String("one")}},
	})
	require.NoError(t, err)
	certificate, err := acm.NewFromConfig(a.Config).RequestCertificate(ctx, &acm.RequestCertificateInput{
		DomainName: aws.String("example.com"), Tags: []acmtypes.Tag{{Key: aws.String("Environment"), Value: aws.String("one")}},
	})
	require.NoError(t, err)

	api, err := apigatewayv2.NewFromConfig(a.Config).CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("socket"), ProtocolType: apitypes.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	require.NoError(t, err)

	association := associateTable(t, ec2.NewFromConfig(a.Config), "one")

	record := func(c aws.Config, _ string) error {
		_, err := route53.NewFromConfig(c).ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
			HostedZoneId: zone.HostedZone.Id, ChangeBatch: &r53types.ChangeBatch{Changes: []r53types.Change{{
				Action: r53types.ChangeActionUpsert, ResourceRecordSet: &r53types.ResourceRecordSet{
					Name: aws.String("One.example.com."), Type: r53types.RRTypeA, TTL: aws.Int64(60),
					ResourceRecords: []r53types.ResourceRecord{{Value: aws.String("192.0.2.1")}},
				},
			}}},
		})
		return err
	}
	const names, types = "route53:ChangeResourceRecordSetsNormalizedRecordNames", "route53:ChangeResourceRecordSetsRecordTypes"
	for name, c := range map[string]struct {
		allowed, denied []statement
		call            func(c aws.Config, n string) error
	}{
		"the route table of an association": {
			allowed: []statement{allowIf("ec2:DisassociateRouteTable", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("ec2:DisassociateRouteTable", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := ec2.NewFromConfig(c).DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: association})
				return err
			},
		},
		"names of records": {
			allowed: []statement{allowIf("route53:ChangeResourceRecordSets", names, "one.example.com")},
			denied:  []statement{allowIf("route53:ChangeResourceRecordSets", names, "two.example.com")},
			call:    record,
		},
		"types of records": {
			allowed: []statement{allowIf("route53:ChangeResourceRecordSets", types, "A")},
			denied:  []statement{allowIf("route53:ChangeResourceRecordSets", types, "CNAME")},
			call:    record,
		},
		"changes of records": {
			allowed: []statement{allow("route53:GetChange", "arn:aws:route53:::change/*")},
			denied:  []statement{allow("route53:GetChange", "arn:aws:route53:::hostedzone/*")},
			call: func(c aws.Config, _ string) error {
				_, err := route53.NewFromConfig(c).GetChange(ctx, &route53.GetChangeInput{Id: zone.ChangeInfo.Id})
				return err
			},
		},
		"cloudwatch:namespace": {
			allowed: []statement{allowIf("cloudwatch:PutMetricData", "cloudwatch:namespace", "one")},
			denied:  []statement{allowIf("cloudwatch:PutMetricData", "cloudwatch:namespace", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := cloudwatch.NewFromConfig(c).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{
					Namespace: aws.String("one"), MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("m"), Value: aws.Float64(1)}},
				})
				return err
			},
		},
		"the delivery of an API's access logs": {
			allowed: []statement{allow("apigateway:*", "*"), allow("logs:CreateLogDelivery", "*")},
			denied:  []statement{allow("apigateway:*", "*")},
			call: func(c aws.Config, n string) error {
				_, err := apigatewayv2.NewFromConfig(c).CreateStage(ctx, &apigatewayv2.CreateStageInput{
					ApiId: api.ApiId, StageName: aws.String("prod"), AccessLogSettings: &apitypes.AccessLogSettings{
						DestinationArn: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:group"), Format: aws.String("$context.requestId"),
					},
				})
				return err
			},
		},
		"the path of public parameters": {
			allowed: []statement{allow("ssm:GetParametersByPath", "arn:aws:ssm:us-east-1::parameter/aws/service/ami-amazon-linux-latest")},
			denied:  []statement{allow("ssm:GetParametersByPath", "arn:aws:ssm:us-east-1:000000000000:parameter/*")},
			call: func(c aws.Config, _ string) error {
				return call(ctx, c, "ssm", "AmazonSSM.GetParametersByPath", `{"Path":"/aws/service/ami-amazon-linux-latest"}`)
			},
		},
		"aws:ResourceTag of keys": {
			allowed: []statement{allowIf("kms:DescribeKey", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("kms:DescribeKey", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := kms.NewFromConfig(c).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyMetadata.KeyId})
				return err
			},
		},
		"aws:RequestTag of keys": {
			allowed: []statement{allowIf("kms:CreateKey", "aws:RequestTag/Environment", "one"), allow("kms:TagResource", "*")},
			denied:  []statement{allowIf("kms:CreateKey", "aws:RequestTag/Environment", "two"), allow("kms:TagResource", "*")},
			call: func(c aws.Config, _ string) error {
				_, err := kms.NewFromConfig(c).CreateKey(ctx, &kms.CreateKeyInput{
					Tags: []kmstypes.Tag{{TagKey: aws.String("Environment"), TagValue: aws.String("one")}},
				})
				return err
			},
		},
		"aws:ResourceTag of certificates": {
			allowed: []statement{allowIf("acm:AddTagsToCertificate", "aws:ResourceTag/Environment", "one")},
			denied:  []statement{allowIf("acm:AddTagsToCertificate", "aws:ResourceTag/Environment", "two")},
			call: func(c aws.Config, _ string) error {
				_, err := acm.NewFromConfig(c).AddTagsToCertificate(ctx, &acm.AddTagsToCertificateInput{
					CertificateArn: certificate.CertificateArn, Tags: []acmtypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
				})
				return err
			},
		},
		"aws:RequestTag of certificates": {
			allowed: []statement{allowIf("acm:RequestCertificate", "aws:RequestTag/Environment", "one"), allow("acm:AddTagsToCertificate", "*")},
			denied:  []statement{allowIf("acm:RequestCertificate", "aws:RequestTag/Environment", "two"), allow("acm:AddTagsToCertificate", "*")},
			call: func(c aws.Config, _ string) error {
				_, err := acm.NewFromConfig(c).RequestCertificate(ctx, &acm.RequestCertificateInput{
					DomainName: aws.String("www.example.com"), Tags: []acmtypes.Tag{{Key: aws.String("Environment"), Value: aws.String("one")}},
				})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) { a.allowsAndDenies(t, roleName(name), c.allowed, c.denied, c.call) })
	}
}

// associateTable associates a subnet with a route table that has a tag, and returns the ID of
// the association.
func associateTable(t *testing.T, client *ec2.Client, tag string) *string {
	t.Helper()
	ctx := t.Context()
	network, err := client.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.2.0.0/16")})
	require.NoError(t, err)
	subnet, err := client.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: network.Vpc.VpcId, CidrBlock: aws.String("10.2.1.0/24")})
	require.NoError(t, err)
	table, err := client.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: network.Vpc.VpcId, TagSpecifications: []ec2types.TagSpecification{
		{ResourceType: ec2types.ResourceTypeRouteTable, Tags: []ec2types.Tag{{Key: aws.String("Environment"), Value: &tag}}},
	}})
	require.NoError(t, err)
	associated, err := client.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{
		RouteTableId: table.RouteTable.RouteTableId, SubnetId: subnet.Subnet.SubnetId,
	})
	require.NoError(t, err)
	return associated.AssociationId
}

// call makes a call of a service that speaks JSON and for which there is no client here.
func call(ctx context.Context, c aws.Config, service, target, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *c.BaseEndpoint, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	keys, err := c.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	hash := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(hash[:]), service, c.Region, time.Now()); err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	problem := struct {
		Type    string `json:"__type"`
		Message string
	}{}
	if err := json.Unmarshal(text, &problem); err != nil {
		return err
	}
	return &smithy.GenericAPIError{Code: problem.Type, Message: problem.Message}
}

// TestWebIdentity checks that a role is assumed with the tokens that it trusts, and that the
// claims of a token remain condition keys.
func TestWebIdentity(t *testing.T) {
	a, ctx := newAccount(t), t.Context()
	const issuer = "token.actions.githubusercontent.com"
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/` + issuer + `"},` +
		`"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"` + issuer + `:aud":"sts.amazonaws.com","` + issuer + `:sub":["main","pull"]}}}]}`
	rights := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"` + issuer + `:sub":"main"}}}]}`
	client := iam.NewFromConfig(a.Config)
	role, err := client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("workflow"), AssumeRolePolicyDocument: &trust})
	require.NoError(t, err)
	_, err = client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("workflow"), PolicyName: aws.String("rights"), PolicyDocument: &rights})
	require.NoError(t, err)

	list := func(subject string) error {
		claims, err := json.Marshal(map[string]string{"iss": "https://" + issuer, "aud": "sts.amazonaws.com", "sub": subject})
		require.NoError(t, err)
		encode := base64.RawURLEncoding.EncodeToString
		session, err := sts.New(sts.Options{Region: a.Region, BaseEndpoint: a.BaseEndpoint}).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: role.Role.Arn, RoleSessionName: aws.String("test"),
			WebIdentityToken: aws.String(encode([]byte(`{"alg":"none"}`)) + "." + encode(claims) + "."),
		})
		if err != nil {
			return err
		}
		keys := session.Credentials
		_, err = s3.New(s3.Options{Region: a.Region, BaseEndpoint: a.BaseEndpoint, UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider(*keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken),
		}).ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	}
	require.NoError(t, list("main"))
	require.ErrorContains(t, list("pull"), "s3:ListAllMyBuckets")
	require.ErrorContains(t, list("fork"), "AssumeRoleWithWebIdentity")
}

// TestCredentialsOfInstances checks that an instance profile's address returns credentials
// with the rights of its role, new ones each time.
func TestCredentialsOfInstances(t *testing.T) {
	a, ctx := newAccount(t), t.Context()
	a.as(t, "instance", allow("s3:CreateBucket", "*"))
	client := iam.NewFromConfig(a.Config)
	_, err := client.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("profile")})
	require.NoError(t, err)
	from := func(profile string) aws.CredentialsProvider {
		return endpointcreds.New(*a.BaseEndpoint + "/v2/credentials/" + profile)
	}
	create := func(bucket string) string {
		keys, err := from("profile").Retrieve(ctx)
		require.NoError(t, err)
		require.WithinDuration(t, time.Now().Add(time.Hour), keys.Expires, time.Minute)
		c := s3.New(s3.Options{Region: a.Region, BaseEndpoint: a.BaseEndpoint, UsePathStyle: true, Credentials: credentials.StaticCredentialsProvider{Value: keys}})
		_, err = c.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket})
		require.NoError(t, err)
		_, err = c.ListBuckets(ctx, &s3.ListBucketsInput{})
		require.ErrorContains(t, err, "assumed-role/instance/")
		return keys.AccessKeyID
	}
	_, err = from("profile").Retrieve(ctx)
	require.Error(t, err, "a profile without a role")
	_, err = client.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("profile"), RoleName: aws.String("instance")})
	require.NoError(t, err)
	assert.NotEqual(t, create("bucket-one"), create("bucket-two"))
	_, err = from("other").Retrieve(ctx)
	require.Error(t, err, "no such profile")
}
