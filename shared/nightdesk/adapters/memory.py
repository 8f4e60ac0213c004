"""The ports in memory: for `nightdesk build`, for unit tests, and for playing out histories."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import Event
from nightdesk.domain.pictures import PictureMaker
from nightdesk.ports import (
    ALL_KEYS,
    ANY,
    Blob,
    Change,
    Fingerprint,
    Item,
    KeyRange,
    Listed,
    Objects,
    ObjectVersion,
    Output,
    Ports,
    Stat,
)

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


class MemoryObjects:
    """A bucket in a dictionary; `outputs` holds what was stored, by key."""

    def __init__(self, clock: Clock = wall_clock) -> None:
        self.bucket = ""
        self.outputs: dict[str, Output] = {}
        self._clock = clock
        self._marks: dict[str, tuple[str, datetime]] = {}
        self._etags: dict[str, str] = {}
        self._history: dict[str, list[tuple[ObjectVersion, Output | None]]] = defaultdict(list)
        self._keys: list[str] = []
        self._count = itertools.count(1)

    def get(self, key: str, version: str = "") -> Blob | None:
        if version:
            found = [(w, o) for w, o in self._history.get(key, ()) if w.version == version and o]
            return next((Blob(o.body, version, _etag(o), w.modified, o.metadata) for w, o in found if o), None)
        if key not in self.outputs:
            return None
        output, (version, modified) = self.outputs[key], self._marks[key]
        return Blob(output.body, version, self._etag(key), modified, output.metadata)

    def stat(self, key: str) -> Stat | None:
        if key not in self.outputs:
            return None
        return Stat(key, self._marks[key][0], self._etag(key), self.outputs[key].metadata)

    def put(self, output: Output, expected: str | None) -> Stat:
        there = output.key in self.outputs
        if expected != ANY and (self._etag(output.key) if there else None) != expected:
            raise Conflict(output.key)
        if not there:
            bisect.insort(self._keys, output.key)
        self.outputs[output.key] = output
        self._etags.pop(output.key, None)
        self._marks[output.key] = (self._remember(output.key, output), self._clock())
        return Stat(output.key, self._marks[output.key][0], self._etag(output.key), output.metadata)

    def fingerprint(self, key: str, version: str, largest: int) -> Fingerprint | None:
        return fingerprint_of(MemoryObjects.get(self, key, version), largest)

    def copy(self, source: Objects, key: str, version: str, output: Output, expected: str | None) -> None:
        self.put(copy_of(source, key, version, output), expected)

    def delete(self, key: str) -> None:
        if self.outputs.pop(key, None) is not None:
            del self._marks[key]
            self._etags.pop(key, None)
            self._keys.remove(key)
            self._remember(key, None)

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        start = bisect.bisect_left(self._keys, prefix)
        found = itertools.takewhile(lambda key: key.startswith(prefix), itertools.islice(self._keys, start, None))
        return [(key, self._etag(key)) for key in found]

    def page(self, prefix: str, after: str, limit: int) -> Sequence[tuple[str, Listed]]:
        start = max(bisect.bisect_left(self._keys, prefix), bisect.bisect_right(self._keys, after))
        found = itertools.takewhile(
            lambda key: key.startswith(prefix), itertools.islice(self._keys, start, start + limit)
        )
        return [(key, Listed(len(self.outputs[key].body), self._etag(key))) for key in found]

    def listing(self, prefix: str) -> dict[str, Listed]:
        found = MemoryObjects.list(self, prefix)
        return {key: Listed(len(self.outputs[key].body), etag) for key, etag in found}

    def sizes(self, prefix: str) -> dict[str, int]:
        return {key: len(self.outputs[key].body) for key, _ in MemoryObjects.list(self, prefix)}

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        found = []
        for key in sorted(key for key in self._history if key.startswith(prefix)):
            newest, *older = [write for write, _ in reversed(self._history[key])]
            found += [newest._replace(latest=True), *older]
        return found

    def page_versions(self, prefix: str, after: str, limit: int) -> Sequence[ObjectVersion]:
        return whole_objects([each for each in MemoryObjects.list_versions(self, prefix) if each.key > after], limit)

    def _etag(self, key: str) -> str:
        """Made when it is asked for: a build asks for few."""
        if key not in self._etags:
            self._etags[key] = _etag(self.outputs[key])
        return self._etags[key]

    def _remember(self, key: str, output: Output | None) -> str:
        version = str(next(self._count))
        self._history[key].append((ObjectVersion(key, version, self._clock(), False, output is None), output))
        return version


def whole_objects(versions: Sequence[ObjectVersion], limit: int) -> Sequence[ObjectVersion]:
    """Return about as many of the first versions as there may be, without splitting those of one object."""
    if len(versions) <= limit:
        return versions
    last = versions[limit - 1].key
    return [each for each in versions if each.key <= last]


def fingerprint_of(blob: Blob | None, largest: int) -> Fingerprint | None:
    """Return what `Objects.fingerprint` does of an object whose bytes are at hand."""
    if blob is None:
        return None
    sha256 = hashlib.sha256(blob.body).hexdigest() if len(blob.body) <= largest else ""
    return Fingerprint(len(blob.body), sha256, blob.modified, blob.metadata)


def copy_of(source: Objects, key: str, version: str, output: Output) -> Output:
    """Return the copy of an object to store, with its bytes.

    Raises:
        Conflict: there is no such object.
    """
    blob = source.get(key, version)
    if blob is None:
        raise Conflict(key)
    return replace(output, body=blob.body)


def _etag(output: Output) -> str:
    return hashlib.md5(output.body, usedforsecurity=False).hexdigest()


class MemoryTable:
    """A table in dictionaries."""

    def __init__(self) -> None:
        self._items: dict[str, dict[str, Item]] = defaultdict(dict)
        self._order: dict[str, list[str]] = defaultdict(list)

    def get(self, pk: str, sk: str) -> Item | None:
        item = self._items[pk].get(sk)
        return dict(item) if item is not None else None

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        prefix, after, before = keys
        order = self._order[pk]
        low = bisect.bisect_right(order, after) if after else bisect.bisect_left(order, prefix)
        high = bisect.bisect_left(order, before) if before else len(order)
        if prefix:
            high = min(high, bisect.bisect_left(order, prefix + "\uffff"))
        found = order[low:high][::-1] if descending else order[low:high]
        return [dict(self._items[pk][sk]) for sk in found[:limit]]

    def scan(self, sort_key: str, after: str, limit: int) -> list[Item]:
        partitions = sorted(pk for pk, items in self._items.items() if sort_key in items)
        start = partitions.index(after) + 1 if after in partitions else 0
        return [dict(self._items[pk][sort_key]) for pk in partitions[start : start + limit]]

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        return [self.get(pk, sk) for pk, sk in keys]

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
            # Return lists for tuples, as DynamoDB does.
            plain = {name: list(value) if isinstance(value, tuple) else value for name, value in item.items()}
            self._items[pk][sk] = {**plain, "pk": pk, "sk": sk, "version": version}

    def increment(self, pk: str, sk: str, until: int) -> int:
        MemoryTable.write(self, [Change(pk, sk, {"ttl": until}, ANY)])
        return int(self._items[pk][sk]["version"])


class MemoryBus:
    """A bus that keeps its events in order."""

    def __init__(self) -> None:
        self.events: deque[Event] = deque()

    def emit(self, events: Iterable[Event]) -> None:
        self.events.extend(events)


class MemoryCdn:
    """A cache that records its invalidations."""

    def __init__(self) -> None:
        self.invalidated: list[str] = []

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        self.invalidated.extend(paths)
        return reference

    def is_complete(self, invalidation: str) -> bool:
        return True


class MemorySchedules:
    """Schedules that are only recorded: moment and slug of each."""

    def __init__(self) -> None:
        self.requested: set[tuple[datetime, str]] = set()

    def wake_at(self, slug: str, moment: datetime) -> None:
        self.requested.add((moment, slug))


class MemoryTickerTimer:
    """Delays that are only recorded, in seconds."""

    def __init__(self) -> None:
        self.requested: list[int] = []

    def wake_in(self, seconds: int) -> None:
        self.requested.append(seconds)


def memory_ports(base_url: str = "", clock: Clock = wall_clock, pictures: PictureMaker | None = None) -> Ports:
    """Return ports in memory that share nothing with others."""
    return Ports(
        drafts=MemoryObjects(clock),
        private=MemoryObjects(clock),
        site=MemoryObjects(clock),
        articles=MemoryTable(),
        bus=MemoryBus(),
        cdn=MemoryCdn(),
        schedules=MemorySchedules(),
        updates=MemoryTable(),
        base_url=base_url,
        clock=clock,
        pictures=pictures,
    )
