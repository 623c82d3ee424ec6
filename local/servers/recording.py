"""Records what policies are for. To the file RECORDING it writes a line for each distinct
call that a role makes, with the condition keys that it is judged by, and one for each
statement that the role has at that time. unneeded.py evaluates both."""

import contextvars
import dataclasses
import json
import os

from ministack.core import iam_evaluator

# Differ from call to call and are in no policy.
IGNORED = {"aws:tokenissuetime", "aws:userid"}

file = open(os.environ["RECORDING"], "w", encoding="utf-8")  # noqa: SIM115 for as long as the emulator runs
written = set()
expected = contextvars.ContextVar("expected", default=False)


def write(line):
    text = json.dumps(line, sort_keys=True, default=str)
    if text not in written:
        written.add(text)
        print(text, file=file, flush=True)


def present(keys):
    return {key: value for key, value in keys.items() if value is not None and key not in IGNORED}


def evaluate(ctx, policies, *limits):
    # The first evaluation of a call is of its identity's policies, later ones of resources'.
    if expected.get() and ":assumed-role/" in ctx.principal_arn:
        expected.set(False)
        role = ctx.principal_arn.split("/")[1]
        for layer, documents in enumerate((policies, *limits)):
            for statement in (s for document in documents for s in document):
                write({"role": role, "layer": layer, "statement": dataclasses.asdict(statement)})
        write({
            "role": role, "layers": 1 + len(limits), "action": ctx.action, "resource": ctx.resource_arn,
            "context": present(ctx.service_context), "principal": present(ctx.principal_keys),
        })
    return emulators_evaluate(ctx, policies, *limits)


def enforce(*args, **kwargs):
    expected.set(True)
    return emulators_enforce(*args, **kwargs)


emulators_evaluate = iam_evaluator.evaluate
iam_evaluator.evaluate = evaluate
emulators_enforce = iam_evaluator.enforce
iam_evaluator.enforce = enforce
