"""`nightdesk articles`, `revisions` and `audit`: what there is, how it came to be, and who did it."""

from __future__ import annotations

import argparse

from nightdesk.domain.moments import parse_moment, sortable
from nightdesk.usecases import articles as lists
from nightdesk.usecases import audit as log
from nightdesk.usecases.revisions import revisions as revisions_of
from nightdesk.usecases.stored import load_site

from .articles import refusing
from .connect import cli_desk, cli_ports, connect
from .console import result, say


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    parser = commands.add_parser("articles", help="list articles, newest first")
    parser.add_argument("--state", choices=lists.STATES, default="")
    for name in ("topic", "author"):
        parser.add_argument(f"--{name}", metavar="ID", default="")
    for name in ("since", "until"):
        parser.add_argument(f"--{name}", metavar="DATE", default="")
    _add_limit(parser, 50)
    parser.set_defaults(run=articles)
    parser = commands.add_parser("revisions", help="an article's revisions, newest first, with what each changed")
    parser.add_argument("slug")
    _add_limit(parser, 10)
    parser.set_defaults(run=revisions)
    parser = commands.add_parser("audit", help="who did what, newest first")
    parser.add_argument("subject", nargs="?", default="", help="such as article:a-story; everything without")
    _add_limit(parser, 50)
    parser.set_defaults(run=audit)


def _add_limit(parser: argparse.ArgumentParser, usual: int) -> None:
    parser.add_argument("--limit", type=int, default=usual, metavar="N", help=f"at most; {usual} without")


@refusing
def articles(args: argparse.Namespace) -> int:
    """List articles."""
    ports = cli_ports(connect(args.stack))
    zone = load_site(ports).zone
    since, until = (sortable(parse_moment(text, zone).isoformat()) if text else "" for text in (args.since, args.until))
    wanted = lists.Wanted(args.state, args.topic, args.author, since, until)
    rows = lists.articles(wanted, "", args.limit, ports).rows
    result(
        [row._asdict() for row in rows],
        args.json,
        "\n".join(f"{row.state:<10}{row.date[:10]:<12}{row.slug}  {row.title}" for row in rows),
    )
    return 0


def revisions(args: argparse.Namespace) -> int:
    """List an article's revisions."""
    page = revisions_of(args.slug, 0, args.limit, cli_ports(connect(args.stack)))
    if page is None:
        say(f"nothing is known of “{args.slug}”")
        return 1
    heads = [f"revision {one.number}{' (current)' if one.current else ''}, {one.at}" for one in page.revisions]
    diffs = [one.diff or "" for one in page.revisions]
    text = "\n".join(f"{head}\n{diff}".rstrip() for head, diff in zip(heads, diffs, strict=True))
    result([one._asdict() for one in page.revisions], args.json, text)
    return 0


def audit(args: argparse.Namespace) -> int:
    """Read the audit log."""
    page = log.entries(args.subject, "", args.limit, cli_desk(connect(args.stack)).ports.journal)
    told = [{**one._asdict(), **one.deed._asdict(), "who": one.who._asdict()} for one in page.entries]
    for one in told:
        del one["deed"]
    lines = [
        f"{one.at}  {one.who.name or one.who.id}: {one.deed.act} {one.deed.subject}: {one.outcome} {one.reason}".rstrip()
        for one in page.entries
    ]
    result(told, args.json, "\n".join(lines))
    return 0
