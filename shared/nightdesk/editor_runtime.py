"""What the editors' API stands on: ports from the environment, and logs."""

from __future__ import annotations

from aws_lambda_powertools import Logger
from botocore.session import get_session

from nightdesk.adapters.aws import CloudFrontCdn, EventBridgeBus, S3Objects, S3Uploads, SchedulerAlarm, SecretKeys
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.journal import DynamoJournal
from nightdesk.adapters.readers import HttpReaders
from nightdesk.adapters.sqs import SqsQueues
from nightdesk.clients import CONFIG, SIGNING, LateClient
from nightdesk.settings import Settings
from nightdesk.usecases.desk import DeskPorts
from nightdesk.usecases.ports import Ports

logger = Logger()

_READER_SECONDS = 4.0
"""How long a reader who looks for a withdrawn article waits for an answer: the editor waits too."""


def desk_ports(settings: Settings) -> DeskPorts:
    """The editors' ports on AWS. Neither the cache nor alarms are the desk's to touch: the stages see to them."""
    session = get_session()
    s3, dynamodb = (session.create_client(service, config=CONFIG) for service in ("s3", "dynamodb"))
    ports = Ports(
        drafts=S3Objects(s3, settings.drafts_bucket),
        work=S3Objects(s3, settings.work_bucket),
        site=S3Objects(s3, settings.site_bucket),
        articles=DynamoTable(dynamodb, settings.articles_table),
        bus=EventBridgeBus(LateClient(session.create_client, "events"), settings.bus, "nightdesk.editor_api"),
        cdn=CloudFrontCdn(None, ""),
        alarm=SchedulerAlarm(lambda: None, "", ("", "")),
        updates=DynamoTable(dynamodb, settings.updates_table),
        base_url=settings.base_url,
    )
    keys = SecretKeys(LateClient(session.create_client, "secretsmanager"), named_keys(settings.edge_keys))
    return DeskPorts(
        pipeline=ports,
        memberships=DynamoTable(dynamodb, settings.memberships_table),
        requests=DynamoTable(dynamodb, settings.requests_table),
        journal=DynamoJournal(dynamodb, settings.audit_table),
        queues=SqsQueues(LateClient(session.create_client, "sqs"), named_queues(settings.queues)),
        uploads=S3Uploads(LateClient(session.create_client, "s3", SIGNING), settings.drafts_bucket),
        readers=lambda: HttpReaders(
            settings.base_url, keys[settings.edge_key_id], settings.edge_key_id, _READER_SECONDS
        ),
    )


def named_keys(text: str) -> dict[str, str]:
    """The ARNs of the edge's secrets by key id, from `Settings.edge_keys`."""
    return {str(number): name for number, name in enumerate(filter(None, text.split(",")), 1)}


def named_queues(text: str) -> dict[str, tuple[str, str]]:
    """The URLs of each queue and its dead-letter queue, from `Settings.queues`."""
    words = text.split()
    return {name: (queue, dead) for name, queue, dead in zip(words[::3], words[1::3], words[2::3], strict=True)}
