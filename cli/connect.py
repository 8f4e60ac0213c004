"""Finds the cloud that a command is about, and what a person with credentials may use of it."""

from __future__ import annotations

import getpass
from dataclasses import replace

from nightdesk.adapters.aws import S3Uploads
from nightdesk.adapters.dynamodb import DynamoTable
from nightdesk.adapters.journal import DynamoJournal
from nightdesk.adapters.readers import HttpReaders
from nightdesk.adapters.sqs import SqsQueues
from nightdesk.clients import SIGNING
from nightdesk.reader_runtime import reader_ports
from nightdesk.runtime import aws_ports
from nightdesk.settings import Settings
from nightdesk.usecases.audit import Actor
from nightdesk.usecases.desk import Desk, DeskPorts
from nightdesk.usecases.ports import Ports, ReaderPorts
from nightdesk_local.cloud import Cloud, find, on_aws

__all__ = ["Cloud", "actor", "cli_desk", "cli_ports", "cli_reader_ports", "connect", "edge_key", "queues"]

_DEAD = "DeadLetterQueueUrl"


def connect(stack: str | None) -> Cloud:
    """The stack on AWS, or without a name the local cloud.

    Raises:
        SystemExit: there is none; the text says what to do.
    """
    if stack:
        try:
            return on_aws(stack)
        except LookupError as error:
            raise SystemExit(str(error)) from error
    cloud = find()
    if cloud is None:
        raise SystemExit("the local cloud is not up: start it with “make run”, or name a stack on AWS with --stack")
    return cloud


def cli_ports(cloud: Cloud) -> Ports:
    """The ports for a person with credentials of their own."""
    names = cloud.outputs
    settings = Settings(
        drafts_bucket=names["DraftsBucket"],
        work_bucket=names["WorkBucket"],
        site_bucket=names["SiteBucket"],
        articles_table=names["ArticlesTable"],
        updates_table=names["UpdatesTable"],
        bus=names["EventBusName"],
        distribution_id=names["DistributionId"],
        base_url=names["SiteUrl"].rstrip("/"),
        can_pay=names["CanPay"],
    )
    ports = aws_ports(settings, "nightdesk.cli", cloud.session().client)
    return replace(ports, can_sign_in=names["CanSignIn"] == "yes")


def cli_desk(cloud: Cloud) -> Desk:
    """Where a person with credentials acts as an editor: the API's own acts, with their entries in the audit log."""
    session, names = cloud.session(), cloud.outputs
    dynamodb = session.client("dynamodb")
    ports = DeskPorts(
        pipeline=cli_ports(cloud),
        memberships=DynamoTable(dynamodb, names["MembershipsTable"]),
        requests=DynamoTable(dynamodb, names["RequestsTable"]),
        journal=DynamoJournal(dynamodb, names["AuditTable"]),
        queues=queues(cloud),
        uploads=S3Uploads(session.client("s3", config=SIGNING), names["DraftsBucket"]),
        readers=lambda: HttpReaders(names["SiteUrl"], edge_key(cloud), names["EdgeKeyId"]),
    )
    return Desk(actor(cloud), ports)


def actor(cloud: Cloud) -> Actor:
    """Who acts at the command line: on AWS as AWS knows the caller, else as the machine does."""
    if cloud.endpoint:
        return Actor(f"cli:{getpass.getuser()}", getpass.getuser())
    arn = str(cloud.session().client("sts").get_caller_identity()["Arn"])
    return Actor(f"cli:{arn}", arn.rpartition("/")[2])


def queues(cloud: Cloud) -> SqsQueues:
    """The stages' queues."""
    urls = {
        name.removesuffix(_DEAD).lower(): (cloud.outputs[f"{name.removesuffix(_DEAD)}QueueUrl"], url)
        for name, url in cloud.outputs.items()
        if name.endswith(_DEAD)
    }
    return SqsQueues(cloud.session().client("sqs"), urls)


def cli_reader_ports(cloud: Cloud) -> ReaderPorts:
    """Likewise, for what is about readers and what they pay for."""
    names = cloud.outputs
    settings = Settings(
        memberships_table=names["MembershipsTable"],
        work_bucket=names["WorkBucket"],
        bus=names["EventBusName"],
        base_url=names["SiteUrl"].rstrip("/"),
        stripe_secret=names["StripeSecretArn"] if names["CanPay"] == "yes" else "",
        stripe_api=cloud.stripe,
        payment_grace_days=int(names["PaymentGraceDays"]),
    )
    return reader_ports(settings, "nightdesk.cli", cloud.session().client)


def edge_key(cloud: Cloud) -> str:
    """The secret that signs readers' sessions."""
    secrets = cloud.session().client("secretsmanager")
    return str(secrets.get_secret_value(SecretId=cloud.outputs["EdgeKeyArn"])["SecretString"])
