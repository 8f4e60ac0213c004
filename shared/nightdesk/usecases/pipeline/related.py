"""Related articles: the few that precede an article in its lists, which its page names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightdesk.domain.documents import canonical_json, digest
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table

RELATED = 3
"""How many preceding articles "More in" and "More from" name. Publishing one re-gates at most as many that follow it."""


_SHOWN = ("slug", "title", "date", "hero", "language")


def related_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an article's page shows of an earlier article with a card."""
    return {name: card[name] for name in _SHOWN if name in card}


def earlier_in(name: str, sort_key: str, ports: Ports) -> list[dict[str, Any]]:
    """Return what a page shows of the articles that precede a sort key in a list, newest first."""
    entries = articles_table.preceding(ports.articles, name, sort_key, RELATED)
    return [related_facts(entry.card) for entry in entries]


def digest_shown(shows: Mapping[str, Any]) -> str:
    """Return a digest of what an article's page shows of others, as its facts name it (`gate_outputs.public_facts`)."""
    return digest(canonical_json(shows))


def digest_earlier(earlier: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    """Return a digest of the earlier articles of each list."""
    return {name: digest(canonical_json(articles)) for name, articles in earlier.items()}
