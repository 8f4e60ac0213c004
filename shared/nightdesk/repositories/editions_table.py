"""The Editions table: newsletters as they are planned and sent.

    pk                sk                  record
    edition           <date>#<name>       `Edition`
    open              <date>#<name>       that it was begun, and may not have ended yet
    batch#<edition>   <number>            `Batch`: some of an edition's recipients, which one message sends to
    sent#<edition>    <reader>            `Recipient`: what became of one reader's copy
    feedback#<id>     <kind>              a report of the mail provider that was counted
    bounces#<reader>  count               when a reader’s mail bounced for a passing reason
    mailed#<draft>    edition             the edition that mailed an article
    allowance#<day>   used                how many copies of newsletters were allowed on a day that has a limit
    links#<edition>   <link>              where a link of an edition leads, if clicks are counted
    clicks#<edition>  <link>              how often it was followed: the `version` of the item
    window#<id>       last                until when a digest's last edition collected articles

Readers are known by their ids, which do not reveal their addresses. Records of single readers are removed after some weeks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from nightdesk.domain.newsletters import Edition
from nightdesk.ports import ANY, Change, Item, KeyRange, Table
from nightdesk.repositories.items import own_attributes

_EDITIONS, _OPEN = "edition", "open"


class StoredEdition(NamedTuple):
    """An edition and the version of its item."""

    edition: Edition
    version: int


class Batch(NamedTuple):
    """Some recipients of an edition.

    Attributes:
        due: when its message was last sent, in Unix seconds.
    """

    number: int
    members: tuple[str, ...]
    done: bool = False
    due: int = 0
    version: int | None = None


class Recipient(NamedTuple):
    """What became of one reader's copy.

    Attributes:
        state: one of `RECIPIENT_STATES`.
        until: of one that is `trying`: until when the run that recorded it may still be at work, in Unix seconds.
        note: why it was skipped or refused.
        ttl: when the record may be removed, in Unix seconds.
    """

    state: str
    until: int
    note: str
    ttl: int
    version: int | None = None


# --- Editions ---


def find_edition(table: Table, identifier: str) -> StoredEdition | None:
    """Return an edition; None if there is none of this id."""
    item = table.get(_EDITIONS, _edition_key(identifier))
    return StoredEdition(Edition.from_item(item), item["version"]) if item else None


def editions(table: Table, limit: int | None = None, before: str = "") -> list[StoredEdition]:
    """Return editions, the newest first: those before the edition `before`."""
    keys = KeyRange(before=_edition_key(before)) if before else KeyRange()
    items = table.query(_EDITIONS, keys, descending=True, limit=limit)
    return [StoredEdition(Edition.from_item(item), item["version"]) for item in items]


def edition_change(edition: Edition, expected: int | None) -> Change:
    """Return the change that writes an edition over the version `expected`."""
    return Change(_EDITIONS, _edition_key(edition.id), edition.to_item(), expected)


def new_edition(edition: Edition) -> list[Change]:
    """Return the changes that begin an edition, however long it then waits for its moment. They fail if there is one of its id."""
    return [edition_change(edition, None), Change(_OPEN, _edition_key(edition.id), {"id": edition.id}, ANY)]


def end_change(identifier: str) -> Change:
    """Return the change that records that an edition has ended: it was sent or cancelled."""
    return Change(_OPEN, _edition_key(identifier), None, ANY)


def begun_editions(table: Table) -> list[str]:
    """Return the ids of all editions that may not have ended yet, the oldest first."""
    return [str(item["id"]) for item in table.query(_OPEN)]


def editions_since(table: Table, day: str) -> list[StoredEdition]:
    """Return the editions that were begun on a day or later."""
    return [
        StoredEdition(Edition.from_item(item), item["version"]) for item in table.query(_EDITIONS, KeyRange(after=day))
    ]


def editions_of_year(table: Table, year: str) -> list[StoredEdition]:
    """Return the editions of a year, the newest first."""
    items = table.query(_EDITIONS, KeyRange(prefix=f"{year}-"), descending=True)
    return [StoredEdition(Edition.from_item(item), item["version"]) for item in items]


def first_edition(table: Table) -> StoredEdition | None:
    """Return the oldest edition; None if there is none."""
    found = table.query(_EDITIONS, limit=1)
    return StoredEdition(Edition.from_item(found[0]), found[0]["version"]) if found else None


def _edition_key(identifier: str) -> str:
    name, _, day = identifier.partition("/")
    return f"{day}#{name}"


def edition_of_article(table: Table, draft: str) -> str:
    """Return the id of the edition that mailed the article of a draft, or an empty string."""
    item = table.get(f"mailed#{draft}", "edition")
    return str(item["edition"]) if item else ""


def article_change(draft: str, edition: str) -> Change:
    """Return the change that records which edition mails an article. It fails if there is one."""
    return Change(f"mailed#{draft}", "edition", {"edition": edition}, None)


class Window(NamedTuple):
    """Until when a digest has collected articles.

    Attributes:
        until: ISO 8601; empty for a digest that was never seen. `began`: since when its first edition collects articles.
        sent: False before its first edition.
    """

    until: str = ""
    began: str = ""
    sent: bool = False
    version: int | None = None


def window(table: Table, newsletter: str) -> Window:
    """Return until when the last edition of a digest collected articles."""
    item = table.get(f"window#{newsletter}", "last")
    return Window(str(item["until"]), str(item["began"]), bool(item["sent"]), item["version"]) if item else Window()


def window_change(newsletter: str, window: Window) -> Change:
    """Return the change that records until when a digest has collected articles, over the version that was read."""
    item = {"until": window.until, "began": window.began, "sent": window.sent}
    return Change(f"window#{newsletter}", "last", item, window.version)


# --- Batches ---


def batches(table: Table, edition: str) -> list[Batch]:
    """Return all batches of an edition."""
    return [_batch(item) for item in table.query(f"batch#{edition}")]


def find_batch(table: Table, edition: str, number: int) -> Batch | None:
    """Return a batch of an edition."""
    item = table.get(f"batch#{edition}", f"{number:06}")
    return _batch(item) if item else None


def batch_change(edition: str, batch: Batch) -> Change:
    """Return the change that writes a batch over the version that was read."""
    item = {"members": list(batch.members), "done": batch.done, "due": batch.due}
    return Change(f"batch#{edition}", f"{batch.number:06}", item, batch.version)


def _batch(item: Item) -> Batch:
    return Batch(int(item["sk"]), tuple(item["members"]), item["done"], int(item["due"]), item["version"])


# --- Recipients ---


def find_recipient(table: Table, edition: str, member: str) -> Recipient | None:
    """Return what became of a reader's copy; None if nothing was tried yet."""
    item = table.get(f"sent#{edition}", member)
    return _recipient(item) if item else None


def recipients(table: Table, edition: str, members: Sequence[str]) -> list[Recipient | None]:
    """Return what became of the copies of several readers, in their order."""
    found = table.get_many([(f"sent#{edition}", member) for member in members])
    return [_recipient(item) if item else None for item in found]


def first_recipients(table: Table, edition: str, limit: int) -> list[Recipient]:
    """Return what became of some copies of an edition."""
    return [_recipient(item) for item in table.query(f"sent#{edition}", limit=limit)]


def recipient_change(edition: str, member: str, recipient: Recipient | None, expected: int | None) -> Change:
    """Return the change that records what became of a copy, or removes the record (None), over the version `expected`."""
    item: dict[str, Any] | None = None
    if recipient:
        item = {name: value for name, value in recipient._asdict().items() if name != "version"}
    return Change(f"sent#{edition}", member, item, expected)


def _recipient(item: Item) -> Recipient:
    return Recipient(**own_attributes(item), version=item["version"])


# --- Links that are counted ---


def links(table: Table, edition: str) -> list[tuple[str, str]]:
    """Return the id of each link of an edition that is counted, and where it leads."""
    return [(item["sk"], str(item["url"])) for item in table.query(f"links#{edition}")]


def find_link(table: Table, edition: str, link: str) -> str:
    """Return where a link of an edition leads, or an empty string."""
    item = table.get(f"links#{edition}", link)
    return str(item["url"]) if item else ""


def link_change(edition: str, link: str, url: str) -> Change:
    """Return the change that records where a link of an edition leads. It fails if it is recorded."""
    return Change(f"links#{edition}", link, {"url": url}, None)


def count_click(table: Table, edition: str, link: str, ttl: int) -> None:
    """Count a link of an edition that is followed."""
    table.increment(f"clicks#{edition}", link, ttl)


def clicks(table: Table, edition: str) -> dict[str, int]:
    """Return how often each link of an edition was followed, by its id."""
    return {item["sk"]: int(item["version"]) for item in table.query(f"clicks#{edition}")}


# --- How much may be sent in a day ---


def take_allowance(table: Table, day: str, number: int, limit: int, ttl: int) -> bool:
    """Take a number of copies from a day's allowance, or return some (negative). Return False, and take nothing, if less is left.

    Raises:
        Conflict: another run took some meanwhile.
    """
    found = table.get(f"allowance#{day}", "used")
    used = int(found["number"]) if found else 0
    if number > 0 and used + number > limit:
        return False
    item = {"number": used + number, "ttl": ttl}
    table.write([Change(f"allowance#{day}", "used", item, found["version"] if found else None)])
    return True


# --- What the mail provider reports ---


def feedback_change(identifier: str, kind: str, ttl: int) -> Change:
    """Return the change that records a report of the mail provider as counted. It fails if it was counted before."""
    return Change(f"feedback#{identifier}", kind, {"ttl": ttl}, None)


def is_counted(table: Table, identifier: str, kind: str) -> bool:
    """Return True if a report of the mail provider was counted before."""
    return table.get(f"feedback#{identifier}", kind) is not None


class PassingFailures(NamedTuple):
    """When a reader's mail bounced for a passing reason, in Unix seconds."""

    times: tuple[int, ...] = ()
    version: int | None = None


def passing_failures(table: Table, member: str) -> PassingFailures:
    """Return when a reader's mail bounced for a passing reason."""
    item = table.get(f"bounces#{member}", "count")
    # An earlier release recorded only a number.
    return PassingFailures(tuple(map(int, item.get("times", ()))), item["version"]) if item else PassingFailures()


def failures_change(member: str, failures: PassingFailures, ttl: int) -> Change:
    """Return the change that records when a reader's mail bounced, over the version that was read; without times it deletes the record."""
    item = {"times": list(failures.times), "ttl": ttl} if failures.times else None
    return Change(f"bounces#{member}", "count", item, failures.version)
