"""What the last release wrote is read by this one: its messages that still wait, its tables and its private bucket.

`tests/fixtures/release-0.1.0` was written by the code of 0.1.0. During a deploy both versions run, and the data stays for ever. With
each release a folder is added; one whose data no newsroom can have any more may go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.events import EVENTS, ArticleRendered, SiteChanged, parse_message
from nightdesk.ports import ANY, Change, Output, Table
from nightdesk.rendering.environment import Theme
from support.memory_newsroom import Newsroom
from support.sign_in_harness import SignInHarness

RELEASES = sorted((Path(__file__).resolve().parents[1] / "fixtures").glob("release-*"))


def read(release: Path, name: str) -> Any:
    """Return a file of a release's fixtures."""
    return json.loads((release / f"{name}.json").read_text("utf-8"))


def fill(table: Table, items: list[dict[str, Any]]) -> None:
    """Store items as they are."""
    for item in items:
        table.write([Change(item["pk"], item["sk"], item, ANY)])


@pytest.fixture(params=RELEASES, ids=lambda path: path.name)
def release(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def room(release: Path, theme: Theme) -> Newsroom:
    """A newsroom of this version with the data of that release, whose site bucket is empty."""
    found = Newsroom(theme)
    items = read(release, "items")
    fill(found.ports.articles, items["articles"])
    fill(found.ports.updates, items["updates"])
    for name, bucket in (("drafts", found.ports.drafts), ("private", found.ports.private)):
        for stored in read(release, "objects")[name]:
            output = Output(stored["key"], stored["body"].encode(), stored["content_type"], metadata=stored["metadata"])
            bucket.put(output, ANY)
    return found


def test_its_messages_are_read(release: Path) -> None:
    messages = read(release, "messages")
    batches = messages.pop("sqs_batch")
    assert len(messages) > 30
    for name, envelope in messages.items():
        found = parse_message(json.dumps(envelope))
        assert type(found).__name__ == (name if name in EVENTS else "ObjectChanged")
    for record in batches["Records"]:
        parse_message(record["body"])


def test_its_articles_keep_their_states(release: Path, room: Newsroom) -> None:
    expected = read(release, "expected")["states"]
    assert {slug: room.state(slug)["state"] for slug in expected} == expected


def test_its_documents_become_pages(release: Path, room: Newsroom) -> None:
    states = read(release, "expected")["states"]
    room.deliver([SiteChanged(), *(ArticleRendered(slug, 1) for slug in states)])
    room.process_all()
    expected = {"live": "200", "withdrawn": "410"}
    for slug, state in states.items():
        page = room.site.outputs.get(f"articles/{slug}/~public/index.html")
        assert (page.metadata.get("status", "200") if page else None) == expected.get(state), slug
    assert "hidden-canary" not in room.page("/articles/a-story/")
    assert "What the mine knew." in room.page("/articles/a-story/")
    assert "hidden-canary" in room.site.outputs["articles/a-story/~member/index.html"].body.decode()
    assert "Copper is spelt" in room.page("/articles/a-story/"), "an editor's correction"
    assert "Copper" in room.page("/")


def test_its_files_are_rendered_again(release: Path, room: Newsroom) -> None:
    text = room.ports.drafts.get("drafts/a-story.md")
    assert text
    room.file("drafts/a-story.md", text.body.decode().replace("Free words.", "Other words."))
    assert "Other words." in room.page("/articles/a-story/")
    assert "Copper is spelt" in room.page("/articles/a-story/")
    assert "taken" not in room.page("/")


def test_its_readers_stay_signed_in(release: Path) -> None:
    harness = SignInHarness()
    fill(harness.table, read(release, "items")["memberships"])
    expected = read(release, "expected")
    reader = harness.authenticate(renewal=expected["renewal"])
    assert reader
    assert reader.membership.email == expected["reader"]
