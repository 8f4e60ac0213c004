"""Ownership: which writer may upload over a draft, where the settings say `writers: own`.

A draft belongs to the uploader of its first version since it was last deleted, until an editor hands it over. Both are
facts that outlast the order of events: versions of the file, and a list of hand-overs with their times. So the same uploads are
accepted in whatever order they are rendered, and a presigned form that outlives a hand-over does not win.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical_json, parse_json
from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import ObjectChanged
from nightdesk.domain.site import OWN, Site
from nightdesk.domain.uploaders import DIRECT, Uploader, uploader_of
from nightdesk.ports import Output, Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.drafts_bucket import current_versions
from nightdesk.repositories.private_bucket import JSON, owners_key
from nightdesk.repositories.records import DraftRecord


class HandOver(NamedTuple):
    """A hand-over: the new owner (`Uploader.id`), when (ISO 8601), and by which editor."""

    owner: str
    at: str
    by: str


Requesters = Mapping[str, Uploader]
"""Who put each version of a draft's file and of its images into the bucket, by version id."""
_MOST_REQUESTERS = 500


def add_requester(record: DraftRecord | None, put: ObjectChanged | None) -> list[list[str]]:
    """Return what is to be stored of who put the versions of a draft: what the record has, and what an event adds."""
    known = [list(entry) for entry in record.requesters] if record else []
    if not put or not put.version or put.requester == DIRECT or put.version in (entry[0] for entry in known):
        return known
    return [*known, [put.version, *put.requester]][-_MOST_REQUESTERS:]


class Ownership:
    """The owners of the draft at `key`. Reads nothing before it is asked.

    Args:
        requesters: as far as a run knows more than the draft's record; by default, those of the record.
    """

    def __init__(self, key: str, ports: Ports, requesters: Sequence[list[str]] | None = None) -> None:
        self._key = key
        self._ports = ports
        self._given = requesters

    def requester_of(self, version: str) -> Uploader:
        """Return who put a version of the file, or of an image in its folder; `DIRECT` if that is not known."""
        return self._requesters.get(version, DIRECT)

    @cached_property
    def _requesters(self) -> Requesters:
        stored = self._given
        if stored is None:
            record = articles_table.draft_record(self._ports.articles, self._key)
            stored = record.requesters if record else ()
        return {version: Uploader(identifier, role) for version, identifier, role in stored}

    @property
    def owner(self) -> str:
        """Who owns the draft now (`Uploader.id`); empty if there is none."""
        return self._hand_overs[-1].owner if self._hand_overs else self._first_uploader

    def accepts(self, uploader: Uploader, at: datetime, site: Site) -> bool:
        """Return True if a file of the draft that was uploaded at a moment may be published."""
        if not uploader.is_writer or site.writers != OWN:
            return True
        return uploader.id == self._owner_at(at)

    def hand_over(self, owner: str, by: str) -> None:
        """Make someone else the owner.

        Raises:
            Conflict: another editor hands the draft over at the same moment.
        """
        now = self._ports.clock().isoformat()
        after = [*self._hand_overs, HandOver(owner, now, by)]
        body = canonical_json({"first": self._first_version, "hand_overs": [list(entry) for entry in after]})
        stored = self._stored
        self._ports.private.put(Output(owners_key(self._key), body, JSON), stored[1] if stored else None)

    def _owner_at(self, at: datetime) -> str:
        """Return the owner at a moment. S3 gives whole seconds, so a hand-over counts from the beginning of its second."""
        owner = self._first_uploader
        for entry in self._hand_overs:
            if datetime.fromisoformat(entry.at).replace(microsecond=0) <= at:
                owner = entry.owner
        return owner

    @cached_property
    def _first_version(self) -> str:
        found = current_versions(self._key, self._ports)
        return found[-1].version if found else ""

    @cached_property
    def _first_uploader(self) -> str:
        blob = self._ports.drafts.get(self._key, self._first_version) if self._first_version else None
        if self._first_version and blob is None:
            raise Conflict(f"{self._key} is being deleted")
        return uploader_of(blob.metadata, self.requester_of(self._first_version)).id if blob else ""

    @cached_property
    def _stored(self) -> tuple[dict[str, Any], str] | None:
        blob = self._ports.private.get(owners_key(self._key))
        return (parse_json(blob.body), blob.etag) if blob else None

    @cached_property
    def _hand_overs(self) -> list[HandOver]:
        """The hand-overs of this draft, not of one that was deleted before it."""
        stored = self._stored
        if not stored or stored[0]["first"] != self._first_version:
            return []
        return [HandOver(*entry) for entry in stored[0]["hand_overs"]]
