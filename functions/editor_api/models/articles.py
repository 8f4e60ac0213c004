"""Articles, their revisions, and editors' decisions about them."""

from __future__ import annotations

from typing import Annotated, Literal

from nightdesk.usecases.editors.queries import STATES
from pydantic import Field

from .fields import Integer, Moment, OptionalId, OptionalMoment, PageQuery, RequestModel, ResponseModel

State = Literal["live", "draft", "scheduled", "withdrawn", "expired", "rejected"]
assert set(State.__args__) == set(STATES)  # type: ignore[attr-defined]  # a Literal has them


class ArticleQuery(PageQuery):
    """Filters of the list of articles."""

    state: State | Literal[""] = Field(
        default="",
        description="Without a state, all articles but rejected drafts of which no version was ever accepted.",
    )
    topic: OptionalId = ""
    author: OptionalId = ""
    since: OptionalMoment = Field(default="", description="The earliest date to include (ISO 8601).")
    until: OptionalMoment = Field(default="", description="The earliest date to leave out (ISO 8601).")


class RevisionQuery(PageQuery):
    """Which page of an article's revisions is requested."""

    limit: int = Field(default=10, ge=1, le=20, description="The maximum number of items to return.")


class Schedule(RequestModel):
    """When an article goes live."""

    at: Moment


class Rollback(RequestModel):
    """Which revision to restore."""

    revision: Integer = Field(ge=1, le=999_999)


class NewCorrection(RequestModel):
    """The text of a correction: what was wrong, and what is right."""

    text: str = Field(min_length=1, max_length=5000, pattern=r"\S")


class Access(RequestModel):
    """The tiers of an article and of its gates; an empty tier restores the draft's."""

    access: str | None = Field(default=None, max_length=40, description="The tier of the whole article.")
    gates: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")], Annotated[str, Field(max_length=40)]] = Field(
        default_factory=dict,
        max_length=500,
        description="Tiers by gate number, from 1.",
        json_schema_extra={"additionalProperties": False},
    )


class NewOwner(RequestModel):
    """Who is to own a draft: the person's id, which is the `sub` of their tokens, and which `nightdesk editors list` shows."""

    owner: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")


class Owner(ResponseModel):
    """The owner of an article's draft."""

    slug: str
    owner: str


class Problem(ResponseModel):
    """An error or warning about a draft: `line` counts from 1 (0 means the whole file), `key` is a front-matter key, or empty."""

    line: int
    key: str
    message: str


class Gate(ResponseModel):
    """A gate: its tier now, its tier in the draft, and its teaser."""

    number: int
    tier: str
    draft_tier: str
    teaser: str


class Approval(ResponseModel):
    """Who approved an article and when, and the SHA-256 of what was approved."""

    name: str
    at: str
    sha256: str
    valid: bool = Field(description="Whether the draft is still what was approved.")


class Article(ResponseModel):
    """An article. `rejected` means that its latest draft was rejected, for the reasons in `problems`."""

    key: str = Field(description="The key of its file in the drafts bucket; empty if that is gone.")
    slug: str
    state: State
    rejected: bool
    revision: int
    url: str
    uploaded_by: str = Field(
        description="Who uploaded the newest version: a person of the audit log, `aws:` and an account, or `direct`."
    )
    settled: bool = Field(description="Whether pages, lists and cache reflect the latest draft and decisions.")
    title: str
    date: str
    authors: list[str]
    topics: list[str]
    access: str
    gates: list[Gate]
    publish_at: str
    expires: str
    moved: str = Field(description="The slug that the article has moved to; empty if it has not moved.")
    approval_required: bool
    approval: Approval | None
    pending: bool = Field(
        description="Whether the latest version awaits an approval while readers get the one that was approved."
    )
    problems: list[Problem]
    warnings: list[Problem]
    etag: str = Field(description="The ETag without its quotes; empty if no version was ever accepted.")


class ArticleSummary(ResponseModel):
    """An article in a list. A draft that was never accepted has a slug, a state and a key only."""

    slug: str
    state: State
    title: str
    date: str
    authors: list[str]
    topic: str
    access: str
    publish_at: str = Field(description="When a scheduled article goes live; empty for others.")
    key: str = Field(description="The key of a rejected draft's file; empty for others.")


class Articles(ResponseModel):
    """A page of articles, newest first."""

    articles: list[ArticleSummary]
    cursor: str | None


class Revision(ResponseModel):
    """A revision of a draft, and its unified diff from the one before; null if a version is no longer stored or is too long."""

    number: int
    at: str
    key: str
    etag: str
    current: bool
    diff: str | None


class Revisions(ResponseModel):
    """A page of revisions, newest first."""

    revisions: list[Revision]
    cursor: str | None


class Surface(ResponseModel):
    """A page that showed an article before its takedown, and whether the article is gone from it. Status 0 means no answer."""

    path: str
    tier: str
    was_there: bool
    status: int
    gone: bool


class Takedown(ResponseModel):
    """The report of a takedown. If it is not `complete`, withdraw the article again to check the surfaces again."""

    slug: str
    by: str
    at: str
    seconds: float
    complete: bool
    everywhere: bool
    surfaces: list[Surface]
