package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"portfolio/config"
	"portfolio/stacks"

	"github.com/hashicorp/terraform-cdk-go/cdktf"
	"github.com/sebdah/goldie/v2"
	"github.com/stretchr/testify/require"
)

// bootstrapOf synthesizes the bootstrap's stack for a repository and a bucket, with
// additional settings.
func bootstrapOf(t *testing.T, settings map[string]string) stack {
	t.Helper()
	environ := map[string]string{"GITHUB_REPOSITORY": "octo/portfolio", "TERRAFORM_STATE_BUCKET": "octo-states"}
	for name, value := range settings {
		environ[name] = value
	}
	c, err := config.LoadBootstrap(environ, fstest.MapFS{})
	require.NoError(t, err)
	kernel.Lock()
	defer kernel.Unlock()
	folder := t.TempDir()
	app := cdktf.NewApp(&cdktf.AppConfig{Outdir: &folder})
	stacks.NewBootstrap(app, c)
	app.Synth()
	var s stack
	s.Text, err = os.ReadFile(filepath.Join(folder, "stacks", c.Stack, "cdk.tf.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(s.Text, &s.JSON))
	return s
}

// TestSnapshotOfBootstrap is TestSnapshot for the bootstrap's stacks: the account's,
// and another region's.
func TestSnapshotOfBootstrap(t *testing.T) {
	for name, settings := range map[string]map[string]string{
		"bootstrap":        nil,
		"bootstrap-region": {"AWS_REGION": "eu-west-1"},
	} {
		t.Run(name, func(t *testing.T) {
			goldie.New(t, goldie.WithFixtureDir("testdata"), goldie.WithNameSuffix(".json"),
				goldie.WithDiffEngine(goldie.ColoredDiff)).
				Assert(t, name, bootstrapOf(t, settings).Text)
		})
	}
}

// TestTrustOfRoles checks that each role trusts complete subjects of one repository.
func TestTrustOfRoles(t *testing.T) {
	m, err := newModel(bootstrapOf(t, nil).Text)
	require.NoError(t, err)
	for path, subjects := range map[string]string{
		"github/plan":       `["repo:octo/portfolio:pull_request","repo:octo/portfolio:ref:refs/heads/main"]`,
		"github/preview":    `["repo:octo/portfolio:environment:preview"]`,
		"github/production": `["repo:octo/portfolio:environment:production"]`,
	} {
		require.NoError(t, has(path, `{"assume_role_policy.Statement": [{
			"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "${github/provider.arn}"},
			"Condition": {"StringEquals": {"`+gitHubAud+`": "sts.amazonaws.com", "`+gitHubSub+`": `+subjects+`}}}]}`)(m))
	}
	require.NoError(t, all(
		has("github/provider", `{"url": "https://token.actions.githubusercontent.com", "client_id_list": ["sts.amazonaws.com"], "lifecycle.prevent_destroy": true}`),
		has("api-logs/role", `{"assume_role_policy.Statement.0.Principal": {"Service": "apigateway.amazonaws.com"}}`),
		after("api-logs/account", "api-logs/rights"),
	)(m))
	require.Len(t, m.of("aws_iam_role"), 4, "a new role needs a row above")
}

// TestProviderThatExists checks that an existing identity provider is trusted and not
// created.
func TestProviderThatExists(t *testing.T) {
	m, err := newModel(bootstrapOf(t, map[string]string{"GITHUB_OIDC_PROVIDER": "existing",
		"GITHUB_REPOSITORY": "octo@1/portfolio@2"}).Text)
	require.NoError(t, err)
	require.NoError(t, all(none("aws_iam_openid_connect_provider"), has("github/preview", `{
		"assume_role_policy.Statement.0.Principal.Federated": "arn:aws:iam::${account.account_id}:oidc-provider/token.actions.githubusercontent.com"}`))(m))
	require.Contains(t, m.Text, "repo:octo@1/portfolio@2:environment:preview")
}

// Without its service-linked role RDS creates nothing in an account that has never
// used it. The roles are the whole account's, so none is changed or deleted.
func TestServiceLinkedRoles(t *testing.T) {
	m, err := newModel(bootstrapOf(t, nil).Text)
	require.NoError(t, err)
	for _, service := range []string{"autoscaling", "elasticache", "elasticloadbalancing", "rds"} {
		require.NoError(t, has("service-roles/"+service, `{"aws_service_name": "`+service+`.amazonaws.com",
			"lifecycle": {"prevent_destroy": true, "ignore_changes": ["description", "tags", "tags_all"]}}`)(m))
	}
	require.Len(t, m.of("aws_iam_service_linked_role"), 4)
	further, err := newModel(bootstrapOf(t, map[string]string{"AWS_REGION": "eu-west-1"}).Text)
	require.NoError(t, err)
	require.NoError(t, none("aws_iam_service_linked_role")(further), "IAM has one for all regions")
}

// TestStateBucket checks that the bucket keeps old versions, is private and cannot be
// destroyed.
func TestStateBucket(t *testing.T) {
	m, err := newModel(bootstrapOf(t, nil).Text)
	require.NoError(t, err)
	require.NoError(t, all(
		has("state/bucket", `{"bucket": "octo-states", "lifecycle.prevent_destroy": true, "force_destroy": false}`),
		has("state/versioning", `{"versioning_configuration.status": "Enabled"}`),
		has("state/public-access", `{"block_public_acls": true, "block_public_policy": true, "ignore_public_acls": true, "restrict_public_buckets": true}`),
		has("state/encryption", `{"rule.0.apply_server_side_encryption_by_default.sse_algorithm": "AES256"}`),
		has("state/policy", `{"policy.Statement": [{"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
			"Resource": ["${state/bucket.arn}", "${state/bucket.arn}/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}`),
		has("state/lifecycle", `{"rule.1.noncurrent_version_expiration.0.noncurrent_days": 30,
			"rule.1.abort_incomplete_multipart_upload.0.days_after_initiation": 7}`),
	)(m))
	tags := dig(m.Stack, "provider", "aws", "0", "default_tags", "0", "tags")
	require.Contains(t, tags, "Project")
	require.NotContains(t, tags, "Environment", "the deploy roles are kept apart by that tag")
}

// singletons are resources of which an account or a region has one. In an environment's
// stack the next environment would overwrite it, and the first destroy delete it.
var singletons = map[string]string{
	"aws_api_gateway_account":              "the region's logging role of all APIs",
	"aws_iam_openid_connect_provider":      "one for an issuer and account",
	"aws_iam_account_alias":                "the account's name",
	"aws_iam_account_password_policy":      "the account's",
	"aws_iam_service_linked_role":          "one for a service and account, made on first use",
	"aws_s3_account_public_access_block":   "the account's",
	"aws_ebs_encryption_by_default":        "the region's",
	"aws_ebs_default_kms_key":              "the region's",
	"aws_ec2_instance_metadata_defaults":   "the region's",
	"aws_ec2_image_block_public_access":    "the region's",
	"aws_ebs_snapshot_block_public_access": "the region's",
	"aws_ec2_serial_console_access":        "the region's",
	"aws_vpc_block_public_access_options":  "the region's",
	"aws_default_vpc":                      "the region's",
	"aws_cloudwatch_log_resource_policy":   "ten in a region",
	"aws_cloudwatch_log_account_policy":    "the region's",
	"aws_xray_encryption_config":           "the region's",
	"aws_ssm_service_setting":              "the region's",
	"aws_ssm_default_patch_baseline":       "the region's",
	"aws_sns_sms_preferences":              "the region's",
	"aws_servicequotas_service_quota":      "the region's",
	"aws_guardduty_detector":               "the region's",
	"aws_securityhub_account":              "the region's",
	"aws_config_configuration_recorder":    "the region's",
	"aws_accessanalyzer_analyzer":          "one of the account's kind in a region",
	"aws_inspector2_enabler":               "the region's",
	"aws_ce_cost_allocation_tag":           "the account's",
	"aws_account_alternate_contact":        "the account's",
}

func TestNoSingletonInAnEnvironment(t *testing.T) {
	check := none(slices.Sorted(maps.Keys(singletons))...)
	for _, profile := range profiles {
		for _, logs := range []string{"on", "off"} {
			environ := ofProfile("test", profile)
			environ["API_ACCESS_LOGS"] = logs
			m := modelOf(t, environ)
			require.NoError(t, check(m), profile)
		}
	}
	m, err := newModel(bootstrapOf(t, nil).Text)
	require.NoError(t, err)
	require.Error(t, check(m), "the bootstrap has some, or the check finds none")
}
