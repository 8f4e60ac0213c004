"""The history of a draft's file, from the versions that the drafts bucket keeps.

Which draft claimed a slug first, and when an article was first published or last changed, must not depend on the order of
events. The bucket's versions answer these questions the same way for every run.
"""

from __future__ import annotations

from itertools import dropwhile, pairwise
from typing import NamedTuple

from nightdesk.domain.site import OWN, Site
from nightdesk.domain.uploaders import Uploader
from nightdesk.ports import Ports
from nightdesk.repositories.drafts_bucket import versions
from nightdesk.usecases.pipeline.draft_versions import DraftVersion, ReadVersion, read_versions
from nightdesk.usecases.pipeline.ownership import Ownership


class Dates(NamedTuple):
    """What the versions of a file tell of when its article appeared, as its record keeps it (`DraftRecord.dates`).

    Attributes:
        published: when the file could first go live (ISO 8601).
        changed: when it last changed in substance; empty if it did not.
        substance: of the newest version that could go live.
    """

    published: str
    changed: str
    substance: str

    def to_text(self) -> str:
        """Return this as one line."""
        return " ".join(self)

    @classmethod
    def from_text(cls, text: str) -> Dates:
        """Return what `to_text` has written."""
        return cls(*text.split(" "))


DraftHistory = tuple[DraftVersion, ...]
"""The versions of a file that could be published, oldest first, since the file was last deleted."""


def read_history(key: str, site: Site, ports: Ports, ownership: Ownership | None = None) -> DraftHistory:
    """Return the history of the draft at `key`, without its rejected versions, and without those of writers who did not own it."""
    owners = ownership or Ownership(key, ports)
    found = [read for read in read_versions(key, site, ports) if read.parsed]
    if site.writers == OWN:
        found = [read for read in found if owners.accepts(_uploader(read, owners), read.version.modified, site)]
    return tuple(read.parsed for read in found if read.parsed)


def _uploader(read: ReadVersion, owners: Ownership) -> Uploader:
    """Return who uploaded a version, whatever its metadata say if it came from another account."""
    requester = owners.requester_of(read.version.version)
    return requester if requester.is_writer else read.uploader


def claimed_since(history: DraftHistory, slug: str) -> str:
    """Return since when a file has had a slug without interruption (ISO 8601), or an empty string if it does not have it."""
    since = ""
    for version in reversed(history):
        if version.slug != slug:
            break
        since = version.at
    return since


def aliased_since(history: DraftHistory, address: str) -> str:
    """Return since when a file has had an old address without interruption, as `claimed_since` does for its slug."""
    since = ""
    for version in reversed(history):
        if address not in version.aliases:
            break
        since = version.at
    return since


def first_published(history: DraftHistory) -> str:
    """Return when a file could first go live; if no version could, when the newest was written."""
    return next((version.at for version in history if not version.draft), history[-1].at if history else "")


def last_changed(history: DraftHistory) -> str:
    """Return when a file last changed in substance after it was first published, or an empty string if it did not."""
    published = [version for version in history if not version.draft]
    since = ""
    for before, version in pairwise(published):
        if version.substance != before.substance:
            since = version.at
    return since


def dates_of(key: str, history: DraftHistory, kept: str, ports: Ports) -> tuple[Dates, Dates]:
    """Return when the article of the draft at `key` appeared and changed, which also outlasts a restore of the drafts bucket.

    A file is restored as a new version. So what its record keeps counts where it tells of a time before the bucket's oldest version
    of the file. It never does otherwise: the bucket keeps all versions, and a deletion too.

    Args:
        kept: the record's `dates`; empty for none.

    Returns:
        The dates, and what the record is to keep. After a restore that stays as it was, so that runs may come in any order.
    """
    published = [version for version in history if not version.draft]
    found = Dates(first_published(history), last_changed(history), published[-1].substance if published else "")
    known = Dates.from_text(kept) if kept else found
    if not history or known.published >= history[0].at:
        return found, found
    if any(each.deleted or each.modified.isoformat() <= known.published for each in versions(key, ports)):
        return found, found
    before = DraftVersion(known.changed or known.published, "", False, known.substance)
    # Earlier versions may have been restored as well.
    since = tuple(dropwhile(lambda version: version.substance != known.substance, published)) or tuple(published)
    return known._replace(changed=last_changed((before, *since)) or known.changed), known
