"""Reconcile: each night, the site against what the drafts say."""

from typing import Any

from nightdesk.adapters.memory import memory_ports
from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.reconcile import ReconcileBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.reconcile")
theme = find_theme(settings.theme_dir)


def note_differences(what: str, /, **facts: Any) -> None:
    """Count the differences, for an alarm, and log them."""
    metrics.add_metric("Differences", "Count", sum(facts.values()))
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of one message from the nightly schedule."""
    return process_sqs_event(event, make_batch, ports.articles)


def make_batch(redelivered: bool) -> ReconcileBatch:
    """Make a batch; it does not matter whether a message was delivered before."""
    return ReconcileBatch(ports, theme, memory_ports, note_differences)
