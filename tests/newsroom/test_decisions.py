"""Editors' decisions: what they change, and what later drafts, events and decisions do to them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from nightdesk.domain.decisions import Decisions, approval_digest
from nightdesk.domain.documents import Asset, Block, Document
from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.events import ArticleDue, ArticleWithdrawn, RegateRequested, SiteChanged
from nightdesk.ports import ANY, Objects, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories.articles_table import claim_of
from nightdesk.repositories.private_bucket import article_etag, decisions_from, decisions_key
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.editors.decisions import ApprovalRequired, NotFound
from nightdesk.usecases.pipeline.gate import lift_embargo
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import NOW, Newsroom

TIERS = ("public", "subscriber", "member")

BODY = "Free.\n\n::: gate tier=subscriber\nFirst passage.\n:::\n\n::: gate tier=member\nSecond passage.\n:::\n"


def decide(room: Newsroom, decision: Callable[..., None], *args: Any) -> None:
    """Decide, and run all stages."""
    decision(*args, room.ports)
    room.deliver_emitted()
    room.process_all()


def http_status(room: Newsroom, key: str) -> str:
    """Return the status with which an object of the site is served."""
    output = room.site.outputs.get(key)
    return output.metadata.get("status", "200") if output else "404"


# --- Decisions of a newer release, in the middle of a deployment ---

NEWER: dict[str, tuple[dict[str, Any], str]] = {
    "a takedown": ({"withdrawn": True, "until_agreed": "2027-01-01"}, "410"),
    "a restriction": ({"only_in": ["GB"]}, "404"),
    "a gate": ({"gates": [{"number": 1, "tier": "member", "passage": "", "until": "2027-01-01"}]}, "404"),
    "an approval": ({"approval": {"name": "A", "by": "b", "at": "", "sha256": "c", "second": "d"}}, "404"),
}


@pytest.mark.parametrize("name", NEWER)
def test_what_a_newer_release_decided_hides_the_article_and_is_not_overwritten(room: Newsroom, name: str) -> None:
    decided, status = NEWER[name]
    room.publish("a-story", "Copper", body="Found in the hills.\n\n" + BODY)
    key = decisions_key("a-story")
    room.bare.private.put(Output(key, json.dumps(decided).encode(), "application/json"), ANY)
    room.deliver([RegateRequested("a-story")])
    room.process_all()
    assert {http_status(room, f"articles/a-story/~{tier}/index.html") for tier in TIERS} == {status}
    assert not [path for path, output in room.site.outputs.items() if b"Copper" in output.body]
    for act in (decisions.publish, decisions.withdraw):
        with pytest.raises(Transient):
            act("a-story", room.bare)
    stored = room.bare.private.get(key)
    assert stored
    assert json.loads(stored.body) == decided
    room.bare.private.put(Output(key, b'{"redates":false,"later":""}', "application/json"), ANY)
    room.deliver([RegateRequested("a-story")])
    room.process_all()
    assert room.state("a-story")["state"] == "live", "an empty value decides nothing"


# --- Withdraw and publish ---


def test_a_takedown_outlasts_new_drafts_until_an_editor_publishes(room: Newsroom) -> None:
    room.file("drafts/a-story/map.png", "map")
    room.publish("a-story/index", "Copper", body="![Map](map.png)")
    images = [key for key in room.site.outputs if key.startswith("articles/a-story/") and key.endswith(".png")]
    assert len(images) == 1, "stored once for every tier"
    decide(room, decisions.withdraw, "a-story")
    assert room.state("a-story")["state"] == "withdrawn"
    assert {http_status(room, key) for key in (*images, "articles/a-story/~member/index.html")} == {"410"}
    room.publish("a-story/index", "Copper again", body="![Map](map.png)")
    assert room.state("a-story")["state"] == "withdrawn"
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]
    decide(room, decisions.publish, "a-story")
    assert room.state("a-story")["state"] == "live"
    assert "Copper again" in room.page("/articles/a-story/")
    assert "Copper again" in room.page("/")
    assert {room.site.outputs[key].body for key in images} == {b"map"}


def test_late_events_do_not_undo_a_takedown(room: Newsroom) -> None:
    room.publish("a-story", "Copper")
    earlier = [event for event in room.events if not isinstance(event, SiteChanged)]
    decide(room, decisions.withdraw, "a-story")
    for event in earlier:
        room.deliver([event])
        room.process_all()
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]


def test_an_editor_publishes_a_draft_once(room: Newsroom) -> None:
    room.file("drafts/a-story.md", "---\ntitle: T\ndraft: true\n---\nText.\n")
    room.now = NOW + timedelta(hours=3)
    decide(room, decisions.publish, "a-story")
    assert room.state("a-story")["state"] == "live"
    assert '"datePublished":"2026-11-23T03:00:00+00:00"' in room.page("/articles/a-story/")
    room.now = NOW + timedelta(hours=5)
    decide(room, decisions.publish, "a-story")
    assert '"datePublished":"2026-11-23T03:00:00+00:00"' in room.page("/articles/a-story/"), "published already"


# --- Schedules, embargoes and expiry ---


def test_a_scheduled_article_goes_live_at_its_moment(room: Newsroom) -> None:
    room.publish("a-story", "Copper", date="2026-11-20")
    moment = NOW + timedelta(hours=2)
    decide(room, decisions.schedule, "a-story", moment)
    assert room.state("a-story")["state"] == "scheduled"
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]
    assert (moment, "a-story") in room.schedules
    room.publish("a-story", "Copper, corrected", date="2026-11-20")
    assert room.state("a-story")["state"] == "scheduled"
    room.now = moment
    room.fire_schedule("a-story")
    assert room.state("a-story")["state"] == "live"
    assert '"datePublished":"2026-11-20' in room.page("/articles/a-story/"), "the date in the draft"


def test_an_editor_can_publish_before_the_drafts_moment(room: Newsroom) -> None:
    room.publish("a-story", "Copper", date="2027-03-01")
    moment = NOW + timedelta(minutes=5)
    decide(room, decisions.schedule, "a-story", moment)
    room.now = moment
    room.fire_schedule("a-story")
    assert room.state("a-story")["state"] == "live"
    room.publish("b-story", "Zinc", publish_at="2027-03-01")
    decide(room, decisions.publish, "b-story")
    assert "Zinc" in room.page("/")


def test_a_schedule_that_fires_early_or_after_a_takedown_changes_nothing(room: Newsroom) -> None:
    room.publish("a-story", "Copper", publish_at=(NOW + timedelta(hours=1)).isoformat())
    room.fire_schedule("a-story")
    assert room.state("a-story")["state"] == "scheduled"
    decide(room, decisions.withdraw, "a-story")
    room.now = NOW + timedelta(hours=2)
    room.fire_schedule("a-story")
    assert room.state("a-story")["state"] == "withdrawn"


def publish_due(room: Newsroom, *slugs: str) -> None:
    """Publish articles whose embargo ends now."""
    for slug in slugs:
        room.publish(slug, f"About {slug}", publish_at=(NOW + timedelta(hours=1)).isoformat())
    room.now = NOW + timedelta(hours=1)


def test_the_pages_of_all_due_articles_are_published_before_the_lists(room: Newsroom) -> None:
    publish_due(room, "a-story", "b-story")
    for slug in ("a-story", "b-story"):
        room.deliver([ArticleDue(slug)])
    room.process_next()
    room.process_next()
    assert [f"About {slug}" in room.page(f"/articles/{slug}/") for slug in ("a-story", "b-story")] == [True, True]
    assert "About a-story" not in room.page("/")
    room.process_all()
    assert "About a-story" in room.page("/")
    assert "About a-story" in room.page("/articles/b-story/"), (
        "as the preceding article, which was not published when this page was"
    )


def test_how_late_an_article_went_live_is_counted_from_its_embargo(room: Newsroom) -> None:
    publish_due(room, "a-story")
    ended, room.now = room.now, room.now + timedelta(seconds=5)
    assert lift_embargo("a-story", room.ports, room.theme) == ended
    assert lift_embargo("a-story", room.ports, room.theme) is None, "it has been live: this is not the embargo's end"


def test_a_takedown_wins_over_the_end_of_an_embargo(room: Newsroom) -> None:
    publish_due(room, "a-story")

    class LateBucket:
        """The site's bucket, written after an editor's takedown."""

        def put(self, output: Output, expected: str | None) -> None:
            if http_status(room, output.key) == "404":
                decide(room, decisions.withdraw, "a-story")
            room.site.put(output, expected)

    assert not lift_embargo("a-story", replace(room.ports, site=cast(Objects, LateBucket())), room.theme)
    assert {http_status(room, f"articles/a-story/~{tier}/index.html") for tier in TIERS} == {"410"}


def test_old_addresses_do_not_redirect_before_the_moment(room: Newsroom) -> None:
    old = "articles/former/~public/index.html"
    room.publish("a-story", "Copper", publish_at=(NOW + timedelta(hours=1)).isoformat(), aliases=["/articles/former/"])
    assert not [key for key, output in room.site.outputs.items() if "a-story" in f"{key} {output.metadata}"]
    assert http_status(room, old) == "404"
    assert (NOW + timedelta(hours=1), "former") in room.schedules
    room.now = NOW + timedelta(hours=1)
    room.fire_schedule("former")
    room.fire_schedule("a-story")
    assert http_status(room, old) == "301"
    decide(room, decisions.schedule, "a-story", NOW + timedelta(hours=3))
    assert http_status(room, old) == "404"
    decide(room, decisions.publish, "a-story")
    assert http_status(room, old) == "301"


def test_a_slug_taken_over_by_another_draft_no_longer_redirects(room: Newsroom) -> None:
    for slug in ("one", "two", "three"):
        room.publish("a-story", "Copper", slug=slug)
    room.publish("b-story", "Zinc", slug="two", draft=True)
    room.publish("a-story", "Copper again", slug="three")
    assert http_status(room, "articles/two/~public/index.html") == "301", "until readers get the other one"
    room.publish("b-story", "Zinc", slug="two")
    assert http_status(room, "articles/two/~public/index.html") == "200"
    assert http_status(room, "articles/one/~public/index.html") == "301"


def test_old_addresses_redirect_to_the_tombstone_until_the_draft_gives_them_up(room: Newsroom) -> None:
    room.publish("a-story", "Copper", aliases=["/2019/copper/"])
    decide(room, decisions.withdraw, "a-story")
    assert http_status(room, "2019/copper/index.html") == "301"
    assert http_status(room, "articles/a-story/~public/index.html") == "410"
    room.publish("b-story", "Zinc", aliases=["/2019/copper/"])
    assert room.site.outputs["2019/copper/index.html"].metadata["location"] == "/articles/a-story/"
    room.publish("a-story", "Copper")
    assert room.site.outputs["2019/copper/index.html"].metadata["location"] == "/articles/b-story/"


def test_an_article_expires_at_its_moment_and_cannot_be_published(room: Newsroom) -> None:
    expiry = NOW + timedelta(hours=1)
    room.publish("a-story", "Copper", expires=expiry.isoformat())
    assert "Copper" in room.page("/")
    assert (expiry, "a-story") in room.schedules
    room.now = expiry
    room.fire_schedule("a-story")
    assert room.state("a-story")["state"] == "expired"
    assert "Copper" not in room.page("/")
    with pytest.raises(Permanent, match="expired"):
        decide(room, decisions.publish, "a-story")


# --- Access ---


def test_an_article_is_regated_without_a_new_draft(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    assert "Free." in room.page("/articles/a-story/")
    decide(room, decisions.regate, "a-story", "member", None)
    assert "Free." not in room.page("/articles/a-story/")
    assert '"isAccessibleForFree":false' in room.page("/articles/a-story/")
    decide(room, decisions.regate, "a-story", "", None)
    assert "Free." in room.page("/articles/a-story/")


def test_single_gates_are_regated(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    decide(room, decisions.regate, "a-story", None, {1: "public", 2: "subscriber"})
    assert "First passage." in room.page("/articles/a-story/")
    assert b"Second passage." in room.site.outputs["articles/a-story/~subscriber/index.html"].body
    decide(room, decisions.regate, "a-story", None, {2: ""})
    assert b"Second passage." not in room.site.outputs["articles/a-story/~subscriber/index.html"].body
    assert "First passage." in room.page("/articles/a-story/")


def test_an_opened_gate_does_not_open_a_rewritten_passage(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    decide(room, decisions.regate, "a-story", None, {1: "public", 2: "subscriber"})
    room.publish("a-story", body=BODY.replace("First passage.", "New secret."))
    assert "New secret." not in room.page("/articles/a-story/")
    room.publish("a-story", body="::: gate tier=member\nIn front.\n:::\n\n" + BODY)
    for tier in ("public", "subscriber"):
        page = room.site.outputs[f"articles/a-story/~{tier}/index.html"].body
        assert b"In front." not in page
        assert b"Second passage." not in page


@pytest.mark.parametrize(
    ("access", "gates"), [("friends", None), (None, {1: "friends"}), (None, {3: "member"}), (None, {0: ""})]
)
def test_unknown_tiers_and_gates_are_refused(room: Newsroom, access: str | None, gates: dict[int, str] | None) -> None:
    room.publish("a-story", body=BODY)
    with pytest.raises(Permanent):
        decisions.regate("a-story", access, gates, room.ports)
    assert room.ports.private.get(decisions_key("a-story")) is None


# --- Approval ---

REQUIRED = "tiers: [public, subscriber, member]\nrequire_approval: [ai]\n"


def approval_problems(room: Newsroom) -> list[str]:
    """Return the messages of the article's status about its approval."""
    return [p["message"] for p in room.state("a-story")["problems"] if p["key"] == "approval"]


@pytest.fixture
def strict(room: Newsroom) -> Newsroom:
    """A newsroom that requires approval for articles by AI personas."""
    room.file("site.yaml", REQUIRED)
    room.file("authors/ada.md", "---\nname: Ada\nkind: ai\nresponsible_editor: Somebody Else\n---\nBio.\n")
    room.file("authors/bo.md", "---\nname: Bo\n---\nBio.\n")
    return room


def test_an_article_that_needs_approval_is_a_draft_until_it_is_approved(strict: Newsroom) -> None:
    strict.publish("a-story", "Copper")
    assert strict.state("a-story")["state"] == "draft"
    assert approval_problems(strict) == ["an editor must approve it before it goes live"]
    assert not [key for key, output in strict.site.outputs.items() if b"Copper" in output.body]
    with pytest.raises(ApprovalRequired):
        decisions.publish("a-story", strict.ports)
    decide(strict, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
    assert strict.state("a-story")["state"] == "live"
    assert approval_problems(strict) == []
    page = strict.page("/articles/a-story/")
    head = page[page.index("<h1>") : page.index('<div class="body')]
    assert "Ines Aldabra approved it on" in head
    assert "23 November 2026" in head
    assert '"accountablePerson":{"@type":"Person","name":"Ines Aldabra"}' in page
    assert "Approved by" in page


def test_a_changed_draft_voids_an_approval_and_decisions_do_not(strict: Newsroom) -> None:
    strict.file("drafts/a-story/map.png", "one")
    body = "![Map](map.png)\n\n" + BODY
    strict.publish("a-story/index", "Copper", body=body)
    decide(strict, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
    decide(strict, decisions.regate, "a-story", "member", {1: "member"})
    decide(strict, decisions.correct, "a-story", "It was zinc.")
    decide(strict, decisions.schedule, "a-story", NOW + timedelta(hours=1))
    assert strict.state("a-story")["state"] == "scheduled"
    decide(strict, decisions.publish, "a-story")
    assert strict.state("a-story")["state"] == "live"
    for change in ("drafts/a-story/map.png", "drafts/a-story/index.md"):
        strict.file(change, "two" if change.endswith("png") else f"---\ntitle: Copper\nauthors: [ada]\n---\n{body}x\n")
        assert strict.state("a-story")["warnings"][0]["message"] == (
            "awaits an approval; readers still get the version that Ines Aldabra approved"
        ), change
        decide(strict, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
        assert pending(strict) == ""
        assert strict.state("a-story")["state"] == "live"


def test_an_approval_is_valid_again_when_the_approved_draft_returns(strict: Newsroom) -> None:
    strict.publish("a-story", "Copper")
    decide(strict, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
    before = strict.page("/articles/a-story/")
    strict.publish("a-story", "Zinc")
    assert pending(strict)
    strict.publish("a-story", "Copper")
    assert strict.state("a-story")["state"] == "live"
    assert pending(strict) == ""
    assert strict.page("/articles/a-story/") == before


# --- The approved version stays live until the next one is approved ---


def pending(room: Newsroom, slug: str = "a-story") -> str:
    """Return the preview of an article; empty if there is none."""
    output = room.ports.private.outputs[f"preview/{slug}/index.html"]  # type: ignore[attr-defined]  # it is in memory
    return "" if output.metadata.get("status") else str(output.body.decode())


@pytest.fixture
def approved(strict: Newsroom) -> Newsroom:
    """A newsroom with a live article that was approved."""
    strict.file("drafts/a-story/map.png", "surveyed")
    strict.publish("a-story/index", "Copper", body="![Map](map.png)\n\n" + BODY)
    decide(strict, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
    assert strict.state("a-story")["state"] == "live"
    return strict


EDITS: dict[str, Callable[[Newsroom], None]] = {
    "one character": lambda room: room.publish("a-story/index", "Copper.", body="![Map](map.png)\n\n" + BODY),
    "other authors": lambda room: room.publish("a-story/index", "Copper", authors=["without-profile"], topics=["new"]),
    "an image": lambda room: room.file("drafts/a-story/map.png", "invented"),
    "no image": lambda room: room.file("drafts/a-story/map.png", None),
    "draft: true": lambda room: room.publish("a-story/index", "Copper", draft=True),
    "an embargo": lambda room: room.publish("a-story/index", "Copper", publish_at="2027-01-01"),
    "an end in the past": lambda room: room.publish("a-story/index", "Copper", expires="2026-01-01"),
    "a mistake": lambda room: room.publish("a-story/index", ""),
}


def articles(room: Newsroom, prefix: str = "articles/") -> dict[str, Output]:
    return {key: output for key, output in room.site.outputs.items() if key.startswith(prefix)}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_leaves_the_approved_version_live(approved: Newsroom, theme: Theme, edit: str) -> None:
    before, front = articles(approved), approved.page("/")
    EDITS[edit](approved)
    assert approved.state("a-story")["state"] == "live"
    assert articles(approved) == before
    assert approved.page("/") == front
    if edit != "a mistake":
        assert "Copper" in pending(approved)
        assert approved.state("a-story")["warnings"][0]["key"] == "approval"
    assert not compare(approved.ports, theme)
    decide(approved, decisions.correct, "a-story", "It was zinc.")
    assert "It was zinc." in approved.page("/articles/a-story/"), "decisions still apply"


def test_the_next_approval_replaces_the_live_version(approved: Newsroom) -> None:
    approved.publish("a-story/index", "Zinc", body="![Map](map.png)")
    approved.file("drafts/a-story/map.png", "redrawn")
    assert "Zinc" in pending(approved)
    decide(approved, decisions.approve, "a-story", "Bo Editor", "editor:2")
    assert pending(approved) == ""
    assert "Zinc" in approved.page("/articles/a-story/")
    assert {output.body for key, output in articles(approved).items() if key.endswith(".png")} == {b"redrawn"}


def test_a_withdrawn_or_expired_article_is_gone_although_it_was_approved(approved: Newsroom) -> None:
    approved.publish("a-story/index", "Zinc")
    decide(approved, decisions.withdraw, "a-story")
    assert http_status(approved, "articles/a-story/~public/index.html") == "410"
    decide(approved, decisions.publish, "a-story")
    assert "Copper" in approved.page("/articles/a-story/"), "the version that was approved"
    approved.file("drafts/a-story/index.md", None)
    assert http_status(approved, "articles/a-story/~public/index.html") == "410"


def test_an_approved_article_expires_while_a_revision_awaits_its_approval(approved: Newsroom) -> None:
    approved.publish("a-story/index", "Copper", expires=(NOW + timedelta(hours=1)).isoformat())
    decide(approved, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
    approved.publish("a-story/index", "Zinc")
    approved.now = NOW + timedelta(hours=1)
    approved.fire_schedule("a-story")
    assert approved.state("a-story")["state"] == "expired"
    assert http_status(approved, "articles/a-story/~public/index.html") == "410"


def test_an_approved_article_stays_live_at_a_new_slug(approved: Newsroom) -> None:
    approved.publish("a-story/index", "Zinc", slug="b-story")
    assert approved.state("b-story")["state"] == "live"
    page = approved.page("/articles/b-story/")
    assert "Copper" in page
    assert "Zinc" not in page
    [image] = re.findall(r'src="/(articles/b-story/)(map\.[^"]*)"', page)
    assert approved.site.outputs[f"{image[0]}~public/{image[1]}"].body == b"surveyed"
    assert http_status(approved, "articles/a-story/~public/index.html") == "301"


def test_an_approval_of_another_draft_at_the_same_slug_does_not_count(approved: Newsroom) -> None:
    approved.file("drafts/a-story/index.md", None)
    approved.publish("a-story", "Zinc")
    assert approved.state("a-story")["state"] != "live"
    assert "Copper" not in approved.page("/articles/a-story/")
    assert "Zinc" not in approved.page("/articles/a-story/")


def test_a_profile_of_a_pending_revision_changes_its_preview(approved: Newsroom) -> None:
    approved.publish("a-story/index", "Zinc", authors=["cy"])
    approved.file("authors/cy.md", "---\nname: Cyrus Late\nkind: ai\n---\nBio.\n")
    assert "Cyrus Late" in pending(approved)


@pytest.mark.parametrize(
    ("authors", "state"),
    [(["bo"], "live"), (["ada"], "draft"), (["bo", "ada"], "draft"), (["without-profile"], "draft"), ([], "draft")],
)
def test_the_authors_kinds_decide_whether_approval_is_needed(strict: Newsroom, authors: list[str], state: str) -> None:
    strict.publish("a-story", authors=authors)
    assert strict.state("a-story")["state"] == state


def test_profiles_and_settings_can_require_approval_later(strict: Newsroom) -> None:
    strict.publish("a-story", authors=["bo"])
    strict.file("authors/bo.md", "---\nname: Bo\nkind: ai\n---\nBio.\n")
    assert strict.state("a-story")["state"] == "draft"
    assert strict.page("/articles/a-story/") == ""
    strict.file("site.yaml", None)
    assert strict.state("a-story")["state"] == "live"


def test_old_addresses_do_not_redirect_to_an_unapproved_article(strict: Newsroom) -> None:
    strict.publish("a-story", authors=["bo"])
    strict.publish("a-story", authors=["bo"], slug="another-name")
    assert http_status(strict, "articles/a-story/~public/index.html") == "301"
    strict.file("authors/bo.md", "---\nname: Bo\nkind: ai\n---\nBio.\n")
    assert http_status(strict, "articles/a-story/~public/index.html") == "404"
    decide(strict, decisions.approve, "another-name", "Ines Aldabra", "editor:1")
    assert http_status(strict, "articles/a-story/~public/index.html") == "301"


def test_two_articles_that_swapped_their_addresses_do_not_gate_each_other_for_ever(strict: Newsroom) -> None:
    strict.publish("a-story", "Copper", slug="first")
    strict.publish("b-story", "Zinc", slug="second")
    strict.publish("a-story", "Copper", slug="third")
    strict.publish("b-story", "Zinc", slug="first")
    strict.publish("a-story", "Copper", slug="second")
    assert "Copper" in preview_of(strict, "second")
    assert "Zinc" in preview_of(strict, "first")


def preview_of(room: Newsroom, slug: str) -> str:
    output = room.ports.private.outputs[f"preview/{slug}/index.html"]  # type: ignore[attr-defined]  # it is in memory
    return str(output.body.decode())


def test_an_approved_article_waits_for_its_moment(strict: Newsroom) -> None:
    moment = NOW + timedelta(hours=1)
    strict.publish("a-story", publish_at=moment.isoformat())
    assert strict.state("a-story")["state"] == "draft"
    decide(strict, decisions.approve, "a-story", "Ines Aldabra", "editor:1")
    assert strict.state("a-story")["state"] == "scheduled"
    assert (moment, "a-story") in strict.schedules


def test_an_approval_digest_is_stable_across_versions_of_the_software() -> None:
    document = Document("a-story", title="T", blocks=(Block("", "", "<p>x</p>"),))
    known = approval_digest(document)
    assert known != approval_digest(replace(document, title="U"))
    assert known != approval_digest(replace(document, blocks=(Block("member", "", "<p>x</p>"),)))
    assert known != approval_digest(replace(document, assets=(Asset("a.png", "drafts/a/a.png", "1"),)))
    assert known == "55c9a6cd4620d8bcfe9bcb00292f56beedb2d17baf464af9a65266311969f33a"


def test_an_approval_that_is_not_required_is_shown_all_the_same(room: Newsroom) -> None:
    room.publish("a-story", production={"reviewed_by": "Somebody", "ai_roles": ["research"]})
    assert "<dt>Reviewed by, according to the author</dt>\n<dd>Somebody</dd>" in room.page("/articles/a-story/")
    decide(room, decisions.approve, "a-story", "  Ines  Aldabra ", "editor:1")
    assert "<dd>Ines Aldabra, <time" in room.page("/articles/a-story/")
    assert "Somebody" not in room.page("/articles/a-story/")
    with pytest.raises(Permanent, match="name"):
        decisions.approve("a-story", " ", "editor:1", room.ports)


def test_a_takedown_follows_an_article_that_loses_its_slug(room: Newsroom) -> None:
    room.publish("a-story", slug="shared")
    decide(room, decisions.withdraw, "shared")
    room.ports.drafts.put(Output("drafts/a-story.md", b"---\ntitle: T\n---\nText.\n", "text/markdown"), ANY)
    room.publish("b-story", slug="shared")
    claim = claim_of(room.ports.articles, "shared")
    assert claim
    assert claim.holder == "drafts/b-story.md"
    assert room.state("a-story")["state"] == "withdrawn"


# --- Corrections and revisions ---


def test_a_correction_is_on_the_article_and_on_the_corrections_page(room: Newsroom) -> None:
    room.publish("a-story", corrections=[{"date": "2026-11-02", "text": "The draft's own."}])
    decide(room, decisions.correct, "a-story", "It was zinc.")
    room.publish("a-story", body="New words.", corrections=[{"date": "2026-11-02", "text": "The draft's own."}])
    for path in ("/articles/a-story/", "/corrections/"):
        assert "It was zinc." in room.page(path)
        assert "The draft’s own." in room.page(path)


def test_a_rollback_restores_text_and_images_as_a_new_revision(room: Newsroom) -> None:
    room.file("drafts/a-story/map.png", "old map")
    room.publish("a-story/index", "First", body="![Map](map.png)")
    room.file("drafts/a-story/map.png", "new map")
    room.publish("a-story/index", "Second", body="![Map](map.png)")
    before = room.state("a-story")["revision"]
    decide(room, decisions.rollback, "a-story", 1)
    room.upload("drafts/a-story/map.png", b"old map")
    room.file("drafts/a-story/index.md", room.ports.drafts.get("drafts/a-story/index.md").body.decode())  # type: ignore[union-attr]
    assert "First" in room.page("/articles/a-story/")
    assert {o.body for key, o in room.site.outputs.items() if key.startswith("articles/") and key.endswith(".png")} == {
        b"old map"
    }
    assert room.state("a-story")["revision"] == before + 1
    with pytest.raises(NotFound, match="no revision 99"):
        decisions.rollback("a-story", 99, room.ports)


def test_decisions_follow_an_article_to_its_new_slug(room: Newsroom) -> None:
    room.publish("a-story", "Copper")
    decide(room, decisions.withdraw, "a-story")
    room.publish("a-story", "Copper", slug="another-name")
    assert room.state("another-name")["state"] == "withdrawn"
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]


# --- Conflicts, repetition and missing articles ---


def test_of_two_decisions_about_the_same_version_one_conflicts(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    document = room.ports.private.get("articles/a-story.json")
    assert document
    etag = article_etag(document, None)
    decisions.regate("a-story", "member", None, room.ports, expected=etag)
    with pytest.raises(Conflict):
        decisions.withdraw("a-story", room.ports, expected=etag)
    found = room.ports.private.get(decisions_key("a-story"))
    assert found
    assert b'"withdrawn":false' in found.body


def test_a_repeated_decision_emits_its_event_again(room: Newsroom) -> None:
    room.publish("a-story")
    decide(room, decisions.withdraw, "a-story")
    room.emitted(ArticleWithdrawn)
    decide(room, decisions.withdraw, "a-story")
    assert room.emitted(ArticleWithdrawn) == [ArticleWithdrawn("a-story")]


@pytest.mark.parametrize("decision", [decisions.withdraw, decisions.publish])
def test_a_missing_or_deleted_article_cannot_be_decided_about(room: Newsroom, decision: Callable[..., None]) -> None:
    with pytest.raises(NotFound):
        decision("never-was", room.ports)
    room.publish("a-story")
    room.file("drafts/a-story.md", None)
    with pytest.raises(NotFound, match="deleted"):
        decision("a-story", room.ports)


def kept(room: Newsroom, slug: str) -> Decisions:
    """Return the stored decisions about a slug."""
    return decisions_from(room.ports.private.get(decisions_key(slug)))


SENT_TWICE: dict[str, Callable[[Newsroom], decisions.StateChange]] = {
    "withdraw": lambda room: decisions.withdraw("a-story", room.ports),
    "schedule": lambda room: decisions.schedule("a-story", NOW + timedelta(days=9), room.ports),
    "regate": lambda room: decisions.regate("a-story", "member", None, room.ports),
    "correct": lambda room: decisions.correct("a-story", "Tin, not lead.", room.ports),
}


@pytest.mark.parametrize("name", SENT_TWICE)
def test_a_decision_that_moved_along_with_its_article_is_not_refused(room: Newsroom, name: str) -> None:
    """The editor was asked to try again while the draft was being processed that renamed the article."""
    room.publish("a-story", "Tin")
    renamed = '---\ntitle: Tin\nslug: moved\ndate: 2026-11-01\ntopics: ["energy"]\nauthors: ["ada"]\n---\nText.\n'
    room.upload("drafts/a-story.md", renamed.encode())
    with pytest.raises(Conflict):
        SENT_TWICE[name](room)
    room.deliver_emitted()
    room.process_all()
    done = SENT_TWICE[name](room)
    assert done.before == done.after
    assert done.after.state == {"withdraw": "withdrawn", "schedule": "scheduled"}.get(name, "live")
    room.process_all()
    assert len(kept(room, "moved").corrections) == (name == "correct")


def test_a_decision_that_did_not_move_along_is_refused(room: Newsroom) -> None:
    room.publish("a-story", "Tin")
    room.publish("a-story", "Tin", slug="moved")
    # An approval covers the address too, so none moves along.
    approve = {"approve": lambda room: decisions.approve("a-story", "Ed", "ed", room.ports)}
    for name, decide_again in (SENT_TWICE | approve).items():
        with pytest.raises(NotFound, match="has moved to “moved”"):
            decide_again(room)
        assert room.state("moved")["state"] == "live", name
    with pytest.raises(NotFound, match="has moved"):
        decisions.remove_correction("a-story", 1, room.ports)


def test_a_correction_sent_twice_is_one_and_none_is_removed_by_a_second_attempt(room: Newsroom) -> None:
    room.publish("a-story", "Tin")
    for text in ("One.", "One.", "Two.", "One."):
        decide(room, lambda ports, text=text: decisions.correct("a-story", text, ports))
    texts = [one["text"] for one in kept(room, "a-story").corrections]
    assert texts == ["One.", "Two.", "One."]
    room.upload("drafts/a-story.md", b"---\ntitle: Lead\n---\nText.\n")
    with pytest.raises(Conflict):
        decisions.remove_correction("a-story", 1, room.ports)
    assert len(kept(room, "a-story").corrections) == 3


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_an_empty_correction_is_refused(room: Newsroom, text: str) -> None:
    room.publish("a-story", "Tin")
    with pytest.raises(Permanent, match="needs a text"):
        decisions.correct("a-story", text, room.ports)


def test_a_correction_can_be_removed(room: Newsroom) -> None:
    room.publish("a-story", "Tin")
    for text in ("It was zinc.", "It was lead."):
        decide(room, decisions.correct, "a-story", text)
    decide(room, decisions.remove_correction, "a-story", 1)
    page = room.page("/articles/a-story/")
    assert ("It was zinc." in page, "It was lead." in page) == (False, True)
    for number in (0, 2, -1):
        with pytest.raises(NotFound, match="1 corrections"):
            decisions.remove_correction("a-story", number, room.ports)


def test_an_article_cannot_be_scheduled_for_the_past(room: Newsroom) -> None:
    room.publish("a-story", "Tin")
    with pytest.raises(Permanent, match="in the past"):
        decisions.schedule("a-story", room.ports.clock() - timedelta(seconds=1), room.ports)
    assert room.state("a-story")["state"] == "live"


# --- What was never public ---


def test_an_embargoed_draft_that_is_deleted_leaves_nothing(room: Newsroom) -> None:
    room.publish("a-story", "Copper", publish_at=(NOW + timedelta(hours=1)).isoformat(), aliases=["/articles/former/"])
    room.file("drafts/a-story.md", None)
    for slug in ("a-story", "former"):
        assert http_status(room, f"articles/{slug}/~public/index.html") == "404"
    room.publish("a-story", "Copper")
    room.publish("a-story", "Copper", draft=True)
    room.file("drafts/a-story.md", None)
    assert http_status(room, "articles/a-story/~public/index.html") == "410", "it was public once"


def test_an_embargo_that_an_editor_moves_moves_the_date_of_an_undated_draft(room: Newsroom) -> None:
    first, later = NOW + timedelta(hours=1), NOW + timedelta(days=2)
    text = f"---\ntitle: Copper\npublish_at: {first.isoformat()}\n---\nText.\n"
    room.file("drafts/a-story.md", text)
    room.publish("b-story", "Zinc", publish_at=first.isoformat(), date="2026-11-20")
    for slug in ("a-story", "b-story"):
        decide(room, decisions.schedule, slug, later)
    room.now = later
    for slug in ("a-story", "b-story"):
        room.fire_schedule(slug)
    assert f'"datePublished":"{later.isoformat()}"' in room.page("/articles/a-story/")
    assert '"datePublished":"2026-11-20' in room.page("/articles/b-story/")
    room.file("drafts/a-story.md", text.replace("Text.", "More."))
    assert f'"datePublished":"{later.isoformat()}"' in room.page("/articles/a-story/")


@pytest.mark.parametrize("key", ["date", "publishDate", "published_at"])
def test_a_date_that_was_an_embargo_moves_with_it(room: Newsroom, key: str) -> None:
    first, later, last = (NOW + timedelta(days=days) for days in (1, 3, 5))
    text = f"---\ntitle: Copper\n{key}: {first.isoformat()}\n---\nText.\n"
    room.file("drafts/a-story.md", text)
    decide(room, decisions.schedule, "a-story", later)
    room.now = first + timedelta(hours=1)
    decide(room, decisions.schedule, "a-story", last)
    room.now = last
    room.fire_schedule("a-story")
    assert f'"datePublished":"{last.isoformat()}"' in room.page("/articles/a-story/")
    room.file("drafts/a-story.md", text.replace("---\nText.", "slug: b-story\n---\nMore."))
    assert f'"datePublished":"{last.isoformat()}"' in room.page("/articles/b-story/")


def test_the_date_of_a_story_that_was_live_stays_when_an_editor_schedules_it_again(room: Newsroom) -> None:
    room.publish("a-story", date="2026-11-20")
    decide(room, decisions.schedule, "a-story", NOW + timedelta(days=1))
    room.now = NOW + timedelta(days=1)
    room.fire_schedule("a-story")
    assert '"datePublished":"2026-11-20' in room.page("/articles/a-story/")
