"""The ports of the editors' API and of the canary on AWS."""

from __future__ import annotations

from datetime import timedelta

from nightdesk.adapters.audit_log import DynamoAuditLog, copied
from nightdesk.adapters.aws import CloudFrontCdn, EventBridgeBus, S3Objects, S3Uploads, SecretKeys
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.readers import HttpReaders
from nightdesk.adapters.sqs import SqsQueues
from nightdesk.adapters.timers import EventBridgeSchedules, ScheduleTarget
from nightdesk.entrypoints.clients import CONFIG, SIGNING, LateClient
from nightdesk.entrypoints.sessions import make_session
from nightdesk.entrypoints.settings import Settings
from nightdesk.ports import Ports
from nightdesk.usecases.editors.operations import EditorPorts
from nightdesk.usecases.newsletters.ports import NewsletterPorts

_READER_TIMEOUT = 4.0
"""Seconds to wait for a page during a takedown, while the editor waits for the report."""


def editor_ports(settings: Settings, source: str = "nightdesk.editor_api") -> EditorPorts:
    """Return the editors' ports on AWS. The editors' API never invalidates or schedules: the stages do. A takedown
    asks CloudFront how far an invalidation has come.

    Args:
        source: of the events that are sent.
    """
    session = make_session()
    s3, dynamodb = (session.create_client(service, config=CONFIG) for service in ("s3", "dynamodb"))
    ports = Ports(
        drafts=S3Objects(s3, settings.drafts_bucket),
        private=S3Objects(s3, settings.private_bucket),
        site=S3Objects(s3, settings.site_bucket),
        articles=DynamoTable(dynamodb, settings.articles_table),
        bus=EventBridgeBus(LateClient(session.create_client, "events"), settings.bus, source),
        cdn=CloudFrontCdn(LateClient(session.create_client, "cloudfront"), settings.distribution_id),
        schedules=EventBridgeSchedules(lambda _: None, "", ScheduleTarget("", "", "", "")),
        updates=DynamoTable(dynamodb, settings.updates_table),
        base_url=settings.base_url,
    )
    memberships = DynamoTable(dynamodb, settings.memberships_table)
    editions = DynamoTable(dynamodb, settings.editions_table)
    settles = timedelta(seconds=settings.count_seconds)
    keys = SecretKeys(LateClient(session.create_client, "secretsmanager"), _key_arns(settings.edge_keys))
    return EditorPorts(
        pipeline=ports,
        memberships=memberships,
        newsletters=NewsletterPorts(ports, memberships, editions, postal_address=settings.postal_address),
        requests=DynamoTable(dynamodb, settings.requests_table),
        audit_log=copied(DynamoAuditLog(dynamodb, settings.audit_table), s3, settings.audit_bucket),
        queues=SqsQueues(LateClient(session.create_client, "sqs"), _queue_urls(settings.queues), settles),
        uploads=S3Uploads(LateClient(session.create_client, "s3", SIGNING), settings.drafts_bucket),
        readers=lambda: HttpReaders(
            settings.base_url, keys[settings.edge_key_id], settings.edge_key_id, _READER_TIMEOUT
        ),
        saves=settings.economy == "yes",
    )


def _key_arns(text: str) -> dict[str, str]:
    """Return the ARNs of the edge's secrets by key id, from `Settings.edge_keys`."""
    return {str(number): name for number, name in enumerate(filter(None, text.split(",")), 1)}


def _queue_urls(text: str) -> dict[str, tuple[str, str]]:
    """Return the URLs of each queue and its dead-letter queue by name, from `Settings.queues`."""
    url, *words = text.split() or [""]
    where = url.rpartition("/")[0]
    named = zip(words[::3], words[1::3], words[2::3], strict=True)
    return {name: (f"{where}/{queue}", f"{where}/{dead}") for name, queue, dead in named}
