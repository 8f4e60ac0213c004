"""`nightdesk smoke`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nightdesk.entrypoints.waiting import wait_for_article
from nightdesk.usecases.editors.smoke import smoke

from .arguments import AddArguments, whole_number
from .connect import connect, editor_service
from .console import result, say

if TYPE_CHECKING:
    from nightdesk.usecases.editors.smoke import SmokeReport


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=whole_number, default=120, metavar="SECONDS", help="for each step (default: 120)"
    )
    parser.set_defaults(run=run_smoke)


COMMANDS: dict[str, AddArguments] = {"smoke": _arguments}


def run_smoke(args: argparse.Namespace) -> int:
    """Take a test article through everything; exit with status 1 unless every step succeeded."""
    service = editor_service(connect(args.stack))
    ports = service.ports.pipeline
    report = smoke(service, lambda slug: wait_for_article(slug, ports), args.timeout, lambda name: say(f"{name} ..."))
    result(report.to_json(), args.json, _text(report))
    return 0 if report.passed else 1


def _text(report: SmokeReport) -> str:
    lines = [f"{'failed' if step.problem else 'ok':<8}{step.seconds:>6.1f} s  {step.name}" for step in report.steps]
    problems = [f"{step.name}: {step.problem}" for step in report.steps if step.problem]
    return "\n".join(
        [*lines, *problems, f"{report.slug}: {'all steps passed' if report.passed else 'NOT all steps passed'}"]
    )
