"""Reconcile: each night, the site against what the drafts say."""

from typing import Any

from nightdesk.adapters.memory import memory_ports
from nightdesk.rendering.environment import find_theme
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics, note
from nightdesk.stages.reconcile import ReconcileBatch

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.reconcile")
theme = find_theme(settings.theme_dir)


def note_differences(what: str, /, **facts: Any) -> None:
    """Count what differed: a night after which there is something to count is worth a look."""
    metrics.add_metric("Differences", "Count", sum(facts.values()))
    note(what, **facts)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of one message, which a schedule puts there."""
    batch = lambda _: ReconcileBatch(ports, theme, memory_ports, note_differences)  # noqa: E731
    return each_message(event, context, batch, ports.articles)
