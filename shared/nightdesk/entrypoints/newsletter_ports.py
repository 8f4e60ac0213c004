"""The ports of newsletters on AWS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.config import Config

from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.ses import SesEditionMailer
from nightdesk.entrypoints.aws_ports import CONFIG, aws_ports
from nightdesk.entrypoints.clients import LateClient
from nightdesk.entrypoints.reader_ports import readers_table
from nightdesk.entrypoints.sessions import make_session
from nightdesk.entrypoints.settings import Settings
from nightdesk.entrypoints.smtp_ports import smtp_mailer
from nightdesk.usecases.newsletters.ports import NewsletterPorts

_ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=3, read_timeout=20)
"""The SDK must not repeat a request by itself: the first one may have been carried out."""


def newsletter_ports(
    settings: Settings, source: str, make_client: Callable[..., Any] | None = None
) -> NewsletterPorts:  # fmt: skip
    """Return the ports of newsletters on AWS; `source` and `make_client` as in `aws_ports`."""
    make = make_client or make_session().create_client
    dynamodb = make("dynamodb", config=CONFIG)
    mailer = smtp_mailer(settings, make) or SesEditionMailer(
        LateClient(make, "sesv2", _ONCE), settings.mail_sender, settings.mail_configuration
    )
    return NewsletterPorts(
        pipeline=aws_ports(settings, source, make),
        memberships=readers_table(
            DynamoTable(dynamodb, settings.memberships_table),
            LateClient(make, "secretsmanager"),
            settings.suppression_key,
        ),
        editions=DynamoTable(dynamodb, settings.editions_table),
        mailer=mailer if settings.mail_sender else None,
        postal_address=settings.postal_address,
    )
