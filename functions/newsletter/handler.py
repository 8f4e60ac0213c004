"""Newsletter: plans editions, and takes in what the mail provider reports of them."""

from typing import Any

from nightdesk.entrypoints.logs import logger
from nightdesk.entrypoints.newsletter_ports import newsletter_ports
from nightdesk.entrypoints.queue_worker import metrics, note, process_sqs_event
from nightdesk.entrypoints.settings import Settings
from nightdesk.rendering.environment import find_theme
from nightdesk.stages.newsletter import NewsletterBatch

settings = Settings.from_environment()
ports = newsletter_ports(settings, "nightdesk.newsletter")
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Process an SQS batch of events from the bus, from SES and from the schedule."""
    return process_sqs_event(event, lambda _: NewsletterBatch(ports, theme, note), ports.pipeline.articles)
