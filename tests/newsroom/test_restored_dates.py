"""The dates of articles outlast a restore of the drafts bucket, in which every file is a new version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.repositories.private_bucket import load_document
from nightdesk.usecases.pipeline.reconcile import compare
from support.memory_newsroom import NOW, Newsroom

KEY = "drafts/quay.md"
LATER = timedelta(hours=30)


def text_of(body: str, **matter: Any) -> str:
    lines = "".join(f"{key}: {value}\n" for key, value in {"title": "The quay", **matter}.items())
    return f"---\n{lines}---\n{body}\n"


def dates(room: Newsroom) -> tuple[str, str]:
    document = load_document("quay", room.bare)
    assert document
    return document.date, document.lastmod


def at(moment: datetime) -> str:
    return moment.isoformat()


def restore(room: Newsroom, *texts: str) -> None:
    """Lose all versions of the file, and put some of them again, each as a new one."""
    drafts: MemoryObjects = room.bare.drafts  # type: ignore[assignment]  # memory_ports makes it
    drafts._history.clear()
    room.now += LATER
    for text in texts:
        room.now += timedelta(seconds=1)
        room.file(KEY, text)


def corrected(room: Newsroom) -> tuple[str, str, tuple[str, str]]:
    """Publish an article without a date and correct it an hour later. Returns both texts, and its dates."""
    first, second = text_of("It is old."), text_of("It is new.")
    room.file(KEY, first)
    room.now += timedelta(hours=1)
    room.file(KEY, second)
    assert dates(room) == (at(NOW), at(NOW + timedelta(hours=1)))
    return first, second, dates(room)


def test_a_restored_file_keeps_the_dates_of_its_article(room: Newsroom) -> None:
    _, second, before = corrected(room)
    restore(room, second)
    assert dates(room) == before
    assert not compare(room.bare, room.theme), "reconcile expects the same"


def test_earlier_versions_may_be_restored_as_well(room: Newsroom) -> None:
    first, second, before = corrected(room)
    restore(room, first, second)
    assert dates(room) == before


def test_a_change_after_the_restore_counts(room: Newsroom) -> None:
    _, second, before = corrected(room)
    restore(room, second)
    room.now += timedelta(days=1)
    room.file(KEY, text_of("It is newer."))
    changed = at(room.now)
    assert dates(room) == (before[0], changed)
    room.now += timedelta(days=1)
    room.file(KEY, text_of("It is newer.", topics="[harbour]"))
    assert dates(room) == (before[0], changed), "other topics are no change of the words"
    assert not compare(room.bare, room.theme)


def test_a_file_that_was_deleted_begins_anew(room: Newsroom) -> None:
    corrected(room)
    room.file(KEY, None)
    room.now += LATER
    room.file(KEY, text_of("Another quay."))
    assert dates(room) == (at(room.now), "")


@pytest.mark.parametrize("noticed", [False, True])
def test_a_restored_file_that_is_deleted_begins_anew(room: Newsroom, noticed: bool) -> None:
    _, second, _ = corrected(room)
    restore(room, second)
    room.upload(KEY, None)
    if noticed:
        room.process_all()
    room.now += LATER
    room.file(KEY, text_of("Another quay."))
    assert dates(room) == (at(room.now), "")


def test_a_draft_that_was_never_public_has_no_date_to_keep(room: Newsroom) -> None:
    room.file(KEY, text_of("Not yet.", draft="true"))
    restore(room, text_of("Not yet.", draft="true"))
    room.now += timedelta(days=1)
    room.file(KEY, text_of("Now."))
    assert dates(room) == (at(room.now), "")


def test_an_author_who_gives_a_date_decides(room: Newsroom) -> None:
    corrected(room)
    restore(room, text_of("It is new.", date="2020-01-02"))
    assert dates(room)[0].startswith("2020-01-02")
