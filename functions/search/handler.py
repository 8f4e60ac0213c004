"""Search: what readers can find, as static files."""

from typing import Any

from nightdesk.adapters.pagefind import index_pages
from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.search import SearchBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.search")
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from the bus and from the nightly schedule."""
    return process_sqs_event(event, lambda _: SearchBatch(ports, theme, index_pages, note), ports.articles)
