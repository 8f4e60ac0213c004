"""What editors do about articles: the API's own acts, at the command line."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.moments import parse_moment
from nightdesk.usecases import pipeline
from nightdesk.usecases.desk import Desk
from nightdesk.usecases.editorial import Acted
from nightdesk.usecases.stored import load_site
from nightdesk.usecases.takedown import Report

from .connect import cli_desk, connect
from .console import Progress, result, say

Run = Callable[[argparse.Namespace], int]
_GOOD = timedelta(days=7)
_LOOK_SECONDS = 0.5


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    for name, run, words in (
        ("withdraw", withdraw, "take an article down, and see that it is gone everywhere"),
        ("schedule", schedule, "let an article go live at a moment, and not before"),
        ("rollback", rollback, "make an older revision of an article current, as a new one"),
        ("correct", correct, "add a dated correction to an article"),
        ("approve", approve, "take editorial responsibility for an article, just as its draft is now"),
        ("access", access, "set who may read an article, or gates of it, without a new draft"),
        ("link", link, "make a link that opens one article, in place of your link before, or take that back"),
    ):
        parser = commands.add_parser(name, help=words)
        parser.set_defaults(run=run)
        if name == "link":
            parser.add_argument("kind", choices=("preview", "gift"), help="of what is not published, or of what is")
        parser.add_argument("slug")
        if add := _ARGUMENTS.get(name):
            add(parser)
    parser = commands.add_parser("rebuild", help="make pages again, all or those of a topic or an author")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--topic", metavar="ID", default="")
    only.add_argument("--author", metavar="ID", default="")
    parser.add_argument("--wait", action="store_true", help="return when all are made")
    parser.set_defaults(run=rebuild)


def _schedule_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("when", metavar="WHEN", help="such as 2026-12-24T06:00; without an offset, in the site's zone")


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revision", type=int, help="counted from 1; “nightdesk revisions SLUG” lists them")


def _correct_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="what was wrong, and how it is")


def _approve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="of whoever takes responsibility, as readers see it")


def _access_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tier", metavar="T", help="for the whole article; empty for what its draft says")
    parser.add_argument(
        "--gate", action="append", default=[], metavar="N=T", help="for one gate, counted from 1; several may be given"
    )


def _link_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until", default="", metavar="WHEN", help="when it ends; in seven days without")
    parser.add_argument("--revoke", action="store_true", help="take your link back")


_ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "schedule": _schedule_arguments,
    "rollback": _rollback_arguments,
    "correct": _correct_arguments,
    "approve": _approve_arguments,
    "access": _access_arguments,
    "link": _link_arguments,
}


_PATIENCE = 60.0
"""Seconds for which an act is tried that a draft's new version stands in the way of: until that has been read."""


def refusing(run: Run) -> Run:
    """The same command, ending with status 2 when it is refused; what stands in its way is said, if it stays there."""

    @wraps(run)
    def tried(args: argparse.Namespace) -> int:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return run(args)
            except Conflict as error:
                if time.monotonic() > until:
                    say(error)
                    return 2
                time.sleep(_LOOK_SECONDS)
            except (Permanent, ValueError) as error:
                say(error)
                return 2

    return tried


@refusing
def withdraw(args: argparse.Namespace) -> int:
    """Take an article down; non-zero unless it is gone from every surface."""
    report = cli_desk(connect(args.stack)).withdraw(args.slug, progress=Progress("taking down"))
    result(report.to_json(), args.json, told(report))
    return 0 if report.complete else 1


def told(report: Report) -> str:
    """A takedown's report for people."""
    lines = []
    for look in report.surfaces:
        state = "gone" if look.gone else "STILL THERE"
        before = "was there" if look.was_there else "was not there"
        lines.append(f"{state:<12}{look.status}  {look.path}  ({look.tier}; {before})")
    end = "gone from" if report.complete else "NOT gone from all of"
    return "\n".join([*lines, f"{report.slug} is {end} {len(lines)} surfaces after {report.seconds} s"])


@refusing
def schedule(args: argparse.Namespace) -> int:
    """Set the moment at which an article goes live."""
    desk = cli_desk(connect(args.stack))
    moment = parse_moment(args.when, load_site(desk.ports.pipeline).zone)
    desk.schedule(args.slug, moment)
    at = moment.isoformat()
    result({"slug": args.slug, "publish_at": at}, args.json, f"{args.slug} goes live at {at}")
    return 0


@refusing
def rollback(args: argparse.Namespace) -> int:
    """Make an older revision current."""
    cli_desk(connect(args.stack)).rollback(args.slug, args.revision)
    found = {"slug": args.slug, "from_revision": args.revision}
    result(found, args.json, f"{args.slug} is as it was in revision {args.revision}, as a new one")
    return 0


@refusing
def correct(args: argparse.Namespace) -> int:
    """Add a correction."""
    return _tell(cli_desk(connect(args.stack)).correct(args.slug, args.text), "is corrected", args)


@refusing
def approve(args: argparse.Namespace) -> int:
    """Approve."""
    desk = cli_desk(connect(args.stack))
    name = args.name or desk.who.name
    return _tell(desk.approve(args.slug, name), f"is approved by {name}", args)


@refusing
def access(args: argparse.Namespace) -> int:
    """Set tiers."""
    if args.tier is None and not args.gate:
        raise ValueError("say a --tier, or a --gate")
    pairs = [gate.partition("=") for gate in args.gate]
    gates = {int(number): tier for number, _, tier in pairs}
    return _tell(cli_desk(connect(args.stack)).regate(args.slug, args.tier, gates), "has its tiers", args)


def _tell(acted: Acted, words: str, args: argparse.Namespace) -> int:
    found = {"slug": args.slug, "before": acted.before._asdict(), "after": acted.after._asdict()}
    result(found, args.json, f"{args.slug} {words}; it is {acted.after.state}")
    return 0


@refusing
def link(args: argparse.Namespace) -> int:
    """Make a link, or take it back; non-zero where there was none."""
    desk = cli_desk(connect(args.stack))
    if args.revoke:
        revoked = desk.unlink(args.kind, args.slug)
        result({"revoked": revoked}, args.json, "taken back" if revoked else "you have no such link")
        return 0 if revoked else 1
    ports = desk.ports.pipeline
    until = parse_moment(args.until, load_site(ports).zone) if args.until else ports.clock() + _GOOD
    made = desk.link(args.kind, args.slug, until.replace(microsecond=0))
    result(made, args.json, made["url"])
    return 0


@refusing
def rebuild(args: argparse.Namespace) -> int:
    """Ask for pages to be made again."""
    desk = cli_desk(connect(args.stack))
    found = desk.rebuild(args.topic, args.author)
    if args.wait:
        found = _finished(found, desk)
    state = "made again" if found.finished else "asked for; “nightdesk status” shows what is in flight"
    result(found._asdict(), args.json, f"{found.total} articles {state}")
    return 0


def _finished(found: pipeline.Rebuild, desk: Desk) -> pipeline.Rebuild:
    """A rebuild when it has come to its end."""
    progress, ports = Progress("rebuilding"), desk.ports
    while not found.finished:
        time.sleep(_LOOK_SECONDS)
        later = pipeline.progress(found.id, ports.queues, ports.requests, ports.pipeline.clock())
        if later is None:
            break
        found = later
        progress(found.total - found.left, found.total)
    return found
