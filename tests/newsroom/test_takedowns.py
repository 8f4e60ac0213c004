"""A takedown belongs to the address and to the draft: what writers do afterwards cannot undo it, and an editor can."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from nightdesk.domain.errors import Conflict
from nightdesk.ports import Objects, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import decisions_from, load_document
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.draft_takedown import DraftTakedown
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import NOW, Newsroom

SECRET = "The harbour master signed the permit two days before the inquiry began, and his deputy knew of it."


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    """A newsroom in which an editor has just withdrawn the article `permit`."""
    found = Newsroom(theme)
    found.publish("permit", "Permit", SECRET)
    decide(found, "permit", decisions.withdraw)
    found.now = NOW + timedelta(minutes=5)
    return found


def decide(room: Newsroom, slug: str, decision: Callable[..., object]) -> None:
    """Decide, and run all stages."""
    decision(slug, room.ports)
    room.deliver_emitted()
    room.process_all()


def shown(room: Newsroom) -> list[str]:
    """Return the keys of the site's objects with the withdrawn text."""
    return sorted(key for key, output in room.site.outputs.items() if b"harbour master" in output.body)


def answer(room: Newsroom, slug: str) -> str:
    """Return the status at an article's address, with the location of a redirect."""
    output = room.site.outputs.get(f"articles/{slug}/~public/index.html")
    metadata = output.metadata if output else {"status": "404"}
    return f"{metadata.get('status', '200')} {metadata.get('location', '')}".strip()


def moved(room: Newsroom) -> None:
    room.publish("permit", "Permit", SECRET, slug="inquiry")


def moved_and_the_slug_reused(room: Newsroom) -> None:
    room.publish("permit", "Permit", SECRET, slug="inquiry")
    room.publish("other", "Other", SECRET, slug="permit")


def moved_twice(room: Newsroom) -> None:
    for slug in ("inquiry", "inquiry-two", "permit"):
        room.publish("permit", "Permit", SECRET, slug=slug)


def deleted_and_filed_under_another_slug(room: Newsroom) -> None:
    room.file("drafts/permit.md", None)
    room.publish("permit", "Permit", SECRET, slug="inquiry")


def filed_as_a_folder(room: Newsroom) -> None:
    room.file("drafts/permit.md", None)
    room.publish("permit/index", "Permit", SECRET + " More.", slug="inquiry")


def filed_as_a_folder_beside_the_file(room: Newsroom) -> None:
    room.publish("permit/index", "Permit", SECRET + " More.", slug="inquiry")


def filed_under_another_name(room: Newsroom) -> None:
    room.file("drafts/permit.md", None)
    room.publish("2026-11-24-inquiry", "Another title", SECRET)


def filed_under_another_name_in_addition(room: Newsroom) -> None:
    room.publish("inquiry", "Another title", SECRET, tags=["new"])


def aliased(room: Newsroom) -> None:
    room.file("drafts/permit.md", None)
    room.publish("other", "Other", "Other words.", aliases=["/articles/permit/"])


ATTACKS = [
    moved,
    moved_and_the_slug_reused,
    moved_twice,
    deleted_and_filed_under_another_slug,
    filed_as_a_folder,
    filed_as_a_folder_beside_the_file,
    filed_under_another_name,
    filed_under_another_name_in_addition,
    aliased,
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_writer_cannot_undo_a_takedown(room: Newsroom, attack: Callable[[Newsroom], None]) -> None:
    attack(room)
    assert shown(room) == []
    assert answer(room, "permit") == "410"
    attack(room)
    assert shown(room) == []
    assert answer(room, "permit") == "410"


def test_a_draft_that_another_one_took_the_slug_from_stays_down(room: Newsroom) -> None:
    room.publish("permit", "Permit", SECRET, slug="inquiry")
    room.publish("other", "Other", "Other words.", slug="permit")
    assert room.state("permit")["state"] == "withdrawn", "the address is still under the takedown"
    decide(room, "permit", decisions.publish)
    assert answer(room, "permit") == "200"
    assert room.state("inquiry")["state"] == "withdrawn", "the draft is, too"
    assert shown(room) == []


def test_a_draft_that_leaves_a_withdrawn_address_is_not_withdrawn(room: Newsroom) -> None:
    room.file("drafts/permit.md", None)
    room.publish("other", "Other", "Other words.", slug="permit")
    room.publish("other", "Other", "Other words.", slug="other")
    assert answer(room, "other") == "200"
    assert answer(room, "permit") == "410"


def test_an_editor_lifts_a_takedown_at_the_new_address_and_the_old_one(room: Newsroom) -> None:
    moved(room)
    decide(room, "inquiry", decisions.publish)
    assert answer(room, "inquiry") == "200"
    assert answer(room, "permit") == "301 /articles/inquiry/"
    room.publish("permit", "Permit", SECRET, slug="third")
    room.publish("copy", "Copy", SECRET)
    assert answer(room, "third") == "200", "the draft's mark is gone"
    assert answer(room, "copy") == "200", "and the text's"


def test_an_older_draft_with_the_same_text_is_not_withdrawn(theme: Theme) -> None:
    room = Newsroom(theme)
    room.publish("first", "First", SECRET)
    room.publish("second", "Second", SECRET)
    decide(room, "second", decisions.withdraw)
    room.now = NOW + timedelta(minutes=5)
    room.publish("first", "First, again", SECRET)
    assert answer(room, "first") == "200"


def test_a_short_text_may_be_used_again(theme: Theme) -> None:
    room = Newsroom(theme)
    room.publish("first", "First", "No comment.")
    decide(room, "first", decisions.withdraw)
    room.now = NOW + timedelta(minutes=5)
    room.publish("second", "Second", "No comment.")
    assert answer(room, "second") == "200"


# --- Earlier addresses ---


@pytest.fixture
def plain(theme: Theme) -> Newsroom:
    return Newsroom(theme)


def test_every_earlier_address_leads_to_the_article_in_one_step(plain: Newsroom) -> None:
    names = [f"tide-{number}" for number in range(1, 7)]
    for name in names:
        plain.publish("tide", "Tide", slug=name)
    assert {answer(plain, name) for name in names[:-1]} == {"301 /articles/tide-6/"}
    plain.publish("moon", "Moon", slug="tide-3")
    plain.publish("tide", "Tide", slug="tide-7")
    assert answer(plain, "tide-3") == "200"
    assert {answer(plain, name) for name in names if name != "tide-3"} == {"301 /articles/tide-7/"}


def test_an_earlier_address_never_leads_to_another_article(plain: Newsroom) -> None:
    for name in ("one", "two"):
        plain.publish("tide", "Tide", slug=name)
    plain.file("drafts/tide.md", None)
    plain.publish("moon", "Moon", slug="two")
    assert answer(plain, "one") == "410"
    plain.publish("tide", "Tide", slug="three")
    assert answer(plain, "one") == "301 /articles/three/"
    assert "Moon" in plain.page("/articles/two/")


# --- By what feeds know an article ---


def ids(room: Newsroom) -> dict[str, str]:
    """Return the id of each article in the JSON feed, by its slug; RSS must say the same."""
    items = json.loads(room.page("/feed.json"))["items"]
    guids = re.findall(r"<guid[^>]*>([^<]+)</guid>", room.page("/feed.xml"))
    assert guids == [item["id"] for item in items]
    assert len(set(guids)) == len(guids)
    return {item["url"].split("/")[-2]: item["id"].partition("/articles/")[2] for item in items}


def test_an_article_keeps_its_id_in_feeds_when_its_slug_changes(plain: Newsroom) -> None:
    plain.publish("tide", "Tide", slug="one")
    assert ids(plain) == {"one": "one/"}
    for slug in ("two", "three"):
        plain.publish("tide", "Tide", slug=slug)
        assert ids(plain) == {slug: "one/"}
    plain.publish("moon", "Moon", slug="one")
    assert ids(plain)["three"] == "one/"
    assert ids(plain)["one"].startswith("one/#")
    plain.publish("moon", "Moon, again", slug="one")
    plain.publish("tide", "Tide, again", slug="three", body="More.")
    assert ids(plain)["three"] == "one/"
    plain.file("drafts/moon.md", None)
    plain.publish("tide", "Tide", slug="one")
    assert ids(plain) == {"one": "one/"}
    found = compare(plain.ports, plain.theme)
    assert (found.articles, found.lists, found.orphans) == ((), (), ())


def test_a_slug_that_was_never_public_is_no_id(plain: Newsroom) -> None:
    plain.publish("tide", "Tide", slug="working-title", draft=True)
    plain.publish("tide", "Tide", slug="tide")
    assert ids(plain) == {"tide": "tide/"}


def test_a_takedown_covers_the_other_form_of_a_draft_at_once(plain: Newsroom) -> None:
    plain.publish("permit", "Permit", SECRET, slug="one")
    plain.publish("permit/index", "Permit", SECRET, slug="two")
    assert (answer(plain, "one"), answer(plain, "two")) == ("200", "200")
    plain.file("drafts/permit/index.md", "---\ndek: No title.\n---\n")
    decide(plain, "one", decisions.withdraw)
    assert shown(plain) == [], "although the newest version of the other form was rejected"


@pytest.mark.parametrize("other", ["permit.MD", "permit/INDEX.Md", "permit.Markdown", "/permit.md", "permit//index.md"])
def test_a_takedown_covers_a_form_of_a_draft_whose_key_is_unusual(plain: Newsroom, other: str) -> None:
    plain.publish("permit", "Permit", SECRET, slug="one")
    plain.publish("elsewhere", "Other", "Words.", slug="three")
    plain.file(f"drafts/{other}", "---\ntitle: Permit\nslug: two\n---\nOther words.\n")
    assert (answer(plain, "one"), answer(plain, "two")) == ("200", "200")
    decide(plain, "one", decisions.withdraw)
    assert (answer(plain, "one"), answer(plain, "two"), answer(plain, "three")) == ("410", "410", "200")
    decide(plain, "two", decisions.publish)
    assert answer(plain, "two") == "200", "until an editor lifts it there"


def file_at_once(room: Newsroom, key: str, *texts: str) -> None:
    """Upload several versions of a file before any stage runs."""
    for text in texts:
        room.upload(key, text.encode())
    room.process_all()


PERMIT = f"---\ntitle: Permit\ndate: 2026-11-01\nslug: inquiry\n---\n{SECRET} And more.\n"
UNTITLED = "---\ndek: No title.\n---\nText.\n"


def test_an_earlier_version_of_a_withdrawn_draft_does_not_take_an_address_down(room: Newsroom) -> None:
    file_at_once(room, "drafts/permit/index.md", PERMIT, UNTITLED)
    assert answer(room, "inquiry") == "404", "nothing was published there"
    room.publish("other", "Other", "Other words.", slug="inquiry")
    assert answer(room, "inquiry") == "200", "and nothing was withdrawn there"
    assert shown(room) == []


def test_an_earlier_version_is_published_when_an_editor_lifts_the_takedown(room: Newsroom) -> None:
    file_at_once(room, "drafts/permit/index.md", PERMIT, UNTITLED)
    decide(room, "permit", decisions.publish)
    assert answer(room, "permit") == "200"
    assert answer(room, "inquiry") == "200"


def test_a_draft_without_an_article_is_rejected_under_the_slug_that_it_wants(plain: Newsroom) -> None:
    """Which slug it had in between depends on the order of events."""
    plain.publish("crane", "Crane", "One text.", slug="taken")
    plain.now += timedelta(minutes=1)
    wanting = [f"---\ntitle: Tug\nslug: {slug}\n---\nAnother text.\n" for slug in ("passing", "taken")]
    file_at_once(plain, "drafts/tug.md", *wanting)
    assert [file.slug for file in articles_table.rejected(plain.bare.articles)] == ["passing"], (
        "it has an article there"
    )
    plain.publish("ferry", "Ferry", "A third text.", slug="passing")
    [rejected] = articles_table.rejected(plain.bare.articles)
    assert (rejected.key, rejected.slug) == ("drafts/tug.md", "taken")
    [problem] = plain.state("drafts/tug.md")["problems"]
    assert "“taken” is held by drafts/crane.md" in problem["message"]
    assert problem["line"] == 3, "where the slug is typed"


class Interrupted:
    """A private bucket in which something else happens just before one object is stored or read for the first time."""

    def __init__(self, inner: Objects, method: str, key: str, act: Callable[[], object]) -> None:
        self._inner, self._method, self._key, self._act = inner, method, key, act
        self._done = False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(first: Any, *rest: Any) -> Any:
            if not self._done and name == self._method and self._key in (first, getattr(first, "key", "")):
                self._done = True
                self._act()
            return method(first, *rest)

        return call


def interrupted(room: Newsroom, method: str, key: str, act: Callable[[], object]) -> Ports:
    return replace(room.bare, private=cast("Objects", Interrupted(room.bare.private, method, key, act)))


def test_a_draft_that_gets_another_slug_while_it_is_withdrawn_is_withdrawn_there(plain: Newsroom) -> None:
    def refile() -> None:
        plain.file("drafts/permit.md", None)
        plain.publish("permit", "Permit", SECRET, slug="inquiry")

    plain.publish("permit", "Permit", SECRET)
    with pytest.raises(Conflict):
        decisions.withdraw("permit", interrupted(plain, "put", "editorial/permit.json", refile))
    plain.deliver_emitted()
    plain.process_all()
    assert shown(plain) == []
    assert answer(plain, "inquiry") == "410"


def test_an_editor_who_publishes_while_another_withdraws_leaves_no_mark_on_a_live_draft(plain: Newsroom) -> None:
    def publish() -> None:
        decide(plain, "permit", decisions.publish)

    plain.publish("permit", "Permit", SECRET)
    ports = interrupted(plain, "put", "editorial/drafts/permit.json", publish)
    with pytest.raises(Conflict, match="another editor"):
        decisions.withdraw("permit", ports)
    decide(plain, "permit", decisions.publish)
    plain.publish("permit", "Permit", SECRET + " More.")
    assert answer(plain, "permit") == "200", "the mark is gone"


def test_an_editor_who_withdraws_while_another_publishes_makes_that_one_try_again(room: Newsroom) -> None:
    def withdraw() -> None:
        decide(room, "permit", decisions.withdraw)

    ports = interrupted(room, "put", "editorial/permit.json", withdraw)
    with pytest.raises(Conflict):
        decisions.publish("permit", ports)
    decide(room, "permit", decisions.publish)
    room.publish("permit", "Permit", SECRET + " More.")
    assert answer(room, "permit") == "200", "the mark is gone"


def test_a_withdrawn_draft_leaves_no_takedown_for_the_next_holder_of_its_slug(plain: Newsroom) -> None:
    plain.publish("permit", "Permit", SECRET)
    decide(plain, "permit", decisions.withdraw)
    plain.publish("permit", "Permit", SECRET, slug="inquiry")
    assert answer(plain, "inquiry") == "410"
    plain.publish("permit", "Permit", SECRET, slug="elsewhere")
    plain.publish("other", "Other", "Other words.", slug="inquiry")
    assert answer(plain, "inquiry") == "200", "no editor withdrew this address or this draft"
    assert [answer(plain, slug) for slug in ("permit", "elsewhere")] == ["410", "410"]
    plain.file("drafts/other.md", None)
    plain.publish("permit", "Permit", SECRET, slug="inquiry")
    assert answer(plain, "inquiry") == "410", "the draft that was withdrawn is, wherever it comes back"


def test_a_second_takedown_at_an_address_forgets_none_of_the_drafts(plain: Newsroom) -> None:
    plain.publish("permit", "Permit", SECRET)
    decide(plain, "permit", decisions.withdraw)
    plain.file("drafts/permit.md", None)
    plain.publish("second", "Second", "Quite other words.", slug="permit")
    decide(plain, "permit", decisions.withdraw)
    before = plain.bare.private.get("editorial/permit.json")
    assert before
    assert b'"taken_from":"second"' in before.body
    assert b'"withdrawn_drafts":["permit"]' in before.body
    plain.file("drafts/second.md", None)
    plain.publish("permit", "Permit", SECRET)
    after = plain.bare.private.get("editorial/permit.json")
    assert after
    assert after.body == before.body, "nothing is left to be added, in whatever order the drafts are rendered"
    decide(plain, "permit", decisions.publish)
    assert answer(plain, "permit") == "200"


def test_two_withdrawn_drafts_at_one_slug_are_both_named(plain: Newsroom) -> None:
    """A slow run of the one that lost the slug must not take the name of the other away."""
    for name in ("one", "two"):
        plain.publish(name, name.title(), f"{SECRET} {name}")
        decide(plain, name, decisions.withdraw)
    DraftTakedown("drafts/two.md", plain.bare).withdraw_at("shared", None)
    DraftTakedown("drafts/one.md", plain.bare).withdraw_at("shared", plain.bare.private.get("editorial/shared.json"))
    found = decisions_from(plain.bare.private.get("editorial/shared.json"))
    assert found.withdrawn_drafts == ("one", "two")
    assert not found.withdraws("three")


def test_no_earlier_version_with_a_withdrawn_text_is_published_in_place_of_a_rejected_one(plain: Newsroom) -> None:
    plain.publish("permit", "Permit", SECRET)
    decide(plain, "permit", decisions.withdraw)
    plain.now += timedelta(minutes=1)
    copy = f"---\ntitle: Copy\ndate: 2026-11-01\nslug: copied\n---\n{SECRET}\n"
    file_at_once(plain, "drafts/copy.md", copy, UNTITLED)
    assert answer(plain, "copied") == "404", "nothing was published there"
    decide(plain, "permit", decisions.publish)
    plain.process_all()
    assert answer(plain, "copied") == "200", "the draft falls back to it once the takedown is lifted"


def test_a_takedown_that_is_lifted_while_a_version_is_passed_over_is_noticed(plain: Newsroom) -> None:
    plain.publish("permit", "Permit", SECRET)
    decide(plain, "permit", decisions.withdraw)
    plain.now += timedelta(minutes=1)
    plain.publish("copy", "Copy", SECRET)
    document = load_document("copy", plain.bare)
    takedown = DraftTakedown("drafts/copy.md", plain.bare)
    assert document
    assert takedown.pass_over(document)
    takedown.require_passed_over()
    assert takedown.pass_over(document)
    decide(plain, "permit", decisions.publish)
    with pytest.raises(Conflict):
        takedown.require_passed_over()


def test_a_copy_of_a_mark_still_says_when_the_text_was_withdrawn(plain: Newsroom) -> None:
    """Reconcile builds the expected site with copies of the marks, which are newer objects."""
    plain.publish("permit", "Permit", SECRET)
    decide(plain, "permit", decisions.withdraw)
    plain.now += timedelta(minutes=1)
    copy = f"---\ntitle: Copy\ndate: 2026-11-01\nslug: copied\n---\n{SECRET}\n"
    file_at_once(plain, "drafts/copy.md", copy, UNTITLED)
    plain.now += timedelta(minutes=1)
    found = compare(plain.ports, plain.theme)
    assert not found, "what was passed over is passed over there too"
