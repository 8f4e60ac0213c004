"""Status: what became of a draft, and whether readers see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from nightdesk.domain.documents import LIVE, REJECTED, WITHDRAWN, Document
from nightdesk.domain.editorial import decided, opened, why_held_back

from . import catalogue
from .catalogue import ACCEPTED
from .invalidate import write_of
from .ports import Item, Ports
from .stored import author_kinds, editorial_key, load_decisions, load_site, mark_of

_PREFIXES = {"author": "/authors/", "topic": "/topics/", "page": "/"}
_PATHS = {"site": "/", "update": "/updates/"}


def status(slug: str, ports: Ports, now: datetime) -> dict[str, Any] | None:
    """What is known of an article by its slug (or by the slug that a rejected draft would have had); None if nothing is."""
    held = catalogue.holder(ports.articles, slug)
    keys = [held["holder"]] if held else [f"drafts/{slug}.md", f"drafts/{slug}/index.md"]
    for key in keys:
        if record := catalogue.draft_record(ports.articles, key):
            return status_of_draft(key, record, ports, now)
    blob = ports.work.get(f"articles/{slug}.json")
    return _report(slug, WITHDRAWN, {}) | {"url": f"{ports.base_url}/articles/{slug}/"} if blob else None


def status_of_draft(key: str, record: Item, ports: Ports, now: datetime) -> dict[str, Any]:
    """The same by a draft's key and its record. `settled` says that pages, lists and cache agree with the draft."""
    state = record["state"]
    report = _report(record["slug"], state, record)
    if record["kind"] != "draft":
        path = _PATHS.get(record["kind"]) or f"{_PREFIXES[record['kind']]}{record['slug']}/"
        return report | {"url": ports.base_url + path, "state": LIVE if state == ACCEPTED else state}
    report["url"] = f"{ports.base_url}/articles/{record['slug']}/"
    blob = ports.work.get(f"articles/{record['slug']}.json") if record["document"] or state == WITHDRAWN else None
    if blob is None:
        return report
    decisions = ports.work.get(editorial_key(record["slug"]))
    site, plain, editorial = load_site(ports), Document.from_bytes(blob.body), load_decisions(decisions)
    kinds = author_kinds(plain, site, ports)
    document = decided(plain, editorial, site, kinds)
    report |= {"state": document.state(now), "settled": _settled(record["slug"], mark_of(blob, decisions), ports)}
    if document.draft and not opened(plain, editorial, site).draft:
        wanted = {"line": 0, "key": "approval", "message": why_held_back(editorial)}
        report["problems"] = [*record["problems"], wanted]
    missing = without_profile(document, lambda key: ports.work.stat(key) is not None)
    report["warnings"] = [*record["warnings"], *missing]
    return report | ({"rejected": True} if state == REJECTED else {})


def without_profile(document: Document, is_there: Callable[[str], bool]) -> list[dict[str, Any]]:
    """A warning for each author and topic that gets a plain profile, since there is no file for it.

    Args:
        is_there: whether there is a profile at a key, `authors/<id>.json` or `topics/<id>.json`.
    """
    named = [("author", i) for i, _ in document.authors] + [("topic", i) for i, _ in document.topics]
    missing = [(kind, i) for kind, i in named if not is_there(f"{kind}s/{i}.json")]
    text = "there is no {kind}s/{i}.md, so “{i}” gets a plain profile"
    return [{"line": 0, "key": f"{kind}s", "message": text.format(kind=kind, i=i)} for kind, i in missing]


def _settled(slug: str, document: str, ports: Ports) -> bool:
    record = catalogue.record(ports.articles, slug)
    if not record or record["document"] != document or record["turn"] != record["settled"]:
        return False
    path = f"/articles/{slug}/*"
    known = ports.articles.get("path", path)
    return (known["write"] if known else "") == write_of(path, ports)


def _report(slug: str, state: str, record: Item) -> dict[str, Any]:
    return {
        "slug": slug,
        "state": state,
        "revision": record.get("revision", 0),
        "url": "",
        "problems": record.get("problems", []),
        "warnings": record.get("warnings", []),
        "settled": True,
    }
