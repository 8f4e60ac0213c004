"""Runs MiniStack with realistic behaviour. `nightdesk_local.up` starts it as a separate process with a minimal environment.

MiniStack differs from AWS in ways that hide faults, or that make a laptop slow. Each `patch_*` function below fixes one of
them, says why, and asserts that the private names that it replaces exist; MiniStack's version is pinned.

Environment: LOCAL_LAMBDA_PYTHON, the functions' interpreter; LOCAL_PERMISSIONS, the folder of `emulator_permissions`'s record, if there is one;
LOCAL_MANNERS, `1` for those of `emulator_manners`; the rest is MiniStack's own (GATEWAY_PORT, AUTH, ...).
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from types import FrameType
from typing import Any

from nightdesk_local.emulator_batches import patch_batches
from nightdesk_local.emulator_indexes import patch_listings, patch_queries
from nightdesk_local.emulator_manners import patch_manners
from nightdesk_local.emulator_permissions import passed_role, patch_mail_permissions, patch_permissions
from nightdesk_local.emulator_speed import patch_expressions, patch_layers, patch_principals, patch_server
from nightdesk_local.patching import check_version, require

_TICK = 0.5
_MAIL_RATE = 500.0
"""Mails a second that SES takes here; none of them is delivered."""
_LISTED_OF_MAIL = ("MessageId", "Source", "Subject", "BodyText", "Timestamp", "Type")
_LISTED = 100
"""MaxItems of ListInvalidations (CloudFront API reference)."""


def patch_interpreter(runtime: Any, lambda_python: str) -> None:
    """Run functions on an interpreter that has only what Lambda provides.

    MiniStack would run them on its own, so that a package missing from the layers would never be noticed. The environment
    is for the functions' processes: they cannot write bytecode, as on Lambda's read-only disk.
    """
    require(runtime, "_detect_runtime_binary")
    detect = runtime._detect_runtime_binary

    def detect_binary(name: str) -> tuple[str, str]:
        binary, worker = detect(name)
        return (lambda_python, worker) if name.startswith("python") else (binary, worker)

    runtime._detect_runtime_binary = detect_binary
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PYTHONNOUSERSITE"] = "1"


def patch_schedules(scheduler: Any, events: Any) -> None:
    """Check schedules twice a second, not every ten seconds, so that tests and people do not wait."""
    require(scheduler, "_SCHEDULE_TICK_INTERVAL")
    require(events, "_SCHEDULER_TICK_INTERVAL")
    scheduler._SCHEDULE_TICK_INTERVAL = events._SCHEDULER_TICK_INTERVAL = _TICK


def patch_invalidations(cloudfront: Any) -> None:
    """List invalidations as CloudFront does, the newest hundred first.

    MiniStack lists all there ever were, and the edge cache asks many times a second.
    """
    require(cloudfront, "_list_invalidations", "_invalidations", "_xml_response", "SubElement")
    cloudfront._list_invalidations = lambda distribution: newest_invalidations(cloudfront, distribution)


def patch_mail(ses: Any) -> None:
    """Keep the headers of sent mail, of which MiniStack keeps the subject alone, and take mails faster than SES's sandbox would.

    The list of sent mail has no field for headers, so they take the place of its `Type`, which nothing reads.
    """
    require(ses, "handle_request", "_sent_emails_list")
    handle = ses.handle_request

    async def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        answer = await handle(method, path, headers, body, query)
        status, answer_headers, content = answer
        if status == 200 and path.endswith("/outbound-emails"):
            ses._sent_emails_list()[-1]["Type"] = json.dumps(mail_headers(body))
        elif status == 200 and method == "GET" and path.endswith("/account"):
            account = json.loads(content)
            account["SendQuota"] |= {"Max24HourSend": 1e6, "MaxSendRate": _MAIL_RATE}
            return status, answer_headers, json.dumps(account).encode()
        return answer

    ses.handle_request = handle_request


def patch_mail_list(app: Any, ses: Any) -> None:
    """List sent mail from a number on (`after`). MiniStack lists all of it, so that asking again and again halts a large edition."""
    require(app, "_handle_ses_messages_request")
    require(ses, "_sent_emails")
    handle = app._handle_ses_messages_request

    async def list_mail(method: str, path: str, headers: Any, query: Any) -> Any:
        if method != "GET" or path != "/_ministack/ses/messages" or "after" not in query:
            return await handle(method, path, headers, query)
        lists = [kept for key, kept in ses._sent_emails.to_dict().items() if key[-1] == "entries"]
        after = query["after"] if isinstance(query["after"], str) else query["after"][0]
        mails = [mail for kept in lists for mail in kept][int(after) :]
        listed = [
            {name: mail[name] for name in _LISTED_OF_MAIL}
            | {"BodyHtml": mail.get("BodyHtml"), "To": mail.get("To", [])}
            for mail in mails
        ]
        return 200, {"Content-Type": "application/json"}, json.dumps(listed).encode()

    app._handle_ses_messages_request = list_mail


def mail_headers(body: bytes) -> dict[str, str]:
    """Return the headers of a mail, as its reader would get them, from a request to SES's `SendEmail`."""
    request = json.loads(body)
    content = request["Content"]
    if "Raw" in content:
        message = message_from_bytes(base64.b64decode(content["Raw"]["Data"]), policy=policy.default)
        return {name: str(value) for name, value in message.items()}
    simple = content.get("Simple", {})
    own = {"From": request.get("FromEmailAddress", ""), "To": ", ".join(request["Destination"].get("ToAddresses", ()))}
    named = {header["Name"]: header["Value"] for header in simple.get("Headers", ())}
    return {**own, "Subject": simple.get("Subject", {}).get("Data", ""), **named}


def patch_object_events(s3: Any, events: Any) -> None:
    """Name the version in S3's events, as Amazon S3 does for a bucket with versions: who put it is recorded by that id."""
    require(s3, "_fire_s3_event")
    require(events, "_dispatch_event")
    fire, dispatch, firing = s3._fire_s3_event, events._dispatch_event, threading.local()

    def fire_with_version(*args: Any, version_id: str | None = None, **values: Any) -> None:
        firing.version = version_id
        try:
            fire(*args, version_id=version_id, **values)
        finally:
            firing.version = None

    def dispatch_with_version(event: dict[str, Any], *rest: Any) -> Any:
        return dispatch(with_version(event, getattr(firing, "version", None)), *rest)

    s3._fire_s3_event, events._dispatch_event = fire_with_version, dispatch_with_version


def with_version(event: dict[str, Any], version: str | None) -> dict[str, Any]:
    """Return an event of S3 with the version id of its object; any other event, or one without a version, as it is."""
    if event.get("Source") != "aws.s3" or not version or version == "null":
        return event
    detail = json.loads(event["Detail"])
    return {**event, "Detail": json.dumps({**detail, "object": {**detail["object"], "version-id": version}})}


def patch_copies(s3: Any) -> None:
    """Make copies conditional on what they replace, as Amazon S3 does (API reference, CopyObject)."""
    require(s3, "_copy_object")
    require(s3, "_check_put_preconditions")
    copy_object, check = s3._copy_object, s3._check_put_preconditions

    def copy_on_condition(bucket: str, key: str, headers: dict[str, str]) -> Any:
        stored = (s3._ensure_bucket(bucket) or {}).get("objects", {}).get(key)
        return check(headers, stored) or copy_object(bucket, key, headers)

    s3._copy_object = copy_on_condition


def patch_conditions(actions: Any) -> None:
    """Give IAM policies the condition keys of our roles that MiniStack does not know.

    They are `events:source` and `events:detail-type` of PutEvents and `dynamodb:LeadingKeys` (Service Authorization Reference).
    Without them a role could do here what AWS refuses.
    """
    require(actions, "request_tag_context")
    tags_of = actions.request_tag_context
    actions.request_tag_context = lambda service, action, body, params: {
        **tags_of(service, action, body, params),
        **condition_keys(action, body),
        **passed_role(action, body),
    }


def condition_keys(action: str, body: bytes) -> dict[str, list[str]]:
    """Return the values of the condition keys that `patch_conditions` adds, for a request to EventBridge or DynamoDB."""
    service = action.partition(":")[0]
    if service not in ("events", "dynamodb"):
        return {}
    request = json.loads(body or b"{}")
    if service == "dynamodb":
        return {"dynamodb:leadingkeys": sorted(set(leading_keys(request)))}
    entries = request.get("Entries", [])
    return {
        "events:source": sorted({entry["Source"] for entry in entries if "Source" in entry}),
        "events:detail-type": sorted({entry["DetailType"] for entry in entries if "DetailType" in entry}),
    }


def leading_keys(request: Any) -> Iterator[str]:
    """Yield the partition keys (`pk`) in a request to DynamoDB: of items, of keys, and of a query's key condition."""
    if isinstance(request, list):
        for part in request:
            yield from leading_keys(part)
    if not isinstance(request, dict):
        return
    for name, value in request.items():
        if name in ("Key", "Item") and "pk" in value:
            yield value["pk"]["S"]
        elif name == "Keys":
            yield from (key["pk"]["S"] for key in value)
        elif name == "KeyConditionExpression":
            names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
            for left, right in re.findall(r"(#?\w+)\s*=\s*(:\w+)", value):
                if names.get(left, left) == "pk":
                    yield values[right]["S"]
        else:
            yield from leading_keys(value)


def newest_invalidations(cloudfront: Any, distribution: str) -> Any:
    """Return the response to ListInvalidations: the newest first, and one page of AWS at most."""
    known = cloudfront._invalidations.get(distribution, [])
    page = known[: -_LISTED - 1 : -1]

    def build(root: Any) -> None:
        cloudfront.SubElement(root, "IsTruncated").text = "true" if len(known) > len(page) else "false"
        items = cloudfront.SubElement(root, "Items")
        for found in page:
            summary = cloudfront.SubElement(items, "InvalidationSummary")
            for name in ("Id", "Status", "CreateTime"):
                cloudfront.SubElement(summary, name).text = found[name]

    return cloudfront._xml_response("InvalidationList", build)


def save_on_signal(app: Any, lambda_svc: Any) -> None:
    """Save the state on SIGUSR1, so that a power cut costs a minute, not everything since the start.

    Lambda's state, which holds all layers (140 MB), is saved only if functions, layers or event sources have changed.
    """
    asked = threading.Event()

    def save() -> None:
        saved = ""
        while True:
            asked.wait()
            asked.clear()
            for _ in range(5):
                # A dictionary may change while it is written; then try again.
                with contextlib.suppress(RuntimeError):
                    services, deployed = app._build_persistence_save_dict(), describe_functions(lambda_svc)
                    app.save_all(
                        {name: state for name, state in services.items() if name != "lambda" or deployed != saved}
                    )
                    saved = deployed
                    break

    def ask(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    threading.Thread(target=save, name="save", daemon=True).start()
    signal.signal(signal.SIGUSR1, ask)


def describe_functions(lambda_svc: Any) -> str:
    """Return what changes with the functions, layers and event sources of Lambda, without their code."""
    functions = {str(name): function["config"] for name, function in lambda_svc._functions._data.items()}
    layers = {
        str(name): [version.get("Version") for version in layer["versions"]]
        for name, layer in lambda_svc._layers._data.items()
    }
    sources = {str(name): source for name, source in lambda_svc._esms._data.items()}
    return json.dumps([functions, layers, sources], default=str, sort_keys=True)


def permissions_record() -> Path | None:
    """Return the file in which this process records permissions; None if no record is kept."""
    folder = os.environ.pop("LOCAL_PERMISSIONS", "")
    return Path(folder) / f"{os.getpid()}-{time.time_ns()}.jsonl" if folder else None


def main() -> None:
    """Serve until SIGTERM."""
    import hypercorn.asyncio as server
    import ministack.core.lambda_runtime as runtime
    import ministack.services.eventbridge as events
    import ministack.services.scheduler as scheduler
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import cloudfront, dynamodb, lambda_svc, s3, ses, ses_v2, sqs

    try:
        check_version()
        patch_interpreter(runtime, os.environ.pop("LOCAL_LAMBDA_PYTHON"))
        patch_layers(runtime)
        patch_schedules(scheduler, events)
        patch_batches(sqs, lambda_svc)
        patch_invalidations(cloudfront)
        patch_object_events(s3, events)
        patch_copies(s3)
        patch_conditions(iam_actions)
        patch_mail(ses_v2)
        patch_mail_list(app, ses)
        patch_principals(iam_evaluator)
        patch_permissions(iam_evaluator, s3, permissions_record())
        patch_mail_permissions(app)
        patch_expressions(dynamodb)
        patch_listings(s3)
        patch_queries(dynamodb)
        patch_server(server)
        if os.environ.pop("LOCAL_MANNERS", "") == "1":
            patch_manners(server, sqs, events, scheduler, random.Random(1))
    except RuntimeError as error:
        sys.exit(str(error))
    if app.PERSIST_STATE:
        save_on_signal(app, lambda_svc)
    app.main()


if __name__ == "__main__":
    main()
