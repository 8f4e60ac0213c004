"""Files below `updates/` in the drafts bucket: put to post, deleted to remove. What became of one is recorded as of any file."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple

from nightdesk.domain.documents import REJECTED, WITHDRAWN, digest
from nightdesk.domain.drafts import classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify
from nightdesk.domain.update_file import parse_update_file
from nightdesk.domain.updates import LIFETIME, LIVE, REMOVED, Update, make_update, moment_text

from . import board, catalogue
from .catalogue import ACCEPTED
from .converge import converge
from .ports import Blob, Event, Item, Ports
from .stored import load_site
from .updates import save, told


class _Inputs(NamedTuple):
    file: Blob | None
    first_put: str
    record: Item | None
    site: Site


class _Made(NamedTuple):
    """`update` is None for a file that is gone, or that is no sound update."""

    update: Update | None
    record: dict[str, Any]


def take_file(key: str, ports: Ports) -> str | None:
    """Bring an update in line with its file; sends the events.

    A file that is no sound update is rejected, and what it posted before stays as it is. An update that was removed
    otherwise stays so until its file is put again.

    Returns:
        `accepted`, `rejected` or `withdrawn`; None for a key that names no update.
    """
    filed = classify(key)
    if not filed or filed.kind != "update":
        return None

    def read() -> _Inputs:
        record = catalogue.draft_record(ports.articles, key)
        return _Inputs(ports.drafts.get(key), _first_put(key, ports), record, load_site(ports))

    def write(made: _Made) -> bool:
        before = catalogue.draft_record(ports.articles, key)
        if before and before["put"] == made.record["put"] and before["state"] == made.record["state"]:
            return False
        if made.update:
            save(made.update, ports)
        elif made.record["state"] == WITHDRAWN and (known := board.find(ports.updates, _id(key))):
            save(replace(known.update, status=REMOVED), ports)
        if before or made.record["etag"]:
            dated = {**made.record, "at": ports.clock().isoformat(timespec="seconds")}
            version, rejected = before["version"] if before else None, dated["state"] == REJECTED
            ports.articles.write(catalogue.draft_changes(key, dated, version, rejected))
        return True

    made = converge(read, lambda inputs: _make(key, slugify(filed.name), inputs), write)
    state = str(made.record["state"])
    if state == REJECTED:
        problem = {"key": key, "slug": made.record["slug"], "problems": made.record["problems"]}
        ports.bus.emit([Event("DraftRejected", problem)])
    elif known := board.find(ports.updates, _id(key)):
        ports.bus.emit([told(known.update)])
    return state


def _first_put(key: str, ports: Ports) -> str:
    """When a file was first put, since it was last removed: the bucket's versions know, in whatever order events come."""
    writes = [write for write in ports.drafts.writes(key) if write.key == key]
    since = list(takewhile(lambda write: not write.removal, writes))
    return since[-1].modified.isoformat() if since else ""


def _id(key: str) -> str:
    return digest(f"file:{key}".encode())[:16]


def _make(key: str, slug: str, inputs: _Inputs) -> _Made:
    file, before = inputs.file, inputs.record
    put = file.version if file else ""
    record: dict[str, Any] = {
        "kind": "update",
        "slug": slug,
        "slugs": [],
        "state": WITHDRAWN,
        "revision": (before["revision"] if before else 0) + (not before or before["put"] != put),
        "document": "",
        "problems": [],
        "warnings": [],
        "etag": file.etag if file else "",
        "put": put,
    }
    if file is None:
        return _Made(None, record)

    try:
        wish, date, warnings = parse_update_file(file.body, inputs.site, file.modified)
    except Rejected as error:
        return _Made(None, record | {"state": REJECTED, "problems": catalogue.told(error.problems)})
    wish = wish._replace(expires=wish.expires or moment_text(file.modified + LIFETIME))
    published = date or datetime.fromisoformat(inputs.first_put)
    update = make_update(wish, _id(key), f"file:{key}", LIVE, published)
    return _Made(update, record | {"state": ACCEPTED, "warnings": catalogue.told(warnings)})
