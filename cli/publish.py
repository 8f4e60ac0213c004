"""`nightdesk publish` and `nightdesk status`."""

from __future__ import annotations

import argparse
import mimetypes
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightdesk.domain.documents import REJECTED, SCHEDULED
from nightdesk.domain.drafts import classify
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.text import SLUG
from nightdesk.usecases import catalogue
from nightdesk.usecases.editorial import Unknown
from nightdesk.usecases.ports import Ports
from nightdesk.usecases.status import status, status_of_draft
from nightdesk.usecases.stored import IMAGE_TYPES

from .connect import Cloud, cli_desk, cli_ports, connect
from .console import Progress, result, say
from .pipeline import in_flight, show_pipeline

_FOLDERS = ("drafts", "authors", "topics", "pages", "updates")
_PATIENCE = 240.0
_IDLE_PATIENCE = 20.0
_LOOK_SECONDS = 3.0
_NAMED = 100
"""So many of the files that were published are named in the audit log."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("publish", help="put drafts and their images into the drafts bucket")
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="a draft, a folder with index.md, or a folder of drafts; or the slug of an article that is to go live now",
    )
    parser.add_argument(
        "--wait", action="store_true", help="return when all are live or rejected; non-zero if any was rejected"
    )
    parser.set_defaults(run=publish)
    parser = commands.add_parser("status", help="what became of a draft; without a slug, the pipeline")
    parser.add_argument("slug", nargs="?")
    parser.set_defaults(run=show_status)


def keys_of(paths: Iterable[Path]) -> dict[str, Path]:
    """Keys of the drafts bucket for files and folders, images before the drafts that show them."""
    found: dict[str, Path] = {}
    for path in paths:
        for file in _files(path):
            if key := _key(file, path):
                found[key] = file
    return in_order(found)


def in_order(files: Mapping[str, Path]) -> dict[str, Path]:
    """Files in the order in which they cost least: images, settings and profiles before the drafts that show them.

    Drafts go oldest first, so that each finds those before it: one that comes late has its followers made again.
    """

    def place(item: tuple[str, Path]) -> tuple[bool, bool, bool, str, str]:
        key, path = item
        is_draft = key.startswith("drafts/") and classify(key) is not None
        return classify(key) is not None, key != "site.yaml", is_draft, _date(path) if is_draft else "", key

    return dict(sorted(files.items(), key=place))


def _date(path: Path) -> str:
    """A draft's date as it stands in its first lines; empty where there is none to be seen."""
    with path.open("rb") as file:
        found = re.search(
            rb"^(?:date|published|publishDate|published_at)\s*[:=]\s*[\"']?([0-9-]+[T ]?[0-9:]*)",
            file.read(4000),
            re.MULTILINE,
        )
    return found[1].decode() if found else ""


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        if path.stem == "index":
            yield from (sibling for sibling in sorted(path.parent.iterdir()) if sibling.is_file())
        else:
            yield path
    elif path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith("."))
    else:
        raise FileNotFoundError(path)


def _key(file: Path, root: Path) -> str:
    """A file's key: as the folder layout says; a file that stands in none is a draft."""
    if file.name == "site.yaml":
        return "site.yaml"
    if file.suffix.lower() not in (".md", ".markdown", *IMAGE_TYPES):
        return ""
    parts = file.resolve().parts
    for place in range(len(parts) - 2, 0, -1):
        if parts[place] in _FOLDERS:
            return "/".join(parts[place:])
    if (file.parent / "index.md").is_file():
        return f"drafts/{file.resolve().parent.name}/{file.name}"
    return f"drafts/{file.name}"


def upload(files: dict[str, Path], cloud: Cloud, progress: Progress) -> dict[str, str]:
    """Put files into the drafts bucket; the etag of each."""
    s3 = cloud.session().client("s3")
    etags = {}
    for number, (key, path) in enumerate(files.items(), 1):
        etags[key] = put_file(s3, cloud, key, path)
        progress(number, len(files))
    return etags


def put_file(s3: Any, cloud: Cloud, key: str, path: Path) -> str:
    """Put one file into the drafts bucket; its etag."""
    kind = mimetypes.guess_type(path.name)[0] or "text/markdown"
    answer = s3.put_object(Bucket=cloud.outputs["DraftsBucket"], Key=key, Body=path.read_bytes(), ContentType=kind)
    return str(answer["ETag"]).strip('"')


def publish(args: argparse.Namespace) -> int:
    """Put drafts and images into the bucket, and perhaps wait for what becomes of them."""
    slugs = [str(path) for path in args.paths if not path.exists() and SLUG.fullmatch(str(path))]
    try:
        files = keys_of(path for path in args.paths if str(path) not in slugs)
    except FileNotFoundError as error:
        say(f"{error}: no such file or folder")
        return 2
    if slugs and not files:
        return publish_again(slugs, args)
    if not files:
        say("nothing there to publish: no .md file, image or site.yaml")
        return 2
    cloud = connect(args.stack)
    desk = cli_desk(cloud)
    given = {"count": len(files), "files": sorted(files)[:_NAMED]}
    etags = desk.record("publish", "pipeline", given, lambda: upload(files, cloud, Progress("uploading")))
    if not args.wait:
        result(sorted(etags), args.json, "\n".join(sorted(etags)))
        return 0
    ports = desk.ports.pipeline
    subjects = {key: etag for key, etag in etags.items() if classify(key)}
    reports = wait_for(subjects, ports, Progress("publishing"), lambda: in_flight(cloud))
    lines = []
    for key, report in reports.items():
        if report is None:
            lines.append(f"{files[key]}: not finished, and nothing moves; see “nightdesk status”")
            continue
        for problem in report["problems"]:
            lines.append(
                f"{files[key]}:{problem['line']}: {problem['key'] + ': ' if problem['key'] else ''}{problem['message']}"
            )
        if report["state"] != REJECTED and not report.get("rejected"):
            lines.append(f"{files[key]}: {report['state']} {report['url']}")
            lines += [f"{files[key]}: warning: {w['key']}: {w['message']}" for w in report["warnings"]]
    result(
        [{"path": str(files[key]), **(report or {"state": "pending"})} for key, report in reports.items()],
        args.json,
        "\n".join(lines),
    )
    failed = any(report is None or report["state"] == REJECTED or report.get("rejected") for report in reports.values())
    return 1 if failed else 0


def publish_again(slugs: list[str], args: argparse.Namespace) -> int:
    """Let articles go live that are withdrawn, scheduled or drafts."""
    desk = cli_desk(connect(args.stack))
    ports = desk.ports.pipeline
    for slug in slugs:
        try:
            desk.publish(slug)
        except (Permanent, Conflict) as error:
            say(f"{error}, and there is no such file" if isinstance(error, Unknown) else error)
            return 2
    reports = [wait_for_article(slug, ports) if args.wait else status(slug, ports, datetime.now(UTC)) for slug in slugs]
    result(reports, args.json, "\n".join(f"{r['slug']}: {r['state']} {r['url']}" for r in reports if r))
    return 0


def wait_for_article(slug: str, ports: Ports) -> dict[str, Any] | None:
    """An article's status, once pages, lists and cache agree with what was decided about it."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        report = status(slug, ports, datetime.now(UTC))
        if report is None or report["settled"]:
            break
        time.sleep(0.2)
    return report


def wait_for(
    subjects: dict[str, str], ports: Ports, progress: Callable[[int, int], None], in_flight: Callable[[], int]
) -> dict[str, dict[str, Any] | None]:
    """What became of each file, by key, once the version with its etag was dealt with; None for one that was not in time.

    Args:
        in_flight: how many messages the pipeline has; while that changes, it is at work.
    """
    reports: dict[str, dict[str, Any] | None] = dict.fromkeys(subjects)
    patience = Patience(in_flight)
    while waiting := {key: etag for key, etag in subjects.items() if reports[key] is None}:
        started = time.monotonic()
        found = _dealt_with(waiting, ports)
        if found:
            reports |= found
            progress(len(subjects) - len(waiting) + len(found), len(subjects))
        elif patience.is_over():
            break
        if len(found) < len(waiting):
            # Asking must not be what the pipeline waits for.
            time.sleep(max(0.05, 4 * (time.monotonic() - started)))
        if found:
            patience = Patience(in_flight)
    return reports


def _dealt_with(waiting: dict[str, str], ports: Ports) -> dict[str, dict[str, Any] | None]:
    """Reports of those files that were read in this version, and are live or whatever they are to be."""
    keys = [(f"draft#{key}", catalogue.DRAFT) for key in waiting]
    records = dict(zip(waiting, ports.articles.get_many(keys), strict=True))
    read = {key: r for key, r in records.items() if r and r.get("etag") == waiting[key]}
    articles = ports.articles.get_many([(f"article#{r['slug']}", catalogue.RECORD) for r in read.values()])
    done: dict[str, dict[str, Any] | None] = {}
    for (key, record), article in zip(read.items(), articles, strict=True):
        if record["kind"] == "draft" and article and article["turn"] != article["settled"]:
            continue
        report = status_of_draft(key, record, ports, datetime.now(UTC))
        if report["settled"] or report["state"] in ("draft", SCHEDULED):
            done[key] = report
    return done


class Patience:
    """Over when the pipeline has had nothing to do for a while, or the same for long."""

    def __init__(self, in_flight: Callable[[], int]) -> None:
        self._in_flight = in_flight
        self._seen = -1
        self._looked = self._since = time.monotonic()

    def is_over(self) -> bool:
        """Whether it makes no sense to wait longer."""
        now = time.monotonic()
        if now - self._looked > _LOOK_SECONDS:
            self._looked = now
            count = self._in_flight()
            if count != self._seen:
                self._seen, self._since = count, now
        return now - self._since > (_PATIENCE if self._seen else _IDLE_PATIENCE)


def show_status(args: argparse.Namespace) -> int:
    """What became of one draft, or how the pipeline is."""
    cloud = connect(args.stack)
    ports = cli_ports(cloud)
    if not args.slug:
        return show_pipeline(cloud, ports, args.json)
    report = status(args.slug, ports, datetime.now(UTC))
    if report is None:
        say(f"nothing is known of “{args.slug}”")
        return 1
    lines = [f"{report['slug']}: {report['state']}, revision {report['revision']}, {report['url']}"]
    lines += [f"  line {p['line']}: {p['key']}: {p['message']}" for p in report["problems"]]
    lines += [f"  warning: {w['key']}: {w['message']}" for w in report["warnings"]]
    result(report, args.json, "\n".join(lines))
    return 0
