"""Simulated worlds on the real adapters: the same actions, schedules and oracle, with boto3 against the local cloud.

Buckets, table, bus, distribution and schedules are the emulator's. All requests pass one botocore hook below the SDK's
retries, where they can fail as they do on AWS. What takes effect there is mirrored in the world's buckets in memory, so
that the world knows what readers may have seen, and the oracle can compare the result.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from nightdesk.adapters.dynamodb import from_attribute
from nightdesk.adapters.memory import MemoryObjects
from nightdesk.adapters.timers import EARLY
from nightdesk.domain.events import parse_event
from nightdesk.entrypoints.aws_ports import aws_ports
from nightdesk.entrypoints.settings import Settings
from nightdesk.ports import ANY, Blob, Fingerprint, Objects, ObjectVersion, Output, one_by_one
from nightdesk_local.identity import REGION
from simulation.actions import Action
from simulation.pictures import PlainPictures
from simulation.schedule import Fault, Schedule
from simulation.world import Killed, World
from simulation.world_ports import ScheduledPort

PORTS = ("drafts", "private", "site", "articles", "bus", "cdn", "schedules")
_SOURCE = "nightdesk.test"


class _Raw(io.BytesIO):
    """A response body as urllib3 returns it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        while part := self.read():
            yield part


def response(request: AWSPreparedRequest, status: int, body: str, **headers: str) -> AWSResponse:
    """Return a response that no server sent."""
    return AWSResponse(request.url, status, headers, _Raw(body.encode()))


def refusal(request: AWSPreparedRequest, service: str, code: str, status: int, more: str = "") -> AWSResponse:
    """Return an error in the form of the service."""
    if service in ("s3", "cloudfront"):
        error = f"<Error><Code>{code}</Code><Message>No</Message></Error>"
        body = error if service == "s3" else f"<ErrorResponse>{error}</ErrorResponse>"
        return response(request, status, body)
    return response(request, status, f'{{"__type": "{code}", "message": "No"{more}}}', **{"x-amzn-errortype": code})


_THROTTLED = {
    "s3": ("SlowDown", 503),
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "eventbridge": ("ThrottlingException", 400),
    "cloudfront": ("Throttling", 503),
    "scheduler": ("ThrottlingException", 429),
    "sqs": ("RequestThrottled", 403),
}
"""The throttling error of each service (from their API references)."""


class Wire:
    """The connection of all clients of one process to the cloud. `effect` is called for each request that succeeded.

    Args:
        session: makes the clients.
    """

    def __init__(self, session: boto3.Session, endpoint: str) -> None:
        self._session = session
        self._endpoint = endpoint
        self._http = URLLib3Session()
        self._hooked: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        self.fault: Fault | None = None
        self.faults: Counter[str] = Counter()
        self.effect: Callable[[str, AWSPreparedRequest, Any], None] = lambda *_: None

    def client(self, service: str, **options: Any) -> Any:
        """Return a client whose requests may fail."""
        if service not in self._hooked:
            made = self._session.client(service, endpoint_url=self._endpoint, **options)
            made.meta.events.register("before-send", self._send)
            self._hooked[service] = made
        return self._hooked[service]

    def plain(self, service: str) -> Any:
        """Return a client for requests that the world does not see."""
        if service not in self._plain:
            self._plain[service] = self._session.client(service, endpoint_url=self._endpoint)
        return self._plain[service]

    def _send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        _, service, operation = event_name.split(".")
        if self.fault:
            return self._fail(self.fault, service, operation, request)
        return self._pass(operation, request)

    def _pass(self, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        got = self._http.send(request)
        if got.status_code < 300:
            self.effect(operation, request, got)
        return got

    def _fail(self, fault: Fault, service: str, operation: str, request: AWSPreparedRequest) -> AWSResponse:
        """Let a request fail as `simulation.schedule.KINDS` describes. The SDK retries where it does so on AWS, so a fault that
        must reach the caller stays until the call is over."""
        kind = fault.kind
        conditional = bool({"If-Match", "If-None-Match"} & set(request.headers)) or operation == "TransactWriteItems"
        if kind == "contended" and not (conditional and service in ("s3", "dynamodb")):
            kind = "throttled"
        self.faults[f"{kind}, {service}"] += 1
        if kind == "dies before":
            raise Killed
        if kind in ("dies during", "partly refused") and operation == "PutEvents":
            return self._send_some(kind, fault.part, request)
        if kind.startswith("dies"):
            self._pass(operation, request)
            raise Killed
        if kind in ("response lost", "retried"):
            self.fault = fault if kind == "response lost" else None
            self._pass(operation, request)
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind == "contended":
            self.fault = None
            return self._contended(service, fault.part, request)
        self.fault = fault if fault.part & 1 else None
        return refusal(request, service, *_THROTTLED[service])

    def _send_some(self, kind: str, part: int, request: AWSPreparedRequest) -> AWSResponse:
        """Accept some of several events; the sender learns which were refused, or is killed first."""
        entries = json.loads(request.body)["Entries"]
        out = [entry for bit, entry in enumerate(entries) if part >> bit % 10 & 1]
        self.fault = None
        if out:
            self.plain("events").put_events(Entries=out)
            self.effect(
                "PutEvents", AWSPreparedRequest("POST", request.url, {}, json.dumps({"Entries": out}), None), None
            )
        if kind == "dies during":
            raise Killed
        results = [{"EventId": "x"} if entry in out else {"ErrorCode": "InternalFailure"} for entry in entries]
        return response(request, 200, json.dumps({"FailedEntryCount": len(entries) - len(out), "Entries": results}))

    def _contended(self, service: str, part: int, request: AWSPreparedRequest) -> AWSResponse:
        if service == "s3":
            return refusal(request, service, "ConditionalRequestConflict", 409)
        codes = ["TransactionConflict" if part & 2 else "ConditionalCheckFailed"]
        codes += ["None"] * (len(json.loads(request.body)["TransactItems"]) - 1)
        more = f', "CancellationReasons": {json.dumps([{"Code": code} for code in codes])}'
        return refusal(request, service, "TransactionCanceledException", 400, more)


class DatedDrafts:
    """The drafts bucket with the world's times in place of the emulator's.

    Args:
        mirror: the same bucket in memory.
    """

    def __init__(self, inner: Objects, mirror: MemoryObjects) -> None:
        self._inner = inner
        self._mirror = mirror

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def get(self, key: str, version: str = "") -> Blob | None:
        blob = self._inner.get(key, version)
        return blob._replace(modified=self._when(key, blob.version)) if blob else None

    def fingerprint(self, key: str, version: str, largest: int) -> Fingerprint | None:
        found = self._inner.fingerprint(key, version, largest)
        return found._replace(modified=self._when(key, version)) if found else None

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        return [w._replace(modified=self._when(w.key, w.version)) for w in self._inner.list_versions(prefix)]

    def page_versions(self, prefix: str, after: str, limit: int) -> Sequence[ObjectVersion]:
        found = self._inner.page_versions(prefix, after, limit)
        return [w._replace(modified=self._when(w.key, w.version)) for w in found]

    def _when(self, key: str, version: str) -> datetime:
        return next(write.modified for write, _ in self._mirror._history[key] if write.version == version)


class _Version:
    """Replaces a mirror's version counter: the version that the cloud gave to the write being mirrored."""

    current = ""

    def __next__(self) -> str:
        return self.current


class Account:
    """The emulator's account of one process, with a bus, a distribution and a queue.

    Args:
        account: its number, which is also the access key of its root user in the emulator.
    """

    def __init__(self, endpoint: str, account: str) -> None:
        self._session = boto3.Session(account, account, region_name=REGION)
        self.wire = Wire(self._session, endpoint)
        self._account = account
        client = self.wire.plain
        client("events").create_event_bus(Name="histories")
        alarms = client("sqs").create_queue(QueueName="alarms")["QueueUrl"]
        origin = {"Id": "o", "DomainName": "o.s3.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
        behaviour = {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"}
        config = {"CallerReference": account, "Comment": "", "Enabled": True, "DefaultCacheBehavior": behaviour}
        config["Origins"] = {"Quantity": 1, "Items": [origin]}
        distribution = client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]
        self._settings = Settings(
            bus="histories",
            can_sign_in="yes",
            distribution_id=distribution["Id"],
            schedule_group="default",
            schedule_queue=f"arn:aws:sqs:{REGION}:{account}:alarms",
            schedule_queue_url=alarms,
            schedule_role=f"arn:aws:iam::{account}:role/alarm",
        )

    def create_stores(self, name: str) -> Settings:
        """Create empty buckets and an empty table, and return their names."""
        s3, table = self.wire.plain("s3"), f"articles-{name}"
        buckets = {f"{kind}_bucket": f"{kind}-{self._account}-{name}" for kind in ("drafts", "private", "site")}
        for bucket in buckets.values():
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        self.wire.plain("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        )
        return replace(self._settings, **buckets, articles_table=table)

    def delete_stores(self, settings: Settings) -> None:
        """Delete the buckets, the table and the schedules."""
        scheduler = self.wire.plain("scheduler")
        for page in scheduler.get_paginator("list_schedules").paginate():
            for schedule in page["Schedules"]:
                scheduler.delete_schedule(Name=schedule["Name"])
        s3 = self.wire.plain("s3")
        for bucket in (settings.drafts_bucket, settings.private_bucket, settings.site_bucket):
            for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
                found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                objects = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
                if objects:
                    s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
            s3.delete_bucket(Bucket=bucket)
        self.wire.plain("dynamodb").delete_table(TableName=settings.articles_table)


class RealWorld(World):
    """A world whose ports are the real adapters. Its own buckets mirror the cloud's.

    Args:
        settings: the names of empty buckets and of an empty table.
    """

    def __init__(
        self,
        actions: Sequence[Action],
        schedule: Schedule,
        account: Account,
        settings: Settings,
        verbose: bool = False,
    ) -> None:
        super().__init__(actions, schedule, verbose=verbose)
        self._account = account
        self._settings = settings
        self._version = _Version()
        self._mirrors: dict[str, MemoryObjects] = {
            settings.drafts_bucket: self.drafts,
            settings.private_bucket: self.private,
            settings.site_bucket: self.site,
        }
        for mirror in self._mirrors.values():
            mirror._count = self._version  # type: ignore[assignment]  # it is only asked for the next one
        real = aws_ports(settings, _SOURCE, account.wire.client, PlainPictures())
        real.schedules._clock = self.clock  # type: ignore[attr-defined]  # the world's time is not the machine's
        # These histories do not use the ticker's table.
        self.real = replace(
            real, drafts=DatedDrafts(real.drafts, self.drafts), updates=self.ports.updates, clock=self.clock
        )
        self.ports = replace(
            self.real,
            in_parallel=one_by_one,
            **{name: ScheduledPort(name, getattr(self.real, name), self) for name in PORTS},
        )
        account.wire.effect = self._took_effect

    def play(self) -> None:
        """Play the history, then read back what is in the cloud."""
        mirror = self.drafts
        self.drafts = self.real.drafts  # type: ignore[assignment]  # where the actions put files
        super().play()
        self.drafts = mirror
        for bucket, mirrored in self._mirrors.items():
            there = {key: etag for page in self._pages(bucket) for key, etag in page}
            held = {key: hashlib.md5(o.body, usedforsecurity=False).hexdigest() for key, o in mirrored.outputs.items()}
            assert there == held, f"the mirror of {bucket} differs"
        self._read_table()

    def _pages(self, bucket: str) -> Iterator[list[tuple[str, str]]]:
        for page in self._account.wire.plain("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket):
            yield [(entry["Key"], entry["ETag"].strip('"')) for entry in page.get("Contents", ())]

    def _read_table(self) -> None:
        scan = self._account.wire.plain("dynamodb").get_paginator("scan")
        for page in scan.paginate(TableName=self._settings.articles_table, ConsistentRead=True):
            for attributes in page["Items"]:
                item = {name: from_attribute(value) for name, value in attributes.items()}
                self.table._items[item["pk"]][item["sk"]] = item
        for pk, items in self.table._items.items():
            self.table._order[pk] = sorted(items)

    def _call_with_fault(self, run: Any, fault: Fault, name: str, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the call's request fail on the wire."""
        self._log_call(run, name, args, f"!! {fault.kind}")
        self._account.wire.fault = fault
        try:
            return method(*args, **kwargs)
        finally:
            self._account.wire.fault = None

    # --- Effects ---

    def _took_effect(self, operation: str, request: AWSPreparedRequest, got: AWSResponse) -> None:
        if operation in ("PutObject", "CopyObject", "DeleteObject"):
            _, bucket, key = unquote(urlsplit(request.url).path).split("/", 2)
            if bucket in self._mirrors:
                self._version.current = got.headers["x-amz-version-id"]
                self._mirror(self._mirrors[bucket], key, request if operation != "DeleteObject" else None)
        elif operation == "PutEvents":
            entries = json.loads(request.body)["Entries"]
            self.deliver([parse_event(entry["DetailType"], json.loads(entry["Detail"])) for entry in entries])
        elif operation == "CreateInvalidation":
            sent = ElementTree.fromstring(request.body)
            paths = [node.text or "" for node in sent.iter() if node.tag.endswith("}Path")]
            self.cache.invalidate(paths, next(n.text or "" for n in sent.iter() if n.tag.endswith("}CallerReference")))
        elif operation == "CreateSchedule":
            schedule = json.loads(request.body)
            slug = json.loads(schedule["Target"]["Input"])["detail"]["slug"]
            moment = datetime.fromisoformat(re.sub(r"at\((.*)\)", r"\1", schedule["ScheduleExpression"]))
            self._woken(slug, moment.replace(tzinfo=UTC) + EARLY)
        elif operation == "SendMessage":
            message = json.loads(request.body)
            slug = json.loads(message["MessageBody"])["detail"]["slug"]
            # The delay is in whole seconds, rounded up.
            self._woken(slug, (self.now + timedelta(seconds=message["DelaySeconds"])).replace(microsecond=0))

    def _woken(self, slug: str, moment: datetime) -> None:
        self.schedules.setdefault((moment, slug), moment <= self.now)

    def _mirror(self, bucket: MemoryObjects, key: str, request: AWSPreparedRequest | None) -> None:
        if request is None:
            if key not in bucket.outputs:
                bucket._remember(key, None)  # S3 writes a delete marker for a key that never existed
            return bucket.delete(key)
        sent = {_text(name).lower(): _text(value) for name, value in request.headers.items()}
        metadata = {k.removeprefix("x-amz-meta-"): v for k, v in sent.items() if k.startswith("x-amz-meta-")}
        kind, cache = sent["content-type"], sent.get("cache-control", "")
        if source := sent.get("x-amz-copy-source"):
            place, _, version = source.partition("?versionId=")
            copied, original = unquote(place).split("/", 1)
            blob = self._mirrors[copied].get(original, version)
            assert blob
            return bucket.put(Output(key, blob.body, kind, cache, metadata), ANY)
        body = request.body.getvalue() if isinstance(request.body, io.BytesIO) else request.body or b""
        bucket.put(Output(key, body, kind, cache, metadata), ANY)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
