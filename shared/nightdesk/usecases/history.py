"""The past of a draft's file, as the drafts bucket remembers it.

Who claimed a slug first, and when an article was first published or last changed in substance, must not depend on which
event came when. The bucket's versions know, and they are the same whoever looks.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from nightdesk.domain.documents import canonical, digest
from nightdesk.domain.drafts import Filed, parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.rendering.markdown import to_html

from .ports import Ports, Write

_REMEMBERED = 50
"""So many versions are looked at, the newest ones and the first; a file that is saved hourly has thousands."""


class Past(NamedTuple):
    """One version that could be published: when it came (ISO 8601), its slug, whether it was `draft: true`, its substance."""

    at: str
    slug: str
    draft: bool
    substance: str


History = tuple[Past, ...]
"""Versions that could be published as they stand, oldest first, since the file was last removed."""


def history(key: str, filed: Filed, site: Site, ports: Ports) -> History:
    """The past of the file at `key`; versions that were refused are left out."""
    found = []
    for write in reversed(past_writes(key, ports)):
        blob = ports.drafts.get(key, write.version)
        past = _past(blob.body, write.modified.isoformat(), filed.name, site) if blob else None
        if past:
            found.append(past)
    return tuple(found)


def past_writes(key: str, ports: Ports) -> list[Write]:
    """The versions of a file since it was last removed, newest first; of very many the newest ones and the first."""
    writes = [write for write in ports.drafts.writes(key) if write.key == key]
    removed = next((place for place, write in enumerate(writes) if write.removal), len(writes))
    chosen = writes[:removed]
    return [*chosen[: _REMEMBERED - 1], chosen[-1]] if len(chosen) > _REMEMBERED else chosen


def _past(raw: bytes, at: str, name: str, site: Site) -> Past | None:
    try:
        draft = parse_draft(raw, name, site, to_html)
    except Rejected:
        return None
    passages = [[passage.tier, passage.source.split()] for passage in draft.passages]
    substance = digest(canonical([draft.title, draft.dek, passages, draft.sources]))
    return Past(at, draft.slug, draft.draft, substance)


def claimed_since(past: History, slug: str) -> str:
    """Since when a file has had a slug, without a break; empty if it does not have it."""
    since = ""
    for version in reversed(past):
        if version.slug != slug:
            break
        since = version.at
    return since


def first_published(past: History) -> str:
    """When it could first go live; for one that never could, when its newest version came."""
    return next((version.at for version in past if not version.draft), past[-1].at if past else "")


def last_changed(past: History) -> str:
    """When it last changed in substance after it was first published (its words, not its spacing); empty if it did not."""
    published = [version for version in past if not version.draft]
    since = ""
    for before, version in pairwise(published):
        if version.substance != before.substance:
            since = version.at
    return since
