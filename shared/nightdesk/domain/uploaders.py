"""Who uploaded a file: the metadata that the editors' API binds a presigned upload to, and that render reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nightdesk.domain.decisions import WRITER

_ID, _ROLE = "uploader", "role"
_LONGEST = 100
"""Characters of a requester's name that are kept."""


class Uploader(NamedTuple):
    """Who uploaded a version of a file.

    Attributes:
        id: as in the audit log, such as `editor:<id>`; for a file that did not come through the editors' API, `aws:` and the
            account or service that S3 named as the requester, or `direct` if it named none.
        role: the person's role then; empty for the newsroom's own account.
    """

    id: str
    role: str

    @property
    def is_writer(self) -> bool:
        """True for someone who may not decide what goes live."""
        return self.role == WRITER

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of the uploaded object. The policy of the upload names it, so the client cannot change it."""
        return {_ID: self.id, _ROLE: self.role}


class NewFile(NamedTuple):
    """A file to be uploaded; its size is in bytes."""

    key: str
    content_type: str
    size: int
    metadata: Mapping[str, str]


class PresignedUpload(NamedTuple):
    """A form that uploads one file without AWS credentials: POST `fields` and then `file` to `url`, as
    multipart/form-data, before `until` (ISO 8601)."""

    url: str
    fields: Mapping[str, str]
    until: str


DIRECT = Uploader("direct", "")
"""Put into the bucket with AWS permissions, which only operators have."""


def requested_by(requester: str, account: str) -> Uploader:
    """Return who put an object, by S3's event; `DIRECT` if that does not say.

    S3 names the AWS account, not the person. The stack's own account belongs to the newsroom; another one, such as an
    agency's, was let in by the bucket's policy to deliver its own drafts, so it counts as a writer.

    Args:
        requester: the account or the service that put it (Amazon S3 User Guide, “EventBridge event message structure”).
        account: the account of the bucket.
    """
    is_other = requester.isdigit() and account.isdigit() and requester != account
    return Uploader(f"aws:{requester[:_LONGEST]}", WRITER if is_other else "") if requester else DIRECT


def uploader_of(metadata: Mapping[str, str], requester: Uploader = DIRECT) -> Uploader:
    """Return who uploaded an object.

    Args:
        metadata: of the object. Only the editors' API, in the stack's own account, is believed: anyone who puts an object sets them.
        requester: who put it, by S3's event.
    """
    if requester.is_writer or not metadata.get(_ID):
        return requester
    return Uploader(metadata[_ID], metadata.get(_ROLE) or WRITER)
