"""What the readers' API has in common with the stages, less what only queues need: ports from the environment, and logs.

Clients are made when they are first used. Most requests need the table alone.
"""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.session import get_session

from nightdesk.adapters.aws import EventBridgeBus, LambdaJobs, S3Objects, SecretKeys, SesMailer
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.settings import Settings
from nightdesk.usecases.ports import Limits, ReaderPorts

logger = Logger()

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, connect_timeout=1, read_timeout=3)


class _Late:
    """A client that is made when it is first used."""

    def __init__(self, session: Any, service: str) -> None:
        self._session = session
        self._service = service
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        self._client = self._client or self._session.create_client(self._service, config=_CONFIG)
        return getattr(self._client, name)


def reader_ports(settings: Settings) -> ReaderPorts:
    """The readers' API's ports on AWS."""
    session = get_session()
    table = session.create_client("dynamodb", config=_CONFIG)
    names = [name for name in settings.edge_keys.split(",") if name]
    return ReaderPorts(
        memberships=DynamoTable(table, settings.memberships_table),
        work=S3Objects(_Late(session, "s3"), settings.work_bucket, may_list=False),
        bus=EventBridgeBus(_Late(session, "events"), settings.bus, "nightdesk.reader_api"),
        mailer=SesMailer(_Late(session, "sesv2"), settings.mail_sender),
        jobs=LambdaJobs(_Late(session, "lambda"), os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")),
        keys=SecretKeys(_Late(session, "secretsmanager"), {str(n): name for n, name in enumerate(names, 1)}),
        key_id=settings.edge_key_id,
        base_url=settings.base_url,
        can_mail=bool(settings.mail_sender),
        limits=Limits(settings.sign_ins_per_address, settings.sign_ins_per_network, settings.sign_ins_per_hour),
    )
