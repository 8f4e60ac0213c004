"""The readers' API's ports on AWS.

Each client is created on first use: most requests need the memberships table alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from nightdesk.adapters.aws import EventBridgeBus, S3Objects, SecretKeys, SesMailer
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.lambda_jobs import LambdaJobs
from nightdesk.adapters.parallel import in_parallel
from nightdesk.adapters.stripe import StripePayments
from nightdesk.adapters.suppressions import KeyedSuppressions
from nightdesk.entrypoints.clients import CONFIG, LateClient
from nightdesk.entrypoints.sessions import make_session
from nightdesk.entrypoints.settings import Settings
from nightdesk.entrypoints.smtp_ports import SignInSmtpMailer, smtp_mailer
from nightdesk.ports import ReaderPorts, SignInLimits
from nightdesk.usecases.newsletters.ports import ReadersTable


def reader_ports(
    settings: Settings, source: str = "nightdesk.reader_api", make_client: Callable[..., Any] | None = None
) -> ReaderPorts:
    """Return the readers' API's ports on AWS; `source` and `make_client` as in `aws_ports`."""
    make = make_client or make_session().create_client
    table = make("dynamodb", config=CONFIG)
    secrets = LateClient(make, "secretsmanager")
    smtp = smtp_mailer(settings, make)
    names = [name for name in settings.edge_keys.split(",") if name]
    return ReaderPorts(
        memberships=readers_table(DynamoTable(table, settings.memberships_table), secrets, settings.suppression_key),
        private=S3Objects(LateClient(make, "s3"), settings.private_bucket, may_list=False),
        bus=EventBridgeBus(LateClient(make, "events"), settings.bus, source),
        mailer=SignInSmtpMailer(smtp) if smtp else SesMailer(LateClient(make, "sesv2"), settings.mail_sender),
        jobs=LambdaJobs(LateClient(make, "lambda"), settings.jobs_function),
        keys=SecretKeys(secrets, {str(n): name for n, name in enumerate(names, 1)}),
        key_id=settings.edge_key_id,
        base_url=settings.base_url,
        can_sign_in=bool(settings.mail_sender),
        limits=SignInLimits(settings.sign_ins_per_address, settings.sign_ins_per_network, settings.sign_ins_per_hour),
        payments=_stripe(secrets, settings.stripe_secret, settings.stripe_api),
        grace=timedelta(days=settings.payment_grace_days),
        articles=DynamoTable(table, settings.articles_table),
        editions=DynamoTable(table, settings.editions_table) if settings.editions_table else None,
        site=S3Objects(LateClient(make, "s3"), settings.site_bucket, may_list=False) if settings.site_bucket else None,
        in_parallel=in_parallel,
    )


def readers_table(table: DynamoTable, secrets: Any, key: str) -> ReadersTable:
    """Return the memberships table, in which addresses that get no mail are recorded under a secret.

    Args:
        secrets: a client of Secrets Manager.
        key: the ARN of the secret; empty for a stack of a release that had none.
    """
    return KeyedSuppressions(table, lambda: SecretKeys(secrets, {"": key})[""]) if key else table


def _stripe(secrets: Any, name: str, api: str) -> StripePayments | None:
    return StripePayments(lambda: json.loads(SecretKeys(secrets, {"": name})[""]), api) if name else None
