"""Render: drafts, profiles and settings into private documents."""

from typing import Any

from nightdesk.events import DraftTouched, ObjectEvent
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics
from nightdesk.usecases.render import render

ports = aws_ports(Settings.from_environment(), "nightdesk.render")


def work(detail: object) -> None:
    """Look at the key that a message names."""
    if isinstance(detail, ObjectEvent):
        key = detail.object.key
    elif isinstance(detail, DraftTouched):
        key = detail.key
    else:
        raise TypeError(f"render has no use for {type(detail).__name__}")
    for done in render(key, ports):
        metrics.add_metric(f"Draft{done.state.capitalize()}", "Count", 1)
        logger.info("rendered", extra={"slug": done.slug, "revision": done.revision, "state": done.state})


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of S3's events."""
    return each_message(event, context, work)
