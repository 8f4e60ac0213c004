"""The status of a draft: its state, problems and warnings, and whether readers see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from nightdesk.domain.decisions import Decisions, apply_decisions, approval_problem
from nightdesk.domain.documents import DRAFT, LIVE, REJECTED, SCHEDULED, WITHDRAWN, Document
from nightdesk.domain.drafts import alias_lines, parse_draft
from nightdesk.domain.drafts_bucket import classify, default_draft_keys
from nightdesk.domain.errors import Rejected
from nightdesk.domain.overruled import overruled, with_lines
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.profile_uses import profile_uses
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import key_of, path_of, path_of_file
from nightdesk.domain.text import SLUG
from nightdesk.domain.timestamps import local_time
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.articles_table import ACCEPTED
from nightdesk.repositories.private_bucket import (
    article_etag,
    author_kinds,
    decisions_from,
    decisions_key,
    document_key,
    facts_from,
    load_site,
    profile_key,
    written_key,
)
from nightdesk.repositories.records import DraftRecord, ProblemDicts, by_line, problem_dicts
from nightdesk.usecases.editors.find_files import find_file, own_slug
from nightdesk.usecases.editors.link_warnings import (
    StoredPages,
    link_warnings,
    links_of_article,
    links_of_matter,
    links_of_page,
)
from nightdesk.usecases.editors.profile_warnings import StoredNames, profile_warnings, uses_of
from nightdesk.usecases.editors.settings_warnings import settings_warnings
from nightdesk.usecases.pipeline.effective import effective_article
from nightdesk.usecases.pipeline.invalidate import write_token
from nightdesk.usecases.pipeline.slug_plan import path_aliases


def status(name: str, ports: Ports, now: datetime) -> dict[str, Any] | None:
    """Return the status of an article or of a file, rejected drafts included; None if there is none.

    Args:
        name: a slug, a file's name or path, or a key of the drafts bucket.
    """
    if found := find_file(name, ports):
        return draft_status(*found, ports, now)
    blob = ports.private.get(document_key(name)) if SLUG.fullmatch(name) else None
    return _report("", name, WITHDRAWN) | {"url": f"{ports.base_url}/articles/{name}/"} if blob else None


def draft_keys(slug: str, ports: Ports) -> list[str]:
    """Return the key of the draft that holds a slug; if there is none, the keys whose draft would have it."""
    claim = articles_table.claim_of(ports.articles, slug)
    return [claim.holder] if claim else list(default_draft_keys(slug))


def draft_status(key: str, record: DraftRecord, ports: Ports, now: datetime) -> dict[str, Any]:
    """Return the status of a file in the drafts bucket as JSON values.

    `settled` says whether pages, lists and cache reflect the file and the editors' decisions.

    Args:
        record: the file's record.
    """
    state, slug = record.state, record.slug
    report = _report(key, slug, state, record)
    if record.kind != "draft":
        report |= {"url": _url_of_file(record, ports), "state": LIVE if state == ACCEPTED else state}
        if record.kind == "newsletter" and state == ACCEPTED:
            report |= _time_of_text(_written_text(key, record, ports), load_site(ports), now)
        return report | {"warnings": by_line([*record.warnings, *_warnings_of_file(key, record, ports, now)])}
    report["url"] = f"{ports.base_url}/articles/{slug}/"
    article = _read_article(record, ports)
    if article is None:
        own = own_slug(key, record, ports)
        return report if own == slug else report | {"slug": own, "url": ""}
    document, decisions, effective, pending, site, etag = article
    report |= {"settled": _settled(slug, etag, ports)}
    report |= _time_of_text(effective, site, now)
    if effective.draft and not apply_decisions(document, decisions, site).draft:
        report["problems"] = [*record.problems, approval_problem(decisions).to_json()]
    unknown = profile_warnings(uses_of(effective), StoredNames(ports, slug), lambda: _file(key, record, ports))
    contradicted = _overruled(key, record, document, decisions, ports)
    of_pages = _page_warnings(key, record, document, ports)
    dead = _dead_links(key, record, effective, site, ports)
    report["warnings"] = by_line([*record.warnings, *unknown, *contradicted, *of_pages, *dead])
    if pending and decisions.approval:
        waits = Kind.APPROVAL_PENDING.at(0, "approval", name=decisions.approval.name)
        report["warnings"] = [waits.to_json(), *report["warnings"]]
    return report | ({"rejected": True} if state == REJECTED else {})


def is_finished(record: DraftRecord, ports: Ports, now: datetime) -> bool:
    """Return whether pages, lists and cache reflect a file and the editors' decisions, or nothing will be public of it for now."""
    article = _read_article(record, ports) if record.kind == "draft" else None
    if article is None or article.shown.state(now) in (DRAFT, SCHEDULED):
        return True
    return _settled(record.slug, article.etag, ports)


class _Article(NamedTuple):
    """An article as it is stored.

    Attributes:
        shown: the document with the decisions applied.
        pending: the version that awaits an approval, if any.
        etag: changes with the document and with the decisions.
    """

    document: Document
    decisions: Decisions
    shown: Document
    pending: Document | None
    site: Site
    etag: str


def _read_article(record: DraftRecord, ports: Ports) -> _Article | None:
    """Read the article of a draft; None if it has none."""
    blob = ports.private.get(document_key(record.slug)) if record.document or record.state == WITHDRAWN else None
    if blob is None:
        return None
    stored = ports.private.get(decisions_key(record.slug))
    site, document, decisions = load_site(ports), Document.from_bytes(blob.body), decisions_from(stored)
    shown, pending = effective_article(document, decisions, site, author_kinds(document, site, ports), ports)
    return _Article(document, decisions, shown, pending, site, article_etag(blob, stored))


def _time_of_text(document: Document, site: Site, now: datetime) -> dict[str, str]:
    """Return the state of an article or a newsletter's text, and the time at which it goes live if it is scheduled."""
    state = document.state(now)
    return {"state": state} | (
        {"publish_at": local_time(document.goes_live, site.zone).isoformat()} if state == SCHEDULED else {}
    )


def _written_text(key: str, record: DraftRecord, ports: Ports) -> Document:
    """Return the rendered text of a newsletter that was written by hand."""
    filed = classify(key)
    written = ports.private.get(written_key(record.slug, bool(filed and filed.folder)))
    return Document.from_bytes(written.body) if written else Document(record.slug)


def _url_of_file(record: DraftRecord, ports: Ports) -> str:
    """Return the address of the page that shows another file than a draft; empty for a newsletter that was not sent yet."""
    if record.kind != "newsletter":
        return ports.base_url + path_of_file(record.kind, record.slug)
    # One page for each edition: the newest of those that were not cancelled.
    for key, _ in reversed(ports.site.list(key_of(path_of_file(record.kind, record.slug)).removesuffix("index.html"))):
        page = ports.site.stat(key) if key.endswith("/index.html") else None
        if page and page.metadata.get("status") != "410":
            return ports.base_url + path_of(key)
    return ""


def _warnings_of_file(key: str, record: DraftRecord, ports: Ports, now: datetime) -> ProblemDicts:
    """Return the warnings of another file than a draft that depend on the rest of the site, or on the time."""
    timed: Sequence[Problem] = ()
    if record.state != ACCEPTED:
        return []
    if record.kind == "newsletter":
        shown = _written_text(key, record, ports)
        named, links = tuple(uses_of(shown)), links_of_article(shown)
    elif record.kind in ("update", "site"):
        raw = _file(key, record, ports)
        named, links = profile_uses(raw, record.kind), links_of_matter(raw, record.kind)
        timed = settings_warnings(raw, now) if record.kind == "site" and raw else ()
    else:
        profile = ports.private.get(profile_key(record.kind, record.slug))
        named, links = (), links_of_page(record.kind, facts_from(profile.body) if profile else {})
    site = load_site(ports)
    dead = link_warnings(links, site, StoredPages(site, ports), lambda: _file(key, record, ports))
    return [*problem_dicts(timed), *profile_warnings(named, StoredNames(ports, "")), *dead]


def _overruled(key: str, record: DraftRecord, document: Document, decisions: Decisions, ports: Ports) -> ProblemDicts:
    """Return a warning, with its line, for each decision that contradicts the draft."""
    found = overruled(document, decisions)
    raw = _file(key, record, ports) if found else b""
    return problem_dicts(with_lines(found, raw, lambda: _gate_lines(key, raw, load_site(ports))) if raw else found)


def _gate_lines(key: str, raw: bytes, site: Site) -> list[int]:
    # Imported here because only an article whose gates an editor set needs it, and the Markdown parser is slow to load.
    from nightdesk.rendering.markdown import to_html

    parsed = classify(key)
    try:
        passages = parse_draft(raw, parsed.name if parsed else "", site, to_html).passages
    except Rejected:
        return []
    # A passage begins after the line that opens its gate.
    return [passage.line - 1 for passage in passages if passage.tier]


def _dead_links(key: str, record: DraftRecord, shown: Document, site: Site, ports: Ports) -> ProblemDicts:
    return link_warnings(links_of_article(shown), site, StoredPages(site, ports), lambda: _file(key, record, ports))


def _page_warnings(key: str, record: DraftRecord, document: Document, ports: Ports) -> ProblemDicts:
    """Return a warning for each alias that is the address of a standing page of the newsroom's, which takes precedence."""
    found = []
    for address in path_aliases(document):
        identifier = address.strip("/")
        if "/" not in identifier and ports.private.stat(profile_key("page", identifier)):
            line = alias_lines(_file(key, record, ports) or b"---\n---\n").get(address, 0)
            found.append(Kind.ALIAS_TAKEN.at(line, "aliases", path=address, holder=f"pages/{identifier}.md"))
    return problem_dicts(found)


def _file(key: str, record: DraftRecord, ports: Ports) -> bytes:
    """Return the bytes of a file; none if another version has been put since the record was written."""
    blob = ports.drafts.get(key)
    return blob.body if blob and blob.etag == record.etag else b""


def _settled(slug: str, document: str, ports: Ports) -> bool:
    record = articles_table.article_record(ports.articles, slug)
    if not record or record.document != document or not record.is_complete:
        return False
    path = f"/articles/{slug}/*"
    return articles_table.invalidated_write(ports.articles, path) == write_token(path, ports)


def _report(key: str, slug: str, state: str, record: DraftRecord | None = None) -> dict[str, Any]:
    return {
        "key": key,
        "slug": slug,
        "state": state,
        "revision": record.revision if record else 0,
        "url": "",
        "publish_at": "",
        "problems": record.problems if record else [],
        "warnings": record.warnings if record else [],
        "uploaded_by": record.uploaded_by if record else "",
        "settled": True,
    }
