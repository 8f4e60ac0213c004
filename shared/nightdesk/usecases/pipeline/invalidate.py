"""Invalidate: make the CDN drop its copies of paths that were written.

For each path, the table records *which write* was last invalidated, never a digest of the bytes: if A, B and A were written
within one batch, the cache may hold B. So no write is invalidated twice, and none is missed.

This stage does not read its inputs again after writing: a later write has its own event, which finds another token
than the recorded one. But of two runs at once, the one that read first may record last, and an older token would replace a
newer one. So a token is recorded only over the one that the run has read; a run that loses the race starts over.

CloudFront charges for each path or tag, whatever it covers. So an article is invalidated by its tag, pages that always
change together by theirs, and many pages that one change affects by a tag that they share. An article's images are
invalidated only if one of them was removed or overwritten. A first write of a path is not, because no cache holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict, Transient
from nightdesk.domain.events import CacheInvalidated
from nightdesk.domain.site_paths import article_tag, files_tag, fronts_of, key_of
from nightdesk.ports import Change, Item, ObjectVersion, Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.turns import read_turns
from nightdesk.usecases.pipeline.places import turn_of_path

_PER_TRANSACTION = 100
_ATTEMPTS = 8
BULK_THRESHOLD = 20
"""From this many pages that one change affects, events carry the tag that the pages share."""
_WORTH_A_TAG = 3
"""From this many such pages in a batch, the tag is invalidated. It also drops the copies of pages that are not in the batch,
so it is not used for the last few of many."""


class WriteTokens(NamedTuple):
    """Tokens of the newest writes of a path: of all its objects, of the pages, and of removed or overwritten images."""

    write: str
    pages: str
    files: str


class _PathState(NamedTuple):
    """A path: the tokens of its newest writes, what was last invalidated, and its versions if they were listed."""

    path: str
    tokens: WriteTokens
    recorded: Item | None
    versions: list[ObjectVersion]

    def has_changed(self, part: str) -> bool:
        """Return True if there are writes of a part (a field of `WriteTokens`) that were not invalidated."""
        return bool(getattr(self.tokens, part) not in ("", (self.recorded or {}).get(part, "")))

    @property
    def is_new(self) -> bool:
        """True if there are writes that were not recorded as invalidated."""
        return bool((self.recorded or {}).get("write", "") != self.tokens.write)


def invalidate(
    paths: Iterable[str], ports: Ports, bulk: Mapping[str, str] | None = None, listed: Collection[str] = ()
) -> tuple[str, ...]:
    """Invalidate the paths that were written since they were last invalidated; sends the event.

    Args:
        paths: of pages (`/topics/energy/`), or of everything below an article (`/articles/a-story/*`).
        bulk: for some of the paths, the tag of all pages that a change affected together with them.
        listed: those that a run wrote which says so in the turn at its list, where the newest write is found with one read.

    Returns:
        The paths of which the cache now holds no older copy.

    Raises:
        Transient: other runs recorded the same paths first every time.
    """
    wanted = sorted(set(paths))
    done: dict[str, None] = {}
    for _ in range(_ATTEMPTS):
        changed, wanted = _invalidate_once(wanted, ports, bulk or {}, listed)
        done |= dict.fromkeys(changed)
        if not wanted:
            break
    else:
        raise Transient("other runs invalidated the same paths faster than this one could record them")
    if done:
        ports.bus.emit([CacheInvalidated(list(done))])
    return tuple(done)


def _invalidate_once(
    paths: list[str], ports: Ports, bulk: Mapping[str, str], listed: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the paths that were written since, and those among them that another run recorded first."""
    # Before the writes, so that no write is older than what is recorded here.
    recorded = articles_table.invalidations(ports.articles, paths)
    known = known_writes([path for path in paths if path in listed], ports)
    states = ports.in_parallel(lambda each: _read(*each, known, ports), zip(paths, recorded, strict=True))
    changed = [state for state in states if state.is_new]
    may_be_cached = ports.in_parallel(
        lambda state: bool(state.recorded) or has_older_version(_versions_of(state, ports)), changed
    )
    stale = [state for state, cached in zip(changed, may_be_cached, strict=True) if cached]
    items = [
        *invalidation_items([state.path for state in stale if state.has_changed("pages")], bulk),
        *sorted(f"#{files_tag(_slug_of(state.path))}" for state in stale if state.has_changed("files")),
    ]
    made = ""
    if items:
        # The same for a run that died after this call and is repeated, which then costs nothing.
        writes = [f"{state.path} {state.tokens.write}" for state in stale]
        made = ports.cdn.invalidate(items, digest("\n".join([*items, *writes]).encode())[:32])
    cached = {state.path for state in stale}
    changes = {state.path: _change(state, made if state.path in cached else "") for state in changed}
    return list(changes), _record(changes, ports)


def bulk_tag(tag: str, count: int) -> str:
    """Return the tag that events carry when one change affects `count` pages; empty for a few, which go by their paths."""
    return tag if count >= BULK_THRESHOLD else ""


def invalidation_items(paths: Iterable[str], bulk: Mapping[str, str]) -> list[str]:
    """Return the paths and tags (`#tag`) to invalidate for some paths: as few as possible.

    Paths are those of the origin: the cache's key is the path after the edge function has rewritten it.
    """
    left = list(paths)
    items = []
    for tag in sorted(set(bulk.values())):
        covered = [path for path in left if bulk.get(path) == tag]
        if len(covered) >= _WORTH_A_TAG:
            items.append(f"#{tag}")
            left = [path for path in left if path not in covered]
    fronts = {front for path in left for front in fronts_of(path)}
    for tag, members in sorted(fronts, key=lambda front: (-len(front.paths), front.tag)):
        if set(members) <= set(left):
            items.append(f"#{tag}")
            left = [path for path in left if path not in members]
    items += [f"#{article_tag(_slug_of(path))}" if path.endswith("/*") else f"/{key_of(path)}" for path in left]
    return sorted(items)


def _slug_of(path: str) -> str:
    return path.removeprefix("/articles/").removesuffix("/*")


def _record(changes: Mapping[str, Change], ports: Ports) -> list[str]:
    """Record what was invalidated, by path. Returns the paths that another run recorded first."""
    lost: list[str] = []
    pending = list(changes)
    for start in range(0, len(pending), _PER_TRANSACTION):
        batch = pending[start : start + _PER_TRANSACTION]
        try:
            ports.articles.write([changes[path] for path in batch])
        except Conflict:
            # The transaction fails as a whole; one by one, only those that lost the race do.
            lost += [path for path in batch if not _wrote(changes[path], ports)]
    return lost


def _change(state: _PathState, invalidation: str) -> Change:
    version = state.recorded["version"] if state.recorded else None
    item = {**state.tokens._asdict(), "invalidation": invalidation}
    return articles_table.invalidation_change(state.path, item, version)


def is_dropped_everywhere(paths: Iterable[str], ports: Ports) -> bool:
    """Return True if no edge location holds an older copy of some paths: their newest writes were invalidated, to the end."""
    wanted = sorted(set(paths))
    recorded = articles_table.invalidations(ports.articles, wanted)
    states = ports.in_parallel(lambda each: _read(*each, {}, ports), zip(wanted, recorded, strict=True))
    if any(state.is_new and (state.recorded or has_older_version(_versions_of(state, ports))) for state in states):
        return False
    made = {str(found["invalidation"]) for found in recorded if found and found.get("invalidation")}
    return all(ports.in_parallel(ports.cdn.is_complete, sorted(made)))


def _wrote(change: Change, ports: Ports) -> bool:
    try:
        ports.articles.write([change])
    except Conflict:
        return False
    return True


def known_writes(paths: Iterable[str], ports: Ports) -> dict[str, str]:
    """Return the token of the newest write of each page that the last run of its list has left on record (`turns`)."""
    names = {path: turn for path in paths if not path.endswith("*") and (turn := turn_of_path(path))}
    found = sorted(set(names.values()))
    turns = dict(zip(found, read_turns(ports.articles, found), strict=True)) if found else {}
    pages = {path: turns[name].pages.get(key_of(path)) for path, name in names.items()}
    return {path: page.version for path, page in pages.items() if page}


def _read(path: str, recorded: Item | None, known: Mapping[str, str], ports: Ports) -> _PathState:
    if not path.endswith("*") and (recorded or path in known):
        token = known.get(path) or write_token(path, ports)
        return _PathState(path, WriteTokens(token, token, ""), recorded, [])
    # Of a path that was never invalidated, its versions also tell whether a cache may hold it.
    versions = _list_versions(path, ports)
    if not path.endswith("*"):
        token = token_of_versions(path, versions)
        return _PathState(path, WriteTokens(token, token, ""), recorded, versions)
    pages = [version for version in versions if version.key.endswith("/index.html")]
    files = [version for version in versions if version not in pages]
    replaced = {version.key for version in files if version.deleted or not version.latest}
    tokens = WriteTokens(
        token_of_versions(path, versions),
        token_of_versions(path, pages),
        token_of_versions(path, [version for version in files if version.key in replaced]),
    )
    return _PathState(path, tokens, recorded, versions)


def _versions_of(state: _PathState, ports: Ports) -> list[ObjectVersion]:
    return state.versions or _list_versions(state.path, ports)


def write_token(path: str, ports: Ports) -> str:
    """Return a token of the newest write or deletion of what is served at a path; empty if nothing was ever written."""
    stat = None if path.endswith("*") else ports.site.stat(key_of(path))
    return stat.version if stat else token_of_versions(path, _list_versions(path, ports))


def token_of_versions(path: str, versions: Sequence[ObjectVersion]) -> str:
    """Return the token of a path, given the versions of all objects that are served at it."""
    newest = [version for version in versions if version.latest]
    if not path.endswith("*") and newest and not newest[0].deleted:
        return newest[0].version
    token = " ".join(f"{version.key}:{version.version}" for version in newest)
    return digest(token.encode())[:32] if token else ""


def has_older_version(versions: Sequence[ObjectVersion]) -> bool:
    """Return True if there was anything before the newest of some versions, so that a cache may hold it."""
    return any(version.deleted or not version.latest for version in versions)


def _list_versions(path: str, ports: Ports) -> list[ObjectVersion]:
    key = key_of(path)
    found = ports.site.list_versions(key.removesuffix("*"))
    return [version for version in found if version.key == key or key.endswith("*")]
