"""`nightdesk withdraw`, `schedule`, `rollback` and `rebuild`: what editors do about articles."""

from __future__ import annotations

import argparse
import getpass
import time
from collections.abc import Callable

from nightdesk.adapters.readers import HttpReaders
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.moments import parse_moment
from nightdesk.usecases import editorial
from nightdesk.usecases.ports import Event
from nightdesk.usecases.stored import load_site
from nightdesk.usecases.takedown import Report, take_down

from .connect import cli_ports, connect, edge_key
from .console import result, say


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("withdraw", help="take an article down, and see that it is gone everywhere")
    parser.add_argument("slug")
    parser.set_defaults(run=withdraw)
    parser = commands.add_parser("schedule", help="let an article go live at a moment, and not before")
    parser.add_argument("slug")
    parser.add_argument("when", metavar="WHEN", help="such as 2026-12-24T06:00; without an offset, in the site's zone")
    parser.set_defaults(run=schedule)
    parser = commands.add_parser("rollback", help="make an older revision of an article current, as a new one")
    parser.add_argument("slug")
    parser.add_argument("revision", type=int, help="counted from 1; “nightdesk status SLUG” tells the newest")
    parser.set_defaults(run=rollback)
    parser = commands.add_parser("rebuild", help="make pages again, all or those of a topic or an author")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--topic", metavar="ID")
    only.add_argument("--author", metavar="ID")
    parser.set_defaults(run=rebuild)


_PATIENCE = 30.0
"""Seconds for which an act is tried that a draft's new version stands in the way of: until that has been read."""


def attempt(act: Callable[[], object]) -> int:
    """An act's exit status; what stands in its way is said, if it stays there."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            act()
        except Conflict as error:
            if time.monotonic() > until:
                say(error)
                return 2
            time.sleep(0.5)
        except (Permanent, ValueError) as error:
            say(error)
            return 2
        else:
            return 0


def withdraw(args: argparse.Namespace) -> int:
    """Take an article down; non-zero unless it is gone from every surface."""
    cloud = connect(args.stack)
    ports = cli_ports(cloud)
    readers = HttpReaders(cloud.outputs["SiteUrl"], edge_key(cloud), cloud.outputs["EdgeKeyId"])
    reports: list[Report] = []
    by = f"cli:{getpass.getuser()}"
    status = attempt(lambda: reports.append(take_down(args.slug, by, ports, readers)))
    for report in reports:
        result(report.to_json(), args.json, told(report))
        status = 0 if report.complete else 1
    return status


def told(report: Report) -> str:
    """A takedown's report for people."""
    lines = []
    for look in report.surfaces:
        state = "gone" if look.gone else "STILL THERE"
        before = "was there" if look.was_there else "was not there"
        lines.append(f"{state:<12}{look.status}  {look.path}  ({look.tier}; {before})")
    end = "gone from" if report.complete else "NOT gone from all of"
    return "\n".join([*lines, f"{report.slug} is {end} {len(lines)} surfaces after {report.seconds} s"])


def schedule(args: argparse.Namespace) -> int:
    """Set the moment at which an article goes live."""
    ports = cli_ports(connect(args.stack))
    try:
        moment = parse_moment(args.when, load_site(ports).zone)
    except ValueError as error:
        say(error)
        return 2
    status = attempt(lambda: editorial.schedule(args.slug, moment, ports))
    if not status:
        at = moment.isoformat()
        result({"slug": args.slug, "publish_at": at}, args.json, f"{args.slug} goes live at {at}")
    return status


def rollback(args: argparse.Namespace) -> int:
    """Make an older revision current."""
    ports = cli_ports(connect(args.stack))
    status = attempt(lambda: editorial.rollback(args.slug, args.revision, ports))
    if not status:
        told = {"slug": args.slug, "from_revision": args.revision}
        result(told, args.json, f"{args.slug} is as it was in revision {args.revision}, as a new one")
    return status


def rebuild(args: argparse.Namespace) -> int:
    """Ask for pages to be made again."""
    cloud = connect(args.stack)
    ports = cli_ports(cloud)
    event = Event("SiteChanged", {})
    if args.topic or args.author:
        kind, identifier = ("topic", args.topic) if args.topic else ("author", args.author)
        event = Event("ProfileChanged", {"kind": kind, "id": identifier})
    status = attempt(lambda: ports.bus.emit([event]))
    if not status:
        result({"asked": event.type, **event.detail}, args.json, "Asked; “nightdesk status” shows what is in flight.")
    return status
