"""Mail that the stack has sent: the emulator delivers none and keeps it, so it can be read here. Never deployed."""

from __future__ import annotations

import html
import http.client
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from urllib.parse import urlsplit

_LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, slots=True)
class SentMail:
    """A message as its reader would get it; `sent` is in Unix seconds."""

    id: str
    sender: str
    to: str
    subject: str
    text: str
    html: str
    sent: float
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def links(self) -> list[str]:
        """The addresses in its text, in order."""
        return _LINK.findall(self.text)


def sent_mail(gateway: str) -> list[SentMail]:
    """All mail so far, the oldest first.

    Args:
        gateway: the emulator's address.

    Raises:
        OSError: the emulator is out of reach.
    """
    address = urlsplit(gateway)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", "/_ministack/ses/messages")
        accounts = json.loads(connection.getresponse().read())["messages"]
    finally:
        connection.close()
    found = [
        SentMail(
            m["MessageId"],
            m["Source"],
            ", ".join(m["To"]),
            m["Subject"],
            m["BodyText"],
            m["BodyHtml"] or "",
            m["Timestamp"],
            _headers(m["Type"]),
        )
        for messages in accounts.values()
        for m in messages
    ]
    return sorted(found, key=lambda mail: mail.sent)


def _headers(kept: str) -> dict[str, str]:
    """Return the headers that the emulator kept (see `patch_mail`); none of a mail that an earlier version sent."""
    try:
        found = json.loads(kept)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()}


def as_json(mails: list[SentMail]) -> bytes:
    """For programs."""
    return json.dumps([asdict(mail) for mail in mails]).encode()


def as_page(mails: list[SentMail]) -> bytes:
    """For people, the newest first."""
    parts = []
    for mail in reversed(mails):
        text = _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', html.escape(mail.text, quote=False))
        who = f"{html.escape(mail.sender)} to {html.escape(mail.to)}"
        shown = f'<details><summary>HTML</summary><iframe sandbox srcdoc="{html.escape(mail.html)}"></iframe></details>'
        parts.append(
            f"<article><h2>{html.escape(mail.subject)}</h2><p>{who}</p><pre>{text}</pre>{shown if mail.html else ''}</article>"
        )
    body = "".join(parts) or "<p>None has been sent yet.</p>"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Mail</title><h1>Mail</h1>{body}</html>'.encode()
    )


class Postbox:
    """Tells of mail once, from now on."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._told = {mail.id for mail in sent_mail(gateway)}

    def fresh(self) -> list[SentMail]:
        """Mail that came since the last time; none while the emulator is out of reach."""
        try:
            found = [mail for mail in sent_mail(self._gateway) if mail.id not in self._told]
        except (OSError, http.client.HTTPException, ValueError):
            return []
        self._told |= {mail.id for mail in found}
        return found
