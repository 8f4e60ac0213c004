"""Updates: makes the ticker's pages and files from posts, files and feeds."""

from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports, aws_timer, web_feeds
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.updates import TickerPorts, UpdatesBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.updates")
ticker = TickerPorts(aws_timer(settings.updates_queue), lambda: web_feeds(settings))
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from S3, from the bus and from the schedule."""
    return process_sqs_event(
        event,
        lambda redelivered: UpdatesBatch(ports, theme, ticker, note, redelivered),
        ports.articles,
    )
