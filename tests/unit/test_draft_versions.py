"""Each version of a draft is read and parsed once, however many events come and whichever draft asks."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.repositories.private_bucket import history_key, load_site
from nightdesk.usecases.pipeline import draft_versions
from nightdesk.usecases.pipeline.draft_history import read_history
from nightdesk.usecases.pipeline.draft_versions import read_versions
from nightdesk.usecases.pipeline.render import render
from support.memory_newsroom import Newsroom

KEY = "drafts/tide.md"


class Counted:
    """A bucket that counts the calls of each method."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*args: Any) -> Any:
            self.calls[name] += 1
            return method(*args)

        return call


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the versions that were parsed for their history, as they are."""
    found: list[bytes] = []
    parse = draft_versions.parse_draft

    def noted(raw: bytes, *args: Any) -> Any:
        found.append(raw)
        return parse(raw, *args)

    monkeypatch.setattr(draft_versions, "parse_draft", noted)
    return found


def save(room: Newsroom, count: int, key: str = KEY, slug: str = "tide") -> None:
    """Save a draft without a date several times, a second apart."""
    for number in range(count):
        room.now += timedelta(seconds=1)
        room.upload(key, f"---\ntitle: The tide\nslug: {slug}\n---\nVersion {number} of {key}.\n".encode())
        render(key, room.ports)


def counted(room: Newsroom) -> tuple[Ports, Counter[str]]:
    drafts = Counted(room.bare.drafts)
    return replace(room.bare, drafts=drafts), drafts.calls  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_hundred_versions_are_parsed_once_each(room: Newsroom, parsed: list[bytes]) -> None:
    save(room, 200)
    # The first three are read again while there are no more.
    assert max(Counter(parsed).values()) <= 5
    assert len(parsed) <= 215
    ports, calls = counted(room)
    parsed.clear()
    history = read_history(KEY, Site(), ports)
    assert (parsed, dict(calls)) == ([], {"list_versions": 1})
    assert len(history) == 50
    assert history[0].at == "2026-11-23T00:00:01+00:00", "the first one counts, and the newest"


def test_another_draft_that_wants_the_slug_parses_nothing_again(room: Newsroom, parsed: list[bytes]) -> None:
    save(room, 10)
    parsed.clear()
    save(room, 1, "drafts/ebb.md")
    assert room.state("drafts/ebb.md")["state"] == "rejected"
    assert all(b"drafts/ebb.md" in raw for raw in parsed)


def test_rejected_versions_are_not_read_again(room: Newsroom) -> None:
    for number in range(8):
        room.file(KEY, f"---\ndek: Without a title, {number}\n---\nText.\n")
    room.file("site.yaml", "name: The Tide\n")
    assert [read.parsed for read in read_versions(KEY, load_site(room.bare), room.bare)] == [None] * 8
    ports, calls = counted(room)
    room.ports, room.bare = replace(room.ports, drafts=ports.drafts), ports
    room.file(KEY, "---\ndek: Still none\n---\nText.\n")
    assert calls["get"] <= 5, "the file itself, and its newest version"


def test_a_change_of_the_settings_and_a_deletion_void_what_was_read(room: Newsroom, parsed: list[bytes]) -> None:
    save(room, 5)
    parsed.clear()
    strict = Site(tiers=("public", "reader"))
    assert len(read_history(KEY, strict, room.bare)) == len(parsed) == 5
    room.file(KEY, None)
    save(room, 5)
    assert next(version.at for version in read_history(KEY, Site(), room.bare)) == "2026-11-23T00:00:06+00:00"


def test_a_cache_that_cannot_be_written_or_is_lost_changes_nothing(room: Newsroom) -> None:
    save(room, 6)
    expected = read_history(KEY, Site(), room.bare)

    class Refusing(Counted):
        def put(self, *args: Any) -> None:
            raise Conflict("another run wrote first")

    room.bare.private.delete(history_key(KEY))
    ports = replace(room.bare, private=Refusing(room.bare.private))  # type: ignore[arg-type]
    assert read_history(KEY, Site(), ports) == expected
    assert room.bare.private.get(history_key(KEY)) is None
    assert read_history(KEY, Site(), room.bare) == expected
    assert room.bare.private.get(history_key(KEY)) is not None
