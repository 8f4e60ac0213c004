"""Editions of newsletters."""

from __future__ import annotations

from pydantic import Field

from .fields import OptionalMoment, RequestModel, ResponseModel


class PreviewQuery(RequestModel):
    """Whose view of an edition is requested; by default that of the highest tier."""

    tier: str = Field(default="", max_length=40)


class Sending(RequestModel):
    """When an edition may be sent; by default now."""

    at: OptionalMoment = ""


class TestMail(RequestModel):
    """The address of the reader who gets a copy."""

    email: str = Field(min_length=3, max_length=320)


class Edition(ResponseModel):
    """An edition: its state, why it is held or was cancelled, and how many copies were mailed, skipped because the reader no longer
    wanted or could get them, refused, or are unsure because the provider's answer was lost; of those mailed, how many came back or
    brought complaints, and how many readers unsubscribed by its link."""

    id: str
    newsletter: str
    kind: str
    state: str
    reason: str
    subject: str
    at: str
    not_before: str
    articles: list[str]
    recipients: int
    mailed: int
    skipped: int
    refused: int
    unsure: int
    bounced: int
    complained: int
    unsubscribed: int


class Editions(ResponseModel):
    """A page of editions, newest first."""

    editions: list[Edition]
    cursor: str | None


class FollowedLink(ResponseModel):
    """An address to which an edition links, and how often the link was followed."""

    url: str
    clicks: int


class FollowedLinks(ResponseModel):
    """The links of an edition, the most followed first; none unless `count_clicks` is set in `site.yaml`."""

    links: list[FollowedLink]


class Preview(ResponseModel):
    """An edition as readers of a tier would get it now."""

    id: str
    subject: str
    tier: str
    html: str
    text: str
