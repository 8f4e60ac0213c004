"""What the pipeline's functions do with a batch of messages, apart from queues and logs: handlers and simulations call it alike.

Each module has one class, made for one batch: `work` takes the messages one by one and raises for the one that must come
back, and `finish` does once what serves them all. A function imports the module of its own stage only.
"""

from __future__ import annotations

from typing import Any, Protocol


class Note(Protocol):
    """Told what was done, with facts that identify it and nothing of what it says: for a log."""

    def __call__(self, what: str, /, **facts: Any) -> None: ...


class Batch(Protocol):
    """One batch of one stage's messages."""

    def work(self, detail: object) -> None:
        """Act on one message's detail, a model of `nightdesk.events`.

        Raises:
            TypeError: the stage has no use for it.
        """

    def finish(self) -> None:
        """Do what serves all messages of the batch together."""


def silent(what: str, /, **facts: Any) -> None:
    """A note that nobody reads."""
