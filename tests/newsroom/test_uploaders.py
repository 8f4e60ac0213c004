"""What needs an approval follows from who uploaded it, and not from the byline that a writer types."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from nightdesk.domain.decisions import Approval, approval_digest
from nightdesk.domain.events import DecisionChanged
from nightdesk.domain.uploaders import DIRECT, Uploader, uploader_of
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import decisions_from, load_document
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import Newsroom

WREN, ELIF = Uploader("editor:wren", "writer"), Uploader("editor:elif", "editor")
KEY = "drafts/harbour/index.md"


@pytest.fixture
def strict(theme: Theme) -> Newsroom:
    """A newsroom that requires approval of what AI personas write."""
    room = Newsroom(theme)
    room.file("site.yaml", "require_approval: [ai]\n")
    room.file("authors/jo.md", "---\nname: Jo\n---\nBio.\n")
    room.file("authors/bot.md", "---\nname: Bot\nkind: ai\n---\nBio.\n")
    return room


def put(room: Newsroom, uploader: Uploader, body: str = "Text.", **matter: Any) -> None:
    """Upload the draft, with a human byline unless another is given."""
    head = {"title": "The harbour", "date": "2026-11-01", "authors": ["jo"], **matter}
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
    room.upload(KEY, f"---\n{lines}---\n{body}\n".encode(), uploader)
    room.process_all()


def put_image(room: Newsroom, uploader: Uploader, body: bytes) -> None:
    room.upload("drafts/harbour/map.png", body, uploader)
    room.process_all()


def approve(room: Newsroom) -> None:
    decisions.approve("harbour", "Elif Editor", ELIF.id, room.ports)
    room.deliver_emitted()
    room.process_all()


@pytest.mark.parametrize(
    ("uploader", "authors", "state"),
    [
        (WREN, ["jo"], "draft"),
        (WREN, ["bot"], "draft"),
        (ELIF, ["jo"], "live"),
        (ELIF, ["bot"], "draft"),
        (DIRECT, ["jo"], "live"),
        (DIRECT, ["bot"], "draft"),
    ],
)
def test_a_byline_does_not_replace_an_approval(
    strict: Newsroom, uploader: Uploader, authors: list[str], state: str
) -> None:
    put(strict, uploader, authors=authors)
    assert strict.state("harbour")["state"] == state
    record = articles_table.draft_record(strict.ports.articles, KEY)
    assert record
    assert record.uploaded_by == uploader.id


def test_a_site_that_requires_no_approval_publishes_what_writers_upload(theme: Theme) -> None:
    room = Newsroom(theme)
    put(room, WREN)
    assert room.state("harbour")["state"] == "live"


def test_a_writers_edit_of_an_editors_article_waits_and_an_editors_does_not(strict: Newsroom) -> None:
    strict.file("site.yaml", "require_approval: [ai]\nwriters: any\n")
    put(strict, ELIF, "First.")
    approve(strict)
    put(strict, WREN, "Second.")
    assert "First." in strict.page("/articles/harbour/")
    assert "Second." not in strict.page("/articles/harbour/")
    put(strict, ELIF, "Third.")
    assert "Third." in strict.page("/articles/harbour/")


def test_an_approval_does_not_depend_on_who_uploaded_the_same_bytes(strict: Newsroom) -> None:
    put(strict, WREN)
    approve(strict)
    assert strict.state("harbour")["state"] == "live"
    put(strict, ELIF)
    put(strict, WREN)
    assert strict.state("harbour")["state"] == "live"
    assert not strict.state("harbour")["warnings"]


def test_an_image_that_a_writer_puts_beside_an_editors_draft_needs_an_approval(strict: Newsroom, theme: Theme) -> None:
    strict.file("site.yaml", "require_approval: [ai]\nwriters: any\n")
    put_image(strict, ELIF, b"surveyed")
    put(strict, ELIF, "![The map](map.png)")
    approve(strict)
    put_image(strict, WREN, b"invented")
    shown = [output.body for key, output in strict.site.outputs.items() if "/harbour/~" in key and key.endswith("png")]
    assert set(shown) == {b"surveyed"}
    put(strict, ELIF, "![The map](map.png)\n\nMore.")
    assert "More." not in strict.page("/articles/harbour/"), "its image is still the writer's"
    assert not compare(strict.ports, theme)


def test_an_image_of_a_writer_that_no_text_shows_changes_nothing(strict: Newsroom) -> None:
    put_image(strict, WREN, b"unused")
    put(strict, ELIF)
    assert strict.state("harbour")["state"] == "live"


def test_the_uploader_is_read_from_the_version_that_is_rendered(strict: Newsroom) -> None:
    put(strict, WREN, "A writer's.")
    put(strict, ELIF, "An editor's, but without a title.", title="")
    assert strict.state("harbour")["rejected"]
    assert "A writer" not in strict.page("/articles/harbour/")


@pytest.mark.parametrize(("name", "shown"), [("", "Reviewed by, according to the author"), ("Elif", "Approved by")])
def test_a_review_that_only_the_draft_claims_is_shown_as_a_claim(theme: Theme, name: str, shown: str) -> None:
    room = Newsroom(theme)
    put(room, WREN, production={"reviewed_by": "Invented Person", "ai_roles": ["drafting"]})
    if name:
        approve(room)
    page = room.page("/articles/harbour/")
    assert f"<dt>{shown}</dt>" in page
    assert ("Invented Person" in page) is not bool(name)
    assert ("accountablePerson" in page) is bool(name)


def test_metadata_says_who_uploaded_and_an_unknown_role_is_the_lowest() -> None:
    assert uploader_of(WREN.to_metadata()) == WREN
    assert uploader_of({"uploader": "editor:1"}).is_writer
    assert uploader_of({}) == DIRECT


def forge(room: Newsroom, slug: str, **changes: str) -> None:
    """Store decisions as render may, with an approval that no editor gave."""
    blob = room.bare.private.get(f"editorial/{slug}.json")
    document = load_document(slug, room.bare)
    assert document
    given = decisions_from(blob)
    approval = given.approval or Approval("Elif", "editor:elif", room.now.isoformat(), approval_digest(document))
    forged = replace(given, approval=replace(approval, sha256=approval_digest(document), **changes))
    room.bare.private.put(Output(f"editorial/{slug}.json", forged.to_bytes(), "application/json"), ANY)
    room.deliver([DecisionChanged(slug, "approve")])
    room.process_all()


def test_an_approval_counts_only_if_the_editors_api_kept_what_was_approved(theme: Theme) -> None:
    """Render may write decisions, because they follow an article to its new slug; it must not be able to approve."""
    room = Newsroom(theme)
    room.file("site.yaml", "name: The Tide\nrequire_approval: [ai, human]\n")
    room.publish("harbour", body="One.")
    forge(room, "harbour")
    assert room.state("harbour")["state"] == "draft", "nobody approved it"
    decisions.approve("harbour", "Elif Aksoy", "editor:elif", room.ports)
    room.deliver_emitted()
    room.process_all()
    assert room.state("harbour")["state"] == "live"
    room.publish("harbour", body="Two.")
    forge(room, "harbour")
    assert "One." in room.page("/articles/harbour/") or room.state("harbour")["state"] == "draft"
    assert "Two." not in room.page("/articles/harbour/")


def test_nobody_elses_name_can_be_put_under_an_approval(theme: Theme) -> None:
    room = Newsroom(theme)
    room.file("site.yaml", "name: The Tide\nrequire_approval: [ai, human]\n")
    room.publish("harbour", body="One.")
    for name, by in (("Elif Aksoy", "editor:elif"), ("Şule Ö.", "editor:sule")):
        decisions.approve("harbour", name, by, room.ports)
        room.deliver_emitted()
        room.process_all()
        assert room.state("harbour")["state"] == "live"
        assert name in room.page("/articles/harbour/")
    forge(room, "harbour", name="Someone Else")
    assert "Someone Else" not in room.page("/articles/harbour/")
    room.publish("harbour", slug="quay", body="One.")
    assert room.state("quay")["state"] in ("live", "draft"), "whose approval covers the address as well"


def test_an_approval_of_an_earlier_release_has_no_proof_and_counts(theme: Theme) -> None:
    room = Newsroom(theme)
    room.file("site.yaml", "name: The Tide\nrequire_approval: [ai, human]\n")
    room.publish("harbour", body="One.")
    decisions.approve("harbour", "Elif Aksoy", "editor:elif", room.ports)
    [key] = [key for key in room.bare.private.outputs if key.startswith("approved/")]  # type: ignore[attr-defined]
    blob = room.bare.private.get(key)
    assert blob
    room.bare.private.put(Output(key, blob.body, "application/json"), ANY)
    room.deliver_emitted()
    room.process_all()
    assert room.state("harbour")["state"] == "live"
