"""What S3 reports of objects of the drafts bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightdesk.domain.errors import Permanent
from nightdesk.domain.uploaders import DIRECT, Uploader, requested_by


@dataclass(frozen=True)
class ObjectChanged:
    """An object of the drafts bucket was created or deleted, as S3 reports it. The key is not URL-encoded.

    Attributes:
        version: the version id of the object or of the delete marker; empty if S3 named none.
        requester: who did that.
    """

    key: str
    version: str = ""
    requester: Uploader = DIRECT


def parse_s3(detail: Mapping[str, Any], account: str) -> ObjectChanged:
    """Read the detail of an event of S3.

    Args:
        account: of the newsroom, as for `requested_by`.

    Raises:
        Permanent: it names no key.
    """
    stored = detail.get("object")
    named = stored if isinstance(stored, dict) else {}
    key, version = named.get("key"), named.get("version-id")
    if not isinstance(key, str) or not key:
        raise Permanent("S3's event names no key")
    return ObjectChanged(key, str(version or ""), requested_by(str(detail.get("requester") or ""), account))
