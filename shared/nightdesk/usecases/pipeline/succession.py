"""Succession: a draft that was deleted and filed again is the same article, with its old addresses and its id in feeds.

The file and the folder form of a draft are one draft, as takedowns see it. A file of another name continues the article if it
asks for the same slug and its first version has the same title. What was withdrawn by an editor is not continued under
another name.

A deletion may be noticed before or after the new file. So a run that records a deletion has the drafts rendered that may
continue the article (`successors`), after it stored the record in which they find what they inherit.
"""

from __future__ import annotations

from collections.abc import Mapping

from nightdesk.domain.decisions import Decisions
from nightdesk.domain.documents import WITHDRAWN, digest
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.drafts_bucket import classify, draft_forms, draft_id
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.ports import ObjectVersion, Ports
from nightdesk.rendering.markdown import to_html
from nightdesk.repositories import articles_table, takedowns
from nightdesk.repositories.drafts_bucket import current_versions, files_of_draft, versions_before_deletion
from nightdesk.repositories.private_bucket import decisions_from, decisions_key, load_document, was_listed
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.pipeline.draft_history import DraftHistory
from nightdesk.usecases.pipeline.draft_versions import read_deleted_versions

Records = Mapping[str, DraftRecord]


def other_forms(key: str) -> list[str]:
    """Return the keys of the other forms that a draft may have."""
    return [form for form in draft_forms(draft_id(key)) if form != key]


def predecessors(record: DraftRecord, forms: Records, ports: Ports) -> dict[str, DraftRecord]:
    """Return the records of the deleted drafts whose article a draft continues, by key.

    Args:
        forms: the records of the draft's other forms.
    """
    named = [key for key in record.predecessors if key not in forms]
    found = dict(zip(named, articles_table.draft_records(ports.articles, named), strict=True)) if named else {}
    return {key: each for key, each in {**forms, **found}.items() if each and each.state == WITHDRAWN}


def inherit(record: DraftRecord, before: Records) -> DraftRecord:
    """Return a draft's record with the slugs and the id in feeds of those whose article it continues."""
    slugs = {slug for each in before.values() for slug in each.slugs}
    named = {key for key, each in before.items() if each.slugs}
    known = [before[key].first_address for key in sorted(named) if before[key].first_address]
    return record._replace(
        slugs=sorted({*record.slugs, *slugs}),
        predecessors=sorted({*record.predecessors, *named}),
        first_address=record.first_address or next(iter(known), ""),
    )


def id_beside(first_address: str, slug: str, key: str, forms: Records) -> str:
    """Return by what feeds know a draft's article, where another form of the draft, which was filed again, may have the same id."""
    others = [each for each in forms.values() if each.state != WITHDRAWN and each.document]
    if first_address and any(first_address == (each.first_address or each.slug) for each in others):
        return f"{slug}#{digest(key.encode())[:10]}"
    return first_address


def predecessor_at(slug: str, key: str, site: Site, ports: Ports) -> str:
    """Return the key of the deleted draft of another name that had a slug last, if the draft at `key` continues its article."""
    left = load_document(slug, ports)
    if not left or not left.withdrawn or left.moved or left.file in ("", key):
        return ""
    if takedowns.is_draft_withdrawn(draft_id(left.file), ports.private):
        return ""
    decided = decisions_from(ports.private.get(decisions_key(slug)))
    return left.file if not decided.has_takedown and _has_same_title(left.file, key, site, ports) else ""


def earlier_history(key: str, forms: Records, site: Site, ports: Ports) -> DraftHistory:
    """Return the versions of a draft's other forms that were deleted, if the draft has begun with the title that they had last."""
    deleted = [form for form, record in forms.items() if record.state == WITHDRAWN and record.slugs]
    same = [form for form in deleted if _has_same_title(form, key, site, ports)]
    found = [read.parsed for form in same for read in read_deleted_versions(form, site, ports) if read.parsed]
    return tuple(sorted(found))


def _has_same_title(deleted: str, key: str, site: Site, ports: Ports) -> bool:
    """Return True if the first version of a draft has the title that a deleted one had last."""
    last, own = versions_before_deletion(deleted, ports), current_versions(key, ports)
    if not last or not own:
        return False
    title = _title(last[0], site, ports)
    return bool(title) and title == _title(own[-1], site, ports)


def decisions_left(slug: str, before: Records, ports: Ports) -> Decisions:
    """Return the editors' decisions about a deleted article that another draft continues, until its slug leads there."""
    if slug not in {each.slug for each in before.values()}:
        return Decisions()
    left = load_document(slug, ports)
    is_left = left and left.withdrawn and not left.moved and left.file in before
    return decisions_from(ports.private.get(decisions_key(slug))) if is_left else Decisions()


def remember_id(record: DraftRecord, key: str, ports: Ports) -> DraftRecord:
    """Return the record of a deleted draft with its id in feeds, while its article is still stored."""
    if record.first_address:
        return record
    document = load_document(record.slug, ports)
    if not document or document.withdrawn or document.file != key or not was_listed(record.slug, ports):
        return record
    return record._replace(first_address=record.slug)


def _title(version: ObjectVersion, site: Site, ports: Ports) -> str:
    """Return the title that a version of a draft gives; empty if it was rejected or is gone for good."""
    parsed_key, blob = classify(version.key), ports.drafts.get(version.key, version.version)
    if not parsed_key or not blob:
        return ""
    try:
        return parse_draft(blob.body, parsed_key.name, site, to_html).title
    except Rejected:
        return ""


def successors(key: str, record: DraftRecord, ports: Ports) -> set[str]:
    """Return the keys of the drafts that may continue the article of a draft whose deletion was recorded."""
    if record.state != WITHDRAWN or not record.slugs:
        return set()
    claims = [articles_table.claim_of(ports.articles, slug) for slug in record.slugs]
    return {*files_of_draft(draft_id(key), ports), *(claim.holder for claim in claims if claim)} - {key}
