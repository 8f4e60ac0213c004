"""Suggestions for words that are not known."""

from __future__ import annotations

import pytest
from nightdesk.domain.suggestions import closest, did_you_mean

KEYS = ("title", "dek", "summary", "topics", "authors", "publish_at", "timezone", "tags")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tittel", "title"),
        ("Titre", "title"),
        ("título", "title"),
        ("dke", "dek"),
        ("sumarry", "summary"),
        ("topcis", "topics"),
        ("publishat", "publish_at"),
        ("Time Zone", "timezone"),
    ],
)
def test_a_few_mistakes_are_forgiven(typed: str, meant: str) -> None:
    assert closest(typed, KEYS) == meant
    assert did_you_mean(typed, KEYS) == f"did you mean `{meant}`?"


@pytest.mark.parametrize("typed", ["", "colour", "x", "ab", "weather", "title" * 50])
def test_a_word_that_resembles_nothing_gets_no_suggestion(typed: str) -> None:
    assert did_you_mean(typed, KEYS) == ""


def test_a_word_is_never_its_own_suggestion() -> None:
    assert closest("oslo", ["oslo"]) == ""
