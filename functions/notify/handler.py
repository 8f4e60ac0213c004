"""Notify: tells webhooks, search engines and a hub what happened."""

from typing import Any

from nightdesk.domain.webhooks import parse_notice
from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.outside_ports import aws_outside, retry_delay
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.stages.notify import NotifyBatch
from nightdesk.usecases.pipeline.notify import REFUSED

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.notify")
outside = aws_outside(settings)


def note_outcome(what: str, /, **facts: Any) -> None:
    """Count what was refused for good, and log all."""
    if facts["result"] == REFUSED:
        metrics.add_metric("NoticesRefused", "Count", 1)
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from the bus."""
    return process_sqs_event(
        event, lambda _: NotifyBatch(ports, outside, note_outcome), ports.articles, read=parse_notice, delay=retry_delay
    )
