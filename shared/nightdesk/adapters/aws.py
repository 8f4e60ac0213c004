"""The ports on AWS: S3, EventBridge and CloudFront, and how their faults become ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from nightdesk.domain.errors import Conflict, Transient
from nightdesk.usecases.ports import ANY, Blob, Event, Output, Stat, Write

_CONFLICTS = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "412", "409"))
_MISSING = frozenset(("NoSuchKey", "404", "NotFound", "NoSuchVersion"))
_PER_CALL = 10
"""PutEvents takes ten entries (API reference of EventBridge)."""


@contextmanager
def faults(what: str) -> Iterator[None]:
    """AWS's errors as ours. A refused permission stays what it is, for no retry mends it."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _CONFLICTS:
            raise Conflict(what) from error
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or code in ("SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException"):
            raise Transient(f"{what}: {code}") from error
        raise
    except BotoCoreError as error:
        raise Transient(f"{what}: {error}") from error


class S3Objects:
    """A versioned bucket. A version's id is the token that is unique to its write."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._s3 = client
        self._bucket = bucket

    def get(self, key: str, version: str = "") -> Blob | None:
        chosen = {"VersionId": version} if version else {}
        with faults(f"get {key}"):
            try:
                answer = self._s3.get_object(Bucket=self._bucket, Key=key, **chosen)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None
                raise
            return Blob(
                answer["Body"].read(),
                answer["VersionId"],
                answer["ETag"].strip('"'),
                answer["LastModified"],
                answer["Metadata"],
            )

    def stat(self, key: str) -> Stat | None:
        with faults(f"head {key}"):
            try:
                answer = self._s3.head_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    return None
                raise
            return Stat(key, answer["VersionId"], answer["ETag"].strip('"'), answer["Metadata"])

    def put(self, output: Output, expected: str | None) -> None:
        condition = (
            {} if expected == ANY else {"IfNoneMatch": "*"} if expected is None else {"IfMatch": f'"{expected}"'}
        )
        headers = {"CacheControl": output.cache_control} if output.cache_control else {}
        with faults(f"put {output.key}"):
            try:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=output.key,
                    Body=output.body,
                    ContentType=output.content_type,
                    Metadata=dict(output.metadata),
                    **headers,
                    **condition,
                )
            except ClientError as error:
                # An object that is deleted under an If-Match is 404 there (S3 user guide, conditional writes).
                if error.response["Error"]["Code"] in _MISSING and expected is not None:
                    raise Conflict(output.key) from error
                raise

    def delete(self, key: str) -> None:
        with faults(f"delete {key}"):
            self._s3.delete_object(Bucket=self._bucket, Key=key)

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        with faults(f"list {prefix}"):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                found += [(entry["Key"], entry["ETag"].strip('"')) for entry in page.get("Contents", ())]
        return found

    def writes(self, prefix: str) -> Sequence[Write]:
        found: list[Write] = []
        with faults(f"list versions of {prefix}"):
            for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix):
                for name, removal in (("Versions", False), ("DeleteMarkers", True)):
                    found += [
                        Write(e["Key"], e["VersionId"], e["LastModified"], e["IsLatest"], removal)
                        for e in page.get(name, ())
                    ]
        # S3 lists each kind newest first; where two are of one second, the latest is known by its mark.
        return sorted(found, key=lambda write: (write.key, not write.latest, -write.modified.timestamp()))


class EventBridgeBus:
    """The stack's bus, for one source (`nightdesk.<function>`)."""

    def __init__(self, client: Any, bus: str, source: str) -> None:
        self._events = client
        self._bus = bus
        self._source = source

    def emit(self, events: Iterable[Event]) -> None:
        waiting = iter(events)
        while batch := list(islice(waiting, _PER_CALL)):
            entries = [
                {
                    "EventBusName": self._bus,
                    "Source": self._source,
                    "DetailType": event.type,
                    "Detail": json.dumps({"version": 1, **event.detail}),
                }
                for event in batch
            ]
            with faults("put events"):
                answer = self._events.put_events(Entries=entries)
            if answer["FailedEntryCount"]:
                # All of the batch is sent again with its message: events may come twice, and none may be missing.
                codes = {entry.get("ErrorCode") for entry in answer["Entries"]} - {None}
                raise Transient(f"the bus refused {answer['FailedEntryCount']} events: {codes}")


class CloudFrontCdn:
    """The site's distribution."""

    def __init__(self, client: Any, distribution_id: str) -> None:
        self._cloudfront = client
        self._distribution_id = distribution_id

    def invalidate(self, paths: Sequence[str], reference: str) -> None:
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
        with faults("invalidate"):
            try:
                self._cloudfront.create_invalidation(DistributionId=self._distribution_id, InvalidationBatch=batch)
            except ClientError as error:
                if error.response["Error"]["Code"] == "TooManyInvalidationsInProgress":
                    raise Transient("too many invalidations in progress") from error
                raise


class SchedulerAlarm:
    """One-time schedules, each of which puts an `ArticleDue` into a queue and is gone then.

    A schedule's name says the article and the moment, so asking twice makes one. One that is no longer wanted stays and
    does no harm: an event only says where to look.

    Args:
        make_client: for the scheduler, when it is first needed: few articles need it, and a cold function should not wait.
        target: the ARNs of the queue, and of the role by which the scheduler may send to it.
    """

    def __init__(self, make_client: Callable[[], Any], group: str, target: tuple[str, str]) -> None:
        self._make_client = make_client
        self._scheduler: Any = None
        self._group = group
        self._queue, self._role = target

    def wake(self, slug: str, moment: datetime) -> None:
        when = moment.astimezone(UTC)
        message = {"source": "nightdesk.alarm", "detail-type": "ArticleDue", "detail": {"version": 1, "slug": slug}}
        self._scheduler = self._scheduler or self._make_client()
        with faults(f"schedule {slug}"):
            try:
                self._scheduler.create_schedule(
                    Name=hashlib.sha256(f"{slug} {when.isoformat()}".encode()).hexdigest()[:40],
                    GroupName=self._group,
                    # Whole seconds: a fraction would be cut off, and the alarm ring too early.
                    ScheduleExpression=f"at({when + timedelta(microseconds=-when.microsecond % 1_000_000):%Y-%m-%dT%H:%M:%S})",
                    FlexibleTimeWindow={"Mode": "OFF"},
                    ActionAfterCompletion="DELETE",
                    Target={"Arn": self._queue, "RoleArn": self._role, "Input": json.dumps(message)},
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ConflictException":
                    raise
