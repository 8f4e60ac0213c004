"""Readers a page at a time, and how many there are. The table is read as a whole, so both cost more the more readers there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.errors import Permanent
from nightdesk.domain.memberships import Membership
from nightdesk.domain.newsletters import newsletter_ids
from nightdesk.domain.site import Site
from nightdesk.repositories.memberships_table import ScannedTable, memberships

MOST_READ = 5_000
"""Readers that one page of a list looks at, however few of them it shows."""
MOST_COUNTED = 20_000
"""Readers that one call counts."""
_PAGE = 500


class MemberFilter(NamedTuple):
    """Which readers are listed. Empty values do not count.

    Attributes:
        tier: only those who read as this tier now.
        newsletter: only those who get it.
        since: only those who confirmed their address at this moment or later (ISO 8601).
    """

    tier: str = ""
    newsletter: str = ""
    since: str = ""

    def checked(self, site: Site) -> MemberFilter:
        """Return the filter.

        Raises:
            Permanent: the site has no such tier or newsletter.
        """
        for kind, name, known in (
            ("tier", self.tier, site.tiers),
            ("newsletter", self.newsletter, newsletter_ids(site)),
        ):
            if name and name not in known:
                raise Permanent(f"this site has no {kind} “{name[:40]}”; choose one of: {', '.join(known)}")
        return self

    def accepts(self, membership: Membership, site: Site, now: datetime) -> bool:
        """Return True if a reader is listed."""
        return (
            (not self.tier or membership.entitlement(site, now).tier == self.tier)
            and (not self.newsletter or membership.receives(self.newsletter))
            and (not self.since or _is_since(membership.confirmed, self.since))
        )


class MemberPage(NamedTuple):
    """Some readers with their ids, and the last one that was looked at; empty after the last page."""

    members: list[tuple[str, Membership]]
    after: str


def member_page(
    table: ScannedTable, wanted: MemberFilter, site: Site, now: datetime, after: str, limit: int
) -> MemberPage:  # fmt: skip
    """Return up to `limit` readers, in no particular order: those after the reader `after`."""
    found: list[tuple[str, Membership]] = []
    for number, (member, membership) in enumerate(_all(table, after), start=1):
        if wanted.accepts(membership, site, now):
            found.append((member, membership))
        if len(found) == limit or number == MOST_READ:
            return MemberPage(found, member)
    return MemberPage(found, "")


def member_counts(table: ScannedTable, site: Site, now: datetime, after: str = "") -> tuple[dict[str, Any], str]:
    """Return how many readers there are, by tier and by newsletter, and where to go on.

    Returns:
        JSON values, and the last reader that was counted; empty if there are no more. The counts of several calls add up.
    """
    readers, confirmed, last = 0, 0, ""
    tiers, newsletters = Counter(dict.fromkeys(site.tiers, 0)), Counter(dict.fromkeys(newsletter_ids(site), 0))
    for member, membership in _all(table, after):
        readers, confirmed = readers + 1, confirmed + bool(membership.confirmed)
        tiers[membership.entitlement(site, now).tier] += 1
        newsletters.update(name for name in membership.newsletters if membership.receives(name))
        if readers == MOST_COUNTED:
            last = member
            break
    return {"readers": readers, "confirmed": confirmed, "tiers": dict(tiers), "newsletters": dict(newsletters)}, last


def _all(table: ScannedTable, after: str) -> Iterator[tuple[str, Membership]]:
    while page := memberships(table, after, _PAGE):
        yield from page
        after = page[-1][0]


def _is_since(confirmed: str, since: str) -> bool:
    return bool(confirmed) and datetime.fromisoformat(confirmed) >= datetime.fromisoformat(since)
