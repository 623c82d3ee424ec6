package servers_test

import (
	"path/filepath"
	"testing"

	"portfolio/local/servers"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// TestStatements records calls of a role with a permissions boundary, and finds which of its
// statements they need.
func TestStatements(t *testing.T) {
	recording := filepath.Join(t.TempDir(), "calls")
	a, ctx := newRecordedAccount(t, recording), t.Context()
	client := iam.NewFromConfig(a.Config)
	boundary, err := client.CreatePolicy(ctx,
		&iam.CreatePolicyInput{PolicyName: aws.String("boundary"), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Sid":"Storage","Effect":"Allow","Action":"s3:*","Resource":"*"},` +
				`{"Sid":"Network","Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)})
	require.NoError(t, err)
	named := func(sid, action, resource string) statement {
		return statement{Sid: sid, Effect: "Allow", Action: action, Resource: resource}
	}
	role := a.as(t, "writer", named("Create", "s3:CreateBucket", "*"), named("List", "s3:ListAllMyBuckets", "*"),
		named("Lists", "s3:List*", "*"), named("Delete", "s3:DeleteBucket", "*"))
	_, err = client.PutRolePermissionsBoundary(ctx,
		&iam.PutRolePermissionsBoundaryInput{RoleName: aws.String("writer"), PermissionsBoundary: boundary.Policy.Arn})
	require.NoError(t, err)
	buckets := s3.NewFromConfig(role, func(o *s3.Options) { o.UsePathStyle = true })
	_, err = buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("bucket-one")})
	require.NoError(t, err)
	_, err = buckets.ListBuckets(ctx, &s3.ListBucketsInput{})
	require.NoError(t, err)
	_, err = buckets.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: aws.String("bucket-one")})
	require.Error(t, err, "a call that is denied needs nothing")

	got, err := servers.Statements(ctx, recording)
	require.NoError(t, err)
	for i := range got {
		require.Contains(t, got[i].Text, `"sid": "`+got[i].Sid+`"`)
		got[i].Text = ""
	}
	const creation = "s3:CreateBucket on arn:aws:s3:::bucket-one"
	require.ElementsMatch(t, []servers.Statement{
		{Role: "writer", Sid: "Create", Call: creation},
		{Role: "writer", Sid: "List"}, // the other statement allows it as well
		{Role: "writer", Sid: "Lists"},
		{Role: "writer", Sid: "Delete"},
		{Role: "writer", Layer: 1, Sid: "Storage", Call: creation},
		{Role: "writer", Layer: 1, Sid: "Network"},
	}, got)
}
