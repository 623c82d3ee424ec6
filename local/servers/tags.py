"""The tags of the emulator's resources, by ARN."""

import re

from ministack.core.responses import get_account_id, get_region
from ministack.services import (
    acm, alb, apigateway, autoscaling, cloudwatch_logs, ec2, elasticache, rds, tagging,
)


# The types of EC2's resources in ARNs, by the prefix of their IDs.
EC2_TYPES = {
    "eipalloc": "elastic-ip", "fl": "vpc-flow-log", "igw": "internet-gateway", "lt": "launch-template",
    "nat": "natgateway", "rtb": "route-table", "sg": "security-group", "sgr": "security-group-rule",
    "subnet": "subnet", "vpc": "vpc", "vpce": "vpc-endpoint",
}
EC2_ID = re.compile(r"^(%s)-[0-9a-z]+$" % "|".join(EC2_TYPES))


def ec2_arn(kind, name):
    return f"arn:aws:ec2:{get_region()}:{get_account_id()}:{kind}/{name}"


def collect_ec2():
    for resource_id, tags in ec2._tags.items():
        if found := EC2_ID.match(resource_id):
            yield ec2_arn(EC2_TYPES[found.group(1)], resource_id), tags


def collect_autoscaling():
    for name, group in autoscaling._asgs.items():
        yield group["AutoScalingGroupARN"], autoscaling._tags.get(name, [])


def collect_logs():
    for group in cloudwatch_logs._log_groups.values():
        for arn in (group["arn"], group["arn"].removesuffix(":*")):
            yield arn, pairs(group["tags"])


def collect_apigateway():
    for arn, tags in apigateway._api_tags.items():
        yield arn, pairs(tags)


def collect_certificates():
    for arn, certificate in acm._certificates.items():
        yield arn, certificate["Tags"]


def pairs(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# The tags of resources by the service in their ARN. The emulator finds those of others.
COLLECTORS = {
    "acm": collect_certificates,
    "apigateway": collect_apigateway,
    "autoscaling": collect_autoscaling,
    "ec2": collect_ec2,
    "elasticache": lambda: elasticache._tags.items(),
    "elasticloadbalancing": lambda: alb._tags.items(),
    "logs": collect_logs,
    "rds": lambda: rds._tags.items(),
}


def resource_tags(arn):
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[2] not in COLLECTORS:
        return tagging.resource_tags(arn) or {}
    for candidate, tags in COLLECTORS[parts[2]]():
        if candidate == arn:
            return {tag["Key"]: tag["Value"] for tag in tags}
    return {}
