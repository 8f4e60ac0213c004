"""The simulator can see: shortcuts that look right, put into the real code, are each found.

Each is to be found within a number of histories, which is about ten times as many as it took when the test was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from greenlet import getcurrent
from nightdesk import usecases
from nightdesk.adapters.memory import MemoryTable
from nightdesk.events import ObjectEvent, StoredObject
from nightdesk.rendering.environment import Theme
from nightdesk.stages import gate as gate_stage
from nightdesk.stages.render import RenderBatch
from nightdesk.usecases import catalogue, converge, editorial, gate, index, invalidate, render
from nightdesk.usecases.paths import key_of
from nightdesk.usecases.ports import Change, Event, Item, Ports, Table
from nightdesk.usecases.stored import editorial_key

from simulation import messages
from simulation.acts import Act
from simulation.history import History, play, small_world, world_of
from simulation.truth import faults
from simulation.whims import QUIET, Move
from simulation.world import Alarm

Plant = Callable[[pytest.MonkeyPatch], None]


def needed(plant: Plant, within: int, how: str = "") -> int:
    """How many histories it takes until one ends wrong, in a way that begins with `how`, with a bug planted.

    What is right is told without the bug.
    """
    with small_world():
        for seed in range(within):
            with pytest.MonkeyPatch.context() as patch:
                plant(patch)
                world = world_of(seed)
            if any(fault.startswith(how) for fault in faults(world)):
                return seed + 1
    pytest.fail(f"not found in {within} histories")


def everywhere(patch: pytest.MonkeyPatch, name: str, instead: object) -> None:
    """Replace a function in each use case that imported it."""
    for found in iter_modules(usecases.__path__):
        module = import_module(f"nightdesk.usecases.{found.name}")
        if hasattr(module, name) and module is not converge:
            patch.setattr(module, name, instead)


def test_no_second_look() -> None:
    """Writing, and not looking again."""

    def hasty(read: Callable[[], Any], make: Callable[[Any], Any], write: Callable[[Any], bool]) -> Any:
        made = make(read())
        write(made)
        return made

    needed(lambda patch: everywhere(patch, "converge", hasty), within=110)  # took 11


class ToldObject(StoredObject):
    """An object, and whether it was removed: S3's events say so."""

    removed: bool = False


class ToldEvent(ObjectEvent):
    object: ToldObject


def test_a_payload_is_trusted() -> None:
    """Believing an event that a file was removed, rather than looking whether it is there."""
    told: dict[object, bool] = {}
    work, read = RenderBatch.work, render._read_draft

    def believe(batch: RenderBatch, detail: Any) -> None:
        told[getcurrent()] = isinstance(detail, ToldEvent) and detail.object.removed
        work(batch, detail)

    def read_believing(key: str, filed: Any, ports: Ports) -> Any:
        inputs = read(key, filed, ports)
        return replace(inputs, raw=None, etag="", version="") if told[getcurrent()] else inputs

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(messages, "ObjectEvent", ToldEvent)
        patch.setattr(RenderBatch, "work", believe)
        patch.setattr(render, "_read_draft", read_believing)

    needed(plant, within=970)  # took 97


class Kept:
    """A bus that keeps its events until they are wanted."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, events: Any) -> None:
        self.events += events


def test_an_event_comes_before_the_write() -> None:
    """Telling of an article's pages, and then writing them."""

    def early(slug: str, ports: Ports, theme: Theme, bulk: str = "", again: bool = False) -> Any:
        detail = {"slug": slug, "state": "live", "paths": [f"/articles/{slug}/*"]}
        ports.bus.emit([Event("ArticleGated", {**detail, "bulk": bulk} if bulk else detail)])
        return gate.gate(slug, replace(ports, bus=Kept()), theme, bulk, again)

    needed(lambda patch: patch.setattr(gate_stage, "gate", early), within=100)  # took 3


def test_no_event_when_nothing_was_written() -> None:
    """Telling of an article's pages only where this run wrote any."""
    wrote: dict[object, bool] = {}
    write = gate._write

    def noted(slug: str, made: Any, ports: Ports, doubtful: bool) -> bool:
        found = write(slug, made, ports, doubtful)
        wrote[getcurrent()] = wrote.get(getcurrent(), False) or found
        return found

    def quiet(slug: str, ports: Ports, theme: Theme, bulk: str = "", again: bool = False) -> Any:
        wrote[getcurrent()] = False
        kept = Kept()
        gated = gate.gate(slug, replace(ports, bus=kept), theme, bulk, again)
        if wrote[getcurrent()]:
            ports.bus.emit(kept.events)
        return gated

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(gate, "_write", noted)
        patch.setattr(gate_stage, "gate", quiet)

    needed(plant, within=540)  # took 54


def test_the_cache_is_told_by_digest() -> None:
    """Recording what a path's bytes were when they were invalidated, rather than which write they came from."""

    def by_digest(path: str, ports: Ports) -> str:
        prefix = key_of(path)
        keys = [key for key, _ in ports.site.list(prefix.removesuffix("*")) if key == prefix or prefix.endswith("*")]
        stats = [ports.site.stat(key) for key in keys]
        known = " ".join(f"{stat.key}:{stat.metadata['digest']}" for stat in stats if stat)
        return known or ("removed" if invalidate._writes(path, ports) else "")

    needed(
        lambda patch: patch.setattr(invalidate, "write_of", by_digest), within=150, how="cached and stale"
    )  # took 15


def test_lists_are_made_from_a_stale_index() -> None:
    """Reading entries from a replica that lags: the first query after a write sees what was there before."""
    query, write = MemoryTable.query, MemoryTable.write
    before: dict[tuple[int, str], dict[str, Item]] = {}

    def write_behind(table: MemoryTable, changes: Sequence[Change]) -> None:
        old = {pk: dict(table._items[pk]) for pk, *_ in changes if pk.startswith("list#")}
        write(table, changes)
        before.update({(id(table), pk): items for pk, items in old.items()})

    def query_behind(table: MemoryTable, pk: str, **how: Any) -> list[Item]:
        old = before.pop((id(table), pk), None)
        if old is None:
            return query(table, pk, **how)
        replica = MemoryTable()
        replica._items[pk], replica._order[pk] = old, sorted(old)
        return query(replica, pk, **how)

    def plant(patch: pytest.MonkeyPatch) -> None:
        before.clear()
        patch.setattr(MemoryTable, "write", write_behind)
        patch.setattr(MemoryTable, "query", query_behind)

    needed(plant, within=740)  # took 74


def test_an_article_is_removed_rather_than_marked_as_gone() -> None:
    """Deleting the pages of an article that was taken down, where a tombstone should stand."""

    def nowhere(inputs: Any, body: bytes, metadata: Any) -> Any:
        return gate._Folder(f"articles/{inputs.document.slug}/", ())

    needed(lambda patch: patch.setattr(gate, "_everywhere", nowhere), within=100)  # took 4


def test_who_enters_lists_does_not_look_once_more() -> None:
    """Not comparing what a page shows of others with what is so when the article is in the lists."""
    needed(lambda patch: patch.setattr(index, "_outdated", lambda shows, ports: False), within=500)  # took 50


def test_no_alarm_is_set() -> None:
    """Leaving it to chance that somebody looks at an article when its embargo ends."""
    needed(lambda patch: patch.setattr(Alarm, "wake", lambda alarm, slug, moment: None), within=100)  # took 4


def test_pages_go_up_and_nobody_looks_again() -> None:
    """Putting up the pages of an article whose embargo is over, and not having it gated afterwards."""
    needed(lambda patch: patch.setattr(gate_stage.GateBatch, "finish", lambda batch: None), within=1750)  # took 175


# --- Bugs that there were, too rare to wait for: their histories as they were shrunk, interrupted at every call ---


def fails(history: Callable[[int], History], how: str) -> bool:
    """Whether a history ends wrong for any number of calls that its interrupted run makes before."""
    with small_world():
        found = [fault for calls in range(30) for fault in faults(play(history(calls)))]
    return any(fault.startswith(how) for fault in found)


def test_a_slug_that_was_given_up_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is slow stores its document over a tombstone that another has just found to be right, and it is live for good."""
    matter = {"title": "T", "date": "2026-01-01"}
    acts = tuple(
        Act(n, kind, "drafts/a.md", matter if kind == "put" else {})
        for n, kind in enumerate(("put", "remove", "put", "remove"), 1)
    )
    third, fourth = (f"render: ObjectEvent drafts/a.md ({number}) run 1" for number in (3, 4))

    def history(calls: int) -> History:
        before = (Move("act", "1"), QUIET, Move("act", "2"), QUIET)
        return History(
            acts, (*before, Move("act", "3"), Move("run", third, calls), Move("act", "4"), Move("run", fourth))
        )

    assert not fails(history, "")
    monkeypatch.setattr(render, "_is_live", lambda slug, ports: False)
    assert fails(history, "left over in site")


def test_a_takedown_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor takes an article down while it moves to another slug, and it goes live there."""
    matter = {"title": "T", "date": "2026-01-01"}
    moved = Act(3, "put", "drafts/a.md", {**matter, "slug": "a-two"})
    acts = (Act(1, "put", "drafts/a.md", matter), Act(2, "withdraw", "a"), moved)
    first, second = (f"render: ObjectEvent drafts/a.md ({number}) run 1" for number in (1, 2))

    def history(calls: int) -> History:
        editor = "editor: withdraw a (1) run 1"
        acts_first = (Move("act", "1"), Move("act", "2"), Move("run", first), Move("act", "3"))
        return History(acts, (*acts_first, Move("run", editor, calls), Move("run", second), Move("run", editor)))

    assert not fails(history, "")
    monkeypatch.setattr(editorial, "_look_again", lambda slug, ports: None)
    assert fails(history, "a takedown was lost")


def test_a_takedown_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is slow takes away what editors have decided since, and nobody looks what went along."""
    moved, back = (
        Act(n, "put", "drafts/a.md", {"title": "T", "date": "2026-01-01", "slug": s}) for n, s in ((2, "b"), (3, "a"))
    )
    acts = (replace(moved, number=1, matter=back.matter), moved, back, Act(4, "withdraw", "a"))
    slow, quick = (f"render: ObjectEvent drafts/a.md ({number}) run 1" for number in (2, 3))

    def history(calls: int) -> History:
        filed = (
            Move("act", "1"),
            QUIET,
            Move("act", "2"),
            Move("run", slow, calls),
            Move("act", "3"),
            Move("act", "4"),
        )
        return History(acts, (*filed, Move("run", quick), Move("run", "editor: withdraw a (1) run 1")))

    def forget(slug: str, found: Any, ports: Ports) -> None:
        ports.work.delete(editorial_key(slug))

    assert not fails(history, "")
    monkeypatch.setattr(render, "_leave_no_decisions", forget)
    assert fails(history, "a takedown was lost")


def test_a_claim_that_was_given_up_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions begin anew, so one who saw a younger right takes the slug from another who came in between with an older one."""
    matter = {"title": "T", "date": "2026-01-01", "slug": "shared"}
    first, moved = (Act(n, "put", "drafts/a.md", {**matter, "slug": slug}) for n, slug in ((1, "shared"), (2, "a")))
    acts = (first, moved, Act(3, "put", "drafts/b.md", matter), Act(4, "put", "drafts/c.md", matter))
    leaves, older, younger = (
        f"render: ObjectEvent drafts/{name} run 1" for name in ("a.md (2)", "b.md (1)", "c.md (1)")
    )

    def history(calls: int) -> History:
        filed = (Move("act", "1"), QUIET, Move("act", "2"), Move("act", "3"), Move("act", "4"))
        return History(acts, (*filed, Move("run", younger, calls), Move("run", leaves), Move("run", older)))

    def forget(table: Table, slug: str, key: str) -> None:
        held = catalogue.holder(table, slug)
        if held and held["holder"] == key:
            table.write([Change(f"article#{slug}", catalogue.CLAIM, None, held["version"])])

    assert not fails(history, "")
    monkeypatch.setattr(catalogue, "release", forget)
    assert fails(history, "record article#shared claim")
