"""The simulator finds bugs: each shortcut that looks right, planted in the real code, makes a history fail.

Each must be found within a number of histories that is about ten times what it took when the test was written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from greenlet import getcurrent
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.events import ArticleGated, Event
from nightdesk.domain.site_paths import key_of
from nightdesk.ports import ALL_KEYS, Change, Item, KeyRange, Ports, Table
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, takedowns
from nightdesk.repositories.private_bucket import decisions_key
from nightdesk.repositories.records import Claim
from nightdesk.stages import gate as gate_stage
from nightdesk.stages.render import RenderBatch
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline import converge, gate, gate_outputs, index, invalidate, slug_claims, turns
from nightdesk.usecases.pipeline.gate_folders import Folder
from nightdesk.usecases.pipeline.render_draft import DraftRun
from nightdesk.usecases.pipeline.slug_claims import SlugClaims

from simulation.actions import Action
from simulation.history import product_modules, replay, small_world, world_of
from simulation.oracle import violations
from simulation.recorded import History
from simulation.remembered import Memory, using
from simulation.schedule import QUIET, Move
from simulation.world_ports import ObjectRemoved, Schedules

Plant = Callable[[pytest.MonkeyPatch], None]


def needed(plant: Plant, within: int, how: str = "", first: int = 0) -> int:
    """Return how many histories it takes until one with a planted bug fails in a way that begins with `how`.

    The oracle runs without the bug, and remembers nothing that was made with it.

    Args:
        first: the seed to begin with. A rare failure is sought near where it was found last, since playing all before takes long.
    """
    planted = Memory()
    with small_world():
        for seed in range(first, within):
            with pytest.MonkeyPatch.context() as patch, using(planted):
                plant(patch)
                world = world_of(seed)
            if any(fault.startswith(how) for fault in violations(world)):
                return seed + 1
    pytest.fail(f"not found in {within} histories")


def everywhere(patch: pytest.MonkeyPatch, name: str, instead: object) -> None:
    """Replace a function in each use case that imported it."""
    for module in product_modules():
        if hasattr(module, name) and module is not converge:
            patch.setattr(module, name, instead)


def test_inputs_are_not_read_again() -> None:
    """Write, and do not read the inputs again."""

    def hasty(read: Callable[[], Any], apply: Callable[[Any], tuple[Any, bool]], turn: object = None) -> Any:
        inputs = read()
        return converge.Converged(inputs, *apply(inputs))

    needed(lambda patch: everywhere(patch, "converge", hasty), within=110)  # took 11


def test_a_run_of_lists_takes_itself_to_be_alone() -> None:
    """Write lists, and do not look whether other runs were at work on them."""
    alone = set[str]()
    needed(lambda patch: patch.setattr(turns.Turns, "changed", lambda run, common=None: alone), first=60, within=1000)


def test_a_run_of_gate_takes_itself_to_be_the_last() -> None:
    """Write an article's pages, and do not look whether another run has begun since."""
    needed(lambda patch: patch.setattr(turns.LastTurn, "is_kept", lambda turn: True), first=50, within=1000)


def test_an_event_is_trusted() -> None:
    """Believe an event that a file was deleted, instead of reading the file."""
    deleted: dict[object, bool] = {}
    work, read = RenderBatch.handle, DraftRun.read

    def believe(batch: RenderBatch, detail: Any) -> None:
        deleted[getcurrent()] = isinstance(detail, ObjectRemoved)
        work(batch, detail)

    def read_believing(run: DraftRun) -> Any:
        inputs = read(run)
        return inputs._replace(raw=None, etag="", version="") if deleted[getcurrent()] else inputs

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(RenderBatch, "handle", believe)
        patch.setattr(DraftRun, "read", read_believing)

    needed(plant, first=300, within=970)  # took 307


class HeldBus:
    """A bus that keeps its events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, events: Any) -> None:
        self.events += events


def test_an_event_comes_before_the_write() -> None:
    """Announce an article's pages, and then write them."""

    def early(slug: str, ports: Ports, theme: Theme, bulk: str, *how: bool) -> Any:
        ports.bus.emit([ArticleGated(slug, "live", [f"/articles/{slug}/*"], bulk)])
        return gate.gate(slug, replace(ports, bus=HeldBus()), theme, bulk, *how)

    needed(lambda patch: patch.setattr(gate_stage, "gate", early), within=100)  # took 3


def test_no_event_when_nothing_was_written() -> None:
    """Announce an article's pages only if this run wrote any."""
    wrote: dict[object, bool] = {}
    write = gate._write

    def noted(slug: str, made: Any, ports: Ports, doubtful: bool) -> bool:
        found = write(slug, made, ports, doubtful)
        wrote[getcurrent()] = wrote.get(getcurrent(), False) or found
        return found

    def quiet(slug: str, ports: Ports, theme: Theme, bulk: str, *how: bool) -> Any:
        wrote[getcurrent()] = False
        kept = HeldBus()
        gated = gate.gate(slug, replace(ports, bus=kept), theme, bulk, *how)
        if wrote[getcurrent()]:
            ports.bus.emit(kept.events)
        return gated

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(gate, "_write", noted)
        patch.setattr(gate_stage, "gate", quiet)

    needed(plant, within=540)  # took 54


def test_invalidation_goes_by_digest() -> None:
    """Record the digest of a path's bytes when they are invalidated, instead of the write that they came from."""

    def by_digest(path: str, ports: Ports) -> str:
        prefix = key_of(path)
        keys = [key for key, _ in ports.site.list(prefix.removesuffix("*")) if key == prefix or prefix.endswith("*")]
        stats = [ports.site.stat(key) for key in keys]
        known = " ".join(f"{stat.key}:{stat.metadata['digest']}" for stat in stats if stat)
        return known or ("removed" if invalidate._list_versions(path, ports) else "")

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(invalidate, "write_token", by_digest)
        patch.setattr(invalidate, "known_writes", lambda paths, ports: {})

    needed(plant, within=150, how="cached and stale")  # took 15


def test_lists_are_made_from_a_stale_index() -> None:
    """Read entries from a lagging replica: the first query after a write returns the previous entries."""
    query, write = MemoryTable.query, MemoryTable.write
    before: dict[tuple[int, str], dict[str, Item]] = {}

    def write_behind(table: MemoryTable, changes: Sequence[Change]) -> None:
        old = {pk: dict(table._items[pk]) for pk, *_ in changes if pk.startswith("list#")}
        write(table, changes)
        before.update({(id(table), pk): items for pk, items in old.items()})

    def query_behind(table: MemoryTable, pk: str, keys: KeyRange = ALL_KEYS, **how: Any) -> list[Item]:
        old = before.pop((id(table), pk), None)
        if old is None:
            return query(table, pk, keys, **how)
        replica = MemoryTable()
        replica._items[pk], replica._order[pk] = old, sorted(old)
        return query(replica, pk, keys, **how)

    def plant(patch: pytest.MonkeyPatch) -> None:
        before.clear()
        patch.setattr(MemoryTable, "write", write_behind)
        patch.setattr(MemoryTable, "query", query_behind)

    needed(plant, within=740)  # took 74


def test_a_withdrawn_article_has_no_tombstone() -> None:
    """Delete the pages of a withdrawn article instead of writing a tombstone."""

    def nowhere(inputs: Any, body: bytes, metadata: Any) -> Any:
        return Folder(f"articles/{inputs.document.slug}/", ())

    needed(lambda patch: patch.setattr(gate_outputs, "_same_for_all_tiers", nowhere), within=100)  # took 4


def test_an_article_does_not_check_again_after_entering_its_lists() -> None:
    """Do not compare what a page shows of other articles with their present state once the article is in the lists."""
    check = index._outdated

    def only_followers(slugs: Any, *asked: Any) -> dict[str, str]:
        return {} if isinstance(slugs, set) else check(slugs, *asked)

    needed(lambda patch: patch.setattr(index, "_outdated", only_followers), first=150, within=2000)  # took 187


def test_no_schedule_is_made() -> None:
    """Make no schedule for the end of an embargo."""
    needed(
        lambda patch: patch.setattr(Schedules, "wake_at", lambda schedules, slug, moment: None), within=100
    )  # took 4


def test_an_article_is_not_gated_again_after_its_embargo() -> None:
    """Write the pages of an article at the end of its embargo, and do not gate it afterwards."""
    needed(
        lambda patch: patch.setattr(gate_stage.GateBatch, "finish", lambda batch: None), first=400, within=1750
    )  # took 418


# --- Former bugs that are too rare to wait for: their shrunk histories, interrupted at every call ---


def fails(history: Callable[[int], History], how: str) -> bool:
    """Return True if a history fails for any number of calls before its run is interrupted."""
    with small_world():
        found = [fault for calls in range(30) for fault in violations(replay(history(calls)))]
    return any(fault.startswith(how) for fault in found)


def without_marks(patch: pytest.MonkeyPatch) -> None:
    """Leave a takedown to the decisions about its address alone: the marks of drafts would hide what is planted there."""
    patch.setattr(takedowns, "is_draft_withdrawn", lambda draft, private: False)


def test_a_released_slug_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow run stores its document over a tombstone that another run has just confirmed, and the article stays live."""
    matter = {"title": "T", "date": "2026-01-01"}
    actions = tuple(
        Action(n, kind, "drafts/a.md", matter if kind == "put" else {})
        for n, kind in enumerate(("put", "remove", "put", "remove"), 1)
    )
    third, fourth = (f"render: ObjectChanged drafts/a.md ({number}) run 1" for number in (3, 4))

    def history(calls: int) -> History:
        before = (Move("action", "1"), QUIET, Move("action", "2"), QUIET)
        return History(
            actions, (*before, Move("action", "3"), Move("run", third, calls), Move("action", "4"), Move("run", fourth))
        )

    assert not fails(history, "")
    monkeypatch.setattr(slug_claims, "load_document", lambda slug, ports: None)
    assert fails(history, "left over in site")


def test_a_takedown_does_not_follow_an_article_that_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor withdraws an article while it moves to another slug, and it goes live there."""
    matter = {"title": "T", "date": "2026-01-01"}
    moved = Action(3, "put", "drafts/a.md", {**matter, "slug": "a-two"})
    actions = (Action(1, "put", "drafts/a.md", matter), Action(2, "withdraw", "a"), moved)
    first, second = (f"render: ObjectChanged drafts/a.md ({number}) run 1" for number in (1, 2))

    def history(calls: int) -> History:
        editor = "editor: withdraw a (1) run 1"
        first_actions = (Move("action", "1"), Move("action", "2"), Move("run", first), Move("action", "3"))
        return History(actions, (*first_actions, Move("run", editor, calls), Move("run", second), Move("run", editor)))

    assert not fails(history, "")
    without_marks(monkeypatch)
    assert not fails(history, "")
    monkeypatch.setattr(decisions, "_require_rendered_draft", lambda slug, ports: None)
    assert fails(history, "a takedown was lost")


def test_a_slow_run_deletes_a_takedown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow run deletes decisions that editors have made since it read them."""
    moved, back = (
        Action(n, "put", "drafts/a.md", {"title": "T", "date": "2026-01-01", "slug": s})
        for n, s in ((2, "b"), (3, "a"))
    )
    actions = (replace(moved, number=1, values=back.values), moved, back, Action(4, "withdraw", "a"))
    slow, quick = (f"render: ObjectChanged drafts/a.md ({number}) run 1" for number in (2, 3))

    def history(calls: int) -> History:
        filed = (
            Move("action", "1"),
            QUIET,
            Move("action", "2"),
            Move("run", slow, calls),
            Move("action", "3"),
            Move("action", "4"),
        )
        return History(actions, (*filed, Move("run", quick), Move("run", "editor: withdraw a (1) run 1")))

    def forget(claims: SlugClaims, slug: str, article: str) -> None:
        claims._ports.private.delete(decisions_key(slug))

    assert not fails(history, "")
    without_marks(monkeypatch)
    assert not fails(history, "")
    monkeypatch.setattr(SlugClaims, "_clear_decisions", forget)
    assert fails(history, "a takedown was lost")


def test_a_released_claim_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim's version starts over, so a run that saw a younger claim takes the slug from an older one made in between."""
    matter = {"title": "T", "date": "2026-01-01", "slug": "shared"}
    first, moved = (Action(n, "put", "drafts/a.md", {**matter, "slug": slug}) for n, slug in ((1, "shared"), (2, "a")))
    actions = (first, moved, Action(3, "put", "drafts/b.md", matter), Action(4, "put", "drafts/c.md", matter))
    leaves, older, younger = (
        f"render: ObjectChanged drafts/{name} run 1" for name in ("a.md (2)", "b.md (1)", "c.md (1)")
    )

    def history(calls: int) -> History:
        filed = (Move("action", "1"), QUIET, Move("action", "2"), Move("action", "3"), Move("action", "4"))
        return History(actions, (*filed, Move("run", younger, calls), Move("run", leaves), Move("run", older)))

    def forget(table: Table, slug: str, claim: Claim, *_: str) -> None:
        table.write([Change(f"article#{slug}", "claim", None, claim.version)])

    assert not fails(history, "")
    monkeypatch.setattr(articles_table, "release_slug", forget)
    assert fails(history, "record article#shared claim")
