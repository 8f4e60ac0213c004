"""Warnings about the authors and topics that a draft names."""

from __future__ import annotations

from datetime import UTC, datetime

from nightdesk.domain.site import Site
from nightdesk.usecases.editors.check import Surroundings, check

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PROFILES = {"authors/ada-lindqvist.json", "topics/shipping.json"}


def messages(drafts: dict[str, str]) -> dict[str, list[str]]:
    """Return the warnings of each draft of a folder, checked in the order given."""
    around = Surroundings(Site(), PROFILES, (), NOW, lambda slug: "")
    return {
        name: [f"{problem['key']}: {problem['message']}" for problem in checked.warnings]
        for name, matter in drafts.items()
        if (checked := check(f"drafts/{name}.md", f"---\ntitle: T\n{matter}\n---\nText.\n".encode(), around))
    }


def test_a_misspelt_id_gets_a_suggestion() -> None:
    assert messages({"a": "authors: [ada-lindquist]\ntopics: [shiping]"})["a"] == [
        "authors: authors/ada-lindquist.md does not exist; the name is made from the id; did you mean `ada-lindqvist`?",
        "topics: topics/shiping.md does not exist; the name is made from the id; did you mean `shipping`?",
    ]


def test_a_known_id_gets_no_warning() -> None:
    assert messages({"a": "authors: [ada-lindqvist]\ntopics: [Shipping]"})["a"] == []


def test_two_names_under_one_id_in_two_articles_are_warned_of() -> None:
    found = messages(
        {"a": "authors: [王伟]\ntopics: [C++]", "b": "authors: [汪伟]\ntopics: ['C#']", "c": "authors: [王伟]"}
    )
    assert found["b"] == [
        "authors: “汪伟” has the id wangwei, under which 王伟 is known; write an id of your own for each",
        "topics: “C#” has the id c, under which C++ is known; write an id of your own for each",
    ]
    assert found["c"] == ["authors: authors/wangwei.md does not exist; the name is made from the id"]
