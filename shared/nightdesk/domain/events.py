"""Events: what stages and APIs put on the bus, and how a message is read back.

An event carries identity (a slug, a key, paths), never body text. `events/` has a sample of each.

Events are plain classes with a small validator rather than pydantic models: every function of the pipeline loads this module
during its cold start, where two dozen pydantic models would take many times as long to define.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, dataclass_transform, get_type_hints

from nightdesk.domain.errors import Permanent
from nightdesk.domain.event_fields import AtLeast, Matches, problem_in
from nightdesk.domain.mail_reports import MailReturned, parse_ses
from nightdesk.domain.object_reports import ObjectChanged as ObjectChanged
from nightdesk.domain.object_reports import parse_s3
from nightdesk.domain.text import SLUG

Slug = Annotated[str, Matches(SLUG.pattern)]
EDITION_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,219}/\d{4}-\d\d-\d\d")
"""An edition of a newsletter: its name, and the day for which it is."""
BulkTag = Annotated[str, Matches("[a-z0-9-]*")]
"""The cache tag shared by all articles or pages that one change affects; empty where the change affects only a few."""
EditionName = Annotated[str, Matches(EDITION_ID.pattern)]
_OPTIONAL = ("bulk", "edition", "newsletter", "shows", "urgent")


@dataclass_transform(frozen_default=True)
class Event:
    """The base of all events. The name of an event's class is its detail-type on the bus.

    Each subclass becomes a dataclass. Only `__init__` is generated, which is what takes time when functions start.
    """

    version: ClassVar[int] = 1

    def __init_subclass__(cls) -> None:
        dataclass(eq=False, repr=False)(cls)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    @property
    def name(self) -> str:
        """The detail-type."""
        return type(self).__name__

    def to_detail(self) -> dict[str, Any]:
        """Return the detail as JSON values. Empty values of `_OPTIONAL` are left out, so that rules can match `exists`."""
        return {"version": self.version} | {
            name: value for name, value in vars(self).items() if value != "" or name not in _OPTIONAL
        }


class ArticleRendered(Event):
    """A document was written. Gate makes the article's pages from it."""

    slug: Slug
    revision: Annotated[int, AtLeast(0)]
    bulk: BulkTag = ""


class DraftRejected(Event):
    """A file cannot be published. Each problem has `line`, `key` and `message`."""

    key: str
    slug: str
    problems: list[dict[str, Any]]


class DraftAccepted(Event):
    """A file was read and can be published. `warnings` counts what its author should know."""

    key: str
    slug: str
    revision: Annotated[int, AtLeast(0)]
    warnings: Annotated[int, AtLeast(0)]


class RenderRequested(Event):
    """A file must be rendered again: a slug became free or was lost, or settings or profiles that it depends on changed."""

    key: str
    bulk: BulkTag = ""


class ArticleWithdrawn(Event):
    """An article must disappear: its draft was deleted, or an editor withdrew it."""

    slug: Slug


class ArticleScheduled(Event):
    """An editor set the moment at which an article goes live: ISO 8601 with an offset."""

    slug: Slug
    at: str


class DecisionChanged(Event):
    """An editor made another decision about an article. `act` names it: `publish`, `approve`, `access`, `correction`."""

    slug: Slug
    act: str


class ArticleDue(Event):
    """A schedule fired: an embargo or a pin ends, or an article expires, about now."""

    slug: Slug


class EmbargoLifted(Event):
    """An article's pages were published at the end of its embargo. Its facts, and with them its lists, still follow."""

    slug: Slug


class ReconcileDue(Event):
    """The nightly schedule fired: compare the site with the drafts."""


class ReconcileContinued(Event):
    """A part of the nightly comparison is done, and the next one is due.

    `part` and `after` say where it begins, `slices` how many there were, and `counts` how many differences of each kind they had.
    """

    part: Annotated[str, Matches("[a-z]+")]
    after: str
    slices: Annotated[int, AtLeast(0)]
    counts: dict[str, int]


class SearchDue(Event):
    """The nightly schedule fired: index all public articles for the search again."""


class ProfileChanged(Event):
    """An author's or a topic's profile, or a standing page, changed."""

    kind: Annotated[str, Matches("author|topic|page")]
    id: Slug


class SiteChanged(Event):
    """The settings or the theme changed."""


class RegateRequested(Event):
    """An article's pages must be made again: they show something that changed; of others that with the digest `shows`, if it is set."""

    slug: Slug
    bulk: BulkTag = ""
    shows: Annotated[str, Matches("[0-9a-f]*")] = ""


class ImageInspected(Event):
    """An uploaded image was inspected: the files in `folder` (`drafts/a-story/`) that may show it must be rendered again.
    No image of a draft is named, as inside a gate that is hidden text; `key` is that of one beside authors' profiles.
    """

    folder: Annotated[str, Matches(r"(drafts|newsletters)/[^/]+/|authors/")]
    key: Annotated[str, Matches(r"(authors/[^\n]{1,1017})?")] = ""


class PictureRequested(Event):
    """A page is to show an image of which there are no renditions yet, or only some by another version of the method.

    Attributes:
        owner: the key in the private bucket of the document or the profile that shows it.
        picture: identifies the renditions (`pictures.Order`).
        instead_of: the version (`pictures.RECIPE`) that made those that there are; empty for none.
    """

    owner: Annotated[str, Matches(r"(articles|authors)/[a-z0-9-]+\.json|newsletters/[a-z0-9-]+(/index)?\.json")]
    picture: Annotated[str, Matches("[0-9a-f]{64}")]
    instead_of: Annotated[str, Matches(r"\d{0,6}")] = ""


class SocialCardRequested(Event):
    """A page is to have a social card that is not drawn yet.

    Attributes:
        page: its path.
        card: identifies what the card is drawn from (`social_cards.CardOrder`).
    """

    page: Annotated[str, Matches(r"/(articles|authors|topics)/[a-z0-9-]+/")]
    card: Annotated[str, Matches("[0-9a-f]{64}")]


class ArticleGated(Event):
    """An article's pages and public facts match its document and the editors' decisions.

    Attributes:
        newsletter: `live` if it is to be mailed by itself, `gone` if it must be in none, `back` if it may be in some again; else empty.
    """

    slug: Slug
    state: str
    paths: list[str]
    bulk: BulkTag = ""
    newsletter: Annotated[str, Matches("|live|gone|back")] = ""


PAGES, LISTS, FEEDS = "pages", "lists", "feeds"


class EntriesChanged(Event):
    """An article's entries changed: refresh the lists that contain it or used to.

    Attributes:
        generation: counts the changes of the article's entries, from 1.
        places: each a list's name and the sort key of the entry in it.
        reach: where readers see what changed: in `pages` of other articles too, which name this one; in `lists` and their
            feeds; or only in `feeds`, which have the text.
    """

    slug: Slug
    generation: Annotated[int, AtLeast(1)]
    places: list[str]
    reach: Annotated[str, Matches(f"{PAGES}|{LISTS}|{FEEDS}")] = PAGES


class ArticleIndexed(Event):
    """Every list that contains an article is up to date."""

    slug: Slug
    paths: list[str]


class RelistRequested(Event):
    """All pages of a list must be made again."""

    list: str
    bulk: BulkTag = ""


class PagesWritten(Event):
    """Pages other than articles may have changed."""

    paths: list[str]
    bulk: BulkTag = ""


class CacheInvalidated(Event):
    """The CDN was asked to drop its copies of these paths."""

    paths: list[str]


class MembershipChanged(Event):
    """A reader's membership or choices changed. The id is a digest, which does not reveal the e-mail address.

    Attributes:
        edition: the edition of a newsletter by whose link the reader unsubscribed; empty for any other change.
    """

    id: Annotated[str, Matches("[0-9a-f]{32}")]
    edition: Annotated[str, Matches(f"|{EDITION_ID.pattern}")] = ""


class UpdatePosted(Event):
    """An update was posted, approved or removed. `state` is `live`, `waiting` or `removed`."""

    id: Slug
    state: str


class RereadRequested(Event):
    """Files below `updates/` must be read again, and every page and file of the ticker made again."""

    keys: list[str]


class UpdateEnded(Event):
    """A timer fired: an update expires about now and leaves the ticker."""


class TickerDue(Event):
    """The minute's schedule fired: read the feeds, and finish what an earlier run left undone."""


class TickerRefreshed(Event):
    """The ticker's pages and files match its updates."""

    paths: list[str]


class NoticeRequested(Event):
    """A webhook (`webhook_id`), search engines (`indexnow`) or the hub (`websub`) must be told of an event.

    `event` is the id of that event on the bus, `type` its detail-type, `created` its time, and `data` what it identifies.
    """

    to: Annotated[str, Matches("[0-9a-f]{16}|indexnow|websub")]
    event: str
    type: str
    created: str
    data: dict[str, Any]


class NewslettersDue(Event):
    """The schedule of newsletters fired: plan the digests that are due, and finish what an earlier run left undone."""


class EditionRequested(Event):
    """An edition of a newsletter must be planned, or planned further."""

    edition: EditionName


class BatchPlanned(Event):
    """Some recipients of an edition get their mails. `urgent` batches do not wait for those of digests."""

    edition: EditionName
    batch: Annotated[int, AtLeast(1)]
    urgent: Annotated[str, Matches("|yes")] = ""


class TestMailRequested(Event):
    """One reader gets a copy of an edition to look at. It counts for nothing."""

    __test__ = False  # not one of pytest's
    edition: EditionName
    id: Annotated[str, Matches("[0-9a-f]{32}")]
    urgent: Annotated[str, Matches("|yes")] = "yes"


EVENTS: dict[str, type[Event]] = {event.__name__: event for event in Event.__subclasses__()}
"""Every event on the bus by its detail-type."""


def parse_message(body: str) -> Event | ObjectChanged | MailReturned:
    """Read the body of an SQS message: an event as EventBridge delivers it, from our bus, from S3 or from SES.

    Raises:
        Permanent: it is not an event that we know, or its detail is not valid.
    """
    try:
        envelope = json.loads(body)
    except ValueError:
        raise Permanent("the message is not JSON") from None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("detail"), dict):
        raise Permanent("the message is not an event")
    if envelope.get("source") == "aws.s3":
        return parse_s3(envelope["detail"], str(envelope.get("account", "")))
    if envelope.get("source") == "aws.ses":
        return parse_ses(envelope["detail"])
    return parse_event(str(envelope.get("detail-type")), envelope["detail"])


def parse_event(name: str, detail: Mapping[str, Any]) -> Event:
    """Read an event of our own. Keys that it does not know are ignored, so a newer sender does not stop an older receiver.

    Raises:
        Permanent: there is no such event, or a value is missing or not valid. The message does not repeat the value.
    """
    event = EVENTS.get(name)
    if event is None:
        raise Permanent(f"no event is named {name[:60]}")
    if detail.get("version", event.version) != event.version:
        raise Permanent(f"{name}: version: must be {event.version}")
    values: dict[str, Any] = {}
    for field, hint, required in _schema(name):
        if field in detail:
            if problem := problem_in(detail[field], hint):
                raise Permanent(f"{name}: {field}: {problem}")
            values[field] = detail[field]
        elif required:
            raise Permanent(f"{name}: {field}: is missing")
    return event(**values)


@cache
def _schema(name: str) -> list[tuple[str, Any, bool]]:
    """Return the name and type of each field of an event, and whether it is required."""
    event = EVENTS[name]
    hints = get_type_hints(event, include_extras=True)
    return [(field, hint, not hasattr(event, field)) for field, hint in hints.items() if field != "version"]
