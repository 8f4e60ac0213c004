"""Finds the files of the drafts bucket that a person means by a slug, a file's name or path, or a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nightdesk.domain.documents import REJECTED, WITHDRAWN
from nightdesk.domain.drafts_bucket import FOLDERS, classify, default_draft_keys
from nightdesk.domain.text import SLUG, slug_of_filename
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.articles_table import RejectedFile
from nightdesk.repositories.records import DraftRecord

Found = tuple[str, DraftRecord]
"""A file's key, and its record."""


def find_files(name: str, ports: Ports) -> list[Found]:
    """Return the files that `name` may mean, the likeliest first.

    A slug means the draft that holds it, then drafts that would have it by their names, then rejected drafts that want it.
    A deleted file comes last, and not at all if it was never published.
    """
    return _existing([*_keys(name.strip(), ports), *_wanting(name.strip(), ports)], ports)


def find_file(name: str, ports: Ports) -> Found | None:
    """Return the likeliest of these files. The rejected drafts are read only if no other file is meant."""
    found = _existing(_keys(name.strip(), ports), ports)
    if not found or found[0][1].state == WITHDRAWN:
        found = find_files(name, ports)
    return found[0] if found else None


def _existing(keys: Iterable[str], ports: Ports) -> list[Found]:
    """Return the files among some keys, deleted ones last."""
    wanted = list(dict.fromkeys(keys))
    records = zip(wanted, articles_table.draft_records(ports.articles, wanted), strict=True)
    found = [(key, record) for key, record in records if record and not _was_never_published(record)]
    return sorted(found, key=lambda file: file[1].state == WITHDRAWN)


def own_slug(key: str, record: DraftRecord, ports: Ports) -> str:
    """Return the slug by which to name a draft: for a rejected one that wants another's slug, the one of its file's name."""
    if record.state == REJECTED and not record.document:
        claim = articles_table.claim_of(ports.articles, record.slug)
        parsed = classify(key)
        if claim and claim.holder != key and parsed:
            return slug_of_filename(parsed.name) or record.slug
    return record.slug


def _was_never_published(record: DraftRecord) -> bool:
    return record.state == WITHDRAWN and not record.revision


def _keys(name: str, ports: Ports) -> Iterator[str]:
    if SLUG.fullmatch(name):
        if claim := articles_table.claim_of(ports.articles, name):
            yield claim.holder
        yield from default_draft_keys(name)
        yield from (f"drafts/{name}.markdown", f"drafts/{name}/index.markdown")
    else:
        yield name
        yield from _keys_of_path(name)


def _wanting(name: str, ports: Ports) -> Iterator[str]:
    """Yield the keys of rejected drafts that have or want a name."""
    yield from (file.key for file in articles_table.rejected(ports.articles) if _is_meant(name, file))


def _keys_of_path(name: str) -> Iterator[str]:
    """Yield the keys that a path on a user's machine, or a part of one, may have in the bucket."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    folders = [place for place, part in enumerate(parts) if part in FOLDERS]
    if folders:
        yield "/".join(parts[folders[-1] :])
    if parts and parts[-1] == "site.yaml":
        yield parts[-1]
    yield from (f"drafts/{'/'.join(parts[-length:])}" for length in (1, 2) if length <= len(parts))
    if parts:
        yield from default_draft_keys(parts[-1])
        yield from (f"{folder}/{parts[-1]}" for folder in FOLDERS)


def _is_meant(name: str, file: RejectedFile) -> bool:
    parsed = classify(file.key)
    if not parsed or parsed.kind != "draft":
        return False
    return name in (file.slug, slug_of_filename(parsed.name), parsed.name, file.key.rsplit("/", 1)[1])
