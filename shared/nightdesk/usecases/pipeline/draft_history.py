"""The history of a draft's file, from the versions that the drafts bucket keeps.

Which draft claimed a slug first, and when an article was first published or last changed, must not depend on the order of
events. The bucket's versions answer these questions the same way for every run.
"""

from __future__ import annotations

from itertools import pairwise

from nightdesk.domain.site import OWN, Site
from nightdesk.domain.uploaders import Uploader
from nightdesk.ports import Ports
from nightdesk.usecases.pipeline.draft_versions import DraftVersion, ReadVersion, read_versions
from nightdesk.usecases.pipeline.ownership import Ownership

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
