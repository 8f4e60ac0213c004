"""The pipeline's status, and rebuilds."""

from __future__ import annotations

from .fields import OptionalId, RequestModel, ResponseModel


class DeadLetter(ResponseModel):
    """A message in a dead-letter queue, and why it failed."""

    queue: str
    message: str
    event: str
    about: str
    since: str
    reason: str


class RejectedFile(ResponseModel):
    """A rejected file that waits for its author."""

    key: str
    slug: str
    at: str


class ScheduledArticle(ResponseModel):
    """An article that goes live by itself."""

    slug: str
    title: str
    publish_at: str


class HeldNewsletter(ResponseModel):
    """An edition of a newsletter that is not sent, and why."""

    id: str
    reason: str


class Pipeline(ResponseModel):
    """Messages in flight and dead letters by queue, and the first hundred dead letters, rejected files, scheduled articles and held
    newsletters."""

    in_flight: dict[str, int]
    dead_lettered: dict[str, int]
    failed: list[DeadLetter]
    rejected: list[RejectedFile]
    scheduled: list[ScheduledArticle]
    held_newsletters: list[HeldNewsletter]


class Redrive(ResponseModel):
    """How many dead letters were sent back to their queues, at most 500. Repeat the request while there are more."""

    redriven: int


class NewRebuild(RequestModel):
    """Which articles to build again: those that show a topic or an author, or all if neither is named."""

    topic: OptionalId = ""
    author: OptionalId = ""


class Rebuild(ResponseModel):
    """A rebuild: how many articles it builds, and how many messages are left. `left` grows while the articles are requested."""

    id: str
    at: str
    topic: str
    author: str
    total: int
    left: int
    finished: bool
