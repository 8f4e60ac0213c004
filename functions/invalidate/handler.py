"""Invalidate: paths that were written, out of the cache."""

from typing import Any

from nightdesk.events import ArticleGated, ArticleIndexed, PagesWritten
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics
from nightdesk.usecases.invalidate import invalidate

ports = aws_ports(Settings.from_environment(), "nightdesk.invalidate")


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events from the bus: their paths are gathered, and each is invalidated once for all of them."""
    gathered: list[str] = []
    bulk: dict[str, str] = {}

    def gather(detail: object) -> None:
        if not isinstance(detail, ArticleGated | ArticleIndexed | PagesWritten):
            raise TypeError(f"invalidate has no use for {type(detail).__name__}")
        gathered.extend(detail.paths)
        if tag := getattr(detail, "bulk", ""):
            bulk.update(dict.fromkeys(detail.paths, tag))

    def forget() -> None:
        done = invalidate(gathered, ports, bulk)
        metrics.add_metric("PathsInvalidated", "Count", len(done))
        logger.info("invalidated", extra={"paths": list(done)})

    return each_message(event, context, gather, forget)
