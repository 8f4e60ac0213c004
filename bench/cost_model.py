"""What a newsroom pays AWS in a month: measured calls, list prices, and assumptions with a name each.

`make bench ARGS=cost` prints docs/cost.md. Prices are those of us-east-1, without free tiers unless the text says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .constant import measure_archive
from .measure import table
from .newsletters import edition_calls


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
    mail: float = 0.10 / 1e3


class Assumptions(NamedTuple):
    """What is assumed rather than measured."""

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
    """Of a run that finds no receivers in the settings."""
    notify_gigabytes: float = 0.5
    free_paths: int = 1_000
    requests_per_view: int = 5
    kilobytes_per_view: float = 100.0
    edge_runs_per_request: int = 2
    """The edge functions of requests and of responses."""
    signed_in: float = 0.2
    """The part of the views by readers who are signed in, where no mix is named."""
    missed: float = 0.05
    """The part of the requests that reaches S3, where no mix is named."""
    renewals_per_view: float = 0.1
    """Renewed sessions per view by a reader who is signed in, each a run of the readers' API with two reads of DynamoDB."""
    renewal_seconds: float = 0.05
    seconds_per_mail: float = 0.05
    """Of a run that sends mails one after the other."""
    mails_per_run: int = 50
    hot_fronts: int = 50
    """Fronts, feeds and lists that are asked for in every minute, for the comparison with a short s-maxage."""
    caches: int = 13
    """CloudFront's regional edge caches, each of which would ask for them."""
    kilobytes_per_article: float = 120.0
    """Stored: three variants, the document and a share of its lists; pictures come on top."""
    photographs_per_article: float = 1.0
    photograph_seconds: float = 3.7
    """To make all files of a photograph of 10.7 megapixels, measured (`make bench ARGS=images`); larger ones take no longer."""
    photograph_gigabytes: float = 2.0
    """The memory of the images function."""
    photograph_files: int = 14
    kilobytes_per_photograph: float = 7_200.0
    """Stored twice each: its files (0.6 MB), privately and on the site, and an original of 3 MB, as a draft's image and as the copy of it."""


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


class Mix(NamedTuple):
    """Readers: the part of the views by those who are signed in, and the part of the requests that reaches S3, which grows
    with the number of variants."""

    name: str
    signed_in: float
    missed: float


MIXES = (Mix("all public", 0.0, 0.03), Mix("a fifth signed in", 0.2, 0.05), Mix("four fifths members", 0.8, 0.08))
PEERS = (
    ("Ghost(Pro), Business, 10,000 members", "199", "five articles a day: mails included, images on its CDN"),
    ("WordPress VIP, entry contract", "about 2,000", "thirty and more: support and a service level included"),
)
"""List prices a month, known in November 2026 from the vendors' pages; neither includes the newsroom's own work."""
Calls = Mapping[str, float]
_RECIPIENTS = 500
"""Of the edition whose calls are counted."""
_PUBLISH, _UPDATE = "publish an article", "post an update"


def services(calls: Calls, prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what an act costs without its invalidation, in dollars by service. Each message is a run, as in an empty queue."""
    run = prices.lambda_run + assumed.run_seconds * assumed.run_gigabytes * prices.lambda_gigabyte_second
    return {
        "S3": calls["S3 writes"] * prices.s3_put + calls["S3 reads"] * prices.s3_read,
        "DynamoDB": calls["DynamoDB writes"] * assumed.write_units * prices.dynamodb_write
        + calls["DynamoDB reads"] * assumed.read_units * prices.dynamodb_read,
        "Lambda": max(1, calls["messages"]) * run,
        "EventBridge": calls["events"] * prices.event,
        "SQS": calls["messages"] * assumed.requests_per_message * prices.sqs_request,
        "notify": _notify(calls, prices, assumed),
    }


def _notify(calls: Calls, prices: Prices, assumed: Assumptions) -> float:
    """Return what the notify stage costs, of all services, if the settings name no receivers."""
    if not calls["told"]:
        return 0.0
    run = prices.lambda_run + assumed.notify_seconds * assumed.notify_gigabytes * prices.lambda_gigabyte_second
    # A batch is received and deleted by one request each.
    requests = calls["told"] + 2 * assumed.notify_runs
    return assumed.notify_runs * (run + prices.s3_read) + requests * prices.sqs_request


def thousand_photographs(prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what a thousand photographs cost until they are shown, in dollars by service, without the second gating of their article."""
    # Beside the files: the original's copy, what was found in it, and the list; and gate copies each file to the site.
    puts, reads = 2 * assumed.photograph_files + 3, 3 * assumed.photograph_files
    run = assumed.photograph_seconds * assumed.photograph_gigabytes * prices.lambda_gigabyte_second
    return {
        "Lambda": 1e3 * (run + 2 * prices.lambda_run),
        "S3": 1e3 * (puts * prices.s3_put + reads * prices.s3_read),
    }


def million_views(mix: Mix, prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what a million page views cost, in dollars by service."""
    requests = 1e6 * assumed.requests_per_view
    renewal = assumed.renewal_seconds * assumed.run_gigabytes * prices.lambda_gigabyte_second
    return {
        "CloudFront, traffic": 1e6 * assumed.kilobytes_per_view / 1e6 * prices.cloudfront_gigabyte,
        "CloudFront, requests": requests * prices.cloudfront_request,
        "edge functions": requests * assumed.edge_runs_per_request * prices.edge_run,
        "S3, cache misses": requests * mix.missed * prices.s3_read,
        "sessions": 1e6
        * mix.signed_in
        * assumed.renewals_per_view
        * (prices.lambda_run + renewal + 2 * prices.dynamodb_read),
    }


def mails(number: float, each: Calls, prices: Prices, assumed: Assumptions) -> dict[str, float]:
    """Return what mails cost, in dollars by service; `each` is what one needs (`newsletters.edition_calls`)."""
    run = prices.lambda_run + assumed.mails_per_run * assumed.seconds_per_mail * prices.lambda_gigabyte_second
    costs = {
        "SES": prices.mail,
        # A transaction costs two units for each item, and a consistent read one.
        "DynamoDB": each["items read"] * prices.dynamodb_read + 2 * each["items written"] * prices.dynamodb_write,
        "Lambda": run / assumed.mails_per_run,
        "S3": each["S3 reads"] * prices.s3_read + each["S3 writes"] * prices.s3_put,
        "EventBridge and SQS": each["events"] * (prices.event + assumed.requests_per_message * prices.sqs_request),
    }
    return {name: number * cost for name, cost in costs.items()}


def month(
    newsroom: Newsroom, acts: Mapping[str, Calls], mail: Calls, prices: Prices, assumed: Assumptions
) -> dict[str, float]:  # fmt: skip
    """Return what a newsroom pays in a month of thirty days, in dollars by purpose. `mail` is what one needs."""
    usual = Mix("", assumed.signed_in, assumed.missed)
    per = {name: sum(services(calls, prices, assumed).values()) for name, calls in acts.items()}
    return {
        "publishing": newsroom.articles_a_day * 30 * per[_PUBLISH] + newsroom.updates_a_day * 30 * per[_UPDATE],
        "photographs": newsroom.articles_a_day
        * 30
        * assumed.photographs_per_article
        * sum(thousand_photographs(prices, assumed).values())
        / 1e3,
        "invalidation": _invalidation(newsroom, acts, "paths", prices, assumed),
        "reading": newsroom.views / 1e6 * sum(million_views(usual, prices, assumed).values()),
        "newsletters": sum(mails(newsroom.mails, mail, prices, assumed).values()),
        "storage": newsroom.archive
        * (assumed.kilobytes_per_article + assumed.photographs_per_article * assumed.kilobytes_per_photograph)
        / 1e6
        * prices.s3_gigabyte,
        "idle queues": assumed.queues * assumed.polls_per_queue * prices.sqs_request,
    }


def _invalidation(
    newsroom: Newsroom, acts: Mapping[str, Calls], counted: str, prices: Prices, assumed: Assumptions
) -> float:  # fmt: skip
    """Return what invalidation costs in a month if what an act invalidates is `counted`."""
    of_updates = 0 if counted == "articles' tags" else acts[_UPDATE][counted]
    paths = newsroom.articles_a_day * 30 * acts[_PUBLISH][counted] + newsroom.updates_a_day * 30 * of_updates
    return max(0, paths - assumed.free_paths) * prices.invalidated_path


def _ways(acts: Mapping[str, Calls], prices: Prices, assumed: Assumptions) -> list[tuple[str, ...]]:
    """Return what the ways of invalidating cost."""
    asked = assumed.hot_fronts * assumed.caches * 60 * 24 * 30 * prices.s3_read
    ways = (
        ("each page by its path", "pages", 0.0, "at once"),
        ("by path or tag, whichever is fewer (as built)", "paths", 0.0, "at once"),
        (
            "articles by tag, fronts by `s-maxage=60`",
            "articles' tags",
            asked,
            "fronts within a minute, also of a takedown",
        ),
    )
    return [
        (
            name,
            f"{acts[_PUBLISH][counted]:.0f}",
            *(f"{_invalidation(each, acts, counted, prices, assumed) + more:,.2f}" for each in NEWSROOMS),
            seen,
        )
        for name, counted, more, seen in ways
    ]


def measure() -> str:
    """Return docs/cost.md."""
    prices, assumed, acts = Prices(), Assumptions(), measure_archive(20)
    mail = {name: number / _RECIPIENTS for name, number in edition_calls(_RECIPIENTS).items()}
    months = [(newsroom, month(newsroom, acts, mail, prices, assumed)) for newsroom in NEWSROOMS]
    edition = mails(10_000, mail, prices, assumed)
    views = [(mix, million_views(mix, prices, assumed)) for mix in MIXES]
    named = [(name.replace("_", " "), f"{value:g}") for name, value in assumed._asdict().items()]
    priced = [(name.replace("_", " "), f"{value * 1e6:,.5g}") for name, value in prices._asdict().items()]
    names = [newsroom.name for newsroom in NEWSROOMS]
    return (
        "\n".join(
            [
                _TITLE,
                _table_of_acts(acts, prices, assumed),
                _PATHS.format(dollars=acts[_PUBLISH]["paths"] * prices.invalidated_path),
                _table_of_photographs(prices, assumed),
                table(
                    "A million page views, in dollars",
                    ("", *(mix.name for mix, _ in views)),
                    [
                        *((name, *(f"{costs[name]:.2f}" for _, costs in views)) for name in views[0][1]),
                        ("all", *(f"{sum(costs.values()):.2f}" for _, costs in views)),
                    ],
                ),
                _VIEWS,
                table(
                    "An edition for 10,000 recipients",
                    ("", "dollars"),
                    [
                        *((name, f"{value:.4f}") for name, value in edition.items()),
                        ("all", f"{sum(edition.values()):.4f}"),
                    ],
                ),
                table(
                    "A month",
                    ("", *names),
                    [
                        ("archive", *(f"{newsroom.archive:,} articles" for newsroom, _ in months)),
                        ("views", *(f"{newsroom.views:,.0f}" for newsroom, _ in months)),
                        ("mails", *(f"{newsroom.mails:,.0f}" for newsroom, _ in months)),
                        ("updates a day", *(f"{newsroom.updates_a_day:,}" for newsroom, _ in months)),
                        *((purpose, *(f"{costs[purpose]:,.2f}" for _, costs in months)) for purpose in months[0][1]),
                        ("all, in dollars", *(f"{sum(costs.values()):,.2f}" for _, costs in months)),
                    ],
                ),
                _SAVING,
                table(
                    "Ways of invalidating, dollars a month",
                    ("", "paths and tags of one publish", *names, "readers see it"),
                    _ways(acts, prices, assumed),
                ),
                _WAYS,
                table("Others, a month", ("", "dollars", "to compare with"), PEERS),
                table("Assumptions", ("", "value"), named),
                table("Prices", ("", "dollars for a million, or for a million gigabytes"), priced),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _table_of_photographs(prices: Prices, assumed: Assumptions) -> str:
    rows = [(name, f"{value:.4f}") for name, value in thousand_photographs(prices, assumed).items()]
    return f"{table('A thousand photographs', ('', 'dollars'), rows)}\n{_PHOTOGRAPHS}"


def _table_of_acts(acts: Mapping[str, Calls], prices: Prices, assumed: Assumptions) -> str:
    rows = []
    for act, calls in acts.items():
        costs = services(calls, prices, assumed)
        paths = 1e3 * calls["paths"] * prices.invalidated_path
        rows.append(
            (
                act,
                *(f"{value * 1e3:.3f}" for value in costs.values()),
                f"{sum(costs.values()) * 1e3:.3f}",
                f"{paths:.2f}",
            )
        )
    columns = ("", "S3", "DynamoDB", "Lambda", "EventBridge", "SQS", "notify", "all of these", "invalidation")
    return f"{table('One of each, in dollars for a thousand', columns, rows)}\n{_NOTIFY}"


_TITLE = """# What it costs

Printed by `make bench ARGS=cost` from the calls that each act makes (`make bench ARGS=constant`), AWS's list prices and the assumptions
at the end. The stack has not run on AWS yet, so the time of a run and what readers do are assumed, not measured.
"""
_NOTIFY = """`notify` is what it costs to find that `site.yaml` names no receivers. `OutboundNotices=no` saves that, the polls of its queue and the
$0.40 a month of its key. Where it names somebody, each notice is one more event and one more run: about $0.005 for a thousand notices.
"""
_PATHS = """The calls are the same in an archive of a hundred articles or of a million ([benchmarks.md](benchmarks.md) has the table). Invalidation
costs nothing within the first thousand paths of a month; after that, one publish costs ${dollars:.3f}, by far the largest item of publishing.
"""
_PHOTOGRAPHS = """Each is made once, in six widths and three formats, however often its article is published. What readers load of it is part of a view's kilobytes below.
"""
_VIEWS = """The edge decides what a reader gets, so a member's view costs what anybody's does, apart from an hourly renewal of the session and a cache that
holds a variant for each tier.
"""
_SAVING = """Mail and reading are most of the bill; publishing is the least of it. CloudFront's flat-rate plans and its free tier (1 TB and ten million requests a month) are not counted;
within them a small newsroom pays for invalidation, mail and idle queues alone. WAF, alarms and logs are not counted either.
"""
_WAYS = """A busy newsroom could save most of its invalidations by letting fronts expire after a minute. Nightdesk does not, because a takedown
must be gone from every front at once, and a reader who follows a link from the front must not meet an older one.
"""
