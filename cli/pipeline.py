"""`nightdesk redrive` and `nightdesk reconcile`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from nightdesk.entrypoints.waiting import wait_until_quiet
from nightdesk_local.cloud import chosen_theme

from .connect import connect, editor_service
from .console import Progress, result, say

if TYPE_CHECKING:
    from nightdesk.usecases.pipeline.reconcile import Differences

_ROUNDS = 3
_PER_CALL = 500


def _redrive_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(run=redrive)


def _reconcile_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only list what differs")
    parser.set_defaults(run=reconcile)


COMMANDS = {"redrive": _redrive_arguments, "reconcile": _reconcile_arguments}


def redrive(args: argparse.Namespace) -> int:
    """Send dead letters back to their queues."""
    service, progress, count = editor_service(connect(args.stack)), Progress("Retrying"), 0
    total = sum(service.ports.queues.dead_letters().values())
    while moved := service.redrive(_PER_CALL):
        count += moved
        progress(count, max(count, total))
    result({"redriven": count}, args.json, f"{count} messages are back in their queues")
    return 0


def reconcile(args: argparse.Namespace) -> int:
    """Compare, repair and compare again; exit with status 1 while anything differs."""
    from nightdesk.usecases.pipeline.reconcile import compare, request_repairs
    from nightdesk_local.themes import open_theme

    service = editor_service(connect(args.stack))
    ports = service.ports.pipeline
    theme = open_theme(chosen_theme())
    first = found = compare(ports, theme)
    for number in range(_ROUNDS if found and not args.dry_run else 0):
        say(f"Repairing {count_of(found)} differences (round {number + 1} of {_ROUNDS}) ...")
        given = {"differences": count_of(found)}
        service.record("reconcile", "pipeline", given, partial(request_repairs, found, ports))
        wait_until_quiet(service.ports.queues)
        found = compare(ports, theme)
        if not found:
            break
    lines = [f"{name}: {value}" for name, values in first.to_json().items() for value in values_of(values)]
    lines.append(f"{count_of(first)} differences" + ("" if args.dry_run else f", {count_of(found)} left"))
    result({"found": first.to_json(), "left": found.to_json()}, args.json, "\n".join(lines))
    return 1 if found else 0


def values_of(value: object) -> tuple[object, ...]:
    """Return what one field of the differences lists."""
    return value if isinstance(value, tuple) else ("the pages that every site has",) if value else ()


def count_of(found: Differences) -> int:
    """Return the number of differences."""
    return sum(len(values_of(value)) for value in found.to_json().values())
