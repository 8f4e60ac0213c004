"""Read, write, read again: the protocol that every stage of the pipeline follows.

An event only names what to work on. A stage reads its inputs, computes its outputs from them alone, writes them, and
reads the inputs again. If they changed meanwhile, it starts over. So the run that wrote an output last has seen, after
writing, that its inputs had not changed; and each later change has its own event, whose run writes later still. The
last write therefore reflects the final inputs, in whatever order events arrive, however often, and wherever a run died.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Generic, NamedTuple, Protocol, TypeVar

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.ports import Blob, Objects, Output, Ports, Stat

Inputs = TypeVar("Inputs")
Value = TypeVar("Value")
_ATTEMPTS = 8
_NONE: Mapping[str, Blob | None] = {}


class Converged(NamedTuple, Generic[Inputs, Value]):
    """The outcome of a run: the inputs that held, the value made of them, and whether the run may have written anything."""

    inputs: Inputs
    value: Value
    changed: bool


class Turn(Protocol):
    """A run's turn at its outputs (`turns.LastTurn`)."""

    def take(self) -> None:
        """Take the turn, before the inputs are read."""

    def is_kept(self) -> bool:
        """Return True if no other run has taken it since."""


def converge(
    read: Callable[[], Inputs], apply: Callable[[Inputs], tuple[Value, bool]], turn: Turn | None = None
) -> Converged[Inputs, Value]:  # fmt: skip
    """Read the inputs and apply them, until the inputs are still the same after the write.

    A run that wrote nothing has overwritten no other run's output, so it does not read again. Nor does one
    whose turn was not taken by another run meanwhile.

    Args:
        read: returns the inputs; two readings are equal exactly if nothing changed between them.
        apply: computes the outputs from the inputs alone and stores them. Returns the value for the caller, and whether
            anything was written. Raises Conflict if another run wrote first.
        turn: at the outputs. Every run that overwrites them must take it.

    Raises:
        Transient: the inputs changed during every attempt; the message should be retried later.
    """
    if turn:
        turn.take()
    inputs = read()
    changed = False
    for attempt in range(_ATTEMPTS):
        outcome: Converged[Inputs, Value] | None = None
        try:
            value, wrote = apply(inputs)
            outcome = Converged(inputs, value, changed or wrote)
        except Conflict:
            pass  # another run wrote first, perhaps from newer inputs
        if outcome and (not outcome.changed or (turn and turn.is_kept())):
            return outcome
        changed = True
        again = read()
        if outcome and again == inputs:
            return outcome
        inputs = again
        time.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise Transient("the inputs kept changing while they were being read")


def store(objects: Objects, output: Output) -> bool:
    """Write an object unless the same bytes and headers are already stored.

    Returns:
        True if the object was written.

    Raises:
        Conflict: another writer changed the object after it was inspected here.
    """
    return store_over(objects.stat(output.key), objects, output)


def store_over(seen: Stat | Blob | None, objects: Objects, output: Output) -> bool:
    """Write an object as `store` does, but only over the version that the caller has seen (None: over nothing).

    So a run that has lost its right to write since then cannot overwrite what the new holder wrote.
    """
    return _written(seen, objects, output) is not None


def _written(seen: Stat | Blob | None, objects: Objects, output: Output) -> Stat | None:
    """Write an object as `store_over` does. Returns what was written; None if that was stored already."""
    fingerprint = _fingerprint(output)
    if seen and seen.metadata.get("digest") == fingerprint:
        return None
    stamped = replace(output, metadata={**output.metadata, "digest": fingerprint})
    return objects.put(stamped, seen.etag if seen else None)


def is_stored(objects: Objects, output: Output) -> bool:
    """Return True if exactly these bytes and headers are stored."""
    stat = objects.stat(output.key)
    return stat is not None and stat.metadata.get("digest") == _fingerprint(output)


def _fingerprint(output: Output) -> str:
    """Return a digest of everything that is served: content type, cache control, metadata and body."""
    headers = "\n".join(
        [output.content_type, output.cache_control, *(f"{k}={v}" for k, v in sorted(output.metadata.items()))]
    )
    return digest(headers.encode() + b"\0" + output.body)


def store_or_remove(
    outputs: Iterable[Output],
    ports: Ports,
    known: Mapping[str, Blob | None] = _NONE,
    pages: dict[str, Stat] | None = None,
) -> bool:
    """Store each output that has a body in the site bucket, and remove the object of each that has none.

    Args:
        known: objects that the caller has read already, by key.
        pages: others that the caller knows from earlier; what this writes is added (`turns`).

    Returns:
        True if anything was written or removed.

    Raises:
        Conflict: another writer changed one of the objects meanwhile.
    """

    remembered = {} if pages is None else pages

    def apply(output: Output) -> bool:
        key = output.key
        before = remembered.pop(key, None)
        seen = known[key] if key in known else before or ports.site.stat(key)
        if output.body:
            written = _written(seen, ports.site, output)
            if stored := written or (seen if isinstance(seen, Stat) else None):
                remembered[key] = stored  # the last one, as it is the newest
            return written is not None
        if seen:
            ports.site.delete(output.key)
        return bool(seen)

    return any(ports.in_parallel(apply, outputs))
