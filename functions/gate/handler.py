"""Gate: private documents into one page per tier."""

from typing import Any

from nightdesk.events import ProfileChanged, SiteChanged, ToGate
from nightdesk.rendering.environment import find_theme
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics
from nightdesk.usecases.gate import fan_out, gate

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.gate")
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events from the bus: one look at an article serves all messages that came before it."""
    looked: set[tuple[str, str]] = set()

    def work(detail: object) -> None:
        if isinstance(detail, ToGate):
            bulk = getattr(detail, "bulk", "")
            if (detail.slug, bulk) not in looked:
                gated = gate(detail.slug, ports, theme, bulk)
                revision = getattr(detail, "revision", None)
                logger.info("gated", extra={"slug": detail.slug, "revision": revision, "state": gated and gated.state})
            looked.add((detail.slug, bulk))
        elif isinstance(detail, ProfileChanged):
            fan_out(detail.kind, detail.id, ports)
        elif isinstance(detail, SiteChanged):
            fan_out("site", "", ports)
        else:
            raise TypeError(f"gate has no use for {type(detail).__name__}")

    return each_message(event, context, work)
