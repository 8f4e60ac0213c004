"""The ports on AWS: S3, EventBridge and CloudFront, and how their faults become ours."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from nightdesk.domain.errors import Conflict, Permanent, Transient
from nightdesk.domain.events import Event
from nightdesk.domain.mail import Mail
from nightdesk.domain.uploaders import NewFile, PresignedUpload
from nightdesk.ports import ANY, Blob, Fingerprint, Listed, Objects, ObjectVersion, Output, Stat

_CONFLICTS = frozenset(("PreconditionFailed", "ConditionalRequestConflict", "412", "409"))
_THROTTLED = frozenset(
    (
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    )
)
_MISSING = frozenset(("NoSuchKey", "404", "NotFound", "NoSuchVersion"))
_CHUNK = 1 << 20  # bytes: as much of a large object is in memory at a time
_PER_CALL = 10
"""PutEvents takes ten entries (API reference of EventBridge)."""


def _listed(entry: Mapping[str, Any]) -> Listed:
    return Listed(entry["Size"], entry["ETag"].strip('"'))


@contextmanager
def translate_aws_errors(what: str) -> Iterator[None]:
    """AWS's errors as ours. A refused permission is not transient, because no retry helps."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _CONFLICTS:
            raise Conflict(what) from error
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500 or code in _THROTTLED:
            raise Transient(f"{what}: {code}") from error
        raise
    except BotoCoreError as error:
        raise Transient(f"{what}: {error}") from error


class S3Objects:
    """A versioned bucket. A version's id is the token that is unique to its write.

    Args:
        may_list: whether the caller has `s3:ListBucket`; to one that has not, S3 says 403 of what is not there.
    """

    def __init__(self, client: Any, bucket: str, may_list: bool = True) -> None:
        self._s3 = client
        self.bucket = bucket
        self._missing = _MISSING if may_list else _MISSING | {"AccessDenied", "403"}

    def get(self, key: str, version: str = "") -> Blob | None:
        chosen = {"VersionId": version} if version else {}
        with translate_aws_errors(f"get {key}"):
            try:
                answer = self._s3.get_object(Bucket=self.bucket, Key=key, **chosen)
            except ClientError as error:
                if error.response["Error"]["Code"] in self._missing:
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
        with translate_aws_errors(f"head {key}"):
            try:
                answer = self._s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if error.response["Error"]["Code"] in self._missing:
                    return None
                raise
            # Of an object that was put in parts, it is the checksum of their checksums, and ends with their number.
            checksum = answer.get("ChecksumSHA256", "-")
            sha256 = "" if "-" in checksum else b64decode(checksum).hex()
            return Stat(key, answer["VersionId"], answer["ETag"].strip('"'), answer["Metadata"], sha256)

    def put(self, output: Output, expected: str | None) -> Stat:
        sha256 = hashlib.sha256(output.body).digest()
        with translate_aws_errors(f"put {output.key}"):
            try:
                answer = self._s3.put_object(
                    Bucket=self.bucket,
                    Body=output.body,
                    ChecksumSHA256=b64encode(sha256).decode(),
                    **_headers(output),
                    **_condition(expected),
                )
            except ClientError as error:
                # An object that is deleted under an If-Match is 404 there (S3 user guide, conditional writes).
                if error.response["Error"]["Code"] in _MISSING and expected is not None:
                    raise Conflict(output.key) from error
                raise
        return Stat(output.key, answer["VersionId"], answer["ETag"].strip('"'), output.metadata, sha256.hex())

    def fingerprint(self, key: str, version: str, largest: int) -> Fingerprint | None:
        with translate_aws_errors(f"read {key}"):
            try:
                answer = self._s3.get_object(Bucket=self.bucket, Key=key, VersionId=version)
            except ClientError as error:
                if error.response["Error"]["Code"] in self._missing:
                    return None
                raise
            size, body, sha256 = answer["ContentLength"], answer["Body"], ""
            if size <= largest:
                found = hashlib.sha256()
                for chunk in body.iter_chunks(_CHUNK):
                    found.update(chunk)
                sha256 = found.hexdigest()
            body.close()
            return Fingerprint(size, sha256, answer["LastModified"], answer["Metadata"])

    def copy(self, source: Objects, key: str, version: str, output: Output, expected: str | None) -> None:
        origin = {"Bucket": source.bucket, "Key": key, **({"VersionId": version} if version else {})}
        with translate_aws_errors(f"copy {key} to {output.key}"):
            try:
                self._s3.copy_object(
                    Bucket=self.bucket,
                    CopySource=origin,
                    MetadataDirective="REPLACE",
                    # Those of the original would need another permission.
                    TaggingDirective="REPLACE",
                    **_headers(output),
                    **_condition(expected),
                )
            except ClientError as error:
                if error.response["Error"]["Code"] in self._missing:
                    raise Conflict(key) from error
                raise

    def delete(self, key: str) -> None:
        with translate_aws_errors(f"delete {key}"):
            self._s3.delete_object(Bucket=self.bucket, Key=key)

    def list(self, prefix: str) -> Sequence[tuple[str, str]]:
        return [(entry["Key"], entry["ETag"].strip('"')) for entry in self._entries(prefix)]

    def page(self, prefix: str, after: str, limit: int) -> Sequence[tuple[str, Listed]]:
        config = {"MaxItems": limit, "PageSize": min(limit, 1000)}
        entries = self._entries(prefix, StartAfter=after, PaginationConfig=config)
        return [(entry["Key"], _listed(entry)) for entry in entries]

    def listing(self, prefix: str) -> Mapping[str, Listed]:
        return {entry["Key"]: _listed(entry) for entry in self._entries(prefix)}

    def sizes(self, prefix: str) -> Mapping[str, int]:
        return {entry["Key"]: entry["Size"] for entry in self._entries(prefix)}

    def _entries(self, prefix: str, **options: Any) -> Iterable[Mapping[str, Any]]:
        with translate_aws_errors(f"list {prefix}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix, **options)
            return [entry for page in pages for entry in page.get("Contents", ())]

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        return self._versions(prefix, "", None)

    def page_versions(self, prefix: str, after: str, limit: int) -> Sequence[ObjectVersion]:
        return self._versions(prefix, after, limit)

    def _versions(self, prefix: str, after: str, limit: int | None) -> Sequence[ObjectVersion]:
        found: list[ObjectVersion] = []
        marker: dict[str, Any] = {"KeyMarker": after} if after else {}
        marker["PaginationConfig"] = {"PageSize": min(limit or 1000, 1000)}
        with translate_aws_errors(f"list versions of {prefix}"):
            paginator = self._s3.get_paginator("list_object_versions")
            for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix, **marker):
                for name, removal in (("Versions", False), ("DeleteMarkers", True)):
                    found += [
                        ObjectVersion(e["Key"], e["VersionId"], e["LastModified"], e["IsLatest"], removal)
                        for e in page.get(name, ())
                    ]
                if limit and len(found) >= limit and page.get("IsTruncated") and len({e.key for e in found}) > 1:
                    # The versions of the last object may go on.
                    last = max(each.key for each in found)
                    found = [each for each in found if each.key != last]
                    break
        # S3 lists each kind newest first; where two are of one second, the latest is known by its mark.
        return sorted(found, key=lambda write: (write.key, not write.latest, -write.modified.timestamp()))


def _headers(output: Output) -> dict[str, Any]:
    """Return the parameters of S3 for the key, the headers and the metadata of an object."""
    given = {"CacheControl": output.cache_control, "ContentDisposition": output.disposition}
    return {
        "Key": output.key,
        "ContentType": output.content_type,
        "Metadata": dict(output.metadata),
        **{name: value for name, value in given.items() if value},
    }


def _condition(expected: str | None) -> dict[str, str]:
    """Return the parameter of S3 for the version that a write replaces."""
    if expected == ANY:
        return {}
    return {"IfNoneMatch": "*"} if expected is None else {"IfMatch": f'"{expected}"'}


class S3Uploads:
    """Presigned POSTs, whose policy binds them to one key, type, size and metadata (S3 API reference, "POST Policy"). They can do what
    the caller's own role can, until its credentials end."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._s3 = client
        self._bucket = bucket

    def presign(self, file: NewFile, until: datetime) -> PresignedUpload:
        fields = {"Content-Type": file.content_type} | {f"x-amz-meta-{n}": v for n, v in file.metadata.items()}
        seconds = int((until - datetime.now(UTC)).total_seconds())
        made = self._s3.generate_presigned_post(
            self._bucket,
            file.key,
            Fields=fields,
            Conditions=[
                *({name: value} for name, value in fields.items()),
                ["content-length-range", file.size, file.size],
            ],
            ExpiresIn=seconds,
        )
        return PresignedUpload(made["url"], made["fields"], until.isoformat(timespec="seconds"))


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
                    "DetailType": event.name,
                    "Detail": json.dumps(event.to_detail()),
                }
                for event in batch
            ]
            with translate_aws_errors("put events"):
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

    def invalidate(self, paths: Sequence[str], reference: str) -> str:
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
        with translate_aws_errors("invalidate"):
            try:
                made = self._cloudfront.create_invalidation(
                    DistributionId=self._distribution_id, InvalidationBatch=batch
                )
            except ClientError as error:
                if error.response["Error"]["Code"] == "TooManyInvalidationsInProgress":
                    raise Transient("too many invalidations in progress") from error
                raise
        return str(made["Invalidation"]["Id"])

    def is_complete(self, invalidation: str) -> bool:
        with translate_aws_errors("read an invalidation"):
            found = self._cloudfront.get_invalidation(DistributionId=self._distribution_id, Id=invalidation)
        return bool(found["Invalidation"]["Status"] == "Completed")


class SecretKeys(Mapping[str, str]):
    """Secrets of Secrets Manager by key id, each read when it is first asked for.

    Args:
        names: the secrets' ARNs by key id.
    """

    def __init__(self, client: Any, names: Mapping[str, str]) -> None:
        self._secrets = client
        self._names = names
        self._known: dict[str, str] = {}

    def __getitem__(self, key_id: str) -> str:
        if key_id not in self._known:
            name = self._names[key_id]
            with translate_aws_errors("read a secret"):
                self._known[key_id] = self._secrets.get_secret_value(SecretId=name)["SecretString"]
        return self._known[key_id]

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class SesMailer:
    """SES (API v2), sending from one address. The address's domain, or itself, must be an identity that SES has verified;
    it signs with that identity's DKIM key, so the sender and the signature agree."""

    def __init__(self, client: Any, sender: str) -> None:
        self._ses = client
        self._sender = sender

    def send(self, mail: Mail) -> None:
        from email.utils import formataddr

        def text(data: str) -> dict[str, str]:
            return {"Data": data, "Charset": "UTF-8"}

        # RFC 3834: no vacation notice should answer it.
        headers = {"Auto-Submitted": "auto-generated", **mail.headers}
        try:
            with translate_aws_errors("send mail"):
                self._ses.send_email(
                    FromEmailAddress=formataddr((mail.sender_name, self._sender)),
                    Destination={"ToAddresses": [mail.to]},
                    Content={
                        "Simple": {
                            "Subject": text(mail.subject),
                            "Body": {"Text": text(mail.text), "Html": text(mail.html)},
                            "Headers": [{"Name": name, "Value": value} for name, value in headers.items()],
                        }
                    },
                )
        except ClientError as error:
            # What SES says may quote the address, which belongs into no log.
            raise Permanent(f"SES does not take the mail: {error.response['Error']['Code']}") from None
