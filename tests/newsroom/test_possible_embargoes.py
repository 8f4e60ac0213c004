"""A moment in the future under a name that Nightdesk does not know is never public early."""

from __future__ import annotations

import pytest
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.rendering.markdown import to_html
from support.memory_newsroom import Newsroom

FILED = "2026-11-23T00:00:00+00:00"
WAITING = [
    "release_date: 2099-01-01",
    "releaseDate: 2099-01-01T06:00:00Z",
    "date_released: 2099-01-01",
    "publication: 2099-01-01",
    "publish: 2099-01-01",
    "published_from: 2099-01-01",
    "embargo_date: 2099-01-01",
    "embargo_ends: 2099-01-01",
    "unlock_at: 2099-01-01",
]
REJECTED = [
    "start_date: 2099-01-01",
    "startDate: 2099-01-01",
    "valid_from: 2099-01-01",
    "effective: 2099-01-01",
    "live_from: 2099-01-01",
    "available: 2099-01-01",
    "online_since: 2099-01-01",
    "release_date: 1 January 2099",
    "release_date: 01/02/2099",
    "release_date: 4070908800",
    "release: {date: 2099-01-01}",
    "publish: {at: 2099-01-01}",
    "publishing: [{from: 2099-01-01}]",
    "extra: {embargo: {lifts: 2099-01-01}}",
    "params: {publish_at: 2099-01-01}",
    "date_gmt: 2099-01-01",
    "post_date_gmt: 2099-01-01 06:00",
    "timestamp: 4070908800",
]
FINE = [
    "release_date: 2020-01-01",
    "start_date: 2020-01-01",
    "event_start: 2099-01-01",
    "film_release: 2099-01-01",
    "unpublish_after: 2099-01-01",
    "valid_until: 2099-01-01",
    "deadline: 2099-01-01",
    "birthday: 2099-01-01",
    "date_of_birth: 2099-01-01",
    "created: 2020-01-01",
    "release: Version 2099",
    "publisher: Arden 2099",
    "since: 2099",
    "release_notes: In 2099 we shall see.",
]


def read(matter: str) -> tuple[str, list[str]]:
    """Return the moment for which a draft waits, and the kinds of its warnings."""
    draft = parse_draft(f"---\ntitle: T\n{matter}\n---\nText.\n".encode(), "a", Site(), to_html, FILED)
    return draft.publish_at, [warning.kind.id for warning in draft.warnings]


@pytest.mark.parametrize("matter", WAITING)
def test_a_release_in_the_future_waits(matter: str) -> None:
    until, warnings = read(matter)
    assert until.startswith("2099-01-01T")
    assert warnings == ["waits-like-embargo"]


@pytest.mark.parametrize("matter", REJECTED)
def test_what_may_be_an_embargo_is_not_published(matter: str) -> None:
    with pytest.raises(Rejected) as raised:
        read(matter)
    assert [(problem.kind.id, problem.line) for problem in raised.value.problems] == [("maybe-embargo", 3)]


@pytest.mark.parametrize("matter", FINE)
def test_other_keys_and_moments_in_the_past_are_kept(matter: str) -> None:
    assert read(matter) == ("", ["unknown-key"])


def test_the_later_of_two_moments_counts() -> None:
    until, warnings = read("publish_at: 2026-12-01\nrelease_date: 2099-01-01")
    assert until.startswith("2099-01-01T")
    assert sorted(warnings) == ["later-date-counts", "waits-like-embargo"]


def test_the_article_is_scheduled(room: Newsroom) -> None:
    room.publish("a", release_date="2099-01-01")
    assert room.state("a")["state"] == "scheduled"
    room.publish("b", start_date="2099-01-01")
    assert room.state("b")["state"] == "rejected"
