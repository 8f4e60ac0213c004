"""When a changed profile is announced: whenever what is stored changed, whatever became of earlier runs, and not otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from copy import copy
from dataclasses import replace

import pytest
from nightdesk.domain.errors import Transient
from nightdesk.domain.events import DraftRejected, Event, ProfileChanged, RenderRequested, SiteChanged
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline.render import render
from support.memory_newsroom import Newsroom

DRAWING = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><path d="M0 0h8v8z"/></svg>'
FIRST, SECOND = (f"---\nname: Ada {name}\n---\nBio.\n" for name in ("One", "Two"))


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    room = Newsroom(theme)
    for name in ("ada", "ben"):
        room.file(f"authors/{name}.md", FIRST)
    room.events.clear()
    return room


class ObservedBus:
    """A bus that keeps the ids of the profiles that are announced, or refuses to announce any, as if the function died then."""

    def __init__(self, refuses: bool = False) -> None:
        self._refuses = refuses
        self.announced: list[str] = []

    def emit(self, events: Iterable[Event]) -> None:
        found = [event.id for event in events if isinstance(event, ProfileChanged)]
        if found and self._refuses:
            raise Transient("the function died")
        self.announced += found


def test_an_image_in_the_folder_of_all_authors_announces_none_of_them(room: Newsroom) -> None:
    room.file("authors/ada.svg", DRAWING)
    room.file("authors/ada.md", FIRST)
    assert room.emitted(ProfileChanged) == []
    room.file("authors/ada.md", FIRST.replace("---\nBio", "portrait: ada.svg\n---\nBio"))
    assert {event.id for event in room.emitted(ProfileChanged)} == {"ada"}


@pytest.mark.parametrize("text", [SECOND, None], ids=["changed", "deleted"])
def test_a_change_is_announced_although_the_runs_that_stored_it_died(room: Newsroom, text: str | None) -> None:
    put(room, text)
    die(room)
    die(room)
    assert survive(room) == ["ada"]
    assert survive(room) == []


def test_a_profile_that_is_again_what_it_was_is_announced_although_both_runs_died(room: Newsroom) -> None:
    """Readers may have got the version between, of which no event has told."""
    put(room, SECOND)
    die(room)
    put(room, FIRST)
    die(room)
    assert survive(room) == ["ada"]


def test_settings_that_did_not_change_are_not_announced(room: Newsroom) -> None:
    room.file("site.yaml", "name: The Quay\n")
    assert room.emitted(SiteChanged)
    room.file("site.yaml", "name: The Quay\n")
    assert not room.emitted(SiteChanged)


def put(room: Newsroom, text: str | None) -> None:
    if text is None:
        room.bare.drafts.delete("authors/ada.md")
    else:
        room.bare.drafts.put(Output("authors/ada.md", text.encode(), "text/markdown"), ANY)


def die(room: Newsroom) -> None:
    """Render the profile in a run that dies when it announces the change."""
    with pytest.raises(Transient):
        render("authors/ada.md", replace(room.bare, bus=ObservedBus(refuses=True)))


def survive(room: Newsroom) -> list[str]:
    """Render the profile, and return the ids that were announced."""
    bus = ObservedBus()
    render("authors/ada.md", replace(room.bare, bus=bus))
    return bus.announced


NAMESAKES = ("authors/Eve Roe.md", "authors/eve-roe.md", "authors/Eve_Roe.markdown")


@pytest.mark.parametrize("order", itertools.permutations(NAMESAKES), ids=lambda order: order[0])
def test_of_two_files_with_one_id_the_first_by_name_has_the_page_whatever_came_first(
    order: tuple[str, ...], theme: Theme
) -> None:
    room = Newsroom(theme)
    for key in order:
        room.file(key, f"---\nname: {key}\n---\n")
    first, *others = sorted(NAMESAKES)
    assert first in room.page("/authors/eve-roe/")
    for key in others:
        [problem] = room.state(key)["problems"]
        assert (room.state(key)["state"], problem["line"]) == ("rejected", 0)
        assert f"published as authors/eve-roe, which {first} already is" in problem["message"]
    room.file(others[0], f"---\nname: {others[0]}\n---\nNewer.\n")
    room.file(others[1], None)
    assert first in room.page("/authors/eve-roe/")
    room.file(first, None)
    assert others[0] in room.page("/authors/eve-roe/")
    assert room.state(others[0])["state"] != "rejected"
    room.file(others[0], None)
    assert room.page("/authors/eve-roe/") == ""


def test_a_file_that_gives_way_after_it_was_stored_has_the_first_one_rendered(room: Newsroom) -> None:
    name = "authors/ada.md"
    room.ports.drafts.put(Output("authors/Ada.md", FIRST.encode(), "text/markdown"), ANY)
    listed = room.ports.drafts.list
    calls = itertools.count()
    hidden = replace(room.ports, drafts=copy(room.ports.drafts))
    hidden.drafts.list = lambda prefix: [  # type: ignore[method-assign]
        (key, etag) for key, etag in listed(prefix) if key != "authors/Ada.md" or next(calls) > 1
    ]
    [result] = render(name, hidden)
    assert RenderRequested("authors/Ada.md") in result.events
    assert result.state == "rejected"


@pytest.mark.parametrize("typed", ["ada.svg", "Ada.SVG", "'%61da.svg'"])
def test_an_image_beside_authors_has_only_those_rendered_that_use_it(typed: str, room: Newsroom) -> None:
    rendered: list[str] = []
    for name in ("cy", "di"):
        room.file(f"authors/{name}.svg", DRAWING)
        room.file(f"authors/{name}.md", FIRST.replace("---\nBio", f"portrait: {name}.svg\n---\nBio"))
    room.file("authors/ada.md", FIRST.replace("---\nBio", f"portrait: {typed}\n---\nBio"))
    get = room.ports.drafts.get
    room.ports.drafts.get = lambda key, *version: (rendered.append(key), get(key, *version))[1]  # type: ignore[method-assign]
    for change in (DRAWING, DRAWING.replace("8v8z", "7v8z"), None):
        room.upload("authors/ada.svg", change.encode() if change else None)
        room.process_all()
        portrait = "/authors/ada/ada." in room.page("/authors/ada/")
        assert portrait == bool(change)
        assert {key for key in rendered if key.endswith(".md")} == {"authors/ada.md"}
        rendered.clear()


def test_an_exact_name_is_found_after_one_with_other_capitals(room: Newsroom) -> None:
    room.file("authors/Ada.svg", DRAWING)
    room.file("authors/ada.md", FIRST.replace("---\nBio", "portrait: ada.svg\n---\nBio"))
    before = room.page("/authors/ada/")
    room.file("authors/ada.svg", DRAWING.replace("8v8z", "7v8z"))
    assert room.page("/authors/ada/") != before


@pytest.mark.parametrize("key", ["authors/~.md", "topics/!.md", "pages/!.md"])
def test_a_file_from_whose_name_no_id_can_be_made_is_rejected_and_announces_nothing(room: Newsroom, key: str) -> None:
    title = "title" if key.startswith("pages/") else "name"
    room.emitted(DraftRejected)
    room.file(key, f"---\n{title}: T\n---\nText.\n")
    [rejected] = room.emitted(DraftRejected)
    assert "no id can be made" in rejected.problems[0]["message"]
    room.file(key, None)


@pytest.mark.parametrize("key", ["authors/ada.md", "pages/about.md", "site.yaml", "drafts/story.md"])
def test_a_file_that_is_rendered_again_writes_no_record(
    room: Newsroom, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"site.yaml": "title: The Post\n", "authors/ada.md": FIRST}
    room.file(key, texts.get(key, "---\ntitle: About\n---\nText.\n"))
    written: list[object] = []
    articles = room.ports.articles
    monkeypatch.setattr(articles, "write", written.append)
    render(key, room.ports)
    assert written == []
