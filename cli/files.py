"""Local files, and their keys in the drafts bucket."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightdesk.domain.attachments import is_attachment
from nightdesk.domain.drafts_bucket import FOLDERS, SITE_FILE, classify, is_hidden_or_temporary
from nightdesk.domain.problems import Effect, Kind, Problem
from nightdesk.entrypoints.local_files import type_of
from nightdesk.entrypoints.waiting import Pace
from nightdesk.repositories.private_bucket import IMAGE_TYPES
from nightdesk_local.cloud import Cloud

from .console import Progress, located, say

_NAMED = 20
"""How many files that are left alone are named in one folder."""
_DATE = re.compile(rb"^(?:date|published|publishDate|published_at)\s*[:=]\s*[\"']?([0-9-]+[T ]?[0-9:]*)", re.MULTILINE)


def folder_keys(folder: Path) -> dict[str, Path]:
    """Return the files of a folder that is laid out like the drafts bucket, by key."""
    paths = sorted(folder.rglob("*")) if folder.is_dir() else ()
    return {key: path for path in paths if (key := key_in_folder(path, folder)) and path.is_file()}


def key_in_folder(path: Path, folder: Path) -> str:
    """Return a file's key; empty for files that are not published, such as an editor's backup copies."""
    key = path.relative_to(folder).as_posix()
    known = key == SITE_FILE or ("/" in key and key.split("/")[0] in FOLDERS)
    return key if known and not is_hidden_or_temporary(key) else ""


def refused(left: Mapping[Path, Problem]) -> bool:
    """Return True if any of these files is meant as an article and cannot be one."""
    passing = (Kind.FILE_TEMPORARY, Kind.FILE_HIDDEN)
    return any(each.kind.effect is Effect.REJECTED and each.kind not in passing for each in left.values())


def say_left(left: Mapping[Path, Problem]) -> None:
    """Name the files that are left alone, with the reason; of very many in one folder, the first. What is meant as an article is always named."""
    shown: Counter[Path] = Counter()
    for path, problem in left.items():
        is_refused = refused({path: problem})
        shown[path.parent] += not is_refused
        if is_refused or shown[path.parent] <= _NAMED:
            say(located(path, problem.to_json(), "" if is_refused else "left alone: "))
    for folder, count in shown.items():
        if count > _NAMED:
            say(f"{folder}: left alone: {count - _NAMED} more files")


def in_order(files: Mapping[str, Path]) -> dict[str, Path]:
    """Sort files so that publishing them costs least.

    Images, attachments, settings and profiles go before the drafts that show them. Drafts go oldest first, because an article that is
    published after newer ones has those rendered again: their “More in” lists name it.
    """

    def rank(item: tuple[str, Path]) -> tuple[bool, bool, bool, str, str]:
        key, path = item
        is_draft = key.startswith("drafts/") and classify(key) is not None
        return classify(key) is not None, key != SITE_FILE, is_draft, _date(path) if is_draft else "", key

    return dict(sorted(files.items(), key=rank))


def etag_of(path: Path) -> str:
    """Return the ETag that S3 gives a file uploaded in one part: its MD5 digest."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def put_file(s3: Any, cloud: Cloud, key: str, path: Path) -> str:
    """Put a file into the drafts bucket and return its ETag."""
    content_type = type_of(path)
    answer = s3.put_object(
        Bucket=cloud.outputs["DraftsBucket"], Key=key, Body=path.read_bytes(), ContentType=content_type
    )
    return str(answer["ETag"]).strip('"')


def put_files(files: Mapping[str, Path], cloud: Cloud, pace: Pace, progress: Progress) -> dict[str, str]:
    """Put files into the drafts bucket, no faster than drafts are rendered, and return their ETags by key."""
    s3 = cloud.client("s3")
    etags = {}
    for number, (key, path) in enumerate(files.items(), 1):
        etags[key] = put_file(s3, cloud, key, path)
        progress(number, len(files))
        if classify(key):
            pace.uploaded()
    return etags


def processed(etags: Mapping[str, str]) -> dict[str, str]:
    """Return those files that the pipeline reports on: images and attachments are published with their drafts."""
    return {key: etag for key, etag in etags.items() if classify(key)}


def goes_with_draft(key: str) -> bool:
    """Return True for the key of an image or an attachment, which is published with the file beside it."""
    return Path(key).suffix.lower() in IMAGE_TYPES or is_attachment(key)


def _date(path: Path) -> str:
    """Return a draft's date as written near its top; empty if there is none."""
    with path.open("rb") as file:
        found = _DATE.search(file.read(4000))
    return found[1].decode() if found else ""
