"""Who hears of what, read from the template: a rule that is missing there is missing here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from nightdesk_local.deploy import load_template

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"
FILE_MOVED = "ObjectEvent"
"""Stands for S3's own events."""


@cache
def routes() -> dict[str, tuple[str, ...]]:
    """The stages that each detail-type comes to."""
    resources = load_template(TEMPLATE)["Resources"]
    stages = _stages(resources)
    found: dict[str, list[str]] = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Events::Rule":
            rule = resource["Properties"]
            types = (
                [FILE_MOVED] if rule["EventPattern"]["source"] == ["aws.s3"] else rule["EventPattern"]["detail-type"]
            )
            for target in rule["Targets"]:
                for name in types:
                    found.setdefault(name, []).append(stages[target["Arn"]["Fn::GetAtt"][0]])
    return {name: tuple(heard) for name, heard in found.items()}


def _stages(resources: dict[str, Any]) -> dict[str, str]:
    """The stage whose function each queue feeds."""
    return {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: logical_id.removesuffix("Function").lower()
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    }
