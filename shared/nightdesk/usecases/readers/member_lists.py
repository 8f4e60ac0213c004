"""Lists of readers as CSV files: importing them from another system, and exporting them.

An import gives no one a newsletter, and confirms no address, without proof of consent: for each reader the file says when and
how the address was confirmed. What a reader of this site already chose stays.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import NEWSLETTERS, SUBSCRIBER, Membership, member_id, normalise_address
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.text import plain_cell
from nightdesk.domain.timestamps import InvalidTimestamp, parse_end
from nightdesk.repositories import memberships_table
from nightdesk.usecases.readers.members import MemberPorts, announce_change, update_membership

COLUMNS = ("email", "tier", "until", "newsletter", "consent")
"""The columns of an export, all of which an import reads. `consent` is free text, such as `form on 2024-05-01`."""
OUTCOMES = IMPORTED, UNCHANGED, SKIPPED = "imported", "unchanged", "skipped"
_YES = ("true", "yes", "1", "on")
_LONGEST = 1_000
"""Characters of a cell."""


class Row(NamedTuple):
    """A row of a list of readers; `line` is where it ends in the file."""

    line: int
    email: str
    tier: str
    until: str
    newsletter: bool
    consent: str


class Outcome(NamedTuple):
    """What became of a row: `imported`, `unchanged` or `skipped`. `note` gives the reason, or what was left out."""

    line: int
    email: str
    outcome: str
    note: str = ""


def read_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of a CSV file, one at a time, so that a file of any length needs little memory.

    Raises:
        Permanent: the first line does not name the column `email`, or the file is not CSV.
    """
    reader = csv.DictReader(lines, restval="")
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if "email" not in names:
        raise Permanent(f"line 1 must name the columns, such as {','.join(COLUMNS)}; there is no column “email”")
    reader.fieldnames = names
    try:
        for row in reader:
            cells = {name: (row.get(name) or "").strip()[:_LONGEST] for name in COLUMNS}
            yield Row(
                reader.line_num,
                cells["email"].lstrip("'"),
                cells["tier"].lower(),
                cells["until"],
                cells["newsletter"].lower() in _YES,
                cells["consent"].lstrip("'"),
            )
    except csv.Error as error:
        raise Permanent(f"line {reader.line_num} is not CSV; does a quotation mark end too early?") from error


def import_rows(
    rows: Iterable[Row], site: Site, ports: MemberPorts, now: datetime, *, dry_run: bool
) -> Iterator[Outcome]:
    """Import readers and yield the outcome of each row. A row that is wrong is skipped, and the others go on.

    Args:
        dry_run: only say what would be done.
    """
    seen: dict[str, int] = {}
    for row in rows:
        try:
            email = normalise_address(row.email)
            if email in seen:
                yield Outcome(row.line, row.email, SKIPPED, f"the same address as in line {seen[email]}")
                continue
            seen[email] = row.line
            yield _import_row(row._replace(email=email), site, ports, now, dry_run)
        except Permanent as error:
            yield Outcome(row.line, row.email, SKIPPED, str(error))


def _import_row(row: Row, site: Site, ports: MemberPorts, now: datetime, dry_run: bool) -> Outcome:
    until, notes = _end(row, site, now), []
    member = member_id(row.email)
    suppressed = memberships_table.suppression(ports.memberships, member)
    if row.newsletter and not row.consent:
        notes.append("no newsletter: the column “consent” is empty")
    if suppressed:
        notes.append("no newsletter: this address asked for no more mail, or its mail came back")

    def change(found: Membership) -> Membership:
        after = found
        if row.tier not in ("", PUBLIC, SUBSCRIBER):
            after = replace(after, complimentary={"tier": row.tier, "until": until})
        if row.consent and not found.confirmed:
            newsletters = NEWSLETTERS if row.newsletter and not suppressed else ()
            confirmed = now.isoformat(timespec="seconds")
            key = found.unsubscribe or secrets.token_urlsafe(24)
            after = replace(after, confirmed=confirmed, newsletters=newsletters, unsubscribe=key)
        return after

    stored = memberships_table.find_membership(ports.memberships, member)
    if stored and change(stored.membership) == stored.membership:
        return Outcome(row.line, row.email, UNCHANGED, "; ".join(notes))
    if not dry_run:
        update_membership(member, ports.memberships, change, row.email)
        announce_change(member, ports.bus)
    return Outcome(row.line, row.email, IMPORTED, "; ".join(notes))


def _end(row: Row, site: Site, now: datetime) -> str:
    """Return when the tier ends, ISO 8601; empty if it does not.

    Raises:
        Permanent: the tier does not exist, or it has ended.
    """
    if row.tier and row.tier not in site.tiers:
        raise Permanent(f"this site has no tier “{row.tier[:40]}”; its tiers are {', '.join(site.tiers)}")
    if not row.until:
        return ""
    try:
        until = parse_end(row.until, site.zone)
    except InvalidTimestamp:
        raise Permanent(f"“{row.until[:40]}” is not a date; type it like 2027-01-31") from None
    if until <= now:
        raise Permanent(f"the tier ended on {row.until[:40]}")
    return until.isoformat()


def export_row(membership: Membership, site: Site, now: datetime) -> tuple[str, ...]:
    """Return a reader as the cells of a row, none of which a spreadsheet takes for a formula."""
    granted = membership.entitlement(site, now)
    confirmed = f"confirmed on this site on {membership.confirmed}" if membership.confirmed else ""
    newsletter = "true" if any(map(membership.receives, NEWSLETTERS)) else "false"
    cells = (membership.email, granted.tier, granted.until, newsletter, confirmed)
    return tuple(map(plain_cell, cells))
