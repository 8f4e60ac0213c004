"""Newsletters and their editions: who gets which, when a digest is due, and what is recorded of an edition.

An edition is identified by `<name>/<date>`, which is also the end of its address on the site: the newsletter's id for a
digest, the file's name for one that was written by hand, and `article-<slug>` for an article that is mailed by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from nightdesk.domain.documents import digest
from nightdesk.domain.memberships import NEWSLETTERS
from nightdesk.domain.site import Digest, Site
from nightdesk.domain.text import single_spaced

ARTICLES = NEWSLETTERS[0]
"""The newsletter that every site has: articles with `newsletter: true`, and editions written by hand."""
KINDS = ARTICLE, DIGEST, WRITTEN = "article", "digest", "written"
EDITION_STATES = PLANNED, SENDING, HELD, SENT, CANCELLED = "planned", "sending", "held", "sent", "cancelled"
RECIPIENT_STATES = TRYING, MAILED, SKIPPED, REFUSED, UNSURE = "trying", "mailed", "skipped", "refused", "unsure"
"""What became of one recipient's copy. `trying` is recorded before the provider is asked; `unsure` if its answer was lost."""
ARTICLE_PREFIX = "article-"
MAX_SUBJECT = 200
_JOINERS = "\u200c\u200d"
"""They shape the letters beside them in Persian and in languages of India, and join emoji."""
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff")
"""They control line breaks, which a header does not have."""
LATE = timedelta(hours=6)
"""How long after its time a digest is still sent, for example because the stack was down."""


@dataclass(frozen=True, slots=True)
class Edition:
    """One newsletter as it is planned and sent.

    Attributes:
        newsletter: whose readers get it.
        slugs: of the articles that it mails or names.
        tiers: those whose readers get it; empty for all.
        digest: SHA-256 of the frozen contents.
        at: when it was planned; `until`: the end of a digest's time, from which the next one goes on. Both ISO 8601.
        since: since when a digest collected its articles, ISO 8601.
        minimum: with fewer articles it is not sent.
        cursor: the last reader that planning has looked at.
        listed: True if all readers have been looked at.
        recipients: how many readers were planned, in `batches` batches, of which `done` are finished.
        counts: how many copies are in each of `RECIPIENT_STATES`, from finished batches, and how many readers `bounced`,
            `complained` or `unsubscribed` by its link.
        reason: why it is held or was cancelled.
        not_before: the earliest time at which it, or what is left of it, may be sent, ISO 8601; empty for now.
        released: the counts when an editor went on with it after it was held. Those reports hold it no more.
        insisted: whether an editor went on with it after it was held.
        heading: of its page now, if the article that the subject names is no longer in it.
        is_gone: whether its page is gone, because too few of its articles are still published.
    """

    id: str
    newsletter: str
    kind: str
    state: str
    subject: str
    at: str
    slugs: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    digest: str = ""
    since: str = ""
    until: str = ""
    minimum: int = 1
    cursor: str = ""
    listed: bool = False
    recipients: int = 0
    batches: int = 0
    done: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
    not_before: str = ""
    released: Mapping[str, int] = field(default_factory=dict)
    insisted: bool = False
    heading: str = ""
    is_gone: bool = False

    @property
    def path(self) -> str:
        """The address of its page on the site."""
        return f"/newsletter/{self.id}/"

    @property
    def is_urgent(self) -> bool:
        """Whether it goes before editions that wait for their turn: news that was not collected over a day."""
        return self.kind != DIGEST

    @property
    def is_open(self) -> bool:
        """Whether copies may still be sent."""
        return self.state in (PLANNED, SENDING)

    @property
    def begins(self) -> datetime:
        """The moment at which it is sent, if nothing delays it."""
        return max(map(datetime.fromisoformat, filter(None, (self.at, self.not_before))))

    def is_due(self, now: datetime) -> bool:
        """Return True if its moment has come."""
        return not self.not_before or datetime.fromisoformat(self.not_before) <= now

    @property
    def left(self) -> int:
        """How many of its recipients are in batches that are not finished."""
        return self.recipients - sum(self.counts.get(state, 0) for state in RECIPIENT_STATES)

    def to_item(self) -> dict[str, Any]:
        """Return the attributes as an item of a table."""
        item = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **item,
            "slugs": list(self.slugs),
            "tiers": list(self.tiers),
            "counts": dict(self.counts),
            "released": dict(self.released),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Edition:
        """Return the edition that `to_item` stored."""
        known = {each.name: item[each.name] for each in fields(cls) if each.name in item}
        return cls(**{**known, "slugs": tuple(item["slugs"]), "tiers": tuple(item["tiers"])})

    def count(self, more: Mapping[str, int]) -> Edition:
        """Return the edition with some copies more in some states."""
        names = {*self.counts, *more}
        return replace(self, counts={name: self.counts.get(name, 0) + more.get(name, 0) for name in sorted(names)})

    def finished(self) -> Edition:
        """Return the edition as `sent` if every batch is done."""
        is_sent = self.is_open and self.listed and self.done >= self.batches
        return replace(self, state=SENT) if is_sent else self


def planned_edition(identifier: str, kind: str, title: str, now: datetime, slug: str) -> Edition:
    """Return the edition that mails one text to the readers of the newsletter that every site has."""
    at = now.isoformat(timespec="seconds")
    return Edition(identifier, ARTICLES, kind, PLANNED, one_line(title), at, (slug,))


def newsletter_ids(site: Site) -> tuple[str, ...]:
    """Return the ids of the newsletters that readers can choose."""
    return (*NEWSLETTERS, *(digest.id for digest in site.newsletters))


def newsletter_title(site: Site, identifier: str, default: str) -> str:
    """Return a newsletter's name, as readers see it; `default` for one that the settings do not name."""
    return next((digest.title for digest in site.newsletters if digest.id == identifier), default)


def article_edition_id(slug: str, moment: datetime, site: Site) -> str:
    """Return the id of the edition that mails one article."""
    return f"{ARTICLE_PREFIX}{slug}/{moment.astimezone(site.zone):%Y-%m-%d}"


def last_due(digest: Digest, site: Site, now: datetime) -> tuple[str, datetime] | None:
    """Return the day and the moment at which a digest was due last, at or before `now`.

    There is one per day of the zone's calendar. Where clocks skip the time of day, the moment is as much later; where they
    repeat it, the first one counts (PEP 495).
    """
    zone = ZoneInfo(digest.zone) if digest.zone else site.zone
    today = now.astimezone(zone).date()
    hour, minute = map(int, digest.time.split(":"))
    for back in range(8):
        day: date = today - timedelta(days=back)
        moment = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
        if moment <= now and (not digest.days or day.weekday() in digest.days):
            return day.isoformat(), moment
    return None


def link_id(url: str) -> str:
    """Return by what a link of a newsletter is known that is counted when it is followed."""
    return digest(url.encode())[:32]


def click_path(edition: str, url: str) -> str:
    """Return the path that counts a link of an edition and leads on to its address."""
    return f"/api/click?edition={edition}&link={link_id(url)}"


def one_line(text: str, limit: int = MAX_SUBJECT) -> str:
    """Return a text for a mail's header: on one line, without control characters, and not longer than `limit`.

    >>> one_line("Two\\r\\nlines"), one_line("a" * 300, 5), one_line("Donau\\xaddampf"), one_line("\\u202eTrap")
    ('Two lines', 'aaaa…', 'Donaudampf', 'Trap')
    """
    kept = "".join(_in_header(char) for char in text if char not in _INVISIBLE)
    line = single_spaced(kept)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _in_header(char: str) -> str:
    return char if char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs" else " "
