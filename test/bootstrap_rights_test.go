package test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	accountID   = "123456789012"
	ofPulls     = "repo:octo/portfolio:pull_request"
	ofMain      = "repo:octo/portfolio:ref:refs/heads/main"
	gitHubSub   = "token.actions.githubusercontent.com:sub"
	gitHubAud   = "token.actions.githubusercontent.com:aud"
	environment = "aws:ResourceTag/Environment"
)

// rightsOfBootstrap returns the bootstrap's managed policies by ARN, and the
// statements attached to each role, with references resolved.
func rightsOfBootstrap(t *testing.T) (policies, roles map[string][]policyStatement) {
	t.Helper()
	return rightsOf(t, nil)
}

// rightsOf is rightsOfBootstrap with more settings.
func rightsOf(t *testing.T, settings map[string]string) (policies, roles map[string][]policyStatement) {
	t.Helper()
	resources := bootstrapOf(t, settings).JSON["resource"].(map[string]any)
	known := []string{
		"${data.aws_caller_identity.account.account_id}", accountID,
		"${aws_s3_bucket.state_bucket_803B4E61.arn}", "arn:aws:s3:::octo-states",
	}
	each := func(kind string, visit func(id string, b block)) {
		for id, b := range resources[kind].(map[string]any) {
			visit(id, b.(map[string]any))
		}
	}
	each("aws_iam_policy", func(id string, b block) {
		known = append(known, "${aws_iam_policy."+id+".arn}", "arn:aws:iam::"+accountID+":policy/"+b["name"].(string))
	})
	each("aws_iam_role", func(id string, b block) {
		known = append(known,
			"${aws_iam_role."+id+".name}", b["name"].(string))
	})
	resolve := strings.NewReplacer(known...).Replace

	policies, roles = map[string][]policyStatement{}, map[string][]policyStatement{}
	each("aws_iam_policy", func(_ string, b block) {
		text := resolve(b["policy"].(string))
		require.LessOrEqual(t, len(text), 6144, "%s: IAM does not accept a longer policy", b["name"])
		policies["arn:aws:iam::"+accountID+":policy/"+b["name"].(string)] = statementsOf(t, text)
	})
	attached := map[string]int{}
	each("aws_iam_role_policy_attachment", func(_ string, b block) {
		role, policy := resolve(b["role"].(string)), resolve(b["policy_arn"].(string))
		roles[role] = append(roles[role], policies[policy]...)
		attached[role]++
		require.LessOrEqual(t, attached[role], 10, "%s: IAM does not attach more", role)
	})
	return policies, roles
}

// TestStatesAndTheRoles checks what each role may do to which state. "production"
// begins like a pull request's suffix, which is "pr" and a number.
func TestStatesAndTheRoles(t *testing.T) {
	_, roles := rightsOfBootstrap(t)
	pulls, main := map[string]values{gitHubSub: {ofPulls}}, map[string]values{gitHubSub: {ofMain}}
	const read, write, lock = "s3:GetObject", "s3:PutObject", "s3:DeleteObject"
	for _, c := range []struct {
		role    string
		context map[string]values
		key     string
		may     []string // of read, write and lock, the last being to delete the object
	}{
		{"portfolio-plan", pulls, "pr12/portfolio-pr12.tfstate", []string{read}},
		{"portfolio-plan", pulls, "pr12/portfolio-pr12.tfstate.tflock", []string{read}},
		{"portfolio-plan", pulls, "production/portfolio-production.tfstate", nil},
		{"portfolio-plan", pulls, "prod/portfolio-prod.tfstate", nil},
		{"portfolio-plan", pulls, "preview/portfolio-preview.tfstate", nil},
		{"portfolio-plan", pulls, "bootstrap/portfolio-bootstrap.tfstate", nil},
		{"portfolio-plan", nil, "production/portfolio-production.tfstate", nil}, // should IAM not know the subject
		{"portfolio-plan", main, "production/portfolio-production.tfstate", []string{read}},
		{"portfolio-plan", main, "pr12/portfolio-pr12.tfstate", []string{read}},

		{"portfolio-deploy-preview", nil, "pr0/portfolio-pr0.tfstate", []string{read, write, lock}},
		{"portfolio-deploy-preview", nil, "pr98765/portfolio-pr98765.tfstate", []string{read, write, lock}},
		{"portfolio-deploy-preview", nil, "pr12/portfolio-pr12.tfstate.tflock", []string{read, write, lock}},
		{"portfolio-deploy-preview", nil, "production/portfolio-production.tfstate", nil},
		{"portfolio-deploy-preview", nil, "production/portfolio-production.tfstate.tflock", nil},
		{"portfolio-deploy-preview", nil, "prod/portfolio-prod.tfstate", nil},
		{"portfolio-deploy-preview", nil, "preview/portfolio-preview.tfstate", nil},
		{"portfolio-deploy-preview", nil, "dev/portfolio-dev.tfstate", nil},
		{"portfolio-deploy-preview", nil, "dev/pr1/portfolio-dev.tfstate", nil},
		{"portfolio-deploy-preview", nil, "xpr1/portfolio-xpr1.tfstate", nil},
		{"portfolio-deploy-preview", nil, "bootstrap/portfolio-bootstrap.tfstate", nil},

		{"portfolio-deploy-production", nil, "production/portfolio-production.tfstate", []string{read, write}},
		{"portfolio-deploy-production", nil, "production/portfolio-production.tfstate.tflock", []string{read, write, lock}},
		{"portfolio-deploy-production", nil, "staging/portfolio-staging.tfstate", []string{read, write}},
		{"portfolio-deploy-production", nil, "pr12/portfolio-pr12.tfstate", nil},
		{"portfolio-deploy-production", nil, "pr12/portfolio-pr12.tfstate.tflock", nil},
		{"portfolio-deploy-production", nil, "bootstrap/portfolio-bootstrap.tfstate", nil},
	} {
		var got []string
		for _, action := range []string{read, write, lock} {
			if allows(roles[c.role], request{action, "arn:aws:s3:::octo-states/" + c.key, c.context}) {
				got = append(got, action)
			}
		}
		require.Equal(t, c.may, got, "%s %v on %s", c.role, c.context, c.key)
		require.False(t, allows(roles[c.role],
			request{"s3:DeleteObjectVersion", "arn:aws:s3:::octo-states/" + c.key, c.context}), c.key)
	}
	for role, statements := range roles {
		if strings.HasPrefix(role, "portfolio-api-logs") {
			continue
		}
		require.True(t, allows(statements, request{"s3:ListBucket", "arn:aws:s3:::octo-states", nil}), role)
		for _, action := range []string{"s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutBucketVersioning",
			"s3:PutLifecycleConfiguration"} {
			require.False(t, allows(statements, request{action, "arn:aws:s3:::octo-states", nil}), "%s: %s", role,
				action)
		}
	}
}

// TestRightsOfRoles checks the rest: roles reach their own resources, not those of
// other tiers, other projects and the account.
func TestRightsOfRoles(t *testing.T) {
	_, roles := rightsOfBootstrap(t)
	const preview, production, plan = "portfolio-deploy-preview", "portfolio-deploy-production", "portfolio-plan"
	iam := "arn:aws:iam::" + accountID + ":"
	own := func(service, rest string) string {
		return "arn:aws:" + service + ":eu-west-1:" + accountID + ":" + rest
	}
	tag := func(suffix string) map[string]values { return map[string]values{environment: {suffix}} }
	const inRequest, onResource = "aws:RequestTag/", "aws:ResourceTag/"
	managed := func(tag, creation string) map[string]values {
		context := map[string]values{tag + "AmazonElastiCacheManaged": {"true"}}
		if creation != "" {
			context["ec2:CreateAction"] = values{creation}
		}
		return context
	}
	bounded := func(tier string) map[string]values {
		return map[string]values{"iam:PermissionsBoundary": {iam + "policy/portfolio-" + tier + "-boundary"}}
	}
	for _, c := range []struct {
		want             bool
		role             string
		action, resource string
		context          map[string]values
	}{
		{true, preview, "s3:PutObject", "arn:aws:s3:::portfolio-hist-pr12-" + accountID + "/day", nil},
		{false, preview, "s3:PutObject", "arn:aws:s3:::portfolio-hist-production-" + accountID + "/x-pr1-" + accountID + "/day", nil},
		{false, preview, "s3:GetObject", "arn:aws:s3:::somebody-else/key", nil},
		{false, production, "s3:PutObject", "arn:aws:s3:::portfolio-hist-pr12-" + accountID + "/day", nil},
		{true, production, "s3:PutObject", "arn:aws:s3:::portfolio-hist-production-" + accountID + "/day", nil},

		{true, preview, "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-holdings-db-pr12-2026-AbCdEf"), nil},
		{true, preview, "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-holdings-db-pr12/service-2026-AbCdEf"), nil},
		{false, preview, "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-holdings-db-production-2026-pr1dEf"), nil},
		{false, preview, "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-holdings-db-production/service-2026-pr1dEf"), nil},
		{false, plan, "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-holdings-db-production-2026-AbCdEf"), map[string]values{gitHubSub: {ofPulls}}},
		{true, plan, "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-holdings-db-production-2026-AbCdEf"), map[string]values{gitHubSub: {ofMain}}},

		{true, preview, "rds:DeleteDBInstance", own("rds", "db:portfolio-holdings-db-pr12"), tag("pr12")},
		{false, preview, "rds:DeleteDBInstance", own("rds", "db:portfolio-holdings-db-production"), tag("production")},
		{false, preview, "rds:DeleteDBInstance", own("rds", "db:portfolio-holdings-db-x-pr1"), tag("x-pr1")},
		{false, production, "rds:DeleteDBInstance", own("rds", "db:portfolio-holdings-db-pr12"), tag("pr12")},
		{false, plan, "rds:DeleteDBInstance", own("rds", "db:portfolio-holdings-db-pr12"), tag("pr12")},
		{true, plan, "rds:DescribeDBInstances", "*", nil},

		{true, preview, "ec2:CreateVpc", own("ec2", "vpc/*"), map[string]values{"aws:RequestTag/Environment": {"pr12"}}},
		{false, preview, "ec2:CreateVpc", own("ec2", "vpc/*"), map[string]values{"aws:RequestTag/Environment": {"production"}}},
		{true, preview, "ec2:DeleteVpc", own("ec2", "vpc/vpc-1"), tag("pr12")},
		{false, preview, "ec2:DeleteVpc", own("ec2", "vpc/vpc-1"), tag("production")},
		{false, preview, "ec2:DeleteVpc", own("ec2", "vpc/vpc-1"), nil},
		{false, preview, "ec2:CreateTags", own("ec2", "vpc/vpc-1"), map[string]values{"aws:RequestTag/Environment": {"pr12"}}},

		// The default option group, on which RDS authorizes every instance.
		{true, preview, "rds:CreateDBInstance", own("rds", "og:default:postgres-15"), nil},
		{true, production, "rds:CreateDBInstance", own("rds", "og:default:postgres-15"), nil},
		{true, production, "rds:CreateDBInstanceReadReplica", own("rds", "og:default:postgres-15"), nil},
		{true, production, "rds:ModifyDBInstance", own("rds", "og:default:postgres-15"), nil},
		{true, production, "rds:RestoreDBInstanceFromDBSnapshot", own("rds", "og:default:postgres-15"), nil},
		{true, production, "rds:RestoreDBInstanceToPointInTime", own("rds", "og:default:postgres-15"), nil},
		{false, production, "rds:DeleteOptionGroup", own("rds", "og:default:postgres-15"), nil},
		{false, preview, "rds:CreateDBInstance", own("rds", "og:theirs"), nil},

		// The endpoint that ElastiCache makes with its caller's rights.
		{true, preview, "ec2:CreateVpcEndpoint", own("ec2", "vpc-endpoint/*"), managed(inRequest, "")},
		{true, preview, "ec2:CreateTags", own("ec2", "vpc-endpoint/vpce-1"), managed(inRequest, "CreateVpcEndpoint")},
		{true, production, "ec2:CreateTags", own("ec2", "vpc-endpoint/vpce-1"), managed(inRequest, "CreateVpcEndpoint")},
		{false, preview, "ec2:CreateTags", own("ec2", "vpc-endpoint/vpce-1"), managed(inRequest, "")},
		{false, preview, "ec2:CreateTags", own("ec2", "vpc/vpc-1"), managed(inRequest, "CreateVpcEndpoint")},
		{true, preview, "ec2:ModifyVpcEndpoint", own("ec2", "vpc-endpoint/vpce-1"), managed(onResource, "")},
		{true, production, "ec2:DeleteVpcEndpoints", own("ec2", "vpc-endpoint/vpce-1"), managed(onResource, "")},
		{false, preview, "ec2:DeleteVpcEndpoints", own("ec2", "vpc-endpoint/vpce-1"), nil},

		// What a pull request's token may not see of other projects.
		{true, plan, "lambda:GetFunction", own("lambda", "function:portfolio-ws-handler-pr12"), nil},
		{false, plan, "lambda:GetFunction", own("lambda", "function:theirs"), nil},
		{false, plan, "lambda:GetFunctionConfiguration", own("lambda", "function:theirs"), nil},
		{false, plan, "lambda:ListFunctions", "*", nil},
		{true, preview, "lambda:ListFunctions", "*", nil},
		{true, preview, "sns:Unsubscribe", "*", nil}, // takes no resource either
		{true, production, "sns:Unsubscribe", "*", nil},
		{false, plan, "sns:Unsubscribe", "*", nil},
		{false, plan, "autoscaling:DescribeLaunchConfigurations", "*", nil},
		{false, plan, "ec2:DescribeInstanceAttribute", own("ec2", "instance/i-1"), nil},
		{false, plan, "iam:GetRolePolicy", iam + "role/theirs", nil},
		{true, plan, "iam:GetRolePolicy", iam + "role/portfolio-instance-pr12", nil},
		{false, plan, "kms:GetKeyPolicy", own("kms", "key/1"), map[string]values{"aws:ResourceTag/Project": {"theirs"}}},
		{true, plan, "kms:GetKeyPolicy", own("kms", "key/1"), map[string]values{"aws:ResourceTag/Project": {"portfolio-tracking"}}},
		{false, plan, "secretsmanager:DescribeSecret", own("secretsmanager", "secret:theirs-AbCdEf"), nil},
		{false, plan, "sns:GetTopicAttributes", own("sns", "theirs"), nil},
		{false, plan, "cloudwatch:GetDashboard", "arn:aws:cloudwatch::" + accountID + ":dashboard/theirs", nil},
		{false, plan, "route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/ZOTHER", nil},

		{false, preview, "kms:ScheduleKeyDeletion", own("kms", "key/1"), map[string]values{environment: {"pr12"}, "kms:ResourceAliases": {"alias/theirs"}}},
		{true, preview, "kms:ScheduleKeyDeletion", own("kms", "key/1"), map[string]values{environment: {"pr12"}, "kms:ResourceAliases": {"alias/portfolio-alarms-pr12"}}},

		{false, preview, "apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/account", nil},
		{false, production, "apigateway:PATCH", "arn:aws:apigateway:eu-west-1::/account", nil},
		{false, production, "iam:CreateUser", iam + "user/me", nil},
		{false, preview, "iam:PutRolePolicy", iam + "role/portfolio-deploy-preview", nil},
		{false, production, "iam:PutRolePolicy", iam + "role/portfolio-plan", nil},
		{false, production, "iam:CreatePolicyVersion", iam + "policy/portfolio-production-boundary", nil},
		{true, preview, "iam:PassRole", iam + "role/portfolio-instance-pr12", map[string]values{"iam:PassedToService": {"ec2.amazonaws.com"}}},
		{false, preview, "iam:PassRole", iam + "role/portfolio-instance-pr12", map[string]values{"iam:PassedToService": {"glue.amazonaws.com"}}},
		{false, preview, "iam:PassRole", iam + "role/portfolio-instance-production", map[string]values{"iam:PassedToService": {"ec2.amazonaws.com"}}},
		{true, preview, "iam:CreateRole", iam + "role/portfolio-instance-pr12", bounded("preview")},
		{false, preview, "iam:CreateRole", iam + "role/portfolio-instance-pr12", bounded("production")},
		{false, preview, "iam:CreateRole", iam + "role/portfolio-instance-pr12", nil},
		{false, preview, "iam:CreateRole", iam + "role/portfolio-instance-production", bounded("preview")},
		{false, preview, "iam:PutRolePolicy", iam + "role/portfolio-instance-pr12", nil},
		{true, production, "iam:CreateRole", iam + "role/portfolio-instance-production", bounded("production")},
		{false, production, "iam:CreateRole", iam + "role/portfolio-instance-pr12", bounded("production")},
		{false, preview, "iam:DeleteRolePermissionsBoundary", iam + "role/portfolio-instance-pr12", nil},
	} {
		require.Equal(t, c.want, allows(roles[c.role], request{c.action, c.resource, c.context}),
			"%s: %s on %s with %v", c.role, c.action, c.resource, c.context)
	}
}
