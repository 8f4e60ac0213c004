"""Ports for an operator: a person at the command line, or a benchmark, with AWS credentials.

The names come from the stack's outputs, and each client is created on first use. Neither the Lambda runtime nor Powertools
is imported here, so that the command line starts quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config

from nightdesk.adapters.aws import CloudFrontCdn, EventBridgeBus, S3Objects, S3Uploads
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.parallel import MAX_CONNECTIONS, in_parallel
from nightdesk.adapters.sqs import SqsQueues
from nightdesk.adapters.timers import EventBridgeSchedules, ScheduleTarget
from nightdesk.domain.errors import Permanent
from nightdesk.entrypoints.clients import SIGNING, LateClient
from nightdesk.entrypoints.picture_maker import picture_maker
from nightdesk.ports import Ports, ReaderPorts

if TYPE_CHECKING:
    from nightdesk.adapters.cognito import CognitoEditors
    from nightdesk.usecases.editors.operations import EditorPorts
    from nightdesk.usecases.newsletters.ports import NewsletterPorts, ReadersTable

_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=MAX_CONNECTIONS,
)
_DEAD_LETTERS = "DeadLetterQueueUrl"
SOURCE = "nightdesk.cli"
"""The `source` of an operator's events."""


class Stack(Protocol):
    """A deployed stack, on AWS or on the local cloud."""

    @property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of `template.yaml`, by name."""

    @property
    def stripe(self) -> str:
        """The URL of the local stand-in for Stripe; empty on AWS."""

    @property
    def client(self) -> Callable[..., Any]:
        """Creates a client of a service, as `create_client` of a botocore session does."""


def operator_ports(stack: Stack) -> Ports:
    """Return the pipeline's ports. The stages set alarms, so these cannot."""
    names, s3, dynamodb = stack.outputs, _late(stack, "s3"), _late(stack, "dynamodb")
    return Ports(
        drafts=S3Objects(s3, names["DraftsBucket"]),
        private=S3Objects(s3, names["PrivateBucket"]),
        site=S3Objects(s3, names["SiteBucket"]),
        articles=DynamoTable(dynamodb, names["ArticlesTable"]),
        bus=EventBridgeBus(_late(stack, "events"), names["EventBusName"], SOURCE),
        cdn=CloudFrontCdn(_late(stack, "cloudfront"), names["DistributionId"]),
        schedules=EventBridgeSchedules(lambda _: None, "", ScheduleTarget("", "", "", "")),
        updates=DynamoTable(dynamodb, names["UpdatesTable"]),
        base_url=names["SiteUrl"].rstrip("/"),
        can_sign_in=names["CanSignIn"] == "yes",
        can_pay=names["CanPay"] == "yes",
        in_parallel=in_parallel,
        pictures=picture_maker(),
    )


def operator_editor_ports(stack: Stack) -> EditorPorts:
    """Return the ports with which an operator acts as an editor, with entries in the audit log."""
    from nightdesk.adapters.audit_log import DynamoAuditLog, copied
    from nightdesk.adapters.readers import HttpReaders
    from nightdesk.usecases.editors.operations import EditorPorts

    names, dynamodb = stack.outputs, _late(stack, "dynamodb")
    return EditorPorts(
        pipeline=operator_ports(stack),
        memberships=memberships_table(stack),
        newsletters=operator_newsletter_ports(stack),
        requests=DynamoTable(dynamodb, names["RequestsTable"]),
        audit_log=copied(DynamoAuditLog(dynamodb, names["AuditTable"]), _late(stack, "s3"), names["AuditBucket"]),
        queues=stage_queues(stack),
        uploads=S3Uploads(LateClient(stack.client, "s3", SIGNING), names["DraftsBucket"]),
        readers=lambda: HttpReaders(names["SiteUrl"], edge_key(stack), names["EdgeKeyId"]),
        saves=names.get("Economy") == "yes",
    )


def operator_newsletter_ports(stack: Stack) -> NewsletterPorts:
    """Return the ports of newsletters. Only the stack itself sends, so there is no mailer among them."""
    from nightdesk.usecases.newsletters.ports import NewsletterPorts

    names = stack.outputs
    editions = DynamoTable(_late(stack, "dynamodb"), names["EditionsTable"])
    address = names["PostalAddress"].removeprefix("-")
    return NewsletterPorts(operator_ports(stack), memberships_table(stack), editions, postal_address=address)


def operator_reader_ports(stack: Stack) -> ReaderPorts:
    """Return the ports for memberships and payments."""
    from nightdesk.entrypoints.reader_ports import reader_ports
    from nightdesk.entrypoints.settings import Settings

    names = stack.outputs
    settings = Settings(
        memberships_table=names["MembershipsTable"],
        suppression_key=names.get("SuppressionKeyArn", ""),
        private_bucket=names["PrivateBucket"],
        bus=names["EventBusName"],
        base_url=names["SiteUrl"].rstrip("/"),
        stripe_secret=names["StripeSecretArn"] if names["CanPay"] == "yes" else "",
        stripe_api=stack.stripe,
        payment_grace_days=int(names["PaymentGraceDays"]),
    )
    return reader_ports(settings, SOURCE, stack.client)


def memberships_table(stack: Stack) -> ReadersTable:
    """Return the memberships table."""
    from nightdesk.entrypoints.reader_ports import readers_table

    table = DynamoTable(_late(stack, "dynamodb"), stack.outputs["MembershipsTable"])
    return readers_table(table, _late(stack, "secretsmanager"), stack.outputs.get("SuppressionKeyArn", ""))


def stage_queues(stack: Stack) -> SqsQueues:
    """Return the queues of all stages, by their names in lower case."""
    names = [name.removesuffix(_DEAD_LETTERS) for name in stack.outputs if name.endswith(_DEAD_LETTERS)]
    urls = {name.lower(): (stack.outputs[f"{name}QueueUrl"], stack.outputs[f"{name}{_DEAD_LETTERS}"]) for name in names}
    return SqsQueues(_late(stack, "sqs"), urls, **({"settles": timedelta(0)} if stack.stripe else {}))


def editor_accounts(stack: Stack) -> CognitoEditors:
    """Return the accounts of those who may use the editors' API."""
    from nightdesk.adapters.cognito import CognitoEditors

    names = stack.outputs
    return CognitoEditors(_late(stack, "cognito-idp"), names["EditorsPool"], names["EditorsClient"])


def edge_key(stack: Stack) -> str:
    """Return the secret that signs readers' sessions."""
    secrets = stack.client("secretsmanager")
    return str(secrets.get_secret_value(SecretId=stack.outputs["EdgeKeyArn"])["SecretString"])


def webhook_key(stack: Stack) -> str:
    """Return the key from which the secrets of webhooks are derived.

    Raises:
        Permanent: the stack tells nobody anything.
    """
    name = stack.outputs.get("WebhookKeyArn", "-")
    if name == "-":
        raise Permanent("This stack tells webhooks nothing. Deploy it with OutboundNotices=yes.")
    return str(stack.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def _late(stack: Stack, service: str) -> LateClient:
    return LateClient(stack.client, service, _CONFIG)
