"""What a newsroom pays AWS in a month: measured calls, list prices, and assumptions with a name each.

`make bench ARGS=cost` prints docs/cost.md. Prices are those of us-east-1, without free tiers unless the text says so.
"""

from __future__ import annotations

from typing import NamedTuple

from .costs import one_publish
from .measure import table


class Prices(NamedTuple):
    """List prices in dollars (AWS pricing pages, us-east-1, November 2026)."""

    s3_put: float = 0.005 / 1e3
    s3_read: float = 0.0004 / 1e3
    s3_gigabyte: float = 0.023
    lambda_run: float = 0.20 / 1e6
    lambda_gigabyte_second: float = 0.0000133334
    """On Arm processors."""
    event: float = 1.00 / 1e6
    sqs_request: float = 0.40 / 1e6
    dynamodb_write: float = 0.625 / 1e6
    dynamodb_read: float = 0.125 / 1e6
    invalidated_path: float = 0.005
    """Beyond the first thousand paths of a month."""
    cloudfront_gigabyte: float = 0.085
    cloudfront_request: float = 0.0100 / 1e4
    edge_run: float = 0.10 / 1e6
    key_value_read: float = 0.03 / 1e6
    mail: float = 0.10 / 1e3


class Assumptions(NamedTuple):
    """What is assumed rather than measured."""

    runs_per_publish: int = 15
    """Runs of functions for one publish: render, gate and those of related articles, index twice, invalidate twice; and for the
    social card images, gate, index, search and invalidate once more."""
    run_seconds: float = 0.5
    """One warm run, mostly waiting for S3 and DynamoDB."""
    run_gigabytes: float = 1.0
    requests_per_message: int = 3
    """Of SQS: sending, receiving and deleting."""
    write_units: float = 2.0
    """DynamoDB write units per call: an entry is under 1 KB, and a transaction counts twice."""
    read_units: float = 2.0
    polls_per_queue: int = 5 * 3 * 60 * 24 * 30
    """Receives of an idle queue in a month: five pollers of Lambda, each waiting up to 20 seconds."""
    queues: int = 14
    notify_runs: int = 3
    """Runs of the notify stage for one publish: the events of five seconds share one."""
    notify_seconds: float = 0.1
    """One that finds nobody to tell in the settings."""
    notify_gigabytes: float = 0.5
    free_paths: int = 1_000
    requests_per_view: int = 5
    kilobytes_per_view: float = 100.0
    missed: float = 0.05
    """The part of the requests that reaches S3."""
    session_views: float = 0.2
    """The part of the views by readers who are signed in: their edge function reads a key."""
    renewals_per_view: float = 0.02
    """Renewed sessions, each a run of the readers' API with two reads of DynamoDB."""
    kilobytes_per_article: float = 120.0
    """Stored: three variants, the document and a share of its lists; pictures come on top."""


class Newsroom(NamedTuple):
    """What a newsroom does in a month."""

    name: str
    articles_a_day: int
    updates_a_day: int
    archive: int
    views: float
    mails: float


NEWSROOMS = (
    Newsroom("five articles a day", 5, 10, 10_000, 200_000, 150_000),
    Newsroom("thirty articles a day", 30, 60, 100_000, 3e6, 1.5e6),
    Newsroom("three hundred articles a day", 300, 400, 1_000_000, 50e6, 15e6),
)
PEERS = (
    ("Ghost(Pro), Business, 10,000 members", "199"),
    ("WordPress VIP, entry contract", "about 2,000"),
)
"""List prices a month, known in November 2026 from the vendors' pages; both include support, and neither the newsroom's own work."""


def calls_of_publish(calls: dict[str, int], prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what one publish costs without its invalidation, in dollars by service."""
    return {
        "S3": calls["S3 puts"] * prices.s3_put + calls["S3 reads"] * prices.s3_read,
        "DynamoDB": calls["DynamoDB writes"] * assumed.write_units * prices.dynamodb_write
        + calls["DynamoDB reads"] * assumed.read_units * prices.dynamodb_read,
        "Lambda": assumed.runs_per_publish
        * (prices.lambda_run + assumed.run_seconds * assumed.run_gigabytes * prices.lambda_gigabyte_second),
        "EventBridge": calls["events"] * prices.event,
        "SQS": assumed.runs_per_publish * assumed.requests_per_message * prices.sqs_request,
        "notify, of all services": _notify(calls, prices, assumed),
    }


def _notify(calls: dict[str, int], prices: Prices, assumed: Assumptions) -> float:
    """Return what the notify stage costs in one publish if the settings name nobody to tell."""
    run = prices.lambda_run + assumed.notify_seconds * assumed.notify_gigabytes * prices.lambda_gigabyte_second
    # A batch is received and deleted by one request each.
    requests = calls["told"] + 2 * assumed.notify_runs
    return assumed.notify_runs * (run + prices.s3_read) + requests * prices.sqs_request


def million_views(prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what a million page views cost, in dollars by service."""
    views = 1e6
    return {
        "CloudFront, traffic": views * assumed.kilobytes_per_view / 1e6 * prices.cloudfront_gigabyte,
        "CloudFront, requests": views * assumed.requests_per_view * prices.cloudfront_request,
        "edge function": views * (prices.edge_run + assumed.session_views * prices.key_value_read),
        "S3, cache misses": views * assumed.requests_per_view * assumed.missed * prices.s3_read,
        "sessions": views
        * assumed.renewals_per_view
        * (prices.lambda_run + 0.05 * assumed.run_gigabytes * prices.lambda_gigabyte_second + 2 * prices.dynamodb_read),
    }


def month(newsroom: Newsroom, calls: dict[str, int], prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what a newsroom pays in a month of thirty days, in dollars by purpose."""
    articles, updates = newsroom.articles_a_day * 30, newsroom.updates_a_day * 30
    publish = sum(calls_of_publish(calls, prices, assumed).values())
    paths = articles * calls["paths"] + updates * 2
    return {
        "publishing": articles * publish + updates * publish / 4,
        "invalidation": max(0, paths - assumed.free_paths) * prices.invalidated_path,
        "reading": newsroom.views / 1e6 * sum(million_views(prices, assumed).values()),
        "newsletters": newsroom.mails * prices.mail,
        "storage": newsroom.archive * assumed.kilobytes_per_article / 1e6 * prices.s3_gigabyte,
        "idle queues": assumed.queues * assumed.polls_per_queue * prices.sqs_request,
    }


def measure() -> str:
    """Return docs/cost.md."""
    prices, assumed, calls = Prices(), Assumptions(), dict(one_publish(100))
    publish = calls_of_publish(calls, prices, assumed)
    views = million_views(prices, assumed)
    months = [(newsroom, month(newsroom, calls, prices, assumed)) for newsroom in NEWSROOMS]
    named = [(name.replace("_", " "), f"{value:g}") for name, value in assumed._asdict().items()]
    priced = [(name.replace("_", " "), f"{value * 1e6:,.5g}") for name, value in prices._asdict().items()]
    purposes = list(months[0][1])
    return (
        "\n".join(
            [
                _TITLE,
                table(
                    "One publish",
                    ("", "dollars for a thousand"),
                    [*((name, f"{value * 1e3:.3f}") for name, value in publish.items()), _sum(publish, 1e3)],
                ),
                _NOTIFY,
                _PATHS.format(paths=calls["paths"], dollars=calls["paths"] * prices.invalidated_path),
                table(
                    "A million page views",
                    ("", "dollars"),
                    [*((name, f"{value:.2f}") for name, value in views.items()), ("all", f"{sum(views.values()):.2f}")],
                ),
                table(
                    "A month",
                    ("", *(newsroom.name for newsroom, _ in months)),
                    [
                        ("archive", *(f"{newsroom.archive:,} articles" for newsroom, _ in months)),
                        ("views", *(f"{newsroom.views:,.0f}" for newsroom, _ in months)),
                        ("mails", *(f"{newsroom.mails:,.0f}" for newsroom, _ in months)),
                        *((purpose, *(f"{costs[purpose]:,.2f}" for _, costs in months)) for purpose in purposes),
                        ("all, in dollars", *(f"{sum(costs.values()):,.2f}" for _, costs in months)),
                    ],
                ),
                _SAVING,
                table("Others, a month", ("", "dollars"), PEERS),
                table("Assumptions", ("", "value"), named),
                table("Prices", ("", "dollars for a million, or for a million gigabytes"), priced),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _sum(costs: dict[str, float], by: float) -> tuple[str, str]:
    return "all", f"{sum(costs.values()) * by:.3f}"


_TITLE = """# What it costs

Printed by `make bench ARGS=cost` from the calls that one publish makes (`make bench ARGS=costs`), AWS's list prices and the assumptions
at the end. The stack has not run on AWS yet, so the time of a run and what readers do are assumed, not measured.
"""
_NOTIFY = """`notify` is what it costs to find that `site.yaml` names nobody to tell. `OutboundNotices=no` saves that, the polls of its queue and the
$0.40 a month of its key. Where it names somebody, each notice is one more event and one more run: about $0.005 for a thousand notices.
"""
_PATHS = """The calls are the same in an archive of a hundred articles or of a million. On top comes the cache: one publish invalidates {paths} paths
(the front page, the fronts and archives that list it, and the article once its social card is drawn), which costs nothing within the
first thousand paths of a month and ${dollars:.3f} after that. It is the largest item of publishing by far.
"""
_SAVING = """Mail and reading are most of the bill; publishing is the least of it. CloudFront's flat-rate plans and its free tier (1 TB and ten million requests a month) are not counted;
within them a small newsroom pays for invalidation, mail and idle queues alone. WAF, alarms and logs are not counted either.
"""
