"""What a large archive costs: calls that wait for each other do not grow with it, and it is compared slice by slice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryBus
from nightdesk.domain.events import ReconcileContinued, ReconcileDue, parse_event
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.stages.reconcile import ReconcileBatch
from nightdesk.usecases.pipeline import (
    reconcile,
    reconcile_articles,
    reconcile_files,
    reconcile_lists,
    render_draft,
)
from support.memory_newsroom import Newsroom
from support.waits import Waits


def waits_of_reconcile(articles: int, theme: Theme) -> int:
    room, waits = Newsroom(theme), Waits()
    room.file("site.yaml", "name: The Meridian\n")
    for number in range(articles):
        room.publish(f"s-{number}", f"Story {number}", body="Words.\n\n![Map](map.svg)\n")
    reconcile.compare(waits.ports(room.ports), theme)
    return waits.count


def test_reconcile_does_not_wait_for_each_article_in_turn(theme: Theme) -> None:
    assert waits_of_reconcile(6, theme) == waits_of_reconcile(2, theme)


@pytest.fixture
def archive(theme: Theme) -> Newsroom:
    """A few articles, more than a slice takes in these tests."""
    room = Newsroom(theme)
    room.file("site.yaml", "name: The Meridian\n")
    room.file("topics/energy.md", "---\nname: Energy\n---\nAll of it.\n")
    for number in range(7):
        room.publish(
            f"s-{number}", f"Story {number}", body="Words.", date=f"2026-0{number + 1}-03", aliases=[f"/{number}/"]
        )
    return room


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of two."""
    for module in (reconcile_files, reconcile_articles, reconcile_lists):
        monkeypatch.setattr(module, "LISTED", 2)
    monkeypatch.setattr(reconcile_articles, "_PER_PAGE", 5)
    monkeypatch.setattr(reconcile_lists, "_OBJECTS", 5)
    monkeypatch.setattr(reconcile_lists, "_MONTHS", 2)
    monkeypatch.setattr(reconcile_lists, "_TRIALS", 2)


DAMAGED = (
    "articles/s-0/~public/index.html",
    "articles/s-6/~member/index.html",
    "archive/2026/04/index.html",
    "sitemap/2026-07.xml",
    "topics/energy/2026/02/index.html",
    "5/index.html",
    "about/index.html",
)


def damage(room: Newsroom) -> None:
    for key in DAMAGED:
        room.site.delete(key)
    room.site.put(Output("articles/stray/~public/index.html", b"Whose?", "text/html"), ANY)
    room.site.put(Output("topics/iron/index.html", b"Iron.", "text/html"), ANY)
    room.ports.drafts.delete("drafts/s-3.md")
    room.ports.drafts.put(Output("drafts/s-9.md", b"---\ntitle: New\n---\nText.\n", "text/markdown"), ANY)
    room.ports.articles.write(articles_table.entry_changes({_place(room): None}))


def _place(room: Newsroom) -> str:
    return f"topic:energy {articles_table.newest(room.ports.articles, 'topic:energy', 3)[2].sort_key}"


def test_small_slices_find_what_large_ones_do(archive: Newsroom, theme: Theme, request: pytest.FixtureRequest) -> None:
    damage(archive)
    at_once = reconcile.compare(archive.ports, theme)
    assert at_once.articles == ("s-0", "s-5", "s-6"), "one of them names an article whose entry is lost"
    assert at_once.drafts == ("drafts/s-3.md", "drafts/s-9.md")
    assert at_once.orphans == ("stray",)
    assert {"all", "topic:energy", "topic:iron", "alias:/5/"} <= set(at_once.lists)
    assert [slug for slug, _ in at_once.entries] == ["s-4"]
    request.getfixturevalue("small")
    assert len(list(reconcile.slices(archive.ports, theme))) > 20
    assert reconcile.compare(archive.ports, theme) == at_once


def test_a_comparison_goes_on_in_other_runs_and_reports_at_the_end(
    archive: Newsroom, theme: Theme, small: None
) -> None:
    before = {key: output for key, output in archive.site.outputs.items() if not key.startswith("search/")}
    for key in DAMAGED:
        archive.site.delete(key)
    notes: list[tuple[str, dict[str, Any]]] = []
    bus = MemoryBus()
    due: list[Any] = [ReconcileDue()]
    repairs, runs = [], 0
    while due:
        batch = ReconcileBatch(
            replace(archive.ports, bus=bus), theme, lambda: False, lambda what, /, **facts: notes.append((what, facts))
        )
        # The same message may come twice.
        for event in due * 2:
            batch.handle(parse_event(event.name, event.to_detail()))
        batch.finish()
        runs += 1
        due = [event for event in bus.events if isinstance(event, ReconcileContinued)]
        repairs += [event for event in bus.events if not isinstance(event, ReconcileContinued)]
        bus.events.clear()
    assert [what for what, _ in notes].count("reconciled") == 1
    what, facts = notes[-1]
    assert (what, facts["slices"], facts["articles"], facts["failed"]) == ("reconciled", runs, 2, 0)
    archive.deliver(repairs)
    archive.process_all()
    assert {key: output for key, output in archive.site.outputs.items() if not key.startswith("search/")} == before


def test_nothing_is_listed_whole_and_no_page_is_read(
    archive: Newsroom, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: set[str] = set()
    read: set[str] = set()

    def watch(objects: Any, bucket: str) -> None:
        for name in ("list", "listing", "sizes", "list_versions"):
            inner = getattr(objects, name)
            monkeypatch.setattr(
                objects, name, lambda prefix, inner=inner: listed.add(f"{bucket} {prefix}") or inner(prefix)
            )
        inner_get = objects.get
        monkeypatch.setattr(
            objects, "get", lambda key, version="": read.add(f"{bucket} {key}") or inner_get(key, version)
        )

    for bucket in ("drafts", "private", "site"):
        watch(getattr(archive.ports, bucket), bucket)
    assert not reconcile.compare(archive.ports, theme)
    grow = {f"{bucket} {folder}" for bucket in ("drafts", "private", "site") for folder in ("", "articles/", "drafts/")}
    grow |= {f"private {folder}" for folder in ("facts/", "images/", "renditions/", "editorial/", "history/")}
    assert sorted(listed & grow) == []
    assert {key for key in read if key.startswith("site ")} <= {
        f"site {key}" for key in ("feed.json", "sitemap.xml", "topics/energy/feed.xml", "authors/ada/feed.xml")
    }


def test_one_draft_that_cannot_be_parsed_stops_nothing(
    archive: Newsroom, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(archive)
    parse = render_draft.read_draft

    def crash(raw: bytes, *rest: Any) -> Any:
        if b"Story 2" in raw:
            raise RecursionError
        return parse(raw, *rest)

    monkeypatch.setattr(render_draft, "read_draft", crash)
    archive.ports.private.put(Output("articles/s-5.json", b"{", "application/json"), ANY)
    found = reconcile.compare(archive.ports, theme)
    assert {"drafts/s-2.md", "s-5"} <= set(found.failed)
    assert {"s-0", "s-6"} <= set(found.articles)
    assert {"drafts/s-3.md", "drafts/s-9.md"} <= set(found.drafts)


def test_a_publish_waits_for_few_calls(theme: Theme) -> None:
    """On AWS each takes some ten milliseconds. Calls that do not depend on each other are made at once."""
    room, waits = Newsroom(theme), Waits()
    room.publish("before", "Before")
    room.ports = waits.ports(room.ports)
    waits.count = 0
    room.publish("quay", "Quay", body="Words.\n\n::: gate tier=member teaser=T\nHidden.\n:::\n")
    assert waits.count <= 150
