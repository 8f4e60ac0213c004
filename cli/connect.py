"""Finds the cloud that a command is about."""

from __future__ import annotations

from nightdesk_local.cloud import Cloud, find, on_aws

__all__ = ["Cloud", "connect"]


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
