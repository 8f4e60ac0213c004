"""A page that is made again because of others, and is as it was, costs no other stage anything."""

from __future__ import annotations

from nightdesk.domain.events import ArticleGated, ArticleRendered, RegateRequested
from nightdesk.stages.gate import GateBatch
from support.memory_newsroom import Newsroom


def gated(room: Newsroom, *details: ArticleRendered | RegateRequested, redelivered: bool = False) -> int:
    """Return how often a batch of messages announces an article."""
    room.ports.bus.events.clear()  # type: ignore[attr-defined]  # it is in memory
    batch = GateBatch(room.ports, room.theme, redelivered=redelivered)
    for detail in details:
        batch.handle(detail)
    batch.finish()
    return sum(isinstance(event, ArticleGated) for event in room.ports.bus.events)  # type: ignore[attr-defined]


RENDERED = ArticleRendered("story", 1)


def test_a_page_that_is_as_it_was_is_not_announced(room: Newsroom) -> None:
    room.publish("story", "Words.")
    assert gated(room, RegateRequested("story")) == 0
    assert gated(room, RegateRequested("story"), RegateRequested("story")) == 0


def test_a_page_that_changed_is_announced(room: Newsroom) -> None:
    room.publish("story", "Words.")
    room.ports.site.delete("articles/story/~public/index.html")
    assert gated(room, RegateRequested("story"), RegateRequested("story")) == 1


def test_a_run_before_may_have_died_after_it_wrote(room: Newsroom) -> None:
    room.publish("story", "Words.")
    assert gated(room, RegateRequested("story"), redelivered=True) == 1


def test_a_new_document_is_always_announced(room: Newsroom) -> None:
    room.publish("story", "Words.")
    assert gated(room, RENDERED) == 1
    assert gated(room, RegateRequested("story"), RENDERED, RegateRequested("story")) == 1
