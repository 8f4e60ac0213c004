"""Reconcile the files of the drafts bucket, the profiles that were made of some, and updates: a slice of each at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import cast

from nightdesk.domain.drafts_bucket import SITE_FILE, classify
from nightdesk.domain.events import PictureRequested
from nightdesk.ports import ObjectVersion, Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import ATTACHMENTS, SITE_KEY, image_key, profile_key
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.pipeline.reconciled import LISTED, Differences, Slice, merged
from nightdesk.usecases.pipeline.render import render
from nightdesk.usecases.pipeline.trials import ReadOnce, Trial, holds, read_once, trial_of

_DOCUMENTS = ("articles/", "authors/", "topics/", "pages/", SITE_KEY)
_COPIES = (image_key(""), ATTACHMENTS)
_VERSIONS = 1000
"""Of the drafts bucket's objects, which one slice knows from a listing."""
_PROFILES = ("author", "page", "topic")


def compare_files(after: str, ports: Ports) -> Slice:
    """Compare what is stored of files with what rendering them again would store."""
    page = ports.drafts.page("", after, LISTED)
    if not page:
        return Slice(Differences(), None)
    versions = ports.drafts.page_versions("", after, _VERSIONS)
    last = min(page[-1][0], versions[-1].key if versions else "")
    files = [(key, listed.etag) for key, listed in page if key <= last and _is_compared(key)]
    records = articles_table.draft_records(ports.articles, [key for key, _ in files])
    known = dict(zip((key for key, _ in files), records, strict=True))
    changed = [key for key, etag in files if not _knows(known[key], etag)]
    shared = read_once(ports)
    _share_versions([key for key, _ in files], [each for each in versions if each.key <= last], after, shared)
    found = _try_each([key for key, _ in files if key not in changed], shared, ports)
    is_last = len(page) < LISTED and last == page[-1][0]
    return Slice(merged([found, Differences(drafts=tuple(changed))]), None if is_last else last)


def _is_compared(key: str) -> bool:
    parsed = classify(key)
    return parsed is not None and parsed.kind != "update" and not key.startswith("updates/")


def _share_versions(files: Sequence[str], versions: Sequence[ObjectVersion], after: str, shared: Ports) -> None:
    """Let the trials of a slice know the versions of its files, and of the folders that lie within it, from the slice's listing."""
    drafts = cast(ReadOnce, shared.drafts)
    by_key: dict[str, list[ObjectVersion]] = defaultdict(list)
    by_folder: dict[str, list[ObjectVersion]] = defaultdict(list)
    for version in versions:
        by_key[version.key].append(version)
        by_folder[f"{version.key.rpartition('/')[0]}/"].append(version)
    last = versions[-1].key if versions else ""
    for key in files:
        drafts.know_versions(key, by_key[key])
        parsed = classify(key)
        # A zero follows the slash, so that key is behind all of the folder.
        if parsed and parsed.folder and after < parsed.folder and f"{parsed.folder.removesuffix('/')}0" <= last:
            within = [each for folder, some in by_folder.items() if folder.startswith(parsed.folder) for each in some]
            drafts.know_versions(parsed.folder, sorted(within, key=lambda each: each.key))


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
    found = _try_each(keys, read_once(ports), ports)
    if len(page) == LISTED:
        return Slice(found, f"{kind} {page[-1][0]}")
    following = _PROFILES[_PROFILES.index(kind) + 1 :]
    return Slice(found, f"{following[0]} " if following else None)


def _try_each(keys: Sequence[str], shared: Ports, ports: Ports) -> Differences:
    """Render files as a trial, each on its own: one that fails stops no other."""
    return merged(ports.in_parallel(partial(_try_file, shared=shared, ports=ports), keys))


def _try_file(key: str, shared: Ports, ports: Ports) -> Differences:
    trial = trial_of(shared, writes_documents=True)
    try:
        render(key, trial.ports)
        changed = _has_changed(trial, shared, ports)
    except Exception:  # a file that nothing can parse must not stop the others
        return Differences(failed=(key,))
    pictures = [event for event in trial.sent.events if isinstance(event, PictureRequested)]
    return Differences(
        drafts=(key,) if changed else (),
        pictures=tuple((event.owner, event.picture, event.instead_of) for event in pictures),
    )


def _has_changed(trial: Trial, shared: Ports, ports: Ports) -> bool:
    """Return True if a trial wrote another document, a copy that is missing, or another claim.

    That a table knows the version of a draft's file does not show that its document is right: an image may have changed.
    """
    for key, output in trial.private.written.items():
        if not key.startswith((*_DOCUMENTS, *_COPIES)):
            continue
        if key.startswith(_COPIES):
            return True
        stored = shared.private.stat(key)
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
