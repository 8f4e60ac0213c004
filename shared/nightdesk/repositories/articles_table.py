"""The Articles table: its keys, and the reads and writes of its items.

    pk                  sk                     item
    draft#<key>         draft                  DraftRecord: what became of a file in the drafts bucket
    draft#<key>         revision#<n>           Revision: which version of the file a revision was
    rejected            <key>                  a file that its author must correct
    waiting             <key>                  the slugs that a draft would have if others did not hold them
    named#<slug>        <key>                  the slug of a draft that has another one than its name gives, under the latter
    linking#<slug>      <key>                  a file that links to a draft by a name which gives this slug, and where it leads
    article#<slug>      claim                  Claim: which draft holds the slug
    article#<slug>      record                 ArticleRecord: what the index last listed of the article
    list#<list>         <date>#<slug>          an article's card in a list, in order of time; or <date>@<yyyy-mm>#<slug>,
                                               where the site's time zone has another month than UTC
    months#<list>       months                 the months in which the list has articles, or had some (see `list_records`)
    lists               <list>                 a list that has articles, as directories show it
    path                <path>                 the write of a path that was last invalidated
    failure             <message id>           why a message failed; kept for a fortnight

A list is `all`, `topic:<id>`, `author:<id>`, `corrections` or `ai-roles`, the articles that name roles of AI; `alias:<path>`, the articles that an old address leads to; or
`translation:<slug>`, an article and its translations, if there are any; or `lead`, those that may lead the front page, whose sort keys begin with `pinned#` or `featured#`. Articles that readers cannot see are in lists without pages, named after their state: `draft:all`,
`scheduled:topic:<id>` and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from nightdesk.domain import documents
from nightdesk.ports import ANY, Change, Item, KeyRange, Table
from nightdesk.repositories.records import ArticleRecord, Claim, DraftRecord, Revision, from_item, to_item

UNSEEN = (documents.DRAFT, documents.SCHEDULED, documents.WITHDRAWN, documents.EXPIRED)
"""States in which readers do not get an article."""
ACCEPTED = "accepted"
"""A file was rendered. Whether readers see it depends on its article's state."""
FARTHEST_ZONE = timedelta(hours=16)
"""No time zone ever was farther from UTC (IANA time zone database)."""
_CLAIM, _DRAFT, _RECORD = "claim", "draft", "record"
_REVISION = "revision#"


class RejectedFile(NamedTuple):
    """A file that its author must correct, and when it was rejected (ISO 8601)."""

    key: str
    slug: str
    at: str


class WaitingDraft(NamedTuple):
    """A draft, the slugs that it waits for, and the version of this item."""

    key: str
    slugs: list[str]
    version: int


class ListEntry(NamedTuple):
    """An article's card in a list, and its sort key."""

    sort_key: str
    card: dict[str, Any]


def _draft_pk(key: str) -> str:
    return f"draft#{key}"


def _article_pk(slug: str) -> str:
    return f"article#{slug}"


def _list_pk(name: str) -> str:
    return f"list#{name}"


# Files


def draft_record(table: Table, key: str) -> DraftRecord | None:
    """Return what became of the file at `key`."""
    item = table.get(_draft_pk(key), _DRAFT)
    return from_item(DraftRecord, item) if item else None


def draft_records(table: Table, keys: Iterable[str]) -> list[DraftRecord | None]:
    """Return what became of several files, in the order of their keys."""
    found = table.get_many([(_draft_pk(key), _DRAFT) for key in keys])
    return [from_item(DraftRecord, item) if item else None for item in found]


def draft_changes(key: str, record: DraftRecord, expected: int | None) -> list[Change]:
    """Return the changes that store a file's record over version `expected`, and list the file as rejected or not."""
    rejected = {"slug": record.slug, "at": record.at} if record.state == documents.REJECTED else None
    return [Change(_draft_pk(key), _DRAFT, to_item(record), expected), Change("rejected", key, rejected, ANY)]


def revision_change(key: str, revision: Revision) -> Change:
    """Return the change that stores a revision of a file."""
    return Change(_draft_pk(key), f"{_REVISION}{revision.number:06}", to_item(revision), ANY)


def revision(table: Table, key: str, number: int) -> Revision | None:
    """Return one revision of a file, by its number from 1."""
    item = table.get(_draft_pk(key), f"{_REVISION}{number:06}")
    return from_item(Revision, item) if item else None


def revisions(table: Table, key: str, before: int, limit: int) -> list[Revision]:
    """Return up to `limit` of a file's revisions, newest first: those before number `before`, or the newest for 0."""
    end = f"{_REVISION}{before:06}" if before else ""
    found = table.query(_draft_pk(key), KeyRange(prefix=_REVISION, before=end), descending=True, limit=limit)
    return [from_item(Revision, item) for item in found]


def rejected(table: Table, limit: int | None = None) -> list[RejectedFile]:
    """Return the rejected files, in the order of their keys."""
    return _rejected_files(table.query("rejected", limit=limit))


def rejected_drafts(table: Table, after: str, limit: int) -> list[RejectedFile]:
    """Return up to `limit` rejected drafts, in the order of their keys: those after the key `after`."""
    return _rejected_files(table.query("rejected", KeyRange(prefix="drafts/", after=after), limit=limit))


def _rejected_files(items: Iterable[Item]) -> list[RejectedFile]:
    return [RejectedFile(item["sk"], item["slug"], item["at"]) for item in items]


# Slugs


def waiting_change(key: str, slugs: Sequence[str], expected: int | str = ANY) -> Change:
    """Return the change that stores which slugs a draft waits for, or removes the item if it waits for none."""
    return Change("waiting", key, {"slugs": list(slugs)} if slugs else None, expected)


def waiting(table: Table) -> list[WaitingDraft]:
    """Return the drafts that want slugs which others hold, as their own or as aliases."""
    return [WaitingDraft(item["sk"], item["slugs"], item["version"]) for item in table.query("waiting")]


def claim_key(name: str) -> tuple[str, str]:
    """Return where the claim on a slug or an old address is stored."""
    return _article_pk(name), _CLAIM


def claim_of(table: Table, slug: str) -> Claim | None:
    """Return the claim on a slug; None if no draft holds it."""
    last = last_claim(table, slug)
    return last if last and last.holder else None


def last_claim(table: Table, slug: str) -> Claim | None:
    """Return the claim on a slug as it was last written, even if it has been released.

    A released claim stays stored so that its version goes on counting. If versions began anew, a run that had read one
    claim would overwrite another with the same version.
    """
    item = table.get(_article_pk(slug), _CLAIM)
    return from_item(Claim, item) if item else None


def old_slugs(table: Table, slug: str) -> list[str]:
    """Return the other slugs that an article's draft ever had or names as aliases; none for a slug that is one of these."""
    claim = claim_of(table, slug)
    record = draft_record(table, claim.holder) if claim else None
    return [other for other in record.slugs if other != slug] if record and record.slug == slug else []


def slug_today(table: Table, slug: str) -> str:
    """Return the slug that the article whose draft holds a slug has now; the same one if no draft holds it."""
    claim = claim_of(table, slug)
    record = draft_record(table, claim.holder) if claim else None
    return record.slug if record else slug


def claim_slug(table: Table, slug: str, key: str, is_older: Callable[[str], bool]) -> Claim:
    """Claim a slug for a draft unless another draft holds it by an older right.

    Args:
        is_older: tells whether our right is older than that of the draft with a given key.

    Returns:
        The claim as it is now stored.

    Raises:
        Conflict: another draft claimed or released the slug meanwhile.
    """
    last = last_claim(table, slug)
    held = last if last and last.holder else None
    if held and (held.holder == key or not is_older(held.holder)):
        return held
    claim = Claim(holder=key, displaced=[held.holder, *held.displaced] if held else [])
    if last:
        claim = claim._replace(former=last.former, leads_to=last.leads_to)
    table.write([Change(_article_pk(slug), _CLAIM, to_item(claim), last.version if last else None)])
    return claim


def first_claim(slug: str, key: str) -> tuple[Claim, Change]:
    """Return a draft's claim on a slug that no draft ever had, and the change that stores it."""
    claim = Claim(holder=key, displaced=[])
    return claim, Change(_article_pk(slug), _CLAIM, to_item(claim), None)


def release_slug(table: Table, slug: str, claim: Claim, former: str = "", leads_to: str = "") -> None:
    """Release a slug. Displaced drafts that have not acknowledged the loss now wait for it.

    Args:
        claim: the holder's, as it was read.
        former, leads_to: the article to which the slug leads from now on, as in `Claim`.

    Raises:
        Conflict: the claim, or what one of those drafts waits for, changed meanwhile.
    """
    released = Claim("", [], former=former, leads_to=leads_to)
    changes = [Change(_article_pk(slug), _CLAIM, to_item(released), claim.version)]
    for other in claim.displaced:
        item = table.get("waiting", other)
        slugs = sorted({slug, *(item["slugs"] if item else ())})
        changes.append(Change("waiting", other, {"slugs": slugs}, item["version"] if item else None))
    table.write(changes)


def correct_claim(table: Table, slug: str, seen: Claim, claim: Claim) -> None:
    """Store a claim over the one that was read, unless they are equal.

    Raises:
        Conflict: the claim changed meanwhile.
    """
    if claim != seen:
        table.write([Change(_article_pk(slug), _CLAIM, to_item(claim), seen.version)])


# Articles and lists


def article_record(table: Table, slug: str) -> ArticleRecord | None:
    """Return what the index last listed of an article."""
    return record_of(table.get(*record_key(slug)))


def record_key(slug: str) -> tuple[str, str]:
    """Return where an article's record is stored."""
    return _article_pk(slug), _RECORD


def record_of(item: Item | None) -> ArticleRecord | None:
    """Return an article's record, given its item."""
    return from_item(ArticleRecord, item) if item else None


def article_records(table: Table, slugs: Iterable[str]) -> list[ArticleRecord | None]:
    """Return what the index last listed of several articles, in the order of their slugs."""
    return [record_of(item) for item in table.get_many([record_key(slug) for slug in slugs])]


def article_change(slug: str, record: ArticleRecord, expected: int | None) -> Change:
    """Return the change that stores an article's record over version `expected`."""
    return Change(_article_pk(slug), _RECORD, to_item(record), expected)


def list_in(state: str, name: str) -> str:
    """Return the list of articles in a given state that would be in the list `name` if they were live."""
    return f"{state}:{name}" if state in UNSEEN else name


def has_pages(name: str) -> bool:
    """Return True if readers see the list."""
    return name.partition(":")[0] not in UNSEEN


def month_of(sort_key: str) -> str:
    """Return the month, `yyyy-mm`, of an entry's sort key: the one that the key names, else that of its moment in UTC."""
    named = sort_key.partition("#")[0].partition("@")[2]
    return named or sort_key[:7]


def split_entry(place: str) -> tuple[str, str]:
    """Split a place, `<list> <sort key>`, into its two parts."""
    name, _, sort_key = place.partition(" ")
    return name, sort_key


def slug_of(place: str) -> str:
    """Return the slug of the article whose entry is at a place."""
    return split_entry(place)[1].split("#")[1]


def entry_changes(cards: Mapping[str, dict[str, Any] | None]) -> list[Change]:
    """Return the changes that put a card at each place, or remove the entry there (None)."""
    return [
        Change(_list_pk(name), sort_key, {"card": card} if card else None, ANY)
        for (name, sort_key), card in ((split_entry(place), card) for place, card in cards.items())
    ]


def _entries(items: Iterable[Item]) -> list[ListEntry]:
    return [ListEntry(item["sk"], item["card"]) for item in items]


def entry_of(table: Table, name: str, slug: str) -> ListEntry | None:
    """Return the entry of an article in a list; None if it is not in the list."""
    record = article_record(table, slug)
    places = map(split_entry, record.places if record else ())
    sort_key = next((key for listed, key in places if listed == name), "")
    item = table.get(_list_pk(name), sort_key) if sort_key else None
    return ListEntry(sort_key, item["card"]) if item else None


def entries_at(table: Table, places: Sequence[str]) -> list[ListEntry | None]:
    """Return the entry at each place."""
    items = table.get_many([(_list_pk(name), sort_key) for name, sort_key in map(split_entry, places)])
    return [ListEntry(item["sk"], item["card"]) if item else None for item in items]


def newest(table: Table, name: str, limit: int) -> list[ListEntry]:
    """Return the newest entries of a list, newest first."""
    return _entries(table.query(_list_pk(name), descending=True, limit=limit))


def month(table: Table, name: str, which: str) -> list[ListEntry]:
    """Return the entries of one month of a list, newest first."""
    begin = datetime.fromisoformat(f"{which}-01")
    end = (begin + timedelta(days=31)).replace(day=1)
    keys = KeyRange(after=(begin - FARTHEST_ZONE).isoformat(), before=(end + FARTHEST_ZONE).isoformat())
    return [
        entry
        for entry in _entries(table.query(_list_pk(name), keys, descending=True))
        if month_of(entry.sort_key) == which
    ]


def preceding(table: Table, name: str, sort_key: str, limit: int) -> list[ListEntry]:
    """Return the entries just before a place in a list, newest first."""
    return _entries(table.query(_list_pk(name), KeyRange(before=sort_key), descending=True, limit=limit))


def following(table: Table, name: str, sort_key: str, limit: int) -> list[ListEntry]:
    """Return the entries just after a place in a list, oldest first."""
    return _entries(table.query(_list_pk(name), KeyRange(after=sort_key), limit=limit))


def entries(table: Table, name: str, after: str, limit: int) -> list[ListEntry]:
    """Return a page of a list's entries, oldest first: those after the sort key `after`."""
    return _entries(table.query(_list_pk(name), KeyRange(after=after), limit=limit))


def between(table: Table, name: str, since: str, until: str, limit: int) -> list[ListEntry]:
    """Return the newest entries of a list from one date on and before another date or sort key; empty for no bound."""
    return _entries(table.query(_list_pk(name), KeyRange(after=since, before=until), descending=True, limit=limit))


# Invalidations and failures


def invalidations(table: Table, paths: Sequence[str]) -> list[Item | None]:
    """Return what was last invalidated of each path."""
    return table.get_many([("path", path) for path in paths])


def invalidated_write(table: Table, path: str) -> str:
    """Return the token of the write that was last invalidated of a path, or an empty string."""
    item = table.get("path", path)
    return str(item["write"]) if item else ""


def invalidation_change(path: str, tokens: Item, expected: int | None) -> Change:
    """Return the change that records what was invalidated of a path, over version `expected`."""
    return Change("path", path, tokens, expected)


def failure_reason(table: Table, message: str) -> str:
    """Return why a message failed, or an empty string if that was not recorded."""
    item = table.get("failure", message)
    return str(item["reason"]) if item else ""


def failure_change(message: str, item: Item) -> Change:
    """Return the change that records why a message failed, over what was recorded before."""
    return Change("failure", message, item, ANY)
