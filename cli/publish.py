"""`nightdesk publish`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from nightdesk.domain.documents import DRAFT, EXPIRED, LIVE, SCHEDULED
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.errors import NotFound
from nightdesk.domain.problems import Problem
from nightdesk.domain.text import SLUG
from nightdesk.entrypoints.local_files import find_files
from nightdesk.entrypoints.waiting import Pace, Report, is_rejected, wait_for_article, wait_for_drafts
from nightdesk.usecases.editors.status import status

from .connect import connect, editor_service
from .console import Progress, problem_lines, result, say
from .files import in_order, processed, put_files, refused, say_left

_UP = (LIVE, SCHEDULED, DRAFT, EXPIRED)
"""States in which a file has become what its author asked for."""
_RECORDED = 100
"""How many of the published files the audit log names."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a draft, a folder with index.md, or a folder of drafts; or the slug of an article that is to go live now",
    )
    parser.add_argument(
        "--wait",
        action="store_true",
        help="return when everything is live or rejected; the exit status is 1 if anything was rejected",
    )
    parser.set_defaults(run=publish)


COMMANDS = {"publish": _arguments}


def publish(args: argparse.Namespace) -> int:
    """Upload drafts, images and attachments, and with `--wait` report what became of them."""
    slugs = [str(path) for path in args.paths if not path.exists() and SLUG.fullmatch(str(path))]
    try:
        found = find_files(path for path in args.paths if str(path) not in slugs)
    except FileNotFoundError as error:
        say(f"{error}: there is no such file or folder")
        return 2
    left = found.left | {path: why for key, path in found.files.items() if (why := _refusal(key))}
    say_left(left)
    files = in_order({key: path for key, path in found.files.items() if not _refusal(key)})
    if files:
        return max(_publish_files(files, args), 1 if refused(left) else 0)
    if slugs:
        return _publish_articles(slugs, args)
    say("There is nothing to publish there: no Markdown file, image, attachment or site.yaml.")
    return 2


def _refusal(key: str) -> Problem | None:
    """Return why the pipeline refuses a file, whatever it says."""
    parsed = classify(key)
    return parsed.refusal if parsed else None


def _publish_files(files: dict[str, Path], args: argparse.Namespace) -> int:
    cloud = connect(args.stack)
    service = editor_service(cloud)
    ports = service.ports
    given = {"count": len(files), "files": sorted(files)[:_RECORDED]}
    etags = service.record(
        "publish", "pipeline", given, partial(put_files, files, cloud, Pace(ports.queues), Progress("Uploading"))
    )
    if not args.wait:
        result(sorted(etags), args.json, "\n".join(sorted(etags)))
        return 0
    reports = wait_for_drafts(processed(etags), ports.pipeline, ports.queues, Progress("Publishing"))
    result(
        [{"path": str(files[key]), **(report or {"state": "pending"})} for key, report in reports.items()],
        args.json,
        "\n".join(_lines(files, reports)),
    )
    if not any(report and report["state"] in _UP for report in reports.values()):
        say(
            "Nothing went live."
            if reports
            else "Only images or attachments were uploaded; publish the draft beside them."
        )
        return 1
    return 0 if all(report and not is_rejected(report) for report in reports.values()) else 1


def _lines(files: Mapping[str, Path], reports: Mapping[str, Report | None]) -> Iterator[str]:
    """Yield the lines of the report."""
    for key, report in reports.items():
        path = files[key]
        if report is None:
            yield f"{path}: not finished, and the pipeline has stalled; “nightdesk status” shows where"
            continue
        yield from problem_lines(path, report)
        if not is_rejected(report):
            yield f"{path}: {report['state']} {report['url']}"


def _publish_articles(slugs: list[str], args: argparse.Namespace) -> int:
    """Let articles go live that are withdrawn, scheduled or drafts."""
    service = editor_service(connect(args.stack))
    ports = service.ports.pipeline
    for slug in slugs:
        try:
            service.publish(slug)
        except NotFound as error:
            raise NotFound(f"{error}, and there is no such file") from None
    found: list[dict[str, Any] | None] = [
        wait_for_article(slug, ports) if args.wait else status(slug, ports, datetime.now(UTC)) for slug in slugs
    ]
    result(found, args.json, "\n".join(f"{r['slug']}: {r['state']} {r['url']}" for r in found if r))
    return 0
