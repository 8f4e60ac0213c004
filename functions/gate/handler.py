"""Gate: makes one page per tier from a private document."""

from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.gate import GateBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.gate", pictures=picture_maker())
theme = find_theme(settings.theme_dir)


def note_article(what: str, /, **facts: Any) -> None:
    """Measure how late the pages of embargoed articles are, for an alarm, and log what was done."""
    if "late" in facts:
        metrics.add_metric("EmbargoSeconds", "Seconds", facts["late"])
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from the bus."""
    return process_sqs_event(
        event, lambda redelivered: GateBatch(ports, theme, note_article, redelivered), ports.articles, is_measured=True
    )
