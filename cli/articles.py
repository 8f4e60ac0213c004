"""`nightdesk withdraw`, `schedule`, `rollback` and the editors' other operations on articles, as the editors' API has them."""

from __future__ import annotations

import argparse
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from nightdesk.domain.documents import LIVE
from nightdesk.domain.errors import NotFound, Permanent
from nightdesk.domain.memberships import normalise_address
from nightdesk.domain.timestamps import parse_end, parse_timestamp
from nightdesk.entrypoints.operator_ports import editor_accounts
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors import pipeline_status
from nightdesk.usecases.editors.decisions import article_state, no_article
from nightdesk.usecases.editors.queries import article
from nightdesk.usecases.editors.status import status

from .arguments import MOST_DIGITS, AddArguments, Run, whole_number
from .connect import connect, editor_service
from .console import Progress, confirmed, result, say
from .retries import retry_conflicts

if TYPE_CHECKING:
    from nightdesk.usecases.editors.decisions import StateChange
    from nightdesk.usecases.editors.operations import EditorService
    from nightdesk.usecases.editors.takedown import Report

_LINK_LIFETIME = timedelta(days=7)
_POLL_SECONDS = 0.5


@retry_conflicts
def withdraw(args: argparse.Namespace) -> int:
    """Take an article down; exit with status 1 unless it is gone from every surface."""
    report = editor_service(connect(args.stack)).withdraw(args.slug, progress=Progress("Taking down"))
    result(report.to_json(), args.json, _takedown_text(report))
    return 0 if report.complete else 1


def _takedown_text(report: Report) -> str:
    lines = []
    for surface in report.surfaces:
        state = "gone" if surface.gone else "STILL THERE"
        before = "was there" if surface.was_there else "was not there"
        lines.append(f"{state:<12}{surface.status}  {surface.path}  ({surface.tier}; {before})")
    outcome = "gone from" if report.complete else "NOT gone from all of"
    if not report.everywhere:
        lines.append(
            "CloudFront has not dropped it at all of its edge locations yet; withdraw it again to ask once more."
        )
    return "\n".join([*lines, f"{report.slug} is {outcome} {len(report.surfaces)} surfaces after {report.seconds} s"])


@retry_conflicts
def schedule(args: argparse.Namespace) -> int:
    """Set when an article goes live."""
    service = editor_service(connect(args.stack))
    moment = parse_timestamp(args.when, load_site(service.ports.pipeline).zone)
    state = article_state(args.slug, service.ports.pipeline)
    at = moment.isoformat()
    if (
        state
        and state.state == LIVE
        and not (args.unpublish or confirmed(f"{args.slug} is live. Unpublish it until {at}?"))
    ):
        raise Permanent(f"{args.slug} is live and would be gone until {at}; add --unpublish if you want that.")
    service.schedule(args.slug, moment)
    result({"slug": args.slug, "publish_at": at}, args.json, f"{args.slug} goes live at {at}")
    return 0


@retry_conflicts
def rollback(args: argparse.Namespace) -> int:
    """Restore an older revision."""
    service = editor_service(connect(args.stack))
    changed = service.rollback(args.slug, args.revision)
    found = status(args.slug, service.ports.pipeline, service.ports.pipeline.clock())
    key = found["key"] if found else ""
    data = {"slug": args.slug, "from_revision": args.revision, "key": key}
    if changed.after == changed.before:
        result(data, args.json, f"{args.slug}: revision {args.revision} is the current text already")
        return 0
    result(data, args.json, f"{args.slug}: revision {args.revision} is restored as a new revision")
    say(
        f"Your own copy of {key or 'the file'} still has the later text: change it too, or saving it publishes that again."
    )
    return 0


@retry_conflicts
def correct(args: argparse.Namespace) -> int:
    """Add or remove a correction."""
    service = editor_service(connect(args.stack))
    if args.remove is not None:
        return _report(service.remove_correction(args.slug, args.remove), f"correction {args.remove} removed", args)
    if args.text is None:
        raise Permanent("Give the text of the correction: what was wrong, and what is right.")
    return _report(service.correct(args.slug, args.text), "correction added", args)


@retry_conflicts
def approve(args: argparse.Namespace) -> int:
    """Approve the draft that is shown, and no other: its ETag goes along."""
    service = editor_service(connect(args.stack))
    ports, name = service.ports.pipeline, args.name or service.actor.name
    shown = article(args.slug, ports, ports.clock())
    if shown is None:
        raise no_article(args.slug)
    say(f"“{shown['title']}”, revision {shown['revision']}, {shown['state']}, ETag {shown['etag']}")
    expected = args.etag or shown["etag"]
    return _report(service.approve(args.slug, name, expected), f"approved by {name}", args)


@retry_conflicts
def access(args: argparse.Namespace) -> int:
    """Set the tiers of an article or its gates."""
    if args.tier is None and not args.gate:
        raise Permanent("Nothing to change: name a --tier for the whole article, or a gate, such as --gate 1=member.")
    changed = editor_service(connect(args.stack)).regate(args.slug, args.tier, dict(args.gate))
    return _report(changed, "access changed", args)


def _report(change: StateChange, done: str, args: argparse.Namespace) -> int:
    data = {"slug": args.slug, "before": change.before._asdict(), "after": change.after._asdict()}
    result(data, args.json, f"{args.slug}: {done}; the article is {change.after.state}")
    return 0


@retry_conflicts
def link(args: argparse.Namespace) -> int:
    """Create or revoke a link."""
    service = editor_service(connect(args.stack))
    if args.revoke:
        if not service.revoke_link(args.kind, args.slug):
            raise NotFound(f"you have no {args.kind} link to {args.slug}")
        result({"revoked": True}, args.json, "Link revoked.")
        return 0
    ports = service.ports.pipeline
    until = parse_end(args.until, load_site(ports).zone) if args.until else ports.clock() + _LINK_LIFETIME
    if until <= ports.clock():
        raise Permanent(f"{until.isoformat()} is in the past; a link needs a later day or moment")
    made = service.create_link(args.kind, args.slug, until.replace(microsecond=0))
    result(made, args.json, made["url"])
    return 0


@retry_conflicts
def rebuild(args: argparse.Namespace) -> int:
    """Request that pages are rendered again."""
    service = editor_service(connect(args.stack))
    found = service.rebuild(args.topic, args.author)
    if args.wait:
        found = _wait_for_rebuild(found, service)
    state = "rendered again" if found.finished else "queued; “nightdesk status” shows the progress"
    result(found._asdict(), args.json, f"{found.total} articles {state}")
    return 0


def _wait_for_rebuild(found: pipeline_status.Rebuild, service: EditorService) -> pipeline_status.Rebuild:
    """Poll a rebuild until it is finished."""
    progress, ports = Progress("Rebuilding"), service.ports
    while not found.finished:
        time.sleep(_POLL_SECONDS)
        later = pipeline_status.rebuild_progress(found.id, ports.queues, ports.requests, ports.pipeline.clock())
        if later is None:
            break
        found = later
        progress(found.total - found.left, found.total)
    return found


@retry_conflicts
def owner(args: argparse.Namespace) -> int:
    """Hand a draft over to a person who may use the editors' API."""
    cloud = connect(args.stack)
    found = editor_accounts(cloud).find(normalise_address(args.email))
    if found is None:
        raise NotFound(f"there is no editor or writer {args.email}; add one with “nightdesk editors add”")
    editor_service(cloud).hand_over(args.slug, f"editor:{found.id}")
    result({"slug": args.slug, "owner": found.id}, args.json, f"{args.slug}: the draft belongs to {found.name} now")
    return 0


def _gate(text: str) -> tuple[int, str]:
    """Return `1=member` as a pair.

    Raises:
        ArgumentTypeError: it is not of that form.
    """
    number, equals, tier = text.partition("=")
    if not (equals and number.strip().isdecimal() and len(number) < MOST_DIGITS):
        raise argparse.ArgumentTypeError(f"“{text}” does not name a gate and a tier; type it as in 1=member")
    return int(number), tier


def _arguments(run: Run, add: AddArguments, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a command on one article."""
    if run is link:
        parser.add_argument(
            "kind", choices=("preview", "gift"), help="preview: before it is published; gift: past its gates"
        )
    parser.add_argument("slug", help="the article's slug")
    add(parser)
    parser.set_defaults(run=run)


def _schedule_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "when", metavar="WHEN", help="such as 2026-12-24T06:00, in the site's zone unless it has an offset"
    )
    parser.add_argument("--unpublish", action="store_true", help="take a live article off the site until then")


def _rollback_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("revision", type=whole_number, help="a number from “nightdesk revisions SLUG”, counted from 1")


def _correct_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", help="what was wrong, and what is right")
    parser.add_argument(
        "--remove", type=whole_number, metavar="N", help="remove the Nth correction that editors added instead"
    )


def _approve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default="", help="the name that readers see (default: yours)")
    parser.add_argument(
        "--etag", default="", help="approve only the version with this ETag, which “nightdesk articles” shows"
    )


def _owner_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("email", help="of the person to whom the draft is to belong")


def _access_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tier", metavar="T", help="for the whole article; '' restores what the draft says")
    parser.add_argument(
        "--gate",
        type=_gate,
        action="append",
        default=[],
        metavar="N=T",
        help="for one gate, counted from 1, such as 1=member; may be repeated",
    )


def _link_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until", default="", metavar="WHEN", help="when it expires (default: in seven days)")
    parser.add_argument("--revoke", action="store_true", help="revoke your link instead")


def _rebuild_arguments(parser: argparse.ArgumentParser) -> None:
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--topic", metavar="ID", default="", help="only pages that show this topic")
    only.add_argument("--author", metavar="ID", default="", help="only pages that show this author")
    parser.add_argument("--wait", action="store_true", help="return when all are rendered")
    parser.set_defaults(run=rebuild)


COMMANDS: dict[str, AddArguments] = {
    "withdraw": partial(_arguments, withdraw, lambda _: None),
    "schedule": partial(_arguments, schedule, _schedule_arguments),
    "rollback": partial(_arguments, rollback, _rollback_arguments),
    "correct": partial(_arguments, correct, _correct_arguments),
    "approve": partial(_arguments, approve, _approve_arguments),
    "access": partial(_arguments, access, _access_arguments),
    "owner": partial(_arguments, owner, _owner_arguments),
    "link": partial(_arguments, link, _link_arguments),
    "rebuild": _rebuild_arguments,
}
