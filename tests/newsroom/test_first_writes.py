"""The first run for an article looks for nothing before it writes, and notices when that was wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from nightdesk.domain.errors import Conflict
from nightdesk.ports import ANY, Change, Output
from nightdesk.repositories import articles_table, newest_entries
from nightdesk.repositories.private_bucket import facts_key
from nightdesk.usecases.pipeline.file_records import FileRecord
from nightdesk.usecases.pipeline.gate import gate
from support.memory_newsroom import Newsroom

KEY = "drafts/story.md"


def test_what_a_run_left_that_died_is_replaced(room: Newsroom) -> None:
    room.publish("story")
    whole = room.page("/articles/story/")
    for bucket in (room.bare.private, room.bare.site):
        for key in [key for folder in ("articles/story/", "preview/story/") for key in bucket.listing(folder)]:
            bucket.put(Output(key, b"half", "text/html"), ANY)
    room.bare.site.put(Output("articles/story/~public/left.png", b"left", "image/png"), ANY)
    room.bare.private.delete(facts_key("story"))
    gate("story", room.ports, room.theme)
    assert room.page("/articles/story/") == whole
    assert room.bare.site.get("articles/story/~public/left.png") is None
    assert room.bare.private.get(facts_key("story"))


def test_a_slug_is_named_and_claimed_at_once_or_only_named(room: Newsroom) -> None:
    room.publish("story")
    record = articles_table.draft_record(room.bare.articles, KEY)
    assert record
    other = FileRecord("drafts/other.md", room.bare)
    assert other.save_and_claim(record._replace(version=None, slugs=["fresh"]), "fresh")
    assert articles_table.claim_of(room.bare.articles, "fresh")
    third = FileRecord("drafts/third.md", room.bare)
    assert third.save_and_claim(record._replace(version=None, slugs=["fresh"]), "fresh") is None
    assert third.stored
    assert third.stored.slugs == ["fresh"]
    claim = articles_table.claim_of(room.bare.articles, "fresh")
    assert claim
    assert claim.holder == "drafts/other.md"


def test_a_slug_is_not_claimed_when_another_run_wrote_the_record(room: Newsroom) -> None:
    room.publish("story")
    file = FileRecord(KEY, room.bare)
    assert file.stored
    wanted = file.stored._replace(version=None, at="", slugs=["fresh", "story"])
    FileRecord(KEY, room.bare).save(wanted._replace(slugs=["later", "story"]))
    with pytest.raises(Conflict):
        file.save_and_claim(wanted, "fresh")
    assert articles_table.claim_of(room.bare.articles, "fresh") is None


def entries(keys: Sequence[str]) -> list[articles_table.ListEntry]:
    return [articles_table.ListEntry(key, {"slug": key}) for key in keys]


@pytest.mark.parametrize(
    ("newest", "complete", "found"),
    [
        ("edcba", False, "cb"),
        ("ed", False, None),
        ("edc", False, None),
        ("edc", True, "c"),
        ("", True, ""),
        ("", False, None),
    ],
)
def test_entries_before_a_place_are_found_among_the_newest(newest: str, complete: bool, found: str | None) -> None:
    among = newest_entries.preceding(entries(newest), complete, "d", 2)
    assert (None if among is None else "".join(entry.sort_key for entry in among)) == found


def test_what_is_found_among_the_newest_is_what_the_table_says(room: Newsroom) -> None:
    table = room.bare.articles
    table.write([Change("list#all", key, {"card": {"slug": key}}, None) for key in "abcdefg"])
    newest = articles_table.newest(table, "all", 5)
    for place in "abcdefgh":
        among = newest_entries.preceding(newest, False, place, 2)
        assert among in (None, articles_table.preceding(table, "all", place, 2))
