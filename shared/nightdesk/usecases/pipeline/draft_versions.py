"""The versions of a draft's file, each read and parsed once.

A version's bytes never change, so what was read of it is kept in the private bucket. That is a cache: a run that cannot write
it, or finds none, reads the versions again. It is void when the settings change, which decide how drafts are read.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from nightdesk.domain.documents import canonical_json, digest, parse_json
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.errors import Conflict, Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.uploaders import Uploader, uploader_of
from nightdesk.ports import ObjectVersion, Output, Ports
from nightdesk.rendering.markdown import to_html
from nightdesk.repositories.drafts_bucket import current_versions, versions_before_deletion
from nightdesk.repositories.private_bucket import JSON, history_key

_RULES = 1
"""Raise this when a release reads the slug, the aliases or the words of a draft otherwise, or rejects others."""
_FEW = 3
"""So few versions are read again, which costs no more than to keep what was read: most drafts have no more."""


class DraftVersion(NamedTuple):
    """A version that could be published.

    Attributes:
        at: when it was written (ISO 8601).
        draft: whether it said `draft: true`.
        substance: a digest of title, dek, text and sources, whatever their spacing.
        aliases: its old addresses.
    """

    at: str
    slug: str
    draft: bool
    substance: str
    aliases: tuple[str, ...] = ()


class ReadVersion(NamedTuple):
    """A version of the file, who uploaded it, and what it says; None if it was rejected."""

    version: ObjectVersion
    uploader: Uploader
    parsed: DraftVersion | None


def read_versions(key: str, site: Site, ports: Ports) -> list[ReadVersion]:
    """Return the versions of the draft at `key` since it was last deleted, oldest first: of very many, the newest and the first."""
    parsed_key = classify(key)
    versions = current_versions(key, ports)[::-1] if parsed_key and not parsed_key.refusal else []
    rules = digest(canonical_json([_RULES, site.to_json()]))
    stored = ports.private.get(history_key(key)) if len(versions) > _FEW else None
    cache = parse_json(stored.body) if stored else {}
    known: dict[str, Any] = cache["versions"] if cache.get("rules") == rules else {}
    found = []
    for version in versions:
        read = known.get(version.version) or _read(version, parsed_key.name if parsed_key else "", site, ports)
        if read:
            found.append((version, read))
    kept = {version.version: read for version, read in found}
    if len(versions) > _FEW and kept.keys() - known.keys():
        body = canonical_json({"rules": rules, "versions": kept})
        with suppress(Conflict):  # another run keeps the same
            ports.private.put(Output(history_key(key), body, JSON), stored.etag if stored else None)
    return [_read_version(version, read) for version, read in found]


def read_deleted_versions(key: str, site: Site, ports: Ports) -> list[ReadVersion]:
    """Return the versions that a deleted draft had last, oldest first."""
    parsed_key = classify(key)
    versions = versions_before_deletion(key, ports)[::-1] if parsed_key and not parsed_key.refusal else []
    found = ((version, _read(version, parsed_key.name if parsed_key else "", site, ports)) for version in versions)
    return [_read_version(version, read) for version, read in found if read]


def _read(version: ObjectVersion, name: str, site: Site, ports: Ports) -> list[Any]:
    """Return the uploader's id and role, and what a version says, as JSON values; nothing if it is deleted for good."""
    blob = ports.drafts.get(version.key, version.version)
    return [*uploader_of(blob.metadata), _parse(blob.body, name, site)] if blob else []


def _parse(raw: bytes, name: str, site: Site) -> list[Any] | None:
    try:
        draft = parse_draft(raw, name, site, to_html)
    except Rejected:
        return None
    passages = [[passage.tier, passage.source.split()] for passage in draft.passages]
    substance = digest(canonical_json([draft.title, draft.dek, passages, draft.sources]))
    return [draft.slug, draft.draft, substance, list(draft.aliases)]


def _read_version(version: ObjectVersion, read: list[Any]) -> ReadVersion:
    identifier, role, says = read
    parsed = None
    if says:
        slug, draft, substance, aliases = says
        parsed = DraftVersion(version.modified.isoformat(), slug, draft, substance, tuple(aliases))
    return ReadVersion(version, Uploader(identifier, role), parsed)
