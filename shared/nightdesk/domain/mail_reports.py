"""What SES reports of newsletters that were sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightdesk.domain.errors import Permanent

_EDITION_TAG = re.compile(r"(.+)[_.](\d{4}-\d\d-\d\d)")
"""An earlier release wrote a dot, which SES does not promise to take."""


def edition_tag(edition: str) -> str:
    """Return the value of the tag that names an edition: SES takes letters, digits, `_` and `-` (API v2, `MessageTag`)."""
    return edition.replace("/", "_")


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
        named = _EDITION_TAG.fullmatch(tags["edition"][0])
        if not named:
            raise ValueError("no edition")
        name, day = named.groups()
        if str(detail["eventType"]).lower() == "complaint":
            kind, report = "complaint", detail["complaint"]["feedbackId"]
        else:
            kind = "bounce" if detail["bounce"]["bounceType"] == "Permanent" else "soft"
            report = detail["bounce"]["feedbackId"]
        return MailReturned(str(report), kind, f"{name}/{day}", str(tags["reader"][0]))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise Permanent("SES's event is not about a newsletter") from None
