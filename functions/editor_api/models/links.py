"""Preview and gift links."""

from __future__ import annotations

from .fields import OptionalMoment, RequestModel, ResponseModel


class NewLink(RequestModel):
    """When a link expires: in seven days by default."""

    until: OptionalMoment = ""


class Link(ResponseModel):
    """A link that opens one article for anyone who has it. It is shown once."""

    url: str
    until: str


class RevokedLink(ResponseModel):
    """Whether there was a link to revoke."""

    revoked: bool
