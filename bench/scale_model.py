"""Which limit is met first as a newsroom grows, and an election night: measured calls, quotas, and assumptions with a name each.

`make bench ARGS=scale` prints docs/scale.md.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.adapters.memory import MemoryBus, MemoryTable, MemoryTickerTimer, memory_ports
from nightdesk.domain.documents import canonical_json
from nightdesk.domain.events import UpdatePosted
from nightdesk.domain.updates import NewUpdate
from nightdesk.ports import ALL_KEYS, Change, Item, KeyRange
from nightdesk.rendering.environment import Theme
from nightdesk.stages.updates import TickerPorts, UpdatesBatch
from nightdesk.usecases.ticker.updates import post

from .constant import measure_archive
from .cost_model import Assumptions, Prices
from .measure import ROOT, table


class Quotas(NamedTuple):
    """What AWS allows by default, a second unless the name says otherwise."""

    s3_writes_of_a_prefix: int = 3_500
    """S3 User Guide, performance. S3 splits prefixes that are busy for long."""
    s3_reads_of_a_prefix: int = 5_500
    dynamodb_writes_of_a_partition: int = 1_000
    """Units. DynamoDB Developer Guide, partition key design; the same with on-demand capacity."""
    dynamodb_reads_of_a_partition: int = 3_000
    invalidated_paths: int = 150
    """Paths or tags of an account: CloudFront's quotas as read in September 2026. An older page says 3,000 in progress, which is
    about as many, because an invalidation takes up to 25 seconds."""
    lambda_concurrency: int = 1_000
    """Runs at the same time in a region, of all functions; it can be raised."""
    events: int = 10_000
    """EventBridge PutEvents in large regions; it can be raised."""
    schedules: int = 1_000
    """Schedules of EventBridge Scheduler that fire."""
    sqs_in_flight: int = 120_000
    """Messages of a queue that are being processed, not a second."""
    cloudfront_requests: int = 250_000
    """Of a distribution; it can be raised."""
    edge_code_bytes: int = 10_240


class Load(NamedTuple):
    """What is assumed rather than measured."""

    articles_a_day: int = 5
    views_a_month: int = 200_000
    busiest_hour: float = 0.2
    """The part of a day's articles and views in the busiest hour."""
    gates_per_article: int = 2
    gate_runs: int = 20
    """`MaximumConcurrency` of the gate in template.yaml."""
    all_entries_read: int = 1_000
    """Entries that a refresh of the front reads, for the news sitemap."""
    kilobytes_per_entry: float = 0.6
    readings_per_refresh: int = 2
    """Before and after writing."""
    index_batch: int = 50
    """`BatchSize` of the index in template.yaml: so many articles share a refresh when there are many."""


class Night(NamedTuple):
    """An election night."""

    hours: int = 4
    updates_an_hour: int = 400
    edits_an_hour: int = 40
    """New articles, and changes of them, on the same topic."""
    readers: int = 50_000_000
    views_per_reader: int = 4
    minutes_per_view: float = 3.0
    """How long a page stays open and asks for `/updates/box.json` once a minute."""
    peak: float = 2.0
    """The busiest minute over the average."""
    signed_in: float = 0.1
    """The part of the readers who have a session."""
    signing_in: float = 0.01
    """The part of the readers who ask for a sign-in mail that night."""
    caches: int = 13
    """CloudFront's regional edge caches, which ask S3 for what changed."""


def measure() -> str:
    """Return docs/scale.md."""
    quotas, load, night = Quotas(), Load(), Night()
    acts = measure_archive(20)
    return (
        "\n".join(
            [
                _TITLE.format(articles=load.articles_a_day, views=load.views_a_month),
                table(
                    "Publishing",
                    (
                        "limit",
                        "a second",
                        "one article takes",
                        "met at articles a second",
                        "times today's busiest hour",
                    ),
                    _publishing(acts["publish an article"], quotas, load),
                ),
                _PUBLISHING,
                table(
                    "Reading",
                    ("limit", "a second", "one view takes", "met at views a second", "times today's busiest hour"),
                    _reading(quotas, load),
                ),
                _READING,
                table(
                    "An election night", ("", "at the busiest minute, a second", "limit", "used"), _night(quotas, night)
                ),
                _NIGHT,
                table(
                    "Heat of the keys, in units a second",
                    ("partition", "writes", "of 1,000", "reads", "of 3,000"),
                    _heat(quotas, night),
                ),
                _HEAT,
                table("Assumptions", ("", "value"), _named(load, night)),
                table(
                    "Quotas", ("", "by default"), [(n.replace("_", " "), f"{v:,}") for n, v in quotas._asdict().items()]
                ),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _named(*inputs: Any) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), f"{value:,g}") for each in inputs for name, value in each._asdict().items()]


def _publishing(calls: dict[str, float], quotas: Quotas, load: Load) -> list[tuple[str, ...]]:
    """Return the limits of publishing, the one that is met first in front."""
    assumed = Assumptions()
    today = load.articles_a_day * load.busiest_hour / 3600
    entry = load.kilobytes_per_entry * load.all_entries_read / 4 * load.readings_per_refresh / load.index_batch
    takes = [
        ("runs of the gate (ours)", load.gate_runs, load.gates_per_article * assumed.run_seconds),
        ("invalidated paths and tags", quotas.invalidated_paths, calls["paths"]),
        ("Lambda, runs at once", quotas.lambda_concurrency, calls["messages"] * assumed.run_seconds),
        ("DynamoDB, reads of `list#all`", quotas.dynamodb_reads_of_a_partition, entry),
        ("DynamoDB, writes of `list#all`", quotas.dynamodb_writes_of_a_partition, 2.0),
        ("DynamoDB, writes of `lists`", quotas.dynamodb_writes_of_a_partition, 4.0),
        ("S3, writes of a prefix", quotas.s3_writes_of_a_prefix, calls["S3 writes"]),
        ("S3, reads of a prefix", quotas.s3_reads_of_a_prefix, calls["S3 reads"]),
        ("EventBridge, events", quotas.events, calls["events"]),
        ("Scheduler, embargoes at one moment", quotas.schedules, 1.0),
    ]
    return _ranked(takes, today)


def _reading(quotas: Quotas, load: Load) -> list[tuple[str, ...]]:
    assumed = Assumptions()
    today = load.views_a_month / 30 * load.busiest_hour / 3600
    takes = [
        ("CloudFront, requests", quotas.cloudfront_requests, assumed.requests_per_view),
        ("S3, reads of a prefix", quotas.s3_reads_of_a_prefix, assumed.requests_per_view * assumed.missed),
        (
            "Lambda, renewed sessions at once",
            quotas.lambda_concurrency,
            assumed.signed_in * assumed.renewals_per_view * assumed.renewal_seconds,
        ),
        ("DynamoDB, the counter of all sign-ins", quotas.dynamodb_writes_of_a_partition, 0.001),
    ]
    return _ranked(takes, today)


def _ranked(takes: Sequence[tuple[str, float, float]], today: float) -> list[tuple[str, ...]]:
    found = sorted((limit / each, name, limit, each) for name, limit, each in takes)
    return [
        (name, f"{limit:,.0f}", f"{each:,.3g}", f"{met:,.0f}", f"{_rounded(met / today):,}")
        for met, name, limit, each in found
    ]


def _rounded(value: float) -> int:
    """Return a number of two digits: more would pretend."""
    return int(float(f"{value:.2g}"))


def _night(quotas: Quotas, night: Night) -> list[tuple[str, ...]]:
    assumed, prices = Assumptions(), Prices()
    views = night.readers * night.views_per_reader / night.hours / 3600 * night.peak
    open_pages = views * night.minutes_per_view * 60
    polls = open_pages / 60
    changes = night.updates_an_hour / 3600
    renewals = night.readers * night.signed_in / night.hours / 3600 * night.peak
    sign_ins = night.readers * night.signing_in / night.hours / 3600 * night.peak
    fetched = changes * 4 * night.caches + night.edits_an_hour / 3600 * 30 * night.caches
    paths = changes * 3 + night.edits_an_hour / 3600 * 7
    rows: list[tuple[str, float, float]] = [
        ("pages", views, 0),
        ("open pages", open_pages, 0),
        ("requests at CloudFront: pages with their files, and boxes", views * assumed.requests_per_view + polls, quotas.cloudfront_requests),
        ("fetched from S3 after changes", fetched, quotas.s3_reads_of_a_prefix),
        ("invalidated paths and tags", paths, quotas.invalidated_paths),
        ("renewed sessions, runs at once", renewals * assumed.renewal_seconds, quotas.lambda_concurrency),
        ("sign-in mails: writes of the counter of all", sign_ins, quotas.dynamodb_writes_of_a_partition),
        ("sign-in mails: SES, as granted to the account", sign_ins, 0),
    ]  # fmt: skip
    shown = [
        (name, f"{value:,.3g}" if value < 1000 else f"{value:,.0f}", f"{limit:,}" if limit else "", f"{value / limit:.1%}" if limit else "")
        for name, value, limit in rows
    ]  # fmt: skip
    dollars = paths / night.peak * 3600 * night.hours * prices.invalidated_path
    return [*shown, ("invalidations of the night, in dollars", f"{dollars:,.0f}", "", "")]


class _HeatTable(MemoryTable):
    """A table in memory that counts units by partition: writes in transactions, and strongly consistent reads."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()

    def get(self, pk: str, sk: str) -> Item | None:
        item = super().get(pk, sk)
        self._read(pk, [item] if item else [])
        return item

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        found = super().query(pk, keys, descending=descending, limit=limit)
        self._read(pk, found)
        return found

    def _read(self, pk: str, found: Sequence[Item]) -> None:
        size = sum(len(canonical_json(item)) for item in found)
        self.reads[_name(pk)] += max(1, -(-size // 4096))

    def write(self, changes: Sequence[Change]) -> None:
        super().write(changes)
        by = 2 if len(changes) > 1 else 1
        for pk, _, item, _ in changes:
            self.writes[_name(pk)] += by * max(1, -(-len(canonical_json(item or {})) // 1024))


def _name(pk: str) -> str:
    return re.sub(r"^(update|article|rate)#.*", r"\1#…", pk)


def _heat(quotas: Quotas, night: Night) -> list[tuple[str, ...]]:
    """Play an hour of the night, and return what each partition of the Updates table does in a second."""
    now = datetime(2028, 11, 7, 20, tzinfo=UTC)
    ports = memory_ports(clock=lambda: now)
    heat = _HeatTable()
    object.__setattr__(ports, "updates", heat)
    theme, timer = Theme(ROOT / "layers/theme"), TickerPorts(MemoryTickerTimer(), lambda: None)  # type: ignore[arg-type, return-value]  # there are no feeds
    bus: MemoryBus = ports.bus  # type: ignore[assignment]  # memory_ports gives MemoryBus
    for number in range(night.updates_an_hour):
        now += timedelta(seconds=3600 / night.updates_an_hour)
        update = NewUpdate(f"Result {number}: a lead of {number % 97} votes", "What it means, in a sentence of some length. " * 3,
                           f"/articles/district-{number % 60}/", "election", 0, "")  # fmt: skip
        post(update, f"editor-{number % 6}", f"key-{number}", ports)
        batch = UpdatesBatch(ports, theme, timer)
        for event in [event for event in bus.events if isinstance(event, UpdatePosted)]:
            batch.handle(event)
        batch.finish()
        bus.events.clear()
    rows = []
    for name in sorted({*heat.writes, *heat.reads}, key=lambda name: (-heat.reads[name], name)):
        writes, reads = heat.writes[name] / 3600, heat.reads[name] / 3600
        used = (writes / quotas.dynamodb_writes_of_a_partition, reads / quotas.dynamodb_reads_of_a_partition)
        rows.append((f"`{name}`", f"{writes:.2f}", f"{used[0]:.2%}", f"{reads:.2f}", f"{used[1]:.2%}"))
    return rows


_TITLE = """# How far it goes

Printed by `make bench ARGS=scale` from measured calls, AWS's default quotas and the assumptions at the end. The stack has not run on AWS
yet. The tables say which limit is met first, and at what load; the text, what the design does there. A newsroom of today is one with {articles}
articles a day and {views:,} views a month; a thousand times of both is below every limit here.
"""
_PUBLISHING = """The first limit is ours, and deliberate: `MaximumConcurrency` keeps an import from taking the functions that answer readers. Raise it in `template.yaml`.
What comes next is the price rather than the rate of invalidations. From 20 pages that one change affects, they share a tag, so a rebuild of 10,000
articles invalidates a few tags instead of 70,000 paths. A refusal by CloudFront is retried by the queue: a page is then late, not wrong.

- **Lists.** `list#all` holds every article by time, and a refresh of the front reads its newest thousand. Under load fifty articles share a refresh, so the reads
  do not grow with the articles. If they ever do, the news sitemap gets its entries from a partition of two days.
- **S3.** The table counts all calls of an article as if they met one prefix. They meet three buckets, and every article and list has a prefix of
  its own; the busiest is that of the front, which is written once per refresh.
- **EventBridge and SQS** carry identities only, and a standard queue has no rate that we could meet.
- **Embargoes**: schedules fire up to a thousand a second, and their articles queue for the gate, pages first and lists after them.
- **10 KB of edge code** do not depend on load. They are nearly full (a test keeps 500 bytes free), so the edge can take a few features more, not many.
"""
_READING = """No reader reaches a function or a table, except to sign in, to pay, and once an hour to renew a session. Pages come from CloudFront's
caches; what a cache misses comes from S3, whose prefixes are articles. An hour's renewals are reads of one member's items each, so their keys
are as many as the readers. One key is hot: the counter of all sign-in mails of an hour, which limits each network during a flood. It is
written once per request, so about a thousand requests a second can sign in; readers who have a session do not notice.
"""
_NIGHT = """An update is on the page of a reader within a minute, because open pages ask once a minute, and the answer comes from the cache. Each post invalidates
three paths or tags (the ticker's front, its box and the topic's file), whatever the number of readers.

- **CloudFront's requests** are the limit of that night. Its default can be raised, which takes days: ask before the election. If nothing is done, the
  excess is answered with errors at the edge, while publishing goes on.
- **Sign-in mails** are limited by what SES granted, and by `SignInLimits.overall` of the readers' API: beyond 3,000 in an hour each
  network may request fewer. Raise both before the night; who has a session needs no mail.
- **Posting** is limited to 120 a minute for each editor. The `updates` function gathers posts that come together into one refresh.
- **A takedown** in the middle of the night takes the same few calls as on any other day.
"""
_HEAT = """An hour of posts on one topic, played through the real use cases over a table that counts. Every post writes the topic's and the live list's
partition, and the refresh reads both; all are far from the limit, and no reader reads any of them. A hundred times as many posts would still fit.
"""
