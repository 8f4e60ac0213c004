"""Newsletters: planning for many readers, what each copy costs in calls, and how fast the local cloud sends."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

from nightdesk.adapters.memory import MemoryTable, memory_ports
from nightdesk.domain.events import BatchPlanned, EditionRequested
from nightdesk.domain.mail import Mail
from nightdesk.domain.memberships import Membership
from nightdesk.domain.newsletters import SENT
from nightdesk.domain.site import Site
from nightdesk.entrypoints.operator_ports import operator_newsletter_ports
from nightdesk.ports import ANY, Change, Item, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import editions_table
from nightdesk.usecases.newsletters.planning import plan
from nightdesk.usecases.newsletters.ports import NewsletterPorts
from nightdesk.usecases.newsletters.sending import send_batch
from nightdesk.usecases.newsletters.starting import mail_article
from nightdesk.usecases.pipeline.gate import gate
from nightdesk.usecases.pipeline.render import render
from nightdesk.usecases.readers import member_lists
from nightdesk_local.cloud import Cloud

from .local_cloud import local_cloud
from .measure import ROOT, table

COLUMNS = ("items read", "items written", "S3 reads", "S3 writes", "events", "mails")
"""What an edition costs. Items are DynamoDB's; those that a scan reads are counted as well."""
_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_SITE = b"base_url: https://news.example\npostal_address: Harbour Street 1\n"
_LETTER = "\n\n".join(["A paragraph that says what there is to say, in a few words more than it takes."] * 40)
_PATIENCE = 900.0
_MANY_ROWS = 1_000_000


def measure(sizes: tuple[int, ...] = (1_000, 100_000), recipients: int = 2_000) -> str:
    """Return tables for planning with so many readers, for the calls of an edition, for importing readers, and for an edition with so
    many recipients on the local cloud."""
    planned = [(f"{size:,}", *_measured_plan(size)) for size in sizes]
    calls = edition_calls(1_000)
    per = [(name, f"{calls[name] / 1_000:.3f}") for name in COLUMNS]
    imported = [(f"{size:,}", *_measured_import(size)) for size in (10_000, _MANY_ROWS)]
    importing, sending = _on_local_cloud(recipients)
    done = [
        (name, f"{recipients:,}", took, recipients / took) for name, took in (("import", importing), ("send", sending))
    ]
    return "\n".join(
        [
            table("Planning an edition", ("readers", "CPU s", "peak MB", "items read", "items written"), planned),
            table("A recipient's copy, of 1,000", ("", "a recipient"), per),
            table("Importing readers, in memory", ("rows", "CPU s", "peak MB", "calls a thousand rows"), imported),
            table("On the local cloud", ("", "readers", "seconds", "readers a second"), done),
        ]
    )


def edition_calls(recipients: int) -> Counter[str]:
    """Return what an edition costs that everyone gets, from its plan to the last copy, by the names of `COLUMNS`."""
    counts: Counter[str] = Counter()
    theme, ports = Theme(ROOT / "layers/theme"), _letter()
    made = NewsletterPorts(
        _counted_objects(ports, counts), _Readers(recipients, counts), _CountedTable(counts), _Provider(counts)
    )
    events = _plan(made, theme, counts)
    for event in events:
        send_batch(event.edition, event.batch, made, theme)
    _take(ports, counts)
    return counts


def _measured_plan(readers: int) -> tuple[float, float, str, str]:
    """Return the CPU seconds and the peak of memory in MB of a plan, and how many items it read and wrote."""
    theme = Theme(ROOT / "layers/theme")

    def run() -> Counter[str]:
        counts: Counter[str] = Counter()
        made = NewsletterPorts(_letter(), _Readers(readers, counts), _Forgetful(counts), _Provider(counts))
        _plan(made, theme, counts)
        return counts

    run()
    start = time.process_time()
    counts = run()
    seconds = time.process_time() - start
    tracemalloc.start()
    run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak, f"{counts['items read']:,}", f"{counts['items written']:,}"


def _measured_import(rows: int) -> tuple[float, float, float]:
    """Return the CPU seconds of an import, the peak of memory in MB, and how many calls a thousand rows cost."""
    start = time.process_time()
    ports = _Anything()
    _import(rows, ports)
    seconds = time.process_time() - start
    tracemalloc.start()  # which makes everything slower; memory that grew with the rows would show before the last one
    _import(min(rows, 100_000), _Anything())
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return seconds, peak, ports.calls / rows * 1_000


def _import(rows: int, ports: Any) -> None:
    lines = (f"reader-{number}@news.example,yes,form on 2024-05-01\n" for number in range(rows))
    read = member_lists.read_rows(chain(["email,newsletter,consent\n"], lines))
    # The command line finds on disk which addresses come twice.
    how = member_lists.HowToImport(first_line=lambda _, line: line)
    for row in member_lists.import_rows(read, Site(), ports, _NOW, how):
        if row.outcome != member_lists.IMPORTED:
            raise RuntimeError(row)


class _Anything:
    """An empty table that keeps nothing, and a bus without listeners."""

    def __init__(self) -> None:
        self.calls = 0
        self.memberships = self.bus = self

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        """Find nothing."""
        self.calls += 1
        return [None] * len(keys)

    def write(self, changes: Sequence[Change]) -> None:
        """Take changes."""
        self.calls += 1

    def emit(self, events: Sequence[Any]) -> None:
        """Take events."""
        self.calls += 1


def _letter() -> Ports:
    """Return ports in memory with an article that is to be mailed."""
    ports = memory_ports(clock=lambda: _NOW)
    body = f"---\ntitle: A letter\nnewsletter: true\ndate: {_NOW.isoformat()}\n---\n{_LETTER}\n"
    theme = Theme(ROOT / "layers/theme")
    for key, content in (("site.yaml", _SITE), ("drafts/letter.md", body.encode())):
        ports.drafts.put(Output(key, content, "text/plain"), ANY)
        render(key, ports)
    gate("letter", ports, theme)
    ports.bus.events.clear()  # type: ignore[attr-defined]  # memory_ports gives MemoryBus
    return ports


def _plan(ports: NewsletterPorts, theme: Theme, counts: Counter[str]) -> list[BatchPlanned]:
    """Plan the edition of the article, and return the events that have it sent; none if `ports` forget its batches."""
    mail_article("letter", ports, theme)
    batches: list[BatchPlanned] = []
    while events := _take(ports.pipeline, counts):
        batches += [event for event in events if isinstance(event, BatchPlanned)]
        if isinstance(ports.editions, _Forgetful):
            batches.clear()
        for event in events:
            if isinstance(event, EditionRequested):
                plan(event.edition, ports, theme)
    return batches


def _take(ports: Ports, counts: Counter[str]) -> list[Any]:
    found: list[Any] = list(ports.bus.events)  # type: ignore[attr-defined]  # memory_ports gives MemoryBus
    ports.bus.events.clear()  # type: ignore[attr-defined]
    counts["events"] += len(found)
    return found


def _counted_objects(ports: Ports, counts: Counter[str]) -> Ports:
    class Counted:
        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            if kind := {"get": "S3 reads", "stat": "S3 reads", "list": "S3 reads", "put": "S3 writes"}.get(name):
                counts[kind] += 1
            return getattr(self._store, name)

    stores: dict[str, Any] = {name: Counted(getattr(ports, name)) for name in ("drafts", "private", "site")}
    return replace(ports, **stores)


class _CountedTable(MemoryTable):
    """A table that counts the items that are read and written."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts

    def get(self, pk: str, sk: str) -> Item | None:
        self._counts["items read"] += 1
        return super().get(pk, sk)

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        self._counts["items read"] += len(keys)
        return [super(_CountedTable, self).get(*key) for key in keys]

    def write(self, changes: Sequence[Change]) -> None:
        self._counts["items written"] += len(changes)
        super().write(changes)


class _Forgetful(_CountedTable):
    """A table that keeps no batches, so that what a plan needs in memory can be told from what it stores."""

    def write(self, changes: Sequence[Change]) -> None:
        self._counts["items written"] += len(changes)
        MemoryTable.write(self, [change for change in changes if not change.pk.startswith("batch#")])


class _Readers(MemoryTable):
    """Readers who all get the newsletter, made when they are read."""

    def __init__(self, number: int, counts: Counter[str]) -> None:
        super().__init__()
        self._number = number
        self._counts = counts

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        # The record of an address that gets no mail may be under either of two keys.
        self._counts["items read"] += len(keys) + sum(pk.startswith("suppressed#") for pk, _ in keys)
        return [self._member(int(pk[-32:], 16)) if pk.startswith("member#") else None for pk, _ in keys]

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]:
        first = int(after[-32:], 16) + 1 if after else 0
        found = [self._member(number) for number in range(first, min(first + limit, self._number))]
        self._counts["items read"] += len(found)
        return found

    def _member(self, number: int) -> Item:
        email = f"reader-{number}@news.example"
        membership = Membership(email, _NOW.isoformat(), newsletters=("newsletter",), unsubscribe="k" * 32)
        return {"pk": f"member#{number:032x}", "sk": "membership", "version": 1, **membership.to_item()}


class _Provider:
    """Takes every mail."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts

    def send(self, mail: Mail) -> str:
        """Count a mail (the port `EditionMailer`)."""
        self._counts["mails"] += 1
        return "1"

    def rate(self) -> float:
        """Return more mails a second than anyone sends."""
        return 1e9


class _Members(NamedTuple):
    """The ports that an import needs."""

    memberships: Any
    bus: Any


def _on_local_cloud(recipients: int) -> tuple[float, float]:
    """Return the seconds of an import, and those from the upload of an article to the last of its mails."""
    with local_cloud() as cloud:
        ports = operator_newsletter_ports(cloud)
        start = time.perf_counter()
        _import(recipients, _Members(ports.memberships, ports.pipeline.bus))
        importing = time.perf_counter() - start
        body = f"---\ntitle: A letter\nnewsletter: true\n---\n{_LETTER}\n".encode()
        start = time.perf_counter()
        cloud.client("s3").put_object(Bucket=cloud.outputs["DraftsBucket"], Key="drafts/letter.md", Body=body)
        _wait(cloud, ports)
        return importing, time.perf_counter() - start


def _wait(cloud: Cloud, ports: NewsletterPorts) -> None:
    until = time.monotonic() + _PATIENCE
    while not any(stored.edition.state == SENT for stored in editions_table.editions(ports.editions, 1)):
        if time.monotonic() > until:
            raise RuntimeError(f"the edition was not sent within {_PATIENCE:.0f} s")
        time.sleep(0.2)
