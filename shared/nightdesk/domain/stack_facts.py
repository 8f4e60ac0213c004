"""Facts about a stack on AWS that decide whether it is set up well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class StackState(NamedTuple):
    """A CloudFormation stack: its status, whether it is protected from deletion, its parameters, and how the last check whether it was
    changed by hand ended (`IN_SYNC`, `DRIFTED`, `NOT_CHECKED`)."""

    status: str
    is_protected: bool
    parameters: Mapping[str, str]
    drift: str = "IN_SYNC"


class MailState(NamedTuple):
    """Amazon SES in this account and region.

    Attributes:
        in_production: whether mail may go to addresses that are not verified.
        is_sending: whether SES sends at all; it pauses senders with too many bounces.
        dkim: the status of the sender domain's DKIM; empty if the domain has no identity.
        dkim_tokens: the tokens of the three DKIM records.
        mail_from: the domain that bounces return to (MAIL FROM); empty if that is Amazon's.
        mail_from_status: `SUCCESS` if DNS has its records, or what is wrong.
        region: the region of SES.
    """

    in_production: bool
    is_sending: bool
    dkim: str
    dkim_tokens: tuple[str, ...]
    mail_from: str = ""
    mail_from_status: str = ""
    region: str = ""


def with_parents(domain: str) -> list[str]:
    """Return a domain and its parents, without the top-level domain: the order in which SES and DMARC (RFC 7489, section 6.6.3) search."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
