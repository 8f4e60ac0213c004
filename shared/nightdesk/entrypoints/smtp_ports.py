"""Mail through a server of the newsroom's choice, where the stack was given the access to one."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from nightdesk.adapters.aws import SecretKeys
from nightdesk.domain.mail import Mail
from nightdesk.entrypoints.clients import LateClient
from nightdesk.entrypoints.settings import Settings

if TYPE_CHECKING:
    from nightdesk.adapters.smtp import SmtpMailer


def smtp_mailer(settings: Settings, make: Callable[..., Any]) -> SmtpMailer | None:
    """Return the port that sends through the stack's mail server; None where it uses SES."""
    if not settings.smtp_secret:
        return None
    # Imported here because most stacks use SES.
    from nightdesk.adapters.smtp import SmtpMailer

    secrets = SecretKeys(LateClient(make, "secretsmanager"), {"": settings.smtp_secret})
    return SmtpMailer(cache(lambda: json.loads(secrets[""])), settings.mail_sender)


class SignInSmtpMailer:
    """Sends sign-in mails through the stack's mail server."""

    def __init__(self, mailer: SmtpMailer) -> None:
        self._mailer = mailer

    def send(self, mail: Mail) -> None:
        """Hand over a message for delivery (see the port `Mailer`)."""
        self._mailer.send(mail)
