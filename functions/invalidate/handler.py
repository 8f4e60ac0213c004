"""Invalidate: paths that were written, out of the cache."""

from typing import Any

from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics, note
from nightdesk.stages.invalidate import InvalidateBatch

ports = aws_ports(Settings.from_environment(), "nightdesk.invalidate")


def note_paths(what: str, /, **facts: Any) -> None:
    """Count paths, for each costs money."""
    metrics.add_metric("PathsInvalidated", "Count", len(facts["paths"]))
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events from the bus."""
    return each_message(event, context, lambda _: InvalidateBatch(ports, note_paths), ports.articles)
