"""What SES reports of newsletters that were sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightdesk.domain.errors import Permanent


@dataclass(frozen=True)
class MailReturned:
    """SES reports that a newsletter came back, or that its reader complained.

    Attributes:
        id: of the report.
        kind: `bounce` if the address does not work, `soft` if the mail came back for a passing reason, or `complaint`.
        edition: of which newsletter it was; `member`: the reader's id. Both are tags that the mail was sent with.
    """

    id: str
    kind: str
    edition: str
    member: str


def parse_ses(detail: Mapping[str, Any]) -> MailReturned:
    """Read an event of SES (developer guide, "Examples of event data"). It holds the address, which goes no further."""
    try:
        tags = detail["mail"]["tags"]
        name, day = tags["edition"][0].rsplit(".", 1)
        if str(detail["eventType"]).lower() == "complaint":
            kind, report = "complaint", detail["complaint"]["feedbackId"]
        else:
            kind = "bounce" if detail["bounce"]["bounceType"] == "Permanent" else "soft"
            report = detail["bounce"]["feedbackId"]
        return MailReturned(str(report), kind, f"{name}/{day}", str(tags["reader"][0]))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise Permanent("SES's event is not about a newsletter") from None
