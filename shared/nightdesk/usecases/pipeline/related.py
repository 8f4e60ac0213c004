"""Related articles: the few that precede an article in its lists, which its page names."""

from __future__ import annotations

from typing import Any

from nightdesk.domain.documents import canonical_json, digest
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table

RELATED = 3
"""How many preceding articles "More in" and "More from" name. Publishing one re-gates at most as many that follow it."""


def earlier_cards(name: str, sort_key: str, ports: Ports) -> list[dict[str, Any]]:
    """Return the cards of the articles that precede a sort key in a list, newest first."""
    return [dict(entry.card) for entry in articles_table.preceding(ports.articles, name, sort_key, RELATED)]


def digest_cards(earlier: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return a digest of the cards of each list, without what only feeds show."""
    return {
        name: digest(canonical_json([{k: v for k, v in card.items() if k != "text"} for card in cards]))
        for name, cards in earlier.items()
    }
