package stacks

import "portfolio/config"

// apiARNs are API Gateway's APIs of version 2, whatever is in them, and their tags.
var apiARNs = []string{"arn:aws:apigateway:*::/apis", "arn:aws:apigateway:*::/apis/*", "arn:aws:apigateway:*::/tags/*"}

// The tag that separates environments: every resource that can be tagged has it.
const (
	resourceTag = "aws:ResourceTag/Environment"
	requestTag  = "aws:RequestTag/Environment"
)

// data lets a role create, fill and delete the buckets and secrets of its tier. Two
// more statements hold for every service whose resources have tags: they deny
// everything on resources with another tier's tag, and the use of such a tag.
func (r rights) data(t tier) []statement {
	buckets, secrets := r.buckets(t.Suffixes), r.secrets(t.Suffixes)
	statements := []statement{
		{Sid: "OwnBuckets", Action: "s3:*", Resource: append(buckets, objects(buckets)...)},
		{Sid: "OwnSecrets", Action: "secretsmanager:*", Resource: secrets},
		{Sid: "RandomPassword", Action: "secretsmanager:GetRandomPassword", Resource: "*"}, // takes no resource
	}
	for _, guard := range []struct{ sid, key string }{{"NotTaggedAsOthers", resourceTag},
		{"NoTagOfOthers", requestTag}} {
		of := condition{"StringLike": {guard.key: t.Others}}
		if t.Others == nil {
			of = condition{"StringNotLike": {guard.key: t.Suffixes}, "Null": {guard.key: "false"}}
		}
		statements = append(statements, statement{Sid: guard.sid, Effect: "Deny", Action: "*",
			Resource: "*", Condition: of})
	}
	if t.Others != nil {
		buckets := r.buckets(t.Others)
		statements = append(statements,
			statement{Sid: "NoOtherBuckets", Effect: "Deny", Action: "s3:*",
				Resource: append(buckets, objects(buckets)...)},
			statement{Sid: "NoOtherSecrets", Effect: "Deny", Action: "secretsmanager:*", Resource: r.secrets(t.Others)})
	}
	return statements
}

// names lets a role do everything with resources of these services that have a name
// of its tier.
func (r rights) names(t tier) []statement {
	return r.anything(t, []string{"autoscaling:*", "elasticache:*", "elasticloadbalancing:*", "lambda:*", "rds:*"},
		func(n config.Names, any string, own func(service, kind string) string) []string {
			return []string{
				own("autoscaling", "autoScalingGroup:*:autoScalingGroupName/"+n.AutoScalingGroup),
				own("elasticache", "serverlesscache*:"+any),
				own("elasticloadbalancing", "*/"+any), // load balancers, target groups, listeners and their rules
				own("lambda", "function:"+any),
				own("rds", "*:"+any),
			}
		}, statement{
			// RDS authorizes these on the default option group as well.
			Sid: "DefaultOptions", Resource: "arn:aws:rds:*:" + r.Account + ":og:default:postgres-*", Action: []string{
				"rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance",
				"rds:RestoreDBInstanceFromDBSnapshot", "rds:RestoreDBInstanceToPointInTime",
			},
		}, statement{Sid: "ListFunctions", Action: "lambda:ListFunctions", Resource: "*"}) // takes no resource
}

// signals is like names, for what watches the environments.
func (r rights) signals(t tier) []statement {
	return r.anything(t, []string{"cloudwatch:*", "kms:*Alias", "logs:*", "sns:*"},
		func(n config.Names, any string, own func(service, kind string) string) []string {
			return []string{
				own("cloudwatch", "alarm:"+any),
				"arn:aws:cloudwatch::" + r.Account + ":dashboard/" + n.Dashboard,
				own("kms", n.KeyAlias), own("kms", n.AlarmKeyAlias),
				own("logs", "log-group:/portfolio/"+any), own("logs", "log-group:/aws/lambda/"+any),
				own("logs", "log-group:/aws/rds/instance/"+any),
				own("sns", any),
			}
		}, statement{Sid: "EndSubscriptions", Action: "sns:Unsubscribe", Resource: "*"}) // takes no resource
}

// anything allows actions on the ARNs that of returns for each suffix, and more. It
// is given the suffix's names, a pattern of any name, and a function that makes an
// ARN in any region of the account.
func (r rights) anything(t tier, actions []string,
	of func(n config.Names, any string, own func(service, kind string) string) []string,
	more ...statement) []statement {
	own := func(service, kind string) string { return "arn:aws:" + service + ":*:" + r.Account + ":" + kind }
	return append([]statement{{Sid: "OwnNames", Action: actions,
		Resource: arns(t.Suffixes, func(n config.Names) []string {
			return of(n, "portfolio-*-"+n.Suffix, own)
		})}}, more...)
}

// The actions of EC2 on existing resources, which need the tier's tag; and those
// that create resources, or change resources of AWS's that are not tagged yet.
var (
	networkChanges = []string{
		"ec2:AssociateRouteTable", "ec2:AttachInternetGateway", "ec2:CreateLaunchTemplateVersion", "ec2:CreateRoute",
		"ec2:CreateTags", "ec2:DeleteFlowLogs", "ec2:DeleteInternetGateway",
		"ec2:DeleteLaunchTemplate", "ec2:DeleteNatGateway",
		"ec2:DeleteRoute", "ec2:DeleteRouteTable", "ec2:DeleteSecurityGroup", "ec2:DeleteSubnet",
		"ec2:DeleteTags", "ec2:DeleteVpc",
		"ec2:DeleteVpcEndpoints", "ec2:DetachInternetGateway", "ec2:DisassociateRouteTable", "ec2:ModifyLaunchTemplate",
		"ec2:ModifySecurityGroupRules", "ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:ModifyVpcEndpoint",
		"ec2:ReleaseAddress", "ec2:ReplaceRoute", "ec2:ReplaceRouteTableAssociation",
		"ec2:UpdateSecurityGroupRuleDescriptions*",
	}
	networkCreations = []string{
		"ec2:AllocateAddress", "ec2:AuthorizeSecurityGroup*", "ec2:CreateFlowLogs", "ec2:CreateInternetGateway",
		"ec2:CreateLaunchTemplate", "ec2:CreateNatGateway", "ec2:CreateRouteTable",
		"ec2:CreateSecurityGroup", "ec2:CreateSubnet",
		"ec2:CreateVpc", "ec2:CreateVpcEndpoint", "ec2:DisassociateAddress", "ec2:RevokeSecurityGroup*",
		"ec2:RunInstances", // Auto Scaling checks that its caller could run the template
	}
)

// keyManagement are the actions that could take a key from its owner.
var keyManagement = []string{
	"kms:CreateAlias", "kms:DisableKey", "kms:DisableKeyRotation", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
	"kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
}

// unnamed lets a role create resources that get generated IDs, and change those with
// its tier's tag. data denies it those with another tier's.
func (r rights) unnamed(t tier) []statement {
	tagged := condition{"StringLike": {resourceTag: t.Suffixes}}
	asOwn := condition{"StringLike": {requestTag: t.Suffixes}}
	statements := []statement{
		{Sid: "NetworkChanges", Action: networkChanges, Resource: "*", Condition: tagged},
		{Sid: "NetworkCreations", Action: networkCreations, Resource: "*"},
		{Sid: "TagsOfNew", Action: "ec2:CreateTags", Resource: "*",
			Condition: condition{"StringLike": {requestTag: t.Suffixes}, "Null": {"ec2:CreateAction": "false"}}},
		// The default group of a VPC, which AWS creates without a tag.
		{Sid: "TagsOfDefaultGroup", Action: "ec2:CreateTags",
			Resource: "arn:aws:ec2:*:" + r.Account + ":security-group/*", Condition: asOwn},
		{Sid: "API", Action: []string{"apigateway:GET", "apigateway:POST", "apigateway:PUT", "apigateway:PATCH",
			"apigateway:DELETE", "apigateway:TagResource", "apigateway:UntagResource"},
			Resource: apiARNs}, // not /account, which all APIs share
		{Sid: "APILogs", Action: []string{"logs:*LogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
			"logs:DescribeResourcePolicies"}, Resource: "*"},
		{Sid: "NewKeys", Action: []string{"kms:CreateKey", "kms:TagResource"}, Resource: "*", Condition: asOwn},
		{Sid: "OwnKeys", Action: "kms:*", Resource: "arn:aws:kms:*:" + r.Account + ":key/*", Condition: tagged},
		// Anybody could tag a key; an alias shows whose it is.
		{Sid: "NoOtherKeys", Effect: "Deny", Action: keyManagement, Resource: "*",
			Condition: condition{"ForAnyValue:StringNotLike": {
				"kms:ResourceAliases": arns(t.Suffixes,
					func(n config.Names) []string { return []string{n.KeyAlias, n.AlarmKeyAlias} }),
			}}},
		{Sid: "ServiceRoles", Action: "iam:CreateServiceLinkedRole", Resource: "arn:aws:iam::*:role/aws-service-role/*",
			Condition: condition{"StringEquals": {
				"iam:AWSServiceName": []string{"autoscaling.amazonaws.com", "elasticache.amazonaws.com",
					"elasticloadbalancing.amazonaws.com", "ops.apigateway.amazonaws.com", "rds.amazonaws.com"},
			}}},
	}
	if t.Others != nil {
		statements = append(statements,
			statement{Sid: "BlueGreen", Action: "rds:*BlueGreenDeployment*",
				Resource: "arn:aws:rds:*:" + r.Account + ":deployment:*"})
	}
	return append(statements, r.cacheEndpoint()...)
}

// cacheEndpoint is for ElastiCache Serverless, which manages its VPC endpoint with
// the rights of its caller and puts this one tag on it.
func (r rights) cacheEndpoint() []statement {
	const managed = "AmazonElastiCacheManaged"
	endpoints := "arn:aws:ec2:*:" + r.Account + ":vpc-endpoint/*"
	return []statement{
		{Sid: "TagOfCacheEndpoint", Action: "ec2:CreateTags", Resource: endpoints,
			Condition: condition{"StringEquals": {
				"ec2:CreateAction": "CreateVpcEndpoint", "aws:RequestTag/" + managed: "true",
			}}},
		{Sid: "CacheEndpoint", Action: []string{"ec2:DeleteVpcEndpoints", "ec2:ModifyVpcEndpoint"}, Resource: endpoints,
			Condition: condition{"StringEquals": {"aws:ResourceTag/" + managed: "true"}}},
	}
}

// roles lets a role create and pass the roles of its tier, each with the boundary:
// otherwise it could create a role with every right and run code with it.
func (r rights) roles(t tier, boundary string) []statement {
	statements := []statement{
		{Sid: "OwnRoles", Resource: append(r.roleNames(t.Suffixes), r.profiles(t.Suffixes)...), Action: []string{
			"iam:AddRoleToInstanceProfile", "iam:AttachRolePolicy", "iam:CreateInstanceProfile", "iam:CreateRole",
			"iam:DeleteInstanceProfile",
			"iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PassRole",
			"iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
			"iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile", "iam:TagRole",
			"iam:UntagInstanceProfile", "iam:UntagRole",
			"iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
		}},
		// Also denies a role without a boundary, for which the key is absent.
		{Sid: "NoUnboundedRoles", Effect: "Deny", Resource: "*",
			Condition: condition{"StringNotEquals": {"iam:PermissionsBoundary": boundary}},
			Action: []string{"iam:AttachRolePolicy", "iam:CreateRole",
				"iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}},
		{Sid: "NoOtherServices", Effect: "Deny", Resource: "*", Action: "iam:PassRole",
			Condition: condition{"StringNotEquals": {
				"iam:PassedToService": []string{"ec2.amazonaws.com", "lambda.amazonaws.com", "monitoring.rds.amazonaws.com",
					"rds.amazonaws.com", "vpc-flow-logs.amazonaws.com"},
			}}},
		{Sid: "NoWayOut", Effect: "Deny", Resource: "*", Action: []string{
			"iam:*AccessKey*", "iam:*LoginProfile", "iam:*OpenIDConnectProvider*", "iam:*SAMLProvider*", "iam:*User*",
			"iam:CreatePolicyVersion",
			"iam:DeleteRolePermissionsBoundary", "iam:SetDefaultPolicyVersion", "sts:AssumeRole",
		}},
	}
	if t.Others != nil {
		statements = append(statements, statement{Sid: "NoOtherRoles", Effect: "Deny", Action: "iam:*",
			Resource: append(r.roleNames(t.Others), r.profiles(t.Others)...)})
	}
	return statements
}
