"""E-mails to readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nightdesk.domain.errors import Transient


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail to one reader.

    Attributes:
        sender_name: shown with the site's own address as the sender.
        headers: in addition to those that every e-mail has.
        tags: what the provider repeats in its reports about the mail; they must not reveal the address.
    """

    to: str
    sender_name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class NotAccepted(Transient):
    """The provider certainly did not take the mail: it was asked for too much at once, or not reached at all."""


class Deferred(Transient):
    """The provider did not take the mail now, because of its recipient. It may take those to others."""


class SendingStopped(Transient):
    """The provider takes no mail of this account for now, to any address."""
