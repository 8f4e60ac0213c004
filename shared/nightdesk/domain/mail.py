"""A message to one reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mail:
    """What is sent: `sender_name` stands before the site's own address, and `headers` come in addition to what every
    message has."""

    to: str
    sender_name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str] = field(default_factory=dict)
