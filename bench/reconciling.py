"""Reconcile in large archives: calls, CPU time and memory by part, and what they make of a hundred thousand articles.

The site is built once into a file, by the use cases of the stages; another process compares it, so that its memory is what the comparison takes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from nightdesk.adapters.memory import memory_ports
from nightdesk.adapters.sqlite import SqliteObjects, SqliteStore, SqliteTable
from nightdesk.domain.pictures import RECIPE, Derived, Inspection, Order
from nightdesk.domain.social_cards import CardOrder
from nightdesk.entrypoints.folder_pictures import FolderPictures
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline.build_site import build_site
from nightdesk.usecases.pipeline.reconcile import PARTS, Position, compare_slice

from .cost_model import Prices
from .costs import BlankPictures
from .local_cloud import draft
from .measure import ROOT, table

SIZES = (1_000, 10_000)
_NOW = datetime(2026, 11, 30, tzinfo=UTC)
_READS = ("get", "fingerprint")
_HEADS = ("stat",)
_LISTS = ("list", "listing", "sizes", "page", "list_versions", "page_versions")
_KINDS = dict.fromkeys(_READS, "GET") | dict.fromkeys(_HEADS, "HEAD") | dict.fromkeys(_LISTS, "LIST")
COLUMNS = ("GET", "HEAD", "LIST", "items", "queries")
_RENDITIONS = 8


class _Pictures(BlankPictures):
    """Makes eight small renditions of an image; the images stage makes about as many."""

    recipe = RECIPE

    def inspect(self, data: bytes) -> Inspection:
        return Inspection("jpeg", 1600, 900, "#336699")

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        for number in range(_RENDITIONS):
            kind, width = ("avif", "jpg")[number % 2], 320 * (number // 2 + 1)
            yield Derived(kind, width, width * 9 // 16, False, b"%d %s" % (number, data))

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        return super().draw_card(order, b"", found)


def _ports(path: Path) -> tuple[Ports, SqliteStore]:
    store = SqliteStore(path)
    clock = lambda: _NOW  # noqa: E731
    made = memory_ports("https://news.example", clock, _Pictures())
    buckets = {name: SqliteObjects(store, name, clock) for name in ("drafts", "private", "site")}
    return replace(made, articles=SqliteTable(store, "articles"), **buckets), store


def build(path: Path, articles: int) -> None:
    """Build a site of so many articles with an image each into a new file."""
    ports, store = _ports(path)
    keys = []
    for number in range(articles):
        folder = f"drafts/story-{number}/"
        body = draft(number) + b"\n![A quay](quay.jpg)\n"
        ports.drafts.put(Output(f"{folder}index.md", body, "text/markdown"), ANY)
        ports.drafts.put(Output(f"{folder}quay.jpg", b"A quay %d" % number, "image/jpeg"), ANY)
        keys += [f"{folder}index.md", f"{folder}quay.jpg"]
    theme, pictures = Theme(ROOT / "layers/theme"), FolderPictures(_Pictures(), processes=1)
    pictures.inspect(keys, ports)

    def make() -> None:
        pictures.derive(ports)
        pictures.draw(ports, theme)

    build_site(keys, ports, theme, make_pictures=make)
    store.commit()


class _Counted:
    """A bucket or a table whose calls are counted by kind."""

    def __init__(self, inner: Any, counts: Counter[str]) -> None:
        self._inner, self._counts = inner, counts

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: Any, **named: Any) -> Any:
            if name in _KINDS:
                self._counts[_KINDS[name]] += 1
            elif name == "query":
                self._counts["queries"] += 1
            elif name in ("get_item", "get_many"):
                self._counts["items"] += len(args[0])
            return found(*args, **named)

        return call


class _CountedTable(_Counted):
    def get(self, pk: str, sk: str) -> Any:
        self._counts["items"] += 1
        return self._inner.get(pk, sk)


def compare(path: Path) -> dict[str, Any]:
    """Compare the site of a file, and return what that took by part, and this process's peak memory in MB."""
    ports, _ = _ports(path)
    counts: Counter[str] = Counter()
    buckets = {name: _Counted(getattr(ports, name), counts) for name in ("drafts", "private", "site")}
    ports = replace(ports, articles=_CountedTable(ports.articles, counts), **buckets)
    theme = Theme(ROOT / "layers/theme")
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    longest: Counter[str] = Counter()
    differences: Counter[str] = Counter()
    at: Position | None = Position(PARTS[0])
    while at:
        part, begin = at.part, time.process_time()
        counts.clear()
        found, at = compare_slice(at, ports, theme)
        seconds = time.process_time() - begin
        differences.update(found.counts())
        parts[part].update({**counts, "slices": 1, "ms": round(1000 * seconds)})
        longest[part] = max(longest[part], round(1000 * seconds))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"parts": parts, "longest": longest, "start": start, "peak": peak, "differences": differences}


class Model(NamedTuple):
    """What is assumed of AWS, in seconds; `Prices` has the prices of calls."""

    articles: int = 100_000
    call: float = 0.02
    """How long an answer takes."""
    work_per_call: float = 0.0015
    """CPU time of the client for each call, which is none here."""
    at_once: int = 8
    """`in_parallel` of the adapters."""
    run: float = 300.0
    """After which a run goes on in another one."""
    gigabyte_second: float = 0.0000166667
    """Dollars, on x86_64, which is the default of template.yaml; `Prices` has that of Arm."""
    gigabytes: float = 1.73
    """The function's `MemorySize` in template.yaml, which gives it one processor."""


def measure(sizes: Sequence[int] = SIZES) -> str:
    """Build and compare archives of these sizes, and return the tables."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            path = str(Path(folder) / str(size))
            _output("build", path, str(size))
            found[size] = json.loads(_output("compare", path))
    return tables(found)


def _output(*words: str) -> str:
    command = [sys.executable, "-m", "bench.reconciling", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def tables(found: Mapping[int, Mapping[str, Any]]) -> str:
    """Return the tables of what `compare` measured, by size, and of the model."""
    memory = [
        (f"{size:,}", sum(part["slices"] for part in each["parts"].values()), round(each["start"]), round(each["peak"]))
        for size, each in found.items()
    ]
    size = max(found)
    parts = found[size]["parts"]
    rows = [
        (
            part,
            f"{counts['slices']:,}",
            f"{counts['ms'] / counts['slices'] / 1000:.2f}",
            f"{found[size]['longest'].get(part, 0) / 1000:.2f}",
            *(f"{counts.get(name, 0) / size:,.2f}" for name in COLUMNS),
        )
        for part, counts in parts.items()
    ]
    return "\n".join(
        [
            table("Memory of a comparison", ("articles", "slices", "MB before", "peak MB"), memory),
            table(
                f"By part, of {size:,} articles with an image each; calls by article",
                ("", "slices", "CPU s a slice", "the longest", *COLUMNS),
                rows,
            ),
            table("Modelled", ("", "value"), modelled(size, parts, Model())),
        ]
    )


def modelled(size: int, parts: Mapping[str, Mapping[str, int]], model: Model) -> list[tuple[str, str]]:
    """Return what a comparison of a larger archive takes: calls and CPU time grow with it."""
    by, prices = model.articles / size, Prices()
    total: Counter[str] = Counter()
    for counts in parts.values():
        total.update(counts)
    reads = (total["GET"] + total["HEAD"]) * by
    # Items are read a few dozen at once, at least one call for each article and part.
    calls = reads + (total["LIST"] + total["queries"] + total["items"] / 10) * by
    work = total["ms"] / 1000 * by + calls * model.work_per_call
    # One thread works while the others wait.
    seconds = max(work, (work + calls * model.call) / model.at_once)
    items = (total["items"] + total["queries"]) * by
    # S3 bills a listing as a write; an item of up to 4 KB is one unit.
    dollars = reads * prices.s3_read + total["LIST"] * by * prices.s3_put + items * prices.dynamodb_read
    compute = seconds * model.gigabytes * model.gigabyte_second
    return [
        ("articles", f"{model.articles:,}"),
        ("slices", f"{total['slices'] * by:,.0f}"),
        ("calls", f"{calls:,.0f}"),
        ("CPU seconds", f"{work:,.0f}"),
        ("hours", f"{seconds / 3600:.1f}"),
        ("runs", f"{seconds / model.run:,.0f}"),
        ("dollars a night, of which compute", f"{dollars + compute:.2f}, {compute:.2f}"),
    ]


def main(words: Sequence[str]) -> int:
    """Build an archive, or compare one, as a separate process."""
    what, path, *more = words
    if what == "build":
        build(Path(path), int(more[0]))
    else:
        print(json.dumps(compare(Path(path))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
