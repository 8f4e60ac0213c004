"""Invalidate: from paths that may have changed to a cache that has forgotten those that did.

Its input is *which write* of a path it last invalidated, never a digest of the bytes: of A, B, A within one batch the
cache may have kept B. So nothing is invalidated twice for one write, and no write goes without.

This stage alone need not look again: a write that comes while it works has an event of its own, which finds a token
that is not the recorded one.
"""

from __future__ import annotations

from collections.abc import Iterable

from nightdesk.domain.documents import digest

from .paths import key_of
from .ports import ANY, Change, Event, Ports

_PER_TRANSACTION = 100


def invalidate(paths: Iterable[str], ports: Ports) -> tuple[str, ...]:
    """Make the cache forget those of `paths` that were written since it last did; sends the event.

    Args:
        paths: of pages (`/topics/energy/`), or of everything below an article (`/articles/a-story/*`).

    Returns:
        The paths invalidated.
    """
    wanted = sorted(set(paths))
    tokens = {path: write_of(path, ports) for path in wanted}
    known = {path: ports.articles.get("path", path) for path in wanted}
    moved = [path for path in wanted if (known[path] or {}).get("write", "") != tokens[path]]
    if not moved:
        return ()
    # The cache knows an answer by the address that the edge function made of the reader's.
    ports.cdn.invalidate(
        [f"/{key_of(path)}" for path in moved],
        digest("\n".join(f"{path} {tokens[path]}" for path in moved).encode())[:32],
    )
    for start in range(0, len(moved), _PER_TRANSACTION):
        batch = moved[start : start + _PER_TRANSACTION]
        ports.articles.write([Change("path", path, {"write": tokens[path]}, ANY) for path in batch])
    ports.bus.emit([Event("CacheInvalidated", {"paths": moved})])
    return tuple(moved)


def write_of(path: str, ports: Ports) -> str:
    """A token of the newest write or removal of what is served at a path; empty where nothing was ever written."""
    stat = None if path.endswith("*") else ports.site.stat(key_of(path))
    if stat:
        return stat.version
    writes = ports.site.writes(key_of(path).removesuffix("*"))
    return digest(writes.encode())[:32] if writes else ""
