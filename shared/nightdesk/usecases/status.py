"""Status: what became of a draft, and whether readers see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nightdesk.domain.documents import LIVE, REJECTED, WITHDRAWN, Document, digest

from . import catalogue
from .invalidate import write_of
from .ports import Item, Ports
from .render import ACCEPTED


def status(slug: str, ports: Ports, now: datetime) -> dict[str, Any] | None:
    """What is known of an article by its slug (or by the slug that a rejected draft would have had); None if nothing is."""
    held = catalogue.holder(ports.articles, slug)
    keys = [held["holder"]] if held else [f"drafts/{slug}.md", f"drafts/{slug}/index.md"]
    for key in keys:
        if record := catalogue.draft_record(ports.articles, key):
            return status_of_draft(key, record, ports, now)
    blob = ports.work.get(f"articles/{slug}.json")
    return _report(slug, WITHDRAWN, 0, [], [], True) if blob else None


def status_of_draft(key: str, record: Item, ports: Ports, now: datetime) -> dict[str, Any]:
    """The same by a draft's key and its record. `settled` says that pages, lists and cache agree with the draft."""
    slug = record["slug"]
    state = record["state"]
    if record["kind"] != "draft":
        return _report(
            slug, LIVE if state == ACCEPTED else state, record["revision"], record["problems"], record["warnings"], True
        )
    blob = ports.work.get(f"articles/{slug}.json") if record["document"] or state == WITHDRAWN else None
    if state == REJECTED and not blob:
        return _report(slug, REJECTED, record["revision"], record["problems"], record["warnings"], True)
    shown = Document.from_bytes(blob.body).state(now) if blob else state
    settled = bool(blob) and _settled(slug, digest(blob.body), ports)  # type: ignore[union-attr]  # bool(blob) is asked first
    report = _report(slug, shown, record["revision"], record["problems"], record["warnings"], settled)
    return report | ({"rejected": True} if state == REJECTED else {})


def _settled(slug: str, document: str, ports: Ports) -> bool:
    record = catalogue.record(ports.articles, slug)
    if not record or record["document"] != document or record["turn"] != record["settled"]:
        return False
    path = f"/articles/{slug}/*"
    known = ports.articles.get("path", path)
    return (known["write"] if known else "") == write_of(path, ports)


def _report(
    slug: str, state: str, revision: int, problems: list[Any], warnings: list[Any], settled: bool
) -> dict[str, Any]:
    return {
        "slug": slug,
        "state": state,
        "revision": revision,
        "url": f"/articles/{slug}/",
        "problems": problems,
        "warnings": warnings,
        "settled": settled,
    }
