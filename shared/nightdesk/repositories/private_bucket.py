"""The private bucket: its keys, and what stages read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

from nightdesk.domain.decisions import Decisions
from nightdesk.domain.documents import EXPIRED, LIVE, WITHDRAWN, Document, digest, parse_json
from nightdesk.domain.pictures import Derivatives, Inspection
from nightdesk.domain.site import Site
from nightdesk.domain.social_cards import CardOrder
from nightdesk.ports import Blob, Objects, Ports, ReaderPorts

IMAGE_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
}


def is_image(key: str) -> bool:
    """Return True if a file's name is that of an image which articles may show."""
    return PurePosixPath(key).suffix.lower() in IMAGE_TYPES


JSON = "application/json"
HTML = "text/html; charset=utf-8"
ASSET_CACHE = "public, max-age=31536000, immutable"


SITE_KEY = "site.json"
"""The site's settings."""
SEARCH_KEY = "search/archive.json"
"""What the large part of the search knows of each article."""
_DOCUMENTS, _FACTS, _DECISIONS, _TAKEDOWNS, _IMAGES, _APPROVED = (
    "articles/",
    "facts/",
    "editorial/",
    "takedowns/",
    "images/",
    "approved/",
)
ATTACHMENTS = "attachments/"
"""Copies of the files that readers can download."""
_OWNERS = "owners/"
HISTORY = "history/"
"""What was read of the versions of drafts: a cache."""
_EDITIONS, _WRITTEN = "editions/", "newsletters/"
WITH_DOCUMENTS = _DOCUMENTS, _WRITTEN
"""The folders of the documents that may order pictures; what is in others are profiles."""
_SOCIAL_CARDS = "cards/"
"""What the social cards are drawn from that a page waits for."""
INSPECTIONS, DERIVATIVES, RENDITIONS = "pictures/", "derivatives/", "renditions/"
"""The folders that the images stage writes."""
_PROFILES = {"author": "authors/", "topic": "topics/", "page": "pages/"}


def document_key(slug: str) -> str:
    """Return the key of an article's document, or of the tombstone or pointer at its slug."""
    return f"{_DOCUMENTS}{slug}.json"


def facts_key(slug: str) -> str:
    """Return the key of an article's public facts."""
    return f"{_FACTS}{slug}.json"


def facts_versions(ports: Ports) -> dict[str, str]:
    """Return the ETag of the public facts at each slug that has some."""
    found = ports.private.list(_FACTS)
    return {key.removeprefix(_FACTS).removesuffix(".json"): etag for key, etag in found}


def decisions_key(slug: str) -> str:
    """Return the key of the editors' decisions about an article."""
    return f"{_DECISIONS}{slug}.json"


def draft_takedown_key(draft: str) -> str:
    """Return the key of the takedown of a draft (`draft_id`), which applies at whatever address its article has."""
    return f"{_DECISIONS}drafts/{draft}.json"


def text_takedown_key(text: str) -> str:
    """Return the key of the takedown of a text (`text_digest`), which applies to new drafts with the same text."""
    return f"{_DECISIONS}texts/{text}.json"


def profile_key(kind: str, identifier: str) -> str:
    """Return the key of an author's or topic's profile or of a standing page; `kind` is `author`, `topic` or `page`."""
    return f"{_PROFILES[kind]}{identifier}.json"


def approved_key(sha256: str) -> str:
    """Return the key of a document as an editor approved it, by the digest that the approval covers."""
    return f"{_APPROVED}{sha256}.json"


def edition_key(identifier: str) -> str:
    """Return the key of the mails of an edition, one for each tier."""
    return f"{_EDITIONS}{identifier}.json"


def written_key(name: str, in_folder: bool = False) -> str:
    """Return the key of the document of an edition that was written by hand; `in_folder` if its file has a folder for its images.

    Two files of one name have a document each, so that neither overwrites the other; the one without a folder is sent.
    """
    return f"{_WRITTEN}{name}{'/index' if in_folder else ''}.json"


def owners_key(key: str) -> str:
    """Return the key of the hand-overs of the draft at `key`."""
    return f"{_OWNERS}{key}.json"


def history_key(key: str) -> str:
    """Return the key of what was read of the versions of the draft at `key`."""
    return f"{HISTORY}{key}.json"


def owners_keys(ports: Ports) -> list[str]:
    """Return the keys of all hand-overs."""
    return [key for key, _ in ports.private.list(_OWNERS)]


def image_key(sha256: str) -> str:
    """Return the key of the copy of an image. Its name is the digest of its bytes, so it never changes."""
    return f"{_IMAGES}{sha256}"


def attachment_key(sha256: str) -> str:
    """Return the key of the copy of an attachment, by the SHA-256 of its bytes."""
    return f"{ATTACHMENTS}{sha256}"


def inspection_key(sha256: str) -> str:
    """Return the key of what was found in an image, by the SHA-256 of its bytes."""
    return f"{INSPECTIONS}{sha256}.json"


def derivatives_key(order: str) -> str:
    """Return the key of the list of what was derived for an order (`pictures.Order.id`)."""
    return f"{DERIVATIVES}{order}.json"


def rendition_key(sha256: str) -> str:
    """Return the key of a rendition, by the SHA-256 of its bytes."""
    return f"{RENDITIONS}{sha256}"


def load_inspection(sha256: str, ports: Ports) -> Inspection | None:
    """Return what was found in an image; None if it was not inspected yet, or was refused by another version of the method."""
    return inspection_from(ports.private.get(inspection_key(sha256)) if sha256 else None)


def inspection_from(blob: Blob | None) -> Inspection | None:
    """Return what `load_inspection` does, of the object at `inspection_key`."""
    found = Inspection.from_bytes(blob.body) if blob else None
    return None if found is None or found.is_outdated else found


def load_derivatives(order: str, ports: Ports) -> Derivatives | None:
    """Return what was derived for an order; None if nothing was yet."""
    blob = ports.private.get(derivatives_key(order))
    return Derivatives.from_bytes(blob.body) if blob else None


def social_card_key(card: str) -> str:
    """Return the key of what a social card is drawn from (`social_cards.CardOrder.id`)."""
    return f"{_SOCIAL_CARDS}{card}.json"


def load_social_card(card: str, ports: Ports) -> CardOrder | None:
    """Return what a social card is drawn from; None if there is no such order."""
    blob = ports.private.get(social_card_key(card))
    return CardOrder.from_bytes(blob.body) if blob else None


def stored_images(ports: Ports) -> set[str]:
    """Return the SHA-256 of each image that has a copy."""
    return {key.removeprefix(_IMAGES) for key, _ in ports.private.list(_IMAGES)}


def stored_attachments(ports: Ports) -> set[str]:
    """Return the SHA-256 of each attachment that has a copy."""
    return {key.removeprefix(ATTACHMENTS) for key, _ in ports.private.list(ATTACHMENTS)}


def takedown_key(slug: str, at: str) -> str:
    """Return the key of the report of a takedown at an ISO 8601 time."""
    return f"{_TAKEDOWNS}{slug}/{at}.json"


def article_slugs(ports: Ports) -> list[str]:
    """Return the slugs at which there is a document, a tombstone or a pointer."""
    return _names(_DOCUMENTS, ports)


def decisions_keys(ports: Ports) -> list[str]:
    """Return the keys of all decisions of editors: about articles, and the takedowns of drafts and of texts."""
    return [key for key, _ in ports.private.list(_DECISIONS)]


def is_about_article(key: str) -> bool:
    """Return True for a key of decisions about an article."""
    return "/" not in key.removeprefix(_DECISIONS)


def profile_keys(kind: str, ports: Ports) -> list[str]:
    """Return the keys of all profiles of a kind."""
    return [key for key, _ in ports.private.list(_PROFILES[kind])]


def profile_ids(kind: str, ports: Ports) -> list[str]:
    """Return the ids of all profiles of a kind."""
    return _names(_PROFILES[kind], ports)


def _names(folder: str, ports: Ports) -> list[str]:
    return [key.removeprefix(folder).removesuffix(".json") for key, _ in ports.private.list(folder)]


def read_once(ports: Ports) -> Ports:
    """Return ports that read each private object only once and cannot write, for work on many articles that share profiles."""
    return replace(
        ports, private=cast(Objects, SimpleNamespace(get=cache(ports.private.get), stat=cache(ports.private.stat)))
    )


class SharedReads:
    """The private bucket, of which settings and profiles are read once for many articles.

    Who reads through it must ask at the end whether they have changed meanwhile.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._read: dict[str, Blob | None] = {}
        self._reused: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def get(self, key: str, version: str = "") -> Blob | None:
        """Return what `Objects.get` does, or did before."""
        if version or not key.startswith((SITE_KEY, *_PROFILES.values())):
            return self._objects.get(key, version)
        if key in self._read:
            self._reused.add(key)
        else:
            self._read[key] = self._objects.get(key)
        return self._read[key]

    def have_changed(self, ports: Ports) -> bool:
        """Return True if an object that was returned again has been written since it was read."""
        keys = sorted(self._reused)
        stats = ports.in_parallel(self._objects.stat, keys)
        pairs = ((self._read[key], stat) for key, stat in zip(keys, stats, strict=True))
        return any((blob and blob.version) != (stat and stat.version) for blob, stat in pairs)


def load_document(slug: str, ports: Ports) -> Document | None:
    """Return the document, tombstone or pointer at a slug, or None."""
    blob = ports.private.get(document_key(slug))
    return Document.from_bytes(blob.body) if blob else None


def was_listed(slug: str, ports: Ports) -> bool:
    """Return True if the article at a slug is public, and so in lists and feeds, or is gone from them. A pointer is in none."""
    blob = ports.private.get(facts_key(slug))
    facts = parse_json(blob.body) if blob else {"state": ""}
    return facts["state"] in (LIVE, WITHDRAWN, EXPIRED) and "moved" not in facts


def decisions_from(blob: Blob | None) -> Decisions:
    """Return the editors' decisions that an object holds; without one, none."""
    return Decisions.from_bytes(blob.body if blob else None)


def article_etag(document: Blob, decisions: Blob | None) -> str:
    """Return the digest of a document together with the editors' decisions about it."""
    return digest(document.body + (b"\0" + decisions.body if decisions else b""))


def author_kinds_of_profiles(profiles: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Return `ai` or `human` for each author, by the profile; empty for an author without one."""
    return ["" if profile is None else "human" if profile["human"] else "ai" for profile in profiles]


def author_kinds(document: Document, site: Site, ports: Ports) -> list[str]:
    """Return the kinds of a document's authors; an empty list, without reading any, if the site requires no approval."""
    if not site.require_approval:
        return []
    blobs = [ports.private.get(profile_key("author", identifier)) for identifier, _ in document.authors]
    return author_kinds_of_profiles([facts_from(blob.body) if blob else None for blob in blobs])


def load_site(ports: Ports | ReaderPorts) -> Site:
    """Return the site's settings, or the defaults if there are none, with what the stack can do: whether readers can sign in,
    and whether anything is for sale."""
    return site_from(ports.private.get(SITE_KEY), ports)


def site_from(blob: Blob | None, ports: Ports | ReaderPorts) -> Site:
    """Return the settings that the object at `SITE_KEY` holds, as `load_site` does."""
    return _site_from(blob.body if blob else b"null", ports.base_url, ports.can_pay, ports.can_sign_in)


@lru_cache(maxsize=4)
def _site_from(raw: bytes, base_url: str, can_pay: bool, can_sign_in: bool) -> Site:
    site = replace(Site.from_json(parse_json(raw)), can_sign_in=can_sign_in)
    site = site if can_pay else replace(site, offers=(), contributions=())
    return site if site.base_url else replace(site, base_url=base_url)


@lru_cache(maxsize=64)
def facts_from(raw: bytes) -> Mapping[str, Any]:
    """Return a profile's facts, read-only: the same few profiles are parsed again and again, so the last ones are cached."""
    return MappingProxyType(parse_json(raw))
