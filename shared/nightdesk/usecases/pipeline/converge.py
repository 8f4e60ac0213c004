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
from typing import Generic, NamedTuple, TypeVar

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


def converge(
    read: Callable[[], Inputs], apply: Callable[[Inputs], tuple[Value, bool]]
) -> Converged[Inputs, Value]:  # fmt: skip
    """Read the inputs and apply them, until the inputs are still the same after the write.

    A run that wrote nothing has overwritten no other run's output, so it does not read again.

    Args:
        read: returns the inputs; two readings are equal exactly if nothing changed between them.
        apply: computes the outputs from the inputs alone and stores them. Returns the value for the caller, and whether
            anything was written. Raises Conflict if another run wrote first.

    Raises:
        Transient: the inputs changed during every attempt; the message should be retried later.
    """
    inputs = read()
    changed = False
    for attempt in range(_ATTEMPTS):
        outcome: Converged[Inputs, Value] | None = None
        try:
            value, wrote = apply(inputs)
            outcome = Converged(inputs, value, changed or wrote)
        except Conflict:
            pass  # another run wrote first, perhaps from newer inputs
        if outcome and not outcome.changed:
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
    fingerprint = _fingerprint(output)
    if seen and seen.metadata.get("digest") == fingerprint:
        return False
    objects.put(replace(output, metadata={**output.metadata, "digest": fingerprint}), seen.etag if seen else None)
    return True


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


def store_or_remove(outputs: Iterable[Output], ports: Ports, known: Mapping[str, Blob | None] = _NONE) -> bool:
    """Store each output that has a body in the site bucket, and remove the object of each that has none.

    Args:
        known: objects that the caller has read already, by key.

    Returns:
        True if anything was written or removed.

    Raises:
        Conflict: another writer changed one of the objects meanwhile.
    """

    def apply(output: Output) -> bool:
        seen = known[output.key] if output.key in known else ports.site.stat(output.key)
        if output.body:
            return store_over(seen, ports.site, output)
        if seen:
            ports.site.delete(output.key)
        return bool(seen)

    return any(ports.in_parallel(apply, outputs))
