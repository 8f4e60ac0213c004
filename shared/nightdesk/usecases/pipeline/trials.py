"""Trials: a use case is run as on an event, but what it writes is kept in memory, where it can be compared with what is stored.

So a comparison needs no second copy of the rules, and keeps no more than one trial's writes. Reads are shared by the trials of a slice, each of
which therefore sees the same state; what changes meanwhile has its event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar, cast

from nightdesk.domain.events import Event
from nightdesk.domain.pictures import Derivatives
from nightdesk.ports import (
    ALL_KEYS,
    ANY,
    Blob,
    Change,
    Item,
    KeyRange,
    Listed,
    Objects,
    ObjectVersion,
    Output,
    Ports,
    Stat,
)
from nightdesk.repositories.private_bucket import DERIVATIVES, rendition_key

Found = TypeVar("Found")
_NOW = datetime.min.replace(tzinfo=UTC)


def md5_of(body: bytes) -> str:
    """Return the digest that a listing shows of most objects."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def holds(key: str, body: bytes, listed: str, objects: Objects) -> bool:
    """Return True if an object holds some bytes, given the ETag that a listing shows of it; empty for no object.

    The ETag is the MD5 of the bytes for most objects, and then a listing is enough. It is not for those that S3 encrypts with
    a key of KMS, nor for those put in parts (API reference of S3, “Object”), so whatever differs is compared by its SHA-256.
    """
    if not listed:
        return False
    if listed == md5_of(body):
        return True
    stat = objects.stat(key)
    return stat is not None and stat.sha256 == hashlib.sha256(body).hexdigest()


class ReadOnce:
    """A bucket of which each object and each folder is read once, by all trials of a slice."""

    def __init__(self, inner: Objects) -> None:
        self._inner = inner
        self._read: dict[tuple[str, str], Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _once(self, what: str, key: str, read: Callable[[str], Found]) -> Found:
        name = (what, key)
        if name not in self._read:
            self._read[name] = read(key)
        return cast(Found, self._read[name])

    def get(self, key: str, version: str = "") -> Blob | None:
        return self._inner.get(key, version) if version else self._once("get", key, self._inner.get)

    def stat(self, key: str) -> Stat | None:
        known = self._read.get(("get", key))
        if known:
            return Stat(key, known.version, known.etag, known.metadata)
        return self._once("stat", key, self._inner.stat)

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        # A change of the settings has all drafts rendered again, which a trial need not know.
        return () if prefix == "drafts/" else self._once("list", prefix, self._inner.list)

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        return self._once("versions", prefix, self._inner.list_versions)

    def know_versions(self, prefix: str, versions: Sequence[ObjectVersion]) -> None:
        """Answer a listing of versions from one that was made already."""
        self._read["versions", prefix] = versions

    def listing(self, prefix: str) -> Mapping[str, Listed]:
        return self._once("listing", prefix, self._inner.listing)


class TrialObjects:
    """A bucket as one trial sees it.

    Args:
        stamped: whether what is stored may be known by the digest in its metadata. If not, everything is written again.

    Attributes:
        written: what was written, by key; None for what was deleted.
    """

    def __init__(self, inner: Objects, stamped: bool) -> None:
        self._inner, self._stamped = inner, stamped
        self.written: dict[str, Output | None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get(self, key: str, version: str = "") -> Blob | None:
        if not version and key in self.written:
            output = self.written[key]
            return Blob(output.body, "trial", md5_of(output.body), _NOW, output.metadata) if output else None
        blob = self._inner.get(key, version)
        return blob and blob._replace(metadata=self._metadata(blob.metadata))

    def stat(self, key: str) -> Stat | None:
        if key in self.written:
            output = self.written[key]
            return Stat(key, "trial", md5_of(output.body), output.metadata) if output else None
        found = self._stored(key)
        return found and found._replace(metadata=self._metadata(found.metadata))

    def _stored(self, key: str) -> Stat | None:
        return self._inner.stat(key)

    def _metadata(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        return stored if self._stamped else {name: value for name, value in stored.items() if name != "digest"}

    def put(self, output: Output, expected: str | None) -> Stat:
        self.written[output.key] = output
        return Stat(output.key, "trial", md5_of(output.body), output.metadata)

    def copy(self, source: Objects, key: str, version: str, output: Output, expected: str | None) -> None:
        self.written[output.key] = output

    def delete(self, key: str) -> None:
        self.written[key] = None


class TrialPrivate(TrialObjects):
    """The private bucket. A list of renditions of which one is not stored any more counts as missing, so that it is requested again."""

    def __init__(self, inner: Objects, ports: Ports) -> None:
        super().__init__(inner, stamped=True)
        self._in_parallel = ports.in_parallel

    def get(self, key: str, version: str = "") -> Blob | None:
        blob = super().get(key, version)
        if not blob or not key.startswith(DERIVATIVES):
            return blob
        keys = [rendition_key(each.sha256) for each in Derivatives.from_bytes(blob.body).renditions]
        return blob if all(self._in_parallel(self._inner.stat, keys)) else None


class UnstampedPrivate(TrialPrivate):
    """The same, for a trial that writes documents and profiles, whose bytes are compared rather than their metadata."""

    def _metadata(self, stored: Mapping[str, str]) -> Mapping[str, str]:
        return {name: value for name, value in stored.items() if name != "digest"}


class ListedSite(TrialObjects):
    """The site bucket, whose pages are known by a listing of their folder alone, and are all written again."""

    def __init__(self, inner: Objects) -> None:
        super().__init__(inner, stamped=False)

    def _stored(self, key: str) -> Stat | None:
        listed = self._inner.listing(folder_of(key)).get(key)
        return Stat(key, "", listed.etag, {}) if listed else None

    def etag(self, key: str) -> str:
        """Return the ETag of what is stored; empty for nothing."""
        found = self._stored(key)
        return found.etag if found else ""


def folder_of(key: str) -> str:
    """Return the folder that is listed to know an object of the site: that of its list, else the object alone."""
    top, *rest = key.split("/")
    if top in ("topics", "authors") and len(rest) > 1:
        return f"{top}/{rest[0]}/"
    return f"{top}/" if top in ("archive", "sitemap", "assets") else key


class TrialTable:
    """A table as one trial sees it.

    Attributes:
        written: what was written, by partition and sort key; None for what was deleted.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._read: dict[tuple[str, str], Item | None] = {}
        self.written: dict[tuple[str, str], Item | None] = {}

    def _known(self, key: tuple[str, str]) -> Item | None:
        return self.written[key] if key in self.written else self._read[key]

    def get(self, pk: str, sk: str) -> Item | None:
        if (pk, sk) not in self.written and (pk, sk) not in self._read:
            self._read[pk, sk] = self._inner.get(pk, sk)
        return self._known((pk, sk))

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        unknown = [key for key in keys if key not in self.written and key not in self._read]
        if unknown:
            self._read |= dict(zip(unknown, self._inner.get_many(unknown), strict=True))
        return [self._known(key) for key in keys]

    def query(
        self, pk: str, keys: KeyRange = ALL_KEYS, *, descending: bool = False, limit: int | None = None
    ) -> list[Item]:
        found = self._inner.query(pk, keys, descending=descending, limit=limit)
        mine = {sk: item for (partition, sk), item in self.written.items() if partition == pk}
        if not mine:
            return cast("list[Item]", found)
        both = {item["sk"]: item for item in found} | {sk: item for sk, item in mine.items() if _is_within(sk, keys)}
        ordered = sorted((item for item in both.values() if item), key=lambda item: item["sk"], reverse=descending)
        return ordered[:limit]

    def write(self, changes: Sequence[Change]) -> None:
        for pk, sk, item, expected in changes:
            before = self.get(pk, sk) if expected == ANY else None
            version = (before["version"] if before else 0) if expected == ANY else int(expected or 0)
            # Lists for tuples, as tables return them.
            plain = {name: list(each) if isinstance(each, tuple) else each for name, each in (item or {}).items()}
            self.written[pk, sk] = None if item is None else {**plain, "pk": pk, "sk": sk, "version": version + 1}

    def increment(self, pk: str, sk: str, until: int) -> int:
        raise NotImplementedError("no stage that is tried counts anything")


def _is_within(sk: str, keys: KeyRange) -> bool:
    return sk.startswith(keys.prefix) and sk > keys.after and (not keys.before or sk < keys.before)


class _Sent:
    """A bus that keeps its events, and schedules and timers that do nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, events: Iterable[Event]) -> None:
        self.events.extend(events)

    def wake_at(self, slug: str, moment: datetime) -> None:
        """Schedule nothing: the stage does."""

    def wake_in(self, seconds: int) -> None:
        """Likewise."""

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        """Invalidate nothing."""
        return reference

    def is_complete(self, invalidation: str) -> bool:
        return True


class Trial(NamedTuple):
    """Ports for one run of a use case, and what it wrote and sent."""

    ports: Ports
    private: TrialObjects
    site: ListedSite
    table: TrialTable
    sent: _Sent


def read_once(ports: Ports) -> Ports:
    """Return ports whose buckets are read once by all trials of a slice."""
    drafts, private, site = (cast(Objects, ReadOnce(each)) for each in (ports.drafts, ports.private, ports.site))
    return replace(ports, drafts=drafts, private=private, site=site)


def trial_of(shared: Ports, writes_documents: bool = False) -> Trial:
    """Return a trial.

    Args:
        shared: what `read_once` returned for the slice.
        writes_documents: whether documents and profiles are compared by their bytes (`UnstampedPrivate`).
    """
    kind = UnstampedPrivate if writes_documents else TrialPrivate
    private, site, table, sent = (
        kind(shared.private, shared),
        ListedSite(shared.site),
        TrialTable(shared.articles),
        _Sent(),
    )
    ports = replace(
        shared,
        private=cast(Objects, private),
        site=cast(Objects, site),
        articles=table,
        bus=sent,
        schedules=sent,
        cdn=sent,
    )
    return Trial(ports, private, site, table, sent)
