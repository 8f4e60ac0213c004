"""An old address that another draft takes leads to the article that had it before, until the new one is public."""

from __future__ import annotations

from datetime import timedelta

import pytest
from newsroom.test_decisions import decide
from nightdesk.usecases.editors import decisions
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import Newsroom

HIDDEN = [{"draft": True}, {"publish_at": "2027-12-30"}]


def answer(room: Newsroom, slug: str) -> str:
    """Return the status at an article's address, with the location of a redirect."""
    output = room.site.outputs.get(f"articles/{slug}/~public/index.html")
    metadata = output.metadata if output else {"status": "404"}
    return f"{metadata.get('status', '200')} {metadata.get('location', '')}".strip()


@pytest.fixture
def moved(room: Newsroom) -> Newsroom:
    """A newsroom with an article that was at `old` and is at `new`."""
    room.publish("quay", slug="old", title="Quay")
    room.publish("quay", slug="new", title="Quay")
    return room


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
def test_an_old_address_works_while_a_hidden_draft_has_it(moved: Newsroom, hidden: dict[str, object]) -> None:
    moved.publish("next", slug="old", title="Next", **hidden)
    assert answer(moved, "old") == "301 /articles/new/"
    moved.publish("quay", slug="newer", title="Quay")
    assert answer(moved, "old") == "301 /articles/newer/"
    moved.publish("next", slug="old", title="Next")
    assert answer(moved, "old") == "200"


@pytest.mark.parametrize("hidden", HIDDEN, ids=str)
def test_the_pointer_comes_back_when_a_hidden_draft_is_deleted(moved: Newsroom, hidden: dict[str, object]) -> None:
    moved.publish("next", slug="old", title="Next", **hidden)
    moved.file("drafts/next.md", None)
    assert answer(moved, "old") == "301 /articles/new/"
    moved.publish("quay", slug="newer", title="Quay")
    assert (answer(moved, "old"), answer(moved, "new")) == ("301 /articles/newer/", "301 /articles/newer/")


def test_the_pointer_comes_back_when_a_hidden_draft_moves(moved: Newsroom) -> None:
    moved.publish("next", slug="old", title="Next", draft=True)
    moved.publish("next", slug="elsewhere", title="Next", draft=True)
    assert (answer(moved, "old"), answer(moved, "elsewhere")) == ("301 /articles/new/", "404")
    moved.publish("third", slug="old", title="Third", draft=True)
    moved.publish("quay", slug="newer", title="Quay")
    assert answer(moved, "old") == "301 /articles/newer/", "it leads there through two hidden drafts"


def test_an_alias_of_a_hidden_draft_takes_no_old_address_from_readers(moved: Newsroom) -> None:
    moved.publish("next", slug="next", title="Next", draft=True, aliases=["/articles/old/"])
    assert answer(moved, "old") == "301 /articles/new/"
    moved.publish("next", slug="next", title="Next", draft=True)
    assert answer(moved, "old") == "301 /articles/new/"
    moved.publish("next", slug="next", title="Next", aliases=["/articles/old/"])
    assert answer(moved, "old") == "301 /articles/next/"


def test_a_published_article_that_is_deleted_is_gone(moved: Newsroom) -> None:
    moved.publish("next", slug="old", title="Next")
    moved.file("drafts/next.md", None)
    assert (answer(moved, "old"), answer(moved, "new")) == ("410", "200")


def test_the_redirect_ends_with_its_article(moved: Newsroom) -> None:
    moved.publish("next", slug="old", title="Next", draft=True)
    moved.file("drafts/quay.md", None)
    assert (answer(moved, "old"), answer(moved, "new")) == ("404", "410")
    moved.file("drafts/next.md", None)
    assert answer(moved, "old") == "410"


def test_the_redirect_follows_an_article_that_is_filed_again(moved: Newsroom) -> None:
    moved.publish("next", slug="old", title="Next", draft=True)
    moved.file("drafts/quay.md", None)
    moved.now += timedelta(minutes=5)
    moved.file("drafts/quay/index.md", "---\ntitle: Quay\nslug: newer\ndate: 2026-11-01\n---\nWords.\n")
    assert (answer(moved, "old"), answer(moved, "new")) == ("301 /articles/newer/", "301 /articles/newer/")


def test_it_begins_and_ends_with_the_embargo_of_the_article(moved: Newsroom) -> None:
    moved.publish("next", slug="old", title="Next", draft=True)
    moved.publish("quay", slug="new", title="Quay", publish_at="2027-01-30")
    assert answer(moved, "old") == "404", "it would tell that there is an article"
    moved.publish("quay", slug="new", title="Quay")
    assert answer(moved, "old") == "301 /articles/new/"


def test_two_hidden_drafts_that_swap_slugs_come_to_rest(room: Newsroom) -> None:
    room.file("site.yaml", "name: N\nrequire_approval: [human]\n")
    room.publish("a", slug="one", title="A")
    room.publish("b", slug="two", title="B")
    room.publish("a", slug="three", title="A")
    room.publish("b", slug="one", title="B")
    room.publish("a", slug="two", title="A")
    assert answer(room, "one") != "301 /articles/one/"


def test_an_approval_opens_the_old_address(room: Newsroom) -> None:
    room.file("site.yaml", "name: N\nrequire_approval: [human]\n")
    room.publish("quay", slug="old", title="Quay")
    room.publish("quay", slug="new", title="Quay")
    room.publish("next", slug="old", title="Next")
    assert answer(room, "old") == "404"
    decide(room, decisions.approve, "new", "Ines Aldabra", "editor:1")
    assert (answer(room, "new"), answer(room, "old")) == ("200", "301 /articles/new/")


def test_reconcile_finds_nothing_wrong_with_such_an_address(moved: Newsroom) -> None:
    moved.publish("next", slug="old", title="Next", draft=True)
    assert not compare(moved.ports, moved.theme)
    moved.file("drafts/next.md", None)
    assert not compare(moved.ports, moved.theme)
