"""What stages say on the bus: identity only, never body text. A sample of each stands in `events/`.

Every model allows keys that it does not know, so that a newer sender does not stop an older receiver.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
TAG = r"^[a-z0-9-]*$"
PATH = r"^/[A-Za-z0-9/._*-]*$"


class Detail(BaseModel):
    """What all details share: the version of their form. A function builds the validators of those that it meets."""

    model_config = ConfigDict(defer_build=True)

    version: int = Field(default=1, ge=1, le=1)


class ToGate(Detail):
    """What all have in common that ask for an article to be gated."""

    slug: str = Field(pattern=SLUG)


class ArticleRendered(ToGate):
    """A document changed. `bulk` is as in `ArticleGated`."""

    revision: int = Field(ge=0)
    bulk: str = Field(default="", pattern=TAG)


class DraftRejected(Detail):
    """A file cannot be published as it stands; `problems` have line, key and message."""

    key: str
    slug: str
    problems: list[dict[str, Any]]


class DraftTouched(Detail):
    """A file should be looked at again: what stood in its way is gone, or it may read otherwise. `bulk` is as in `ArticleGated`."""

    key: str
    bulk: str = Field(default="", pattern=TAG)


class ArticleWithdrawn(ToGate):
    """An article is to be gone: its draft was deleted, or an editor took it down."""


class ArticleScheduled(ToGate):
    """An editor set the moment, in ISO 8601 with offset, at which an article goes live."""

    at: str


class EditorActed(ToGate):
    """An editor decided something else about an article; `act` names it."""

    act: str


class ArticleDue(ToGate):
    """A moment has come at which time alone changes an article."""


class EmbargoLifted(ToGate):
    """An article's pages were put up at the end of its embargo; its lists are still to be made."""


class ReconcileDue(Detail):
    """The night has come in which the site is compared with its drafts."""


class ProfileChanged(Detail):
    """An author, a topic or a standing page changed."""

    kind: str = Field(pattern="^(author|topic|page)$")
    id: str = Field(pattern=SLUG)


class SiteChanged(Detail):
    """The settings or the theme changed."""


class ArticleTouched(ToGate):
    """An article shows something that changed. `bulk` is as in `ArticleGated`."""

    bulk: str = Field(default="", pattern=TAG)


class ArticleGated(Detail):
    """An article's pages and public facts were brought in line with its document.

    `bulk` is the cache tag of all that a change touched, where it touched many at once.
    """

    slug: str = Field(pattern=SLUG)
    state: str
    paths: list[str]
    bulk: str = Field(default="", pattern=TAG)


class ArticleEntered(Detail):
    """An article's entries changed: make the lists again that it stands or stood in.

    `turn` counts the article's changes; each place is a list and a sort key in it.
    """

    slug: str = Field(pattern=SLUG)
    turn: int = Field(ge=1)
    places: list[str]


class ArticleIndexed(Detail):
    """An article's lists were brought in line."""

    slug: str = Field(pattern=SLUG)
    paths: list[str]


class ListTouched(Detail):
    """A whole list should be made again. `bulk` is as in `ArticleGated`."""

    list: str
    bulk: str = Field(default="", pattern=TAG)


class PagesWritten(Detail):
    """Pages other than articles were brought in line. `bulk` is as in `ArticleGated`."""

    paths: list[str]
    bulk: str = Field(default="", pattern=TAG)


class CacheInvalidated(Detail):
    """The cache was made to forget paths."""

    paths: list[str]


class MembershipChanged(Detail):
    """What a reader has or chooses changed. The id tells no address."""

    id: str = Field(pattern="^[0-9a-f]{32}$")


class UpdatePosted(Detail):
    """An update was posted, approved or removed: `state` is live, waiting or removed."""

    id: str = Field(pattern=SLUG)
    state: str


class UpdatesTouched(Detail):
    """Files below `updates/` should be looked at again, and all that the ticker shows with them."""

    keys: list[str]


class UpdateEnded(Detail):
    """An update's time is over: take it from the pages."""


class TickerDue(Detail):
    """The minute is over: look for all that should have been done, and read the feeds."""


class TickerRefreshed(Detail):
    """The ticker's pages and files were brought in line with its updates."""

    paths: list[str]


DETAILS: dict[str, type[Detail]] = {
    model.__name__: model
    for model in (
        ArticleRendered,
        DraftRejected,
        DraftTouched,
        ProfileChanged,
        SiteChanged,
        ArticleTouched,
        ArticleWithdrawn,
        ArticleScheduled,
        EditorActed,
        ArticleDue,
        EmbargoLifted,
        ReconcileDue,
        ArticleGated,
        ArticleEntered,
        ArticleIndexed,
        ListTouched,
        PagesWritten,
        CacheInvalidated,
        MembershipChanged,
        UpdatePosted,
        UpdatesTouched,
        UpdateEnded,
        TickerDue,
        TickerRefreshed,
    )
}


class StoredObject(BaseModel):
    """The object that an S3 event speaks of."""

    key: str = Field(min_length=1, max_length=1024)


class ObjectEvent(BaseModel):
    """The detail of S3's “Object Created” and “Object Deleted”; keys come as they are, not URL-encoded."""

    object: StoredObject


class Envelope(BaseModel):
    """An event as EventBridge puts it into a queue."""

    source: str
    type: str = Field(alias="detail-type")
    detail: dict[str, Any]
