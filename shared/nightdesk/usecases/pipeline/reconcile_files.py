"""Reconcile the files of the drafts bucket, the profiles that were made of some, and updates: a slice of each at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from nightdesk.domain.drafts_bucket import SITE_FILE, classify
from nightdesk.domain.events import PictureRequested
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import ATTACHMENTS, SITE_KEY, image_key, profile_key
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.pipeline.reconciled import LISTED, Differences, Slice, merged
from nightdesk.usecases.pipeline.render import render
from nightdesk.usecases.pipeline.trials import Trial, holds, read_once, trial_of

_DOCUMENTS = ("articles/", "authors/", "topics/", "pages/", SITE_KEY)
_COPIES = (image_key(""), ATTACHMENTS)
_PROFILES = ("author", "page", "topic")


def compare_files(after: str, ports: Ports) -> Slice:
    """Compare what is stored of files with what rendering them again would store."""
    page = ports.drafts.page("", after, LISTED)
    files = [(key, listed.etag) for key, listed in page if (parsed := classify(key)) and parsed.kind != "update"]
    files = [(key, etag) for key, etag in files if not key.startswith("updates/")]
    records = articles_table.draft_records(ports.articles, [key for key, _ in files])
    known = dict(zip((key for key, _ in files), records, strict=True))
    changed = [key for key, etag in files if not _knows(known[key], etag)]
    found = _try_each([key for key, _ in files if key not in changed], ports)
    return Slice(merged([found, Differences(drafts=tuple(changed))]), page[-1][0] if len(page) == LISTED else None)


def _knows(record: DraftRecord | None, etag: str) -> bool:
    return record is not None and record.etag == etag


def compare_profiles(after: str, ports: Ports) -> Slice:
    """Compare profiles and settings that are stored with their files, which may have been deleted."""
    kind, _, begin = after.partition(" ")
    kind = kind or _PROFILES[0]
    folder = profile_key(kind, "").removesuffix(".json")
    page = ports.private.page(folder, begin, LISTED)
    keys = [key.removesuffix("json") + "md" for key, _ in page]
    if not after and ports.private.stat(SITE_KEY):
        keys.append(SITE_FILE)
    found = _try_each(keys, ports)
    if len(page) == LISTED:
        return Slice(found, f"{kind} {page[-1][0]}")
    following = _PROFILES[_PROFILES.index(kind) + 1 :]
    return Slice(found, f"{following[0]} " if following else None)


def _try_each(keys: Sequence[str], ports: Ports) -> Differences:
    """Render files as a trial, each on its own: one that fails stops no other."""
    shared = read_once(ports)
    return merged(ports.in_parallel(partial(_try_file, shared=shared, ports=ports), keys))


def _try_file(key: str, shared: Ports, ports: Ports) -> Differences:
    trial = trial_of(shared, writes_documents=True)
    try:
        render(key, trial.ports)
        changed = _has_changed(trial, ports)
    except Exception:  # a file that nothing can parse must not stop the others
        return Differences(failed=(key,))
    pictures = [event for event in trial.sent.events if isinstance(event, PictureRequested)]
    return Differences(
        drafts=(key,) if changed else (),
        pictures=tuple((event.owner, event.picture, event.instead_of) for event in pictures),
    )


def _has_changed(trial: Trial, ports: Ports) -> bool:
    """Return True if a trial wrote another document, a copy that is missing, or another claim.

    That a table knows the version of a draft's file does not show that its document is right: an image may have changed.
    """
    for key, output in trial.private.written.items():
        if not key.startswith((*_DOCUMENTS, *_COPIES)):
            continue
        if key.startswith(_COPIES):
            return True
        stored = ports.private.stat(key)
        if output is None:
            if stored:
                return True
        elif not stored or not holds(key, output.body, stored.etag, ports.private):
            return True
    claims = [(key, item) for key, item in trial.table.written.items() if key[1] == "claim"]
    return any(_holder(item) != _holder(ports.articles.get(*key)) for key, item in claims)


def _holder(item: object) -> str:
    return str(item.get("holder", "")) if isinstance(item, dict) else ""


def compare_updates(after: str, ports: Ports) -> Slice:
    """Find files of updates of which the table knows another version, including deleted ones."""
    versions = ports.drafts.page_versions("updates/", after, LISTED)
    ever = sorted({version.key for version in versions})
    keys = [key for key in ever if (parsed := classify(key)) and parsed.kind == "update"]
    stats = ports.in_parallel(ports.drafts.stat, keys)
    records = articles_table.draft_records(ports.articles, keys)
    wrong = [
        key
        for key, record, stat in zip(keys, records, stats, strict=True)
        if (record.etag if record else "") != (stat.etag if stat else "")
    ]
    return Slice(Differences(updates=tuple(wrong)), ever[-1] if ever else None)
