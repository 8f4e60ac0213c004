"""What a command says when it fails: one line about what is wrong and what to do, never a traceback.

Set NIGHTDESK_DEBUG=1 for the traceback of an unexpected error.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from nightdesk.domain.errors import NightdeskError
from nightdesk.domain.timestamps import InvalidTimestamp
from nightdesk_local.cloud import SetUpError

REFUSED = 2
"""The exit status if the command was wrong, what it names was not found, or the set-up is incomplete."""
FAULT = 70
"""The exit status for a fault of Nightdesk (EX_SOFTWARE in sysexits.h)."""

_NO_CREDENTIALS = "No AWS credentials were found: run “aws configure” or “aws sso login”, or set AWS_PROFILE."
_EXPIRED = "The AWS credentials have expired or are not valid: sign in again, for example with “aws sso login”."
_NO_REGION = "No AWS region is set: set AWS_REGION, for example to eu-north-1."
_NO_PROFILE = (
    "The AWS profile does not exist: check AWS_PROFILE, or list the profiles with “aws configure list-profiles”."
)
_NO_CONFIG = "The AWS configuration cannot be read: check ~/.aws/config and ~/.aws/credentials."
_NO_ANSWER = "{where} does not answer: check the network, the region, and that the local cloud is up."
_SETUP = {
    "NoRegionError": _NO_REGION,
    "InvalidRegionError": "The AWS region is not a valid name: check AWS_REGION, for example eu-north-1.",
    "ProfileNotFound": _NO_PROFILE,
    "NoCredentialsError": _NO_CREDENTIALS,
    "NoAuthTokenError": _NO_CREDENTIALS,
    "PartialCredentialsError": "The AWS credentials are incomplete: both the key id and the secret are needed.",
    "CredentialRetrievalError": _EXPIRED,
    "TokenRetrievalError": _EXPIRED,
    "SSOError": _EXPIRED,
    "LoginError": _EXPIRED,
    "ConfigParseError": _NO_CONFIG,
    "ConfigNotFound": _NO_CONFIG,
    "InvalidConfigError": _NO_CONFIG,
    "HTTPClientError": _NO_ANSWER,
    "ConnectionError": _NO_ANSWER,
    "InvalidEndpointConfigurationError": "The address of AWS is not valid: check AWS_ENDPOINT_URL and the region.",
}
"""A message for each of botocore's errors, by the name of its class or of one that it inherits."""
_CODES = {
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "RequestExpired",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ),
        _EXPIRED,
    ),
    **dict.fromkeys(("SignatureDoesNotMatch", "InvalidAccessKeyId", "AuthFailure"), _EXPIRED),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        "AWS does not allow this user to do that ({operation}): ask for the permission, or use another AWS_PROFILE.",
    ),
    **dict.fromkeys(
        ("ResourceNotFoundException", "NoSuchBucket", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"),
        "A part of the stack is missing ({operation}): deploy the stack again.",
    ),
}
"""A message for each of the codes with which AWS refuses a request."""


def describe(error: BaseException) -> tuple[str, int]:
    """Return one line about an error, and the exit status."""
    for cause in _causes(error):
        if message := _of_aws(cause):
            return message, REFUSED
    if isinstance(error, NightdeskError | SetUpError | InvalidTimestamp):
        return str(error), REFUSED
    if isinstance(error, OSError):
        named = f"{error.filename}: " if error.filename else ""
        return f"{named}{error.strerror or 'the connection broke off'}", REFUSED
    if os.environ.get("NIGHTDESK_DEBUG"):
        traceback.print_exception(error)
    return (
        f"This is a fault of Nightdesk ({type(error).__name__}{_place(error)}): "
        "please report it. NIGHTDESK_DEBUG=1 shows more.",
        FAULT,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _of_aws(error: BaseException) -> str:
    """Return the message for an error of botocore; empty for any other one."""
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint"):
        return _SETUP["InvalidEndpointConfigurationError"]
    kinds = [kind for kind in type(error).__mro__ if kind.__module__ == "botocore.exceptions"]
    if not kinds:
        return ""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return _of_response(response.get("Error", {}), str(getattr(error, "operation_name", "")))
    details = getattr(error, "kwargs", {})
    where = str(details.get("endpoint_url") or details.get("proxy_url") or "AWS")
    message = next((_SETUP[kind.__name__] for kind in kinds if kind.__name__ in _SETUP), "")
    return message.format(where=where) or f"AWS cannot be used: {' '.join(str(error).split())}"


def _of_response(error: dict[str, str], operation: str) -> str:
    code = error.get("Code", "")
    if code in _CODES:
        return _CODES[code].format(operation=operation)
    return f"AWS refused {operation}: {' '.join((error.get('Message') or code).split())}"


def _place(error: BaseException) -> str:
    """Return the file and line where an error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
