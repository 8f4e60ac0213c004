"""Editors' decisions about an article: stored apart from its draft, and announced to the pipeline.

A decision is written only over the version that was read, so of two editors who decide at once one gets a Conflict. The
event is sent even if nothing had to be written: an earlier run may have died between the write and its event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.decisions import (
    Approval,
    Decisions,
    GateAccess,
    approval_digest,
    approval_problem,
    awaits_approval,
    is_approved,
    passage_digest,
)
from nightdesk.domain.documents import EXPIRED, LIVE, Document
from nightdesk.domain.drafts_bucket import default_draft_keys, draft_id
from nightdesk.domain.errors import Conflict, NotFound, Permanent
from nightdesk.domain.events import (
    ArticleScheduled,
    ArticleWithdrawn,
    DecisionChanged,
    Event,
    RegateRequested,
)
from nightdesk.domain.site import Site
from nightdesk.ports import Blob, Output, Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import (
    JSON,
    article_etag,
    author_kinds,
    decisions_from,
    decisions_key,
    document_key,
    load_site,
)
from nightdesk.usecases.editors.revision_files import restore_file, stored_revision
from nightdesk.usecases.editors.takedown_marks import is_marked, lift, mark, render_rejected
from nightdesk.usecases.pipeline.effective import effective_article, store_approved


class ApprovalRequired(Permanent):
    """The article may not go live before an editor approves it."""


class ArticleState(NamedTuple):
    """An article's state (`live`, `scheduled` …), its draft's revision, and its ETag (`article_etag`)."""

    state: str
    revision: int
    etag: str


class StateChange(NamedTuple):
    """An article's state before and after a decision."""

    before: ArticleState
    after: ArticleState


def no_article(slug: str) -> NotFound:
    """Return the error for an article that does not exist."""
    return NotFound(f"there is no article “{slug}”")


def withdraw(slug: str, ports: Ports, expected: str = "") -> StateChange:
    """Take an article down until an editor publishes it again, whatever drafts are uploaded meanwhile.

    Args:
        expected: the article's ETag (`article_etag`) as the editor saw it; empty for any.

    Raises:
        NotFound: the article does not exist.
        Conflict: it is not as the editor saw it, or another editor or a new draft is changing it.
    """

    def change(document: Document, decisions: Decisions) -> Decisions:
        return decisions.with_takedown(draft_id(document.file))

    return _decide(slug, change, ArticleWithdrawn(slug), ports, expected)


def publish(slug: str, ports: Ports, expected: str = "") -> StateChange:
    """Publish an article now, even if it was withdrawn, is scheduled, or says `draft: true`.

    Raises:
        ApprovalRequired: the site's settings require an approval first.
        Permanent: the article has expired, which only its draft can change.
        Otherwise as `withdraw`.
    """
    now, site = ports.clock(), load_site(ports)

    def change(document: Document, decisions: Decisions) -> Decisions:
        published = decisions.without_takedown()
        kinds = author_kinds(document, site, ports)
        effective = effective_article(document, published, site, kinds, ports)
        if awaits_approval(document, published, site, kinds) and not effective.pending:
            raise ApprovalRequired(f"{slug}: {approval_problem(published).message}")
        state = effective.document.state(now)
        if state == EXPIRED:
            raise Permanent(f"{slug} expired at {document.expires}; change “expires” in its draft")
        if state == LIVE:
            return published
        return replace(published, publish_at="", published=now.isoformat(timespec="seconds"))

    return _decide(slug, change, DecisionChanged(slug, "publish"), ports, expected)


def approve(slug: str, name: str, by: str, ports: Ports, expected: str = "") -> StateChange:
    """Record that a person takes editorial responsibility for an article, exactly as its draft is now.

    Args:
        name: the person's name as readers will see it.
        by: the person's id in the newsroom's own records.

    Raises:
        Permanent: the name is empty.
        Otherwise as `withdraw`.
    """
    shown = " ".join(name.split())
    if not shown:
        raise Permanent("an approval needs the name of the person who takes responsibility")
    at = ports.clock().isoformat(timespec="seconds")

    def change(document: Document, decisions: Decisions) -> Decisions:
        before = decisions.approval
        is_repeated = before is not None and before.by == by and is_approved(document, decisions)
        approval = before if before and is_repeated else Approval(shown, by, at, approval_digest(document))
        return replace(decisions, approval=approval)

    return _decide(slug, change, DecisionChanged(slug, "approve"), ports, expected)


def schedule(slug: str, moment: datetime, ports: Ports, expected: str = "") -> StateChange:
    """Publish an article at `moment` and not before, whatever its draft says.

    Raises:
        Permanent: the moment has passed.
        Otherwise as `withdraw`.
    """
    if moment <= ports.clock():
        raise Permanent(f"{moment.isoformat()} is in the past; publish the article instead")
    at = moment.isoformat()
    event = ArticleScheduled(slug, at)

    def change(document: Document, decisions: Decisions) -> Decisions:
        waits = document.dated and datetime.fromisoformat(document.date) > ports.clock()
        redates = waits or decisions.redates
        return replace(decisions.without_takedown(), published="", publish_at=at, redates=redates)

    return _decide(slug, change, event, ports, expected)


def regate(
    slug: str, access: str | None, gates: dict[int, str] | None, ports: Ports, expected: str = ""
) -> StateChange:
    """Set the tier of an article, or of some of its gates, without a new draft.

    Args:
        access: a tier for the whole article; empty restores the draft's; None leaves it unchanged.
        gates: tiers by gate number, from 1; an empty tier restores the draft's.

    Raises:
        Permanent: the site has no such tier, or the article no such gate.
        Otherwise as `withdraw`.
    """
    tiers = load_site(ports).tiers
    for tier in (access, *(gates or {}).values()):
        if tier and tier not in tiers:
            raise Permanent(f"this site has no tier “{tier}”; its tiers are {', '.join(tiers)}")

    def change(document: Document, decisions: Decisions) -> Decisions:
        passages = [block for block in document.blocks if block.tier]
        kept = {gate.number: gate for gate in decisions.gates}
        for number, tier in (gates or {}).items():
            if not 0 < number <= len(passages):
                raise Permanent(f"{slug} has no gate {number}; its gates are numbered 1 to {len(passages)}")
            kept.pop(number, None)
            if tier:
                kept[number] = GateAccess(number, tier, passage_digest(passages[number - 1]))
        chosen = decisions.access if access is None else access
        return replace(decisions, access=chosen, gates=tuple(kept[number] for number in sorted(kept)))

    return _decide(slug, change, DecisionChanged(slug, "access"), ports, expected)


def correct(slug: str, text: str, ports: Ports, expected: str = "") -> StateChange:
    """Add a correction, dated now, to those of the draft. A text equal to the last one's is the same request, sent again.

    Raises:
        Permanent: the text is empty.
        Otherwise as `withdraw`.
    """
    if not text.strip():
        raise Permanent("a correction needs a text: what was wrong, and what is right")
    correction = {"date": ports.clock().isoformat(timespec="seconds"), "text": text}

    def change(_: Document, decisions: Decisions) -> Decisions:
        if decisions.corrections and decisions.corrections[-1]["text"] == text:
            return decisions
        return replace(decisions, corrections=(*decisions.corrections, correction))

    return _decide(slug, change, DecisionChanged(slug, "correction"), ports, expected)


def remove_correction(slug: str, number: int, ports: Ports, expected: str = "") -> StateChange:
    """Remove a correction that an editor added.

    Args:
        number: counts the editors' corrections, from 1.

    Raises:
        NotFound: there is no such correction; those in the draft's front matter are removed there.
        Otherwise as `withdraw`.
    """

    def change(_: Document, decisions: Decisions) -> Decisions:
        # Before anything is stored: a second attempt would remove the next correction.
        _require_rendered_draft(slug, ports)
        count = len(decisions.corrections)
        if not 0 < number <= count:
            raise NotFound(f"{slug} has {count} corrections by editors; {number} is none of them")
        kept = (*decisions.corrections[: number - 1], *decisions.corrections[number:])
        return replace(decisions, corrections=kept)

    return _decide(slug, change, DecisionChanged(slug, "correction"), ports, expected)


def rollback(slug: str, number: int, ports: Ports, expected: str = "") -> StateChange:
    """Restore an older revision as a new one, by putting its file and its images into the drafts bucket again.

    The editors' decisions apply to it too. The new ETag is unknown until the file is rendered.

    Args:
        number: the revision's number, from 1.

    Raises:
        NotFound: the article or the revision does not exist.
        Conflict: the draft is being changed, or is not as the editor saw it.
    """
    held = articles_table.claim_of(ports.articles, slug)
    key = held.holder if held else _last_holder(slug, ports)
    revision, file = stored_revision(slug, key, number, ports)
    blob, decisions = ports.private.get(document_key(slug)), ports.private.get(decisions_key(slug))
    if blob is None:
        raise no_article(slug)
    if expected and article_etag(blob, decisions) != expected:
        raise _stale(slug)
    before = _state_of(blob, decisions, load_site(ports), ports)
    current = ports.drafts.get(key)
    restored = [restore_file(name, sha256, ports) for name, sha256 in revision.images]
    if not current or current.body != file.body:
        ports.drafts.put(Output(key, file.body, "text/markdown"), current.etag if current else None)
        restored.append(True)
    return StateChange(before, ArticleState(before.state, before.revision + 1, "") if any(restored) else before)


def article_state(slug: str, ports: Ports) -> ArticleState | None:
    """Return an article's state; None if it does not exist."""
    blob = ports.private.get(document_key(slug))
    return _state_of(blob, ports.private.get(decisions_key(slug)), load_site(ports), ports) if blob else None


def _last_holder(slug: str, ports: Ports) -> str:
    """Return the key of the draft that a withdrawn article was rendered from: that of its slug, if it has revisions."""
    for key in default_draft_keys(slug):
        if articles_table.revisions(ports.articles, key, 0, 1):
            return key
    raise no_article(slug)


def _stale(slug: str) -> Conflict:
    return Conflict(f"{slug} has changed since you read it")


def _decide(
    slug: str, change: Callable[[Document, Decisions], Decisions], event: Event, ports: Ports, expected: str
) -> StateChange:
    """Store what `change` makes of an article's decisions, and send the event."""
    blob = ports.private.get(document_key(slug))
    document = Document.from_bytes(blob.body) if blob else None
    if blob is None or document is None:
        raise no_article(slug)
    if document.withdrawn:
        _announce_again(document, ports)
        if done := _moved_along(document, change, event, ports):
            return done
        raise _without_draft(slug, document)
    read = ports.private.get(decisions_key(slug))
    if expected and article_etag(blob, read) != expected:
        raise _stale(slug)
    site = load_site(ports)
    before = _state_of(blob, read, site, ports)
    decided = change(document, decisions_from(read))
    if decided.approval and event == DecisionChanged(slug, "approve"):
        # Kept before the decision names it: readers get this version until the next one is approved.
        store_approved(document, decided.approval, ports)
    after, written = decided.to_bytes(), read
    old = articles_table.old_slugs(ports.articles, slug)
    publishes = isinstance(event, ArticleScheduled) or event == DecisionChanged(slug, "publish")
    lifts = publishes and (decisions_from(read).has_takedown or is_marked(document, ports))
    if lifts:
        # Before the decisions: a run of render that finds the draft's mark takes down what is not yet taken down.
        lift(document, old, ports)
    if read is None or read.body != after:
        ports.private.put(Output(decisions_key(slug), after, JSON), read.etag if read else None)
        written = Blob(after, "", "", ports.clock(), {})
    if isinstance(event, ArticleWithdrawn):
        mark(document, ports)
    elif lifts and is_marked(document, ports):
        raise _stale(slug)
    # Old addresses redirect to the article only while readers get it.
    ports.bus.emit([event, *(RegateRequested(other) for other in old)])
    _require_rendered_draft(slug, ports)
    return StateChange(before, _state_of(blob, written, site, ports))


def _announce_again(document: Document, ports: Ports) -> None:
    """Have all addresses gated of a draft that is gone from one: an earlier attempt may have died after it lifted a takedown."""
    record = articles_table.draft_record(ports.articles, document.file) if document.file else None
    ports.bus.emit([RegateRequested(slug) for slug in (record.slugs if record else ())])
    render_rejected(ports)


def _moved_along(
    pointer: Document, change: Callable[[Document, Decisions], Decisions], event: Event, ports: Ports
) -> StateChange | None:
    """Return the state of an article that has moved, if the decision holds at its new slug already; else None.

    An earlier attempt stored the decision while a new version of the draft was being processed, and it moved along.
    """
    blob = ports.private.get(document_key(pointer.moved)) if pointer.moved else None
    document = Document.from_bytes(blob.body) if blob else None
    if blob is None or document is None or document.withdrawn or document.file != pointer.file:
        return None
    stored = ports.private.get(decisions_key(pointer.moved))
    kept = decisions_from(stored)
    if isinstance(event, ArticleWithdrawn):
        holds = kept.takes_down(draft_id(document.file))
    else:
        try:
            holds = change(document, kept) == kept
        except (Permanent, Conflict):
            holds = False
    if not holds:
        return None
    state = _state_of(blob, stored, load_site(ports), ports)
    return StateChange(state, state)


def _without_draft(slug: str, document: Document) -> NotFound:
    if document.moved:
        return NotFound(f"“{slug}” has no draft: the article has moved to “{document.moved}”")
    return NotFound(f"“{slug}” has no draft: it was deleted; upload it again, or roll back to a revision")


def _require_rendered_draft(slug: str, ports: Ports) -> None:
    """Check that no new version of the draft is being rendered.

    It may move the article to another slug, and decisions with it. A decision written while that happens would stay behind.

    Raises:
        Conflict: a new version is being rendered.
    """
    held = articles_table.claim_of(ports.articles, slug)
    record = articles_table.draft_record(ports.articles, held.holder) if held else None
    file = ports.drafts.stat(held.holder) if held else None
    if not record or record.slug != slug or record.etag != (file.etag if file else ""):
        raise Conflict(f"a new version of {slug} is being processed; try again in a moment")


def _state_of(blob: Blob, decisions: Blob | None, site: Site, ports: Ports) -> ArticleState:
    document = Document.from_bytes(blob.body)
    kinds = author_kinds(document, site, ports)
    effective = effective_article(document, decisions_from(decisions), site, kinds, ports).document
    held = articles_table.claim_of(ports.articles, document.slug)
    record = articles_table.draft_record(ports.articles, held.holder) if held else None
    revision = record.revision if record else 0
    return ArticleState(effective.state(ports.clock()), revision, article_etag(blob, decisions))
