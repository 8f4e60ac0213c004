"""`nightdesk update` and `nightdesk updates`: the ticker."""

from __future__ import annotations

import argparse

from nightdesk.domain.errors import Rejected
from nightdesk.domain.feeds import describe_left_out
from nightdesk.domain.updates import Update, parse_new_update
from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors.link_warnings import update_warnings
from nightdesk.usecases.ticker.feeds import FeedState, feed_states
from nightdesk.usecases.ticker.updates import listing

from .arguments import add_group, add_to
from .connect import connect, editor_service
from .console import WARNING, result, say
from .retries import retry_conflicts

_LISTED = 50
_KEYS = ("headline", "summary", "url", "topic", "weight", "expires")


def _update_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("headline", help="the update itself")
    parser.add_argument("--summary", default="", help="a sentence or two")
    parser.add_argument(
        "--url", "--link", default="", metavar="URL", help="where it leads: an https URL, or a path on the site"
    )
    parser.add_argument("--topic", default="", metavar="ID", help="the topic that it belongs to")
    parser.add_argument(
        "--weight", default="", metavar="N", help="0 to 9; the heaviest stay when there are more than fit (default: 0)"
    )
    parser.add_argument("--expires", default="", metavar="WHEN", help="when it leaves the ticker (default: in 30 days)")
    parser.set_defaults(run=update)


def _updates_arguments(parser: argparse.ArgumentParser) -> None:
    group = add_group(parser)
    add_to(group, "list", show, "List updates that are live or wait for approval, and what was not taken from feeds")
    for name, run, text in (
        ("remove", remove, "Remove an update from the ticker, or refuse one that waits for approval"),
        ("approve", approve, "Let an update that waits for approval go live"),
    ):
        add_to(group, name, run, text).add_argument("id", help="the update's id, as “nightdesk updates list” shows it")


COMMANDS = {"update": _update_arguments, "updates": _updates_arguments}


def update(args: argparse.Namespace) -> int:
    """Post an update."""
    cloud = connect(args.stack)
    ports = operator_ports(cloud)
    site = load_site(ports)
    values = {name: getattr(args, name) for name in _KEYS}
    try:
        new = parse_new_update(values, ports.clock(), site.zone, site.base_url)
    except Rejected as error:
        return _refuse(error)
    # No rate limit: the user could write to the table directly.
    posted = editor_service(cloud).post_update(new, per_minute=0).update
    warnings = update_warnings(posted.topic, posted.url, ports)
    for warning in warnings:
        say(f"{WARNING}{warning['key']}: {warning['message']}")
    result({**posted.to_json(), "warnings": warnings}, args.json, f"{posted.id}: posted, live until {posted.expires}")
    return 0


def show(args: argparse.Namespace) -> int:
    """List updates, feeds that fail, and the entries of feeds that were left out."""
    ports = operator_ports(connect(args.stack))
    found = {
        status: [one.to_json() for one in listing(status, "", _LISTED, ports).updates] for status in ("live", "waiting")
    }
    feeds = feed_states(load_site(ports).feeds, ports)
    lines = [
        f"{one['id']}  {status:<8}{one['published'][:16]}Z  {one['headline']}"
        for status, updates in found.items()
        for one in updates
    ]
    lines += filter(None, map(feed_line, feeds))
    data = {
        **found,
        "feeds": [feed._asdict() for feed in feeds if feed.problem],
        "left_out": [feed._asdict() for feed in feeds if feed.left_out],
    }
    result(data, args.json, "\n".join(lines) or "The ticker is empty.")
    return 0


def feed_line(feed: FeedState) -> str:
    """Describe a feed that fails, or of which entries were left out; empty for other feeds."""
    text = feed.problem or describe_left_out(feed.items, feed.left_out)
    later = f"; next try after {feed.next[:16]}Z" if feed.next else ""
    return f"feed {feed.url}: {text}{later}" if text else ""


@retry_conflicts
def remove(args: argparse.Namespace) -> int:
    """Remove an update."""
    return _report(editor_service(connect(args.stack)).remove_update(args.id), args)


@retry_conflicts
def approve(args: argparse.Namespace) -> int:
    """Let an update go live."""
    try:
        return _report(editor_service(connect(args.stack)).approve_update(args.id), args)
    except Rejected as error:
        return _refuse(error)


def _report(found: Update, args: argparse.Namespace) -> int:
    result(found.to_json(), args.json, f"{found.id}: {found.status}")
    return 0


def _refuse(error: Rejected) -> int:
    for problem in error.problems:
        say(f"{problem.key}: {problem.text}")
    return 2
