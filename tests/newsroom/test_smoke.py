"""`nightdesk smoke` finds a stack that leaks, or that does not publish, and cleans up in any case."""

from __future__ import annotations

from threading import Lock
from typing import Any

import pytest
from nightdesk.adapters.audit_log import MemoryAuditLog
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.events import ObjectChanged
from nightdesk.usecases.editors.audit import Actor
from nightdesk.usecases.editors.operations import EditorPorts, EditorService
from nightdesk.usecases.editors.smoke import SmokeReport, smoke
from nightdesk.usecases.editors.status import status
from simulation.messages import no_newsletters
from support.memory_newsroom import Newsroom


class ObjectReaders:
    """Readers who get the objects of the site as the edge would choose them, unless a test confuses their tiers."""

    def __init__(self, room: Newsroom) -> None:
        self._room = room
        self._lock = Lock()
        self.confused: dict[str, str] = {}

    def get(self, path: str, tier: str) -> tuple[int, str]:
        with self._lock:  # the pipeline goes on while readers read
            self._room.deliver_emitted()
            self._room.process_all()
        shown = self.confused.get(tier, tier)
        key = f"{path.strip('/')}/index.html".lstrip("/") if path.endswith("/") else path[1:]
        if path.startswith("/articles/"):
            _, slug, name = key.split("/", 2)
            key = f"articles/{slug}/~{shown}/{name}"
        blob = self._room.site.get(key)
        if blob is None:
            return 404, ""
        return int(blob.metadata.get("status", "200")), blob.body.decode("utf-8", "replace")


def run(room: Newsroom, readers: ObjectReaders) -> SmokeReport:
    ports = EditorPorts(
        pipeline=room.ports,
        memberships=MemoryTable(),
        requests=MemoryTable(),
        audit_log=MemoryAuditLog(),
        queues=None,  # type: ignore[arg-type]  # not used
        uploads=None,  # type: ignore[arg-type]  # not used
        readers=lambda: readers,
        newsletters=no_newsletters(room.ports),
    )

    def wait(slug: str) -> dict[str, Any] | None:
        room.deliver([ObjectChanged(f"drafts/{slug}.md")])
        room.deliver_emitted()
        room.process_all()
        return status(slug, room.ports, room.now)

    return smoke(EditorService(Actor("cli:ada", "Ada"), ports), wait, timeout=0.1)


def names(report: SmokeReport) -> list[str]:
    return [step.name for step in report.steps]


def leftovers(room: Newsroom) -> list[str]:
    return [key for key, _ in room.ports.drafts.list("drafts/smoke-test")]


def test_a_sound_stack_passes_and_nothing_is_left(room: Newsroom) -> None:
    report = run(room, ObjectReaders(room))
    assert [step.problem for step in report.steps] == [""] * 5
    assert names(report) == ["publish", "read at every tier", "correct", "withdraw", "clean up"]
    assert report.passed
    assert leftovers(room) == []


@pytest.mark.parametrize("kinds", ["[ai]", "[human]", "[ai, human]"])
def test_a_newsroom_that_approves_articles_is_tested_too(room: Newsroom, kinds: str) -> None:
    room.file("site.yaml", f"name: The Quay\nrequire_approval: {kinds}\n")
    report = run(room, ObjectReaders(room))
    assert [step.problem for step in report.steps] == [""] * 5
    assert leftovers(room) == []


def test_a_leak_is_named_and_the_article_is_taken_down(room: Newsroom) -> None:
    readers = ObjectReaders(room)
    readers.confused = {"public": "member"}
    report = run(room, readers)
    assert not report.passed
    assert names(report) == ["publish", "read at every tier", "clean up"]
    assert "readers of tier public see the text for subscriber, member" in report.steps[1].problem or (
        "readers of tier public see the text for member, subscriber" in report.steps[1].problem
    )
    assert leftovers(room) == []
    assert ObjectReaders(room).get(f"/articles/{report.slug}/", "member")[0] == 410


def test_a_pipeline_that_stands_still_fails_at_the_first_step(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "process_all", lambda: None)
    report = run(room, ObjectReaders(room))
    assert names(report) == ["publish", "clean up"]
    assert report.steps[0].problem.startswith("the article is not live after")
    assert leftovers(room) == []
