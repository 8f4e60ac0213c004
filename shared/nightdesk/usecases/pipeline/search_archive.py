"""The large part of the search: an index of all public articles, made by Pagefind every night and when much has changed.

Its files are static, and named by their contents, apart from the one that leads to them. Only what is public goes in: the entries
are made of the facts that `gate` wrote for everyone.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from nightdesk.domain.documents import canonical_json, parse_json
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site_paths import SEARCH_ARCHIVE
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.search_entries import Entry, page_for_indexer, search_entry
from nightdesk.repositories.compare_and_swap import compare_and_swap
from nightdesk.repositories.private_bucket import JSON, SEARCH_KEY, facts_key, facts_versions, load_site
from nightdesk.usecases.pipeline.converge import store_over
from nightdesk.usecases.pipeline.list_outputs import UNCACHED
from nightdesk.usecases.pipeline.search_recent import (
    RECENT_KEY,
    Indexed,
    entries_in,
    is_gone,
    remove_texts,
    store_entries,
    update_recent,
)

Indexer = Callable[[Mapping[str, str], str], Mapping[str, bytes]]
"""Makes the files of an index, by name, of pages by slug and the language of the site."""
ENTRY_FILE = "pagefind-entry.json"
"""The only file whose name does not depend on its contents."""
_FRAGMENT = "fragment/"
_MAGIC = b"pagefind_dcd"
"""Before the JSON of a fragment."""
_SCRIPT = "text/javascript; charset=utf-8"
_ATTEMPTS = 5


class _Snapshot(NamedTuple):
    """The public articles at one moment: their entries, and the version of each article's facts, public or not."""

    entries: dict[str, Entry]
    versions: dict[str, str]


def rebuild_archive(ports: Ports, theme: Theme, index: Indexer) -> int:
    """Index all public articles again, and leave to the newest part what changed meanwhile.

    Returns:
        How many articles there are; -1 if another run is doing the same.

    Raises:
        Conflict: another run has overtaken this one; the message must be retried.
    """
    # Before the articles, so that of two runs at once the one that read first cannot come last.
    known, lead = ports.private.get(SEARCH_KEY), ports.site.stat(SEARCH_ARCHIVE + ENTRY_FILE)
    snapshot = _read_all(ports, theme)
    site = load_site(ports)
    separator = theme.text(site)("list.separator")
    pages = {slug: page_for_indexer(entry, separator) for slug, entry in snapshot.entries.items()}
    files = index(pages, site.language) if pages else {}
    stored = dict(ports.site.list(SEARCH_ARCHIVE))
    _upload({name: body for name, body in files.items() if name != ENTRY_FILE}, stored, ports)
    try:
        if files:
            store_over(lead, ports.site, _output(ENTRY_FILE, files[ENTRY_FILE]))
    except Conflict:
        return -1
    archive = {slug: Indexed(snapshot.entries[slug]["digest"], name) for slug, name in files_of_articles(files).items()}
    body = canonical_json({"articles": {slug: list(indexed) for slug, indexed in archive.items()}})
    store_over(known, ports.private, Output(SEARCH_KEY, body, JSON))
    back = _shrink_recent(archive, ports)
    for key in stored:
        if key.removeprefix(SEARCH_ARCHIVE) not in files:
            ports.site.delete(key)
    # What changed since it was read here: its own event may have found nothing to do, by what the archive knew before.
    now = facts_versions(ports)
    changed = {slug for slug in {*now, *snapshot.versions} if now.get(slug) != snapshot.versions.get(slug)}
    if changed | back:
        update_recent(changed | back, ports, theme)
    return len(archive)


def _read_all(ports: Ports, theme: Theme) -> _Snapshot:
    """Return the entries of all public articles."""
    site, entries = load_site(ports), {}
    versions = facts_versions(ports)
    for slug in versions:
        blob = ports.private.get(facts_key(slug))
        if blob and (entry := search_entry(theme, site, parse_json(blob.body))):
            entries[slug] = entry
    return _Snapshot(entries, versions)


def _upload(files: Mapping[str, bytes], stored: Mapping[str, str], ports: Ports) -> None:
    """Store the files that are not stored yet."""
    for name, body in files.items():
        if stored.get(SEARCH_ARCHIVE + name) != hashlib.md5(body, usedforsecurity=False).hexdigest():
            ports.site.put(_output(name, body), ANY)


def _output(name: str, body: bytes) -> Output:
    kind = JSON if name.endswith(".json") else _SCRIPT if name.endswith(".js") else "application/octet-stream"
    return Output(SEARCH_ARCHIVE + name, body, kind, UNCACHED)


def files_of_articles(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the name of the file that holds each article's text, by slug."""
    found = {}
    for name, body in files.items():
        if name.startswith(_FRAGMENT):
            url = parse_json(gzip.decompress(body).removeprefix(_MAGIC))["url"]
            found[url.split("/")[2]] = name
    return found


def _shrink_recent(archive: Mapping[str, Indexed], ports: Ports) -> set[str]:
    """Take out of the newest part what the archive has by now, and out of the archive the texts of what has gone since.

    Returns:
        The articles that came back meanwhile (`remove_texts`).

    Raises:
        Conflict: other runs wrote the newest part first every time.
    """

    def attempt() -> set[str]:
        seen = ports.site.get(RECENT_KEY)
        entries = {
            slug: entry
            for slug, entry in entries_in(seen).items()
            if (slug in archive if entry is None else slug not in archive or archive[slug].digest != entry["digest"])
        }
        store_entries(entries, archive, seen, ports)
        return remove_texts({slug: archive[slug] for slug in entries if is_gone(slug, entries)}, ports)

    return compare_and_swap(attempt, "the newest part of the search", _ATTEMPTS)
