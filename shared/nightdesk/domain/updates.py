"""Updates: short items of the ticker. What makes one valid, and which ones are shown.

Updates are ordered by time alone, newest first. If more are live than fit, half of the places go to the newest, and the
other half to the heaviest of the rest. So many small updates neither hide the latest one nor displace an important one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from nightdesk.domain.addresses import is_own_path, is_public_link
from nightdesk.domain.errors import Rejected
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.problems import Kind
from nightdesk.domain.text import SLUG, single_spaced
from nightdesk.domain.timestamps import InvalidTimestamp, iso_utc_milliseconds, parse_timestamp

STATUSES = WAITING, LIVE, REMOVED = "waiting", "live", "removed"
MAX_SHOWN = 50
MAX_SHOWN_PER_TOPIC = 5
MAX_WEIGHT = 9
DEFAULT_LIFETIME = timedelta(days=30)
"""How long an update without an expiry is live."""
MAX_HEADLINE, MAX_SUMMARY, MAX_LINK, MAX_TOPIC = 200, 600, 2000, 100
"""Characters of each field."""
_LIMITS = {
    "headline": MAX_HEADLINE,
    "summary": MAX_SUMMARY,
    "url": MAX_LINK,
    "topic": MAX_TOPIC,
    "weight": 20,
    "expires": 60,
}
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters, and those that reverse or hide the text beside them."""
_ARTICLE = re.compile(r"/articles/([a-z0-9-]+)(?:[/?#].*)?")


@dataclass(frozen=True, slots=True)
class Update:
    """An update.

    Attributes:
        url: an https address, a path on this site, or empty.
        published: as `iso_utc_milliseconds` writes it; likewise `expires`.
        source: `editor:<id>`, `file:<key>` or `feed:<address>`; never shown to readers.
    """

    id: str
    headline: str
    summary: str
    url: str
    topic: str
    weight: int
    published: str
    expires: str
    source: str
    status: str

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Update:
        """Return the update with these JSON values; other values are ignored."""
        return cls(**{field.name: data[field.name] for field in fields(cls)})


class NewUpdate(NamedTuple):
    """A valid update that is yet to be posted; `expires` is empty if it has no expiry."""

    headline: str
    summary: str
    url: str
    topic: str
    weight: int
    expires: str


def parse_new_update(texts: Mapping[str, str], now: datetime, zone: tzinfo, base_url: str) -> NewUpdate:
    """Parse an update from texts as they were typed.

    Args:
        texts: `headline` (required), `summary`, `url`, `topic`, `weight`, `expires`; a missing one is empty.
        now: the expiry must be later.
        zone: applies to an expiry without an offset.
        base_url: the site's address; a link below it becomes a path.

    Raises:
        Rejected: with the problems of each text, under its name and without a line.
    """
    problems = ProblemList()
    fields = {name: _checked(name, texts.get(name, ""), limit, problems) for name, limit in _LIMITS.items()}
    if not fields["headline"]:
        problems.add(Kind.HEADLINE_MISSING.at(0, "headline"))
    if base_url and fields["url"].startswith(f"{base_url}/"):
        fields["url"] = fields["url"].removeprefix(base_url)
    if fields["url"] and not is_own_path(fields["url"]) and not is_public_link(fields["url"]):
        problems.add(Kind.UPDATE_LINK.at(0, "url"))
    if fields["topic"] and not SLUG.fullmatch(fields["topic"]):
        problems.add(Kind.TOPIC_ID.at(0, "topic", typed=fields["topic"]))
    if not re.fullmatch(f"[0-{MAX_WEIGHT}]?", fields["weight"]):
        problems.add(Kind.WEIGHT.at(0, "weight"))
    expires = _expiry(fields["expires"], now, zone, problems)
    if problems.rejections:
        raise Rejected(*problems.rejections)
    return NewUpdate(
        fields["headline"], fields["summary"], fields["url"], fields["topic"], int(fields["weight"] or 0), expires
    )


def _checked(name: str, typed: str, limit: int, problems: ProblemList) -> str:
    text = single_spaced(typed)
    if len(text) > limit:
        problems.add(Kind.TEXT_TOO_LONG.at(0, name, count=len(text), limit=limit))
    if _HIDDEN.search(text):
        problems.add(Kind.CONTROL_CHARACTER.at(0, name))
    return text


def _expiry(text: str, now: datetime, zone: tzinfo, problems: ProblemList) -> str:
    if not text:
        return ""
    try:
        expires = parse_timestamp(text, zone)
    except InvalidTimestamp as error:
        problems.add(error.kind.at(0, "expires", typed=text))
        return ""
    if expires <= now:
        problems.add(Kind.EXPIRES_PAST.at(0, "expires", typed=text))
    return iso_utc_milliseconds(expires)


def make_update(new: NewUpdate, identifier: str, source: str, status: str, published: datetime) -> Update:
    """Return an update with the values of a new one."""
    return Update(
        id=identifier,
        headline=new.headline,
        summary=new.summary,
        url=new.url,
        topic=new.topic,
        weight=new.weight,
        published=iso_utc_milliseconds(published),
        expires=new.expires or iso_utc_milliseconds(published + DEFAULT_LIFETIME),
        source=source,
        status=status,
    )


def shorten(text: str, limit: int) -> str:
    """Return text on one line, without hidden characters, and cut if it is longer than `limit` characters: after a word, unless that
    leaves little, as in scripts without blanks."""
    line = single_spaced(_HIDDEN.sub(" ", text))
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    words = cut.rpartition(" ")[0]
    return (words if 2 * len(words) > limit else cut).rstrip(" ,;:、，；：") + "…"


def is_shown(update: Update, now: datetime) -> bool:
    """Return True if an update is live and has not expired."""
    return update.status == LIVE and update.expires > iso_utc_milliseconds(now)


def newest_first(updates: Iterable[Update], now: datetime, limit: int) -> tuple[Update, ...]:
    """Return the newest of the updates that are shown; of those with the same time, the heavier come first."""
    shown = [update for update in updates if is_shown(update, now)]
    return tuple(sorted(shown, key=lambda u: (u.published, u.weight, u.id), reverse=True)[:limit])


def select_shown(updates: Sequence[Update], now: datetime, limit: int = MAX_SHOWN) -> tuple[Update, ...]:
    """Return the updates that the ticker shows, newest first (see the module's docstring)."""
    ordered = newest_first(updates, now, len(updates))
    newest, rest = ordered[: limit // 2], ordered[limit // 2 :]
    heaviest = sorted(rest, key=lambda u: u.weight, reverse=True)[: limit - len(newest)]
    return newest_first([*newest, *heaviest], now, limit)


def public_fields(update: Update) -> dict[str, str]:
    """Return the fields of an update that readers may see."""
    return {name: getattr(update, name) for name in ("id", "headline", "summary", "url", "topic", "published")}


def linked_article(url: str) -> str:
    """Return the slug of the article that a link leads to, or nothing."""
    found = _ARTICLE.fullmatch(url)
    return found[1] if found else ""
