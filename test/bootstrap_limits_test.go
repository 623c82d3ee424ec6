package test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	planRole, previewRole, productionRole = "portfolio-plan", "portfolio-deploy-preview", "portfolio-deploy-production"
	otherAccount                          = "999999999999"
)

// anything is a policy that somebody attaches to a role besides its own.
var anything = policyStatement{Effect: "Allow", Action: values{"*"}, Resource: values{"*"}}

// deployer is a role that deploys, an environment of its tier and one of the other.
type deployer struct{ role, tier, own, other string }

var deployers = []deployer{
	{previewRole, "preview", "pr12", "production"}, {productionRole, "production", "production", "pr12"},
}

func arnIn(account, service, rest string) string {
	return "arn:aws:" + service + ":eu-west-1:" + account + ":" + rest
}

func arn(service, rest string) string { return arnIn(accountID, service, rest) }

func iamARN(rest string) string { return "arn:aws:iam::" + accountID + ":" + rest }

func stateOf(suffix string) string {
	return "arn:aws:s3:::octo-states/" + suffix + "/portfolio-" + suffix + ".tfstate"
}

// with returns a context of one key.
func with(key string, vs ...string) map[string]values { return map[string]values{key: vs} }

// TestDenialsOfRoles checks what the roles that deploy cannot do even where another policy
// allows it, and that the denials reach no further.
func TestDenialsOfRoles(t *testing.T) {
	_, roles := rightsOfBootstrap(t)
	for _, d := range deployers {
		policy := append([]policyStatement{anything}, roles[d.role]...)
		never := func(resource string, context map[string]values, actions ...string) {
			for _, action := range actions {
				require.False(t, allows(policy, request{action, resource, context}), "%s: %s on %s with %v", d.role, action,
					resource, context)
			}
		}
		may := func(resource string, context map[string]values, actions ...string) {
			for _, action := range actions {
				require.True(t, allows(policy, request{action, resource, context}), "%s: %s on %s with %v", d.role, action,
					resource, context)
			}
		}
		role, other := iamARN("role/portfolio-instance-"+d.own), iamARN("role/portfolio-instance-"+d.other)
		bounded := with("iam:PermissionsBoundary", iamARN("policy/portfolio-"+d.tier+"-boundary"))
		never(stateOf(d.own), nil, "s3:DeleteObjectVersion", "s3:PutObjectAcl", "s3:PutObjectVersionAcl",
			"s3:BypassGovernanceRetention")
		never("arn:aws:s3:::octo-states", nil, "s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutBucketVersioning")
		may(stateOf(d.own), nil, "s3:GetObject", "s3:PutObject")
		for _, state := range []string{stateOf(d.other), stateOf("bootstrap")} {
			never(state, nil, "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:RestoreObject",
				"s3:ReplicateObject", "s3:ReplicateDelete")
		}

		unbounded := []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
		never(role, nil, unbounded...)
		never(role, with("iam:PermissionsBoundary", iamARN("policy/portfolio-"+map[string]string{
			"preview": "production", "production": "preview"}[d.tier]+"-boundary")), unbounded...)
		may(role, bounded, unbounded...)
		never(role, nil, "iam:DeleteRolePermissionsBoundary")
		never(iamARN("user/me"), nil, "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreateUser",
			"iam:AttachUserPolicy")
		never("*", nil, "iam:CreateOpenIDConnectProvider", "iam:UpdateSAMLProvider", "sts:AssumeRole")
		never(iamARN("policy/portfolio-"+d.tier+"-boundary"), nil, "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
		never(role, with("iam:PassedToService", "glue.amazonaws.com"), "iam:PassRole")
		may(role, with("iam:PassedToService", "lambda.amazonaws.com"), "iam:PassRole")
		if d.role == productionRole {
			never(other, bounded, "iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRole")
			never(arn("secretsmanager", "secret:portfolio-signing-key-"+d.other+"-2026-AbCdEf"), nil,
				"secretsmanager:GetSecretValue")
			never("arn:aws:s3:::portfolio-hist-"+d.other+"-"+accountID+"/day", nil, "s3:GetObject")
		}

		keys := []string{"kms:CreateAlias", "kms:DisableKey", "kms:DisableKeyRotation", "kms:PutKeyPolicy",
			"kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription"}
		never(arn("kms", "key/1"), map[string]values{environment: {d.own}, "kms:ResourceAliases": {"alias/theirs"}}, keys...)
		never(arn("kms", "key/1"), map[string]values{environment: {d.own},
			"kms:ResourceAliases": {"alias/portfolio-alarms-" + d.own, "alias/theirs"}}, keys...)
		may(arn("kms", "key/1"), map[string]values{environment: {d.own},
			"kms:ResourceAliases": {"alias/portfolio-alarms-" + d.own}}, keys...)
		never(arn("ec2", "vpc/vpc-1"), with(environment, d.other), "ec2:DeleteVpc", "ec2:CreateTags")
		never(arn("ec2", "vpc/vpc-1"), with("aws:RequestTag/Environment", d.other), "ec2:CreateVpc", "ec2:CreateTags")
		may(arn("ec2", "vpc/vpc-1"), with(environment, d.own), "ec2:DeleteVpc")
	}
}

// TestScopesOfRoles checks that each right of the roles ends at this project's and its
// tier's resources.
func TestScopesOfRoles(t *testing.T) {
	_, roles := rightsOf(t, map[string]string{"DOMAIN_NAME": "app.example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"})
	check := func(role string, want bool, action, resource string, context map[string]values) {
		require.Equal(t, want, allows(roles[role], request{action, resource, context}), "%s: %s on %s with %v", role, action,
			resource, context)
	}
	project := with("aws:ResourceTag/Project", "portfolio-tracking")
	for role, suffix := range map[string]string{planRole: "pr12", previewRole: "pr12", productionRole: "production"} { // all of them read
		for _, c := range []struct {
			action, own, other string
			context            map[string]values
		}{
			{"acm:DescribeCertificate", arn("acm", "certificate/1"), arnIn(otherAccount, "acm", "certificate/1"), nil},
			{"kms:GetKeyPolicy", arn("kms", "key/1"), arnIn(otherAccount, "kms", "key/1"), project},
			{"s3:GetBucketTagging", "arn:aws:s3:::portfolio-hist-" + suffix + "-" + accountID, "arn:aws:s3:::theirs", nil},
			{"apigateway:GET", "arn:aws:apigateway:eu-west-1::/apis/1", "arn:aws:apigateway:eu-west-1::/restapis/1", nil},
			{"ssm:GetParameter", "arn:aws:ssm:eu-west-1::parameter/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
				arn("ssm", "parameter/theirs"), nil},
			{"route53:GetHostedZone", "arn:aws:route53:::hostedzone/Z0123456789ABC", "arn:aws:route53:::hostedzone/ZOTHER", nil},
			{"route53:GetChange", "arn:aws:route53:::change/C1", "arn:aws:route53:::hostedzone/ZOTHER", nil},
			{"s3:ListBucketVersions", "arn:aws:s3:::octo-states", "arn:aws:s3:::theirs", nil},
			{"lambda:GetFunction", arn("lambda", "function:portfolio-ws-handler-"+suffix), arn("lambda", "function:theirs"), nil},
			{"iam:GetRole", iamARN("role/portfolio-instance-" + suffix), iamARN("role/theirs"), nil},
			{"rds:ListTagsForResource", arn("rds", "db:portfolio-holdings-db-"+suffix), arn("rds", "db:theirs"), nil},
			{"sns:GetTopicAttributes", arn("sns", "portfolio-alarms-"+suffix), arn("sns", "theirs"), nil},
		} {
			check(role, true, c.action, c.own, c.context)
			check(role, false, c.action, c.other, c.context)
		}
		check(role, true, "cloudwatch:DescribeAlarms", "*", nil) // takes no resource, like those below
		check(role, true, "servicequotas:GetServiceQuota", "*", nil)
		check(role, true, "secretsmanager:GetRandomPassword", "*", nil)
		check(role, false, "kms:GetKeyPolicy", arn("kms", "key/1"), nil)
	}
	for _, d := range deployers {
		yes := func(action, resource string, context map[string]values) {
			check(d.role, true, action, resource, context)
		}
		no := func(action, resource string, context map[string]values) {
			check(d.role, false, action, resource, context)
		}
		asOwn, tagged := with("aws:RequestTag/Environment", d.own), with(environment, d.own)
		for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} {
			no(action, "arn:aws:s3:::theirs/"+d.own+"/portfolio-"+d.own+".tfstate", nil)
			no(action, "arn:aws:s3:::theirs/x.tflock", nil)
		}
		yes("s3:DeleteBucket", "arn:aws:s3:::portfolio-hist-"+d.own+"-"+accountID, nil)
		no("s3:DeleteBucket", "arn:aws:s3:::theirs", nil)
		yes("secretsmanager:PutSecretValue", arn("secretsmanager", "secret:portfolio-signing-key-"+d.own+"-2026-AbCdEf"), nil)
		no("secretsmanager:PutSecretValue", arn("secretsmanager", "secret:theirs-AbCdEf"), nil)
		for service, kind := range map[string]string{
			"autoscaling": "autoScalingGroup:1:autoScalingGroupName/portfolio-asg-", "elasticache": "serverlesscache:portfolio-market-cache-",
			"elasticloadbalancing": "targetgroup/portfolio-tg-", "lambda": "function:portfolio-ws-handler-", "rds": "db:portfolio-holdings-db-",
			"cloudwatch": "alarm:portfolio-alb-5xx-", "logs": "log-group:/portfolio/portfolio-service-", "sns": "portfolio-alarms-",
		} {
			name := kind + d.own
			if service == "elasticloadbalancing" {
				name += "/0123456789abcdef"
			}
			yes(service+":DeleteIt", arn(service, name), nil)
			no(service+":DeleteIt", arn(service, "theirs"), nil)
			no(service+":DeleteIt", arnIn(otherAccount, service, name), nil)
		}
		yes("rds:CreateDBInstance", arn("rds", "og:default:postgres-15"), nil)
		no("rds:CreateDBInstance", arn("rds", "og:theirs"), nil)
		yes("lambda:ListFunctions", "*", nil)

		yes("ec2:DeleteVpc", arn("ec2", "vpc/vpc-1"), tagged)
		no("ec2:DeleteVpc", arn("ec2", "vpc/vpc-1"), nil)
		yes("ec2:CreateVpc", arn("ec2", "vpc/*"), asOwn)
		yes("ec2:CreateTags", arn("ec2", "vpc/vpc-1"),
			map[string]values{"aws:RequestTag/Environment": {d.own}, "ec2:CreateAction": {"CreateVpc"}})
		no("ec2:CreateTags", arn("ec2", "vpc/vpc-1"), with("ec2:CreateAction", "CreateVpc"))
		no("ec2:CreateTags", arn("ec2", "vpc/vpc-1"), asOwn)
		yes("ec2:CreateTags", arn("ec2", "security-group/sg-1"), asOwn)
		no("ec2:CreateTags", arn("ec2", "security-group/sg-1"), with("aws:RequestTag/Other", "x"))
		endpoint, managed := arn("ec2", "vpc-endpoint/vpce-1"), "AmazonElastiCacheManaged"
		yes("ec2:CreateTags", endpoint,
			map[string]values{"aws:RequestTag/" + managed: {"true"}, "ec2:CreateAction": {"CreateVpcEndpoint"}})
		no("ec2:CreateTags", endpoint, with("aws:RequestTag/"+managed, "true"))
		no("ec2:CreateTags", endpoint, with("ec2:CreateAction", "CreateVpcEndpoint"))
		no("ec2:CreateTags", arn("ec2", "vpc/vpc-1"),
			map[string]values{"aws:RequestTag/" + managed: {"true"}, "ec2:CreateAction": {"CreateVpcEndpoint"}})
		yes("ec2:DeleteVpcEndpoints", endpoint, with("aws:ResourceTag/"+managed, "true"))
		no("ec2:DeleteVpcEndpoints", endpoint, nil)
		no("ec2:ModifyVpcEndpoint", arn("ec2", "vpc/vpc-1"), with("aws:ResourceTag/"+managed, "true"))

		yes("apigateway:POST", "arn:aws:apigateway:eu-west-1::/apis", nil)
		no("apigateway:POST", "arn:aws:apigateway:eu-west-1::/restapis", nil)
		yes("logs:CreateLogDelivery", "*", nil)
		yes("kms:CreateKey", "*", asOwn)
		no("kms:CreateKey", "*", nil)
		yes("kms:EnableKeyRotation", arn("kms", "key/1"), tagged)
		no("kms:EnableKeyRotation", arn("kms", "key/1"), nil)
		no("kms:EnableKeyRotation", arnIn(otherAccount, "kms", "key/1"), tagged)
		linked := iamARN("role/aws-service-role/rds.amazonaws.com/AWSServiceRoleForRDS")
		yes("iam:CreateServiceLinkedRole", linked, with("iam:AWSServiceName", "rds.amazonaws.com"))
		no("iam:CreateServiceLinkedRole", linked, with("iam:AWSServiceName", "spot.amazonaws.com"))
		no("iam:CreateServiceLinkedRole", iamARN("role/theirs"), with("iam:AWSServiceName", "rds.amazonaws.com"))
		no("iam:DeleteRole", iamARN("role/theirs"), nil)
		check(d.role, d.role == productionRole, "rds:CreateBlueGreenDeployment", arn("rds", "deployment:bgd-1"), nil)
		no("rds:CreateBlueGreenDeployment", arn("rds", "cluster:theirs"), nil)

		yes("acm:RequestCertificate", "*", asOwn)
		no("acm:RequestCertificate", "*", nil)
		host := map[string]string{previewRole: "pr12.app.example.com", productionRole: "app.example.com"}[d.role]
		record := func(kind string) map[string]values {
			return map[string]values{"route53:ChangeResourceRecordSetsRecordTypes": {kind},
				"route53:ChangeResourceRecordSetsNormalizedRecordNames": {host}}
		}
		yes("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0123456789ABC", record("A"))
		no("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0123456789ABC", record("NS"))
	}

	main, pulls := with(gitHubSub, ofMain), with(gitHubSub, ofPulls)
	secret := func(suffix string) string {
		return arn("secretsmanager", "secret:portfolio-signing-key-"+suffix+"-2026-AbCdEf")
	}
	check(planRole, true, "secretsmanager:GetSecretValue", secret("pr12"), pulls)
	check(planRole, false, "secretsmanager:GetSecretValue", arn("secretsmanager", "secret:theirs-AbCdEf"), main)
	check(planRole, false, "s3:GetObject", "arn:aws:s3:::theirs/x", main)
	via := func(subject, service string) map[string]values {
		return map[string]values{gitHubSub: {subject}, "kms:ViaService": {service}}
	}
	check(planRole, true, "kms:Decrypt", arn("kms", "key/1"), via(ofMain, "s3.eu-west-1.amazonaws.com"))
	check(planRole, false, "kms:Decrypt", arn("kms", "key/1"), via(ofPulls, "s3.eu-west-1.amazonaws.com"))
	check(planRole, false, "kms:Decrypt", arn("kms", "key/1"), via(ofMain, "rds.eu-west-1.amazonaws.com"))
	check(planRole, false, "kms:Decrypt", arn("kms", "key/1"), main)
}

// TestScopesOfBoundaries checks that each right of the boundaries is there, and where it ends.
func TestScopesOfBoundaries(t *testing.T) {
	policies, _ := rightsOfBootstrap(t)
	for _, d := range deployers {
		policy := policies[iamARN("policy/portfolio-"+d.tier+"-boundary")]
		for _, c := range []struct {
			want             bool
			action, resource string
			context          map[string]values
		}{
			{true, "ec2:DescribeVolumes", "*", nil},
			{true, "xray:PutTraceSegments", "*", nil},
			{true, "cloudwatch:PutMetricData", "*", with("cloudwatch:namespace", "CWAgent")},
			{false, "cloudwatch:PutMetricData", "*", with("cloudwatch:namespace", "AWS/RDS")},
			{true, "logs:PutLogEvents", arn("logs", "log-group:/portfolio/portfolio-service-"+d.own+":log-stream:x"), nil},
			{false, "logs:PutLogEvents", arn("logs", "log-group:/theirs:log-stream:x"), nil},
			{true, "logs:PutLogEvents", arn("logs", "log-group:RDSOSMetrics:log-stream:x"), nil},
			{true, "ssmmessages:OpenDataChannel", "*", nil},
			{true, "acm:DescribeCertificate", arn("acm", "certificate/1"), nil},
			{false, "acm:DescribeCertificate", arnIn(otherAccount, "acm", "certificate/1"), nil},
			{true, "execute-api:ManageConnections", arn("execute-api", "abc/prod/POST/@connections/1"), nil},
			{false, "execute-api:ManageConnections", arn("execute-api", "abc/theirs/POST/@connections/1"), nil},
			{false, "execute-api:ManageConnections", arnIn(otherAccount, "execute-api", "abc/prod/POST/@connections/1"), nil},
			{false, "secretsmanager:GetSecretValue", arn("secretsmanager", "secret:theirs-AbCdEf"), nil},
			{true, "s3:GetObject", "arn:aws:s3:::portfolio-hist-" + d.own + "-" + accountID + "/day", nil},
			{false, "s3:GetObject", "arn:aws:s3:::portfolio-hist-" + d.other + "-" + accountID + "/day", nil},
			{false, "s3:GetObject", "arn:aws:s3:::theirs/x", nil},
			{true, "kms:Decrypt", arn("kms", "key/1"), with(environment, d.own)},
			{false, "kms:Decrypt", arn("kms", "key/1"), nil},
		} {
			require.Equal(t, c.want, allows(policy, request{c.action, c.resource, c.context}), "%s: %s on %s with %v", d.tier,
				c.action, c.resource, c.context)
		}
	}
}
