"""Editors' acts: what they decide about an article, kept apart from its draft, and told to the pipeline.

A decision is written over the very one that was read, so that of two editors who act at once one is told to look again.
The event goes out also where nothing had to be written: a run before may have written and died.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from nightdesk.domain.documents import EXPIRED, LIVE, Document
from nightdesk.domain.editorial import (
    Approval,
    Editorial,
    GateAccess,
    approved_form,
    decided,
    is_approved,
    is_held_back,
    passage_mark,
    why_held_back,
)
from nightdesk.domain.errors import Conflict, Permanent
from nightdesk.domain.site import Site

from . import catalogue
from .ports import ANY, Blob, Event, Output, Ports
from .stored import (
    IMAGE_TYPES,
    JSON,
    author_kinds,
    editorial_key,
    load_decisions,
    load_site,
    mark_of,
    version_with,
)


@dataclass(frozen=True, slots=True)
class Unknown(Permanent):
    """There is no such article, or no such revision of it."""

    what: str

    def __str__(self) -> str:
        return self.what


class Unapproved(Permanent):
    """An article may not go live before an editor approves it."""


class Standing(NamedTuple):
    """Where an article stands: its state, the revision of its draft, and its mark (`mark_of`)."""

    state: str
    revision: int
    mark: str


class Acted(NamedTuple):
    """Where an article stood when an editor acted, and where it stands since."""

    before: Standing
    after: Standing


def withdraw(slug: str, ports: Ports, expected: str = "") -> Acted:
    """Take an article down, until an editor publishes it again, whatever drafts come meanwhile.

    Args:
        expected: the article's mark (`mark_of`) as the editor saw it; whatever it is, without.

    Raises:
        Unknown: there is no such article.
        Conflict: it is not as the editor saw it.
    """
    event = Event("ArticleWithdrawn", {"slug": slug})
    return _decide(slug, lambda _, found: replace(found, withdrawn=True), event, ports, expected)


def publish(slug: str, ports: Ports, expected: str = "") -> Acted:
    """Let an article go live now: one that was withdrawn, is scheduled, or says `draft: true`.

    Raises:
        Unapproved: the site's settings demand an approval first.
        Permanent: it has expired, which only its draft can change.
        Otherwise as `withdraw`.
    """
    now, site = ports.clock(), load_site(ports)

    def change(document: Document, found: Editorial) -> Editorial:
        back = replace(found, withdrawn=False)
        kinds = author_kinds(document, site, ports)
        if is_held_back(document, back, site, kinds):
            raise Unapproved(f"{slug}: {why_held_back(back)}")
        state = decided(document, back, site, kinds).state(now)
        if state == EXPIRED:
            raise Permanent(f"{slug} expired at {document.expires}; change “expires” in its draft")
        return back if state == LIVE else replace(back, publish_at="", published=now.isoformat(timespec="seconds"))

    return _decide(slug, change, _acted(slug, "publish"), ports, expected)


def approve(slug: str, name: str, by: str, ports: Ports, expected: str = "") -> Acted:
    """Take editorial responsibility for an article, just as its draft is now.

    Args:
        name: of whoever does, as readers will see it.
        by: the person's id in the newsroom's own records.

    Raises:
        Permanent: nobody is named.
        Otherwise as `withdraw`.
    """
    shown = " ".join(name.split())
    if not shown:
        raise Permanent("an approval needs the name of whoever takes responsibility")
    at = ports.clock().isoformat(timespec="seconds")

    def change(document: Document, found: Editorial) -> Editorial:
        if found.approval and found.approval.by == by and is_approved(document, found):
            return found
        return replace(found, approval=Approval(shown, by, at, approved_form(document)))

    return _decide(slug, change, _acted(slug, "approve"), ports, expected)


def schedule(slug: str, moment: datetime, ports: Ports, expected: str = "") -> Acted:
    """Let an article go live at `moment` and not before, whatever its draft says. Raises as `withdraw`."""
    at = moment.isoformat()
    event = Event("ArticleScheduled", {"slug": slug, "at": at})

    def change(_: Document, found: Editorial) -> Editorial:
        return replace(found, withdrawn=False, published="", publish_at=at)

    return _decide(slug, change, event, ports, expected)


def regate(
    slug: str, access: str | None, gates: dict[int, str] | None, ports: Ports, expected: str = ""
) -> Acted:  # fmt: skip
    """Set who may read an article, or single gates of it, without a new draft.

    Args:
        access: a tier for the whole article; empty for what its draft says; None leaves it.
        gates: tiers by the number of a gate, from 1; empty for what the draft says.

    Raises:
        Permanent: no such tier, or no such gate.
        Otherwise as `withdraw`.
    """
    tiers = load_site(ports).tiers
    for tier in (access, *(gates or {}).values()):
        if tier and tier not in tiers:
            raise Permanent(f"“{tier}” is no tier of this site; there are {', '.join(tiers)}")

    def change(document: Document, found: Editorial) -> Editorial:
        passages = [block for block in document.blocks if block.tier]
        kept = {gate.number: gate for gate in found.gates}
        for number, tier in (gates or {}).items():
            if not 0 < number <= len(passages):
                raise Permanent(f"{slug} has no gate {number}; it has {len(passages)}")
            kept.pop(number, None)
            if tier:
                kept[number] = GateAccess(number, tier, passage_mark(passages[number - 1]))
        chosen = found.access if access is None else access
        return replace(found, access=chosen, gates=tuple(kept[number] for number in sorted(kept)))

    return _decide(slug, change, _acted(slug, "access"), ports, expected)


def correct(slug: str, text: str, ports: Ports, expected: str = "") -> Acted:
    """Add a correction, dated now, to those of the draft. Raises as `withdraw`."""
    correction = {"date": ports.clock().isoformat(timespec="seconds"), "text": text}

    def change(_: Document, found: Editorial) -> Editorial:
        return replace(found, corrections=(*found.corrections, correction))

    return _decide(slug, change, _acted(slug, "correction"), ports, expected)


def rollback(slug: str, number: int, ports: Ports, expected: str = "") -> Acted:
    """Make an older revision current, as a new one: its file and its images are put into the drafts bucket again.

    What editors decided holds for it too. Its mark is not known before it is rendered.

    Args:
        number: of the revision, from 1.

    Raises:
        Unknown: there is no such article, or no such revision.
        Conflict: the draft changed meanwhile, or is not as the editor saw it.
    """
    held = catalogue.holder(ports.articles, slug)
    key = held["holder"] if held else _last_holder(slug, ports)
    revision = catalogue.revision(ports.articles, key, number)
    if not revision:
        raise Unknown(f"{slug} has no revision {number}")
    file = ports.drafts.get(key, revision["file"])
    if file is None:
        raise Unknown(f"the file of revision {number} of {slug} is no longer kept")
    blob, decisions = ports.work.get(f"articles/{slug}.json"), ports.work.get(editorial_key(slug))
    if blob is None:
        raise Unknown(f"nothing is known of “{slug}”")
    if expected and mark_of(blob, decisions) != expected:
        raise Conflict(f"{slug} has changed since")
    before = _standing(blob, decisions, load_site(ports), ports)
    current = ports.drafts.stat(key)
    moved = [_restore(image, etag, ports) for image, etag in revision["images"]]
    if not current or current.etag != file.etag:
        ports.drafts.put(Output(key, file.body, "text/markdown"), current.etag if current else None)
        moved.append(True)
    return Acted(before, Standing(before.state, before.revision + 1, "") if any(moved) else before)


def _restore(image: str, etag: str, ports: Ports) -> bool:
    """Put the version of an image with an etag back in its place; whether it was not there."""
    current = ports.drafts.stat(image)
    if current and current.etag == etag:
        return False
    blob = version_with(image, etag, ports)
    if blob:
        kind = IMAGE_TYPES["." + image.rsplit(".", 1)[1].lower()]
        ports.drafts.put(Output(image, blob.body, kind), ANY)
    return blob is not None


def _last_holder(slug: str, ports: Ports) -> str:
    """The draft that a withdrawn article came from: the one that its file's name says, if it has revisions."""
    for key in (f"drafts/{slug}.md", f"drafts/{slug}/index.md"):
        if catalogue.revisions(ports.articles, key, 0, 1):
            return key
    raise Unknown(f"nothing is known of “{slug}”")


def _acted(slug: str, act: str) -> Event:
    return Event("EditorActed", {"slug": slug, "act": act})


def _decide(
    slug: str, change: Callable[[Document, Editorial], Editorial], event: Event, ports: Ports, expected: str
) -> Acted:  # fmt: skip
    blob = ports.work.get(f"articles/{slug}.json")
    document = Document.from_bytes(blob.body) if blob else None
    if blob is None or document is None:
        raise Unknown(f"nothing is known of “{slug}”")
    if document.withdrawn:
        moved = (
            f"it has moved to “{document.moved}”"
            if document.moved
            else "its draft was deleted; put it back, or roll back"
        )
        raise Unknown(f"“{slug}” has no draft: {moved}")
    found = ports.work.get(editorial_key(slug))
    if expected and mark_of(blob, found) != expected:
        raise Conflict(f"{slug} has changed since")
    site = load_site(ports)
    before = _standing(blob, found, site, ports)
    after = change(document, load_decisions(found)).to_bytes()
    made = found
    if found is None or found.body != after:
        ports.work.put(Output(editorial_key(slug), after, JSON), found.etag if found else None)
        made = Blob(after, "", "", ports.clock(), {})
    # Whether those lead here depends on whether readers get what is here.
    old = [Event("ArticleTouched", {"slug": other}) for other in catalogue.old_slugs(ports.articles, slug)]
    ports.bus.emit([event, *old])
    _look_again(slug, ports)
    return Acted(before, _standing(blob, made, site, ports))


def _look_again(slug: str, ports: Ports) -> None:
    """See that no new version of the draft is just being read: it may take the article to another slug, where decisions go
    along, and one that is made at that very moment would stay behind.

    Raises:
        Conflict: one is.
    """
    held = catalogue.holder(ports.articles, slug)
    record = catalogue.draft_record(ports.articles, held["holder"]) if held else None
    file = ports.drafts.stat(held["holder"]) if held else None
    if not record or record["slug"] != slug or record["etag"] != (file.etag if file else ""):
        raise Conflict(f"a new version of {slug} is just being read; try again in a moment")


def standing(slug: str, ports: Ports) -> Standing | None:
    """Where an article stands; None where nothing is known of it."""
    blob = ports.work.get(f"articles/{slug}.json")
    return _standing(blob, ports.work.get(editorial_key(slug)), load_site(ports), ports) if blob else None


def _standing(blob: Blob, decisions: Blob | None, site: Site, ports: Ports) -> Standing:
    document = Document.from_bytes(blob.body)
    made = decided(document, load_decisions(decisions), site, author_kinds(document, site, ports))
    held = catalogue.holder(ports.articles, document.slug)
    record = catalogue.draft_record(ports.articles, held["holder"]) if held else None
    revision = int(record["revision"]) if record else 0
    return Standing(made.state(ports.clock()), revision, mark_of(blob, decisions))
