"""A page that is made again because of others, and is as it was, costs no other stage anything."""

from __future__ import annotations

import json

import pytest
from nightdesk.domain.events import ArticleGated, ArticleRendered, RegateRequested
from nightdesk.ports import Output, Stat
from nightdesk.repositories.private_bucket import SharedReads
from nightdesk.stages.gate import GateBatch
from nightdesk.usecases.pipeline import gate, index
from nightdesk.usecases.pipeline.related import digest_shown
from support.memory_newsroom import Newsroom


def gated(room: Newsroom, *details: ArticleRendered | RegateRequested, redelivered: bool = False) -> int:
    """Return how often a batch of messages announces an article."""
    room.ports.bus.events.clear()  # type: ignore[attr-defined]  # it is in memory
    batch = GateBatch(room.ports, room.theme, redelivered=redelivered)
    for detail in details:
        batch.handle(detail)
    batch.finish()
    return sum(isinstance(event, ArticleGated) for event in room.ports.bus.events)  # type: ignore[attr-defined]


RENDERED = ArticleRendered("story", 1)


def test_a_page_that_is_as_it_was_is_not_announced(room: Newsroom) -> None:
    room.publish("story", "Words.")
    assert gated(room, RegateRequested("story")) == 0
    assert gated(room, RegateRequested("story"), RegateRequested("story")) == 0


def test_a_page_that_changed_is_announced(room: Newsroom) -> None:
    room.publish("story", "Words.")
    room.ports.site.delete("articles/story/~public/index.html")
    assert gated(room, RegateRequested("story"), RegateRequested("story")) == 1


def test_a_run_before_may_have_died_after_it_wrote(room: Newsroom) -> None:
    room.publish("story", "Words.")
    assert gated(room, RegateRequested("story"), redelivered=True) == 1


def test_a_new_document_is_always_announced(room: Newsroom) -> None:
    room.publish("story", "Words.")
    assert gated(room, RENDERED) == 1
    assert gated(room, RegateRequested("story"), RENDERED, RegateRequested("story")) == 1


def test_a_page_that_shows_by_now_what_was_asked_for_is_not_made_again(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.publish("story", "Words.")
    blob = room.ports.private.get("facts/story.json")
    assert blob
    shows = digest_shown(json.loads(blob.body)["shows"])
    read: list[str] = []
    monkeypatch.setattr(gate, "read_inputs", lambda slug, *ports: read.append(slug))
    gated(room, RegateRequested("story", shows=shows), RegateRequested("story", shows=shows))
    assert read == []
    gated(room, RegateRequested("story", shows=shows), redelivered=True)
    gated(room, RegateRequested("story", shows=shows), RegateRequested("story", shows="0"))
    gated(room, RegateRequested("nobody", shows=shows))
    gated(room, RegateRequested("story", shows=shows), RegateRequested("story"))
    assert read == ["story", "story", "nobody", "story"]


@pytest.mark.parametrize("checks", [True, False])
def test_a_profile_that_changes_within_a_batch_is_shown_on_every_page(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, checks: bool
) -> None:
    """Profiles are read once for a batch. Without comparing them at the end, the second page would show the old name."""
    if not checks:
        monkeypatch.setattr(SharedReads, "have_changed", lambda *_: False)
    room.file("authors/ada.md", "---\nname: Ada Old\n---\n")
    room.publish("first")
    room.publish("second")
    batch = GateBatch(room.ports, room.theme)
    batch.handle(RegateRequested("first"))
    room.file("authors/ada.md", "---\nname: Ada New\n---\n")
    batch.handle(RegateRequested("second"))
    batch.finish()
    assert "Ada New" in room.page("/articles/first/")
    assert ("Ada New" in room.page("/articles/second/")) == checks
    assert ("Ada Old" in room.page("/articles/second/")) != checks


def test_settings_and_profiles_are_read_once_for_a_batch(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    room.file("authors/ada.md", "---\nname: Ada\n---\n")
    room.publish("first")
    room.publish("second")
    read: list[str] = []
    get = room.ports.private.get
    monkeypatch.setattr(room.ports.private, "get", lambda key, *version: read.append(key) or get(key, *version))
    gated(room, RegateRequested("first"), RegateRequested("second"))
    assert read.count("site.json") == read.count("authors/ada.json") == 1


def is_regate(room: Newsroom, slug: str) -> bool:
    """Return True if the next message asks for an article's page."""
    return bool(room.queue) and isinstance(room.queue[0].detail, RegateRequested) and room.queue[0].detail.slug == slug


@pytest.mark.parametrize("takes_turns", [True, False])
def test_a_run_that_read_too_early_reads_again(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, takes_turns: bool
) -> None:
    """A run is about to store a page that names an article, which goes meanwhile. The page that is stored is right, so nobody
    would ask for it: therefore its turn is taken from the run. Without that, the page would stay wrong."""
    if not takes_turns:
        monkeypatch.setattr(index, "take_turns", lambda *_: None)
    room.publish("later", date="2026-11-22", topics=["energy"])
    room.upload("drafts/earlier.md", b"---\ntitle: Short-lived\ndate: 2026-11-21\ntopics: [energy]\n---\nWords.\n")
    while not is_regate(room, "later"):
        room.process_next()
    put, waiting = room.site.put, ["drafts/earlier.md"]

    def put_late(output: Output, expected: str | None) -> Stat:
        if waiting and output.key.startswith("articles/later/"):
            room.upload(waiting.pop(), None)
            room.process_all()
        return put(output, expected)

    monkeypatch.setattr(room.site, "put", put_late)
    room.process_all()
    assert not waiting
    assert ("Short-lived" in room.page("/articles/later/")) != takes_turns
