"""Newsletters through SES (API v2), one message for each recipient, with its own headers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from nightdesk.domain.errors import Permanent, Transient
from nightdesk.domain.mail import Mail, NotAccepted, SendingStopped

_THROTTLED = frozenset(
    ("TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException", "RequestLimitExceeded")
)
_STOPPED = frozenset(
    (
        "AccountSuspendedException",
        "SendingPausedException",
        "MailFromDomainNotVerifiedException",
        "AccessDeniedException",
    )
)
_LEAST_RATE = 1.0
_BREAKS = frozenset("\r\n\0")
_POLICY = SMTP.clone(max_line_length=76, refold_source="none")
_LINE = 74
"""Characters of a line with an encoded word, after its blank (RFC 2047, section 2, allows 76)."""


def to_message(mail: Mail, sender: str) -> EmailMessage:
    """Return a mail as a MIME message with a plain and an HTML part.

    Raises:
        Permanent: its address or a header cannot be written as RFC 5322 wants it.
    """
    if not mail.to.isascii():
        raise Permanent("the address has letters that few mail servers take (RFC 6531)")
    message = EmailMessage(policy=_POLICY)
    with _as_permanent():
        if not _BREAKS.isdisjoint("".join((mail.subject, mail.sender_name, mail.to, *mail.headers.values()))):
            raise ValueError("a header is one line")
        # Python's own folding loses blanks between encoded words, and the quotation marks around a long name.
        message.set_raw("From", _folded(sender_address(mail.sender_name, sender)))
        message["To"] = mail.to
        if mail.subject.isascii() and "=?" not in mail.subject:
            message["Subject"] = mail.subject
        else:
            message.set_raw("Subject", _folded(_encoded_words(mail.subject)))
        for name, value in mail.headers.items():
            value.encode("ascii")
            # Python would write a long address as encoded words, which mail programs do not decode there (RFC 2047, section 5).
            message.set_raw(name, value)
        message.set_content(mail.text, cte="quoted-printable")
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def to_bytes(message: EmailMessage) -> bytes:
    """Return a message as it is sent.

    Raises:
        Permanent: a header cannot be written as RFC 5322 wants it.
    """
    with _as_permanent():
        return message.as_bytes()


@contextlib.contextmanager
def _as_permanent() -> Iterator[None]:
    try:
        yield
    except (ValueError, IndexError, MessageError, UnicodeError) as error:
        raise Permanent(f"the mail cannot be written: {type(error).__name__}") from None


def sender_address(name: str, address: str) -> str:
    """Return the value of a From header, on one line."""
    return formataddr((name, address)) if name.isascii() else f"{_encoded_words(name)} <{address}>"


def _encoded_words(text: str) -> str:
    """Return a text as encoded words (RFC 2047) with a blank between them."""
    return Header(text, "utf-8", maxlinelen=_LINE, header_name="Subject").encode(linesep="")


def _folded(value: str) -> str:
    """Return the value of a header with a line for each encoded word."""
    return value.replace("?= ", "?=\r\n ")


class SesEditionMailer:
    """Sends from one address, whose domain signs with DKIM. Its client must not repeat requests by itself.

    Args:
        configuration: the configuration set that reports bounces and complaints; empty for none.
    """

    def __init__(self, client: Any, sender: str, configuration: str) -> None:
        self._ses = client
        self._sender = sender
        self._configuration = {"ConfigurationSetName": configuration} if configuration else {}
        self._rate = 0.0

    def send(self, mail: Mail) -> str:
        """Hand over a message for delivery and return SES's id of it (see the port `EditionMailer`)."""
        raw = to_bytes(to_message(mail, self._sender))
        try:
            answer = self._ses.send_email(
                FromEmailAddress=sender_address(mail.sender_name, self._sender),
                Destination={"ToAddresses": [mail.to]},
                Content={"Raw": {"Data": raw}},
                EmailTags=[{"Name": name, "Value": value} for name, value in mail.tags.items()],
                **self._configuration,
            )
        except ClientError as error:
            raise _translated(error, self._sender) from None
        except (EndpointConnectionError, ConnectTimeoutError):
            raise NotAccepted("SES cannot be reached") from None
        except BotoCoreError as error:
            raise Transient(f"the answer of SES was lost: {type(error).__name__}") from None
        return str(answer["MessageId"])

    def rate(self) -> float:
        """Return how many mails a second SES takes of this account; asked once."""
        if not self._rate:
            try:
                quota = self._ses.get_account()["SendQuota"]
                self._rate = max(float(quota["MaxSendRate"]), _LEAST_RATE)
            except (ClientError, BotoCoreError):
                return _LEAST_RATE
        return self._rate


def _translated(error: ClientError, sender: str) -> Exception:
    """Return what an error of SES means. What SES says may quote the address, which belongs into no log."""
    code = error.response["Error"]["Code"]
    if code in _THROTTLED:
        return NotAccepted(code)
    said = error.response["Error"].get("Message", "")
    if code in _STOPPED or (code == "MessageRejected" and "not verified" in said and sender in said):
        return SendingStopped(code)
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return Transient(f"the answer of SES was lost: {code}")
    return Permanent(f"SES does not take the mail: {code}")
