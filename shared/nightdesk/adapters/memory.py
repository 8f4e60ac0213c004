"""The ports in memory: for `nightdesk build`, for unit tests, and for playing out histories."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from nightdesk.domain.errors import Conflict
from nightdesk.usecases.ports import ANY, Blob, Change, Event, Item, Output, Ports, Stat


class MemoryObjects:
    """A bucket in a dictionary; `outputs` holds what was stored, by key."""

    def __init__(self) -> None:
        self.outputs: dict[str, Output] = {}
        self._marks: dict[str, tuple[str, str, datetime]] = {}
        self._keys: list[str] = []
        self._removals: dict[str, str] = {}
        self._count = itertools.count(1)

    def get(self, key: str) -> Blob | None:
        if key not in self.outputs:
            return None
        output = self.outputs[key]
        return Blob(output.body, *self._marks[key], output.metadata)

    def stat(self, key: str) -> Stat | None:
        if key not in self.outputs:
            return None
        version, etag, _ = self._marks[key]
        return Stat(key, version, etag, self.outputs[key].metadata)

    def put(self, output: Output, expected: str | None) -> None:
        there = self._marks.get(output.key)
        if expected != ANY and (there[1] if there else None) != expected:
            raise Conflict(output.key)
        if there is None:
            bisect.insort(self._keys, output.key)
        self.outputs[output.key] = output
        etag = hashlib.md5(output.body, usedforsecurity=False).hexdigest()
        self._marks[output.key] = (str(next(self._count)), etag, datetime.now(UTC))

    def delete(self, key: str) -> None:
        if self.outputs.pop(key, None) is not None:
            del self._marks[key]
            self._keys.remove(key)
            self._removals[key] = str(next(self._count))

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        start = bisect.bisect_left(self._keys, prefix)
        found = itertools.takewhile(lambda key: key.startswith(prefix), itertools.islice(self._keys, start, None))
        return [(key, self._marks[key][1]) for key in found]

    def writes(self, prefix: str) -> str:
        there = {key: self._marks[key][0] for key, _ in self.list(prefix)}
        gone = {key: mark for key, mark in self._removals.items() if key.startswith(prefix) and key not in there}
        return " ".join(f"{key}:{mark}" for key, mark in sorted({**gone, **there}.items()))


class MemoryTable:
    """A table in dictionaries."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Item]] = defaultdict(dict)
        self._order: dict[str, list[str]] = defaultdict(list)

    def get(self, pk: str, sk: str) -> Item | None:
        item = self._items[pk].get(sk)
        return dict(item) if item is not None else None

    def query(
        self,
        pk: str,
        *,
        prefix: str = "",
        after: str = "",
        before: str = "",
        descending: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        order = self._order[pk]
        low = bisect.bisect_right(order, after) if after else bisect.bisect_left(order, prefix)
        high = bisect.bisect_left(order, before) if before else len(order)
        if prefix:
            high = min(high, bisect.bisect_left(order, prefix + "\uffff"))
        keys = order[low:high][::-1] if descending else order[low:high]
        return [dict(self._items[pk][sk]) for sk in keys[:limit]]

    def write(self, changes: Sequence[Change]) -> None:
        for pk, sk, _, expected in changes:
            there = self._items[pk].get(sk)
            if expected != ANY and (there["version"] if there else None) != expected:
                raise Conflict(f"{pk} {sk}")
        for pk, sk, item, _ in changes:
            there = self._items[pk].get(sk)
            if item is None:
                if there is not None:
                    del self._items[pk][sk]
                    self._order[pk].remove(sk)
                continue
            if there is None:
                bisect.insort(self._order[pk], sk)
            version = there["version"] + 1 if there else 1
            self._items[pk][sk] = {**item, "pk": pk, "sk": sk, "version": version}


class MemoryBus:
    """A bus that keeps its events in order."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()

    def emit(self, events: Iterable[Event]) -> None:
        self.events.extend(events)


class MemoryCdn:
    """A cache that remembers what it was told to forget."""

    def __init__(self) -> None:
        self.invalidated: list[str] = []

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        self.invalidated.extend(paths)


def memory_ports(base_url: str = "") -> Ports:
    """A world of its own."""
    return Ports(MemoryObjects(), MemoryObjects(), MemoryObjects(), MemoryTable(), MemoryBus(), MemoryCdn(), base_url)
