"""Index: public facts into records, lists, fronts and feeds."""

from typing import Any

from nightdesk.rendering.environment import find_theme
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics, note
from nightdesk.stages.index import IndexBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.index")
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events from the bus."""
    return each_message(event, context, lambda _: IndexBatch(ports, theme, note), ports.articles)
