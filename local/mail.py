"""Mail that the stack has sent: the emulator delivers none and keeps it, so it can be read here. Never deployed."""

from __future__ import annotations

import html
import http.client
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from nightdesk_local.quiet_server import page

_SHOWN = 200
"""Mails on the page."""
_STYLE = (
    "article{border-top:1px solid;padding:1.25rem 0}h2{margin:0;font-size:1.2rem}article p{margin:.25rem 0 1rem;opacity:.8}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit}summary{cursor:pointer;padding:.25rem 0}"
    "iframe{display:block;width:100%;height:40rem;margin-top:.5rem;border:1px solid}"
)
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


def sent_mail(gateway: str, after: int = 0) -> list[SentMail]:
    """Return the mail that was sent so far, in its order.

    Args:
        gateway: the emulator's address.
        after: how many to leave out, from the first on.

    Raises:
        OSError: the emulator is out of reach.
    """
    address = urlsplit(gateway)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", f"/_ministack/ses/messages?after={after}")
        messages = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return [
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
        for m in messages
    ]


def _headers(kept: str) -> dict[str, str]:
    """Return the headers that the emulator kept (see `patch_mail`); none of a mail that an earlier version sent."""
    try:
        found = json.loads(kept)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()}


class MailList:
    """All mail that was sent, of which only what is new is read: there may be a newsletter to thousands of readers.

    Args:
        gateway: the emulator's address.
    """

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._mails: list[SentMail] = []
        self._json: list[bytes] = []
        self._lock = threading.Lock()

    def as_json(self) -> bytes:
        """For programs."""
        with self._lock:
            self._read()
            return b"[" + b",".join(self._json) + b"]"

    def as_page(self) -> bytes:
        """For people."""
        with self._lock:
            self._read()
            return as_page(self._mails)

    def _read(self) -> None:
        fresh = sent_mail(self._gateway, len(self._mails))
        self._mails += fresh
        self._json += [json.dumps(asdict(mail)).encode() for mail in fresh]


def as_page(mails: list[SentMail]) -> bytes:
    """For people, the newest first, and not more than a browser can show."""
    parts = []
    for mail in reversed(mails[-_SHOWN:]):
        text = _LINK.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', html.escape(mail.text, quote=False))
        sent = datetime.fromtimestamp(mail.sent).strftime("%Y-%m-%d, %H:%M:%S")
        who = f"{html.escape(mail.sender)} to {html.escape(mail.to)}, {sent}"
        frame = f'<iframe sandbox title="The mail in HTML" srcdoc="{html.escape(mail.html)}"></iframe>'
        shown = f"<details><summary>HTML</summary>{frame}</details>"
        parts.append(
            f"<article><h2>{html.escape(mail.subject)}</h2><p>{who}</p><pre>{text}</pre>{shown if mail.html else ''}</article>"
        )
    older = len(mails) - len(parts)
    if older > 0:
        parts.append(f'<p>{older:,} older ones are in <a href="/_local/mail.json">mail.json</a>.</p>')
    body = "".join(parts) or "<p>None has been sent yet.</p>"
    return page("Mail", f"<h1>Mail</h1>{body}", _STYLE).encode()


class Postbox:
    """Tells of mail once, from now on."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._told = len(sent_mail(gateway))

    def fresh(self) -> list[SentMail]:
        """Mail that came since the last time; none while the emulator is out of reach."""
        try:
            found = sent_mail(self._gateway, self._told)
        except (OSError, http.client.HTTPException, ValueError):
            return []
        self._told += len(found)
        return found
