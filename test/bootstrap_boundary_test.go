package test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDomainsOfTiers checks who may change which records of the zone: pull requests'
// environments have names that begin with their suffix, production has all others.
func TestDomainsOfTiers(t *testing.T) {
	_, roles := rightsOf(t, map[string]string{"DOMAIN_NAME": "app.example.com", "HOSTED_ZONE_ID": "Z0123456789ABC"})
	const preview, production, plan = "portfolio-deploy-preview", "portfolio-deploy-production", "portfolio-plan"
	const own, other = "arn:aws:route53:::hostedzone/Z0123456789ABC", "arn:aws:route53:::hostedzone/ZOTHER"
	for _, c := range []struct {
		want             bool
		role, zone, kind string
		names            values
	}{
		{true, production, own, "A", values{"app.example.com"}},
		{true, production, own, "CNAME", values{"_0123abc.app.example.com"}},
		{true, production, own, "A", values{"staging.app.example.com"}},
		{false, production, own, "MX", values{"app.example.com"}},
		{false, production, own, "A", values{"example.com"}},
		{false, production, own, "A", values{"app.example.com", "example.com"}},
		{false, production, own, "A", values{"myapp.example.com"}},
		{false, production, own, "A", values{"pr12.app.example.com"}},
		{false, production, own, "CNAME", values{"_0123abc.pr12.app.example.com"}},
		{false, production, other, "A", values{"app.example.com"}},
		{true, preview, own, "A", values{"pr12.app.example.com"}},
		{true, preview, own, "CNAME", values{"_0123abc.pr12.app.example.com"}},
		{false, preview, own, "A", values{"app.example.com"}},
		{false, preview, own, "CNAME", values{"_0123abc.app.example.com"}},
		{false, preview, own, "A", values{"production.app.example.com"}},
		{false, preview, other, "A", values{"pr12.app.example.com"}},
		{false, plan, own, "A", values{"pr12.app.example.com"}},
	} {
		context := map[string]values{
			"route53:ChangeResourceRecordSetsRecordTypes": {c.kind}, "route53:ChangeResourceRecordSetsNormalizedRecordNames": c.names,
		}
		require.Equal(t, c.want, allows(roles[c.role], request{"route53:ChangeResourceRecordSets", c.zone, context}),
			"%s: %s of %v in %s", c.role, c.kind, c.names, c.zone)
	}
	certificate := "arn:aws:acm:eu-west-1:" + accountID + ":certificate/1"
	for role, suffixes := range map[string][2]string{preview: {"pr12", "production"},
		production: {"production", "pr12"}} {
		for i, suffix := range suffixes {
			require.Equal(t, i == 0, allows(roles[role],
				request{"acm:RequestCertificate", "*", map[string]values{"aws:RequestTag/Environment": {suffix}}}),
				role)
			require.Equal(t, i == 0, allows(roles[role],
				request{"acm:DeleteCertificate", certificate, map[string]values{environment: {suffix}}}), role)
		}
		require.False(t, allows(roles[role], request{"acm:DeleteCertificate", certificate, nil}), role)
	}
	require.True(t, allows(roles[plan], request{"route53:ListResourceRecordSets", own, nil}))
	_, without := rightsOfBootstrap(t)
	require.False(t, allows(without[production], request{"route53:ChangeResourceRecordSets", own, nil}),
		"no domain, no records")
}

// TestBoundaries checks the most that a role of an environment can have: an
// instance of a pull request runs any code that the pull request contains.
func TestBoundaries(t *testing.T) {
	policies, _ := rightsOfBootstrap(t)
	own := func(service, rest string) string {
		return "arn:aws:" + service + ":eu-west-1:" + accountID + ":" + rest
	}
	for _, c := range []struct {
		want                   bool
		tier, action, resource string
	}{
		{true, "preview", "logs:PutLogEvents", own("logs", "log-group:/portfolio/portfolio-service-pr12:log-stream:i-1")},
		{true, "preview", "logs:CreateLogStream", own("logs", "log-group:/aws/lambda/portfolio-ws-handler-pr12:log-stream:x")},
		{true, "preview", "logs:PutLogEvents", own("logs", "log-group:/portfolio/portfolio-flow-logs-pr12:log-stream:x")},
		{true, "preview", "logs:PutLogEvents", own("logs", "log-group:RDSOSMetrics:log-stream:db-1")},
		{true, "preview", "logs:PutRetentionPolicy", own("logs", "log-group:RDSOSMetrics")},
		{false, "preview", "logs:PutRetentionPolicy", own("logs", "log-group:/portfolio/portfolio-service-production")},
		{false, "preview", "logs:PutRetentionPolicy", own("logs", "log-group:/portfolio/portfolio-service-pr12")},
		{false, "preview", "logs:PutLogEvents", own("logs", "log-group:/portfolio/portfolio-service-production:log-stream:i-1")},
		{false, "preview", "logs:PutLogEvents", own("logs", "log-group:/theirs:log-stream:x")},
		{false, "preview", "logs:CreateLogGroup", own("logs", "log-group:/theirs")},
		{true, "production", "logs:PutLogEvents", own("logs", "log-group:/portfolio/portfolio-service-production:log-stream:i-1")},
		{false, "production", "logs:PutLogEvents", own("logs", "log-group:/portfolio/portfolio-service-pr12:log-stream:i-1")},
		{false, "production", "logs:PutRetentionPolicy", own("logs", "log-group:/theirs")},
		{false, "production", "cloudwatch:PutMetricData", "*"}, // in any namespace but the agent's
		{false, "preview", "acm:DescribeCertificate", "arn:aws:acm:eu-west-1:999999999999:certificate/1"},
		{true, "preview", "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-signing-key-pr12-2026-AbCdEf")},
		{true, "preview", "s3:PutObject", "arn:aws:s3:::portfolio-hist-pr12-" + accountID + "/day"},
		{true, "preview", "execute-api:ManageConnections", own("execute-api", "abc/prod/POST/@connections/1")},
		{true, "preview", "ssmmessages:OpenDataChannel", "*"},
		{false, "preview", "ssm:GetParameter", own("ssm", "parameter/theirs")},
		{false, "preview", "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-signing-key-production-2026-AbCdEf")},
		{false, "preview", "s3:GetObject", "arn:aws:s3:::portfolio-hist-production-" + accountID + "/day"},
		{false, "preview", "s3:GetObject", "arn:aws:s3:::octo-states/pr12/portfolio-pr12.tfstate"},
		{false, "preview", "iam:CreateRole", "arn:aws:iam::" + accountID + ":role/portfolio-instance-pr12"},
		{false, "preview", "sts:AssumeRole", "arn:aws:iam::" + accountID + ":role/portfolio-deploy-production"},
		{true, "production", "secretsmanager:GetSecretValue", own("secretsmanager", "secret:portfolio-signing-key-production-2026-AbCdEf")},
		{false, "production", "s3:GetObject", "arn:aws:s3:::octo-states/production/portfolio-production.tfstate"},
	} {
		policy := policies["arn:aws:iam::"+accountID+":policy/portfolio-"+c.tier+"-boundary"]
		require.Equal(t, c.want, allows(policy, request{c.action, c.resource, nil}), "%s: %s on %s",
			c.tier, c.action, c.resource)
	}
	agents := map[string]values{"cloudwatch:namespace": {"CWAgent"}}
	for _, tier := range []string{"preview", "production"} {
		policy := policies["arn:aws:iam::"+accountID+":policy/portfolio-"+tier+"-boundary"]
		require.True(t, allows(policy, request{"cloudwatch:PutMetricData", "*", agents}), tier)
		secret := own("secretsmanager", "secret:portfolio-signing-key-pr12-2026-AbCdEf")
		require.Equal(t, tier == "preview", allows(policy,
			request{"secretsmanager:GetSecretValue", secret, map[string]values{environment: {"pr12"}}}), tier)
	}
}

// TestRolesOfEnvironmentsFit checks that the platform's roles have the boundary and
// names with which a deploy role may create them.
func TestRolesOfEnvironmentsFit(t *testing.T) {
	const boundary = "arn:aws:iam::" + accountID + ":policy/portfolio-preview-boundary"
	_, deploy := rightsOfBootstrap(t)
	for _, profile := range profiles {
		environ := ofProfile("pr12", profile)
		environ["PERMISSIONS_BOUNDARY_ARN"] = boundary
		m := modelOf(t, environ)
		require.NotEmpty(t, m.of("aws_iam_role"))
		for _, path := range m.of("aws_iam_role") {
			require.Equal(t, boundary, m.text(path, "permissions_boundary"), path)
			role := "arn:aws:iam::" + accountID + ":role/" + m.text(path, "name")
			require.True(t, allows(deploy["portfolio-deploy-preview"],
				request{"iam:CreateRole", role, map[string]values{"iam:PermissionsBoundary": {boundary}}}), role)
		}
	}
}
