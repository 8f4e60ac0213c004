"""What an article's page shows of the articles before it."""

from __future__ import annotations

from typing import Any

from nightdesk.domain.documents import canonical, digest

from . import catalogue
from .ports import Ports

RELATED = 3
"""How many earlier articles "More in" and "More from" name; publishing re-gates at most as many that follow."""


def earlier_cards(name: str, place: str, ports: Ports) -> list[dict[str, Any]]:
    """The cards that an article at a place in a list shows as earlier ones."""
    return [dict(item["card"]) for item in catalogue.preceding(ports.articles, name, place, RELATED)]


def digest_cards(earlier: dict[str, list[dict[str, Any]]]) -> dict[str, str]:
    """A digest of the cards of each list."""
    return {name: digest(canonical(cards)) for name, cards in earlier.items()}
