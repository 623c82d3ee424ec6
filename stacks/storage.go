package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/s3bucketlifecycleconfiguration"
)

// albLogPrefix is where the load balancer's access logs begin in the logs bucket.
const albLogPrefix = "alb"

// newLogsBucket receives the access logs of the load balancer and of the other
// buckets. It is encrypted by S3 itself in every profile: the load balancer
// cannot write to a bucket under a KMS key.
func newLogsBucket(scope constructs.Construct, p DatabaseProps) bucket {
	name := p.Names.Bucket("logs", *p.Account)
	arn := "arn:aws:s3:::" + name
	fromOurBuckets := map[string]map[string]string{
		"StringEquals": {"aws:SourceAccount": *p.Account},
		"ArnLike":      {"aws:SourceArn": "arn:aws:s3:::" + p.Names.Bucket("*", *p.Account)},
	}
	return newBucket(scope, "logs", bucketProps{
		Name:           &name,
		EmptyOnDestroy: p.Buckets.EmptyLogsOnDestroy,
		Statements: []statement{{
			Sid:       "LoadBalancerLogs",
			Principal: principal("Service", "logdelivery.elasticloadbalancing.amazonaws.com"),
			Action:    "s3:PutObject",
			Resource:  arn + "/" + albLogPrefix + "/AWSLogs/" + *p.Account + "/*",
		}, {
			Sid:       "BucketLogs",
			Principal: principal("Service", "logging.s3.amazonaws.com"),
			Action:    "s3:PutObject",
			Resource:  arn + "/s3/*",
			Condition: fromOurBuckets,
		}},
		Rules: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule{{
			Id:     jsii.String("expire"),
			Status: jsii.String("Enabled"),
			Filter: everyObject(),
			Expiration: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleExpiration{{
				Days: jsii.Number(p.Logs.RetentionDays),
			}},
		}},
	})
}

// newHistoryBucket creates the bucket of all portfolios' past days.
func newHistoryBucket(scope constructs.Construct, p DatabaseProps, logs bucket) bucket {
	name := p.Names.Bucket("hist", *p.Account)
	transition := func(days int, class string) *s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleTransition {
		return &s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleTransition{
			Days: jsii.Number(days), StorageClass: &class,
		}
	}
	return newBucket(scope, "history", bucketProps{
		Name:           &name,
		EmptyOnDestroy: p.Buckets.EmptyOnDestroy,
		KeyARN:         p.KeyARN,
		LogsBucket:     logs.Name,
		Rules: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRule{{
			Id:     jsii.String("age"),
			Status: jsii.String("Enabled"),
			Filter: everyObject(),
			Transition: []*s3bucketlifecycleconfiguration.S3BucketLifecycleConfigurationRuleTransition{
				transition(30, "STANDARD_IA"), // S3 refuses fewer than 30 days
				// Instant Retrieval: past days are read without a restore.
				transition(180, "GLACIER_IR"),
			},
		}},
	})
}
