package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// named is a name that the deploy needs. It is taken if lookup finds it and the state
// does not have it: by a resource that a killed deploy was creating, or by another
// application's.
type named struct {
	spoken          string
	kind, attribute string // Terraform's type, and its attribute that holds the name
	name            string
	// lookup returns the ID to import it by, "" when it does not exist.
	lookup func(context.Context, string) (string, error)
	remove string // command, in which ID stands for what lookup returns
}

// nameChecks returns a check for every name.
func (e *environment) nameChecks() []check {
	var checks []check
	for _, n := range e.names() {
		what := n.spoken + " " + n.name
		checks = append(checks, check{what: what, find: func(ctx context.Context) ([]Finding, error) {
			if e.owned.Has(n.kind, n.attribute, n.name) {
				return nil, nil
			}
			id, err := n.lookup(ctx, n.name)
			if absent(err) {
				return nil, nil
			}
			if err != nil || id == "" {
				return nil, err
			}
			return []Finding{{
				What: what, Got: "one that is not in the state", Want: "the name to be free",
				Fix: fmt.Sprintf("remove it (`%s --region %s`), or `terraform import ADDRESS %s` with the %s that "+
					"`make diff` names", strings.ReplaceAll(n.remove, " ID", " "+id), e.Region, id, n.kind),
			}}, nil
		}})
	}
	for _, kind := range []string{"hist", "logs", "artifacts"} {
		name := e.Names.Bucket(kind, e.account)
		checks = append(checks, check{what: "bucket " + name,
			find: func(ctx context.Context) ([]Finding, error) { return e.bucketName(ctx, name) }})
	}
	return checks
}

// names lists the names that must be free: AWS refuses to create a second resource
// with most of them, and overwrites the first with some.
func (e *environment) names() []named {
	n, a := e.Names, api{e.aws, e.partition, e.account}
	names := []named{
		{"DB instance", "aws_db_instance", "identifier", n.Database, a.database,
			"aws rds delete-db-instance --db-instance-identifier " + n.Database +
				" --final-db-snapshot-identifier NAME"},
		{"DB subnet group", "aws_db_subnet_group", "name", n.DatabaseSubnetGroup, a.subnetGroup,
			"aws rds delete-db-subnet-group --db-subnet-group-name " + n.DatabaseSubnetGroup},
		{"load balancer", "aws_lb", "name", n.LoadBalancer, a.loadBalancer,
			"aws elbv2 delete-load-balancer --load-balancer-arn ID"},
		{"target group", "aws_lb_target_group", "name", n.TargetGroup, a.targetGroup,
			"aws elbv2 delete-target-group --target-group-arn ID"},
		{"serverless cache", "aws_elasticache_serverless_cache", "name", n.Cache, a.cache,
			"aws elasticache delete-serverless-cache --serverless-cache-name " + n.Cache},
		{"Lambda function", "aws_lambda_function", "function_name", n.WebSocketHandler, a.function,
			"aws lambda delete-function --function-name " + n.WebSocketHandler},
		{"Auto Scaling group", "aws_autoscaling_group", "name", n.AutoScalingGroup, a.group,
			"aws autoscaling delete-auto-scaling-group --auto-scaling-group-name " + n.AutoScalingGroup},
		{"launch template", "aws_launch_template", "name", n.LaunchTemplate, a.launchTemplate,
			"aws ec2 delete-launch-template --launch-template-name " + n.LaunchTemplate},
		{"instance profile", "aws_iam_instance_profile", "name", n.InstanceRole, a.instanceProfile,
			"aws iam delete-instance-profile --instance-profile-name " + n.InstanceRole},
		{"dashboard", "aws_cloudwatch_dashboard", "dashboard_name", n.Dashboard, a.dashboard,
			"aws cloudwatch delete-dashboards --dashboard-names " + n.Dashboard},
		{"topic", "aws_sns_topic", "name", n.AlarmTopic, a.topic, "aws sns delete-topic --topic-arn ID"},
	}
	if e.Database.ReadReplica {
		names = append(names, named{"DB instance", "aws_db_instance", "identifier", n.DatabaseReplica, a.database,
			"aws rds delete-db-instance --skip-final-snapshot --db-instance-identifier " + n.DatabaseReplica})
	}
	for _, role := range []string{n.FlowLogs, n.InstanceRole, n.DatabaseMonitoringRole, n.WebSocketHandlerRole} {
		names = append(names, named{"role", "aws_iam_role", "name", role, a.role,
			"aws iam delete-role --role-name " + role})
	}
	for _, group := range e.logGroups() {
		names = append(names, named{"log group", "aws_cloudwatch_log_group", "name", group, a.logGroup,
			"aws logs delete-log-group --log-group-name " + group})
	}
	aliases := []string{n.AlarmKeyAlias}
	if e.CustomerKey {
		aliases = append(aliases, n.KeyAlias)
	}
	for _, alias := range aliases {
		names = append(names, named{"key alias", "aws_kms_alias", "name", alias, a.alias,
			"aws kms delete-alias --alias-name " + alias})
	}
	return names
}

func (e *environment) logGroups() []string {
	n := e.Names
	groups := []string{"/aws/lambda/" + n.WebSocketHandler, "/portfolio/" + n.ServiceLogs, "/portfolio/" + n.FlowLogs}
	if e.API.AccessLogs {
		groups = append(groups, "/portfolio/"+n.WebSocketAPI)
	}
	instances := []string{n.Database}
	if e.Database.ReadReplica {
		instances = append(instances, n.DatabaseReplica)
	}
	for _, instance := range instances {
		groups = append(groups, "/aws/rds/instance/"+instance+"/postgresql", "/aws/rds/instance/"+instance+"/upgrade")
	}
	return groups
}

// bucketName checks a bucket's name, which is unique across all AWS accounts.
func (e *environment) bucketName(ctx context.Context, name string) ([]Finding, error) {
	if e.owned.Has("aws_s3_bucket", "bucket", name) {
		return nil, nil
	}
	_, err := e.buckets.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	f := Finding{What: "bucket " + name, Want: "the name to be free"}
	switch region := elsewhere(err); {
	case absent(err):
		return nil, nil
	case refused(err):
		f.Got = "somebody else's, which these credentials may not see"
		f.Fix = "choose another ENVIRONMENT_SUFFIX, or allow these credentials s3:ListBucket if it is this account's"
	case region != "":
		f.Got = "one in region " + region
		f.Fix = fmt.Sprintf("remove it (`aws s3 rb s3://%s --region %s`), or choose another ENVIRONMENT_SUFFIX", name,
			region)
	case err != nil:
		return nil, err
	default:
		f.Got = "one that is not in the state"
		f.Fix = fmt.Sprintf("remove it (`aws s3 rb s3://%s`), or `terraform import ADDRESS %s` with the "+
			"aws_s3_bucket that `make diff` names", name, name)
	}
	return []Finding{f}, nil
}
