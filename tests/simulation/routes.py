"""Which queues receive which events, as the template says: a rule that is missing there is missing here."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from nightdesk.domain.events import ArticleDue, ObjectChanged, SearchDue
from support.template import expanded_template


class Route(NamedTuple):
    """A queue that receives an event, and the stage that the queue feeds.

    Attributes:
        bulk: True if the queue receives only events with a bulk tag, False if only those without, None if both.
        exists: the attribute for which that holds, if it is another one.
        suffixes: how the keys of files end that the queue receives; none for all.
    """

    queue: str
    stage: str
    bulk: bool | None
    exists: str = "bulk"
    suffixes: tuple[str, ...] = ()


@cache
def routes() -> dict[str, tuple[Route, ...]]:
    """Return the queues that receive each detail-type."""
    resources = expanded_template()["Resources"]
    stages = _stages(resources)
    found: dict[str, list[Route]] = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Events::Rule":
            rule = resource["Properties"]
            pattern = rule["EventPattern"]
            s3 = pattern["source"] == ["aws.s3"]
            if pattern["source"] == ["aws.ses"]:
                continue  # tests deliver what SES reports by themselves
            exists, bulk = ("bulk", None) if s3 else _condition(pattern.get("detail", {}))
            for target in rule["Targets"]:
                queue = target["Arn"]["Fn::GetAtt"][0]
                suffixes = _suffixes(pattern) if s3 else ()
                for name in [ObjectChanged.__name__] if s3 else pattern["detail-type"]:
                    found.setdefault(name, []).append(Route(queue, stages[queue], bulk, exists, suffixes))
    # The scheduler's messages go to the queue that the function is configured to schedule for.
    variables = resources["GateFunction"]["Properties"]["Environment"]["Variables"]
    queue = variables["NIGHTDESK_SCHEDULE_QUEUE"]["Fn::GetAtt"][0]
    found[ArticleDue.__name__] = [Route(queue, stages[queue], None)]
    queue = "NewsletterQueue"  # by the schedule of newsletters
    found["NewslettersDue"] = [Route(queue, stages[queue], None)]
    found[SearchDue.__name__] = [Route("SearchQueue", stages["SearchQueue"], None)]
    return {name: tuple(queues) for name, queues in found.items()}


def _suffixes(pattern: dict[str, Any]) -> tuple[str, ...]:
    keys = pattern["detail"]["object"]["key"]
    return tuple(key["suffix"]["equals-ignore-case"] for key in keys if "suffix" in key)


def _condition(detail: dict[str, Any]) -> tuple[str, bool | None]:
    if not detail:
        return "bulk", None
    ((name, ((condition,))),) = detail.items()
    return name, bool(condition["exists"])


def _stages(resources: dict[str, Any]) -> dict[str, str]:
    """Return the stage that each queue feeds."""
    return {
        event["Properties"]["Queue"]["Fn::GetAtt"][0]: logical_id.removesuffix("Function").lower()
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "SQS"
    }
