"""What a stage is to its runtime, and how a batch of messages is processed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.events import Event, ObjectChanged
from nightdesk.domain.mail_reports import MailReturned

Message = TypeVar("Message")


class Note(Protocol):
    """Logs what a stage did, with facts that identify the article but never quote it."""

    def __call__(self, what: str, /, **facts: Any) -> None: ...


def silent(what: str, /, **facts: Any) -> None:
    """Log nothing."""


class Batch(Protocol):
    """One batch of a stage's messages.

    Attributes:
        handles: the types of messages that the stage's queues may hold.
    """

    handles: ClassVar[tuple[type, ...]]

    def handle(self, detail: Any) -> None:
        """Process one message, of a type in `handles`. Raises if the message must be retried."""

    def finish(self) -> None:
        """Do the work that serves all messages of the batch together. Raises if each of them must be retried."""


Detail = Event | ObjectChanged | MailReturned
"""What a message says: an event of our own, S3's about an object of the drafts bucket, or SES's about a newsletter."""


class Runtime(NamedTuple):
    """What `process_batch` needs to know of its surroundings.

    Attributes:
        make_batch: makes a batch of the stage. Its argument is True if one of the messages was delivered before, so that a
            run may have died while it wrote.
        read: returns what a message says.
        report: called with each failure, as it happens.
    """

    make_batch: Callable[[bool], Batch]
    read: Callable[[Any], Any]
    report: Callable[[Exception], None]


def process_batch(
    messages: Sequence[Message], redelivered: bool, runtime: Runtime, together: bool = True
) -> list[tuple[Message, Exception]]:
    """Handle each message, finish once for all of them, and return those that failed, with the reason.

    If finishing fails, each message is processed again alone, so that only the one at fault is retried. But where other runs
    may have been in the way, all are first processed together once more: alone, each would repeat what serves all.

    Args:
        together: whether that may be done.
    """
    batch = runtime.make_batch(redelivered)
    failed = _try_each(messages, runtime, lambda message: _handle(message, batch, runtime))
    failures = [message for message, _ in failed]
    handled = [message for message in messages if message not in failures]
    try:
        batch.finish()
    except Exception as error:  # whatever it is, the messages must be retried
        runtime.report(error)
        if len(handled) == 1:
            failed.append((handled[0], error))
        elif handled and together and isinstance(error, Conflict | Transient):
            failed += process_batch(handled, True, runtime, together=False)
        elif handled:
            failed += _try_each(handled, runtime, lambda message: _process_alone(message, runtime))
    return failed


def _try_each(
    messages: Sequence[Message], runtime: Runtime, process: Callable[[Message], None]
) -> list[tuple[Message, Exception]]:
    failed = []
    for message in messages:
        try:
            process(message)
        except Exception as error:
            runtime.report(error)
            failed.append((message, error))
    return failed


def _handle(message: Message, batch: Batch, runtime: Runtime) -> None:
    detail = runtime.read(message)
    if not isinstance(detail, batch.handles):
        raise Permanent(f"{type(batch).__name__} does not handle {type(detail).__name__}")
    batch.handle(detail)


def _process_alone(message: Message, runtime: Runtime) -> None:
    batch = runtime.make_batch(True)
    _handle(message, batch, runtime)
    batch.finish()
