"""What each thing that a newsroom does costs, in archives of different sizes: the real stages over ports in memory that count."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from nightdesk.adapters.memory import MemoryBus, MemoryTable, MemoryTickerTimer, memory_ports
from nightdesk.domain.events import (
    ArticleDue,
    ArticleGated,
    ArticleWithdrawn,
    CacheInvalidated,
    Event,
    ObjectChanged,
    UpdatePosted,
)
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import Membership, member_id
from nightdesk.domain.site_paths import article_tag
from nightdesk.domain.updates import NewUpdate
from nightdesk.domain.webhooks import TOLD_EVENTS
from nightdesk.entrypoints.folder_stages import FolderStages, Stage
from nightdesk.ports import ANY, Output, Ports, ReaderPorts, SignInLimits
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import memberships_table
from nightdesk.stages.invalidate import InvalidateBatch
from nightdesk.stages.updates import TickerPorts, UpdatesBatch
from nightdesk.usecases.editors.decisions import withdraw
from nightdesk.usecases.pipeline.build_site import build_site
from nightdesk.usecases.pipeline.search_recent import update_recent
from nightdesk.usecases.readers import sign_in, sign_in_mail
from nightdesk.usecases.ticker.updates import post

from .costs import BlankPictures, draft
from .measure import ROOT, table

SIZES = (100, 1_000, 10_000)
COLUMNS = ("S3 writes", "S3 reads", "DynamoDB writes", "DynamoDB reads", "events", "messages", "kB written", "paths")
_COUNTED = (*COLUMNS, "CPU ms", "pages", "articles' tags", "told")
"""Pages that were invalidated, one by one, tags of single articles among what was, and events that the notify stage hears."""
_NOW = datetime(2050, 1, 1, tzinfo=UTC)
_REPEATS = 5
_PAGE = 1000
"""Objects in one answer of ListObjectsV2."""
_OBJECTS = {"put": "S3 writes", "delete": "S3 writes", "get": "S3 reads", "stat": "S3 reads", "list": "S3 reads",
            "list_versions": "S3 reads", "sizes": "S3 reads", "listing": "S3 reads"}  # fmt: skip
_TABLE = {"write": "DynamoDB writes", "increment": "DynamoDB writes", "get": "DynamoDB reads",
          "get_many": "DynamoDB reads", "query": "DynamoDB reads"}  # fmt: skip


def measure(sizes: tuple[int, ...] = SIZES) -> str:
    """Return a table for each size, and CPU time."""
    found = {size: measure_archive(size) for size in sizes}
    acts = list(found[sizes[0]])
    rows = [
        (act if size == sizes[0] else "", f"{size:,}", *_cells(found[size][act]))
        for act in acts
        for size in sizes
    ]  # fmt: skip
    return table("Each act, with so many articles in the archive", ("", "articles", *COLUMNS, "CPU ms"), rows)


def _cells(counts: Mapping[str, float]) -> list[str]:
    return [f"{counts[name]:,.0f}" for name in (*COLUMNS, "CPU ms")]


def measure_archive(size: int) -> dict[str, dict[str, float]]:
    """Return what each act costs in an archive of so many articles: the median of a few, by the names of `COLUMNS`, and of
    those for which `docs/cost.md` compares ways of invalidating."""
    archive = _Archive(size)
    acts: dict[str, Callable[[int], None]] = {
        "publish an article": archive.publish,
        "change its text": archive.change,
        "change its headline": archive.retitle,
        "schedule an article": archive.schedule,
        "lift its embargo": archive.lift,
        "withdraw an article": archive.withdraw,
        "post an update": archive.post,
        "sign a reader in": archive.sign_in,
    }
    found = {}
    for name, act in acts.items():
        runs = [archive.count(act, number) for number in range(_REPEATS + 1)][1:]
        found[name] = {key: statistics.median(run[key] for run in runs) for key in _COUNTED}
    return found


class _Archive:
    """A newsroom in memory with an archive, whose ports count."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._now = _NOW
        self._theme = Theme(ROOT / "layers/theme")
        self._ports = ports = memory_ports(clock=lambda: self._now, pictures=BlankPictures())
        keys = [self._put(number, draft(number)) for number in range(size)]
        build_site(keys, ports, self._theme)
        self._bus: MemoryBus = ports.bus  # type: ignore[assignment]  # memory_ports gives MemoryBus
        self._bus.events.clear()
        timer = TickerPorts(MemoryTickerTimer(), lambda: None)  # type: ignore[arg-type, return-value]  # there are no feeds
        more = [
            Stage((ArticleGated,), lambda: _RecentSearch(ports, self._theme)),
            Stage((UpdatePosted, ArticleWithdrawn), lambda: UpdatesBatch(ports, self._theme, timer)),
            Stage(InvalidateBatch.handles, lambda: InvalidateBatch(ports)),
        ]
        self._stages = FolderStages(ports, self._bus, self._theme, more)
        self._counts: Counter[str] = Counter()
        self._readers = _Readers(size, self._bus, self._ports)
        self._run()
        for port in (ports.drafts, ports.private, ports.site):
            self._count_port(port, _OBJECTS)
        for port in (ports.articles, ports.updates, self._readers.ports.memberships):
            self._count_port(port, _TABLE)

    def count(self, act: Callable[[int], None], number: int) -> Counter[str]:
        """Return what an act costs."""
        self._counts.clear()
        asked: list[str] = self._ports.cdn.invalidated  # type: ignore[attr-defined]  # memory_ports gives MemoryCdn
        asked.clear()
        self._stages.messages = 0
        start = time.process_time()
        act(number)
        self._counts["CPU ms"] = round((time.process_time() - start) * 1000)
        counts = Counter(self._counts)
        counts["kB written"] = round(counts["bytes"] / 1000)
        counts["articles' tags"] = sum(item.startswith(f"#{article_tag('')}") for item in asked)
        return counts + Counter(paths=len(asked), messages=self._stages.messages)

    def _put(self, number: int, body: bytes) -> str:
        key = f"drafts/story-{number}.md"
        self._ports.drafts.put(Output(key, body, "text/markdown"), ANY)
        return key

    def _upload(self, number: int, body: bytes) -> None:
        self._run(ObjectChanged(self._put(number, body)))

    def _run(self, *uploaded: ObjectChanged) -> None:
        """Process an upload, or the events that are on the bus, and what follows from them."""
        first = self._stages.take()
        self._stages.deliver([*uploaded, *first])
        sent = self._stages.run()
        self._counts["events"] += len(first) + len(sent)
        self._counts["told"] += sum(isinstance(event, Event) and event.name in TOLD_EVENTS for event in [*first, *sent])
        paths = [path for event in sent if isinstance(event, CacheInvalidated) for path in event.paths]
        self._counts["pages"] += len(paths) + 2 * sum(path.endswith("/*") for path in paths)

    def publish(self, number: int) -> None:
        """Upload a new article."""
        self._upload(self._size + number, draft(self._size + number))

    def change(self, number: int) -> None:
        """Upload an article with another text."""
        self._upload(self._size + number, draft(self._size + number).replace(b"Free text", b"Newer text"))

    def retitle(self, number: int) -> None:
        """Upload an article with another headline."""
        self._upload(self._size + number, draft(self._size + number).replace(b"title: Story", b"title: Report"))

    def schedule(self, number: int) -> None:
        """Upload an article that is to go live later."""
        at = (_NOW + timedelta(days=1 + number)).isoformat()
        body = draft(self._size + 100 + number)
        self._upload(self._size + 100 + number, re.sub(rb"date: .*", f"date: {at}".encode(), body))

    def lift(self, number: int) -> None:
        """Let the moment come at which that article goes live."""
        self._now = _NOW + timedelta(days=1 + number, seconds=1)
        self._bus.emit([ArticleDue(f"story-{self._size + 100 + number}")])
        self._run()

    def withdraw(self, number: int) -> None:
        """Withdraw an article as an editor does."""
        withdraw(f"story-{self._size // 2 + number}", self._ports)
        self._run()

    def post(self, number: int) -> None:
        """Post an update."""
        update = NewUpdate(f"News {number}", "What happened.", "", "topic-0", 0, "")
        post(update, "editor", f"key-{number}", self._ports)
        self._run()

    def sign_in(self, number: int) -> None:
        """Ask for a mail, and use its link."""
        self._readers.sign_in(f"reader-{number}@news.example")
        self._counts["events"] += len(self._bus.events)
        self._bus.events.clear()

    def _count_port(self, port: Any, methods: Mapping[str, str]) -> None:
        inside: list[str] = []

        def wrap(method: str, name: str) -> None:
            inner = getattr(port, method)

            def counted(*args: Any, **kwargs: Any) -> Any:
                inside.append(method)
                try:
                    result = inner(*args, **kwargs)
                finally:
                    inside.pop()
                if not inside:
                    pages = -(-len(result) // _PAGE) if method in ("list", "list_versions", "sizes", "listing") else 1
                    self._counts[name] += max(1, pages)
                    self._counts["bytes"] += len(args[0].body) if method == "put" else 0
                return result

            setattr(port, method, counted)

        for method, name in methods.items():
            wrap(method, name)


class _RecentSearch:
    """The search's stage without Pagefind, which indexes the whole archive every night and when an article is gone."""

    handles = (ArticleGated,)

    def __init__(self, ports: Ports, theme: Theme) -> None:
        self._ports, self._theme = ports, theme
        self._slugs: set[str] = set()

    def handle(self, detail: ArticleGated) -> None:
        self._slugs.add(detail.slug)

    def finish(self) -> None:
        update_recent(self._slugs, self._ports, self._theme)


class _Readers:
    """The readers' ports in memory, with so many members; mails are delivered at once."""

    def __init__(self, size: int, bus: MemoryBus, ports: Ports) -> None:
        self._mails: list[Mail] = []
        self._jobs: list[Mapping[str, Any]] = []
        members = MemoryTable()
        for number in range(size):
            email = f"reader-{number}@news.example"
            members.write([memberships_table.membership_change(member_id(email), Membership(email), None)])
        self.ports = ReaderPorts(
            members, ports.private, bus, self, self, {"1": "a" * 48}, "1", "https://news.example", True,
            SignInLimits(), articles=ports.articles,
        )  # fmt: skip

    def send(self, mail: Mail) -> None:
        """Keep a mail (the port `Mailer`)."""
        self._mails.append(mail)

    def start(self, job: Mapping[str, Any]) -> None:
        """Keep a job (the port `Jobs`)."""
        self._jobs.append(job)

    def sign_in(self, address: str) -> None:
        """Ask for a mail, and use its link."""
        request = sign_in_mail.SignInRequest(address, False, "/", "192.0.2.1", "https://news.example")
        cookie = sign_in_mail.request_sign_in(request, self.ports, _NOW)
        job = sign_in_mail.SignInJob.from_json(self._jobs.pop())
        sign_in_mail.send_sign_in_mail(job, lambda to, link, code: Mail(to, "", "", link, code), self.ports, _NOW)
        token = self._mails.pop().text.partition("token=")[2]
        if not sign_in.sign_in_by_link(token, [cookie], "", self.ports, _NOW):
            raise RuntimeError("the link did not sign the reader in")
