"""Invalidate: from paths that may have changed to a cache that has forgotten those that did.

Its input is *which write* of a path it last invalidated, never a digest of the bytes: of A, B, A within one batch the
cache may have kept B. So nothing is invalidated twice for one write, and no write goes without.

This stage need not look again, for a write that comes while it works has an event of its own, which finds a token that
is not the recorded one. But of two runs at once, the one that looked first may be the last to record what it saw, and
the older token would stay. So a token is recorded only over the one that was there; who loses looks once more.

What is asked of the cache costs by the path or tag, whatever it covers. So an article goes by its tag, pages that always
change together by theirs, and many articles that one change touched by a tag that they share. An article's images go only
when one of them was removed or written over, and what was written for the first time is in no cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict, Transient

from .paths import article_tag, files_tag, front_of, key_of
from .ports import Change, Event, Item, Ports, Write

_PER_TRANSACTION = 100
_ATTEMPTS = 8
MANY = 20
"""Of so many pages that one change touched, the cache is told by their common tag."""
_WORTH_A_TAG = 3
"""Of so many that come at once, that is: they come bit by bit, and for a few of those to come the others stay."""


class _Seen(NamedTuple):
    """Tokens of the newest writes of a path: of all, of the pages among them, and of those that removed an article's images or
    wrote over them."""

    write: str
    pages: str
    files: str

    def moved(self, part: str, known: Item | None) -> bool:
        """Whether there were such writes since the cache was last told."""
        return getattr(self, part) not in ("", (known or {}).get(part, ""))


def invalidate(paths: Iterable[str], ports: Ports, bulk: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Make the cache forget those of `paths` that were written since it last did; sends the event.

    Args:
        paths: of pages (`/topics/energy/`), or of everything below an article (`/articles/a-story/*`).
        bulk: for some of the paths, the tag of all that a change touched with them.

    Returns:
        The paths whose writes the cache has now forgotten.
    """
    wanted = sorted(set(paths))
    done: list[str] = []
    for _ in range(_ATTEMPTS):
        known = _known(wanted, ports)  # first: what is seen may not be older
        looks = {path: _look(path, ports) for path in wanted}
        seen = {path: found for path, (found, _) in looks.items()}
        moved = [path for path in wanted if (known[path] or {}).get("write", "") != seen[path].write]
        if not moved:
            break
        stale = [path for path in moved if known[path] or was_there(looks[path][1] or _writes(path, ports))]
        if stale:
            pages = [path for path in stale if seen[path].moved("pages", known[path])]
            files = [path for path in stale if seen[path].moved("files", known[path])]
            asked = gathered(pages, bulk or {}) + sorted(f"#{files_tag(_slug_of(path))}" for path in files)
            reference = digest("\n".join([*asked, *(f"{path} {seen[path].write}" for path in stale)]).encode())[:32]
            if asked:
                ports.cdn.invalidate(asked, reference)
        changes = {path: _change(path, seen[path], known[path]) for path in moved}
        wanted = _record(changes, ports)
        done += [path for path in moved if path not in done]
        if not wanted:
            break
    else:
        raise Transient("others invalidated the same paths faster than it could be recorded")
    if done:
        ports.bus.emit([Event("CacheInvalidated", {"paths": done})])
    return tuple(done)


def gathered(paths: Iterable[str], bulk: Mapping[str, str]) -> list[str]:
    """What to ask of the cache so that it forgets just these paths, in as few tags and paths as that takes.

    The cache knows an answer by the address that the edge function made of the reader's.
    """
    left = list(paths)
    asked = []
    for tag in sorted(set(bulk.values())):
        covered = [path for path in left if bulk.get(path) == tag]
        if len(covered) >= _WORTH_A_TAG:
            asked.append(f"#{tag}")
            left = [path for path in left if path not in covered]
    fronts = {front for path in left if (front := front_of(path))}
    for tag, members in sorted(fronts):
        if set(members) <= set(left):
            asked.append(f"#{tag}")
            left = [path for path in left if path not in members]
    asked += [f"#{article_tag(_slug_of(path))}" if path.endswith("/*") else f"/{key_of(path)}" for path in left]
    return sorted(asked)


def _slug_of(path: str) -> str:
    return path.removeprefix("/articles/").removesuffix("/*")


def _known(paths: list[str], ports: Ports) -> dict[str, Item | None]:
    return dict(zip(paths, ports.articles.get_many([("path", path) for path in paths]), strict=True))


def _change(path: str, seen: _Seen, known: Item | None) -> Change:
    return Change("path", path, seen._asdict(), known["version"] if known else None)


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


def _look(path: str, ports: Ports) -> tuple[_Seen, list[Write]]:
    """What there is of a path, and the writes that say so; none where looking at the newest was enough."""
    if not path.endswith("*"):
        token = write_of(path, ports)
        return _Seen(token, token, ""), []
    writes = _writes(path, ports)
    pages = [write for write in writes if write.key.endswith("/index.html")]
    files = [write for write in writes if write not in pages]
    touched = {write.key for write in files if write.removal or not write.latest}
    seen = _Seen(
        token_of(path, writes),
        token_of(path, pages),
        token_of(path, [write for write in files if write.key in touched]),
    )
    return seen, writes


def write_of(path: str, ports: Ports) -> str:
    """A token of the newest write or removal of what is served at a path; empty where nothing was ever written."""
    stat = None if path.endswith("*") else ports.site.stat(key_of(path))
    return stat.version if stat else token_of(path, _writes(path, ports))


def token_of(path: str, writes: Sequence[Write]) -> str:
    """The same, of the writes of all keys that are served at a path."""
    newest = [write for write in writes if write.latest]
    if not path.endswith("*") and newest and not newest[0].removal:
        return newest[0].version
    token = " ".join(f"{write.key}:{write.version}" for write in newest)
    return digest(token.encode())[:32] if token else ""


def was_there(writes: Sequence[Write]) -> bool:
    """Whether there was anything before the newest of some writes, so that a cache may hold it."""
    return any(write.removal or not write.latest for write in writes)


def _writes(path: str, ports: Ports) -> list[Write]:
    key = key_of(path)
    return [w for w in ports.site.writes(key.removesuffix("*")) if w.key == key or key.endswith("*")]
