"""Index: makes records, lists, fronts and feeds from public facts."""

from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.index import IndexBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.index", pictures=picture_maker())
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from the bus."""
    return process_sqs_event(event, lambda _: IndexBatch(ports, theme, note), ports.articles, is_measured=True)
