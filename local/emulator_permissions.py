"""Checks permissions that MiniStack does not, and records which statements of the roles' policies allow the functions' calls.

AWS asks for `iam:PassRole` where a call passes a role on, and for `s3:ListBucket` before it says that an object is missing. For a mail, SES checks
each identity and the configuration set, by its sender.

IAM is enforced here, so a call that no statement allows fails. The record shows the reverse, which permissions nothing uses; and tests
play it again on the policies as AWS gets them (`tests/support/permission_record.py`).
"""

from __future__ import annotations

import dataclasses
import json
import re
import threading
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from nightdesk_local.patching import require

PASSED_ROLE = "nightdesk:passedrole"
"""The context key that names the role which a call passes on; AWS has none."""
_MAIL = "nightdesk:mail"
"""The context key with what a mail needs permission for, as pairs of action and resource; AWS has none."""
_OUTBOUND = "/v2/email/outbound-emails"
_request = threading.local()
"""`mail`: the context keys of the mail that is asked about. MiniStack asks about SES without them."""
_PASSES_ROLE = {
    "scheduler:CreateSchedule": "scheduler.amazonaws.com",
    "scheduler:UpdateSchedule": "scheduler.amazonaws.com",
}
_SES = "arn:aws:ses:us-east-1:000000000000"
_ROLE = re.compile(r":assumed-role/.*?-([A-Za-z]+Role)-")
_CONTEXT = (
    "dynamodb:leadingkeys",
    "events:source",
    "events:detail-type",
    "iam:passedtoservice",
    "ses:fromaddress",
    "ses:recipients",
)
"""Condition keys that the record keeps."""


def patch_permissions(evaluator: Any, s3: Any, record: Path | None) -> None:
    """Ask the second question of some calls, and record calls as lines of JSON, each kind of call once.

    Args:
        record: the file to write; None for no record.
    """
    require(evaluator, "evaluate", "evaluate_resource_policy")
    require(s3, "_ensure_bucket")
    evaluate, evaluate_resource_policy = evaluator.evaluate, evaluator.evaluate_resource_policy
    of_resource = threading.local()
    known: set[tuple[str, ...]] = set()

    def is_missing(resource: str) -> bool:
        bucket, _, key = resource.removeprefix("arn:aws:s3:::").partition("/")
        objects = (s3._ensure_bucket(bucket) or {}).get("objects", {})
        return key not in objects and unquote(key) not in objects

    def evaluate_and_record(context: Any, policies: Any, *limits: Any) -> Any:
        if context.action == "ses:SendEmail" and (keys := _request.__dict__.pop("mail", None)):
            context = dataclasses.replace(context, service_context={**(context.service_context or {}), **keys})
        if questions := list(mail_questions(context)):
            results = [evaluate_and_record(question, policies, *limits) for question in questions]
            return next((result for result in results if result.decision != "Allow"), results[0])
        result = evaluate(context, policies, *limits)
        if getattr(of_resource, "asked", False):
            return result
        role = _ROLE.search(context.principal_arn)
        if record and role and (kind := _kind_of(role[1], context, result)) not in known:
            known.add(kind)
            with record.open("a") as file:
                file.write(json.dumps(call_of(role[1], context, result)) + "\n")
        if result.decision == "Allow" and role:
            if passed := passing_of(context):
                return evaluate_and_record(passed, policies, *limits)
            if context.action == "s3:GetObject" and is_missing(context.resource_arn):
                bucket = context.resource_arn.partition("/")[0]
                return evaluate_and_record(
                    dataclasses.replace(context, action="s3:ListBucket", resource_arn=bucket), policies, *limits
                )
        return result

    def evaluate_of_resource(*args: Any, **options: Any) -> Any:
        of_resource.asked = True
        try:
            return evaluate_resource_policy(*args, **options)
        finally:
            of_resource.asked = False

    evaluator.evaluate = evaluate_and_record
    evaluator.evaluate_resource_policy = evaluate_of_resource


def passing_of(context: Any) -> Any:
    """Return the second question that AWS asks about a call that passes a role on; None if it passes none."""
    role = context.service_context.get(PASSED_ROLE)
    if not role:
        return None
    to = {"iam:passedtoservice": _PASSES_ROLE[context.action]}
    return dataclasses.replace(context, action="iam:PassRole", resource_arn=role, service_context=to)


def mail_questions(context: Any) -> Iterator[Any]:
    """Yield what SES asks about a mail, instead of the one question that MiniStack has; nothing for another call."""
    keys = dict(context.service_context or {})
    for action, resource in keys.pop(_MAIL, ()):
        yield dataclasses.replace(context, action=action, resource_arn=resource, service_context=keys)


def patch_mail_permissions(app: Any) -> None:
    """Keep what a mail is, while it is asked whether it may be sent."""
    require(app, "_enforce_ses_v2")
    enforce = app._enforce_ses_v2

    def enforce_with_mail(method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        _request.mail = mail_keys(body) if (method, path) == ("POST", _OUTBOUND) else None
        try:
            return enforce(method, path, headers, body, *rest)
        finally:
            _request.mail = None

    app._enforce_ses_v2 = enforce_with_mail


def mail_keys(body: bytes) -> dict[str, Any]:
    """Return the context keys of a mail (Service Authorization Reference, SES v2), and what it needs permission for.

    Of the identities SES asks about the sender's and, in its sandbox, the recipients' that the account has verified.
    """
    action = "ses:SendEmail"
    request = json.loads(body or b"{}")
    sender = parseaddr(request.get("FromEmailAddress", ""))[1]
    recipients = [address for some in request.get("Destination", {}).values() for address in some]
    actions = [action, "ses:SendRawEmail"] if "Raw" in request.get("Content", {}) else [action]
    domains = sorted({address.rpartition("@")[2] for address in (sender, *recipients)})
    resources = [f"{_SES}:identity/{domain}" for domain in domains]
    if name := request.get("ConfigurationSetName"):
        resources.append(f"{_SES}:configuration-set/{name}")
    asked = [(each, resource) for each in actions for resource in resources]
    return {"ses:fromaddress": sender, "ses:recipients": recipients, _MAIL: asked}


def passed_role(action: str, body: bytes) -> dict[str, str]:
    """Return the context key with the role that a request passes on."""
    if action not in _PASSES_ROLE:
        return {}
    role = json.loads(body or b"{}").get("Target", {}).get("RoleArn")
    return {PASSED_ROLE: role} if role else {}


def call_of(role: str, context: Any, result: Any) -> dict[str, Any]:
    """Return the record of a call: role, action, resource, context, decision, and the statement that decided."""
    keys = {key: context.service_context[key] for key in _CONTEXT if key in context.service_context}
    decided = {"decision": result.decision, "statement": result.matched_sid}
    return {"role": role, "action": context.action, "resource": context.resource_arn, "context": keys, **decided}


def _kind_of(role: str, context: Any, result: Any) -> tuple[str, ...]:
    """Return what makes a call worth another line: anything but the rest of its object's key and of its records' keys."""
    leading = {key.partition("#")[0] for key in context.service_context.get("dynamodb:leadingkeys") or ()}
    shape = "/".join(context.resource_arn.split("/")[:2])
    return (role, context.action, shape, result.decision, result.matched_sid, *sorted(leading))
