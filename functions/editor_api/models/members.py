"""Readers and their tiers."""

from __future__ import annotations

from pydantic import Field

from .fields import OptionalId, OptionalMoment, PageQuery, RequestModel, ResponseModel


class MemberQuery(PageQuery):
    """Which readers are requested: the one with an address, or those who match all other values that are given."""

    email: str = Field(default="", max_length=320)
    tier: OptionalId = Field(default="", description="Those who read as this tier now.")
    newsletter: OptionalId = Field(default="", description="Those who get this newsletter.")
    since: OptionalMoment = Field(default="", description="Those who confirmed their address then or later (ISO 8601).")


class CountQuery(RequestModel):
    """Where to go on counting."""

    cursor: str = Field(
        default="", max_length=1000, pattern="^[A-Za-z0-9_-]*$", description="The `cursor` of the previous counts."
    )


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
    """A page of readers, in no particular order. It may have fewer than `limit`, or none, although more follow."""

    members: list[Member]
    cursor: str | None


class MemberCounts(ResponseModel):
    """How many readers there are, how many confirmed their address, and how many there are of each tier and newsletter. With a
    `cursor`, the counts of the next call have to be added."""

    readers: int
    confirmed: int
    tiers: dict[str, int]
    newsletters: dict[str, int]
    cursor: str | None
