"""Finds the cloud that a command is about, and what a person with credentials may use of it."""

from __future__ import annotations

from dataclasses import replace

from nightdesk.runtime import aws_ports
from nightdesk.settings import Settings
from nightdesk.usecases.ports import Ports
from nightdesk_local.cloud import Cloud, find, on_aws

__all__ = ["Cloud", "cli_ports", "connect", "edge_key"]


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
    )
    ports = aws_ports(settings, "nightdesk.cli", cloud.session().client)
    return replace(ports, can_sign_in=names["CanSignIn"] == "yes")


def edge_key(cloud: Cloud) -> str:
    """The secret that signs readers' sessions."""
    secrets = cloud.session().client("secretsmanager")
    return str(secrets.get_secret_value(SecretId=cloud.outputs["EdgeKeyArn"])["SecretString"])
