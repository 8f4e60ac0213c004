"""The pipeline's ports on AWS, for the stages' functions and for the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.config import Config

from nightdesk.adapters.aws import CloudFrontCdn, EventBridgeBus, S3Objects
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.parallel import MAX_CONNECTIONS, in_parallel
from nightdesk.adapters.timers import EventBridgeSchedules, ScheduleTarget, SqsTickerTimer
from nightdesk.domain.pictures import PictureMaker
from nightdesk.entrypoints.sessions import make_session
from nightdesk.entrypoints.settings import Settings
from nightdesk.ports import Feeds, Ports, TickerTimer

# The adapters pass what the services accept, so checking it against the services' models costs a third of a call for nothing.
CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=3,
    read_timeout=20,
    parameter_validation=False,
    # TLS guards the bytes on their way, so checksums are made only where S3 demands one.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    max_pool_connections=MAX_CONNECTIONS,
    # Made of its parts twice for each call otherwise, which is a seventh of what a call costs.
    user_agent="nightdesk",
)


def aws_ports(
    settings: Settings,
    source: str,
    make_client: Callable[..., Any] | None = None,
    pictures: PictureMaker | None = None,
) -> Ports:
    """Return the pipeline's ports on AWS.

    Args:
        source: the `source` of the events that are sent, `nightdesk.<function>`.
        make_client: makes a client of a service, as `create_client` of a botocore session does. Loading boto3 itself would
            double a function's cold start.
        pictures: makes pictures; None for a stage that makes none.
    """
    make = make_client or make_session().create_client

    def client(service: str) -> Any:
        return make(service, config=CONFIG)

    s3, dynamodb = client("s3"), client("dynamodb")
    return Ports(
        drafts=S3Objects(s3, settings.drafts_bucket),
        private=S3Objects(s3, settings.private_bucket),
        site=S3Objects(s3, settings.site_bucket),
        articles=DynamoTable(dynamodb, settings.articles_table),
        bus=EventBridgeBus(client("events"), settings.bus, source),
        cdn=CloudFrontCdn(client("cloudfront") if settings.distribution_id else None, settings.distribution_id),
        schedules=EventBridgeSchedules(
            client,
            settings.schedule_group,
            ScheduleTarget(
                settings.schedule_queue,
                settings.schedule_queue_url,
                settings.schedule_role,
                settings.schedule_dead_letters,
            ),
        ),
        updates=DynamoTable(dynamodb, settings.updates_table),
        base_url=settings.base_url,
        can_sign_in=settings.can_sign_in != "no",  # if it is not said, source links stay locked
        can_pay=settings.can_pay == "yes",
        in_parallel=in_parallel,
        pictures=pictures,
    )


def aws_timer(queue_url: str) -> TickerTimer:
    """Return the port that sends a stage's queue a delayed message."""
    return SqsTickerTimer(lambda: make_session().create_client("sqs", config=CONFIG), queue_url)


def web_feeds(settings: Settings) -> Feeds:
    """Return the port that reads feeds on the web."""
    # Imported late: most messages of the updates stage are about no feed, and feedparser is slow to load.
    from nightdesk.adapters.feeds import WebFeeds

    return WebFeeds(loopback=settings.loopback_feeds == "yes")
