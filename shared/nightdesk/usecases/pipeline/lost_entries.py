"""Entries of lists that a table lost, or kept too long, although the record of their article says otherwise.

The index trusts the record: it writes the entries that a change of an article's facts adds or removes, and no others. So
where record and entries disagree, the record is opened again, and the index writes the entries at all of its places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from nightdesk.domain.errors import Conflict
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.records import ArticleRecord

_PAGE = 1000


def articles_with_wrong_entries(
    names: Iterable[str], records: Mapping[str, ArticleRecord], ports: Ports
) -> dict[str, list[str]]:
    """Compare the entries of lists with what the records of articles say.

    Args:
        names: of the lists.
        records: of all articles, by slug.

    Returns:
        The places with a missing or superfluous entry, by the slug of the article.
    """
    wanted = set(names)
    recorded = {
        place: slug
        for slug, record in records.items()
        for place in record.places
        if articles_table.split_entry(place)[0] in wanted
    }
    stored = {place for name in wanted for place in _places(name, ports)}
    found: dict[str, list[str]] = defaultdict(list)
    for place in sorted(stored ^ set(recorded)):
        # What no record names is the entry of an article that left the list.
        slug = recorded.get(place) or articles_table.slug_of(place)
        if slug in records:
            found[slug].append(place)
    return found


def _places(name: str, ports: Ports) -> Iterator[str]:
    after = ""
    while page := articles_table.entries(ports.articles, name, after, _PAGE):
        yield from (f"{name} {entry.sort_key}" for entry in page)
        after = page[-1].sort_key


def reopen_record(slug: str, places: Iterable[str], ports: Ports) -> None:
    """Make the index write the entries of an article again, at its places and at others that it may have left."""
    record = articles_table.article_record(ports.articles, slug)
    if not record:
        return
    opened = record._replace(
        facts="",
        pending=sorted({*record.pending, *record.places, *places}),
        completed_generation=record.generation - 1,
    )
    try:
        ports.articles.write([articles_table.article_change(slug, opened, record.version)])
    except Conflict:
        # The index is at work on the article. If that does not do, the next comparison finds it again.
        return
