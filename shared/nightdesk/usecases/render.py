"""Render: from a file in the drafts bucket to a document in the private one.

Knows Markdown and front matter; knows nothing of what a tier looks like. An event only names a key; what stands at the
key now is what counts.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

from nightdesk.domain.documents import DRAFT, REJECTED, WITHDRAWN, Asset, Document, canonical, digest
from nightdesk.domain.drafts import Draft, Filed, classify, parse_draft, parse_profile
from nightdesk.domain.errors import Problem, Rejected
from nightdesk.domain.site import Site, is_link, parse_site
from nightdesk.domain.text import slug_of_filename, slugify
from nightdesk.rendering.markdown import clean_path, is_foreign, render_passages, render_plain, to_html

from . import catalogue
from .converge import converge, store
from .ports import Event, Output, Ports

IMAGE_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}
JSON = "application/json"


class Rendered(NamedTuple):
    """What became of a file: its slug (or id), `accepted` or a state, its revision, and the events to send."""

    key: str
    slug: str
    state: str
    revision: int
    events: tuple[Event, ...]


def render(key: str, ports: Ports) -> tuple[Rendered, ...]:
    """Look at one key of the drafts bucket and bring the private documents in line with it; sends the events.

    Args:
        key: of a draft, a profile, a page, `site.yaml`, or of an image beside one of them.
    """
    done = []
    for subject in _subjects(key, ports):
        filed = classify(subject)
        assert filed  # _subjects names classified keys only
        rendered = _render_draft(subject, filed, ports) if filed.kind == "draft" else _render_profile(subject, filed, ports)
        ports.bus.emit(rendered.events)
        done.append(rendered)
    return tuple(done)


def _subjects(key: str, ports: Ports) -> list[str]:
    """The files that a key speaks of: itself, or those that may show it as an image."""
    if classify(key):
        return [key]
    path = PurePosixPath(key)
    if path.suffix.lower() not in IMAGE_TYPES:
        return []
    if path.parts[0] == "drafts" and len(path.parts) == 3:
        return [f"{path.parent}/index.md"]
    if path.parts[0] == "authors" and len(path.parts) == 2:
        return [name for name, _ in ports.drafts.list("authors/") if classify(name)]
    return []


def load_site(ports: Ports) -> Site:
    """The site's settings, or the defaults where there are none."""
    blob = ports.work.get("site.json")
    return _site_from(blob.body if blob else b"null", ports.base_url)


@lru_cache(maxsize=4)
def _site_from(raw: bytes, base_url: str) -> Site:
    site = Site.from_json(json.loads(raw))
    return site if site.base_url else replace(site, base_url=base_url)


@lru_cache(maxsize=64)
def facts_from(raw: bytes) -> Mapping[str, Any]:
    """A profile's JSON. The same few profiles are read again and again; nobody may change what comes out."""
    return MappingProxyType(json.loads(raw))


@dataclass(frozen=True, slots=True)
class _Inputs:
    raw: bytes | None
    etag: str
    modified: datetime | None
    images: tuple[tuple[str, str], ...]
    site: Site
    first_seen: str
    profiles: tuple[str, ...]


class _Made(NamedTuple):
    document: Document | None
    slug: str
    first_seen: str
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    etag: str


def _render_draft(key: str, filed: Filed, ports: Ports) -> Rendered:
    freed: set[str] = set()
    fate: dict[str, Any] = {}

    def read() -> _Inputs:
        blob = ports.drafts.get(key)
        before = catalogue.draft_record(ports.articles, key)
        modified = blob.modified if blob else None
        first = before["first_seen"] if before and before.get("first_seen") else modified.isoformat() if modified else ""
        images = tuple(ports.drafts.list(filed.folder)) if filed.folder and blob else ()
        site = load_site(ports)
        known = tuple(name for name, _ in ports.work.list("authors/")) if site.require_profiles else ()
        return _Inputs(blob.body if blob else None, blob.etag if blob else "", modified, images, site, first, known)

    def make(inputs: _Inputs) -> _Made:
        if inputs.raw is None:
            return _Made(None, "", inputs.first_seen, (), (), "")
        try:
            draft = parse_draft(inputs.raw, filed.name, inputs.site, to_html)
            _demand_profiles(draft, inputs)
            document, warnings = to_document(draft, inputs.first_seen, inputs.images, filed.folder)
        except Rejected as error:
            return _Made(None, slug_of_filename(filed.name), inputs.first_seen, error.problems, (), inputs.etag)
        return _Made(document, draft.slug, inputs.first_seen, (), draft.warnings + warnings, inputs.etag)

    def write(made: _Made) -> None:
        before = catalogue.draft_record(ports.articles, key)
        item: dict[str, Any] = {
            "slug": made.slug,
            "slugs": before["slugs"] if before else [],
            "state": REJECTED,
            "revision": before["revision"] if before else 0,
            "document": before["document"] if before else "",
            "first_seen": made.first_seen,
            "problems": [asdict(problem) for problem in made.problems],
            "warnings": [asdict(problem) for problem in made.warnings],
            "etag": made.etag,
            "kind": "draft",
            "at": "",
        }
        document = made.document
        if document and (held := catalogue.claim(ports.articles, document.slug, key)) != key:
            problem = Problem(1, "slug", f"the slug “{document.slug}” is held by {held}; choose another")
            item["problems"] = [asdict(problem)]
            document = None
        if document:
            body = document.to_bytes()
            store(ports.work, Output(f"articles/{document.slug}.json", body, JSON))
            item |= {"state": DRAFT if document.draft else "accepted", "document": digest(body)}
            item["revision"] += item["document"] != (before["document"] if before else "")
            item["slugs"] = sorted({*item["slugs"], document.slug})
            freed.update(_retire([s for s in item["slugs"] if s != document.slug], key, ports))
        elif not made.etag:
            item |= {"slug": before["slug"] if before else slug_of_filename(filed.name), "state": WITHDRAWN, "document": ""}
            freed.update(_retire(item["slugs"], key, ports))
        elif before and before["slugs"] and before["document"]:
            item["slug"] = before["slug"]
        if before:
            item["at"] = before["at"]
            if {k: before.get(k) for k in item} == item:
                fate.update(item)
                return
        item["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        if before or made.etag:
            ports.articles.write(
                catalogue.draft_changes(key, item, before["version"] if before else None, item["state"] == REJECTED)
            )
        fate.update(item)

    converge(read, make, write)
    events = [Event("ArticleRendered", {"slug": slug, "revision": fate["revision"]}) for slug in fate["slugs"]]
    if fate["state"] == REJECTED:
        events.append(Event("DraftRejected", {"key": key, "slug": fate["slug"], "problems": fate["problems"]}))
    for waiting in catalogue.rejected(ports.articles) if freed else []:
        if waiting["sk"] != key and waiting["slug"] in freed or _claims(waiting["sk"], freed, ports):
            events.append(Event("DraftTouched", {"key": waiting["sk"]}))
    return Rendered(key, fate["slug"], fate["state"], fate["revision"], tuple(events))


def _claims(key: str, freed: set[str], ports: Ports) -> bool:
    """Whether a rejected draft was refused one of the freed slugs."""
    record = catalogue.draft_record(ports.articles, key)
    return bool(record) and any(p["key"] == "slug" and any(f"“{s}”" in p["message"] for s in freed) for p in record["problems"])


def _retire(slugs: Sequence[str], key: str, ports: Ports) -> set[str]:
    """Leave a tombstone at each slug that this draft held and holds no longer; the slugs that became free."""
    freed = set()
    for slug in slugs:
        held = catalogue.holder(ports.articles, slug)
        if held and held["holder"] == key:
            store(ports.work, Output(f"articles/{slug}.json", Document(slug, withdrawn=True).to_bytes(), JSON))
            catalogue.release(ports.articles, slug, key)
            freed.add(slug)
    return freed


def _demand_profiles(draft: Draft, inputs: _Inputs) -> None:
    if inputs.site.require_profiles:
        missing = [name for name, _ in draft.authors if f"authors/{name}.json" not in inputs.profiles]
        if missing:
            raise Rejected(Problem(1, "authors", f"no profile for {', '.join(missing)}, and site.yaml demands one"))


def to_document(
    draft: Draft, first_seen: str, images: Sequence[tuple[str, str]], folder: str
) -> tuple[Document, tuple[Problem, ...]]:  # fmt: skip
    """A draft rendered, and what its author should know.

    Args:
        first_seen: ISO moment that stands in for a date that the author did not give.
        images: key and etag of each object in the draft's folder.
        folder: that folder's prefix, empty for a draft without one.
    """
    warnings: list[Problem] = []
    assets: dict[str, Asset] = {}
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
        date=draft.date or draft.publish_at or first_seen,
        lastmod=draft.lastmod,
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
        warnings.append(Problem(0, "link", f"{plain[:200]} leads nowhere on this site, so its text stands without the link"))
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
        item: dict[str, Any] = {"slug": slugify(filed.name), "kind": filed.kind, "state": WITHDRAWN, "problems": [], "warnings": []}
        if raw is None:
            return None, item
        try:
            body, warnings = _profile(raw, filed, images)
        except Rejected as error:
            return None, item | {"state": REJECTED, "problems": [asdict(p) for p in error.problems], "etag": etag}
        return body, item | {"state": "accepted", "warnings": [asdict(w) for w in warnings], "etag": etag}

    def write(made: tuple[bytes | None, dict[str, Any]]) -> None:
        body, item = made
        before = catalogue.draft_record(ports.articles, key)
        if body is not None:
            store(ports.work, Output(target, body, JSON))
        elif item["state"] == WITHDRAWN and ports.work.stat(target):
            ports.work.delete(target)
        known = {k: v for k, v in (before or {}).items() if k not in ("pk", "sk", "version", "at", "revision")}
        item = {**item, "revision": before["revision"] if before else 0, "at": before["at"] if before else ""}
        if {k: v for k, v in item.items() if k not in ("at", "revision")} != known:
            item["revision"] += 1
            item["at"] = datetime.now(UTC).isoformat(timespec="seconds")
            ports.articles.write(
                catalogue.draft_changes(key, item, before["version"] if before else None, item["state"] == REJECTED)
            )
        fate.update(item)

    converge(read, make, write)
    if fate["state"] == REJECTED:
        events = [Event("DraftRejected", {"key": key, "slug": fate["slug"], "problems": fate["problems"]})]
    elif filed.kind == "site":
        events = [Event("SiteChanged", {"version": 1})]
    else:
        events = [Event("ProfileChanged", {"kind": filed.kind, "id": fate["slug"]})]
    return Rendered(key, fate["slug"], fate["state"], fate["revision"], tuple(events))


def _profile(raw: bytes, filed: Filed, images: Sequence[tuple[str, str]]) -> tuple[bytes, tuple[Problem, ...]]:
    if filed.kind == "site":
        site, unknown = parse_site(raw)
        return canonical(site.to_json()), unknown
    profile = parse_profile(raw, filed.kind, filed.name)
    warnings: list[Problem] = []
    assets: dict[str, Asset] = {}
    image = _image_finder(f"/authors/{profile.id}/", dict(images), filed.folder, assets, warnings)
    portrait = (image(profile.portrait) or "") if profile.portrait else ""
    facts = asdict(replace(profile, portrait=portrait, warnings=()))
    facts["body"] = render_plain(profile.body, image if filed.kind == "author" else lambda _: None, _link_finder(warnings))
    facts["assets"] = [asdict(asset) for asset in assets.values()]
    return canonical(facts), profile.warnings + tuple(warnings)
