"""Render: drafts, profiles and settings into private documents."""

from typing import Any

from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics, note
from nightdesk.stages.render import RenderBatch

ports = aws_ports(Settings.from_environment(), "nightdesk.render")


def note_draft(what: str, /, **facts: Any) -> None:
    """Count what became of drafts."""
    metrics.add_metric(f"Draft{facts['state'].capitalize()}", "Count", 1)
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of S3's events."""
    return each_message(event, context, lambda _: RenderBatch(ports, note_draft), ports.articles)
