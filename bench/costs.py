"""The calls to AWS for one publish: the real use cases over ports that count, with archives of different sizes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nightdesk.adapters.memory import memory_ports
from nightdesk.domain.pictures import Derived, Inspection, Order
from nightdesk.domain.social_cards import CARD_SIZE, CardOrder
from nightdesk.domain.webhooks import TOLD_EVENTS
from nightdesk.ports import ANY, Given, Output, Ports, Result
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline.entries import request_lists, update_entries
from nightdesk.usecases.pipeline.gate import gate
from nightdesk.usecases.pipeline.index import refresh_lists
from nightdesk.usecases.pipeline.invalidate import invalidate
from nightdesk.usecases.pipeline.render import render

from .measure import ROOT, table

COLUMNS = ("S3 puts", "S3 reads", "DynamoDB writes", "DynamoDB reads", "one after another", "events", "paths")
_SERIAL = COLUMNS[4]
_COUNTED = {
    ("private", "put"): "S3 puts",
    ("site", "put"): "S3 puts",
    ("private", "get"): "S3 reads",
    ("private", "stat"): "S3 reads",
    ("site", "stat"): "S3 reads",
    ("site", "get"): "S3 reads",
    ("site", "list"): "S3 reads",
    ("site", "listing"): "S3 reads",
    ("private", "listing"): "S3 reads",
    ("site", "list_versions"): "S3 reads",
    ("drafts", "get"): "S3 reads",
    ("articles", "write"): "DynamoDB writes",
    ("articles", "get"): "DynamoDB reads",
    ("articles", "get_many"): "DynamoDB reads",
    ("articles", "query"): "DynamoDB reads",
}


class BlankPictures:
    """Draws blank social cards; articles have no images here."""

    recipe = "1"

    def inspect(self, data: bytes) -> Inspection:
        raise NotImplementedError

    def derive(self, data: bytes, found: Inspection, order: Order) -> Iterator[Derived]:
        raise NotImplementedError

    def draw_card(self, order: CardOrder, lead: bytes, found: Inspection) -> Derived:
        return Derived("jpg", *CARD_SIZE, False, order.to_bytes())


def measure(sizes: tuple[int, ...] = (100, 1000)) -> str:
    """Count the calls of one publish in archives of these sizes, and those of each run."""
    rows, runs = [], {}
    for size in sizes:
        counts, runs = one_publish(size)
        rows.append((f"{size:,}", *(counts[name] for name in COLUMNS)))
    found = [(name, sum(run[column] for column in COLUMNS[:4]), run[_SERIAL]) for name, run in runs.items()]
    return "\n".join(
        [
            table("One more article, with so many in the archive", ("articles", *COLUMNS), rows),
            table("The runs of the last of these", ("", "calls", _SERIAL), found),
        ]
    )


def draft(number: int) -> bytes:
    """Return an article of one of two authors and two topics; each month has thirty, whatever the archive's size."""
    chance = random.Random(number)
    date = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=number)
    front = f"title: Story {number}\ndate: {date.isoformat()}\nauthors: [author-{chance.randrange(2)}]\ntopics: [topic-{chance.randrange(2)}]\n"
    return f"---\n{front}---\nFree text.\n\n::: gate tier=member\nHidden text.\n:::\n".encode()


def one_publish(archive: int) -> tuple[Counter[str], dict[str, Counter[str]]]:
    """Return how many calls of each kind one publish makes in an archive of so many articles, in all and in each run; `told`
    counts the events that the notify stage hears."""
    theme = Theme(ROOT / "layers/theme")
    ports = memory_ports(clock=lambda: datetime(2030, 1, 1, tzinfo=UTC), pictures=BlankPictures())
    for number in range(archive):
        _publish(number, ports, theme, lambda name: None)
    runs: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    inside: list[str] = []
    for (port, method), name in _COUNTED.items():
        _count(getattr(ports, port), method, counts, name, inside)
    ports = replace(ports, in_parallel=partial(_count_longest, counts))

    def note(name: str) -> None:
        runs[name] = counts - sum(runs.values(), Counter[str]())

    paths = _publish(archive, ports, theme, note)
    events = ports.bus.events  # type: ignore[attr-defined]
    counts["events"] = len(events)
    counts["told"] = sum(event.name in TOLD_EVENTS for event in events)
    counts["paths"] = paths
    return counts, runs


def _count(port: object, method: str, counts: Counter[str], name: str, inside: list[str]) -> None:
    """Count calls of a method, except those that another counted method makes."""
    inner = getattr(port, method)

    def counted(*args: Any, **kwargs: Any) -> Any:
        counts[name] += not inside
        counts["one after another"] += not inside
        inside.append(method)
        try:
            return inner(*args, **kwargs)
        finally:
            inside.pop()

    setattr(port, method, counted)


def _count_longest(counts: Counter[str], call: Callable[[Given], Result], values: Iterable[Given]) -> list[Result]:
    """Make parallel calls, of which only those of the longest come one after another."""
    before, longest, results = counts["one after another"], 0, []
    for value in values:
        counts["one after another"] = before
        results.append(call(value))
        longest = max(longest, counts["one after another"] - before)
    counts["one after another"] = before + longest
    return results


def _publish(number: int, ports: Ports, theme: Theme, note: Callable[[str], None]) -> int:
    """Publish an article. Returns how many paths were invalidated.

    Args:
        note: called after each run with its name.
    """
    ports.bus.events.clear()  # type: ignore[attr-defined]  # memory_ports gives MemoryBus
    key = f"drafts/story-{number}.md"
    ports.drafts.put(Output(key, draft(number), "text/markdown"), ANY)
    render(key, ports)
    note("render")
    gate(f"story-{number}", ports, theme)
    note("gate")
    listed = [entered] if (entered := update_entries(f"story-{number}", ports)) else []
    request_lists(listed, ports)
    note("index: entries")
    paths = refresh_lists(listed, ports, theme)
    note("index: lists")
    asked = ports.cdn.invalidated  # type: ignore[attr-defined]  # memory_ports gives MemoryCdn
    before = len(asked)
    invalidate([*paths, f"/articles/story-{number}/*"], ports, listed=paths)
    note("invalidate")
    return len(asked) - before
