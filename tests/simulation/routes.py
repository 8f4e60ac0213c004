"""Who hears of what, read from the template: a rule that is missing there is missing here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from nightdesk_local.deploy import load_template

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
FILE_MOVED = "ObjectEvent"
"""Stands for S3's own events."""
ALARM = "ArticleDue"


class Route(NamedTuple):
    """A queue, and the stage whose function it feeds. `bulk` says whether only events with that key come this way, or only
    those without."""

    queue: str
    stage: str
    bulk: bool | None


@cache
def routes() -> dict[str, tuple[Route, ...]]:
    """Where each detail-type comes to."""
    resources = load_template(TEMPLATE)["Resources"]
    stages = _stages(resources)
    found: dict[str, list[Route]] = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Events::Rule":
            rule = resource["Properties"]
            pattern = rule["EventPattern"]
            s3 = pattern["source"] == ["aws.s3"]
            bulk = None if s3 else _bulk(pattern.get("detail", {}))
            for target in rule["Targets"]:
                queue = target["Arn"]["Fn::GetAtt"][0]
                for name in [FILE_MOVED] if s3 else pattern["detail-type"]:
                    found.setdefault(name, []).append(Route(queue, stages[queue], bulk))
    # The scheduler's messages go to the queue that the function is told to set alarms for.
    variables = resources["GateFunction"]["Properties"]["Environment"]["Variables"]
    queue = variables["NIGHTDESK_ALARM_QUEUE"]["Fn::GetAtt"][0]
    found[ALARM] = [Route(queue, stages[queue], None)]
    return {name: tuple(heard) for name, heard in found.items()}


def _bulk(detail: dict[str, Any]) -> bool | None:
    if not detail:
        return None
    ((name, ((condition,))),) = detail.items()
    assert name == "bulk"
    return bool(condition["exists"])


def _stages(resources: dict[str, Any]) -> dict[str, str]:
    """The stage whose function each queue feeds."""
    return {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: logical_id.removesuffix("Function").lower()
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    }
