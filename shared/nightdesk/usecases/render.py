"""Render: from a file in the drafts bucket to a document in the private one.

Knows Markdown and front matter; knows nothing of what a tier looks like. An event only names a key; what stands at the
key now is what counts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Container, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, REJECTED, WITHDRAWN, Asset, Document, canonical, digest
from nightdesk.domain.drafts import Draft, Filed, classify, parse_draft, parse_profile
from nightdesk.domain.editorial import Editorial
from nightdesk.domain.errors import Conflict, Problem, Rejected
from nightdesk.domain.site import Site, is_link
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.text import SLUG, slug_of_filename, slugify
from nightdesk.rendering.markdown import clean_path, is_foreign, render_passages, render_plain, to_html

from . import catalogue
from .catalogue import ACCEPTED
from .converge import converge, store, store_over
from .history import History, Past, claimed_since, first_published, history, last_changed, past_writes
from .invalidate import MANY
from .paths import ARTICLES_TAG
from .ports import Blob, Event, Item, Output, Ports, Stat
from .stored import IMAGE_TYPES, JSON, editorial_key, load_decisions, load_site


class Rendered(NamedTuple):
    """What became of a file: its slug (or id), `accepted` or a state, its revision, and the events to send."""

    key: str
    slug: str
    state: str
    revision: int
    events: tuple[Event, ...]


def render(key: str, ports: Ports, bulk: str = "") -> tuple[Rendered, ...]:
    """Look at one key of the drafts bucket and bring the private documents in line with it; sends the events.

    Args:
        key: of a draft, a profile, a page, `site.yaml`, or of an image beside one of them.
        bulk: the cache tag of many articles that are looked at again for one change.
    """
    done = []
    for subject in _subjects(key, ports):
        filed = classify(subject)
        assert filed  # _subjects names classified keys only
        rendered = (
            _render_draft(subject, filed, ports) if filed.kind == "draft" else _render_profile(subject, filed, ports)
        )
        rendered = rendered._replace(events=tuple(_in_bulk(event, bulk) for event in rendered.events))
        ports.bus.emit(rendered.events)
        done.append(rendered)
    return tuple(done)


def _in_bulk(event: Event, bulk: str) -> Event:
    return Event(event.type, {**event.detail, "bulk": bulk}) if bulk and event.type == "ArticleRendered" else event


def _subjects(key: str, ports: Ports) -> list[str]:
    """The files that a key speaks of: itself, or those that may show it as an image."""
    if filed := classify(key):
        return [] if filed.kind == "update" else [key]
    path = PurePosixPath(key)
    if path.suffix.lower() not in IMAGE_TYPES:
        return []
    if path.parts[0] == "drafts" and len(path.parts) == 3:
        return [f"{path.parent}/index.md"]
    if path.parts[0] == "authors" and len(path.parts) == 2:
        return [name for name, _ in ports.drafts.list("authors/") if classify(name)]
    return []


@dataclass(frozen=True, slots=True)
class _Inputs:
    raw: bytes | None
    etag: str
    version: str
    modified: str
    images: tuple[tuple[str, str], ...]
    site: Site
    profiles: tuple[str, ...]


class _Made(NamedTuple):
    document: Document | None
    slug: str
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    etag: str
    version: str


@dataclass(slots=True)
class _Found:
    """What a run finds out about slugs: which of the draft's it holds, which are free, who had the ones it took, what
    editors had decided at those that it left, as it went along, and whether its article was down when another took its slug."""

    held: set[str] = field(default_factory=set)
    free: set[str] = field(default_factory=set)
    ousted: set[str] = field(default_factory=set)
    taken: dict[str, Blob] = field(default_factory=dict)
    down: bool = False


def _render_draft(key: str, filed: Filed, ports: Ports) -> Rendered:
    found = _Found()
    records: list[dict[str, Any]] = []

    def write(made: _Made) -> bool:
        records.append(_write_draft(key, filed, made, found, ports))
        return True

    def make(inputs: _Inputs) -> _Made:
        # Not an input of its own: the past of a version is always the same, and most drafts do not ask for it.
        # Where the file has gone meanwhile, the next look will find that out.
        past = lambda: history(key, filed, inputs.site, ports) or (Past(inputs.modified, "", False, ""),)  # noqa: E731
        return _make_draft(inputs, filed, past)

    converge(lambda: _read_draft(key, filed, ports), make, write)
    record = records[-1]
    touched = {*found.ousted, *_waiting_for(found, key, ports)} - {key}
    events = [_event_of(slug, record, ports) for slug in record["slugs"]]
    if record["state"] == REJECTED:
        events.append(Event("DraftRejected", {"key": key, "slug": record["slug"], "problems": record["problems"]}))
    events += [Event("DraftTouched", {"key": other}) for other in sorted(touched)]
    return Rendered(key, record["slug"], record["state"], record["revision"], tuple(events))


def _event_of(slug: str, record: Item, ports: Ports) -> Event:
    """What is to be said of a slug that a draft has, or once had."""
    if slug != record["slug"] or record["state"] == WITHDRAWN:
        blob = ports.work.get(f"articles/{slug}.json")
        document = Document.from_bytes(blob.body) if blob else None
        if document and document.withdrawn and not document.moved:
            return Event("ArticleWithdrawn", {"slug": slug})
    return Event("ArticleRendered", {"slug": slug, "revision": record["revision"]})


def _read_draft(key: str, filed: Filed, ports: Ports) -> _Inputs:
    blob = ports.drafts.get(key)
    images = tuple(ports.drafts.list(filed.folder)) if filed.folder and blob else ()
    site = load_site(ports)
    folders = ("authors/", "topics/") if site.require_profiles else ()
    known = tuple(name for folder in folders for name, _ in ports.work.list(folder))
    if not blob:
        return _Inputs(None, "", "", "", images, site, known)
    return _Inputs(blob.body, blob.etag, blob.version, blob.modified.isoformat(), images, site, known)


def _make_draft(inputs: _Inputs, filed: Filed, past: Callable[[], History]) -> _Made:
    slug = slug_of_filename(filed.name)
    if inputs.raw is None:
        return _Made(None, slug, (), (), "", "")
    try:
        document, warnings = read_draft(inputs.raw, filed, inputs.site, inputs.profiles, inputs.images, past)
    except Rejected as error:
        return _Made(None, slug, error.problems, (), inputs.etag, inputs.version)
    return _Made(document, document.slug, (), warnings, inputs.etag, inputs.version)


def read_draft(
    raw: bytes,
    filed: Filed,
    site: Site,
    profiles: Container[str],
    images: Sequence[tuple[str, str]],
    past: Callable[[], History],
) -> tuple[Document, tuple[Problem, ...]]:
    """A draft's file rendered, and what its author should know.

    Args:
        profiles: keys (`authors/<id>.json`, `topics/<id>.json`) of those that there are, for a site that demands them.
        images: as for `to_document`.
        past: as for `to_document`.

    Raises:
        Rejected: with all that is wrong.
    """
    draft = parse_draft(raw, filed.name, site, to_html)
    _demand_profiles(draft, site, profiles)
    document, warnings = to_document(draft, past, images, filed.folder)
    return document, draft.warnings + warnings


def _write_draft(key: str, filed: Filed, made: _Made, found: _Found, ports: Ports) -> dict[str, Any]:
    """Bring slugs, documents and record in line with what was made of a draft; the record.

    The record names a slug before the draft may claim it. A run that dies in between leaves a name too many, which
    costs a look; the other way round, it would leave an article that nobody knows of.
    """
    before = catalogue.draft_record(ports.articles, key)
    record: dict[str, Any] = {
        "kind": "draft",
        "slug": before["slug"] if before else made.slug,
        "slugs": before["slugs"] if before else [],
        "state": REJECTED if made.etag else WITHDRAWN,
        "revision": before["revision"] if before else 0,
        "document": before["document"] if before and made.etag else "",
        "problems": catalogue.told(made.problems),
        "warnings": catalogue.told(made.warnings),
        "waits": [],
        "down": bool(before and before.get("down") and made.etag),
        "etag": made.etag,
    }

    def name(document: Document) -> None:
        nonlocal before
        wanted = {document.slug, *_former_slugs(document)}
        if not wanted <= set(record["slugs"]):
            record["slugs"] = sorted({*record["slugs"], *wanted})
            unread = {**record, "state": before["state"] if before else DRAFT, "etag": ""}
            before = _save(key, unread, before, ports)

    if not made.etag:
        _retire(record["slugs"], key, "", found, ports)
    elif made.document is not None:
        name(made.document)
        _settle_document(key, filed, made.document, record, found, ports)
    if record["state"] == REJECTED:
        _keep_live(record, key, found, ports)
        if not record["document"]:
            _fall_back(key, filed, record, name, found, ports)
    record["down"] |= found.down and record["state"] == REJECTED and not record["document"]
    _save(
        key,
        record,
        before,
        ports,
        made.version,
        made.document.assets if made.document else (),
        # A run that finds nothing new may have given up a slug that another has since gone back to.
        even_if_known=len(record["slugs"]) > 1,
    )
    # Whoever gave a slug up, or took it, before it could be seen that this draft waits for it told nobody.
    for slug in record["waits"]:
        held = catalogue.holder(ports.articles, slug)
        if not held or _is_older(key, held["holder"], slug, load_site(ports), ports):
            raise Conflict(f"{key} need not wait for {slug} any more")
    return record


def _fall_back(
    key: str,
    filed: Filed,
    record: dict[str, Any],
    name: Callable[[Document], None],
    found: _Found,
    ports: Ports,
) -> None:
    """Publish the newest version of a rejected draft that can be, where none is live: its event may have come too late."""
    refused = {name: record[name] for name in ("state", "problems", "warnings")}
    waits = set(record["waits"])
    current = _read_draft(key, filed, ports)
    for write in past_writes(key, ports)[1:]:
        blob = ports.drafts.get(key, write.version)
        if not blob:
            continue
        older = replace(current, raw=blob.body, modified=blob.modified.isoformat())
        made = _make_draft(older, filed, lambda: history(key, filed, current.site, ports))
        if made.document:
            name(made.document)
            _settle_document(key, filed, made.document, record, found, ports)
            published = bool(record["document"])
            waits.update(record["waits"])
            record |= {**refused, "waits": sorted(waits)}
            if published:
                return


def _former_slugs(document: Document) -> list[str]:
    """Slugs among a document's aliases: addresses that articles have."""
    found = [re.fullmatch(rf"/articles/({SLUG.pattern})/?", alias) for alias in document.aliases]
    return [match[1] for match in found if match and match[1] != document.slug]


def _settle_document(
    key: str, filed: Filed, document: Document, record: dict[str, Any], found: _Found, ports: Ports
) -> None:  # fmt: skip
    """Claim the slug and store the document, and give up slugs that the draft had before; completes `record`."""
    site = load_site(ports)

    def claim(slug: str) -> Item:
        return catalogue.claim(ports.articles, slug, key, lambda other: _is_older(key, other, slug, site, ports))

    seen = _stat(
        document.slug, ports
    )  # before the claim: what another stores who takes it from us must not be overwritten
    held = claim(document.slug)
    if held["holder"] != key:
        record["problems"] = catalogue.told([held_by_another(document.slug, held["holder"])])
        record["waits"] = [document.slug]
        return
    found.held.add(document.slug)
    found.ousted.update(held["ousted"])
    left = [slug for slug in record["slugs"] if slug != document.slug]
    _take_decisions_along(left, document.slug, key, found, ports, record["slug"], record["down"] or found.down)
    record["down"] = False
    body = replace(document, file=key).to_bytes()
    store_over(seen, ports.work, Output(f"articles/{document.slug}.json", body, JSON))
    fingerprint = digest(body)
    record["slug"] = document.slug
    record["state"] = DRAFT if document.draft else ACCEPTED
    record["revision"] += fingerprint != record["document"]
    record["document"] = fingerprint
    for slug in _former_slugs(document):
        seen, pointer = _stat(slug, ports), claim(slug)
        if pointer["holder"] == key:
            found.held.add(slug)
            found.ousted.update(pointer["ousted"])
            left.remove(slug)
            leave(slug, seen, ports, document.slug, key)
        else:
            told = f"/articles/{slug}/ does not lead here: {pointer['holder']} holds that slug"
            record["warnings"] = [*record["warnings"], *catalogue.told([Problem(0, "aliases", told)])]
            record["waits"] = [*record["waits"], slug]
    _retire(left, key, document.slug, found, ports)


def held_by_another(slug: str, holder: str) -> Problem:
    """The problem of a draft whose slug another one has."""
    return Problem(1, "slug", f"the slug “{slug}” is held by {holder}; choose another")


def _is_older(key: str, other: str, slug: str, site: Site, ports: Ports) -> bool:
    """Whether one draft's claim to a slug is older than another's, so that the same one wins whichever event comes first."""

    def since(name: str) -> tuple[str, str]:
        filed = classify(name)
        past = history(name, filed, site, ports) if filed else ()
        return claimed_since(past, slug) or "9999", name

    return since(key) < since(other)


def _take_decisions_along(
    left: Sequence[str], slug: str, key: str, found: _Found, ports: Ports, own: str, down: bool
) -> None:  # fmt: skip
    """What editors decided moves with an article to its new slug; nobody comes back by changing his name, or to a name that
    was taken down. Of a slug that another took, the takedown alone goes along, for the rest may be the other's by now.

    Args:
        own: the slug that the article itself had; of the others only the way led here, and whoever is down there is another.
        down: whether it was down when it lost its own slug.
    """
    found.taken.clear()
    for former in left:
        held = catalogue.holder(ports.articles, former)
        there = ports.work.get(editorial_key(slug))
        decisions = ports.work.get(editorial_key(former)) if held and held["holder"] == key else None
        if decisions and (taken := load_decisions(decisions)):
            here = load_decisions(there)
            moves = max(taken.moves, here.moves) + 1
            taken = replace(taken, withdrawn=taken.withdrawn or here.withdrawn, moves=moves)
            store_over(there, ports.work, Output(editorial_key(slug), taken.to_bytes(), JSON))
            found.taken[former] = decisions
        elif former == own and held and key in held["ousted"]:
            down |= load_decisions(ports.work.get(editorial_key(former))).withdrawn
    if down:
        there = ports.work.get(editorial_key(slug))
        taken = replace(load_decisions(there), withdrawn=True)
        store_over(there, ports.work, Output(editorial_key(slug), taken.to_bytes(), JSON))


def _leave_no_decisions(slug: str, found: _Found, ports: Ports) -> None:
    """What went along must not be found here when it has changed there.

    Raises:
        Conflict: editors have decided otherwise since, which is to go along as well.
    """
    if slug in found.taken:
        nothing = Output(editorial_key(slug), Editorial().to_bytes(), JSON)
        ports.work.put(nothing, found.taken[slug].etag)
    elif load_decisions(ports.work.get(editorial_key(slug))):
        raise Conflict(f"editors have just decided about {slug}")


def _save(
    key: str,
    record: dict[str, Any],
    before: Item | None,
    ports: Ports,
    version: str = "",
    assets: Sequence[Asset] = (),
    even_if_known: bool = False,
) -> Item | None:
    """Write a file's record if it says anything new, and with it a new revision, of the file's `version`; the record as it is then.

    Args:
        even_if_known: also where it says nothing new, so that of two runs one has to look again.

    Raises:
        Conflict: the record is not the one that was there `before`.
    """
    if not before and not record["etag"] and not record["slugs"]:
        return None
    known = before is not None and all(before.get(name) == value for name, value in record.items())
    if known and not even_if_known:
        return before
    now = before["at"] if before and known else ports.clock().isoformat(timespec="seconds")
    dated = {**record, "at": now}
    expected = before["version"] if before else None
    changes = catalogue.draft_changes(key, dated, expected, record["state"] == REJECTED)
    waits = record.get("waits")
    if waits or (before and before.get("waits")):
        changes.append(catalogue.wait_change(key, waits or []))
    if version and record["revision"] > (before["revision"] if before else 0):
        revision = {name: record[name] for name in ("slug", "document", "etag")} | {"file": version, "at": now}
        revision["images"] = [[asset.key, asset.etag] for asset in assets]
        changes.append(catalogue.revision_change(key, record["revision"], revision))
    ports.articles.write(changes)
    return {**dated, "version": (expected or 0) + 1}


def _waiting_for(found: _Found, key: str, ports: Ports) -> list[str]:
    """Keys of drafts that want a slug which is free now, or one of this draft's by an older right.

    A right may have become younger, as of a draft that was removed and put back before anybody looked. What is known of
    this draft's own wants is put right as well.
    """
    touched = []
    site = load_site(ports)
    for item in catalogue.waiting(ports.articles):
        other, wanted = item["sk"], set(item["slugs"])
        if other == key:
            record = catalogue.draft_record(ports.articles, key)
            waits = record["waits"] if record else []
            if item["slugs"] != waits:
                ports.articles.write([catalogue.wait_change(key, waits, item["version"])])
        elif wanted & found.free or any(_is_older(other, key, slug, site, ports) for slug in wanted & found.held):
            touched.append(other)
    return touched


def _retire(slugs: Sequence[str], key: str, moved: str, found: _Found, ports: Ports, own: str = "") -> None:
    """Leave a tombstone, or the way to where it moved, at each slug that this draft held and holds no longer.

    All that nobody holds then count as free, for a run before may have given them up and died before it told anybody.
    """
    for slug in slugs:
        seen, held = _stat(slug, ports), catalogue.holder(ports.articles, slug)
        if not held and _is_live(slug, ports):
            # Another run of this draft was slow, and stored its document when the slug had been given up.
            held = catalogue.claim(ports.articles, slug, key, lambda _: False)
        if held and held["holder"] == key:
            found.ousted.update(held["ousted"])
            leave(slug, seen, ports, moved, key)
            if moved:
                _leave_no_decisions(slug, found, ports)
            catalogue.release(ports.articles, slug, key)
            held = None
        found.held.discard(slug)
        if held:
            if slug == own and key in held["ousted"]:
                found.down |= load_decisions(ports.work.get(editorial_key(slug))).withdrawn
            catalogue.acknowledge(ports.articles, slug, key, held)
        else:
            found.free.add(slug)


def _keep_live(record: dict[str, Any], key: str, found: _Found, ports: Ports) -> None:
    """Leave what is live of a rejected draft alone: one article, where a run that died may have left two, or none on record."""
    live: dict[str, str] = {}
    own = record["slug"]
    pointers: set[str] = set()
    for slug in record["slugs"]:
        held = catalogue.holder(ports.articles, slug)
        if not held or held["holder"] != key:
            continue
        found.ousted.update(held["ousted"])
        blob = ports.work.get(f"articles/{slug}.json")
        document = Document.from_bytes(blob.body) if blob else None
        if blob and document and not document.withdrawn:
            live[slug] = digest(blob.body)
        elif document and document.moved:
            pointers.add(slug)
    if live and record["slug"] not in live:
        record["slug"] = min(live)
    record["document"] = live.get(record["slug"], "")
    kept = {record["slug"], *pointers} if live else set()
    found.held.update(kept)
    moved = record["slug"] if live else ""
    left = [slug for slug in record["slugs"] if slug not in kept]
    if moved:
        _take_decisions_along(left, moved, key, found, ports, own, down=False)
    _retire(left, key, moved, found, ports, own)


def _is_live(slug: str, ports: Ports) -> bool:
    blob = ports.work.get(f"articles/{slug}.json")
    return blob is not None and not Document.from_bytes(blob.body).withdrawn


def _stat(slug: str, ports: Ports) -> Stat | None:
    return ports.work.stat(f"articles/{slug}.json")


def leave(slug: str, seen: Stat | None, ports: Ports, moved: str = "", key: str = "") -> None:
    """Leave a tombstone at a slug, or the slug that the article of the draft at `key` has moved to.

    Args:
        seen: what stood there when it was not yet known whose the slug is.
    """
    left = Document(slug, file=key if moved else "", withdrawn=True, moved=moved)
    store_over(seen, ports.work, Output(f"articles/{slug}.json", left.to_bytes(), JSON))


def _demand_profiles(draft: Draft, site: Site, profiles: Container[str]) -> None:
    if site.require_profiles:
        named = [("authors", i) for i, _ in draft.authors] + [("topics", i) for i, _ in draft.topics]
        missing = [(kind, i) for kind, i in named if f"{kind}/{i}.json" not in profiles]
        if missing:
            raise Rejected(
                *(Problem(1, kind, f"there is no {kind}/{i}.md, and site.yaml demands it") for kind, i in missing)
            )


def to_document(
    draft: Draft, past: Callable[[], History], images: Sequence[tuple[str, str]], folder: str
) -> tuple[Document, tuple[Problem, ...]]:  # fmt: skip
    """A draft rendered, and what its author should know.

    Args:
        past: tells the file's versions, for the dates that the author did not give.
        images: key and etag of each object in the draft's folder.
        folder: that folder's prefix, empty for a draft without one.
    """
    warnings: list[Problem] = []
    assets: dict[str, Asset] = {}
    date, lastmod = draft.date or draft.publish_at, draft.lastmod
    dated = bool(date)
    if not dated:
        versions = past()
        date, lastmod = first_published(versions), lastmod or last_changed(versions)
    image = _image_finder(f"/articles/{draft.slug}/", dict(images), folder, assets, warnings)
    blocks = render_passages(draft.passages, image, _link_finder(warnings))
    hero = dict(draft.hero)
    if hero and (address := image(hero["src"])):
        hero["src"] = address.rsplit("/", 1)[1]
    else:
        hero = {}
    document = Document(
        slug=draft.slug,
        title=draft.title,
        dek=draft.dek,
        date=date,
        dated=dated,
        lastmod=lastmod,
        authors=draft.authors,
        topics=draft.topics,
        tags=draft.tags,
        draft=draft.draft,
        publish_at=draft.publish_at,
        expires=draft.expires,
        hero=hero,
        access=draft.access,
        sources=draft.sources,
        sources_access=draft.sources_access,
        production=draft.production,
        corrections=draft.corrections,
        newsletter=draft.newsletter,
        aliases=draft.aliases,
        extra=draft.extra,
        blocks=blocks,
        assets=tuple(assets[name] for name in sorted(assets)),
    )
    return document, tuple(dict.fromkeys(warnings))


def _image_finder(
    base: str, images: dict[str, str], folder: str, assets: dict[str, Asset], warnings: list[Problem]
) -> Callable[[str], str | None]:  # fmt: skip
    def image(source: str) -> str | None:
        path = PurePosixPath(clean_path(source))
        key = f"{folder}{path}"
        if is_foreign(source):
            warnings.append(Problem(0, "image", f"{source[:200]} is on another site; put the image beside the draft"))
        elif not folder or key not in images or path.suffix.lower() not in IMAGE_TYPES:
            warnings.append(Problem(0, "image", f"{source[:200]} is not beside the draft, so it is left out"))
        else:
            name = f"{slugify(path.stem) or 'image'}.{digest(images[key].encode())[:10]}{path.suffix.lower()}"
            assets[name] = Asset(name, key, images[key])
            return base + name
        return None

    return image


def _link_finder(warnings: list[Problem]) -> Callable[[str], str | None]:
    def link(address: str) -> str | None:
        if address.startswith("#"):
            return f"#s-{address[1:]}" if len(address) > 1 else None
        plain = html.unescape(address)
        if plain.startswith("/") and not plain.startswith("//") and is_link(plain):
            return address
        if is_foreign(plain) and (is_link(plain) or plain.startswith("tel:")):
            return address
        warnings.append(
            Problem(0, "link", f"{plain[:200]} leads nowhere on this site, so its text stands without the link")
        )
        return None

    return link


def _render_profile(key: str, filed: Filed, ports: Ports) -> Rendered:
    target = "site.json" if filed.kind == "site" else f"{filed.kind}s/{slugify(filed.name)}.json"
    fate: dict[str, Any] = {}

    def read() -> tuple[bytes | None, str, tuple[tuple[str, str], ...]]:
        blob = ports.drafts.get(key)
        images = tuple(ports.drafts.list(filed.folder)) if filed.kind == "author" else ()
        return (blob.body, blob.etag, images) if blob else (None, "", images)

    def make(inputs: tuple[bytes | None, str, tuple[tuple[str, str], ...]]) -> tuple[bytes | None, dict[str, Any]]:
        raw, etag, images = inputs
        item: dict[str, Any] = {
            "slug": slugify(filed.name),
            "kind": filed.kind,
            "state": WITHDRAWN,
            "problems": [],
            "warnings": [],
            "etag": etag,
        }
        if raw is None:
            return None, item
        try:
            body, warnings = read_profile(raw, filed, images)
        except Rejected as error:
            return None, item | {"state": REJECTED, "problems": catalogue.told(error.problems)}
        return body, item | {"state": ACCEPTED, "warnings": catalogue.told(warnings)}

    def write(made: tuple[bytes | None, dict[str, Any]]) -> bool:
        body, item = made
        before = catalogue.draft_record(ports.articles, key)
        if body is not None:
            store(ports.work, Output(target, body, JSON))
        elif item["state"] == WITHDRAWN and ports.work.stat(target):
            ports.work.delete(target)
        revision = before["revision"] if before else 0
        moved = not before or before.get("etag") != item["etag"]
        _save(key, item | {"revision": revision + moved, "slugs": []}, before, ports)
        fate.update(item)
        return True

    converge(read, make, write)
    if filed.kind == "site":
        events = [Event("SiteChanged", {"version": 1})]
    else:
        events = [Event("ProfileChanged", {"kind": filed.kind, "id": fate["slug"]})]
    # All of this also where the file is refused: the version before it may have been stored by a run that told nobody.
    if fate["state"] == REJECTED:
        events.append(Event("DraftRejected", {"key": key, "slug": fate["slug"], "problems": fate["problems"]}))
    gone = fate["state"] == WITHDRAWN
    touched = _read_in_light_of(filed, gone, ports)
    bulk = {"bulk": ARTICLES_TAG} if len(touched) >= MANY else {}
    events += [Event("DraftTouched", {"key": other, **bulk}) for other in touched]
    return Rendered(key, fate["slug"], fate["state"], 0, tuple(events))


def _read_in_light_of(filed: Filed, gone: bool, ports: Ports) -> list[str]:
    """Keys of drafts that may read otherwise now: tiers, zone and teaser are the settings', and so is the demand for
    profiles, for want of which a draft may have been refused, or is refused now that one is gone."""
    demanded = filed.kind in ("author", "topic") and load_site(ports).require_profiles
    if filed.kind == "site" or (demanded and gone):
        return [key for key, _ in ports.drafts.list("drafts/") if classify(key)]
    if demanded:
        return [item["sk"] for item in catalogue.rejected(ports.articles) if item["sk"].startswith("drafts/")]
    return []


def read_profile(raw: bytes, filed: Filed, images: Sequence[tuple[str, str]]) -> tuple[bytes, tuple[Problem, ...]]:
    """The facts of a profile, a standing page or the settings as JSON, and what its author should know.

    Raises:
        Rejected: with all that is wrong.
    """
    if filed.kind == "site":
        site, unknown = parse_site(raw)
        return canonical(site.to_json()), unknown
    profile = parse_profile(raw, filed.kind, filed.name)
    warnings: list[Problem] = []
    assets: dict[str, Asset] = {}
    image = _image_finder(f"/authors/{profile.id}/", dict(images), filed.folder, assets, warnings)
    portrait = (image(profile.portrait) or "") if profile.portrait else ""
    facts = asdict(replace(profile, portrait=portrait, warnings=()))
    facts["body"] = render_plain(
        profile.body, image if filed.kind == "author" else lambda _: None, _link_finder(warnings)
    )
    facts["assets"] = [asdict(asset) for asset in assets.values()]
    return canonical(facts), profile.warnings + tuple(warnings)
