"""Entries of lists that a table lost, or kept too long, although the record of their article says otherwise.

The index trusts the record: it writes the entries that a change of an article's facts adds or removes, and no others. So
where record and entries disagree, the record is opened again, and the index writes the entries at all of its places.
"""

from __future__ import annotations

from collections.abc import Iterable

from nightdesk.domain.errors import Conflict
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table


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
