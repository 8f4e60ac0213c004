"""`nightdesk update` and `nightdesk updates`: the ticker."""

from __future__ import annotations

import argparse
from typing import Any

from nightdesk.domain.errors import Rejected
from nightdesk.domain.updates import Update, parse_wish
from nightdesk.usecases import updates as acts
from nightdesk.usecases.feeds import failing
from nightdesk.usecases.stored import load_site

from .connect import cli_desk, cli_ports, connect
from .console import result, say

_SHOWN = 50


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("update", help="post to the ticker")
    parser.add_argument("headline")
    parser.add_argument("--summary", default="", help="a sentence or two")
    parser.add_argument("--link", default="", metavar="URL", help="an https address, or a path on the site")
    parser.add_argument("--topic", default="", help="a topic's id")
    parser.add_argument("--weight", default="", metavar="N", help="0 to 9: what stays when there is more than fits")
    parser.add_argument("--expires", default="", metavar="WHEN", help="when it goes; after 30 days without")
    parser.set_defaults(run=update)
    nested = commands.add_parser("updates", help="the ticker's updates").add_subparsers(required=True)
    parser = nested.add_parser("list", help="what is live, what waits for an editor, and feeds that cannot be read")
    parser.set_defaults(run=show)
    for name, run, words in (
        ("remove", remove, "take an update from the ticker, or refuse one that waits"),
        ("approve", approve, "let an update that waits go live"),
    ):
        parser = nested.add_parser(name, help=words)
        parser.add_argument("id")
        parser.set_defaults(run=run)


def update(args: argparse.Namespace) -> int:
    """Post an update."""
    cloud = connect(args.stack)
    ports = cli_ports(cloud)
    site = load_site(ports)
    values = {name: getattr(args, name) for name in ("headline", "summary", "topic", "weight", "expires")}
    try:
        wish = parse_wish({**values, "url": args.link}, ports.clock(), site.zone, site.base_url)
    except Rejected as error:
        return _refuse(error)
    # Whoever may write the table is trusted to know how often.
    posted = cli_desk(cloud).post(wish, per_minute=0).update
    result(_form(posted), args.json, f"{posted.id}: posted, live until {posted.expires}")
    return 0


def show(args: argparse.Namespace) -> int:
    """List updates and failing feeds."""
    cloud = connect(args.stack)
    ports = cli_ports(cloud)
    found = {
        status: [_form(one) for one in acts.listing(status, "", _SHOWN, ports).updates]
        for status in ("live", "waiting")
    }
    feeds = failing(load_site(ports).feeds, ports)
    lines = [
        f"{one['id']}  {status:<8}{one['published'][:16]}Z  {one['headline']}"
        for status in found
        for one in found[status]
    ]
    lines += [f"feed {feed['url']}: {feed['problem']}; tried again after {feed['next'][:16]}Z" for feed in feeds]
    result({**found, "feeds": feeds}, args.json, "\n".join(lines) or "the ticker is empty")
    return 0


def remove(args: argparse.Namespace) -> int:
    """Take an update from the ticker."""
    cloud = connect(args.stack)
    return _tell(cli_desk(cloud).remove_update(args.id), args)


def approve(args: argparse.Namespace) -> int:
    """Let an update that waits go live."""
    cloud = connect(args.stack)
    try:
        return _tell(cli_desk(cloud).approve_update(args.id), args)
    except Rejected as error:
        return _refuse(error)


def _tell(found: Update | None, args: argparse.Namespace) -> int:
    if found is None:
        say(f"there is no update {args.id}")
        return 1
    result(_form(found), args.json, f"{found.id}: {found.status}")
    return 0


def _refuse(error: Rejected) -> int:
    for problem in error.problems:
        say(f"{'link' if problem.key == 'url' else problem.key}: {problem.message}")
    return 2


def _form(one: Update) -> dict[str, Any]:
    return one.to_json()
