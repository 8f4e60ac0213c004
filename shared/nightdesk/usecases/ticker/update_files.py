"""Files below `updates/` in the drafts bucket: putting one posts an update, and deleting it removes the update."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from nightdesk.domain.documents import REJECTED, WITHDRAWN, digest
from nightdesk.domain.drafts_bucket import DraftsKey, classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.events import Event
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify
from nightdesk.domain.timestamps import iso_utc_milliseconds
from nightdesk.domain.update_file import parse_update_file
from nightdesk.domain.updates import DEFAULT_LIFETIME, LIVE, REMOVED, Update, make_update
from nightdesk.ports import Blob, Ports
from nightdesk.repositories import articles_table, updates_table
from nightdesk.repositories.articles_table import ACCEPTED
from nightdesk.repositories.private_bucket import load_site
from nightdesk.repositories.records import DraftRecord, problem_dicts
from nightdesk.usecases.pipeline.converge import converge
from nightdesk.usecases.pipeline.file_records import outcome
from nightdesk.usecases.ticker.updates import as_event, save


class _Inputs(NamedTuple):
    file: Blob | None
    first_put: str
    record: DraftRecord | None
    site: Site


class _Result(NamedTuple):
    """`update` is None if the file was deleted or is rejected."""

    update: Update | None
    record: DraftRecord


def process_file(key: str, ports: Ports) -> str | None:
    """Post, change or remove the update of a file; sends the events.

    If a file is rejected, the update that it posted before stays as it is. An update that an editor removed stays removed
    until its file is put again.

    Returns:
        `accepted`, `rejected` or `withdrawn`; None if the key is not that of an update.
    """
    filed = classify(key)
    if not filed or filed.kind != "update":
        return None

    def read() -> _Inputs:
        record = articles_table.draft_record(ports.articles, key)
        return _Inputs(ports.drafts.get(key), _first_put(key, ports), record, load_site(ports))

    def apply(inputs: _Inputs) -> tuple[_Result, bool]:
        result = _process(key, filed, inputs)
        before = articles_table.draft_record(ports.articles, key)
        if before and before.file_version == result.record.file_version and before.state == result.record.state:
            return result, False
        if result.update:
            save(result.update, ports)
        elif result.record.state == WITHDRAWN and (known := updates_table.find(ports.updates, _id(key))):
            save(replace(known.update, status=REMOVED), ports)
        if before or result.record.etag:
            dated = result.record._replace(at=ports.clock().isoformat(timespec="seconds"))
            ports.articles.write(articles_table.draft_changes(key, dated, before.version if before else None))
        return result, True

    result = converge(read, apply).value
    state = result.record.state
    events: list[Event] = [] if state == WITHDRAWN else [outcome(key, result.record)]
    if state != REJECTED and (known := updates_table.find(ports.updates, _id(key))):
        events.append(as_event(known.update))
    ports.bus.emit(events)
    return state


def _first_put(key: str, ports: Ports) -> str:
    """Return when a file was first put after its last deletion, from its versions: events may arrive in any order."""
    writes = [write for write in ports.drafts.list_versions(key) if write.key == key]
    puts = list(takewhile(lambda write: not write.deleted, writes))
    return puts[-1].modified.isoformat() if puts else ""


def _id(key: str) -> str:
    return digest(f"file:{key}".encode())[:16]


def _process(key: str, filed: DraftsKey, inputs: _Inputs) -> _Result:
    file, before = inputs.file, inputs.record
    version = file.version if file else ""
    record = DraftRecord(
        kind="update",
        slug=slugify(filed.name),
        state=WITHDRAWN,
        revision=(before.revision if before else 0) + (not before or before.file_version != version),
        etag=file.etag if file else "",
        slugs=[],
        problems=[],
        warnings=[],
        waiting_for=[],
        file_version=version,
    )
    if file is None:
        return _Result(None, record)

    try:
        if filed.refusal:
            raise Rejected(filed.refusal)
        new, date, warnings = parse_update_file(file.body, inputs.site, file.modified)
    except Rejected as error:
        return _Result(None, record._replace(state=REJECTED, problems=problem_dicts(error.problems)))
    new = new._replace(expires=new.expires or iso_utc_milliseconds(file.modified + DEFAULT_LIFETIME))
    published = date or datetime.fromisoformat(inputs.first_put)
    update = make_update(new, _id(key), f"file:{key}", LIVE, published)
    return _Result(update, record._replace(state=ACCEPTED, warnings=problem_dicts(warnings)))
