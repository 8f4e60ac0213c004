"""Readers and their tiers."""

from __future__ import annotations

from pydantic import Field

from .fields import OptionalMoment, RequestModel, ResponseModel


class MemberQuery(RequestModel):
    """Which reader is requested."""

    email: str = Field(min_length=3, max_length=320)


class MemberTier(RequestModel):
    """A reader's complimentary tier; an empty tier removes it."""

    tier: str = Field(max_length=40)
    until: OptionalMoment = Field(
        default="", description="When it ends (ISO 8601), a day alone with its last second; empty for never."
    )
    email: str = Field(
        default="", max_length=320, description="The address of a new reader, from which the id is derived."
    )


class Member(ResponseModel):
    """A reader: the tier in force, where it comes from and when it ends, and the complimentary tier."""

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


class Members(ResponseModel):
    """The readers with an address: one or none."""

    members: list[Member]
