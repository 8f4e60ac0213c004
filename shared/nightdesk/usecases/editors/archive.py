"""Reports on everything that the drafts bucket holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightdesk.domain.drafts_bucket import classify
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.usecases.editors.status import draft_status

PENDING = "pending"
"""The state of a file that the pipeline has not read yet."""


def archive_files(ports: Ports) -> list[tuple[str, str]]:
    """Return key and ETag of all files that are published by themselves, in the order of their keys."""
    return sorted((key, etag) for key, etag in ports.drafts.list("") if classify(key))


def archive_reports(files: Sequence[tuple[str, str]], ports: Ports) -> list[dict[str, Any]]:
    """Return the status of several files, in the order given; its `state` is `pending` if the pipeline has not read it yet.

    Args:
        files: key and ETag of each.
    """
    now, records = ports.clock(), articles_table.draft_records(ports.articles, [key for key, _ in files])
    return [
        draft_status(key, record, ports, now) if record and record.etag == etag else _pending(key)
        for (key, etag), record in zip(files, records, strict=True)
    ]


def _pending(key: str) -> dict[str, Any]:
    return {"key": key, "slug": "", "state": PENDING, "problems": [], "warnings": []}
