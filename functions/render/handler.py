"""Render: makes private documents from drafts, profiles and settings."""

from dataclasses import replace
from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.entrypoints.theme_languages import theme_languages
from nightdesk.stages.render import RenderBatch

settings = Settings.from_environment()
ports = replace(aws_ports(settings, "nightdesk.render"), languages=theme_languages(settings))


def note_draft(what: str, /, **facts: Any) -> None:
    """Count drafts by what became of them, and log it."""
    metrics.add_metric(f"Draft{facts['state'].capitalize()}", "Count", 1)
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from S3 and from the bus."""
    return process_sqs_event(event, lambda _: RenderBatch(ports, note_draft), ports.articles, is_measured=True)
