"""What the use cases need of the world. `adapters` has each of these on AWS and in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

ANY: Final = "*"
"""In place of an expected version: write whatever is there."""


class Stat(NamedTuple):
    """What is known of a stored object without reading it. `version` is unique to each write, `etag` is what a conditional write names."""

    key: str
    version: str
    etag: str
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
    """An object to be stored: its bytes, and the headers and metadata that it is served with."""

    key: str
    body: bytes
    content_type: str
    cache_control: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class Objects(Protocol):
    """A bucket. Reads are strongly consistent."""

    def get(self, key: str) -> Blob | None:
        """The newest version, or None where there is none."""

    def stat(self, key: str) -> Stat | None:
        """The newest version without its bytes."""

    def put(self, output: Output, expected: str | None) -> None:
        """Store an object over the version whose etag is `expected` (None: over nothing; `ANY`: over anything).

        Raises:
            Conflict: something else is there.
        """

    def delete(self, key: str) -> None:
        """Remove an object; removing what is not there is no error."""

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        """Key and etag of each object under `prefix`, in order of keys."""

    def writes(self, prefix: str) -> str:
        """A token that differs after each write or removal of any object under `prefix`."""


Item = dict[str, Any]
"""A table's item: `pk`, `sk`, `version` (a whole number that each write raises), and its own attributes."""


class Change(NamedTuple):
    """One write among several that happen together: an item, or None to remove what is at (pk, sk).

    `expected` is the version that must be there: None for nothing, `ANY` for whatever.
    """

    pk: str
    sk: str
    item: Item | None
    expected: int | str | None


class Table(Protocol):
    """A table of items by partition and sort key. Reads are strongly consistent."""

    def get(self, pk: str, sk: str) -> Item | None:
        """One item."""

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
        """Items of a partition in order of their sort keys; `after` and `before` exclude themselves."""

    def write(self, changes: Sequence[Change]) -> None:
        """All of the changes, or none.

        Raises:
            Conflict: a version was not the expected one.
        """


class Event(NamedTuple):
    """A fact for the bus: a detail-type of `nightdesk.events`, and a detail that carries identity only."""

    type: str
    detail: Mapping[str, Any]


class Bus(Protocol):
    """Where stages say what they did."""

    def emit(self, events: Iterable[Event]) -> None:
        """Put events on the bus; returns when all of them are accepted."""


class Cdn(Protocol):
    """The cache before the site."""

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        """Forget cached answers; a repeated `reference` with the same paths does nothing more."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything a stage may touch, handed in by its handler. `base_url` serves a site whose settings name none."""

    drafts: Objects
    work: Objects
    site: Objects
    articles: Table
    bus: Bus
    cdn: Cdn
    base_url: str = ""
