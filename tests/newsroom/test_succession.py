"""A draft that is deleted and filed again, in its other form or under another name, is the same article."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from nightdesk.domain.events import ObjectChanged
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import Newsroom

MOVES = [("x.md", "x/index.md", slug) for slug in ("z", "", "w")]
MOVES += [(a, b, "w") for a, b in (("x/index.md", "x.md"), ("x.markdown", "x/INDEX.md"), ("x.MD", "x.md"))]


def text(slug: str = "", title: str = "Quay", more: str = "") -> str:
    line = f"slug: {slug}\n" if slug else ""
    return f"---\ntitle: {title}\ndate: 2026-11-01\n{line}{more}---\nWords.\n"


def answer(room: Newsroom, slug: str) -> str:
    """Return the status at an article's address, with the location of a redirect."""
    output = room.site.outputs.get(f"articles/{slug}/~public/index.html")
    metadata = output.metadata if output else {"status": "404"}
    return f"{metadata.get('status', '200')} {metadata.get('location', '')}".strip()


def ids(room: Newsroom) -> dict[str, str]:
    """Return the id of each article in the feed, by its address."""
    return {i["url"].split("/")[-2]: i["id"] for i in json.loads(room.site.outputs["feed.json"].body)["items"]}


def moved(room: Newsroom, form: str) -> str:
    """Publish a draft, give it two other slugs, and return its id in the feed."""
    for slug in ("", "y", "z"):
        room.file(f"drafts/{form}", text(slug))
    assert (answer(room, "x"), answer(room, "y")) == ("301 /articles/z/", "301 /articles/z/")
    return ids(room)["z"]


@pytest.mark.parametrize(("before", "after", "slug"), MOVES)
def test_another_form_of_a_draft_continues_its_article(room: Newsroom, before: str, after: str, slug: str) -> None:
    known = moved(room, before)
    room.file(f"drafts/{before}", None)
    assert {answer(room, each) for each in "xyz"} == {"410"}
    room.now += timedelta(minutes=5)
    room.file(f"drafts/{after}", text(slug))
    now = slug or "x"
    assert answer(room, now) == "200"
    assert {answer(room, each) for each in {"x", "y", "z"} - {now}} == {f"301 /articles/{now}/"}
    assert ids(room) == {now: known}


def test_it_is_continued_whichever_comes_first(room: Newsroom) -> None:
    known = moved(room, "x.md")
    room.upload("drafts/x/index.md", text("z").encode())
    room.upload("drafts/x.md", None)
    room.process_all()
    assert (answer(room, "x"), answer(room, "y"), ids(room)) == ("301 /articles/z/", "301 /articles/z/", {"z": known})


def test_an_article_that_never_moved_keeps_its_id_with_another_slug(room: Newsroom) -> None:
    room.file("drafts/x.md", text())
    known = ids(room)["x"]
    room.file("drafts/x.md", None)
    room.file("drafts/x/index.md", text("y"))
    assert (answer(room, "x"), ids(room)) == ("301 /articles/y/", {"y": known})


def test_another_name_with_the_same_slug_and_title_continues_it(room: Newsroom) -> None:
    known = moved(room, "x.md")
    room.now += timedelta(minutes=5)
    room.upload("drafts/renamed.md", text("z", more="dek: With a dek.\n").encode())
    room.process_all()
    assert answer(room, "z") == "200", "the first one has the slug"
    room.file("drafts/x.md", None)
    assert (answer(room, "x"), answer(room, "y"), ids(room)) == ("301 /articles/z/", "301 /articles/z/", {"z": known})
    room.file("drafts/renamed.md", text("q", "Another title"))
    assert {answer(room, each) for each in "xyz"} == {"301 /articles/q/"}
    assert ids(room) == {"q": known}


def test_another_article_at_the_same_slug_is_another_one(room: Newsroom) -> None:
    known = moved(room, "x.md")
    room.file("drafts/x.md", None)
    room.file("drafts/other.md", text("z", "Something else"))
    assert (answer(room, "x"), answer(room, "y"), answer(room, "z")) == ("410", "410", "200")
    assert ids(room)["z"] != known


def test_what_was_withdrawn_is_not_continued_under_another_name(room: Newsroom) -> None:
    moved(room, "x.md")
    decisions.withdraw("z", room.ports)
    room.deliver_emitted()
    room.process_all()
    room.file("drafts/x.md", None)
    room.file("drafts/other.md", text("z"))
    room.file("drafts/x/index.md", text("w"))
    assert {answer(room, each) for each in ("x", "y", "z", "w")} <= {"410", "301 /articles/z/", "301 /articles/w/"}
    assert (answer(room, "z"), answer(room, "w")) == ("410", "410")
    assert ids(room) == {}


def test_an_editors_decisions_follow_to_the_new_form(room: Newsroom) -> None:
    room.file("drafts/x.md", text())
    decisions.schedule("x", room.now + timedelta(days=90), room.ports)
    room.deliver_emitted()
    room.process_all()
    room.file("drafts/x.md", None)
    room.file("drafts/x/index.md", text("y"))
    assert room.state("y")["state"] == "scheduled"
    assert re.match("404|410", answer(room, "y"))


@pytest.mark.parametrize(("title", "date"), [("Quay", "2026-11-23"), ("Something else", "2026-12-03")])
def test_an_undated_article_keeps_its_date_in_its_new_form(room: Newsroom, title: str, date: str) -> None:
    for key in ("drafts/x.md", "drafts/x/index.md"):
        room.file(key, "---\ntitle: Quay\n---\nWords.\n")
        room.file(key, None)
        room.now += timedelta(days=5)
    room.file("drafts/x.markdown", f"---\ntitle: {title}\n---\nWords.\n")
    assert f'datetime="{date}' in room.page("/articles/x/")
    assert not compare(room.ports, room.theme)


def test_two_forms_at_once_are_two_articles_with_an_id_each(room: Newsroom) -> None:
    moved(room, "x.md")
    room.file("drafts/x.md", None)
    room.file("drafts/x/index.md", text("z"))
    room.file("drafts/x.md", text("w"))
    found = ids(room)
    assert set(found) == {"z", "w"}
    assert len(set(found.values())) == 2
    room.deliver([ObjectChanged("drafts/x/index.md"), ObjectChanged("drafts/x.md")])
    room.process_all()
    assert ids(room) == found
