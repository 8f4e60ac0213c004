"""Translations: what an article's page shows of the same article in other languages.

A live translation is in the list `translation:<slug>` of the slug that it names, and so is its original as long as a translation is
there. So each of them finds all others with one query, and an article of which there is no translation is in no such list. When
an entry of the list changes, `index` has the pages of the others made again, and that of the original always, which may
not be in the list yet.
"""

from __future__ import annotations

from typing import Any

from nightdesk.domain.documents import parse_json
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import facts_key

_MOST = 50
"""Translations of one article that pages name."""
Cards = list[dict[str, Any]]


def others_in(name: str, slug: str, ports: Ports) -> Cards:
    """Return the cards of a list of translations, apart from the one of an article."""
    entries = articles_table.entries(ports.articles, name, "", _MOST)
    return [entry.card for entry in entries if entry.card["slug"] != slug]


def slugs_around(name: str, ports: Ports) -> set[str]:
    """Return the articles whose pages show a list of translations: those in it, and the original at its slug of today."""
    original = name.partition(":")[2]
    entries = articles_table.entries(ports.articles, name, "", _MOST)
    facts = ports.private.get(facts_key(original))
    moved = parse_json(facts.body).get("moved") if facts else None
    today = moved or articles_table.slug_today(ports.articles, original)
    return {original, today, *(entry.card["slug"] for entry in entries)}
