"""Completes the emulator's evaluation of IAM policies (AUTH=true): it supplies condition
keys and makes checks that AWS makes and the emulator lacks.

- EC2 authorizes every resource that a call names, each with its own tags, and what the
  call creates with the tags of the request. Tagging at creation is a call of
  ec2:CreateTags with ec2:CreateAction.
- aws:ResourceTag of EC2, RDS, ElastiCache, Elastic Load Balancing, Auto Scaling,
  CloudWatch Logs and API Gateway, and the ARNs of resources that calls name.
- iam:PassRole with iam:PassedToService for every call that hands a role to a service.
- iam:PermissionsBoundary, iam:AWSServiceName, kms:ResourceAliases, cloudwatch:namespace, and
  the names and types of records that a call to Route 53 changes.
- What services do with the rights of the caller: RDS authorizes the default option
  group, ElastiCache creates and tags the VPC endpoint of a serverless cache, API Gateway
  has access logs delivered.

Calls to the emulator are plain HTTP on loopback. They count as TLS here, because
policies that demand aws:SecureTransport would deny everything otherwise."""

import contextvars
import json
import logging
import re
from typing import NamedTuple

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2, iam, kms

from tags import EC2_ID, EC2_TYPES, ec2_arn, resource_tags


logger = logging.getLogger("portfolio.authorization")


class Request(NamedTuple):
    """The parameters of a call to the emulator."""

    service: str
    params: dict
    body: dict  # of services that speak JSON
    text: str  # of services that speak XML

    def value(self, name):
        found = self.params.get(name, "")
        return found[0] if isinstance(found, list) else found

    def values(self):
        return [self.value(name) for name in self.params]


nothing = Request("", {}, {}, "")
current = contextvars.ContextVar("request", default=nothing)

# What EC2's calls create, by their actions.
EC2_CREATED = {
    "AllocateAddress": "elastic-ip", "AuthorizeSecurityGroupEgress": "security-group-rule",
    "AuthorizeSecurityGroupIngress": "security-group-rule", "CreateFlowLogs": "vpc-flow-log",
    "CreateInternetGateway": "internet-gateway", "CreateLaunchTemplate": "launch-template",
    "CreateNatGateway": "natgateway", "CreateRouteTable": "route-table", "CreateSecurityGroup": "security-group",
    "CreateSubnet": "subnet", "CreateVpc": "vpc", "CreateVpcEndpoint": "vpc-endpoint",
}
EC2_TAG = re.compile(r"^(TagSpecification\.\d+\.Tag\.\d+|Tag\.\d+)\.Key$")

# The parameters by which a call passes a role, and the service that is to assume it.
PASSED_ROLES = {
    "ec2:CreateFlowLogs": ("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),
    "lambda:CreateFunction": ("Role", "lambda.amazonaws.com"),
    "lambda:UpdateFunctionConfiguration": ("Role", "lambda.amazonaws.com"),
    "rds:CreateDBInstance": ("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),
    "rds:CreateDBInstanceReadReplica": ("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),
    "rds:ModifyDBInstance": ("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),
    "iam:AddRoleToInstanceProfile": ("RoleName", "ec2.amazonaws.com"),
}

# RDS authorizes these on the default option group as well.
DEFAULT_OPTIONS = {"rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica", "rds:ModifyDBInstance"}


def associated_table(association):
    """The route table of an association, on which EC2 authorizes calls that name the association."""
    for name, table in ec2._route_tables.items():
        if any(found["RouteTableAssociationId"] == association for found in table["Associations"]):
            return name
    return ""


def ec2_resources(request, action):
    """The ARNs that EC2 authorizes a call on, first those of what it creates."""
    arns = [ec2_arn(EC2_CREATED[action], "*")] if action in EC2_CREATED else []
    for value in request.values():
        if value.startswith("rtbassoc-"):
            value = associated_table(value)
        if found := EC2_ID.match(value):
            arns.append(ec2_arn(EC2_TYPES[found.group(1)], value))
    return list(dict.fromkeys(arns)) or ["*"]


def request_tags(request):
    """aws:RequestTag and aws:TagKeys of a call to EC2."""
    tags = {}
    for name in request.params:
        if EC2_TAG.match(name):
            tags[request.value(name)] = request.value(name[: -len("Key")] + "Value")
    keys = {f"aws:requesttag/{name}".lower(): value for name, value in tags.items()}
    return {**keys, "aws:tagkeys": list(tags)} if tags else {}


# The resources that calls of other services name and the emulator ignores, by service
# and parameter. {0} is the value; where the pattern is empty, the value is an ARN.
NAMED = {
    "autoscaling": {
        "AutoScalingGroupName": "autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{0}",
    },
    "elasticache": {"ResourceName": "", "ServerlessCacheName": "elasticache:{region}:{account}:serverlesscache:{0}"},
    "elasticloadbalancing": {
        "ListenerArn": "", "LoadBalancerArn": "", "ResourceArns.member.1": "", "RuleArn": "", "TargetGroupArn": "",
    },
    "iam": {
        "InstanceProfileName": "iam::{account}:instance-profile/{0}", "PolicyArn": "",
        "RoleName": "iam::{account}:role/{0}",
    },
    "lambda": {"FunctionName": "lambda:{region}:{account}:function:{0}"},
    "kms": {"AliasName": "kms:{region}:{account}:{0}", "TargetKeyId": "kms:{region}:{account}:key/{0}"},
    "monitoring": {
        "AlarmName": "cloudwatch:{region}:{account}:alarm:{0}",
        "AlarmNames.member.1": "cloudwatch:{region}:{account}:alarm:{0}",
        "DashboardName": "cloudwatch::{account}:dashboard/{0}",
        "DashboardNames.member.1": "cloudwatch::{account}:dashboard/{0}",
        "ResourceARN": "",
    },
    "rds": {
        "DBInstanceIdentifier": "rds:{region}:{account}:db:{0}", "DBParameterGroupName": "rds:{region}:{account}:pg:{0}",
        "DBSubnetGroupName": "rds:{region}:{account}:subgrp:{0}",
        "FinalDBSnapshotIdentifier": "rds:{region}:{account}:snapshot:{0}",
        "ResourceName": "", "SourceDBInstanceIdentifier": "rds:{region}:{account}:db:{0}",
    },
    "sns": {"ResourceArn": "", "TopicArn": ""},
    "ssm": {"Path": "ssm:{region}:{account}:parameter{0}"},
}
# The types of what Elastic Load Balancing creates, whose calls say only Name.
BALANCING_CREATED = {"CreateLoadBalancer": "loadbalancer/app", "CreateTargetGroup": "targetgroup"}


def named_resources(request, action):
    """The ARNs of the resources that a call names."""
    place = {"region": get_region(), "account": get_account_id()}
    arns = []
    for parameter, pattern in NAMED.get(request.service, {}).items():
        value = request.body.get(parameter) or request.value(parameter)
        if isinstance(value, str) and value:
            arns.append(value if value.startswith("arn:") else "arn:aws:" + pattern.format(value, **place))
    if action in BALANCING_CREATED:
        created = f"{BALANCING_CREATED[action]}/{request.value('Name')}/*"
        arns.append("arn:aws:elasticloadbalancing:{region}:{account}:".format(**place) + created)
    return arns


def condition_keys(request, action, arn):
    """The condition keys that the emulator lacks, for one action on one resource."""
    keys = {}
    for name, value in resource_tags(arn).items():
        keys[f"aws:resourcetag/{name}".lower()] = value
    if action.startswith("ec2:"):
        keys.update(request_tags(request))
    if action.startswith("iam:"):
        role = iam._roles.get(request.value("RoleName")) or {}
        # The one that the call sets, or else the one that the role has.
        boundary = request.value("PermissionsBoundary") or role.get("PermissionsBoundary")
        if boundary:
            keys["iam:permissionsboundary"] = boundary
        if request.value("AWSServiceName"):
            keys["iam:awsservicename"] = request.value("AWSServiceName")
    if action == "cloudwatch:PutMetricData":
        keys["cloudwatch:namespace"] = request.body.get("Namespace") or request.value("Namespace")
    if action == "route53:ChangeResourceRecordSets":
        for key, element in (("NormalizedRecordNames", "Name"), ("RecordTypes", "Type"), ("Actions", "Action")):
            values = re.findall(f"<{element}>([^<]*)</{element}>", request.text)
            if element == "Name":
                values = [value.rstrip(".").lower() for value in values]
            keys[f"route53:changeresourcerecordsets{key.lower()}"] = values
    if action.startswith("kms:"):
        aliases = [alias.split(":", 5)[5] for alias, key in kms._aliases.items() if arn.endswith("/" + key)]
        if aliases:
            keys["kms:resourcealiases"] = aliases
    return keys


def role_arn(name):
    return name if name.startswith("arn:") else f"arn:aws:iam::{get_account_id()}:role/{name}"


def checks(request, action, arn):
    """What AWS authorizes for a call, in order: actions, resources and more condition keys."""
    name = action.partition(":")[2]
    if action.startswith("ec2:"):
        arns = ec2_resources(request, name)
    else:
        arns = named_resources(request, name) if arn == "*" else [arn]
    for resource in arns or [arn]:
        # AWS's public parameters belong to no account.
        yield action, re.sub(r"^(arn:aws:ssm:[^:]+:)\d+(:parameter/aws/)", r"\1\2", resource), {}
    if action.startswith("ec2:") and name in EC2_CREATED and request_tags(request):
        yield "ec2:CreateTags", ec2_arn(EC2_CREATED[name], "*"), {"ec2:createaction": name}
    if action in DEFAULT_OPTIONS:
        yield action, f"arn:aws:rds:{get_region()}:{get_account_id()}:og:default:postgres-15", {}
    if action == "elasticache:CreateServerlessCache":
        yield "ec2:CreateVpcEndpoint", ec2_arn("vpc-endpoint", "*"), {}
        yield "ec2:CreateTags", ec2_arn("vpc-endpoint", "*"), {
            "ec2:createaction": "CreateVpcEndpoint", "aws:tagkeys": ["AmazonElastiCacheManaged"],
            "aws:requesttag/amazonelasticachemanaged": "true",
        }
    if action.startswith("apigateway:") and "accessLogSettings" in request.body:
        yield "logs:CreateLogDelivery", "*", {}
    if action in PASSED_ROLES:
        parameter, service = PASSED_ROLES[action]
        if role := request.body.get(parameter) or request.value(parameter):
            yield "iam:PassRole", role_arn(role), {"iam:passedtoservice": service}


def extract_resource_arn(service, method, path, headers, body, params, region, account):
    try:
        document = json.loads(body) if body[:1] == b"{" else {}
    except ValueError:
        document = {}
    text = body.decode(errors="replace") if service == "route53" else ""
    current.set(Request(service, params, document, text))
    if service == "route53" and (found := re.search(r"/change/(\w+)$", path)):
        return f"arn:aws:route53:::change/{found.group(1)}"
    return emulators_resource_arn(service, method, path, headers, body, params, region, account)


def enforce(access_key, action, service, region, resource_arn="*", service_context=None):
    request = current.get()
    for checked, arn, keys in checks(request, action, resource_arn):
        # The keys of the call itself are not those of what another service does for it.
        own = service_context or {} if checked.split(":")[0] == action.split(":")[0] else {}
        context = {**condition_keys(request, checked, arn), **own, **keys}
        if denied := emulators_enforce(access_key, checked, service, region, arn, context):
            principal = getattr(denied, "principal_arn", access_key)
            logger.warning("denied: %s may not %s on %s: %s", principal, checked, arn, context)
            return denied
    return None


def pin_request_origin(source, _):
    current.set(nothing)
    emulators_pin_request_origin(source, True)


emulators_resource_arn = iam_actions.extract_resource_arn
iam_actions.extract_resource_arn = extract_resource_arn
emulators_enforce = iam_evaluator.enforce
iam_evaluator.enforce = enforce
emulators_pin_request_origin = app.pin_request_origin
app.pin_request_origin = pin_request_origin
