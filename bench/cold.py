"""Cold start: a fresh process that imports a function with its layers, compared with boto3 and one client."""

from __future__ import annotations

import os
from pathlib import Path

from .measure import ROOT, Run, median, run, table

FUNCTIONS = {
    "render": "handler",
    "gate": "handler",
    "index": "handler",
    "invalidate": "handler",
    "updates": "handler",
    "reader_api": "reader_api.handler",
    "editor_api": "editor_api.handler",
}
"""Each function's module that Lambda imports."""
BASELINE = "import boto3; boto3.client('s3')"


def measure(runs: int = 15) -> str:
    """Measure each function in turn. `make layers` must have built the layers."""
    python = str(ROOT / ".venv-lambda/bin/python")
    build = ROOT / "build"
    sides = {"boto3 and an S3 client": ([python, "-c", BASELINE], _environment(None, build))}
    for name, module in FUNCTIONS.items():
        sides[name] = ([python, "-c", f"import {module}"], _environment(name, build))
    for command, environment in sides.values():
        run(command, environment=environment)
    found: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, (command, environment) in sides.items():
            found[name].append(run(command, environment=environment))
    base = median([r.wall for r in found["boto3 and an S3 client"]])
    rows = [
        (name, round(1000 * median([r.wall for r in many])), median([r.wall for r in many]) / base)
        for name, many in found.items()
    ]
    return table(f"Cold start, median of {runs} fresh processes", ("", "ms", "ratio"), rows)


def _environment(function: str | None, build: Path) -> dict[str, str]:
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "NIGHTDESK_DISTRIBUTION_ID": "x" if function == "invalidate" else "",
        "POWERTOOLS_SERVICE_NAME": function or "bare",
        "POWERTOOLS_METRICS_NAMESPACE": "Nightdesk",
    }
    if function:
        places = [build / "functions" / function, build / "layers/dependencies/python", build / "layers/package/python"]
        environment["PYTHONPATH"] = os.pathsep.join(map(str, places))
        environment["NIGHTDESK_THEME_DIR"] = str(build / "layers/theme/theme")
    return environment
