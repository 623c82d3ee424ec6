"""Starts the AWS emulator, which lacks two actions of Auto Scaling that the
provider calls. They are answered here; what the emulator then describes does not
change, so the next plan shows enabled_metrics again."""

from ministack import app
from ministack.services import autoscaling


def answer(action):
    return lambda _: autoscaling._xml(200, action + "Response", "")


for name in ("EnableMetricsCollection", "DisableMetricsCollection"):
    autoscaling._ACTION_MAP.setdefault(name, answer(name))

app.main()
