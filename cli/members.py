"""`nightdesk members`: readers, their complimentary tiers, and sign-in links."""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from nightdesk.domain.memberships import Membership, member_id, normalise_address
from nightdesk.domain.timestamps import is_day, parse_end, parse_timestamp
from nightdesk.entrypoints.operator_ports import edge_key, memberships_table, operator_ports, operator_reader_ports
from nightdesk.repositories.memberships_table import find_membership, memberships
from nightdesk.repositories.private_bucket import load_site
from nightdesk.usecases.readers import member_feeds, member_lists, members, payments
from nightdesk.usecases.readers.member_pages import MemberFilter, member_counts, member_page

from .arguments import add_group, add_limit, add_to
from .connect import connect, editor_service
from .console import result, say
from .csv_files import WESTERN, SeenOnDisk, open_csv
from .retries import retry_conflicts

if TYPE_CHECKING:
    from nightdesk.usecases.editors.operations import EditorService
    from nightdesk_local.cloud import Cloud

Done = TypeVar("Done")
_PAGE = 500
"""Readers that an export reads at a time."""
_MOST_NOTES = 1_000
"""Rows of an import of which JSON says more than a number."""


def _arguments(parser: argparse.ArgumentParser) -> None:
    group = add_group(parser)
    command = add_to(group, "list", show_all, "List readers with their tiers and where these come from")
    command.add_argument("--tier", default="", metavar="T", help="only those who read as this tier now")
    command.add_argument(
        "--edition", default="", metavar="ID", help="only those who get this newsletter, such as daily"
    )
    command.add_argument(
        "--since", default="", metavar="DATE", help="only those who confirmed their address since then"
    )
    command.add_argument("--csv", action="store_true", help="print them as CSV, with the columns of an export")
    command.add_argument(
        "--after", default="", metavar="ID", help="begin after this reader, to go on with a longer list"
    )
    add_limit(command, 1000)
    add_to(group, "count", count_all, "Count readers by tier and by newsletter")
    command = add_to(group, "export", export_all, "Write all readers as CSV: tier, end, newsletter, proof of consent")
    command.add_argument("file", nargs="?", default="-", help="the file to write (default: standard output)")
    command = add_to(group, "import", import_all, "Import readers from a CSV file")
    command.add_argument("file", help="with the columns email, tier, until, newsletter, consent; email is required")
    command.add_argument("--dry-run", action="store_true", help="only show what would happen to each row")
    for name, run, text in (
        ("add", add, "Give a reader a complimentary tier"),
        ("show", show, "Show a reader's tier and where it comes from"),
        ("revoke", revoke, "Take back a complimentary tier; what the reader pays for stays"),
        ("link", link, "Print a link that signs a reader in; it is valid for an hour"),
        ("remove", remove, "Delete a reader's account; only a digest of the address is kept"),
        ("stop-feed", stop_feed, "Revoke the address of a reader's feed; it stops working at once"),
        ("block", block, "Stop all mail to an address, sign-in links included"),
    ):
        command = add_to(group, name, run, text)
        command.add_argument("email", help="the reader's email address")
        if run is add:
            command.add_argument("--tier", required=True, help="such as member")
            command.add_argument(
                "--until",
                default="",
                metavar="DATE",
                help="the last day, or the moment at which it ends (default: never)",
            )
        elif run is block:
            command.add_argument("--undo", action="store_true", help="allow mail again")


COMMANDS = {"members": _arguments}


def _recorded(act: str, member: str, cloud: Cloud, do: Callable[[], Done]) -> Done:
    """Run an operation on a reader, with its entry in the audit log."""
    return editor_service(cloud).record(act, f"member:{member}", {}, do)


@retry_conflicts
def add(args: argparse.Namespace) -> int:
    """Give a reader a tier."""
    service = editor_service(connect(args.stack))
    zone = load_site(service.ports.pipeline).zone
    until = parse_end(args.until, zone).isoformat() if args.until else ""
    item = service.grant_to_address(args.email, members.Grant(args.tier, until))
    end = (
        f" to the end of {until[:10]} ({zone})" if until and is_day(args.until) else f" until {until}" if until else ""
    )
    result(item, args.json, f"{item['email']} reads as {item['tier']}{end}")
    return 0


@retry_conflicts
def show_all(args: argparse.Namespace) -> int:
    """List readers."""
    cloud = connect(args.stack)
    site, now = load_site(operator_ports(cloud)), datetime.now(UTC)
    since = parse_timestamp(args.since, site.zone).isoformat() if args.since else ""
    wanted = MemberFilter(args.tier, args.edition, since).checked(site)
    read, following = member_page(memberships_table(cloud), wanted, site, now, args.after, args.limit)
    if args.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(member_lists.COLUMNS)
        writer.writerows(member_lists.export_row(membership, site, now) for _, membership in read)
        if following:
            say(f"There may be more: nightdesk members list --csv --after {following}")
        return 0
    found = [members.membership_json(member, membership, site, now) for member, membership in read]
    shown = sorted(found, key=lambda one: str(one["email"]))
    lines = [
        f"{one['tier']:<12}{one['source'] or 'not confirmed':<15}{one['until'][:10] or '-':<12}{one['email']}"
        for one in shown
    ]
    if following:
        lines.append(f"There may be more: nightdesk members list --after {following}")
    result({"members": shown, "after": following}, args.json, "\n".join(lines) or "There are no readers.")
    return 0


def count_all(args: argparse.Namespace) -> int:
    """Count readers."""
    cloud = connect(args.stack)
    table, site, now = memberships_table(cloud), load_site(operator_ports(cloud)), datetime.now(UTC)
    counts, after = member_counts(table, site, now)
    while after:
        more, after = member_counts(table, site, now, after)
        for name, value in more.items():
            counts[name] = (
                dict(Counter(counts[name]) + Counter(value)) if isinstance(value, dict) else counts[name] + value
            )
    lines = [f"{counts['readers']} readers, {counts['confirmed']} of them with a confirmed address"]
    lines += [
        f"{kind[:-1]:<12}{name:<30}{number}"
        for kind in ("tiers", "newsletters")
        for name, number in counts[kind].items()
    ]
    result(counts, args.json, "\n".join(lines))
    return 0


def export_all(args: argparse.Namespace) -> int:
    """Write all readers as CSV, one page of the table at a time."""
    cloud = connect(args.stack)
    table, site, now = memberships_table(cloud), load_site(operator_ports(cloud)), datetime.now(UTC)
    editor_service(cloud).record("members-export", "members", {}, lambda: None)
    with contextlib.ExitStack() as stack:
        output = sys.stdout if args.file == "-" else stack.enter_context(_private_file(args.file))
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(member_lists.COLUMNS)
        count, after = 0, ""
        while page := memberships(table, after, _PAGE):
            writer.writerows(member_lists.export_row(membership, site, now) for _, membership in page)
            count, after = count + len(page), page[-1][0]
    if args.file != "-":
        result({"readers": count, "file": args.file}, args.json, f"{count} readers are in {args.file}")
    return 0


def _private_file(name: str) -> TextIO:
    """Open a file for writing that only its owner can read."""
    return open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="")


def import_all(args: argparse.Namespace) -> int:
    """Import readers; exit with status 1 if a row was skipped."""
    service = editor_service(connect(args.stack))
    counts, noted = Counter[str](), list[member_lists.Outcome]()

    def run() -> None:
        for row in _imported(args, service):
            counts[row.outcome] += 1
            if not row.note:
                continue
            if len(noted) < _MOST_NOTES:
                noted.append(row)
            if not args.json:
                print(f"{args.file}:{row.line}: {row.outcome}: {row.email}: {row.note}")

    if args.dry_run:
        run()
    else:
        service.record("members-import", "members", {"file": Path(args.file).name}, run)
    named = {name: counts[name] for name in member_lists.OUTCOMES}
    summary = ", ".join(f"{count} {name}" for name, count in named.items())
    data = {"dry_run": args.dry_run, **named, "notes": [row._asdict() for row in noted]}
    result(data, args.json, f"{'Would be: ' if args.dry_run else ''}{summary}")
    return 1 if counts[member_lists.SKIPPED] else 0


def _imported(args: argparse.Namespace, service: EditorService) -> Iterator[member_lists.Outcome]:
    """Import the rows of a file, and yield the outcome of each."""
    site = load_site(service.ports.pipeline)
    with open_csv(args.file) as (lines, encoding):
        if encoding == WESTERN:
            say(f"{args.file} is not UTF-8; it is read as Windows-1252. If names look wrong, save it as “CSV UTF-8”.")
        how = member_lists.HowToImport(args.dry_run, SeenOnDisk().first_line, service.ports.pipeline.in_parallel)
        rows = member_lists.read_rows(lines)
        yield from member_lists.import_rows(rows, site, service.ports, datetime.now(UTC), how)


@retry_conflicts
def show(args: argparse.Namespace) -> int:
    """Show a reader's membership."""
    cloud, member = connect(args.stack), member_id(normalise_address(args.email))
    found = find_membership(memberships_table(cloud), member)
    if not found:
        raise members.NoSuchReader
    _show(member, found.membership, cloud, args.json)
    return 0


@retry_conflicts
def revoke(args: argparse.Namespace) -> int:
    """Take back a complimentary tier."""
    cloud, member = connect(args.stack), member_id(normalise_address(args.email))
    _show(member, editor_service(cloud).grant(member, members.Grant("", "")), cloud, args.json)
    return 0


def _show(member: str, found: Membership, cloud: Cloud, as_json: bool) -> None:
    facts = members.membership_json(member, found, load_site(operator_ports(cloud)), datetime.now(UTC))
    until = f" until {facts['until']}" if facts["until"] else ""
    result(facts, as_json, f"{found.email} reads as {facts['tier']}{until} ({facts['source']})")


@retry_conflicts
def link(args: argparse.Namespace) -> int:
    """Print a sign-in link."""
    cloud, member = connect(args.stack), member_id(normalise_address(args.email))
    site, outputs, memberships = load_site(operator_ports(cloud)), cloud.outputs, memberships_table(cloud)
    signer = members.LinkSigner(outputs["SiteUrl"], edge_key(cloud), outputs["EdgeKeyId"])

    def make() -> dict[str, str]:
        return members.sign_in_link(args.email, signer, site, memberships, datetime.now(UTC))

    made = _recorded("sign-in-link", member, cloud, make)
    result(made, args.json, made["url"])
    return 0


@retry_conflicts
def remove(args: argparse.Namespace) -> int:
    """Delete a reader's account."""
    cloud, member = connect(args.stack), member_id(normalise_address(args.email))
    ports = operator_reader_ports(cloud)

    def delete() -> None:
        payments.delete_account(member, load_site(ports), ports, datetime.now(UTC))

    _recorded("forget", member, cloud, delete)
    result({"id": member}, args.json, "Account deleted.")
    return 0


@retry_conflicts
def stop_feed(args: argparse.Namespace) -> int:
    """Revoke the address of a reader's feed."""
    cloud, member = connect(args.stack), member_id(normalise_address(args.email))
    _recorded("stop-feed", member, cloud, lambda: member_feeds.revoke(member, memberships_table(cloud)))
    result({"id": member}, args.json, "The address of this reader's feed no longer works.")
    return 0


@retry_conflicts
def block(args: argparse.Namespace) -> int:
    """Stop or allow mail to an address."""
    cloud, member = connect(args.stack), member_id(normalise_address(args.email))

    def change() -> None:
        if args.undo:
            members.unsuppress(member, memberships_table(cloud))
        else:
            members.suppress(member, members.BLOCKED, memberships_table(cloud), datetime.now(UTC))

    _recorded("unblock" if args.undo else "block", member, cloud, change)
    text = "This address gets mail again." if args.undo else "This address gets no more mail."
    result({"id": member, "blocked": not args.undo}, args.json, text)
    return 0
