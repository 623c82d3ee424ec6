package stacks

import (
	"maps"
	"slices"

	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iaminstanceprofile"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/iamrolepolicyattachment"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3object"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// serviceBinary is where make builds the service, relative to the stack's folder so
// that the output is the same on every machine.
const serviceBinary = "../../../build/backend/portfolio"

// artifact is the service's binary in its bucket, named by its own content.
type artifact struct {
	Bucket      bucket
	Key, SHA256 *string // SHA256 in hex, computed by Terraform when it plans
	Object      cdktf.ITerraformDependable
}

// newArtifact uploads the service. The hash is in the key and in the user data, so
// that a new binary makes a new launch template and old instances keep theirs.
func newArtifact(scope constructs.Construct, p ComputeProps) artifact {
	name := p.Names.Bucket("artifacts", *p.Account)
	b := newBucket(scope, "artifacts", bucketProps{
		Name:           &name,
		EmptyOnDestroy: p.Buckets.EmptyOnDestroy,
		KeyARN:         p.KeyARN,
		LogsBucket:     p.Database.Logs.Name,
	})
	hash := cdktf.Fn_Filesha256(jsii.String(serviceBinary))
	key := "service/" + *hash + "/portfolio"
	object := s3object.NewS3Object(scope, jsii.String("service-binary"), &s3object.S3ObjectConfig{
		Bucket: b.Name,
		Key:    &key,
		Source: jsii.String(serviceBinary),
		// Not etag, which is not a hash of the content above 16 MB or with KMS.
		SourceHash:  cdktf.Fn_Filemd5(jsii.String(serviceBinary)),
		ContentType: jsii.String("application/octet-stream"),
		DependsOn:   &[]cdktf.ITerraformDependable{b.Ready},
		Lifecycle:   &cdktf.TerraformResourceLifecycle{CreateBeforeDestroy: jsii.Bool(true)},
	})
	return artifact{Bucket: b, Key: &key, SHA256: hash, Object: object}
}

// instanceRights are what an instance may use in addition to ComputeProps.
type instanceRights struct {
	SigningSecret *string // ARN
	Artifact      artifact
}

// instanceRole is the role that instances run with.
type instanceRole struct {
	Name, Profile *string                      // role name, instance profile ARN
	Ready         []cdktf.ITerraformDependable // all its policies
}

func newInstanceRole(scope constructs.Construct, p ComputeProps, rights instanceRights) instanceRole {
	role := newRole(scope, "instance-role", p.Names.InstanceRole, "ec2.amazonaws.com", p.Boundary)
	ready := []cdktf.ITerraformDependable{
		iamrolepolicy.NewIamRolePolicy(scope, jsii.String("instance-policy"), &iamrolepolicy.IamRolePolicyConfig{
			Role:   role.Name(),
			Policy: policyDocument(instanceStatements(p, rights)...),
		}),
	}
	for _, managed := range []struct{ id, policy string }{
		{"session-manager", "AmazonSSMManagedInstanceCore"},
		{"cloudwatch-agent", "CloudWatchAgentServerPolicy"},
	} {
		ready = append(ready, iamrolepolicyattachment.NewIamRolePolicyAttachment(scope, jsii.String(managed.id),
			&iamrolepolicyattachment.IamRolePolicyAttachmentConfig{
				Role:      role.Name(),
				PolicyArn: jsii.String("arn:aws:iam::aws:policy/" + managed.policy),
			}))
	}
	profile := iaminstanceprofile.NewIamInstanceProfile(scope, jsii.String("instance-profile"),
		&iaminstanceprofile.IamInstanceProfileConfig{
			Name: &p.Names.InstanceRole,
			Role: role.Name(),
		})
	return instanceRole{Name: role.Name(), Profile: profile.Arn(), Ready: ready}
}

func instanceStatements(p ComputeProps, rights instanceRights) []statement {
	history, artifacts := p.Database.History.ARN, rights.Artifact.Bucket.ARN
	secrets := []string{*p.Database.SecretARN, *p.Database.ServiceSecretARN, *rights.SigningSecret}
	if p.Quotes.SecretARN != "" {
		secrets = append(secrets, p.Quotes.SecretARN)
	}
	if p.SignIn.SecretARN != "" {
		secrets = append(secrets, p.SignIn.SecretARN)
	}
	statements := []statement{{
		Sid:      "ReadSecrets",
		Action:   "secretsmanager:GetSecretValue",
		Resource: secrets,
	}, {
		Sid:      "HistoryObjects",
		Action:   []string{"s3:GetObject", "s3:PutObject"},
		Resource: *history + "/*",
	}, {
		Sid:      "HistoryBucket",
		Action:   "s3:ListBucket",
		Resource: *history,
	}, {
		Sid:      "ReadArtifacts",
		Action:   "s3:GetObject",
		Resource: *artifacts + "/service/*",
	}, {
		// CloudWatchAgentServerPolicy allows the creation of any log group, without a
		// retention and even after a destroy. Terraform creates the service's.
		Sid:      "NoLogGroups",
		Effect:   "Deny",
		Action:   []string{"logs:CreateLogGroup", "logs:PutRetentionPolicy"},
		Resource: "*",
	}}
	if p.KeyARN != nil {
		statements = append(statements, statement{
			Sid:      "CustomerKey",
			Action:   []string{"kms:Decrypt", "kms:GenerateDataKey"},
			Resource: *p.KeyARN,
		})
	}
	return statements
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
