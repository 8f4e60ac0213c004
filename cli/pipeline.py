"""`nightdesk redrive`, and what `nightdesk status` says of the pipeline."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from nightdesk.adapters.sqs import SqsDeadLetters
from nightdesk.usecases import catalogue
from nightdesk.usecases.parked import parked
from nightdesk.usecases.ports import Ports
from nightdesk_local.cloud import ROOT

from .connect import Cloud, cli_ports, connect
from .console import result, say

if TYPE_CHECKING:
    from nightdesk.usecases.reconcile import Differences

_ROUNDS = 3
_PATIENCE = 600.0
_DEAD = "DeadLetterQueueUrl"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("redrive", help="give the pipeline another chance at what it gave up")
    parser.set_defaults(run=redrive)
    parser = commands.add_parser("reconcile", help="compare the site with its drafts, and mend what differs")
    parser.add_argument("--dry-run", action="store_true", help="only list what differs")
    parser.set_defaults(run=reconcile)


def queues(cloud: Cloud) -> dict[str, tuple[str, str]]:
    """The URLs of each queue and its dead-letter queue, by the queue's name in lower case."""
    names = [name.removesuffix(_DEAD) for name in cloud.outputs if name.endswith(_DEAD)]
    return {name.lower(): (cloud.outputs[f"{name}QueueUrl"], cloud.outputs[f"{name}{_DEAD}"]) for name in names}


def dead_letters(cloud: Cloud) -> SqsDeadLetters:
    """The dead-letter queues of a stack."""
    return SqsDeadLetters(cloud.session().client("sqs"), queues(cloud))


def redrive(args: argparse.Namespace) -> int:
    """Put parked messages back into their queues."""
    count = dead_letters(connect(args.stack)).redrive()
    result({"redriven": count}, args.json, f"{count} messages are in their queues again")
    return 0


def show_pipeline(cloud: Cloud, ports: Ports, as_json: bool) -> int:
    """What is in flight, what was given up and why, and which drafts wait for their authors."""
    in_flight = {name: in_queue(cloud, name, url) for name, (url, _) in queues(cloud).items()}
    given_up = parked(dead_letters(cloud), ports.articles)
    dead = {name: sum(one.queue == name for one in given_up) for name in in_flight}
    waiting = [
        {"key": item["sk"], "slug": item["slug"], "at": item["at"]} for item in catalogue.rejected(ports.articles)
    ]
    report = {
        "in_flight": in_flight,
        "dead_lettered": dead,
        "failed": [one._asdict() for one in given_up],
        "rejected": waiting,
    }
    lines = [f"{stage:<12}{in_flight[stage]:>5} in flight{dead[stage]:>5} dead-lettered" for stage in in_flight]
    lines += [f"failed: {one.event} of {one.about or '?'} (since {one.since}): {one.reason}" for one in given_up]
    lines += [f"rejected: {item['key']} ({item['at']})" for item in waiting]
    result(report, as_json, "\n".join(lines))
    return 0


def in_flight(cloud: Cloud) -> int:
    """How many messages the pipeline has."""
    return sum(in_queue(cloud, name, url) for name, (url, _) in queues(cloud).items())


def in_queue(cloud: Cloud, name: str, url: str) -> int:
    """How many messages a queue holds, those that are being worked on or come later among them.

    But for the ticker's that wait for the end of an update: they are no work in flight.
    """
    kinds = ("", "NotVisible") if name == "updates" else ("", "NotVisible", "Delayed")
    names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
    found = cloud.session().client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def reconcile(args: argparse.Namespace) -> int:
    """Compare, mend and compare again; non-zero while anything differs."""
    from nightdesk.adapters.memory import memory_ports
    from nightdesk.rendering.environment import Theme
    from nightdesk.usecases.reconcile import compare, mend

    cloud = connect(args.stack)
    ports = cli_ports(cloud)
    theme = Theme(ROOT / "layers" / "theme")
    first = found = compare(ports, theme, memory_ports())
    for number in range(_ROUNDS if found and not args.dry_run else 0):
        say(f"{count_of(found)} differences; asking for them again ({number + 1})")
        mend(found, ports)
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
