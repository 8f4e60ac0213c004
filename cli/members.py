"""`nightdesk members`: complimentary access, sign-in links, and the end of either."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from nightdesk.adapters.aws import EventBridgeBus
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.memberships import Membership, member_id, normalise
from nightdesk.domain.moments import parse_moment
from nightdesk.usecases import members, payments
from nightdesk.usecases.stored import load_site

from .articles import refusing
from .connect import Cloud, cli_desk, cli_ports, cli_reader_ports, connect, edge_key
from .console import result, say

Done = TypeVar("Done")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    group = commands.add_parser("members", help="complimentary access, and sign-in links").add_subparsers(required=True)
    parser = group.add_parser("add", help="give a reader a tier")
    parser.add_argument("email")
    parser.add_argument("--tier", required=True)
    parser.add_argument("--until", default="", metavar="DATE", help="when it ends; for good without")
    parser.set_defaults(run=add)
    parser = group.add_parser("show", help="what a reader has, and by what right")
    parser.add_argument("email")
    parser.set_defaults(run=show)
    parser = group.add_parser("revoke", help="take back the tier that a reader was given; what is paid for stays")
    parser.add_argument("email")
    parser.set_defaults(run=revoke)
    parser = group.add_parser("link", help="a link that signs a reader in, for an hour")
    parser.add_argument("email")
    parser.set_defaults(run=link)
    parser = group.add_parser("remove", help="forget a reader; only a digest of the address stays")
    parser.add_argument("email")
    parser.set_defaults(run=remove)
    parser = group.add_parser("block", help="mail an address nothing any more, not even sign-in links")
    parser.add_argument("email")
    parser.add_argument("--undo", action="store_true", help="let it have mail again")
    parser.set_defaults(run=block)


def _table(cloud: Cloud) -> DynamoTable:
    return DynamoTable(cloud.session().client("dynamodb"), cloud.outputs["MembershipsTable"])


def _bus(cloud: Cloud) -> EventBridgeBus:
    return EventBridgeBus(cloud.session().client("events"), cloud.outputs["EventBusName"], "nightdesk.cli")


def _recorded(act: str, member: str, cloud: Cloud, do: Callable[[], Done]) -> Done:
    """Do something about a reader, with its entry in the audit log."""
    return cli_desk(cloud).record(act, f"member:{member}", {}, do)


@refusing
def add(args: argparse.Namespace) -> int:
    """Give a reader a tier."""
    desk = cli_desk(connect(args.stack))
    until = parse_moment(args.until, load_site(desk.ports.pipeline).zone).isoformat() if args.until else ""
    item = desk.grant(args.email, args.tier, until)
    result(item, args.json, f"{item['email']} reads as {item['tier']}{f' until {until}' if until else ''}")
    return 0


@refusing
def show(args: argparse.Namespace) -> int:
    """Tell what a reader has."""
    cloud, member = connect(args.stack), member_id(normalise(args.email))
    found = members.membership_of(member, _table(cloud))
    if not found:
        raise members.NoSuchReader("there is no such reader")
    _tell(member, found[0], cloud, args.json)
    return 0


@refusing
def revoke(args: argparse.Namespace) -> int:
    """Take back what a reader was given."""
    cloud, member = connect(args.stack), member_id(normalise(args.email))
    _tell(member, cli_desk(cloud).give(member, "", ""), cloud, args.json)
    return 0


def _tell(member: str, found: Membership, cloud: Cloud, as_json: bool) -> None:
    facts = members.told(member, found, load_site(cli_ports(cloud)), datetime.now(UTC))
    until = f" until {facts['until']}" if facts["until"] else ""
    result(facts, as_json, f"{found.email} reads as {facts['tier']}{until} ({facts['source']})")


@refusing
def link(args: argparse.Namespace) -> int:
    """Print a link that sets the session cookie."""
    cloud, member = connect(args.stack), member_id(normalise(args.email))
    site, outputs = load_site(cli_ports(cloud)), cloud.outputs
    signer = edge_key(cloud), outputs["EdgeKeyId"]
    now = datetime.now(UTC)
    make = lambda: members.sign_in_link(args.email, site, outputs["SiteUrl"], signer, _table(cloud), now)  # noqa: E731
    made = _recorded("sign-in-link", member, cloud, make)
    result(made, args.json, made["url"])
    return 0


def remove(args: argparse.Namespace) -> int:
    """Forget a reader."""
    cloud = connect(args.stack)
    try:
        member = member_id(normalise(args.email))
        ports = cli_reader_ports(cloud)
        leave = lambda: payments.leave(member, load_site(ports), ports, datetime.now(UTC))  # noqa: E731
        _recorded("forget", member, cloud, leave)
    except (Permanent, Transient) as error:
        say(error)
        return 2
    result({"id": member}, args.json, "forgotten")
    return 0


@refusing
def block(args: argparse.Namespace) -> int:
    """Let an address have no mail, or have it again."""
    cloud, member = connect(args.stack), member_id(normalise(args.email))
    found: dict[str, Any] = {"id": member, "blocked": not args.undo}

    def act() -> None:
        if args.undo:
            members.unsuppress(member, _table(cloud))
        else:
            members.suppress(member, members.BLOCKED, _table(cloud), datetime.now(UTC))

    _recorded("unblock" if args.undo else "block", member, cloud, act)
    result(found, args.json, "mailed again" if args.undo else "mailed nothing any more")
    return 0
