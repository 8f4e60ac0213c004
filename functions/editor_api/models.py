"""What requests and answers look like. The OpenAPI document is made of these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from nightdesk.usecases.articles import STATES
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

ID = r"[a-z0-9]+(-[a-z0-9]+)*"
PATH_NAMES = {"slug": ID, "member": "[0-9a-f]{32}", "rebuild": "[0-9a-f]{16}", "update": "[0-9a-f]{16}"}
"""What stands for `{name}` in a path, as a regular expression."""
KEY = "[!-~]{1,255}"
"""What an Idempotency-Key is."""
MARK = "[0-9a-zA-Z]{1,128}"
"""What stands in an article's ETag."""
_HIDDEN = r"\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
"""Characters that turn or hide what stands beside them, as a regular expression's class has them."""
_MOMENT = (
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"([Tt ][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?([Zz]|UTC|[+-][0-9]{2}:?([0-9]{2})?)?"
)
_EXAMPLE: dict[str, Any] = {"examples": ["2026-12-24T06:00:00+01:00"]}

State = Literal["live", "draft", "scheduled", "withdrawn", "expired", "rejected"]
assert set(State.__args__) == set(STATES)  # type: ignore[attr-defined]  # a Literal has them
Moment = Annotated[str, Field(pattern=f"^{_MOMENT}$", max_length=60, json_schema_extra=_EXAMPLE)]
"""ISO 8601 as people type it; without an offset, in the site's zone."""
MaybeMoment = Annotated[str, Field(pattern=f"^({_MOMENT})?$", max_length=60)]
MaybeId = Annotated[str, Field(pattern=f"^({ID})?$", max_length=200)]


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 3.0 is as whole as 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Asked(BaseModel):
    """What all that is asked for has in common: nothing is taken that is not known."""

    model_config = ConfigDict(extra="forbid", strict=True, defer_build=True, frozen=True)


class Told(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


# --- Queries ---


class Listing(Asked):
    """Where a list goes on, and how much of it is wanted. Text in a query is no number yet."""

    model_config = ConfigDict(strict=False)

    cursor: str = Field(
        default="", max_length=1000, pattern="^[A-Za-z0-9_-]*$", description="The `cursor` of the page before."
    )
    limit: int = Field(default=50, ge=1, le=100, description="How many are wanted at most.")


class ArticleQuery(Listing):
    """Which articles are wanted."""

    state: State | Literal[""] = Field(
        default="", description="Without, all but rejected drafts of which no version was ever accepted."
    )
    topic: MaybeId = ""
    author: MaybeId = ""
    since: MaybeMoment = Field(default="", description="Dated then or later (ISO 8601).")
    until: MaybeMoment = Field(default="", description="Dated before (ISO 8601).")


class RevisionQuery(Listing):
    """Which revisions are wanted."""

    limit: int = Field(default=10, ge=1, le=20, description="How many are wanted at most.")


class MemberQuery(Asked):
    """Who is looked for."""

    email: str = Field(min_length=3, max_length=320)


class UpdateQuery(Listing):
    """Which updates are wanted."""

    status: Literal["live", "waiting"] = "live"


class AuditQuery(Listing):
    """Which entries are wanted."""

    subject: str = Field(
        default="",
        max_length=600,
        pattern=r"^((article|draft|editor|member|update):.+|pipeline)?$",
        description="What they are about, such as `article:a-story`.",
    )


# --- Bodies ---


class Schedule(Asked):
    """When an article goes live."""

    at: Moment


class Rollback(Asked):
    """Which revision is wanted again."""

    revision: Whole = Field(ge=1, le=999_999)


class NewCorrection(Asked):
    """What was wrong, and how it is."""

    text: str = Field(min_length=1, max_length=5000, pattern=r"\S")


class Access(Asked):
    """Who may read: a tier for the whole article, tiers for gates by number; empty for what the draft says."""

    access: str | None = Field(default=None, max_length=40)
    gates: dict[Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}$")], Annotated[str, Field(max_length=40)]] = Field(
        default_factory=dict, max_length=500, json_schema_extra={"additionalProperties": False}
    )


class NewLink(Asked):
    """Until when a link is good: seven days, where nothing is said."""

    until: MaybeMoment = ""


class NewUpload(Asked):
    """One file for the drafts bucket."""

    key: str = Field(
        min_length=1,
        max_length=512,
        description="`drafts/<name>.md`, `drafts/<name>/index.md` or `drafts/<name>/<image>`.",
        json_schema_extra={"examples": ["drafts/a-story/index.md"]},
    )
    size: Whole = Field(ge=1, le=20 * 1024 * 1024, description="In bytes, exactly.")


class DraftText(Asked):
    """A draft that is to be checked."""

    key: str = Field(min_length=1, max_length=512, json_schema_extra={"examples": ["drafts/a-story/index.md"]})
    text: str = Field(max_length=1024 * 1024)
    images: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=200, description="Names of images that will lie beside it."
    )


class NewUpdate(Asked):
    """An update: an https address, or a path on the site, leads on; without an end, it goes after thirty days."""

    headline: str = Field(max_length=200, pattern=rf"^[^{_HIDDEN}]*[^{_HIDDEN}\s][^{_HIDDEN}]*$")
    summary: str = Field(default="", max_length=600, pattern=f"^[^{_HIDDEN}]*$")
    url: str = Field(default="", max_length=2000, pattern=r"^((https://|/)\S+)?$")
    topic: str = Field(default="", max_length=100, pattern=f"^({ID})?$")
    weight: Whole = Field(default=0, ge=0, le=9, description="What stays when there is more than fits.")
    expires: MaybeMoment = ""


class MemberTier(Asked):
    """What a reader is given; no tier takes it back."""

    tier: str = Field(max_length=40)
    until: MaybeMoment = Field(default="", description="When it ends (ISO 8601); empty for good.")
    email: str = Field(default="", max_length=320, description="Of a reader who may be new; the id must be of it.")


class NewRebuild(Asked):
    """Which articles are made again: those that show a topic or an author; all, where neither is named."""

    topic: MaybeId = ""
    author: MaybeId = ""


# --- Answers ---


class Problem(Told):
    """One thing to mend: `line` counts from 1 (0: the whole), `key` is the front matter's, or empty."""

    line: int
    key: str
    message: str


class Gate(Told):
    """A gate: the tier that it asks for, the one that its draft says, and what it says instead of its passage."""

    number: int
    tier: str
    draft_tier: str
    teaser: str


class Approval(Told):
    """Who took responsibility, when, and for exactly what; whether that is what the draft says now."""

    name: str
    at: str
    sha256: str
    holds: bool


class Article(Told):
    """All that is known of an article. `rejected` says that its newest draft was refused, for its `problems`."""

    slug: str
    state: State
    rejected: bool
    revision: int
    url: str
    settled: bool = Field(description="Whether pages, lists and cache agree with what was decided.")
    title: str
    date: str
    authors: list[str]
    topics: list[str]
    access: str
    gates: list[Gate]
    publish_at: str
    expires: str
    moved: str = Field(description="The slug that the article has now; empty where it is this one.")
    approval_required: bool
    approval: Approval | None
    problems: list[Problem]
    warnings: list[Problem]
    mark: str = Field(description="What the ETag is made of; empty where nothing was ever accepted.")


class ArticleRow(Told):
    """An article in a list. Of a draft that was never accepted, only the slug is known."""

    slug: str
    state: State
    title: str
    date: str
    authors: list[str]
    topic: str
    access: str


class Articles(Told):
    """A page of articles, newest first."""

    articles: list[ArticleRow]
    cursor: str | None


class Revision(Told):
    """A version of a draft, and its unified diff from the one before; none where there is no telling."""

    number: int
    at: str
    key: str
    etag: str
    current: bool
    diff: str | None


class Revisions(Told):
    """A page of revisions, newest first."""

    revisions: list[Revision]
    cursor: str | None


class Surface(Told):
    """Where an article was, and whether it is gone from there. Status 0 means that nobody answered."""

    path: str
    tier: str
    was_there: bool
    status: int
    gone: bool


class Takedown(Told):
    """What a takedown did. Where it is not complete yet, asking again looks again."""

    slug: str
    by: str
    at: str
    seconds: float
    complete: bool
    surfaces: list[Surface]


class Link(Told):
    """A link that opens one article for whoever has it. It is told this once."""

    url: str
    until: str


class Revoked(Told):
    """Whether there was something to take back."""

    revoked: bool


class Upload(Told):
    """How to upload: POST the `fields`, and then `file`, to `url` as multipart/form-data, before `until`."""

    key: str
    url: str
    fields: dict[str, str]
    until: str


class Checked(Told):
    """What the pipeline would say of a draft."""

    slug: str
    problems: list[Problem]
    warnings: list[Problem]


class Update(Told):
    """An update of the ticker. `source` says where it is from."""

    id: str
    headline: str
    summary: str
    url: str
    topic: str
    weight: int
    published: str
    expires: str
    source: str
    status: Literal["live", "waiting", "removed"]


class Updates(Told):
    """A page of updates, newest first."""

    updates: list[Update]
    cursor: str | None


class Member(Told):
    """A reader: the tier that counts now, what gives it and until when, and what was given by an editor."""

    id: str
    email: str
    tier: str
    source: str
    until: str
    given_tier: str
    given_until: str
    confirmed: bool
    paying: bool
    newsletters: list[str]


class Members(Told):
    """Readers with an address: one, or none."""

    members: list[Member]


class Failed(Told):
    """A message that was given up, and why."""

    queue: str
    message: str
    event: str
    about: str
    since: str
    reason: str


class Waiting(Told):
    """A file that waits for its author."""

    key: str
    slug: str
    at: str


class Pipeline(Told):
    """Messages in flight and given up, by queue; the first hundred of those given up, and of files that were rejected."""

    in_flight: dict[str, int]
    dead_lettered: dict[str, int]
    failed: list[Failed]
    rejected: list[Waiting]


class Redriven(Told):
    """How many messages have another chance. At most 500 at once: ask again while there are more."""

    redriven: int


class Rebuild(Told):
    """Articles that are made again: how many, and how many messages the pipeline still has. While the articles are being
    asked for, `left` grows."""

    id: str
    at: str
    topic: str
    author: str
    total: int
    left: int
    finished: bool


class Who(Told):
    """Who acted."""

    id: str
    name: str


class Entry(Told):
    """An entry of the audit log. `outcome` is done, failed, or open where the act may or may not have come to its end."""

    id: str
    at: str
    who: Who
    act: str
    subject: str
    given: dict[str, Any]
    outcome: Literal["done", "failed", "open"]
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Audit(Told):
    """A page of the audit log, newest first."""

    entries: list[Entry]
    cursor: str | None
