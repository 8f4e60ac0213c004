"""The Articles table: keys and items together.

    pk                  sk                     item
    draft#<key>         draft                  what became of a file in the drafts bucket
    rejected            <key>                  files that wait for their authors
    waiting             <key>                  drafts that wait for slugs which others hold
    draft#<key>         revision#<n>           which version of the file a revision was
    article#<slug>      claim                  which draft holds the slug, if any, and which it took it from that may not know
    article#<slug>      record                 what the index last listed of the article
    list#<list>         <date>#<slug>          an article's card in a list, in order of time
    months#<list>       <yyyy-mm>              months of the list that have articles, or had (`empty`)
    lists               <list>                 lists that have articles
    path                <path>                 which write of a path was last invalidated
    failure             <message id>           why a message failed, for a fortnight (see `parked`)

A list is `all`, `topic:<id>`, `author:<id>` or `corrections`; or `alias:<path>`, of the articles that an old address leads
to. Articles that readers do not get stand in lists that have no pages, named after their state: `draft:all`,
`scheduled:topic:<id>` and so on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nightdesk.domain import documents
from nightdesk.domain.errors import Problem

from .ports import ANY, Change, Item, Table

RECORD, CLAIM, DRAFT = "record", "claim", "draft"
UNSEEN = (documents.DRAFT, documents.SCHEDULED, documents.WITHDRAWN, documents.EXPIRED)
"""States in which readers do not get an article."""
ACCEPTED = "accepted"
"""A file was read; whether readers see it is for its article's state to say."""
_TOLD = 50


def draft_record(table: Table, key: str) -> Item | None:
    """What became of the file at `key`."""
    return table.get(f"draft#{key}", DRAFT)


def told(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """As many problems as an author can use, in what a record and an event can hold."""
    told = [{"line": p.line, "key": p.key[:100], "message": p.message[:500]} for p in problems[:_TOLD]]
    more = len(problems) - len(told)
    return told + ([{"line": 0, "key": "", "message": f"and {more:,} more"}] if more else [])


def draft_changes(key: str, item: Item, expected: int | str | None, rejected: bool) -> list[Change]:
    """The changes that record a file's fate, and put it among the rejected or take it from them."""
    note = {"slug": item["slug"], "at": item["at"]} if rejected else None
    return [Change(f"draft#{key}", DRAFT, item, expected), Change("rejected", key, note, ANY)]


def revision_change(key: str, number: int, item: Item) -> Change:
    """The change that remembers which version of a file its revision `number` (from 1) was."""
    return Change(f"draft#{key}", f"revision#{number:06}", item, ANY)


def revision(table: Table, key: str, number: int) -> Item | None:
    """One revision of a file, by its number from 1."""
    return table.get(f"draft#{key}", f"revision#{number:06}")


def revisions(table: Table, key: str, before: int, limit: int) -> list[Item]:
    """Some of a file's revisions, newest first; `sk` ends in the number.

    Args:
        before: the number that they come before; 0 for the newest.
    """
    end = f"revision#{before:06}" if before else ""
    return table.query(f"draft#{key}", prefix="revision#", before=end, descending=True, limit=limit)


def rejected(table: Table, limit: int | None = None) -> list[Item]:
    """Files that could not be published as they stand; `sk` is the key."""
    return table.query("rejected", limit=limit)


def rejected_drafts(table: Table, after: str, limit: int) -> list[Item]:
    """Some of those that are drafts, in order of their keys."""
    return table.query("rejected", prefix="drafts/", after=after, limit=limit)


def wait_change(key: str, slugs: Sequence[str], expected: int | str = ANY) -> Change:
    """The change that says which slugs a draft waits for; none takes it from those that wait."""
    return Change("waiting", key, {"slugs": list(slugs)} if slugs else None, expected)


def waiting(table: Table) -> list[Item]:
    """Drafts that want slugs which others hold, as their own or as aliases; `sk` is the draft's key, `slugs` are those."""
    return table.query("waiting")


def holder(table: Table, slug: str) -> Item | None:
    """The claim on a slug: its `holder` is a draft's key; None where nobody holds it."""
    held = _last_claim(table, slug)
    return held if held and held["holder"] else None


def _last_claim(table: Table, slug: str) -> Item | None:
    """The claim on a slug as it was last written, also where it was given up and has no holder.

    It stays, for its version must not begin anew: whoever looked at one claim would take another for it.
    """
    return table.get(f"article#{slug}", CLAIM)


def old_slugs(table: Table, slug: str) -> list[str]:
    """The other slugs that an article's draft ever had, or names as aliases; none of a slug that is such a one itself."""
    held = holder(table, slug)
    record = draft_record(table, held["holder"]) if held else None
    return [other for other in record["slugs"] if other != slug] if record and record["slug"] == slug else []


def claim(table: Table, slug: str, key: str, older: Callable[[str], bool]) -> Item:
    """Claim a slug for a draft, unless another has it by an older right; the claim as it is then.

    Args:
        older: whether our claim is older than that of another draft, by its key.

    Raises:
        Conflict: others claim it faster than it can be looked at.
    """
    last = _last_claim(table, slug)
    held = last if last and last["holder"] else None
    if held and (held["holder"] == key or not older(held["holder"])):
        return held
    item = {"holder": key, "ousted": [held["holder"], *held["ousted"]] if held else []}
    table.write([Change(f"article#{slug}", CLAIM, item, last["version"] if last else None)])
    return item


def release(table: Table, slug: str, key: str) -> None:
    """Give a slug up, if `key` holds it. Those it was taken from, who may not know that, wait for it from now on.

    Raises:
        Conflict: another took it, or one of those waits for something else, at this moment.
    """
    held = holder(table, slug)
    if held and held["holder"] == key:
        changes = [Change(f"article#{slug}", CLAIM, {"holder": "", "ousted": []}, held["version"])]
        for other in held["ousted"]:
            waits = table.get("waiting", other)
            slugs = sorted({slug, *(waits["slugs"] if waits else ())})
            changes.append(Change("waiting", other, {"slugs": slugs}, waits["version"] if waits else None))
        table.write(changes)


def acknowledge(table: Table, slug: str, key: str, held: Item) -> None:
    """Take note that `key` lost a slug: whoever holds it need not tell again.

    Raises:
        Conflict: the claim is another by now.
    """
    if key in held["ousted"]:
        left = [other for other in held["ousted"] if other != key]
        known = {"holder": held["holder"], "ousted": left}
        table.write([Change(f"article#{slug}", CLAIM, known, held["version"])])


def record(table: Table, slug: str) -> Item | None:
    """What the index last listed of an article."""
    return table.get(f"article#{slug}", RECORD)


def list_in(state: str, name: str) -> str:
    """The list of those articles in a state that would stand in a list if they were live."""
    return f"{state}:{name}" if state in UNSEEN else name


def has_pages(name: str) -> bool:
    """Whether a list is one that readers see."""
    return name.partition(":")[0] not in UNSEEN


def month_of(sort_key: str) -> str:
    """The month, `yyyy-mm`, of an entry's sort key."""
    return sort_key[:7]


def newest(table: Table, name: str, limit: int) -> list[Item]:
    """The newest entries of a list."""
    return table.query(f"list#{name}", descending=True, limit=limit)


def month(table: Table, name: str, which: str, limit: int | None = None) -> list[Item]:
    """The entries of one month of a list, newest first; all, or the newest few."""
    return table.query(f"list#{name}", prefix=which, descending=True, limit=limit)


def preceding(table: Table, name: str, sort_key: str, limit: int) -> list[Item]:
    """The few entries just before a place in a list, newest first."""
    return table.query(f"list#{name}", before=sort_key, descending=True, limit=limit)


def following(table: Table, name: str, sort_key: str, limit: int) -> list[Item]:
    """The few entries just after a place in a list."""
    return table.query(f"list#{name}", after=sort_key, limit=limit)


def entries(table: Table, name: str, after: str, limit: int) -> list[Item]:
    """A page of a list's entries, in order of time."""
    return table.query(f"list#{name}", after=after, limit=limit)


def between(table: Table, name: str, since: str, until: str, limit: int) -> list[Item]:
    """The newest entries of a list from one date on and before another, or before a place; empty for no bound."""
    return table.query(f"list#{name}", after=since, before=until, descending=True, limit=limit)


def months(table: Table, name: str) -> list[str]:
    """The months of a list that have articles, newest first."""
    return [item["sk"] for item in table.query(f"months#{name}", descending=True) if not item["empty"]]


def all_months(table: Table, name: str) -> list[str]:
    """The months of a list that have articles or ever had; of these, a page may be left by a run that died."""
    return [item["sk"] for item in table.query(f"months#{name}")]


def mark_month(table: Table, name: str, month: str, there: bool) -> bool:
    """Record whether a month of a list has articles; whether that changed anything.

    Raises:
        Conflict: it was changed in the meantime.
    """
    known = table.get(f"months#{name}", month)
    if there == (known is not None and not known["empty"]):
        return False
    table.write([Change(f"months#{name}", month, {"empty": not there}, known["version"] if known else None)])
    return True


def lists(table: Table, prefix: str = "") -> list[str]:
    """The lists that have articles."""
    return [item["sk"] for item in table.query("lists", prefix=prefix)]


def mark(table: Table, pk: str, sk: str, item: Item | None) -> bool:
    """Set an item, or remove it; whether that changed anything.

    Raises:
        Conflict: it was changed in the meantime.
    """
    there = table.get(pk, sk)
    if (there and {k: v for k, v in there.items() if k not in ("pk", "sk", "version")}) == item:
        return False
    table.write([Change(pk, sk, item, there["version"] if there else None)])
    return True


def split_entry(place: str) -> tuple[str, str]:
    """A place in a list, `<list> <sort key>`, in its two parts."""
    name, _, sort_key = place.partition(" ")
    return name, sort_key


def entry_changes(cards: Mapping[str, dict[str, Any] | None]) -> list[Change]:
    """The changes that put a card at each place, or take away what is there (None)."""
    return [
        Change(f"list#{split_entry(place)[0]}", split_entry(place)[1], {"card": card} if card else None, ANY)
        for place, card in cards.items()
    ]
