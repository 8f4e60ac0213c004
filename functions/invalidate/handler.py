"""Invalidate: makes the CDN drop its copies of paths that were written."""

from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.stages.invalidate import InvalidateBatch

ports = aws_ports(Settings.from_environment(), "nightdesk.invalidate")


def note_paths(what: str, /, **facts: Any) -> None:
    """Count invalidated paths, because each costs money, and log them."""
    metrics.add_metric("PathsInvalidated", "Count", len(facts["paths"]))
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from the bus."""
    return process_sqs_event(event, lambda _: InvalidateBatch(ports, note_paths), ports.articles)
