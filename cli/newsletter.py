"""`nightdesk newsletter`: editions of newsletters."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightdesk.domain.newsletters import Edition
from nightdesk.domain.timestamps import parse_timestamp
from nightdesk.entrypoints.operator_ports import operator_newsletter_ports
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.newsletters import control
from nightdesk.usecases.newsletters.clicks import FollowedLink, followed_links
from nightdesk.usecases.newsletters.naming import stored_edition
from nightdesk_local.cloud import chosen_theme

from .arguments import add_group, add_limit, add_to
from .connect import connect, editor_service
from .console import result
from .retries import retry_conflicts

_NAME = "an edition as “nightdesk newsletter list” shows it, the id of a digest, an article's slug, or a file in newsletters/"


def _arguments(parser: argparse.ArgumentParser) -> None:
    group = add_group(parser)
    command = add_to(group, "list", show_all, "List editions, newest first, with what became of their copies")
    add_limit(command, 20)
    command = add_to(group, "preview", preview, "Show an edition as readers of a tier would get it now")
    command.add_argument("name", help=_NAME)
    command.add_argument("--tier", default="", metavar="T", help="whose view (default: the highest tier)")
    command.add_argument("--html", default="", metavar="FILE", help="write the HTML part to a file")
    command = add_to(group, "test", test, "Send a copy of an edition to one reader; it counts for nothing")
    command.add_argument("name", help=_NAME)
    command.add_argument("email", help="the address of a reader, such as yourself")
    command = add_to(group, "send", send, "Send an edition, or go on with one that is held")
    command.add_argument("name", help=_NAME)
    command.add_argument("--at", default="", metavar="WHEN", help="not before this moment (default: now)")
    for name, run, text in (
        ("hold", hold, "Stop an edition until it is sent again"),
        ("cancel", cancel, "Stop an edition for good, and remove its page"),
        ("report", report, "Show what became of an edition's copies"),
    ):
        add_to(group, name, run, text).add_argument("name", help="an edition as “nightdesk newsletter list” shows it")


COMMANDS = {"newsletter": _arguments}


def show_all(args: argparse.Namespace) -> int:
    """List editions."""
    found = control.listing(operator_newsletter_ports(connect(args.stack)), args.limit)
    result({"editions": found}, args.json, "\n".join(map(_line, found)) or "No newsletter was sent yet.")
    return 0


def _line(one: dict[str, Any]) -> str:
    reason = f"  ({one['reason']})" if one["reason"] else ""
    return f"{one['id']:<40}{one['state']:<11}{one['mailed']:>7} of {one['recipients']:<7}{one['subject']}{reason}"


def preview(args: argparse.Namespace) -> int:
    """Show an edition."""
    from nightdesk_local.themes import open_theme

    ports = operator_newsletter_ports(connect(args.stack))
    shown = control.preview(args.name, args.tier, ports, open_theme(chosen_theme()))
    if args.html:
        Path(args.html).write_text(shown.html, "utf-8")
    result(shown._asdict(), args.json, f"Subject: {shown.subject}\nReaders: {shown.tier}\n\n{shown.text}")
    return 0


@retry_conflicts
def test(args: argparse.Namespace) -> int:
    """Send a copy to one reader."""
    edition = editor_service(connect(args.stack)).test_edition(args.name, args.email)
    result({"id": edition.id}, args.json, f"{edition.id}: a copy is on its way")
    return 0


@retry_conflicts
def send(args: argparse.Namespace) -> int:
    """Send an edition."""
    service = editor_service(connect(args.stack))
    at = parse_timestamp(args.at, load_site(service.ports.pipeline).zone) if args.at else None
    return _report(service.send_edition(args.name, at), args)


@retry_conflicts
def hold(args: argparse.Namespace) -> int:
    """Hold an edition."""
    return _report(editor_service(connect(args.stack)).hold_edition(args.name), args)


@retry_conflicts
def cancel(args: argparse.Namespace) -> int:
    """Cancel an edition."""
    return _report(editor_service(connect(args.stack)).cancel_edition(args.name), args)


def report(args: argparse.Namespace) -> int:
    """Show what became of an edition."""
    ports = operator_newsletter_ports(connect(args.stack))
    edition = stored_edition(args.name, ports)
    return _report(edition, args, followed_links(edition.id, ports.editions))


def _report(edition: Edition, args: argparse.Namespace, links: Sequence[FollowedLink] = ()) -> int:
    found = control.report(edition, datetime.now(UTC))
    lines = [f"{name}: {value}" for name, value in found.items() if value not in ("", [])]
    lines += [f"{link.clicks:>7} clicks: {link.url}" for link in links]
    counted = {"links": [link._asdict() for link in links]} if links else {}
    result(found | counted, args.json, "\n".join(lines))
    return 0
