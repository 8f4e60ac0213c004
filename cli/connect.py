"""Finds the stack that a command works on, and the identity under which it acts."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from nightdesk.domain.errors import Permanent
from nightdesk.entrypoints.operator_ports import operator_editor_ports
from nightdesk_local.cloud import Cloud, elsewhere, find, home, on_aws

if TYPE_CHECKING:
    from nightdesk.usecases.editors.audit import Actor
    from nightdesk.usecases.editors.operations import EditorService


class NotConnected(Permanent):
    """The local cloud is not up."""


def connect(stack: str | None) -> Cloud:
    """Return the named stack on AWS, or without a name the local cloud.

    Raises:
        NotConnected: the local cloud is not up.
        SetUpError: there is no such stack.
    """
    if stack:
        return on_aws(stack)
    if cloud := find():
        return cloud
    raise NotConnected(
        elsewhere(home())
        or "The local cloud is not running. Start it with “make run”, or name a stack on AWS with --stack."
    )


def editor_service(cloud: Cloud) -> EditorService:
    """Return the editors' operations, which the editors' API offers too, with this user's name in the audit log."""
    from nightdesk.usecases.editors.operations import EditorService

    return EditorService(_actor(cloud), operator_editor_ports(cloud))


def _actor(cloud: Cloud) -> Actor:
    """Return the user: on AWS the caller's ARN, else the name of the account on this machine."""
    from nightdesk.usecases.editors.audit import Actor

    if cloud.endpoint:
        return Actor(f"cli:{getpass.getuser()}", getpass.getuser())
    arn = str(cloud.client("sts").get_caller_identity()["Arn"])
    return Actor(f"cli:{arn}", arn.rpartition("/")[2])
