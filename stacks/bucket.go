package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucket"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketlifecycleconfiguration"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketlogging"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketownershipcontrols"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketpolicy"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketpublicaccessblock"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketserversideencryptionconfiguration"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketversioning"
	"github.com/hashicorp/terraform-cdk-go/cdktf"
)

// bucketProps configures one private bucket.
type bucketProps struct {
	Name           *string
	EmptyOnDestroy bool
	Kept           bool        // Terraform refuses to delete it
	KeyARN         *string     // customer-managed KMS key, nil for S3's own (SSE-S3)
	Statements     []statement // in addition to the one that refuses requests without TLS
	LogsBucket     *string     // receives access logs; nil for none
	Rules          []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule
}

// bucket is a private bucket. Ready is its policy, which is created after all other
// settings that protect objects; only lifecycle and logging come later, which may
// take S3 a minute and do not matter to writers.
type bucket struct {
	Name, ARN *string
	Ready     cdktf.ITerraformDependable
}

// oldVersionDays is how long an overwritten or deleted object can be restored.
const oldVersionDays = 30

// newBucket creates a versioned, encrypted bucket that only its owner can read, and
// only over TLS. S3 answers 409 to concurrent changes of a bucket's settings, hence
// the chain of dependencies.
func newBucket(scope constructs.Construct, id string, p bucketProps) bucket {
	scope = constructs.NewConstruct(scope, &id)
	b := s3bucket.NewS3Bucket(scope, jsii.String("bucket"), &s3bucket.S3BucketConfig{
		Bucket:       p.Name,
		ForceDestroy: p.EmptyOnDestroy,
		Lifecycle:    kept(p.Kept),
	})
	var last cdktf.ITerraformDependable = b
	after := func() *[]cdktf.ITerraformDependable { return &[]cdktf.ITerraformDependable{last} }

	last = s3bucketownershipcontrols.NewS3BucketOwnershipControls(scope, jsii.String("ownership"),
		&s3bucketownershipcontrols.S3BucketOwnershipControlsConfig{
			Bucket:    b.Id(),
			Rule:      &s3bucketownershipcontrols.S3BucketOwnershipControlsRule{ObjectOwnership: jsii.String("BucketOwnerEnforced")},
			DependsOn: after(),
		})
	last = s3bucketpublicaccessblock.NewS3BucketPublicAccessBlock(scope, jsii.String("public-access"),
		&s3bucketpublicaccessblock.S3BucketPublicAccessBlockConfig{
			Bucket:                b.Id(),
			BlockPublicAcls:       true,
			BlockPublicPolicy:     true,
			IgnorePublicAcls:      true,
			RestrictPublicBuckets: true,
			DependsOn:             after(),
		})
	last = s3bucketversioning.NewS3BucketVersioningA(scope, jsii.String("versioning"),
		&s3bucketversioning.S3BucketVersioningAConfig{
			Bucket:                  b.Id(),
			VersioningConfiguration: &s3bucketversioning.S3BucketVersioningVersioningConfiguration{Status: jsii.String("Enabled")},
			DependsOn:               after(),
		})
	last = newBucketEncryption(scope, b, p.KeyARN, after())
	last = s3bucketpolicy.NewS3BucketPolicy(scope, jsii.String("policy"), &s3bucketpolicy.S3BucketPolicyConfig{
		Bucket:    b.Id(),
		Policy:    policyDocument(append([]statement{tlsOnly(b)}, p.Statements...)...),
		DependsOn: after(),
	})
	policy := last
	last = s3bucketlifecycleconfiguration.NewS3BucketLifecycleConfiguration(scope, jsii.String("lifecycle"),
		&s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationConfig{
			Bucket:    b.Id(),
			Rule:      append(p.Rules, cleanUpRule()),
			DependsOn: after(),
		})
	if p.LogsBucket != nil {
		s3bucketlogging.NewS3BucketLoggingA(scope, jsii.String("access-logs"), &s3bucketlogging.S3BucketLoggingAConfig{
			Bucket:       b.Id(),
			TargetBucket: p.LogsBucket,
			TargetPrefix: jsii.String("s3/" + id + "/"),
			DependsOn:    after(),
		})
	}
	return bucket{Name: b.Id(), ARN: b.Arn(), Ready: policy}
}

// kept returns a lifecycle with which Terraform refuses to delete a resource, or nil.
func kept(yes bool) *cdktf.TerraformResourceLifecycle {
	if !yes {
		return nil
	}
	return &cdktf.TerraformResourceLifecycle{PreventDestroy: jsii.Bool(true)}
}

func newBucketEncryption(scope constructs.Construct, b s3bucket.S3Bucket, keyARN *string,
	after *[]cdktf.ITerraformDependable) cdktf.ITerraformDependable {
	algorithm := "AES256"
	if keyARN != nil {
		algorithm = "aws:kms"
	}
	return s3bucketserversideencryptionconfiguration.NewS3BucketServerSideEncryptionConfigurationA(scope,
		jsii.String("encryption"),
		&s3bucketserversideencryptionconfiguration.S3BucketServerSideEncryptionConfigurationAConfig{
			Bucket: b.Id(),
			Rule: []*s3bucketserversideencryptionconfiguration.S3BucketServerSideEncryptionConfigurationRuleA{{
				ApplyServerSideEncryptionByDefault: &s3bucketserversideencryptionconfiguration.S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA{
					SseAlgorithm:   &algorithm,
					KmsMasterKeyId: keyARN,
				},
				BucketKeyEnabled: keyARN != nil,
			}},
			DependsOn: after,
		})
}

func tlsOnly(b s3bucket.S3Bucket) statement {
	return statement{
		Sid:       "TLSOnly",
		Effect:    "Deny",
		Principal: "*",
		Action:    "s3:*",
		Resource:  []string{*b.Arn(), *b.Arn() + "/*"},
		Condition: map[string]map[string]string{"Bool": {"aws:SecureTransport": "false"}},
	}
}

// cleanUpRule deletes old versions and incomplete uploads, which cost money unnoticed.
func cleanUpRule() *s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule {
	return &s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule{
		Id:     jsii.String("clean-up"),
		Status: jsii.String("Enabled"),
		Filter: everyObject(),
		NoncurrentVersionExpiration: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration{{
			NoncurrentDays: jsii.Number(oldVersionDays),
		}},
		AbortIncompleteMultipartUpload: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload{{
			DaysAfterInitiation: jsii.Number(7),
		}},
	}
}

// everyObject is a filter that S3 accepts without a warning: an empty prefix.
func everyObject() []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleFilter {
	return []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleFilter{{Prefix: jsii.String("")}}
}
