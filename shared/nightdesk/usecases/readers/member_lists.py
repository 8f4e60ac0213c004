"""Lists of readers as CSV files: importing them from another system, and exporting them.

An import gives no one a newsletter, and confirms no address, without proof of consent: for each reader the file says when and
how the address was confirmed, which is kept, and comes back in an export. What a reader of this site already chose stays.
"""

from __future__ import annotations

import csv
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.memberships import NEWSLETTERS, SUBSCRIBER, Membership, member_id, normalise_address
from nightdesk.domain.newsletters import newsletter_ids
from nightdesk.domain.site import PUBLIC, Site
from nightdesk.domain.text import plain_cell
from nightdesk.domain.timestamps import InvalidTimestamp, parse_end
from nightdesk.ports import Change, InParallel, one_by_one
from nightdesk.repositories import memberships_table
from nightdesk.repositories.memberships_table import StoredMembership
from nightdesk.usecases.readers.members import MemberPorts, announce_changes, update_membership

COLUMNS = ("email", "tier", "until", "newsletter", "consent")
"""The columns of an export, all of which an import reads. `newsletter` is yes or no, or the ids of those that the reader gets;
`consent` is free text, such as `form on 2024-05-01`."""
OUTCOMES = IMPORTED, UNCHANGED, SKIPPED = "imported", "unchanged", "skipped"
_YES, _NO = ("true", "yes", "1", "on"), ("", "false", "no", "0", "off")
_LONGEST = 1_000
"""Characters of a cell."""
_DELIMITERS = ",;\t"
_AT_ONCE = 50
"""Readers that are looked up, and written, together."""
_ANNOUNCED = 10
"""Events of one call to the bus."""
FirstLine = Callable[[str, int], int]
"""Returns the line in which an address stood first, of all with which it was called."""


class Row(NamedTuple):
    """A row of a list of readers.

    Attributes:
        line: the line of the file in which it ends.
        more: how many of its cells have no column.
        swallows: whether a cell seems to contain other rows, because a quotation mark is missing.
    """

    line: int
    email: str
    tier: str
    until: str
    newsletter: str
    consent: str
    more: int = 0
    swallows: bool = False


class Outcome(NamedTuple):
    """What became of a row: `imported`, `unchanged` or `skipped`. `note` gives the reason, or what was left out."""

    line: int
    email: str
    outcome: str
    note: str = ""


def read_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the rows of a CSV file, one at a time, so that a file of any length needs little memory. Its first line decides
    whether cells end with commas, semicolons or tabs.

    Raises:
        Permanent: the first line does not name the column `email`, or the file is not CSV.
    """
    rest = iter(lines)
    first, before = next(rest, ""), 0
    if first.lower().startswith("sep="):  # for Excel
        first, before = next(rest, ""), 1
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.DictReader(chain([first], rest), restval="", delimiter=delimiter)
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    if names.count("email") > 1:
        raise Permanent("line 1 names the column “email” twice")
    if "email" not in names:
        raise Permanent(f"line 1 must name the columns, such as {','.join(COLUMNS)}; there is no column “email”")
    reader.fieldnames = names
    try:
        for row in reader:
            cells = {name: (row.get(name) or "").strip()[:_LONGEST] for name in COLUMNS}
            if not any(cells.values()):
                continue  # spreadsheets write such rows below the last one
            yield Row(
                reader.line_num + before,
                cells["email"].lstrip("'"),
                cells["tier"].lower(),
                cells["until"],
                cells["newsletter"].lower(),
                cells["consent"].lstrip("'"),
                len(row.get(None, ())),  # where `DictReader` keeps cells without a column
                _swallows(row),
            )
    except csv.Error as error:
        where = reader.line_num + before
        raise Permanent(f"line {where} is not CSV; does a quotation mark end too early?") from error


def _swallows(row: Mapping[str | None, str | list[str]]) -> bool:
    """Return True if a cell has an address after its first line."""
    cells = (part for cell in row.values() for part in (cell if isinstance(cell, list) else [cell]))
    return any("@" in line for cell in cells for line in cell.splitlines()[1:])


def first_lines() -> FirstLine:
    """Return what keeps in memory where each address stood first."""
    seen: dict[str, int] = {}
    return lambda address, line: seen.setdefault(address, line)


class _Planned(NamedTuple):
    """A row that can be imported, and the outcome for its reader."""

    row: Row
    member: str
    stored: StoredMembership | None
    change: Callable[[Membership], Membership]
    notes: list[str]

    @property
    def changes(self) -> bool:
        return not self.stored or self.change(self.stored.membership) != self.stored.membership

    @property
    def written(self) -> Change:
        """The change that writes the reader over what was read."""
        before = self.stored.membership if self.stored else Membership(self.row.email)
        return memberships_table.membership_change(self.member, self.change(before), self.stored)

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.row.line, self.row.email, IMPORTED if self.changes else UNCHANGED, "; ".join(self.notes))


class HowToImport(NamedTuple):
    """How a list of readers is imported.

    Attributes:
        dry_run: only say what would be done.
        first_line: finds addresses that come twice; kept in memory if there is none.
        in_parallel: makes some calls at once.
    """

    dry_run: bool = False
    first_line: FirstLine | None = None
    in_parallel: InParallel = one_by_one


def import_rows(
    rows: Iterable[Row], site: Site, ports: MemberPorts, now: datetime, how: HowToImport | None = None
) -> Iterator[Outcome]:
    """Import readers and yield the outcome of each row. A row that is wrong is skipped, and the others go on."""
    given, rest = how or HowToImport(), iter(rows)
    given = given._replace(first_line=given.first_line or first_lines())
    while some := list(islice(rest, _AT_ONCE)):
        yield from _import_some(some, site, ports, now, given)


def _import_some(rows: list[Row], site: Site, ports: MemberPorts, now: datetime, how: HowToImport) -> list[Outcome]:
    assert how.first_line
    skipped, valid = [], list[Row]()
    for row in rows:
        try:
            valid.append(_checked(row, site, now, how.first_line))
        except Permanent as error:
            skipped.append(Outcome(row.line, row.email, SKIPPED, str(error)))
    standings = memberships_table.mail_standings(ports.memberships, [member_id(row.email) for row in valid])
    planned = [
        _planned(row, stored, suppressed, site, now) for row, (stored, suppressed) in zip(valid, standings, strict=True)
    ]
    changing = [each for each in planned if each.changes]
    if changing and not how.dry_run:
        _write(changing, ports, how)
        announced = [each.member for each in changing]
        calls = [announced[start : start + _ANNOUNCED] for start in range(0, len(announced), _ANNOUNCED)]
        how.in_parallel(partial(announce_changes, bus=ports.bus), calls)
    return sorted([*skipped, *(each.outcome for each in planned)])


def _checked(row: Row, site: Site, now: datetime, first_line: FirstLine) -> Row:
    """Return a row with a normalised address, and its tier's end in ISO 8601.

    Raises:
        Permanent: it cannot be imported.
    """
    if "\n" in row.email or row.swallows:
        raise Permanent("goes over several lines; does a quotation mark end too late?")
    email = normalise_address(row.email)
    first = first_line(email, row.line)
    if first != row.line:
        raise Permanent(f"the same address as in line {first}")
    return row._replace(email=email, until=_end(row, site, now))


def _planned(row: Row, stored: StoredMembership | None, suppressed: str, site: Site, now: datetime) -> _Planned:
    wanted, notes = _wanted(row.newsletter), []
    if wanted and not row.consent:
        notes.append("no newsletter: the column “consent” is empty")
    if suppressed:
        notes.append("no newsletter: this address asked for no more mail, or its mail came back")
    if row.more:
        notes.append("the row has more cells than line 1 names; put text with commas into quotation marks")
    known = newsletter_ids(site)
    notes += [f"this site has no newsletter “{name[:40]}”" for name in wanted if name not in known]
    newsletters = tuple(name for name in known if name in wanted and not suppressed)
    key = secrets.token_urlsafe(24)

    def change(found: Membership) -> Membership:
        after = found
        if row.tier not in ("", PUBLIC, SUBSCRIBER):
            after = replace(after, complimentary={"tier": row.tier, "until": row.until})
        if row.consent and not found.confirmed:
            confirmed = now.isoformat(timespec="seconds")
            after = replace(after, confirmed=confirmed, newsletters=newsletters, unsubscribe=found.unsubscribe or key)
            after = replace(after, consent=row.consent)
        return after

    return _Planned(row, member_id(row.email), stored, change, notes)


def _wanted(cell: str) -> tuple[str, ...]:
    """Return the ids of the newsletters that a cell asks for."""
    if cell in (*_YES, *_NO):
        return NEWSLETTERS if cell in _YES else ()
    return tuple(filter(None, re.split(r"[\s,;|]+", cell)))


def _write(changing: list[_Planned], ports: MemberPorts, how: HowToImport) -> None:
    """Write readers in one transaction; each alone if another writer came first."""
    try:
        ports.memberships.write([each.written for each in changing])
    except Conflict:
        how.in_parallel(partial(_write_alone, ports), changing)


def _write_alone(ports: MemberPorts, planned: _Planned) -> None:
    update_membership(planned.member, ports.memberships, planned.change, planned.row.email)


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
    proof = membership.consent or confirmed
    gets = tuple(filter(membership.receives, membership.newsletters))
    newsletter = " ".join(gets) if set(gets) - set(NEWSLETTERS) else "true" if gets else "false"
    cells = (membership.email, granted.tier, granted.until, newsletter, proof)
    return tuple(map(plain_cell, cells))
