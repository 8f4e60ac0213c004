"""What the readers' API has in common with the stages, less what only queues need: ports from the environment, and logs.

Clients are made when they are first used. Most requests need the table alone.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger
from botocore.session import get_session

from nightdesk.adapters.aws import EventBridgeBus, LambdaJobs, S3Objects, SecretKeys, SesMailer
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.stripe import StripePayments
from nightdesk.clients import CONFIG, LateClient
from nightdesk.settings import Settings
from nightdesk.usecases.ports import Limits, ReaderPorts

logger = Logger()


def reader_ports(settings: Settings) -> ReaderPorts:
    """The readers' API's ports on AWS."""
    session = get_session()
    table = session.create_client("dynamodb", config=CONFIG)
    secrets = LateClient(session, "secretsmanager")
    names = [name for name in settings.edge_keys.split(",") if name]
    return ReaderPorts(
        memberships=DynamoTable(table, settings.memberships_table),
        work=S3Objects(LateClient(session, "s3"), settings.work_bucket, may_list=False),
        bus=EventBridgeBus(LateClient(session, "events"), settings.bus, "nightdesk.reader_api"),
        mailer=SesMailer(LateClient(session, "sesv2"), settings.mail_sender),
        jobs=LambdaJobs(LateClient(session, "lambda"), os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")),
        keys=SecretKeys(secrets, {str(n): name for n, name in enumerate(names, 1)}),
        key_id=settings.edge_key_id,
        base_url=settings.base_url,
        can_mail=bool(settings.mail_sender),
        limits=Limits(settings.sign_ins_per_address, settings.sign_ins_per_network, settings.sign_ins_per_hour),
        payments=stripe_payments(secrets, settings.stripe_secret, settings.stripe_api),
        grace=timedelta(days=settings.payment_grace_days),
    )


def stripe_payments(secrets: Any, name: str, api: str = "") -> StripePayments | None:
    """Stripe with the keys of a secret; None where there is no such secret.

    Args:
        secrets: a client of Secrets Manager.
        api: where Stripe's stand-in listens, on a laptop.
    """
    return StripePayments(lambda: json.loads(SecretKeys(secrets, {"": name})[""]), api) if name else None
