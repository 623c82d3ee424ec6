package stacks

// boundary is the most that a role of a tier's environments can have, whatever
// policies it is given: what instances, the WebSocket handler, flow logs and RDS
// need, of their own tier. Neither states nor roles are in it.
func (r rights) boundary(t tier) []statement {
	buckets := r.buckets(t.Suffixes, "hist", "artifacts")
	statements := []statement{
		{Sid: "Observe", Resource: "*", Action: []string{
			"cloudwatch:PutMetricData", "ec2:DescribeInstances", "ec2:DescribeTags", "ec2:DescribeVolumes",
			"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
			"logs:PutLogEvents", "logs:PutRetentionPolicy", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
		}},
		// Session Manager, but for parameters, in which other projects keep secrets.
		{Sid: "SessionManager", Resource: "*", Action: []string{
			"ec2messages:*", "ssmmessages:*", "ssm:DescribeAssociation", "ssm:DescribeDocument", "ssm:GetDeployablePatchSnapshotForInstance",
			"ssm:GetDocument", "ssm:GetManifest", "ssm:ListAssociations", "ssm:ListInstanceAssociations", "ssm:PutComplianceItems",
			"ssm:PutConfigurePackageResult", "ssm:PutInventory", "ssm:UpdateAssociationStatus", "ssm:UpdateInstanceAssociationStatus",
			"ssm:UpdateInstanceInformation",
		}},
		{Sid: "Certificate", Action: "acm:DescribeCertificate", Resource: "*"},
		// An API has an id for a name; a post needs the id of a connection as well.
		{Sid: "Push", Action: "execute-api:ManageConnections", Resource: "arn:aws:execute-api:*:" + r.Account + ":*/*/*/@connections/*"},
		{Sid: "OwnSecrets", Action: "secretsmanager:GetSecretValue", Resource: r.secrets(t.Suffixes)},
		{Sid: "OwnBuckets", Action: "s3:ListBucket", Resource: buckets},
		{Sid: "OwnObjects", Action: []string{"s3:GetObject", "s3:PutObject"}, Resource: objects(buckets)},
		{Sid: "OwnKeys", Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: "*", Condition: condition{"StringLike": {resourceTag: t.Suffixes}}},
	}
	if t.Others == nil {
		return statements
	}
	others := r.buckets(t.Others, "hist", "artifacts")
	return append(statements, statement{
		Sid: "NoOthers", Effect: "Deny", Resource: append(append(r.secrets(t.Others), others...), objects(others)...),
		Action: []string{"s3:*", "secretsmanager:*"},
	})
}

// planData is what a plan reads beside settings. A pull request can run whatever
// it likes as the plan role, so it gets no more than previews; the subject of the
// token, which IAM keeps for the whole session, opens the rest to main.
func (r rights) planData(main string) []statement {
	onMain := condition{"StringEquals": {subjectKey: main}}
	return []statement{
		{Sid: "StateBucket", Action: stateSettings, Resource: r.States},
		{Sid: "Previews", Action: []string{"s3:GetObject", "s3:GetObjectTagging"}, Resource: append(r.stateKeys(pullRequests, "*"), objects(r.buckets(pullRequests, "artifacts"))...)},
		{Sid: "PreviewSecrets", Action: "secretsmanager:GetSecretValue", Resource: r.secrets(pullRequests)},
		{Sid: "RandomPassword", Action: "secretsmanager:GetRandomPassword", Resource: "*"}, // takes no resource
		{Sid: "AllOnMain", Action: []string{"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion"}, Resource: append([]string{r.States + "/*"}, objects(r.buckets([]string{"*"}, "artifacts"))...), Condition: onMain},
		{Sid: "SecretsOnMain", Action: "secretsmanager:GetSecretValue", Resource: r.secrets([]string{"*"}), Condition: onMain},
		{Sid: "KeysOnMain", Action: "kms:Decrypt", Resource: "*", Condition: condition{
			"StringEquals": {subjectKey: main},
			"StringLike":   {"kms:ViaService": []string{"s3.*.amazonaws.com", "secretsmanager.*.amazonaws.com"}},
		}},
	}
}

// read is what Terraform reads of each resource, what preflight reads of quotas,
// and what the proof reads that nothing is left.
func (r rights) read() []statement {
	return []statement{{
		Sid: "Settings", Resource: "*", Action: []string{
			"acm:DescribeCertificate", "acm:ListCertificates", "acm:ListTagsForCertificate",
			"autoscaling:Describe*", "cloudwatch:Describe*", "cloudwatch:GetDashboard", "cloudwatch:ListDashboards", "cloudwatch:ListTagsForResource",
			"ec2:Describe*", "elasticache:Describe*", "elasticache:ListTagsForResource", "elasticloadbalancing:Describe*",
			"iam:GetInstanceProfile", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfiles",
			"iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoles", "iam:ListRoleTags",
			"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListKeys", "kms:ListResourceTags",
			"lambda:GetFunction*", "lambda:GetPolicy", "lambda:ListFunctions", "lambda:ListTags", "lambda:ListVersionsByFunction",
			"logs:DescribeLogGroups", "logs:ListTagsForResource", "rds:Describe*", "rds:ListTagsForResource",
			"route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets",
			"secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:ListSecrets", "secretsmanager:ListSecretVersionIds",
			"servicequotas:Get*", "servicequotas:List*", "sns:GetSubscriptionAttributes", "sns:GetTopicAttributes",
			"sns:ListSubscriptionsByTopic", "sns:ListTagsForResource", "sns:ListTopics", "tag:GetResources",
			"s3:ListAllMyBuckets",
		},
	}, {
		Sid: "Buckets", Resource: r.buckets([]string{"*"}), Action: []string{
			"s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
			"s3:GetReplicationConfiguration", "s3:ListBucket",
		},
	}, {
		Sid: "API", Action: "apigateway:GET",
		Resource: apiARNs,
	}, {
		Sid: "Images", Action: "ssm:GetParameter", Resource: "arn:aws:ssm:*::parameter/aws/service/ami-amazon-linux-latest/*",
	}}
}
