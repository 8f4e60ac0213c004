"""The marks of withdrawn drafts: set with a takedown, and removed by the decision that lifts it.

Decisions and marks are stored one after the other, so of two editors who decide at once each checks that the other did not
come between, and otherwise gets a Conflict. Until one of them tries again, the draft stays marked: when in doubt, nothing is
shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightdesk.domain.decisions import text_digest
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts_bucket import draft_id
from nightdesk.domain.errors import Conflict
from nightdesk.domain.events import RenderRequested
from nightdesk.ports import Output, Ports
from nightdesk.repositories import articles_table, takedowns
from nightdesk.repositories.drafts_bucket import files_of_draft
from nightdesk.repositories.private_bucket import JSON, decisions_from, decisions_key, load_document
from nightdesk.repositories.takedowns import WithdrawnDraft


def is_marked(document: Document, ports: Ports) -> bool:
    """Return True if the draft of a document is marked as withdrawn."""
    return takedowns.is_draft_withdrawn(draft_id(document.file), ports.private)


def mark(document: Document, ports: Ports) -> None:
    """Mark the draft and the text of a withdrawn document, and have the files rendered that this covers elsewhere.

    Raises:
        Conflict: another editor has lifted the takedown meanwhile.
    """
    withdrawn = WithdrawnDraft(draft_id(document.file), text_digest(document))
    takedowns.record(withdrawn, ports.clock(), ports.private)
    _render_other_forms(document, ports)
    now = load_document(document.slug, ports)
    if not now or now.withdrawn or now.file != document.file:
        # The draft was filed under another slug, perhaps before it was marked.
        ports.bus.emit([RenderRequested(document.file)])
    if not decisions_from(ports.private.get(decisions_key(document.slug))).withdrawn:
        raise Conflict(f"another editor has just published {document.slug}")


def lift(document: Document, old_slugs: Sequence[str], ports: Ports) -> None:
    """Lift the takedown of a draft, of its text, and of its earlier addresses that no other draft has."""
    text = text_digest(document)
    takedowns.lift(WithdrawnDraft(draft_id(document.file), text), ports.private)
    _render_other_forms(document, ports)
    if text:
        render_rejected(ports)
    for slug in old_slugs:
        blob, pointer = ports.private.get(decisions_key(slug)), load_document(slug, ports)
        decisions = decisions_from(blob)
        if blob and decisions.has_takedown and pointer and pointer.moved and pointer.file == document.file:
            ports.private.put(Output(decisions_key(slug), decisions.without_takedown().to_bytes(), JSON), blob.etag)


def render_rejected(ports: Ports) -> None:
    """Have the rejected drafts rendered: one may have an earlier version with a text that is no longer withdrawn."""
    ports.bus.emit([RenderRequested(file.key) for file in articles_table.rejected(ports.articles)])


def _render_other_forms(document: Document, ports: Ports) -> None:
    """Have the other files with the same draft id rendered: a takedown covers them too, and they may have other slugs."""
    files = files_of_draft(draft_id(document.file), ports)
    ports.bus.emit([RenderRequested(key) for key in files if key != document.file])
