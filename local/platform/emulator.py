"""Starts the AWS emulator with what its Auto Scaling lacks of the actions that the
provider calls: metrics collection, which is answered and forgotten, so that the
next plan shows enabled_metrics again, and policies looked up by name."""

import os

from ministack import app
from ministack.services import autoscaling

# Lambda functions inherit this environment, and this one is read by ours, too.
del os.environ["LOG_LEVEL"]

actions = autoscaling._ACTION_MAP


def answer(action):
    return lambda _: autoscaling._xml(200, action + "Response", "")


for name in ("EnableMetricsCollection", "DisableMetricsCollection"):
    actions.setdefault(name, answer(name))


def describe_policies(params):
    names = autoscaling._parse_member_list(params, "PolicyNames")
    everything = autoscaling._policies
    autoscaling._policies = {
        key: policy for key, policy in everything.items()
        if not names or policy["PolicyName"] in names
    }
    try:
        return everything_described(params)
    finally:
        autoscaling._policies = everything


everything_described = actions["DescribePolicies"]
actions["DescribePolicies"] = describe_policies

app.main()
