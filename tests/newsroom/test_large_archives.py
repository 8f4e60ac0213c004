"""What a large archive costs: calls that wait for each other do not grow with it, and pages are not kept in memory."""

from __future__ import annotations

from typing import Any

import pytest
from nightdesk.adapters.memory import MemoryObjects, memory_ports
from nightdesk.ports import Blob, one_by_one
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.pipeline import reconcile
from nightdesk.usecases.pipeline.expected_site import DigestedPages, ReadAhead, digests_of
from support.memory_newsroom import Newsroom
from support.waits import Waits


def waits_of_reconcile(articles: int, theme: Theme) -> int:
    room, waits = Newsroom(theme), Waits()
    room.file("site.yaml", "name: The Meridian\n")
    for number in range(articles):
        room.publish(f"s-{number}", f"Story {number}", body="Words.\n\n![Map](map.svg)\n")
    reconcile.compare(waits.ports(room.ports), theme, memory_ports())
    return waits.count


def test_reconcile_does_not_wait_for_each_article_in_turn(theme: Theme) -> None:
    assert waits_of_reconcile(6, theme) == waits_of_reconcile(2, theme)


def test_objects_are_read_ahead_once_each() -> None:
    inner, read = MemoryObjects(), []

    class Recorded:
        def get(self, key: str, version: str = "") -> Blob | None:
            read.append(key)
            return inner.get(key, version)

    keys = [f"k{number:03d}" for number in range(150)]
    ahead = ReadAhead(Recorded(), keys, one_by_one)  # type: ignore[arg-type]  # it needs no more
    for key in keys:
        assert ahead.get(key) is None
        assert ahead.get(key) is None
    assert read == keys
    ahead.get("other")
    assert read[-1] == "other"


def test_of_articles_pages_the_digests_are_kept_and_of_lists_the_bytes(
    theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Newsroom(theme)
    room.publish("quay", "Quay", body="Words that stay on the quay. " * 200)
    seen: list[Any] = []
    monkeypatch.setattr(reconcile, "_differing_keys", lambda expected, ports: seen.append(expected.site) or set())
    reconcile.compare(room.ports, theme, memory_ports())
    [site] = seen
    assert isinstance(site, DigestedPages)
    kept = {key: output for key, output in site.outputs.items() if key.endswith("/index.html") and "articles/" in key}
    assert kept
    for key, output in kept.items():
        assert len(output.body) == 64, key
        assert site.digests(output) == digests_of(room.site.outputs[key].body)
    assert b"Quay" in site.outputs["index.html"].body, "feeds and sitemaps are read again while the site is built"


def test_a_publish_waits_for_few_calls(theme: Theme) -> None:
    """On AWS each takes some ten milliseconds. Calls that do not depend on each other are made at once."""
    room, waits = Newsroom(theme), Waits()
    room.publish("before", "Before")
    room.ports = waits.ports(room.ports)
    waits.count = 0
    room.publish("quay", "Quay", body="Words.\n\n::: gate tier=member teaser=T\nHidden.\n:::\n")
    assert waits.count <= 150
