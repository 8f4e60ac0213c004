"""`nightdesk redrive`, and what `nightdesk status` says of the pipeline."""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import TYPE_CHECKING

from nightdesk.usecases.pipeline import overview
from nightdesk.usecases.ports import Ports
from nightdesk_local.cloud import ROOT

from .connect import Cloud, cli_desk, connect, queues
from .console import Progress, result, say

if TYPE_CHECKING:
    from nightdesk.usecases.reconcile import Differences

_ROUNDS = 3
_PATIENCE = 600.0
_AT_ONCE = 500


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("redrive", help="give the pipeline another chance at what it gave up")
    parser.set_defaults(run=redrive)
    parser = commands.add_parser("reconcile", help="compare the site with its drafts, and mend what differs")
    parser.add_argument("--dry-run", action="store_true", help="only list what differs")
    parser.set_defaults(run=reconcile)


def redrive(args: argparse.Namespace) -> int:
    """Put parked messages back into their queues."""
    desk, progress, count = cli_desk(connect(args.stack)), Progress("redriving"), 0
    there = sum(desk.ports.queues.dead().values())
    while some := desk.redrive(_AT_ONCE):
        count += some
        progress(count, max(count, there))
    result({"redriven": count}, args.json, f"{count} messages are in their queues again")
    return 0


def show_pipeline(cloud: Cloud, ports: Ports, as_json: bool) -> int:
    """What is in flight, what was given up and why, and which drafts wait for their authors."""
    report = overview(queues(cloud), ports)
    flying, dead = report["in_flight"], report["dead_lettered"]
    lines = [f"{stage:<12}{flying[stage]:>5} in flight{dead[stage]:>5} dead-lettered" for stage in flying]
    lines += [
        f"failed: {one['event']} of {one['about'] or '?'} (since {one['since']}): {one['reason']}"
        for one in report["failed"]
    ]
    lines += [f"rejected: {item['key']} ({item['at']})" for item in report["rejected"]]
    result(report, as_json, "\n".join(lines))
    return 0


def in_flight(cloud: Cloud) -> int:
    """How many messages the pipeline has."""
    return sum(queues(cloud).in_flight().values())


def reconcile(args: argparse.Namespace) -> int:
    """Compare, mend and compare again; non-zero while anything differs."""
    from nightdesk.adapters.memory import memory_ports
    from nightdesk.rendering.environment import Theme
    from nightdesk.usecases.reconcile import compare, mend

    cloud = connect(args.stack)
    desk = cli_desk(cloud)
    ports = desk.ports.pipeline
    theme = Theme(ROOT / "layers" / "theme")
    first = found = compare(ports, theme, memory_ports())
    for number in range(_ROUNDS if found and not args.dry_run else 0):
        say(f"{count_of(found)} differences; asking for them again ({number + 1})")
        given = {"differences": count_of(found)}
        desk.record("reconcile", "pipeline", given, partial(mend, found, ports))
        wait_until_quiet(cloud)
        found = compare(ports, theme, memory_ports())
        if not found:
            break
    lines = [f"{name}: {value}" for name, values in first.to_json().items() for value in values_of(values)]
    lines.append(f"{count_of(first)} differences" + ("" if args.dry_run else f", {count_of(found)} left"))
    result({"found": first.to_json(), "left": found.to_json()}, args.json, "\n".join(lines))
    return 1 if found else 0


def values_of(value: object) -> tuple[object, ...]:
    """What a field of the differences names."""
    return value if isinstance(value, tuple) else ("the pages that every site has",) if value else ()


def count_of(found: Differences) -> int:
    """How many things differ."""
    return sum(len(values_of(value)) for value in found.to_json().values())


def wait_until_quiet(cloud: Cloud) -> None:
    """Wait until no queue holds anything; not for ever."""
    until, quiet = time.monotonic() + _PATIENCE, 0
    while quiet < 3 and time.monotonic() < until:
        quiet = 0 if in_flight(cloud) else quiet + 1
        time.sleep(0.3)
