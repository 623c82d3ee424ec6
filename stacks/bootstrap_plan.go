package stacks

import "portfolio/config"

// planData is what a plan reads in addition to settings. A pull request can run any code
// as the plan role, so it reads only previews; the token's subject, which IAM
// keeps for the whole session, opens the rest to the main branch.
func (r rights) planData(main string) []statement {
	onMain := condition{"StringEquals": {subjectKey: main}}
	return []statement{
		{Sid: "StateBucket", Action: stateSettings, Resource: r.States},
		{Sid: "Previews", Action: []string{"s3:GetObject", "s3:GetObjectTagging"},
			Resource: append(r.stateKeys(pullRequests, "*"), objects(r.buckets(pullRequests, "artifacts"))...)},
		{Sid: "PreviewSecrets", Action: "secretsmanager:GetSecretValue", Resource: r.secrets(pullRequests)},
		{Sid: "RandomPassword", Action: "secretsmanager:GetRandomPassword", Resource: "*"}, // takes no resource
		{Sid: "AllOnMain", Action: []string{"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"},
			Resource:  append([]string{r.States + "/*"}, objects(r.buckets([]string{"*"}, "artifacts"))...),
			Condition: onMain},
		{Sid: "SecretsOnMain", Action: "secretsmanager:GetSecretValue",
			Resource: r.secrets([]string{"*"}), Condition: onMain},
		{Sid: "KeysOnMain", Action: "kms:Decrypt", Resource: "*", Condition: condition{
			"StringEquals": {subjectKey: main},
			"StringLike":   {"kms:ViaService": []string{"s3.*.amazonaws.com", "secretsmanager.*.amazonaws.com"}},
		}},
		// Where other projects' instances and functions keep what they are started with.
		{Sid: "NoUserData", Effect: "Deny", Action: []string{"autoscaling:DescribeLaunchConfigurations",
			"ec2:DescribeInstanceAttribute"}, Resource: "*"},
	}
}

// read is what Terraform reads of each resource, what preflight reads of quotas and
// offers, and what shows that nothing is left. Settings are listed by actions that
// take no resource; whatever takes one is limited to this project's names.
func (r rights) read() []statement {
	any := config.NewNames("*")
	own := func(service, kind string) string { return "arn:aws:" + service + ":*:" + r.Account + ":" + kind }
	role := func(kind string) string { return "arn:aws:iam::" + r.Account + ":" + kind + "/portfolio-*" }
	statements := []statement{{
		Sid: "Lists", Resource: "*", Action: []string{
			"acm:ListCertificates", "autoscaling:Describe*", "cloudwatch:Describe*",
			"cloudwatch:ListDashboards", "ec2:Describe*",
			"elasticache:Describe*", "elasticloadbalancing:Describe*", "iam:ListInstanceProfiles", "iam:ListRoles",
			"kms:ListAliases", "kms:ListKeys",
			"logs:DescribeLogGroups", "pricing:GetProducts", "rds:Describe*", "secretsmanager:ListSecrets",
			"servicequotas:Get*", "servicequotas:List*",
			"sns:GetSubscriptionAttributes", "sns:ListTopics", "s3:ListAllMyBuckets", "tag:GetResources",
		},
	}, {
		Sid: "Certificates", Resource: own("acm", "certificate/*"),
		Action: []string{"acm:DescribeCertificate", "acm:ListTagsForCertificate"},
	}, {
		Sid: "Names", Resource: []string{
			"arn:aws:cloudwatch::" + r.Account + ":dashboard/" + any.Dashboard, own("cloudwatch", "alarm:portfolio-*"),
			own("elasticache", "serverlesscache*:portfolio-*"), own("logs", "log-group:/*/portfolio-*"),
			own("rds", "*:portfolio-*"),
			own("secretsmanager", "secret:portfolio-*"), own("sns", "portfolio-*"),
			role("instance-profile"), role("role"),
		}, Action: []string{
			"cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource", "elasticache:ListTagsForResource",
			"iam:GetInstanceProfile", "iam:GetRole",
			"iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
			"iam:ListRolePolicies", "iam:ListRoleTags",
			"logs:ListTagsForResource", "rds:ListTagsForResource", "secretsmanager:DescribeSecret",
			"secretsmanager:GetResourcePolicy",
			"secretsmanager:ListSecretVersionIds", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
			"sns:ListTagsForResource",
		},
	}, {
		// GetFunction shows a function's environment and code.
		Sid: "Functions", Resource: own("lambda", "function:portfolio-*"),
		Action: []string{"lambda:GetFunction*", "lambda:GetPolicy", "lambda:ListTags", "lambda:ListVersionsByFunction"},
	}, {
		Sid: "Keys", Resource: own("kms", "key/*"),
		Condition: condition{"StringEquals": {"aws:ResourceTag/Project": config.Project}},
		Action:    []string{"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"},
	}, {
		Sid: "Buckets", Resource: r.buckets([]string{"*"}), Action: []string{
			"s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration",
			"s3:GetLifecycleConfiguration",
			"s3:GetReplicationConfiguration", "s3:ListBucket",
		},
	}, {
		Sid: "API", Action: "apigateway:GET", Resource: apiARNs,
	}, {
		Sid: "Images", Action: []string{"ssm:GetParameter", "ssm:GetParametersByPath"},
		Resource: "arn:aws:ssm:*::parameter" + amiParametersPath + "*",
	}}
	if r.Domain.ZoneID != "" {
		statements = append(statements,
			statement{Sid: "Zone", Action: []string{"route53:GetHostedZone", "route53:ListResourceRecordSets"},
				Resource: r.zone()},
			statement{Sid: "ZoneChanges", Action: "route53:GetChange", Resource: "arn:aws:route53:::change/*"})
	}
	return statements
}

func (r rights) zone() string { return "arn:aws:route53:::hostedzone/" + r.Domain.ZoneID }
