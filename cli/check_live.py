"""`nightdesk check --live`: the problems and warnings of everything that the drafts bucket holds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.entrypoints.waiting import is_rejected
from nightdesk.ports import Ports
from nightdesk.usecases.editors.archive import PENDING, archive_files, archive_reports

from .connect import connect
from .console import Progress, problem_lines, result

_PER_CHUNK = 100
_THREADS = 8


def run(args: argparse.Namespace) -> int:
    """Check the archive; exit with status 1 if a file is rejected."""
    ports = operator_ports(connect(args.live))
    files = [(key, etag) for key, etag in archive_files(ports) if key > args.after]
    wanted = files[: args.limit] if args.limit else files
    found = list(_reports(wanted, ports))
    shown = [report for report in found if report["problems"] or report["warnings"] or report["state"] == PENDING]
    following = wanted[-1][0] if len(wanted) < len(files) else ""
    lines = [line for report in shown for line in _lines(report)]
    counts = {name: sum(len(report[name]) for report in found) for name in ("problems", "warnings")}
    rejected = [report for report in found if is_rejected(report)]
    lines.append(f"{len(found)} files: {len(rejected)} rejected, {counts['warnings']} warnings")
    if following:
        lines.append(f"There are more: add --after {following}")
    data = {"checked": len(found), "rejected": len(rejected), **counts, "files": shown, "after": following}
    result(data, args.json, "\n".join(lines))
    return 1 if rejected else 0


def _reports(files: list[tuple[str, str]], ports: Ports) -> Iterator[dict[str, Any]]:
    """Yield the report of each file, in their order."""
    progress = Progress("Checking")
    chunks = [files[start : start + _PER_CHUNK] for start in range(0, len(files), _PER_CHUNK)]
    with ThreadPoolExecutor(_THREADS) as pool:
        done = 0
        for reports in pool.map(lambda chunk: archive_reports(chunk, ports), chunks):
            done += len(reports)
            progress(done, len(files))
            yield from reports


def _lines(report: dict[str, Any]) -> list[str]:
    waiting = [f"{report['key']}: not processed yet"] if report["state"] == PENDING else []
    return problem_lines(report["key"], report) + waiting
