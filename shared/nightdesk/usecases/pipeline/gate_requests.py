"""Requests to gate every article that shows a profile, or all articles."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from nightdesk.domain.documents import DRAFT, LIVE, SCHEDULED
from nightdesk.domain.events import RegateRequested
from nightdesk.domain.site_paths import ARTICLES_TAG, profile_tag
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import article_slugs
from nightdesk.usecases.pipeline.invalidate import bulk_tag

_PAGE_SIZE = 50


def regate_all(ports: Ports) -> int:
    """Request every article's pages; sends the events. Returns the number of articles."""
    slugs = article_slugs(ports)
    return _request(
        (slugs[start : start + _PAGE_SIZE] for start in range(0, len(slugs), _PAGE_SIZE)), ARTICLES_TAG, ports
    )


def regate_showing(kind: str, identifier: str, ports: Ports) -> int:
    """Request the pages of every article that shows an author or a topic; sends the events.

    Returns:
        The number of articles.
    """
    return _request(_articles_of(f"{kind}:{identifier}", ports), profile_tag(kind, identifier), ports)


def _articles_of(name: str, ports: Ports) -> Iterator[list[str]]:
    """Yield the slugs of a list and of its counterparts for previews, a page of entries at a time."""
    for state in (LIVE, DRAFT, SCHEDULED):
        after = ""
        while entries := articles_table.entries(ports.articles, articles_table.list_in(state, name), after, _PAGE_SIZE):
            yield [entry.card["slug"] for entry in entries]
            after = entries[-1].sort_key


def _request(pages: Iterator[list[str]], tag: str, ports: Ports) -> int:
    first = next(pages, [])
    bulk = bulk_tag(tag, len(first))
    count = 0
    for slugs in chain([first], pages):
        ports.bus.emit([RegateRequested(slug, bulk) for slug in slugs])
        count += len(slugs)
    return count
