"""`check --live` and `members list`: everything at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.memberships import Membership
from nightdesk.repositories import memberships_table
from nightdesk_cli import check_live, members
from nightdesk_cli.main import main
from support.default_theme import default_theme
from support.memory_newsroom import Newsroom


@pytest.fixture(scope="module")
def room() -> Newsroom:
    made = Newsroom(default_theme())
    made.file("drafts/fine.md", "---\ntitle: Fine\n---\nText.\n")
    made.file("drafts/odd.md", "---\ntitle: Odd\ncolour: red\n---\nText.\n")
    made.file("drafts/wrong.md", "---\ndek: No title\n---\nText.\n")
    made.file("topics/ports.md", "---\nname: Ports\nsumary: x\n---\n")
    made.file("drafts/gone.md", "---\ntitle: Gone\ncolour: red\n---\nText.\n")
    made.file("drafts/gone.md", None)
    made.upload("drafts/unread.md", b"---\ntitle: Unread\n---\n")
    return made


def live(room: Newsroom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Run `check --live` over a newsroom in memory; return its exit status and its output, parsed if it is JSON."""
    monkeypatch.setattr(check_live, "connect", lambda stack: stack)
    monkeypatch.setattr(check_live, "operator_ports", lambda _: room.bare)
    status = main(["check", "--live", *words])
    out = capsys.readouterr().out
    return status, json.loads(out) if "--json" in words else out.splitlines()


def test_the_whole_archive_is_checked(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, lines = live(room, monkeypatch, capsys)
    assert status == 1
    assert [line.rpartition(": ")[0].split(": is not")[0] for line in lines[:2]] == [
        "drafts/odd.md:3: warning: colour",
        "drafts/unread.md",
    ]
    assert lines[2].startswith("drafts/wrong.md:")
    assert lines[3].startswith("topics/ports.md:3: warning: sumary: ")
    assert lines[4] == "5 files: 1 rejected, 2 warnings"


def test_a_long_archive_is_checked_in_pages(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, after, pages = [], "", 0
    while True:
        _, page = live(room, monkeypatch, capsys, "--json", "--limit", "2", "--after", after)
        keys += [file["key"] for file in page["files"]]
        after, pages = page["after"], pages + 1
        if not after:
            break
    assert keys == ["drafts/odd.md", "drafts/unread.md", "drafts/wrong.md", "topics/ports.md"]
    assert pages == 3


def test_check_needs_paths_or_the_archive(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 2
    assert "--live" in capsys.readouterr().err


# --- Readers ---


def test_readers_are_listed_in_pages_without_other_items() -> None:
    table = MemoryTable()
    for number in range(5):
        table.write([memberships_table.membership_change(f"id{number}", Membership(f"r{number}@example.org"), None)])
        table.increment(f"limit#{number}", "2026", 1)
    found, after = [], ""
    while page := memberships_table.memberships(table, after, 2):
        found += [membership.email for _, membership in page]
        after = page[-1][0]
    assert sorted(found) == [f"r{number}@example.org" for number in range(5)]


def test_members_list(room: Newsroom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    table = MemoryTable()
    given = {"tier": "member", "until": ""}
    for name, more in (("bo", {}), ("ada", {"complimentary": given})):
        change = memberships_table.membership_change(name, Membership(f"{name}@example.org", **more), None)
        table.write([change])
    monkeypatch.setattr(members, "connect", lambda stack: stack)
    monkeypatch.setattr(members, "operator_ports", lambda _: room.bare)
    monkeypatch.setattr(members, "memberships_table", lambda _: table)
    assert main(["members", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["email"], one["tier"]) for one in listed["members"]] == [
        ("ada@example.org", "member"),
        ("bo@example.org", "public"),
    ]
    assert main(["members", "list", "--tier", "member", "--limit", "1"]) == 0
    assert "--after ada" in capsys.readouterr().out
