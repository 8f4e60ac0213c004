"""A takedown is complete when every edge location has dropped the article, and not only the one that answers here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from nightdesk.adapters.aws import CloudFrontCdn
from nightdesk.adapters.memory import MemoryCdn
from nightdesk.domain.site_paths import key_of
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.editors import takedown
from nightdesk.usecases.editors.takedown import Polling, Report, Takedown, take_down
from support.memory_newsroom import Newsroom


class SlowCdn(MemoryCdn):
    """A cache of which some edge locations hear of an invalidation late."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.left = 2

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        super().invalidate(paths, reference)
        return f"id-{len(self.invalidated)}"

    def is_complete(self, invalidation: str) -> bool:
        self.asked.append(invalidation)
        self.left -= 1
        return self.left < 0


class NearbyReaders:
    """Readers whose edge location never held the article, so that they see what is stored."""

    def __init__(self, room: Newsroom) -> None:
        self.room = room

    def get(self, path: str, tier: str) -> tuple[int, str]:
        key = key_of(re.sub(r"^(/articles/[^/]+)/", rf"\1/~{tier}/", path))
        output = self.room.site.outputs.get(key)
        return (int(output.metadata.get("status", "200")), output.body.decode("latin-1")) if output else (404, "")


@pytest.fixture
def room(theme: Theme, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    room = Newsroom(theme)

    def sleep(_: float) -> None:
        room.deliver_emitted()
        room.process_all()

    monkeypatch.setattr(takedown.time, "sleep", sleep)
    room.ports = replace(room.ports, cdn=SlowCdn())
    room.publish("quay", "Quay")
    room.publish("quay", "Quay again")
    return room


def take(room: Newsroom, readers: Any, timeout: float = 3.0) -> Report:
    return take_down(Takedown("quay", "ada"), room.ports, readers, Polling(timeout, lambda *_: None))


def test_it_waits_until_the_invalidations_are_complete(room: Newsroom) -> None:
    report = take(room, NearbyReaders(room))
    assert report.complete
    assert report.everywhere
    assert len(room.ports.cdn.asked) > 2  # type: ignore[attr-defined]


def test_it_says_so_if_they_are_not(room: Newsroom) -> None:
    room.ports.cdn.left = 10**6  # type: ignore[attr-defined]
    report = take(room, NearbyReaders(room), timeout=0.3)
    assert all(surface.gone for surface in report.surfaces)
    assert not report.everywhere
    assert not report.complete


def test_cloudfront_is_asked_for_the_status_of_an_invalidation() -> None:
    class Client:
        def create_invalidation(self, **_: Any) -> dict[str, Any]:
            return {"Invalidation": {"Id": "I1", "Status": "InProgress"}}

        def get_invalidation(self, DistributionId: str, Id: str) -> dict[str, Any]:
            assert (DistributionId, Id) == ("D", "I1")
            return {"Invalidation": {"Id": "I1", "Status": self.status}}

        status = "InProgress"

    client = Client()
    cdn = CloudFrontCdn(client, "D")
    assert cdn.invalidate(["/"], "reference") == "I1"
    assert not cdn.is_complete("I1")
    client.status = "Completed"
    assert cdn.is_complete("I1")
