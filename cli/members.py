"""`nightdesk members`: complimentary access, and sign-in links."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.errors import Permanent
from nightdesk.domain.moments import parse_moment
from nightdesk.usecases.members import grant, sign_in_link
from nightdesk.usecases.stored import load_site

from .connect import Cloud, cli_ports, connect, edge_key
from .console import result, say


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    members = commands.add_parser("members", help="complimentary access, and sign-in links").add_subparsers(
        required=True
    )
    parser = members.add_parser("add", help="give a reader a tier")
    parser.add_argument("email")
    parser.add_argument("--tier", required=True)
    parser.add_argument("--until", default="", metavar="DATE", help="when it ends; for good without")
    parser.set_defaults(run=add)
    parser = members.add_parser("link", help="a link that signs a reader in")
    parser.add_argument("email")
    parser.set_defaults(run=link)


def _table(cloud: Cloud) -> DynamoTable:
    return DynamoTable(cloud.session().client("dynamodb"), cloud.outputs["MembershipsTable"])


def add(args: argparse.Namespace) -> int:
    """Give a reader a tier."""
    cloud = connect(args.stack)
    site = load_site(cli_ports(cloud))
    try:
        until = parse_moment(args.until, site.zone).isoformat() if args.until else ""
        item = grant(args.email, args.tier, until, site, _table(cloud))
    except (Permanent, ValueError) as error:
        say(error)
        return 2
    result(item, args.json, f"{item['email']} reads as {item['tier']}{f' until {until}' if until else ''}")
    return 0


def link(args: argparse.Namespace) -> int:
    """Print a link that sets the session cookie."""
    cloud = connect(args.stack)
    secret = edge_key(cloud)
    try:
        made = sign_in_link(args.email, cloud.outputs["SiteUrl"], secret, _table(cloud), datetime.now(UTC))
    except Permanent as error:
        say(error)
        return 2
    result(made, args.json, made["url"])
    return 0
