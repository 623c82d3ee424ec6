package leftovers

import "regexp"

// namedARNs are the types of resources that a service lists by their names, with the
// kind under which list lists them. The tagging API goes on listing such a resource
// for a while after it is deleted; the service itself does not.
var namedARNs = []struct {
	arn  *regexp.Regexp // its group is the name
	kind string
}{
	{regexp.MustCompile(`^arn:[^:]+:autoscaling:.*:autoScalingGroupName/(.+)$`), "Auto Scaling group"},
	{regexp.MustCompile(`^arn:[^:]+:cloudwatch:[^:]*:[^:]*:alarm:(.+)$`), "alarm"},
	{regexp.MustCompile(`^arn:[^:]+:elasticache:[^:]*:[^:]*:serverlesscache:(.+)$`), "serverless cache"},
	{regexp.MustCompile(`^arn:[^:]+:elasticache:[^:]*:[^:]*:serverlesscachesnapshot:(.+)$`), "cache snapshot"},
	{regexp.MustCompile(`^arn:[^:]+:elasticloadbalancing:[^:]*:[^:]*:loadbalancer/app/([^/]+)/`), "load balancer"},
	{regexp.MustCompile(`^arn:[^:]+:elasticloadbalancing:[^:]*:[^:]*:targetgroup/([^/]+)/`), "target group"},
	{regexp.MustCompile(`^arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:]+)$`), "function"},
	{regexp.MustCompile(`^arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::\*)?$`), "log group"},
	{regexp.MustCompile(`^arn:[^:]+:rds:[^:]*:[^:]*:db:(.+)$`), "DB instance"},
	{regexp.MustCompile(`^(arn:[^:]+:rds:[^:]*:[^:]*:auto-backup:.+)$`), automatedBackups},
	{regexp.MustCompile(`^arn:[^:]+:rds:[^:]*:[^:]*:snapshot:(.+)$`), snapshot},
	{regexp.MustCompile(`^arn:[^:]+:rds:[^:]*:[^:]*:pg:(.+)$`), "DB parameter group"},
	{regexp.MustCompile(`^arn:[^:]+:rds:[^:]*:[^:]*:subgrp:(.+)$`), "DB subnet group"},
	{regexp.MustCompile(`^arn:[^:]+:s3:::([^/]+)$`), bucket},
	{regexp.MustCompile(`^arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(.+)-[A-Za-z0-9]{6}$`), "secret"},
	{regexp.MustCompile(`^(arn:[^:]+:sns:[^:]*:[^:]*:[^:]+)$`), "topic"},
}

// isKnown reports whether the service of a resource was asked for all of its kind: either
// it did not list this one, or this one is among those found by name.
func (f *finder) isKnown(arn string) bool {
	for _, known := range namedARNs {
		if name := known.arn.FindStringSubmatch(arn); name != nil {
			resource := known.kind + " " + name[1]
			return !f.listed[resource] || f.found[resource]
		}
	}
	return false
}
