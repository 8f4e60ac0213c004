"""The drafts bucket: the versions of its files."""

from __future__ import annotations

from itertools import dropwhile, takewhile

from nightdesk.domain.drafts_bucket import classify
from nightdesk.ports import ObjectVersion, Ports

_MOST_VERSIONS = 50
"""The newest versions and the first are read: a file that is saved hourly has thousands."""


def versions(key: str, ports: Ports) -> list[ObjectVersion]:
    """Return every version and deletion of one file, newest first."""
    return [version for version in ports.drafts.list_versions(key) if version.key == key]


def current_versions(key: str, ports: Ports) -> list[ObjectVersion]:
    """Return the versions of a file since it was last deleted, newest first: of very many, the newest and the first."""
    found: list[ObjectVersion] = []
    for version in versions(key, ports):
        if version.deleted:
            break
        found.append(version)
    return [*found[: _MOST_VERSIONS - 1], found[-1]] if len(found) > _MOST_VERSIONS else found


def newest_versions(folder: str, ports: Ports) -> list[tuple[str, str]]:
    """Return key and version id of each object below a prefix, ordered by key."""
    return [(v.key, v.version) for v in ports.drafts.list_versions(folder) if v.latest and not v.deleted]


def versions_before_deletion(key: str, ports: Ports) -> list[ObjectVersion]:
    """Return the versions that a deleted file had last, newest first; none for a file that exists or never did."""
    found = versions(key, ports)
    if not found or not found[0].deleted:
        return []
    rest = dropwhile(lambda version: version.deleted, found)
    return list(takewhile(lambda version: not version.deleted, rest))[:_MOST_VERSIONS]


def files_of_draft(draft: str, ports: Ports) -> list[str]:
    """Return the keys of the files that exist of a draft, by its id (`draft_id`): there may be one in each form."""
    # Listed, because a suffix may be in capitals, and a key may have an empty part.
    prefixes = [f"drafts/{odd}{draft}{end}" for odd in ("", "/", "./") for end in (".", "/")]
    keys = sorted({key for prefix in prefixes for key, _ in ports.drafts.list(prefix)})
    return [key for key in keys if (parsed := classify(key)) and (parsed.kind, parsed.name) == ("draft", draft)]
