"""Buckets: what the use cases need of object storage. `ports` offers these together with the other ports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

ANY: Final = "*"
"""Instead of an expected version: write unconditionally."""


class Stat(NamedTuple):
    """A stored object without its bytes. `version` is unique to each write. `etag` serves conditional writes alone: MD5 collides.
    `sha256` is the digest of the bytes in hexadecimal; empty if the store does not know it."""

    key: str
    version: str
    etag: str
    metadata: Mapping[str, str]
    sha256: str = ""


class Listed(NamedTuple):
    """What a listing says of an object: its size in bytes, and its etag."""

    size: int
    etag: str


class Fingerprint(NamedTuple):
    """What is known of a version of an object that was read without being kept.

    Attributes:
        size: in bytes.
        sha256: of its bytes, in hexadecimal; empty if it is larger than the caller wanted to read.
        modified: when the version was written.
    """

    size: int
    sha256: str
    modified: datetime
    metadata: Mapping[str, str]


class Blob(NamedTuple):
    """A stored object. `modified` is when this version was written."""

    body: bytes
    version: str
    etag: str
    modified: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Output:
    """An object to store: its bytes, and the headers and metadata that it is served with.

    Attributes:
        disposition: the Content-Disposition header; empty for none.
    """

    key: str
    body: bytes
    content_type: str
    cache_control: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    disposition: str = ""


class ObjectVersion(NamedTuple):
    """A version of an object, or a delete marker.

    Attributes:
        version: unique to each write and each deletion.
        modified: when the object was written or deleted.
        latest: whether it is the newest version of its key.
        deleted: whether it is a delete marker.
    """

    key: str
    version: str
    modified: datetime
    latest: bool
    deleted: bool


class Objects(Protocol):
    """A versioned bucket. Reads are strongly consistent.

    Attributes:
        bucket: its name, by which another bucket of the same store copies from it.
    """

    bucket: str

    def get(self, key: str, version: str = "") -> Blob | None:
        """Return a version of an object, by default the newest; None if there is none."""

    def stat(self, key: str) -> Stat | None:
        """Return the newest version of an object without its bytes."""

    def put(self, output: Output, expected: str | None) -> Stat:
        """Store an object, and return what was stored.

        Args:
            expected: the etag of the version that it replaces. None: there must be no such object; `ANY`: whatever there is.

        Raises:
            Conflict: something else is stored at the key.
        """

    def fingerprint(self, key: str, version: str, largest: int) -> Fingerprint | None:
        """Read a version piece by piece, unless it has more than `largest` bytes; None if there is none."""

    def copy(self, source: Objects, key: str, version: str, output: Output, expected: str | None) -> None:
        """Store a copy of an object of another bucket or of this one, without reading it into memory.

        Args:
            key: of the object that is copied.
            version: of that object; empty for the newest.
            output: the copy's key, headers and metadata; it has no bytes.
            expected: as for `put`.

        Raises:
            Conflict: there is no such object to copy, or something else is stored at the copy's key.
        """

    def delete(self, key: str) -> None:
        """Delete an object. It is no error if there is none."""

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        """Return the key and etag of each object under a prefix, ordered by key."""

    def page(self, prefix: str, after: str, limit: int) -> Sequence[tuple[str, Listed]]:
        """Return up to `limit` objects under a prefix, ordered by key: those after the key `after`."""

    def listing(self, prefix: str) -> Mapping[str, Listed]:
        """Return the size and etag of each object under a prefix, by key."""

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Return the size in bytes of each object under a prefix, by key."""

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        """Return all versions and delete markers under a prefix, ordered by key, the newest of each key first."""

    def page_versions(self, prefix: str, after: str, limit: int) -> Sequence[ObjectVersion]:
        """Return all versions of some objects under a prefix as `list_versions` does: of those after the key `after`.

        Args:
            limit: about how many versions to return; those of one object are never split. None mean that there are no others.
        """
