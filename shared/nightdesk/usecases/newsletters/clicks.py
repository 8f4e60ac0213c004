"""How often the links of an edition are followed, if the settings ask for it.

A link of a mail then leads to the readers' API, which counts and sends the reader on. Nothing in it says whose mail it was. It names
the edition and a digest of the address, and leads only to addresses that were recorded with the edition, so nobody can make one that
leads elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from nightdesk.domain.events import EDITION_ID
from nightdesk.domain.newsletters import link_id
from nightdesk.ports import Table
from nightdesk.repositories import editions_table
from nightdesk.repositories.compare_and_swap import compare_and_swap

_COUNTED = timedelta(days=400)
_LINK = re.compile("[0-9a-f]{32}")
_PER_WRITE = 50


class FollowedLink(NamedTuple):
    """An address that an edition links to, and how often the link was followed."""

    url: str
    clicks: int


def record_links(edition: str, urls: Iterable[str], editions: Table) -> None:
    """Record where the links of an edition lead, before a mail with them goes out."""
    wanted = {link_id(url): url for url in urls}

    def attempt() -> None:
        known = {link for link, _ in editions_table.links(editions, edition)}
        changes = [editions_table.link_change(edition, link, url) for link, url in wanted.items() if link not in known]
        for start in range(0, len(changes), _PER_WRITE):
            editions.write(changes[start : start + _PER_WRITE])

    if wanted:
        compare_and_swap(attempt, "the links of the edition")


def follow_link(edition: str, link: str, editions: Table, now: datetime) -> str:
    """Count a link that is followed, and return where it leads; an empty string for one that no edition has."""
    if not EDITION_ID.fullmatch(edition) or not _LINK.fullmatch(link):
        return ""
    url = editions_table.find_link(editions, edition, link)
    if url:
        editions_table.count_click(editions, edition, link, int((now + _COUNTED).timestamp()))
    return url


def followed_links(edition: str, editions: Table) -> list[FollowedLink]:
    """Return the links of an edition, the most followed first; none if clicks are not counted."""
    clicks = editions_table.clicks(editions, edition)
    found = [FollowedLink(url, clicks.get(link, 0)) for link, url in editions_table.links(editions, edition)]
    return sorted(found, key=lambda each: (-each.clicks, each.url))
