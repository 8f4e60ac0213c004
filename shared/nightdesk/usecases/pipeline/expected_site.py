"""What reconcile reads and keeps of a large archive: many objects at once, and of each article's page its digests alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from nightdesk.ports import Blob, InParallel, Objects, Output, Stat


class Digests(NamedTuple):
    """Digests of an object's bytes in hexadecimal. S3 shows the MD5 of most objects in a listing, which is compared first."""

    md5: str
    sha256: str


def digests_of(body: bytes) -> Digests:
    """Return the digests of some bytes."""
    return Digests(hashlib.md5(body, usedforsecurity=False).hexdigest(), hashlib.sha256(body).hexdigest())


class ReadAhead:
    """A bucket whose objects are read a few dozen at once, when the first of them is wanted.

    Their waiting times do not add up, and little is in memory if they are wanted in the order of `keys`. An object is read
    once while it is kept, so a change meanwhile is not seen.

    Args:
        keys: of the objects that will be read. Others are read as always.
    """

    _AT_ONCE = 64

    def __init__(self, inner: Objects, keys: Sequence[str], in_parallel: InParallel) -> None:
        self._inner = inner
        self._keys = keys
        self._places = {key: place for place, key in enumerate(keys)}
        self._in_parallel = in_parallel
        self._read: dict[str, Blob | None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get(self, key: str, version: str = "") -> Blob | None:
        """Return an object as `Objects.get` does."""
        if version or key not in self._places:
            return self._inner.get(key, version)
        if key not in self._read:
            start = self._places[key] // self._AT_ONCE * self._AT_ONCE
            wanted = self._keys[start : start + self._AT_ONCE]
            self._read = dict(zip(wanted, self._in_parallel(self._inner.get, wanted), strict=True))
        return self._read[key]


class DigestedPages:
    """A site bucket in memory that keeps the digests of articles' pages instead of their bytes.

    They are most of a site, and nothing reads them while it is built.
    """

    def __init__(self, inner: Objects) -> None:
        self._inner = inner
        self._digests: dict[str, Digests] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, output: Output, expected: str | None) -> Stat:
        """Store an object as `Objects.put` does."""
        if not (output.body and output.key.startswith("articles/") and output.key.endswith("/index.html")):
            return self._inner.put(output, expected)
        found = digests_of(output.body)
        stored = self._inner.put(replace(output, body=found.sha256.encode()), expected)
        self._digests[output.key] = found
        return stored

    def digests(self, output: Output) -> Digests:
        """Return the digests of an object that is stored here, as it was put."""
        return self._digests.get(output.key) or digests_of(output.body)
