"""Editors' acts over drafts: what they change, what they leave, and what a new draft does to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from nightdesk.domain.documents import Asset, Block, Document
from nightdesk.domain.editorial import approved_form
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.rendering.environment import Theme
from nightdesk.usecases import editorial
from nightdesk.usecases.catalogue import holder
from nightdesk.usecases.editorial import Unapproved, Unknown
from nightdesk.usecases.gate import lift
from nightdesk.usecases.ports import ANY, Event, Objects, Output
from nightdesk.usecases.stored import editorial_key, mark_of
from simulation.routes import ALARM
from unit.test_pipeline import NOW, Newsroom

TIERS = ("public", "subscriber", "member")

BODY = "Free.\n\n::: gate tier=subscriber\nFirst passage.\n:::\n\n::: gate tier=member\nSecond passage.\n:::\n"


@pytest.fixture(scope="module")
def theme() -> Theme:
    return Theme(Path(__file__).resolve().parents[2] / "layers" / "theme")


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    return Newsroom(theme)


def act(room: Newsroom, what: Callable[..., None], *args: Any, **kwargs: Any) -> None:
    """An editor's act, worked off."""
    what(*args, room.ports, **kwargs)
    room.collect()
    room.settle()


def status_of(room: Newsroom, key: str) -> str:
    output = room.site.outputs.get(key)
    return output.metadata.get("status", "200") if output else "404"


# --- Withdraw and publish ---


def test_what_was_withdrawn_stays_so_whatever_drafts_come(room: Newsroom) -> None:
    room.file("drafts/a-story/map.png", "map")
    room.publish("a-story/index", "Copper", body="![Map](map.png)")
    images = [key for key in room.site.outputs if key.startswith("articles/a-story/") and key.endswith(".png")]
    assert len(images) == 3
    act(room, editorial.withdraw, "a-story")
    assert room.state("a-story")["state"] == "withdrawn"
    assert {status_of(room, key) for key in (*images, "articles/a-story/~member/index.html")} == {"410"}
    room.publish("a-story/index", "Copper again", body="![Map](map.png)")
    assert room.state("a-story")["state"] == "withdrawn"
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]
    act(room, editorial.publish, "a-story")
    assert room.state("a-story")["state"] == "live"
    assert "Copper again" in room.page("/articles/a-story/")
    assert "Copper again" in room.page("/")
    assert {room.site.outputs[key].body for key in images} == {b"map"}


def test_a_late_event_does_not_bring_it_back(room: Newsroom) -> None:
    room.publish("a-story", "Copper")
    earlier = [event for event in room.events if event.type != "SiteChanged"]
    act(room, editorial.withdraw, "a-story")
    for event in earlier:
        room.say([event])
        room.settle()
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]


def test_a_draft_goes_live_when_an_editor_says_so(room: Newsroom) -> None:
    room.file("drafts/a-story.md", "---\ntitle: T\ndraft: true\n---\nText.\n")
    room.now = NOW + timedelta(hours=3)
    act(room, editorial.publish, "a-story")
    assert room.state("a-story")["state"] == "live"
    assert '"datePublished":"2026-11-23T03:00:00+00:00"' in room.page("/articles/a-story/")
    room.now = NOW + timedelta(hours=5)
    act(room, editorial.publish, "a-story")
    assert '"datePublished":"2026-11-23T03:00:00+00:00"' in room.page("/articles/a-story/"), "it was live already"


# --- Moments ---


def test_a_schedule_holds_an_article_back_and_lets_it_go(room: Newsroom) -> None:
    room.publish("a-story", "Copper", date="2026-11-20")
    moment = NOW + timedelta(hours=2)
    act(room, editorial.schedule, "a-story", moment)
    assert room.state("a-story")["state"] == "scheduled"
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]
    assert (moment, "a-story") in room.alarms
    room.publish("a-story", "Copper, corrected", date="2026-11-20")
    assert room.state("a-story")["state"] == "scheduled"
    room.now = moment
    room.ring("a-story")
    assert room.state("a-story")["state"] == "live"
    assert '"datePublished":"2026-11-20' in room.page("/articles/a-story/"), "the date that its author typed"


def test_an_editor_can_bring_a_moment_forward(room: Newsroom) -> None:
    room.publish("a-story", "Copper", date="2027-03-01")
    moment = NOW + timedelta(minutes=5)
    act(room, editorial.schedule, "a-story", moment)
    room.now = moment
    room.ring("a-story")
    assert room.state("a-story")["state"] == "live"
    room.publish("b-story", "Zinc", publish_at="2027-03-01")
    act(room, editorial.publish, "b-story")
    assert "Zinc" in room.page("/")


def test_an_alarm_that_rings_early_or_for_nothing_does_no_harm(room: Newsroom) -> None:
    room.publish("a-story", "Copper", publish_at=(NOW + timedelta(hours=1)).isoformat())
    room.ring("a-story")
    assert room.state("a-story")["state"] == "scheduled"
    act(room, editorial.withdraw, "a-story")
    room.now = NOW + timedelta(hours=2)
    room.ring("a-story")
    assert room.state("a-story")["state"] == "withdrawn"


def due(room: Newsroom, *slugs: str) -> None:
    """Articles whose embargo ends now."""
    for slug in slugs:
        room.publish(slug, f"About {slug}", publish_at=(NOW + timedelta(hours=1)).isoformat())
    room.now = NOW + timedelta(hours=1)


def test_all_that_are_due_are_up_before_the_lists_are_made(room: Newsroom) -> None:
    due(room, "a-story", "b-story")
    for slug in ("a-story", "b-story"):
        room.say([Event(ALARM, {"slug": slug})])
    room.step()
    room.step()
    assert [f"About {slug}" in room.page(f"/articles/{slug}/") for slug in ("a-story", "b-story")] == [True, True]
    assert "About a-story" not in room.page("/")
    room.settle()
    assert "About a-story" in room.page("/")
    assert "About a-story" in room.page("/articles/b-story/"), (
        "as the one before, which was not there yet when this went up"
    )


def test_the_end_of_an_embargo_brings_back_nothing_that_was_taken_down(room: Newsroom) -> None:
    due(room, "a-story")

    class Slow:
        """The site's bucket, where an editor is quicker."""

        def put(self, output: Output, expected: str | None) -> None:
            if status_of(room, output.key) == "404":
                act(room, editorial.withdraw, "a-story")
            room.site.put(output, expected)

    assert not lift("a-story", replace(room.ports, site=cast(Objects, Slow())), room.theme)
    assert {status_of(room, f"articles/a-story/~{tier}/index.html") for tier in TIERS} == {"410"}


def test_old_addresses_lead_nowhere_before_the_moment(room: Newsroom) -> None:
    old = "articles/former/~public/index.html"
    room.publish("a-story", "Copper", publish_at=(NOW + timedelta(hours=1)).isoformat(), aliases=["/articles/former/"])
    assert not [key for key, output in room.site.outputs.items() if "a-story" in f"{key} {output.metadata}"]
    assert status_of(room, old) == "404"
    assert (NOW + timedelta(hours=1), "former") in room.alarms
    room.now = NOW + timedelta(hours=1)
    room.ring("former")
    room.ring("a-story")
    assert status_of(room, old) == "301"
    act(room, editorial.schedule, "a-story", NOW + timedelta(hours=3))
    assert status_of(room, old) == "404"
    act(room, editorial.publish, "a-story")
    assert status_of(room, old) == "301"


def test_an_address_that_another_took_over_leads_there(room: Newsroom) -> None:
    for slug in ("one", "two", "three"):
        room.publish("a-story", "Copper", slug=slug)
    room.publish("b-story", "Zinc", slug="two", draft=True)
    room.publish("a-story", "Copper again", slug="three")
    assert status_of(room, "articles/two/~public/index.html") == "404"
    assert status_of(room, "articles/one/~public/index.html") == "301"


def test_old_addresses_of_what_is_gone_lead_to_where_it_says_so(room: Newsroom) -> None:
    room.publish("a-story", "Copper", aliases=["/2019/copper/"])
    act(room, editorial.withdraw, "a-story")
    assert status_of(room, "2019/copper/index.html") == "301"
    assert status_of(room, "articles/a-story/~public/index.html") == "410"
    room.publish("b-story", "Zinc", aliases=["/2019/copper/"])
    assert room.site.outputs["2019/copper/index.html"].metadata["location"] == "/articles/b-story/"
    act(room, editorial.publish, "a-story")
    assert room.site.outputs["2019/copper/index.html"].metadata["location"] == "/articles/a-story/"


def test_an_article_expires_by_itself(room: Newsroom) -> None:
    over = NOW + timedelta(hours=1)
    room.publish("a-story", "Copper", expires=over.isoformat())
    assert "Copper" in room.page("/")
    assert (over, "a-story") in room.alarms
    room.now = over
    room.ring("a-story")
    assert room.state("a-story")["state"] == "expired"
    assert "Copper" not in room.page("/")
    with pytest.raises(Permanent, match="expired"):
        act(room, editorial.publish, "a-story")


# --- Access ---


def test_a_whole_article_is_gated_without_a_new_draft(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    assert "Free." in room.page("/articles/a-story/")
    act(room, editorial.regate, "a-story", "member", None)
    assert "Free." not in room.page("/articles/a-story/")
    assert '"isAccessibleForFree":false' in room.page("/articles/a-story/")
    act(room, editorial.regate, "a-story", "", None)
    assert "Free." in room.page("/articles/a-story/")


def test_a_single_gate_is_opened_and_closed(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    act(room, editorial.regate, "a-story", None, {1: "public", 2: "subscriber"})
    assert "First passage." in room.page("/articles/a-story/")
    assert b"Second passage." in room.site.outputs["articles/a-story/~subscriber/index.html"].body
    act(room, editorial.regate, "a-story", None, {2: ""})
    assert b"Second passage." not in room.site.outputs["articles/a-story/~subscriber/index.html"].body
    assert "First passage." in room.page("/articles/a-story/")


def test_a_gate_that_was_opened_does_not_open_what_is_written_later(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    act(room, editorial.regate, "a-story", None, {1: "public", 2: "subscriber"})
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
def test_no_such_tier_or_gate(room: Newsroom, access: str | None, gates: dict[int, str] | None) -> None:
    room.publish("a-story", body=BODY)
    with pytest.raises(Permanent):
        editorial.regate("a-story", access, gates, room.ports)
    assert room.ports.work.get(editorial_key("a-story")) is None


# --- Approval ---

DEMANDED = "tiers: [public, subscriber, member]\nrequire_approval: [ai]\n"


def approval(room: Newsroom) -> list[str]:
    """What the article's status says of a missing approval."""
    return [p["message"] for p in room.state("a-story")["problems"] if p["key"] == "approval"]


@pytest.fixture
def strict(room: Newsroom) -> Newsroom:
    """A newsroom that wants an editor's approval for what its AI persona writes."""
    room.file("site.yaml", DEMANDED)
    room.file("authors/ada.md", "---\nname: Ada\nkind: ai\nresponsible_editor: Somebody Else\n---\nBio.\n")
    room.file("authors/bo.md", "---\nname: Bo\n---\nBio.\n")
    return room


def test_what_needs_an_approval_waits_for_it(strict: Newsroom) -> None:
    strict.publish("a-story", "Copper")
    assert strict.state("a-story")["state"] == "draft"
    assert approval(strict) == ["an editor must approve it before it goes live"]
    assert not [key for key, output in strict.site.outputs.items() if b"Copper" in output.body]
    with pytest.raises(Unapproved):
        editorial.publish("a-story", strict.ports)
    act(strict, editorial.approve, "a-story", "Ines Aldabra", "editor:1")
    assert strict.state("a-story")["state"] == "live"
    assert approval(strict) == []
    page = strict.page("/articles/a-story/")
    head = page[page.index("<h1>") : page.index('<div class="body')]
    assert "Ines Aldabra is responsible and approved it" in head
    assert "23 November 2026" in head
    assert '"accountablePerson":{"@type":"Person","name":"Ines Aldabra"}' in page
    assert "Approved by" in page


def test_a_change_by_the_writer_voids_an_approval_and_an_editors_act_does_not(strict: Newsroom) -> None:
    strict.file("drafts/a-story/map.png", "one")
    body = "![Map](map.png)\n\n" + BODY
    strict.publish("a-story/index", "Copper", body=body)
    act(strict, editorial.approve, "a-story", "Ines Aldabra", "editor:1")
    act(strict, editorial.regate, "a-story", "member", {1: "member"})
    act(strict, editorial.correct, "a-story", "It was zinc.")
    act(strict, editorial.schedule, "a-story", NOW + timedelta(hours=1))
    assert strict.state("a-story")["state"] == "scheduled"
    act(strict, editorial.publish, "a-story")
    assert strict.state("a-story")["state"] == "live"
    for change in ("drafts/a-story/map.png", "drafts/a-story/index.md"):
        strict.file(change, "two" if change.endswith("png") else f"---\ntitle: Copper\nauthors: [ada]\n---\n{body}x\n")
        assert strict.state("a-story")["state"] == "draft", change
        assert approval(strict) == ["has changed since Ines Aldabra approved it; an editor must approve it again"]
        assert strict.page("/articles/a-story/") == ""
        act(strict, editorial.approve, "a-story", "Ines Aldabra", "editor:1")
        assert strict.state("a-story")["state"] == "live"


def test_an_approval_holds_for_what_was_approved_whoever_brings_it_back(strict: Newsroom) -> None:
    strict.publish("a-story", "Copper")
    act(strict, editorial.approve, "a-story", "Ines Aldabra", "editor:1")
    strict.publish("a-story", "Zinc")
    assert strict.state("a-story")["state"] == "draft"
    strict.publish("a-story", "Copper")
    assert strict.state("a-story")["state"] == "live"


@pytest.mark.parametrize(
    ("authors", "state"),
    [(["bo"], "live"), (["ada"], "draft"), (["bo", "ada"], "draft"), (["nobody-knows"], "draft"), ([], "draft")],
)
def test_whose_articles_need_one(strict: Newsroom, authors: list[str], state: str) -> None:
    strict.publish("a-story", authors=authors)
    assert strict.state("a-story")["state"] == state


def test_a_profile_or_a_setting_can_bring_the_demand_or_end_it(strict: Newsroom) -> None:
    strict.publish("a-story", authors=["bo"])
    strict.file("authors/bo.md", "---\nname: Bo\nkind: ai\n---\nBio.\n")
    assert strict.state("a-story")["state"] == "draft"
    assert strict.page("/articles/a-story/") == ""
    strict.file("site.yaml", None)
    assert strict.state("a-story")["state"] == "live"


def test_an_old_address_leads_to_nothing_that_is_held_back(strict: Newsroom) -> None:
    strict.publish("a-story", authors=["bo"])
    strict.publish("a-story", authors=["bo"], slug="another-name")
    assert status_of(strict, "articles/a-story/~public/index.html") == "301"
    strict.file("authors/bo.md", "---\nname: Bo\nkind: ai\n---\nBio.\n")
    assert status_of(strict, "articles/a-story/~public/index.html") == "404"
    act(strict, editorial.approve, "another-name", "Ines Aldabra", "editor:1")
    assert status_of(strict, "articles/a-story/~public/index.html") == "301"


def test_an_approval_is_for_the_moment_that_it_was_scheduled_for(strict: Newsroom) -> None:
    moment = NOW + timedelta(hours=1)
    strict.publish("a-story", publish_at=moment.isoformat())
    assert strict.state("a-story")["state"] == "draft"
    act(strict, editorial.approve, "a-story", "Ines Aldabra", "editor:1")
    assert strict.state("a-story")["state"] == "scheduled"
    assert (moment, "a-story") in strict.alarms


def test_an_approval_knows_what_a_later_version_of_the_software_adds() -> None:
    document = Document("a-story", title="T", blocks=(Block("", "", "<p>x</p>"),))
    known = approved_form(document)
    assert known != approved_form(replace(document, title="U"))
    assert known != approved_form(replace(document, blocks=(Block("member", "", "<p>x</p>"),)))
    assert known != approved_form(replace(document, assets=(Asset("a.png", "drafts/a/a.png", "1"),)))
    assert known == "55c9a6cd4620d8bcfe9bcb00292f56beedb2d17baf464af9a65266311969f33a"


def test_without_a_demand_an_approval_is_still_told_of(room: Newsroom) -> None:
    room.publish("a-story", production={"reviewed_by": "Somebody", "ai_roles": ["research"]})
    assert "Somebody" in room.page("/articles/a-story/")
    act(room, editorial.approve, "a-story", "  Ines  Aldabra ", "editor:1")
    assert "<dd>Ines Aldabra, <time" in room.page("/articles/a-story/")
    assert "Somebody" not in room.page("/articles/a-story/")
    with pytest.raises(Permanent, match="name"):
        editorial.approve("a-story", " ", "editor:1", room.ports)


def test_a_takedown_goes_along_when_another_takes_the_slug(room: Newsroom) -> None:
    room.publish("a-story", slug="shared")
    act(room, editorial.withdraw, "shared")
    room.ports.drafts.put(Output("drafts/a-story.md", b"---\ntitle: T\n---\nText.\n", "text/markdown"), ANY)
    room.publish("b-story", slug="shared")
    held = holder(room.ports.articles, "shared")
    assert held
    assert held["holder"] == "drafts/b-story.md"
    assert room.state("a-story")["state"] == "withdrawn"


# --- Corrections, revisions ---


def test_a_correction_shows_on_the_article_and_on_its_page(room: Newsroom) -> None:
    room.publish("a-story", corrections=[{"date": "2026-11-02", "text": "The draft's own."}])
    act(room, editorial.correct, "a-story", "It was zinc.")
    room.publish("a-story", body="New words.", corrections=[{"date": "2026-11-02", "text": "The draft's own."}])
    for path in ("/articles/a-story/", "/corrections/"):
        assert "It was zinc." in room.page(path)
        assert "The draft&#39;s own." in room.page(path)


def test_an_older_revision_becomes_a_new_one(room: Newsroom) -> None:
    room.file("drafts/a-story/map.png", "old map")
    room.publish("a-story/index", "First", body="![Map](map.png)")
    room.file("drafts/a-story/map.png", "new map")
    room.publish("a-story/index", "Second", body="![Map](map.png)")
    before = room.state("a-story")["revision"]
    act(room, editorial.rollback, "a-story", 1)
    room.act("drafts/a-story/map.png", b"old map")
    room.file("drafts/a-story/index.md", room.ports.drafts.get("drafts/a-story/index.md").body.decode())  # type: ignore[union-attr]
    assert "First" in room.page("/articles/a-story/")
    assert {o.body for key, o in room.site.outputs.items() if key.endswith(".png")} == {b"old map"}
    assert room.state("a-story")["revision"] == before + 1
    with pytest.raises(Unknown, match="no revision 99"):
        editorial.rollback("a-story", 99, room.ports)


def test_what_editors_decided_moves_with_the_article(room: Newsroom) -> None:
    room.publish("a-story", "Copper")
    act(room, editorial.withdraw, "a-story")
    room.publish("a-story", "Copper", slug="another-name")
    assert room.state("another-name")["state"] == "withdrawn"
    assert not [key for key, output in room.site.outputs.items() if b"Copper" in output.body]


# --- Two at once, and none ---


def test_of_two_editors_one_is_told_to_look_again(room: Newsroom) -> None:
    room.publish("a-story", body=BODY)
    document = room.ports.work.get("articles/a-story.json")
    assert document
    seen = mark_of(document, None)
    editorial.regate("a-story", "member", None, room.ports, expected=seen)
    with pytest.raises(Conflict):
        editorial.withdraw("a-story", room.ports, expected=seen)
    found = room.ports.work.get(editorial_key("a-story"))
    assert found
    assert b'"withdrawn":false' in found.body


def test_an_act_is_told_again_when_it_was_done_already(room: Newsroom) -> None:
    room.publish("a-story")
    act(room, editorial.withdraw, "a-story")
    room.told("ArticleWithdrawn")
    act(room, editorial.withdraw, "a-story")
    assert [detail["slug"] for detail in room.told("ArticleWithdrawn")] == ["a-story"]


@pytest.mark.parametrize("what", [editorial.withdraw, editorial.publish])
def test_nobody_acts_on_what_is_not_there(room: Newsroom, what: Callable[..., None]) -> None:
    with pytest.raises(Unknown):
        what("never-was", room.ports)
    room.publish("a-story")
    room.file("drafts/a-story.md", None)
    with pytest.raises(Unknown, match="deleted"):
        what("a-story", room.ports)
