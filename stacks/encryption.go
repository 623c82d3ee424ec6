package stacks

import (
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/kmsalias"
	"github.com/cdktf/cdktf-provider-aws-go/aws/v19/kmskey"
)

// keyProps configures a customer-managed KMS key.
type keyProps struct {
	Alias       string // with its "alias/"
	Description string
	Kept        bool    // Terraform refuses to delete it
	Account     *string // ID of the account whose IAM policies govern the key
	Statements  []statement
}

// newKey creates a key that is rotated every year and returns its ARN. Without the
// account's statement nobody could manage the key. A deleted key takes with it what
// survives a destroy: final snapshot, retained backups, buckets that are not empty.
func newKey(scope constructs.Construct, id string, p keyProps) *string {
	scope = constructs.NewConstruct(scope, &id)
	account := statement{
		Sid:       "AccountPolicies",
		Principal: principal("AWS", "arn:aws:iam::"+*p.Account+":root"),
		Action:    "kms:*",
		Resource:  "*",
	}
	key := kmskey.NewKmsKey(scope, jsii.String("key"), &kmskey.KmsKeyConfig{
		Description:          &p.Description,
		EnableKeyRotation:    true,
		DeletionWindowInDays: jsii.Number(30),
		Policy:               policyDocument(append([]statement{account}, p.Statements...)...),
		Lifecycle:            kept(p.Kept),
	})
	kmsalias.NewKmsAlias(scope, jsii.String("alias"), &kmsalias.KmsAliasConfig{
		Name:        &p.Alias,
		TargetKeyId: key.KeyId(),
	})
	return key.Arn()
}

// logsMayUseKey lets CloudWatch Logs in one region encrypt the account's log groups
// with a key.
func logsMayUseKey(region string, account *string) statement {
	return statement{
		Sid:       "CloudWatchLogs",
		Principal: principal("Service", "logs."+region+".amazonaws.com"),
		Action:    []string{"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"},
		Resource:  "*",
		Condition: map[string]map[string]string{"ArnLike": {
			"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:" + region + ":" + *account + ":log-group:*",
		}},
	}
}

// alarmsMayUseKey lets CloudWatch publish to a topic encrypted with a key. The
// AWS-managed alias/aws/sns cannot grant that, and alarms would notify nobody.
func alarmsMayUseKey(account *string) statement {
	return statement{
		Sid:       "CloudWatchAlarms",
		Principal: principal("Service", "cloudwatch.amazonaws.com"),
		Action:    []string{"kms:Decrypt", "kms:GenerateDataKey*"},
		Resource:  "*",
		Condition: map[string]map[string]string{"StringEquals": {"aws:SourceAccount": *account}},
	}
}
