"""Finds the statements of a recording that nothing needs.

usage: unneeded.py RECORDING

It takes each statement that allows something away, one at a time, and evaluates the calls
of its role again. Its output is a line of JSON for each statement: the role, the layer (0
for the role's policies, 1 for its permissions boundary), the Sid, the first call that is
then denied, null if there is none, and the statement itself as text, which is
the same for roles that share a policy."""

import collections
import dataclasses
import json
import sys

from ministack.core import iam_evaluator


def matches(statement, ctx):
    return iam_evaluator._first_match(ctx, [statement], statement.effect) is not None


def read(path):
    """The statements of each role by layer, and its calls."""
    statements, calls = collections.defaultdict(list), collections.defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if "statement" in line:
                statement = iam_evaluator.ParsedStatement(**line["statement"])
                statements[line["role"]].append((line["layer"], statement))
            else:
                calls[line["role"]].append(line)
    return statements, calls


def judge(call, statements):
    """The indexes of the statements that allow a call, by layer; None if it is denied."""
    ctx = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::000000000000:assumed-role/{call['role']}/x", principal_type="AssumedRole",
        principal_account="000000000000", action=call["action"], resource_arn=call["resource"], region="us-east-1",
        secure_transport=True, service_context={"aws:tagkeys": None, **call["context"]},
        principal_keys=call["principal"],
    )
    allowing = collections.defaultdict(list)
    for index, (layer, statement) in enumerate(statements):
        if not matches(statement, ctx):
            continue
        if statement.effect == "Deny":
            return None
        allowing[layer].append(index)
    return allowing if len(allowing) == call["layers"] else None


def main(path):
    all_statements, all_calls = read(path)
    for role in sorted(all_statements):
        statements, first = all_statements[role], {}
        for call in all_calls[role]:
            for indexes in (judge(call, statements) or {}).values():
                if len(indexes) == 1:
                    first.setdefault(indexes[0], f"{call['action']} on {call['resource']}")
        for index, (layer, statement) in enumerate(statements):
            if statement.effect == "Allow":
                text = json.dumps(dataclasses.asdict(statement), sort_keys=True)
                print(json.dumps({
                    "role": role, "layer": layer, "sid": statement.sid, "call": first.get(index), "text": text,
                }))


main(*sys.argv[1:])
