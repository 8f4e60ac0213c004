"""Index: public facts into records, lists, fronts and feeds."""

from typing import Any

from nightdesk.events import ArticleGated, ListTouched, ProfileChanged, SiteChanged
from nightdesk.runtime import Settings, aws_ports, each_message, logger, metrics, theme_of
from nightdesk.usecases.index import index, refresh_list, refresh_profile, refresh_site

settings = Settings.from_environment()
ports = aws_ports(settings, "nightdesk.index")
theme = theme_of(settings)


def work(detail: object) -> None:
    """Bring in line what lists the article, shows the profile, or depends on the settings."""
    if isinstance(detail, ArticleGated):
        paths = index(detail.slug, ports, theme)
        logger.info("indexed", extra={"slug": detail.slug, "state": detail.state, "paths": len(paths)})
    elif isinstance(detail, ProfileChanged):
        refresh_profile(detail.kind, detail.id, ports, theme)
    elif isinstance(detail, ListTouched):
        refresh_list(detail.list, ports, theme)
    elif isinstance(detail, SiteChanged):
        refresh_site(ports, theme)
    else:
        raise TypeError(f"index has no use for {type(detail).__name__}")


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An SQS batch of events from the bus."""
    return each_message(event, context, work)
