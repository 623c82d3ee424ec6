package stacks

import (
	"slices"

	"portfolio/config"
)

// boundary is the most that a role of a tier's environments can have, whatever its
// policies allow: what instances, the WebSocket handler, flow logs and RDS need of
// their own tier. It includes neither states nor roles.
func (r rights) boundary(t tier) []statement {
	statements := []statement{
		{Sid: "Observe", Resource: "*", Action: []string{ // none of them takes a resource
			"ec2:DescribeInstances", "ec2:DescribeTags", "ec2:DescribeVolumes", "logs:DescribeLogGroups",
			"xray:PutTelemetryRecords", "xray:PutTraceSegments",
		}},
		{Sid: "AgentMetrics", Action: "cloudwatch:PutMetricData", Resource: "*",
			Condition: condition{"StringEquals": {"cloudwatch:namespace": "CWAgent"}}},
		{Sid: "OwnLogs", Action: []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			Resource: r.roleLogs(t.Suffixes)},
		// Enhanced Monitoring writes every database's metrics to one group.
		{Sid: "EnhancedMonitoring", Resource: "arn:aws:logs:*:" + r.Account + ":log-group:RDS*", Action: []string{
			"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:GetLogEvents",
			"logs:PutLogEvents", "logs:PutRetentionPolicy",
		}},
		// Session Manager, without parameters, in which other projects keep secrets.
		{Sid: "SessionManager", Resource: "*", Action: []string{
			"ec2messages:*", "ssmmessages:*", "ssm:DescribeAssociation", "ssm:DescribeDocument",
			"ssm:GetDeployablePatchSnapshotForInstance",
			"ssm:GetDocument", "ssm:GetManifest", "ssm:List*Associations", "ssm:PutComplianceItems",
			"ssm:PutConfigurePackageResult", "ssm:PutInventory", "ssm:Update*AssociationStatus",
			"ssm:UpdateInstanceInformation",
		}},
		{Sid: "Certificate", Action: "acm:DescribeCertificate",
			Resource: "arn:aws:acm:*:" + r.Account + ":certificate/*"},
		// An API is named by an ID; a post needs the ID of a connection as well.
		{Sid: "Push", Action: "execute-api:ManageConnections",
			Resource: "arn:aws:execute-api:*:" + r.Account + ":*/" + stageName + "/*/@connections/*"},
		{Sid: "OwnSecrets", Action: "secretsmanager:GetSecretValue",
			Resource: append(r.secrets(t.Suffixes), r.ownedSecrets(t)...)},
		{Sid: "OwnBuckets", Action: []string{"s3:GetObject", "s3:ListBucket", "s3:PutObject"},
			Resource: r.roleBuckets(t.Suffixes)},
		{Sid: "OwnKeys", Action: []string{"kms:Decrypt", "kms:GenerateDataKey"}, Resource: "*",
			Condition: condition{"StringLike": {resourceTag: t.Suffixes}}},
	}
	if t.Others == nil {
		return statements
	}
	return append(statements, statement{
		Sid: "NoOthers", Effect: "Deny", Action: []string{"logs:*", "s3:*"},
		Resource: slices.Concat(r.roleBuckets(t.Others), r.roleLogs(t.Others)),
	}, statement{
		Sid: "NoOtherSecrets", Effect: "Deny", Action: "secretsmanager:*", Resource: "*",
		Condition: condition{"StringLike": {resourceTag: t.Others}},
	})
}

// roleBuckets are the buckets that roles of these suffixes' environments use, with
// their objects: one pattern for both, because a boundary is a single policy of up
// to 6,144 characters.
func (r rights) roleBuckets(suffixes []string) []string {
	var all []string
	for _, bucket := range r.buckets(suffixes, "hist", "artifacts") {
		all = append(all, bucket+"*")
	}
	return all
}

// roleLogs are the log groups that roles of these suffixes' environments write to,
// with their streams.
func (r rights) roleLogs(suffixes []string) []string {
	return arns(suffixes, func(n config.Names) []string {
		var all []string
		for _, group := range []string{serviceLogGroup(n), flowLogGroup(n), handlerLogGroup(n)} {
			all = append(all, "arn:aws:logs:*:*:log-group:"+group)
		}
		return all
	})
}
