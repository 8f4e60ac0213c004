"""What `aws s3 sync` puts into the drafts bucket beside the drafts: it ends as live, or as rejected with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightdesk.domain.events import DraftRejected
from nightdesk.repositories import articles_table
from support.default_theme import default_theme
from support.memory_newsroom import Newsroom

ROOT = Path(__file__).resolve().parents[2]
DRAFT = "---\ntitle: The quay\ndate: 2026-11-01\n---\nText.\n"


@pytest.fixture
def room() -> Newsroom:
    return Newsroom(default_theme())


@pytest.mark.parametrize("key", ["drafts/quay.MD", "drafts/quay/INDEX.md", "drafts/quay/Index.MARKDOWN"])
def test_capitals_in_a_files_name_do_not_matter(key: str, room: Newsroom) -> None:
    room.file(key, DRAFT)
    assert room.state("quay")["state"] == "live"
    assert "The quay" in room.page("/articles/quay/")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("drafts/2026/11/quay.md", "at a place that is not read"),
        ("drafts/quay/index.de.md", "at a place that is not read"),
        ("drafts/quay.mdx", "rename it to end in .md"),
        ("drafts/.quay.md", "hidden"),
        ("drafts/.#quay.md", "temporary"),
        ("drafts/quay (Ada's conflicted copy).md", "conflicted copy"),
        ("drafts/quay.md.swp", "temporary"),
        ("authors/desk/quay.md", "at a place that is not read"),
        ("topics/sub/quay.md", "at a place that is not read"),
    ],
)
def test_a_file_that_is_not_read_is_rejected_with_the_reason(key: str, reason: str, room: Newsroom) -> None:
    room.file("drafts/quay.md", DRAFT)
    room.file("authors/quay.md", "---\nname: Quay\n---\n")
    before = dict(room.site.outputs)
    room.events.clear()
    room.file(key, DRAFT.replace("The quay", "Not to be seen"))
    assert room.site.outputs == before
    record = articles_table.draft_record(room.ports.articles, key)
    assert record
    assert record.state == "rejected"
    assert reason in record.problems[0]["message"]
    assert [event.key for event in room.events if isinstance(event, DraftRejected)] == [key]
    room.file(key, None)
    assert room.site.outputs == before
    assert room.state("quay")["state"] == "live"


def test_an_update_at_a_place_that_is_not_read_is_rejected(room: Newsroom) -> None:
    room.file("updates/old/quay.md", "---\nheadline: The quay\n---\n")
    record = articles_table.draft_record(room.ports.articles, "updates/old/quay.md")
    assert record
    assert (record.kind, record.state) == ("update", "rejected")
