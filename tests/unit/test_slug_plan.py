"""Slug plans: which slugs a draft should have, by its record, its document and the histories of the drafts that claim one."""

from __future__ import annotations

import pytest
from nightdesk.domain.documents import Document
from nightdesk.usecases.pipeline.draft_versions import DraftVersion
from nightdesk.usecases.pipeline.slug_plan import (
    Contender,
    SlugPlan,
    aliased_slugs,
    has_older_right,
    plan_published,
    plan_rejected,
)


def contender(key: str, *slugs: str) -> Contender:
    """A draft whose versions had these slugs, one on each day of a month."""
    return Contender(key, tuple(DraftVersion(f"2026-11-{n:02}", slug, False, "") for n, slug in enumerate(slugs, 1)))


def test_aliases_that_are_slugs_become_pointers() -> None:
    aliases = ("/articles/old/", "/articles/old", "/articles/a/", "/archive/1.html", "/articles/Not-A-Slug/")
    document = Document("a", aliases=aliases)
    assert aliased_slugs(document) == ["old"]
    assert plan_published(document, ["a", "b", "old"]) == SlugPlan("a", ("old",), ("b", "old"))


@pytest.mark.parametrize(
    ("live", "pointers", "plan"),
    [
        ({"a"}, {"p"}, SlugPlan("a", ("p",), ("b", "c"))),
        ({"b", "c"}, set(), SlugPlan("b", (), ("a", "c", "p"))),
        (set(), {"p"}, SlugPlan("", (), ("a", "b", "c", "p"))),
    ],
    ids=["keeps its article", "keeps one of two that a run left", "keeps no pointer without an article"],
)
def test_a_rejected_draft_keeps_what_is_live(live: set[str], pointers: set[str], plan: SlugPlan) -> None:
    assert plan_rejected("a", ["a", "b", "c", "p"], live, pointers) == plan


@pytest.mark.parametrize(
    ("first", "second", "older"),
    [
        (contender("a", "s", "s"), contender("b", "other", "s"), True),
        (contender("a", "s", "other", "s"), contender("b", "other", "s"), False),
        (contender("a", "other"), contender("b", "s"), False),
        (contender("a", "s"), contender("b", "s"), True),
        (contender("b"), contender("a"), False),
    ],
    ids=["longer", "interrupted", "never", "equal, first by key", "neither, second by key"],
)
def test_the_draft_that_has_used_a_slug_for_longest_has_the_older_right(
    first: Contender, second: Contender, older: bool
) -> None:
    assert has_older_right("s", first, second) is older
    assert has_older_right("s", second, first) is not older
