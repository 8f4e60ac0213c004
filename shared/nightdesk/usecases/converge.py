"""Write, then look again: the one way in which every stage of the pipeline works.

An event only says where to look. A stage reads its inputs, makes its outputs from them alone, writes them, and reads
the inputs once more. If they moved, it starts over. So whoever wrote an output last has seen, after writing, that its
inputs had not changed; and a later change has an event of its own, whose run writes later still. The last write
reflects the final inputs, in whatever order events come, however often, and wherever a run died.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict, Transient

from .ports import Blob, Objects, Output, Stat

Inputs = TypeVar("Inputs")
Made = TypeVar("Made")
_ATTEMPTS = 8


def converge(read: Callable[[], Inputs], make: Callable[[Inputs], Made], write: Callable[[Made], bool]) -> Made:
    """Read, make, write and look again until the inputs held still.

    A run that found nothing to write has overwritten nobody's work, so it need not look again.

    Args:
        read: gathers the inputs; two readings are equal exactly when nothing changed between them.
        make: a pure function of the inputs.
        write: stores what was made and says whether anything was written; raises Conflict when another was first.

    Returns:
        What was made of the final inputs.

    Raises:
        Transient: the inputs would not hold still, and the message should come back later.
    """
    inputs = read()
    clean = True
    for attempt in range(_ATTEMPTS):
        made = make(inputs)
        lost = False
        try:
            if not write(made) and clean:
                return made
        except Conflict:
            lost = True
        clean = False
        again = read()
        if again == inputs and not lost:
            return made
        inputs = again
        time.sleep(random.uniform(0, 0.01 * 2**attempt))
    raise Transient("the inputs changed faster than they could be read")


def store(objects: Objects, output: Output) -> bool:
    """Write an object unless these bytes and headers are stored already; whether anything was written.

    Raises:
        Conflict: another writer changed the object in the meantime.
    """
    return store_over(objects.stat(output.key), objects, output)


def store_over(seen: Stat | Blob | None, objects: Objects, output: Output) -> bool:
    """The same over the very object that was `seen` before.

    So a run whose right to write was taken away after it looked cannot overwrite what the new holder wrote.
    """
    mark = _mark(output)
    if seen and seen.metadata.get("digest") == mark:
        return False
    metadata = {**output.metadata, "digest": mark}
    marked = Output(output.key, output.body, output.content_type, output.cache_control, metadata)
    objects.put(marked, seen.etag if seen else None)
    return True


def is_stored(objects: Objects, output: Output) -> bool:
    """Whether just these bytes and headers are stored."""
    stat = objects.stat(output.key)
    return stat is not None and stat.metadata.get("digest") == _mark(output)


def _mark(output: Output) -> str:
    served = "\n".join(
        [output.content_type, output.cache_control, *(f"{k}={v}" for k, v in sorted(output.metadata.items()))]
    )
    return digest(served.encode() + b"\0" + output.body)


def store_or_remove(objects: Objects, outputs: Iterable[Output]) -> bool:
    """Store what has a body and remove what has none; whether anything was written.

    Raises:
        Conflict: another writer changed one of them in the meantime.
    """
    wrote = False
    for output in outputs:
        if output.body:
            wrote |= store(objects, output)
        elif objects.stat(output.key):
            objects.delete(output.key)
            wrote = True
    return wrote
