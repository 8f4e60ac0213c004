"""Index: public facts into records, lists, fronts and feeds."""

from typing import Any

from nightdesk.events import ArticleGated, ListTouched, ProfileChanged, SiteChanged
from nightdesk.rendering.environment import find_theme
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics
from nightdesk.usecases.index import Listed, enter, finish
from nightdesk.usecases.lists import refresh_list, refresh_profile, refresh_site

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.index")
theme = find_theme(settings.theme_dir)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events from the bus: its articles are entered one by one, and their lists made once for all."""
    entered: dict[str, Listed | None] = {}

    def work(detail: object) -> None:
        if isinstance(detail, ArticleGated):
            if detail.slug not in entered:
                entered[detail.slug] = enter(detail.slug, ports)
                logger.info("indexed", extra={"slug": detail.slug, "state": detail.state})
        elif isinstance(detail, ProfileChanged):
            refresh_profile(detail.kind, detail.id, ports, theme)
        elif isinstance(detail, ListTouched):
            refresh_list(detail.list, ports, theme, detail.bulk)
        elif isinstance(detail, SiteChanged):
            refresh_site(ports, theme)
        else:
            raise TypeError(f"index has no use for {type(detail).__name__}")

    def make_lists() -> None:
        finish([listed for listed in entered.values() if listed], ports, theme)

    return each_message(event, context, work, make_lists)
