"""Runs that are overtaken while they record something leave nothing behind that only they knew."""

from __future__ import annotations

from typing import Any

from nightdesk.domain.documents import digest
from nightdesk.domain.site import Site
from nightdesk.ports import ANY, Blob, Output
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table, list_records
from nightdesk.repositories.private_bucket import JSON, facts_key
from nightdesk.usecases.pipeline.entries import update_entries
from nightdesk.usecases.pipeline.lists import refresh_list
from support.memory_newsroom import Newsroom


def test_facts_that_change_back_while_a_run_records_what_they_were(room: Newsroom) -> None:
    room.publish("a-story", "As it is")
    key, private = facts_key("a-story"), room.bare.private
    now = private.get(key)
    assert now
    private.put(Output(key, now.body.replace(b"As it is", b"As it was"), JSON), ANY)
    inner = private.get

    def get(asked: str, version: str = "") -> Blob | None:
        blob = inner(asked, version)
        if asked == key and blob and b"As it was" in blob.body:
            # Gate makes the article as it is again, and the run of its event finds that the record says so already.
            private.put(Output(key, now.body, JSON), ANY)
            private.get = inner  # type: ignore[method-assign]
            update_entries("a-story", room.bare)
        return blob

    private.get = get  # type: ignore[method-assign]
    update_entries("a-story", room.bare)
    record = articles_table.article_record(room.bare.articles, "a-story")
    assert record
    assert record.facts == digest(now.body)


def test_what_directories_show_is_recorded_only_by_runs_that_make_them(room: Newsroom, theme: Theme) -> None:
    room.publish("a-story")
    table: Any = room.bare.articles
    before = list_records.summaries(table)
    [version] = [item["version"] for item in table.query("lists") if item["sk"] == "topic:energy"]
    table.write([articles_table.Change("lists", "topic:energy", None, version)])
    refresh_list("topic:energy", (), Site(), room.bare, theme)
    assert "topic:energy" not in dict(list_records.summaries(table)), "as when only texts in feeds changed"
    refresh_list("topic:energy", None, Site(), room.bare, theme)
    assert list_records.summaries(table) == before
