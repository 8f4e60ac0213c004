"""`nightdesk status`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nightdesk.entrypoints.operator_ports import operator_newsletter_ports, operator_ports, stage_queues
from nightdesk.entrypoints.waiting import is_rejected

from .connect import connect
from .console import problem_lines, result

if TYPE_CHECKING:
    from nightdesk_local.cloud import Cloud


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        metavar="SLUG|FILE|KEY",
        help="an article's slug, its file, or its key in the drafts bucket; without it, the pipeline is shown",
    )
    parser.set_defaults(run=show_status)


COMMANDS = {"status": _arguments}


def show_status(args: argparse.Namespace) -> int:
    """Show the state of an article or another file, or of the pipeline."""
    cloud = connect(args.stack)
    if not args.name:
        return _show_pipeline(cloud, args.json)
    from nightdesk.domain.errors import NotFound
    from nightdesk.usecases.editors.find_files import find_files
    from nightdesk.usecases.editors.status import status

    ports = operator_ports(cloud)
    report = status(args.name, ports, datetime.now(UTC))
    if report is None:
        raise NotFound(f"there is no article “{args.name}”, and no file in the drafts bucket has this name or key")
    others = [key for key, record in find_files(args.name, ports)[1:] if record.etag and key != report["key"]]
    result({**report, "others": others}, args.json, "\n".join([*_lines(report), *map(_other, others)]))
    return 0


def _lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield the lines about one file: its state, then what is wrong with it."""
    when = f" for {report['publish_at']}" if report["publish_at"] else ""
    yield f"{report['slug']}: {report['state']}{when}, revision {report['revision']}, {report['url']}".rstrip(", ")
    if report.get("uploaded_by"):
        yield f"  uploaded by {report['uploaded_by']}"
    if is_rejected(report):
        yield f"  {report['key']} is rejected"
    yield from (f"  {line}" for line in problem_lines(report["key"] or report["slug"], report))


def _other(key: str) -> str:
    return f"also meant, perhaps: {key} (“nightdesk status {key}”)"


def _show_pipeline(cloud: Cloud, as_json: bool) -> int:
    """Show what is in flight, what has failed and why, which files were rejected, and what is scheduled."""
    from nightdesk.usecases.editors.pipeline_status import overview

    report = overview(stage_queues(cloud), operator_ports(cloud), operator_newsletter_ports(cloud))
    flying, dead = report["in_flight"], report["dead_lettered"]
    lines = [f"{stage:<12}{flying[stage]:>5} in flight{dead[stage]:>5} dead-lettered" for stage in flying]
    lines += [
        f"failed: {one['event']} of {one['about'] or '?'} (since {one['since']}): {one['reason']}"
        for one in report["failed"]
    ]
    lines += [f"rejected: {item['key']} ({item['at']})" for item in report["rejected"]]
    lines += [f"scheduled: {item['publish_at']}  {item['slug']}  {item['title']}" for item in report["scheduled"]]
    lines += [f"newsletter held: {item['id']}: {item['reason']}" for item in report["held_newsletters"]]
    result(report, as_json, "\n".join(lines))
    return 0
