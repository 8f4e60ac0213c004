"""Updates: posts, files and feeds into the ticker's pages and files."""

from typing import Any

from nightdesk.rendering.environment import find_theme
from nightdesk.runtime import Settings, aws_ports, aws_timer, each_message, logger, metrics, note, web_feeds
from nightdesk.stages.updates import UpdatesBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.updates")
timer = aws_timer(settings.updates_queue)
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events: S3's, the bus's, and the schedule's."""
    return each_message(
        event,
        context,
        lambda again: UpdatesBatch(ports, theme, timer, lambda: web_feeds(settings), note, again),
        ports.articles,
    )
