"""The newest part of the search: what changed since the archive was last indexed, as one small file that browsers read.

The file holds an entry for each changed article, and null for each that is gone though the archive knows it. Browsers prefer
it to the archive. So publishing reads and writes the same few objects whatever the archive holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical_json, parse_json
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import RECENT_SEARCH_PATH, SEARCH_ARCHIVE, key_of
from nightdesk.ports import Blob, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.search_entries import Entry, search_entry
from nightdesk.repositories.private_bucket import JSON, SEARCH_KEY, facts_key, load_site
from nightdesk.usecases.pipeline.converge import converge, store_over
from nightdesk.usecases.pipeline.list_outputs import UNCACHED

Entries = dict[str, Entry | None]
RECENT_KEY = key_of(RECENT_SEARCH_PATH)


class Indexed(NamedTuple):
    """What the archive knows of an article: the digest of its entry, and the file with its text."""

    digest: str
    file: str


class Recent(NamedTuple):
    """The state of the search after an update of the newest part.

    Attributes:
        size: how many entries the newest part has.
        has_gone: whether the archive knows an article that is gone.
        archived: how many articles the archive has.
        indexed: when the archive was indexed; None for never.
    """

    size: int
    has_gone: bool
    archived: int
    indexed: datetime | None


class _Inputs(NamedTuple):
    site: Site
    facts: dict[str, bytes | None]
    archive: bytes | None
    indexed: datetime | None


def update_recent(slugs: Iterable[str], ports: Ports, theme: Theme) -> Recent:
    """Make the newest part match the facts of some articles.

    Raises:
        Transient: they kept changing.
    """
    wanted = sorted(set(slugs))

    def read() -> _Inputs:
        # The archive first: an article that changes after that is read again, as `rebuild_archive` does.
        archive, *blobs = ports.in_parallel(ports.private.get, [SEARCH_KEY, *map(facts_key, wanted)])
        facts = {slug: blob.body if blob else None for slug, blob in zip(wanted, blobs, strict=True)}
        return _Inputs(
            load_site(ports), facts, archive.body if archive else None, archive.modified if archive else None
        )

    def apply(inputs: _Inputs) -> tuple[Recent, bool]:
        archive = indexed_in(inputs.archive)
        changed = {
            slug: search_entry(theme, inputs.site, parse_json(raw)) if raw else None
            for slug, raw in inputs.facts.items()
        }
        # As late as possible, so that runs at the same time seldom overtake each other, but before the archive's texts.
        seen = ports.site.get(RECENT_KEY)
        entries, texts = entries_in(seen), _texts_in_archive(changed, archive, ports)
        for slug, entry in changed.items():
            _place(slug, entry, entries, slug in archive, slug in texts)
        wrote = store_entries(entries, archive, seen, ports)
        back = remove_texts(
            {slug: archive[slug] for slug in wanted if slug in archive and is_gone(slug, entries)}, ports
        )
        if back:
            update_recent(back, ports, theme)
        has_gone = any(slug in archive for slug in entries if is_gone(slug, entries))
        return Recent(len(entries), has_gone, len(archive), inputs.indexed), wrote

    return converge(read, apply).value


def is_gone(slug: str, entries: Entries) -> bool:
    """Return True if the newest part says that an article is gone."""
    return slug in entries and entries[slug] is None


def remove_texts(gone: Mapping[str, Indexed], ports: Ports) -> set[str]:
    """Delete the archive's texts of articles that are gone.

    Returns:
        The articles of which the newest part does not say any more that they are gone. It may have relied on their texts.
    """
    for known in gone.values():
        ports.site.delete(SEARCH_ARCHIVE + known.file)
    entries = entries_in(ports.site.get(RECENT_KEY)) if gone else {}
    return {slug for slug in gone if not is_gone(slug, entries)}


def _texts_in_archive(changed: Entries, archive: Mapping[str, Indexed], ports: Ports) -> set[str]:
    """Return the articles whose entries the archive has as they are, with their texts."""
    same = [
        slug
        for slug, entry in changed.items()
        if entry and (known := archive.get(slug)) and known.digest == entry["digest"]
    ]
    stats = ports.in_parallel(ports.site.stat, [SEARCH_ARCHIVE + archive[slug].file for slug in same])
    return {slug for slug, stat in zip(same, stats, strict=True) if stat}


def _place(slug: str, entry: Entry | None, entries: Entries, was_archived: bool, is_archived: bool) -> None:
    """Put an entry among the newest unless the archive has it. A gone article is named only where it was public."""
    if is_archived:
        entries.pop(slug, None)
    elif entry or was_archived:
        entries[slug] = entry
    else:
        entries.pop(slug, None)


def entries_in(blob: Blob | None) -> Entries:
    """Return the entries of the stored newest part."""
    return dict(parse_json(blob.body)["articles"]) if blob else {}


def indexed_in(raw: bytes | None) -> dict[str, Indexed]:
    """Return what the archive knows, by slug."""
    data: dict[str, Any] = parse_json(raw)["articles"] if raw else {}
    return {slug: Indexed(*known) for slug, known in data.items()}


def store_entries(entries: Entries, archive: Mapping[str, Indexed], seen: Blob | None, ports: Ports) -> bool:
    """Store the newest part, and whether there is an archive, over the version that was read. Returns True if it changed.

    Raises:
        Conflict: another run wrote it meanwhile.
    """
    body = canonical_json({"articles": entries, "archive": bool(archive)})
    return store_over(seen, ports.site, Output(RECENT_KEY, body, JSON, UNCACHED))
