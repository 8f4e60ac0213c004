"""Invalidate: from paths that may have changed to a cache that has forgotten those that did.

Its input is *which write* of a path it last invalidated, never a digest of the bytes: of A, B, A within one batch the
cache may have kept B. So nothing is invalidated twice for one write, and no write goes without.

This stage need not look again, for a write that comes while it works has an event of its own, which finds a token that
is not the recorded one. But of two runs at once, the one that looked first may be the last to record what it saw, and
the older token would stay. So a token is recorded only over the one that was there; who loses looks once more.
"""

from __future__ import annotations

from collections.abc import Iterable

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict, Transient

from .paths import key_of
from .ports import Change, Event, Item, Ports

_PER_TRANSACTION = 100
_ATTEMPTS = 8


def invalidate(paths: Iterable[str], ports: Ports) -> tuple[str, ...]:
    """Make the cache forget those of `paths` that were written since it last did; sends the event.

    Args:
        paths: of pages (`/topics/energy/`), or of everything below an article (`/articles/a-story/*`).

    Returns:
        The paths invalidated.
    """
    wanted = sorted(set(paths))
    done: list[str] = []
    for _ in range(_ATTEMPTS):
        known = {path: ports.articles.get("path", path) for path in wanted}  # first: what is seen may not be older
        tokens = {path: write_of(path, ports) for path in wanted}
        moved = [path for path in wanted if (known[path] or {}).get("write", "") != tokens[path]]
        if not moved:
            break
        # The cache knows an answer by the address that the edge function made of the reader's.
        ports.cdn.invalidate(
            [f"/{key_of(path)}" for path in moved],
            digest("\n".join(f"{path} {tokens[path]}" for path in moved).encode())[:32],
        )
        changes = {path: _change(path, tokens[path], known[path]) for path in moved}
        wanted = _record(changes, ports)
        done += [path for path in moved if path not in done]
        if not wanted:
            break
    else:
        raise Transient("others invalidated the same paths faster than it could be recorded")
    if done:
        ports.bus.emit([Event("CacheInvalidated", {"paths": done})])
    return tuple(done)


def _change(path: str, token: str, known: Item | None) -> Change:
    return Change("path", path, {"write": token}, known["version"] if known else None)


def _record(changes: dict[str, Change], ports: Ports) -> list[str]:
    """Record what was invalidated; the paths that another run recorded in the meantime."""
    lost = []
    pending = list(changes)
    for start in range(0, len(pending), _PER_TRANSACTION):
        batch = pending[start : start + _PER_TRANSACTION]
        try:
            ports.articles.write([changes[path] for path in batch])
        except Conflict:
            for path in batch:
                try:
                    ports.articles.write([changes[path]])
                except Conflict:
                    lost.append(path)
    return lost


def write_of(path: str, ports: Ports) -> str:
    """A token of the newest write or removal of what is served at a path; empty where nothing was ever written."""
    stat = None if path.endswith("*") else ports.site.stat(key_of(path))
    if stat:
        return stat.version
    writes = ports.site.writes(key_of(path).removesuffix("*"))
    return digest(writes.encode())[:32] if writes else ""
