"""`nightdesk articles`, `revisions` and `audit`: lists of what there is and how it came about."""

from __future__ import annotations

import argparse

from nightdesk.domain.timestamps import iso_utc_seconds, parse_timestamp
from nightdesk.entrypoints.operator_ports import operator_ports
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.editors import audit as audit_log
from nightdesk.usecases.editors import queries
from nightdesk.usecases.editors.decisions import no_article
from nightdesk.usecases.editors.revisions import revisions as revisions_of

from .arguments import add_limit
from .connect import connect, editor_service
from .console import result
from .retries import retry_conflicts


def _articles_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=queries.STATES, default="", help="only those in this state")
    parser.add_argument("--topic", metavar="ID", default="", help="only those of this topic")
    parser.add_argument("--author", metavar="ID", default="", help="only those by this author")
    parser.add_argument("--since", metavar="DATE", default="", help="only those from this date on")
    parser.add_argument("--until", metavar="DATE", default="", help="only those before this date")
    add_limit(parser, 50)
    parser.set_defaults(run=articles)


def _revisions_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slug", help="the article's slug")
    add_limit(parser, 10)
    parser.set_defaults(run=revisions)


def _audit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "subject", nargs="?", default="", help="such as article:harbour-works; without it, everything is listed"
    )
    add_limit(parser, 50)
    parser.set_defaults(run=audit)


COMMANDS = {"articles": _articles_arguments, "revisions": _revisions_arguments, "audit": _audit_arguments}


@retry_conflicts
def articles(args: argparse.Namespace) -> int:
    """List articles."""
    ports = operator_ports(connect(args.stack))
    zone = load_site(ports).zone
    since, until = (
        iso_utc_seconds(parse_timestamp(text, zone).isoformat()) if text else "" for text in (args.since, args.until)
    )
    wanted = queries.ArticleFilter(args.state, args.topic, args.author, since, until)
    rows = queries.articles(wanted, "", args.limit, ports).articles
    result(
        [row._asdict() for row in rows],
        args.json,
        "\n".join(_row(row) for row in rows),
    )
    return 0


def _row(row: queries.ArticleSummary) -> str:
    """Return the line of an article: when it goes live if it is scheduled, its file if that was rejected."""
    when = row.publish_at[:16] or row.date[:10]
    return f"{row.state:<10}{when:<18}{row.slug}  {row.title or row.key}".rstrip()


def revisions(args: argparse.Namespace) -> int:
    """List an article's revisions."""
    page = revisions_of(args.slug, 0, args.limit, operator_ports(connect(args.stack)))
    if page is None:
        raise no_article(args.slug)
    heads = [f"revision {one.number}{' (current)' if one.current else ''}, {one.at}" for one in page.revisions]
    diffs = [one.diff or "" for one in page.revisions]
    text = "\n".join(f"{head}\n{diff}".rstrip() for head, diff in zip(heads, diffs, strict=True))
    result([one._asdict() for one in page.revisions], args.json, text)
    return 0


def audit(args: argparse.Namespace) -> int:
    """List the entries of the audit log."""
    page = audit_log.entries(args.subject, "", args.limit, editor_service(connect(args.stack)).ports.audit_log)
    lines = [
        f"{entry.at}  {entry.actor.name or entry.actor.id}: {entry.action} {entry.subject}: {entry.outcome} {entry.reason}"
        for entry in page.entries
    ]
    result([entry.to_json() for entry in page.entries], args.json, "\n".join(line.rstrip() for line in lines))
    return 0
