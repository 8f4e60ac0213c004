"""Rebuilds of the pages that show a topic or an author."""

from __future__ import annotations

from datetime import timedelta

import pytest
from nightdesk.adapters.audit_log import MemoryAuditLog
from nightdesk.adapters.memory import MemoryTable
from nightdesk.domain.errors import NotFound, Permanent
from nightdesk.domain.events import SiteChanged
from nightdesk.rendering.environment import Theme
from nightdesk.usecases.editors.audit import Actor
from nightdesk.usecases.editors.operations import EditorPorts, EditorService
from nightdesk.usecases.editors.pipeline_status import Rebuild, rebuild
from simulation.messages import no_newsletters
from support.memory_newsroom import Newsroom


class EmptyQueues:
    """The stages' queues when nothing is in them."""

    settles = timedelta()

    def in_flight(self) -> dict[str, int]:
        return {}


def ask(room: Newsroom, topic: str = "", author: str = "") -> Rebuild:
    return rebuild(topic, author, EmptyQueues(), MemoryTable(), room.ports)  # type: ignore[arg-type]


def test_a_rebuild_counts_the_articles_that_it_builds(theme: Theme) -> None:
    room = Newsroom(theme)
    room.publish("tide", topics=["harbours"])
    room.publish("quay", topics=["harbours", "trade"])
    assert (ask(room).total, ask(room, "harbours").total, ask(room, "trade").total) == (2, 2, 1)


def test_a_profile_without_articles_can_be_rebuilt(theme: Theme) -> None:
    room = Newsroom(theme)
    room.file("topics/harbours.md", "---\nname: Harbours\n---\n")
    assert ask(room, "harbours").total == 0


@pytest.mark.parametrize(("topic", "author"), [("harbour", ""), ("", "nobody")])
def test_a_name_that_nothing_has_is_said_to_be_wrong(theme: Theme, topic: str, author: str) -> None:
    room = Newsroom(theme)
    room.publish("tide", topics=["harbours"])
    with pytest.raises(NotFound, match=f"“{topic or author}”"):
        ask(room, topic, author)


def test_a_topic_and_an_author_together_are_refused(theme: Theme) -> None:
    with pytest.raises(Permanent, match="not both"):
        ask(Newsroom(theme), "harbours", "mira")


def test_a_stack_that_saves_refuses_a_rebuild(theme: Theme) -> None:
    room = Newsroom(theme)
    ports = EditorPorts(
        pipeline=room.ports,
        memberships=MemoryTable(),
        requests=MemoryTable(),
        audit_log=MemoryAuditLog(),
        queues=EmptyQueues(),  # type: ignore[arg-type]  # only counts
        uploads=None,  # type: ignore[arg-type]  # not used
        readers=None,  # type: ignore[arg-type]  # not used
        newsletters=no_newsletters(room.ports),
        saves=True,
    )
    room.emitted(SiteChanged)  # those of the set-up
    with pytest.raises(Permanent, match="Economy=no"):
        EditorService(Actor("cli:ada", "Ada"), ports).rebuild("", "")
    assert room.emitted(SiteChanged) == []
