"""The front page: which article leads it, which follow, and the sections of topics below.

All is chosen from entries alone, so the page follows from the final state. A pinned article leaves the list of leads when its
time is over, because its schedule has it gated then; no clock is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from nightdesk.domain.site import Site
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.usecases.pipeline.list_outputs import FRONT_SIZE, Card, FrontContents, FrontSection
from nightdesk.usecases.pipeline.places import LEADS

_TOP_SIZE = 7
"""Articles above the sections: the lead, and two rows of three."""
_SECTION_SIZE = 3


class _Chosen(NamedTuple):
    """Cards in the order of the page, and their slugs."""

    cards: list[Card]
    slugs: set[str]

    def add(self, card: Card) -> None:
        self.cards.append(card)
        self.slugs.add(card["slug"])


def read_front(site: Site, newest: Sequence[Card], ports: Ports) -> FrontContents:
    """Choose what the front page shows. Reads a few entries, however large the archive is.

    The lead is the article that the settings name if readers can get it, else the newest pinned article, else the newest
    featured one among the newest articles, else the newest article. Below a lead that the settings name, a pinned article is
    the next. No article is shown twice.

    Args:
        newest: the newest cards of all articles, at least `FRONT_SIZE` if there are so many.
    """
    newest = newest[:FRONT_SIZE]
    size = _TOP_SIZE if site.front.sections else FRONT_SIZE
    chosen = _Chosen([], set())
    for card in [*_leads(site, newest, ports), *newest]:
        if card["slug"] not in chosen.slugs and len(chosen.cards) < size:
            chosen.add(card)
    return FrontContents(tuple(chosen.cards), tuple(_sections(site, chosen.slugs, ports)))


def _leads(site: Site, newest: Sequence[Card], ports: Ports) -> list[Card]:
    """Return the cards of the article that leads the page, and of a pinned one that is second; none if the newest leads."""
    entry = articles_table.entry_of(ports.articles, "all", site.front.lead) if site.front.lead else None
    leads = [entry.card] if entry else []
    named = {card["slug"] for card in leads}
    others = (other for other in articles_table.newest(ports.articles, LEADS, 2) if other.card["slug"] not in named)
    for other in islice(others, 1):
        is_among_newest = other.card["slug"] in {card["slug"] for card in newest}
        if other.sort_key.startswith("pinned#") or (is_among_newest and not leads):
            leads.append(other.card)
    return leads


def _sections(site: Site, shown: set[str], ports: Ports) -> list[FrontSection]:
    """Return the sections that have articles which the page does not show yet; adds their slugs to `shown`."""
    sections = []
    for topic in site.front.sections:
        # No more than these can be shown already, so enough are left if there are any.
        entries = articles_table.newest(ports.articles, f"topic:{topic}", _SECTION_SIZE + len(shown))
        cards = [entry.card for entry in entries if entry.card["slug"] not in shown][:_SECTION_SIZE]
        shown.update(card["slug"] for card in cards)
        if cards:
            sections.append(FrontSection(topic, tuple(cards)))
    return sections
