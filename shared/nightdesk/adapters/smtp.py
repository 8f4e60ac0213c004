"""Mail through any provider that takes SMTP with TLS (RFC 5321, RFC 8314)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid
from typing import Any

from nightdesk.adapters.ses import to_bytes, to_message
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.mail import Deferred, Mail, NotAccepted, SendingStopped

_TIMEOUT = 20.0
_IMPLICIT_TLS = 465
_DEFAULT_RATE = 10.0
_RESULT = "Message-ID"
_DONE, _ACCEPTED, _CLOSING = 250, (250, 251), 421
"""Answers of a server (RFC 5321, section 4.2.3)."""


class SmtpMailer:
    """Sends from one address over a connection that is kept, and made again after an error.

    Args:
        access: returns the provider's `host`, `port`, `user` and `password`, and perhaps how many mails it takes a second
            (`rate`). Without a user there is no TLS either: that is for a server on this machine.
    """

    def __init__(self, access: Callable[[], Mapping[str, Any]], sender: str) -> None:
        self._access = access
        self._sender = sender
        self._connection: smtplib.SMTP | None = None

    def send(self, mail: Mail) -> str:
        """Hand over a message for delivery and return its Message-ID (see the port `EditionMailer`)."""
        message = to_message(mail, self._sender)
        # SES adds these two itself.
        message["Date"] = format_datetime(datetime.now(UTC))
        message[_RESULT] = make_msgid(domain=self._sender.partition("@")[2])
        raw = to_bytes(message)
        connection = self._connect()
        self._address(connection, mail.to)
        try:
            code, _ = connection.data(raw)
        except smtplib.SMTPDataError as error:
            raise self._refused(error.smtp_code, NotAccepted) from None
        except (smtplib.SMTPException, OSError) as error:
            self._connection = None
            raise Transient(f"the answer of the mail server was lost: {type(error).__name__}") from None
        if code != _DONE:
            raise self._refused(code, NotAccepted)
        return str(message[_RESULT])

    def _address(self, connection: smtplib.SMTP, address: str) -> None:
        """Tell the server whose mail comes. Before the mail itself nothing is ambiguous."""
        try:
            connection.ehlo_or_helo_if_needed()
            code, _ = connection.mail(self._sender)
            if code != _DONE:
                raise self._refused(code, NotAccepted)
            code, _ = connection.rcpt(address)
            if code not in _ACCEPTED:
                raise self._refused(code, Deferred)
        except (smtplib.SMTPException, OSError) as error:
            self._connection = None
            raise NotAccepted(f"the mail server hung up: {type(error).__name__}") from None

    def _refused(self, code: int, for_now: type[Transient]) -> Exception:
        """Return what a refusal means: 4xx is for now, 5xx for good (RFC 5321, section 4.2.1). Its text may quote the address."""
        # The next mail begins afresh; after 421 the server hangs up.
        self._reset()
        if code == _CLOSING:
            return NotAccepted("the mail server closes")
        if 400 <= code < 500:
            return for_now(f"the mail server answered {code}")
        return Permanent(f"the mail server does not take the mail: {code}")

    def _reset(self) -> None:
        try:
            if self._connection:
                self._connection.rset()
        except (smtplib.SMTPException, OSError):
            self._connection = None

    def sign_in(self) -> None:
        """Connect to the server and sign in, without sending anything.

        Raises:
            SendingStopped: the server rejects the user name and password.
            NotAccepted: it cannot be reached.
        """
        self._connect().close()
        self._connection = None

    def rate(self) -> float:
        """Return how many mails a second the provider takes, as its settings say."""
        return float(self._access().get("rate", _DEFAULT_RATE))

    def _connect(self) -> smtplib.SMTP:
        if self._connection:
            try:
                if self._connection.noop()[0] == 250:
                    return self._connection
            except (smtplib.SMTPException, OSError):
                self._connection = None
        access = self._access()
        host, port, user = str(access["host"]), int(access.get("port", _IMPLICIT_TLS)), str(access.get("user", ""))
        try:
            made: smtplib.SMTP
            if user and port == _IMPLICIT_TLS:
                made = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
            else:
                made = smtplib.SMTP(host, port, timeout=_TIMEOUT)
            if user:
                if port != _IMPLICIT_TLS:
                    made.starttls(context=ssl.create_default_context())
                made.login(user, str(access["password"]))
        except smtplib.SMTPAuthenticationError:
            raise SendingStopped("the mail server does not accept the user name and password") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotAccepted(f"the mail server cannot be reached: {type(error).__name__}") from None
        self._connection = made
        return made
