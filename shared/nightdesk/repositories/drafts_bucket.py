"""The drafts bucket: the versions of its files."""

from __future__ import annotations

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
