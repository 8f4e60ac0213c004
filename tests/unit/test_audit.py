"""The audit log: an entry for every action, its outcome, and pages of entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError
from nightdesk.adapters.audit_log import DynamoAuditLog, MemoryAuditLog, copied
from nightdesk.domain.errors import Permanent, Transient
from nightdesk.repositories import audit_table
from nightdesk.usecases.editors.audit import Action, Actor, Entry, entries, record

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ADA = Actor("editor:1", "Ada")


def publish(log: MemoryAuditLog, slug: str, minute: int = 0, error: Exception | None = None) -> None:
    """Record one action: it succeeds, or raises `error`."""

    def run() -> str:
        if error:
            raise error
        return "live"

    action = Action(ADA, "publish", f"article:{slug}", {"at": "now"})
    now = NOW + timedelta(minutes=minute)
    record(action, log, now, run, lambda state: ({"state": "draft"}, {"state": state}))


def only_entry(log: MemoryAuditLog) -> Entry:
    [entry] = entries("", "", 10, log).entries
    return entry


def test_an_entry_holds_who_did_what_and_both_states() -> None:
    log = MemoryAuditLog()
    publish(log, "a-story")
    entry = only_entry(log)
    assert entry.to_json() == {
        "id": entry.id,
        "at": "2026-11-23T00:00:00+00:00",
        "actor": {"id": "editor:1", "name": "Ada"},
        "action": "publish",
        "subject": "article:a-story",
        "input": {"at": "now"},
        "outcome": "done",
        "reason": "",
        "before": {"state": "draft"},
        "after": {"state": "live"},
    }


@pytest.mark.parametrize(
    ("error", "reason"), [(Permanent("expired"), "expired"), (KeyError("ada@news.example"), "KeyError")]
)
def test_a_failure_is_logged_without_foreign_messages(error: Exception, reason: str) -> None:
    log = MemoryAuditLog()
    with pytest.raises(type(error)):
        publish(log, "a-story", error=error)
    entry = only_entry(log)
    assert (entry.outcome, entry.reason, entry.after) == ("failed", reason, None)


def test_an_entry_without_an_outcome_is_open() -> None:
    log = MemoryAuditLog()
    entry = {"at": NOW.isoformat(), "actor": list(ADA), "action": "publish", "subject": "article:a", "input": {}}
    audit_table.append_entry(log, "article:a", "2026-11-23T00:00:00.000+00:00#0", entry)
    assert only_entry(log).outcome == "open"


@pytest.mark.parametrize(("subject", "slugs"), [("", ["b", "a", "b", "a", "a"]), ("article:a", ["a", "a", "a"])])
def test_pages_hold_every_entry_once_newest_first(subject: str, slugs: list[str]) -> None:
    log = MemoryAuditLog()
    for minute, slug in enumerate(["a", "a", "b", "a", "b"]):
        publish(log, slug, minute)
    found: list[Any] = []
    cursor = ""
    while True:
        page = entries(subject, cursor, 2, log)
        found += page.entries
        if not (cursor := page.cursor):
            break
    assert [entry.subject.removeprefix("article:") for entry in found] == slugs
    assert {entry.outcome for entry in found} == {"done"}
    assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)


class Bucket:
    """Stands for S3, and keeps what is put; the next put fails if `broken`."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.broken = False

    def put_object(self, **request: Any) -> None:
        if self.broken:
            raise ConnectionClosedError(endpoint_url="https://s3.example")
        self.objects[request["Key"]] = request


def test_each_item_is_copied_before_it_is_in_the_table() -> None:
    bucket, table = Bucket(), MemoryAuditLog()
    log = copied(table, bucket, "audit-copies")
    audit_table.append_entry(log, "article:a", "2026-11-23T00:00:00.000+00:00#0", {"action": "withdraw"})
    audit_table.append_outcome(log, "article:a", "2026-11-23T00:00:00.000+00:00#0", {"outcome": "done"})
    first, last = bucket.objects.values()
    assert json.loads(first["Body"]) == {
        "id": "2026-11-23T00:00:00.000+00:00#0",
        "logs": ["log", "log#article:a"],
        "action": "withdraw",
    }
    assert json.loads(last["Body"])["outcome"] == "done"
    assert first["Bucket"] == "audit-copies"
    assert first["ChecksumSHA256"], "S3 demands one of each object that it locks"
    assert len(audit_table.entries(log, "", "", 10)) == 1


def test_without_a_copy_nothing_is_recorded_and_so_nothing_is_done() -> None:
    bucket, table = Bucket(), MemoryAuditLog()
    bucket.broken = True
    with pytest.raises(Transient):
        audit_table.append_entry(copied(table, bucket, "audit-copies"), "article:a", "1", {"action": "withdraw"})
    assert audit_table.entries(table, "", "", 10) == []


@pytest.mark.parametrize("name", ["", "-"])
def test_a_stack_that_keeps_no_copies_has_the_table_alone(name: str) -> None:
    table = MemoryAuditLog()
    assert copied(table, Bucket(), name) is table


def test_an_entry_is_only_ever_put_where_there_is_none() -> None:
    """IAM cannot demand the condition, so the adapter must."""
    sent: list[Any] = []
    client = SimpleNamespace(transact_write_items=lambda TransactItems: sent.extend(TransactItems))
    DynamoAuditLog(client, "audit").append(["all", "article:quay"], "1", {"did": "withdraw"})
    assert [put["Put"]["ConditionExpression"] for put in sent] == ["attribute_not_exists(pk)"] * 2
