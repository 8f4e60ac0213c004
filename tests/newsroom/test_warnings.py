"""Warnings: counted on the bus, and listed with their lines by the status, the check and the watcher alike."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk.domain.events import DraftAccepted, DraftRejected
from nightdesk.domain.site import Site
from nightdesk.rendering.environment import Theme
from nightdesk.repositories import articles_table
from nightdesk.usecases.editors.check import Surroundings, check
from nightdesk.usecases.editors.profile_warnings import topic_warnings
from nightdesk.usecases.editors.status import draft_status
from nightdesk.usecases.ticker.update_files import process_file
from nightdesk_cli import watch
from support.memory_newsroom import NOW, Newsroom

PROFILES = {"authors/mira-holm.json", "topics/fisheries.json"}
DRAFT = """---
title: Nets come in empty
sumary: A season without herring.
authors:
  - mira-holm
  - mira-hlom
topics: [fisheries, fihseries]
---

Text.
"""
UPDATE = "---\nheadline: Ferry cancelled\nweight: 3\ntopic: fishereis\n---\n"
SETTINGS = """name: The Quay
taglin: News from the quay
feeds:
  - url: https://harbour.example/feed.xml
    topic: fisherie
    weigth: 4
support:
  - {label: Give, url: "https://quay.example/give", tilte: Give}
security:
  contact: mailto:desk@quay.example
  expires: 2026-11-22
"""


@pytest.fixture
def room(theme: Theme) -> Newsroom:
    made = Newsroom(theme)
    made.file("authors/mira-holm.md", "---\nname: Mira Holm\n---\n")
    made.file("topics/fisheries.md", "---\nname: Fisheries\n---\n")
    made.emitted(DraftAccepted)
    return made


def report(key: str, room: Newsroom) -> dict[str, Any]:
    """Return what the status says of a file."""
    record = articles_table.draft_record(room.bare.articles, key)
    assert record
    return draft_status(key, record, room.bare, room.now)


def told(warnings: Any) -> list[tuple[int, str, str]]:
    """Return line, key and suggestion of each warning."""
    return [(one["line"], one["key"], one["message"].rpartition("; ")[2]) for one in warnings]


EXPECTED = {
    "drafts/nets.md": (
        DRAFT,
        [
            (3, "sumary", "did you mean `summary`?"),
            (6, "authors", "did you mean `mira-holm`?"),
            (7, "topics", "did you mean `fisheries`?"),
        ],
    ),
    "updates/ferry.md": (UPDATE, [(4, "topic", "did you mean `fisheries`?")]),
    "site.yaml": (
        SETTINGS,
        [
            (2, "taglin", "did you mean `tagline`?"),
            (5, "feeds.topic", "did you mean `fisheries`?"),
            (6, "feeds.weigth", "did you mean `weight`?"),
            (8, "support.tilte", "did you mean `title`?"),
            (11, "security.expires", "write a later date"),
        ],
    ),
    "pages/contact.md": (
        "---\ntitle: Contact\nsumary: x\n---\n",
        [(3, "sumary", "did you mean `summary`?"), (5, "", "the page has no text")],
    ),
    "authors/jon.md": ("---\nname: Jon\nbaet: Ports\n---\n", [(3, "baet", "did you mean `beat`?")]),
}


@pytest.mark.parametrize("key", EXPECTED)
def test_status_and_check_list_the_same_warnings_with_their_lines(key: str, room: Newsroom) -> None:
    text, expected = EXPECTED[key]
    room.file(key, text)
    if key.startswith("updates/"):
        process_file(key, room.bare)
    assert told(report(key, room)["warnings"]) == expected
    around = Surroundings(Site(), PROFILES, (), NOW, lambda _: "")
    assert told(check(key, text.encode(), around).warnings) == expected


@pytest.mark.parametrize(
    ("key", "text", "warnings"),
    [
        ("drafts/a.md", "---\ntitle: T\ncolour: red\nmood: x\n---\nText.\n", 2),
        ("drafts/b.md", "---\ntitle: T\ndraft: true\n---\nText.\n", 0),
        ("authors/jon.md", "---\nname: Jon\ncolour: red\n---\n", 1),
        ("topics/tides.md", "---\nname: Tides\n---\n", 0),
        ("pages/contact.md", "---\ntitle: Contact\ncolour: red\n---\nText.\n", 1),
        ("site.yaml", "name: The Quay\ncolour: red\n", 1),
    ],
)
def test_an_accepted_file_is_announced_with_the_number_of_its_warnings(
    key: str, text: str, warnings: int, room: Newsroom
) -> None:
    room.file(key, text)
    found = [event for event in room.emitted(DraftAccepted) if event.key == key]
    assert {(event.revision, event.warnings) for event in found} == {(1, warnings)}
    room.file(key, text.replace("colour", "color").replace("T\n", "U\n").replace("name: ", "name: The "))
    assert room.emitted(DraftAccepted)[-1].revision >= 1
    room.file(key, "- x")
    assert [event.key for event in room.events if isinstance(event, DraftRejected)] == [key]
    assert key not in {event.key for event in room.emitted(DraftAccepted)}


def test_an_accepted_update_file_is_announced(room: Newsroom) -> None:
    room.upload("updates/ferry.md", UPDATE.replace("weight", "colour").encode())
    bus = room.bare.bus.events  # type: ignore[attr-defined]  # memory_ports gives MemoryBus
    bus.clear()
    process_file("updates/ferry.md", room.bare)
    assert [event for event in bus if isinstance(event, DraftAccepted)] == [
        DraftAccepted("updates/ferry.md", "ferry", 1, 1)
    ]


def test_a_deleted_file_is_not_accepted(room: Newsroom) -> None:
    room.file("drafts/a.md", "---\ntitle: T\n---\nText.\n")
    room.emitted(DraftAccepted)
    room.file("drafts/a.md", None)
    assert room.emitted(DraftAccepted) == []


def test_the_topic_of_a_posted_update_is_warned_of(room: Newsroom) -> None:
    [warning] = topic_warnings("fisherys", room.bare)
    assert warning["key"] == "topic"
    assert warning["message"].endswith("did you mean `fisheries`?")
    assert topic_warnings("fisheries", room.bare) == topic_warnings("", room.bare) == []


# --- The watcher ---


def save(
    files: dict[str, dict[str, Any] | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Let the watcher follow saved files of which the pipeline reports what is given, and return what it prints."""
    monkeypatch.setattr(watch, "put_file", lambda s3, cloud, key, path: f"etag of {key}")
    monkeypatch.setattr(watch, "operator_ports", lambda cloud: None)
    monkeypatch.setattr(watch, "stage_queues", lambda cloud: None)
    monkeypatch.setattr(watch, "wait_for_drafts", lambda etags, *_: {key: files[key] for key in etags})
    monkeypatch.setattr(watch, "in_order", lambda files: files)
    cloud: Any = SimpleNamespace(client=lambda _: None, outputs={})
    watch._follow({key: Path("content") / key for key in files}, [], cloud, threading.Event())
    return capsys.readouterr().err.splitlines()


def outcome(state: str, url: str = "/x/", **more: Any) -> dict[str, Any]:
    return {"state": state, "url": url, "problems": [], "warnings": [], **more}


def problem(line: int, key: str, message: str) -> dict[str, Any]:
    return {"line": line, "key": key, "message": message}


def test_every_save_prints_its_warnings_and_its_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = save(
        {
            "drafts/a.md": outcome("live", warnings=[problem(3, "sumary", "is odd"), problem(0, "image", "is gone")]),
            "authors/b.md": outcome("live", "/authors/b/"),
            "site.yaml": outcome("live", "/", warnings=[problem(2, "taglin", "is odd")]),
            "drafts/c/photo.png": None,
        },
        monkeypatch,
        capsys,
    )
    assert lines[:3] == [
        "content/drafts/a.md:3: warning: sumary: is odd",
        "content/drafts/a.md:1: warning: image: is gone",
        "content/site.yaml:2: warning: taglin: is odd",
    ]
    assert [line.split(" in ")[0] for line in lines[3:]] == [
        "drafts/a.md: live",
        "authors/b.md: live",
        "site.yaml: live",
        "drafts/c/photo.png: uploaded",
    ]
    assert [line.partition("(")[2] for line in lines[3:6]] == ["2 warnings)", "", "1 warning)"]


def test_a_rejected_save_says_what_is_live(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [problem(4, "access", "is no tier")]
    lines = save(
        {
            "drafts/a.md": outcome("live", problems=wrong, rejected=True),
            "topics/b.md": outcome("rejected", problems=wrong),
            "pages/c.md": None,
        },
        monkeypatch,
        capsys,
    )
    assert lines == [
        "content/drafts/a.md:4: access: is no tier",
        "content/topics/b.md:4: access: is no tier",
        "drafts/a.md: rejected; the version before it is live",
        "topics/b.md: rejected",
        "pages/c.md: not finished; “nightdesk status” shows what the pipeline is doing",
    ]
