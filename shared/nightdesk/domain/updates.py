"""The update ticker: what an update is, what is wrong with one, and which ones are shown.

The order is by time alone, newest first. Weight decides who stays: where more updates are live than are shown, half of
the places are the newest ones' and the other half go to the heaviest of the rest, so that a flood of small news neither
hides what was just posted nor drives out what matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from .addresses import is_own_path, is_public_link
from .errors import Problem, Rejected
from .moments import parse_moment
from .text import SLUG, slugify

WAITING, LIVE, REMOVED = "waiting", "live", "removed"
SHOWN = 50
SHOWN_OF_TOPIC = 5
HEAVIEST = 9
LIFETIME = timedelta(days=30)
"""How long an update is live that names no end."""
HEADLINE, SUMMARY, LINK, TOPIC = 200, 600, 2000, 100
"""The most characters of each."""
NEWS = timedelta(days=1)
"""What a feed dates earlier is no news."""
_ALIKE = 0.8
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters, and those that turn or hide what stands beside them."""
_ARTICLE = re.compile(r"/articles/([a-z0-9-]+)(?:[/?#].*)?")


@dataclass(frozen=True, slots=True)
class Update:
    """One update. `url` is an https address, a path on this site or empty; moments are as `moment_text` writes them.

    `source` says where it is from (`editor:…`, `file:<key>`, `feed:<address>`), and is never shown.
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
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Update:
        """From JSON values, among which there may be others."""
        return cls(**{field.name: data[field.name] for field in fields(cls)})


class Wish(NamedTuple):
    """What somebody wants to be posted, found to be sound; `expires` is empty where no end was named."""

    headline: str
    summary: str
    url: str
    topic: str
    weight: int
    expires: str


def moment_text(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC, of fixed width to the millisecond, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_wish(values: Mapping[str, str], now: datetime, zone: tzinfo, base_url: str) -> Wish:
    """A wish from texts as they were typed.

    Args:
        values: `headline` (needed), `summary`, `url`, `topic`, `weight`, `expires`; a missing one is empty.
        now: what an expiry must be after.
        zone: meant by an expiry without an offset.
        base_url: the site's address; a link below it becomes a path.

    Raises:
        Rejected: with a problem for each value that will not do, under its name.
    """
    problems: list[Problem] = []

    def text(name: str, limit: int) -> str:
        value = " ".join(values.get(name, "").split())
        if len(value) > limit:
            problems.append(Problem(0, name, f"has {len(value):,} characters; {limit:,} are the most"))
        if _HIDDEN.search(value):
            problems.append(Problem(0, name, "has a control character in it"))
        return value

    headline = text("headline", HEADLINE)
    if not headline:
        problems.append(Problem(0, "headline", "every update needs a headline"))
    url = text("url", LINK)
    if base_url and url.startswith(f"{base_url}/"):
        url = url.removeprefix(base_url)
    if url and not is_own_path(url) and not is_public_link(url):
        problems.append(Problem(0, "url", "must be an https address, or a path on this site"))
    topic = text("topic", TOPIC)
    if topic and not SLUG.fullmatch(topic):
        problems.append(Problem(0, "topic", f"“{topic[:60]}” is no topic's id: lower-case letters, digits, hyphens"))
    weight = text("weight", 20) or "0"
    if not re.fullmatch("[0-9]", weight):
        problems.append(Problem(0, "weight", f"must be a whole number from 0 to {HEAVIEST}"))
    wish = Wish(headline, text("summary", SUMMARY), url, topic, 0, _expiry(text("expires", 60), now, zone, problems))
    if problems:
        raise Rejected(*problems)
    return wish._replace(weight=int(weight))


def _expiry(text: str, now: datetime, zone: tzinfo, problems: list[Problem]) -> str:
    if not text:
        return ""
    try:
        moment = parse_moment(text, zone)
    except ValueError as error:
        problems.append(Problem(0, "expires", str(error)))
        return ""
    if moment <= now:
        problems.append(Problem(0, "expires", f"“{text}” is past"))
    return moment_text(moment)


def make_update(wish: Wish, identifier: str, source: str, status: str, published: datetime) -> Update:
    """An update from a wish."""
    return Update(
        id=identifier,
        headline=wish.headline,
        summary=wish.summary,
        url=wish.url,
        topic=wish.topic,
        weight=wish.weight,
        published=moment_text(published),
        expires=wish.expires or moment_text(published + LIFETIME),
        source=source,
        status=status,
    )


def shorten(text: str, limit: int) -> str:
    """Text on one line without hidden characters, cut after a word where it is too long."""
    line = " ".join(_HIDDEN.sub(" ", text).split())
    return line if len(line) <= limit else line[: limit - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"


class Entry(NamedTuple):
    """An item of somebody's feed as plain text; `published` is None where it has no date."""

    id: str
    headline: str
    summary: str
    url: str
    published: datetime | None


def news_of(entries: Iterable[Entry], now: datetime, most: int) -> list[Entry]:
    """The newest of a feed's items, oldest first, that may be posted.

    One without a headline, with a link that readers should not follow, or dated over a day ago is left out. A date in
    the future, or none, is taken for now.
    """
    sound = [
        entry._replace(published=min(entry.published or now, now))
        for entry in entries
        if entry.headline and is_public_link(entry.url) and (entry.published or now) > now - NEWS
    ]
    newest = sorted(sound, key=lambda entry: entry.published or now, reverse=True)[:most]
    return newest[::-1]


def repeats(headline: str, others: Iterable[str]) -> bool:
    """Whether a headline says, in nearly the same words, what another one says.

    Four words of five must be common, whatever their order, and every number: “Day 90” is not “Day 91”.
    """
    words, numbers = _words(headline)
    for other in others:
        theirs, their_numbers = _words(other)
        common, all_of_them = len(words & theirs), len(words | theirs)
        if numbers == their_numbers and (words == theirs or (common and common / all_of_them >= _ALIKE)):
            return True
    return False


def _words(headline: str) -> tuple[frozenset[str], frozenset[str]]:
    words = frozenset(slugify(headline).split("-"))
    return words, frozenset(word for word in words if any(letter.isdigit() for letter in word))


def is_shown(update: Update, now: datetime) -> bool:
    """Whether an update is live and has not ended."""
    return update.status == LIVE and update.expires > moment_text(now)


def newest_first(updates: Iterable[Update], now: datetime, limit: int) -> tuple[Update, ...]:
    """The newest of those that are shown; of one moment, the heavier first."""
    shown = [update for update in updates if is_shown(update, now)]
    return tuple(sorted(shown, key=lambda u: (u.published, u.weight, u.id), reverse=True)[:limit])


def choose(updates: Sequence[Update], now: datetime, limit: int = SHOWN) -> tuple[Update, ...]:
    """The updates that the ticker shows, newest first, as the module's first lines say."""
    ordered = newest_first(updates, now, len(updates))
    sure, rest = ordered[: limit // 2], ordered[limit // 2 :]
    heaviest = sorted(rest, key=lambda u: u.weight, reverse=True)[: limit - len(sure)]
    return newest_first([*sure, *heaviest], now, limit)


def public_form(update: Update) -> dict[str, str]:
    """What readers may know of an update."""
    return {name: getattr(update, name) for name in ("id", "headline", "summary", "url", "topic", "published")}


def article_of(url: str) -> str:
    """The slug of the article that a link leads to, or nothing."""
    found = _ARTICLE.fullmatch(url)
    return found[1] if found else ""
