"""Publishes what changes in a folder while the local cloud is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nightdesk.domain.documents import REJECTED
from nightdesk.domain.drafts_bucket import FOLDERS, classify
from nightdesk.entrypoints.operator_ports import operator_ports, stage_queues
from nightdesk.entrypoints.waiting import Report, is_rejected, wait_for_drafts
from nightdesk.repositories import articles_table
from nightdesk_local.mail import Postbox

from .console import Progress, problem_lines, say
from .failures import describe
from .files import etag_of, goes_with_draft, in_order, key_in_folder, processed, put_file

if TYPE_CHECKING:
    from nightdesk_local.cloud import Cloud
    from nightdesk_local.up import LocalCloud

_README = """Whatever you save here is published while the local cloud is up; what you delete is withdrawn.

drafts/a-story.md            an article; or drafts/a-story/index.md with its images beside it
authors/<id>.md              an author's profile
topics/<id>.md               a topic's profile
pages/<id>.md                a standing page
updates/<name>.md            an update for the ticker
site.yaml                    the site's name, tiers, support links
"""


def create_folder(content: Path) -> None:
    """Create the folder to watch, with its subfolders and a README, unless it exists."""
    if not content.exists():
        for folder in FOLDERS:
            (content / folder).mkdir(parents=True)
        (content / "README.txt").write_text(_README, "utf-8")


class _Versions(NamedTuple):
    """The ETags of a file's versions in the drafts bucket; `current` is empty if the file was deleted or never put."""

    current: str
    earlier: frozenset[str]

    @property
    def newest(self) -> str:
        """What became of the file after the earlier versions."""
        return "a newer version is in the drafts bucket" if self.current else "it was deleted from the drafts bucket"


_NO_VERSIONS = _Versions("", frozenset())


def _stored_versions(s3: Any, bucket: str) -> dict[str, _Versions]:
    """Return the versions of every file in the drafts bucket, by key."""
    current: dict[str, str] = {}
    every: dict[str, set[str]] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for entry in page.get("Versions", ()):
            etag = entry["ETag"].strip('"')
            every.setdefault(entry["Key"], set()).add(etag)
            if entry["IsLatest"]:
                current[entry["Key"]] = etag
    return {key: _Versions(current.get(key, ""), frozenset(etags - {current.get(key)})) for key, etags in every.items()}


def publish_changed(files: Mapping[str, Path], cloud: Cloud, stopping: threading.Event) -> int:
    """Publish those files that the drafts bucket has never held, and wait until they are finished.

    Returns:
        The number of files that were uploaded.
    """
    s3 = cloud.client("s3")
    stored = _stored_versions(s3, cloud.outputs["DraftsBucket"])
    changed = {}
    for key, path in in_order(files).items():
        history = stored.get(key, _NO_VERSIONS)
        etag = etag_of(path)
        if etag in history.earlier:
            # Putting it again would undo a rollback or a deletion.
            say(f"{path}: not published: {history.newest}. Save the file again to publish it as it is.")
        elif etag != history.current:
            changed[key] = path
    etags = {}
    for key, path in changed.items():
        if stopping.is_set():
            return 0
        etags[key] = put_file(s3, cloud, key, path)
    reports = _wait(etags, changed, cloud, stopping)
    for key, report in reports.items():
        if is_rejected(report) if report else not stopping.is_set():
            say(_outcome(key, report, 0))
    return len(changed)


def watch(content: Path, cloud: Cloud, stopping: threading.Event, local: LocalCloud) -> None:
    """Publish what changes in a folder and show the mail that is sent, until `stopping` is set or the emulator stops."""
    from watchfiles import watch as watch_files

    postbox = Postbox(cloud.endpoint)
    for changes in watch_files(
        content,
        stop_event=stopping,
        debounce=200,
        step=20,
        rust_timeout=500,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        if local.failed:
            return
        for mail in postbox.fresh():
            say(f"Mail to {mail.to}: {mail.subject}" + "".join(f"\n  {link}" for link in mail.links))
        if not changes:
            continue
        paths = sorted({Path(name) for _, name in changes})
        # An editor that saves by renaming a temporary file reports a deletion and an addition, so the disk decides.
        files = {key: path for path in paths if path.is_file() and (key := key_in_folder(path, content))}
        gone = [key for path in paths if not path.exists() and (key := key_in_folder(path, content))]
        try:
            _follow(files, gone, cloud, stopping)
        except Exception as error:  # the next save may go well
            say(describe(error)[0])


def _follow(files: Mapping[str, Path], gone: list[str], cloud: Cloud, stopping: threading.Event) -> None:
    """Delete and upload files, and report what became of them."""
    s3 = cloud.client("s3")
    known = [key for key in gone if classify(key)]
    records = articles_table.draft_records(operator_ports(cloud).articles, known) if known else []
    was_published = {key for key, record in zip(known, records, strict=True) if record and record.revision}
    for key in gone:
        # A file of any other kind was never published, such as what an editor's program writes while it saves.
        if key in known or goes_with_draft(key):
            s3.delete_object(Bucket=cloud.outputs["DraftsBucket"], Key=key)
            say(f"{key}: {'withdrawn' if key in was_published else 'deleted'}")
    started = time.perf_counter()
    etags = {key: put_file(s3, cloud, key, path) for key, path in in_order(files).items()}
    reports = _wait(etags, files, cloud, stopping)
    seconds = time.perf_counter() - started
    for key in etags:
        say(_outcome(key, reports[key], seconds) if key in reports else f"{key}: uploaded")


def _outcome(key: str, report: Report | None, seconds: float) -> str:
    """Return one line about what became of a file."""
    if report is None:
        return f"{key}: not finished; “nightdesk status” shows what the pipeline is doing"
    if is_rejected(report):
        before = "" if report["state"] == REJECTED else f"; the version before it is {report['state']}"
        return f"{key}: rejected{before}"
    count = len(report["warnings"])
    warned = f" ({count} warning{'s'[: count > 1]})" if count else ""
    return f"{key}: {report['state']} in {seconds:.1f} s, {report['url']}{warned}"


def _wait(
    etags: Mapping[str, str], files: Mapping[str, Path], cloud: Cloud, stopping: threading.Event
) -> dict[str, Report | None]:
    """Wait until files are finished or the local cloud is to stop, and print their problems and warnings."""
    waiting = processed(etags)
    if not waiting:
        return {}
    reports = wait_for_drafts(
        waiting, operator_ports(cloud), stage_queues(cloud), Progress("Publishing"), stopping.is_set
    )
    for key, report in reports.items():
        for line in problem_lines(files[key], report) if report else ():
            say(line)
    return reports
