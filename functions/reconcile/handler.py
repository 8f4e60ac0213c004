"""Reconcile: each night, the site against what the drafts say."""

from functools import partial
from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.reconcile import ReconcileBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.reconcile", pictures=picture_maker())
theme = find_theme(settings.theme_dir)


_RESERVED_MILLISECONDS = 600_000
"""Left when a run begins no other slice, which takes seconds unless a bucket answers slowly."""


def note_differences(what: str, /, **facts: Any) -> None:
    """Log what was compared. At the end, count what differed, for an alarm."""
    if what == "reconciled":
        metrics.add_metric("Differences", "Count", sum(facts.values()) - facts["slices"])
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of one message from the nightly schedule, or from an earlier run."""
    return process_sqs_event(event, partial(make_batch, context), ports.articles)


def make_batch(context: Any, redelivered: bool) -> ReconcileBatch:
    """Make a batch; it does not matter whether a message was delivered before."""
    left = context.get_remaining_time_in_millis
    return ReconcileBatch(ports, theme, lambda: left() > _RESERVED_MILLISECONDS, note_differences)
