"""Images: inspects uploaded images, and derives from them what pages show."""

from typing import Any

from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.stages.images import ImagesBatch

ports = aws_ports(Settings.from_environment(), "nightdesk.images")
maker = picture_maker()


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from S3 and from the bus."""
    return process_sqs_event(event, lambda _: ImagesBatch(ports, maker, note), ports.articles)
