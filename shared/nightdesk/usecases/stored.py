"""What stages find in the private bucket, the settings and facts of profiles; and versions of files in the drafts bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

from nightdesk.domain.documents import Document, digest, parsed
from nightdesk.domain.editorial import Editorial
from nightdesk.domain.site import Site

from .ports import Blob, Objects, Ports, ReaderPorts

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
HTML = "text/html; charset=utf-8"
ASSET_CACHE = "public, max-age=31536000, immutable"


def editorial_key(slug: str) -> str:
    """Where an article's editorial decisions are kept."""
    return f"editorial/{slug}.json"


def read_once(ports: Ports) -> Ports:
    """Ports that read each private object once, and write none: for a first look at many articles, which share profiles."""
    return replace(ports, work=cast(Objects, SimpleNamespace(get=cache(ports.work.get))))


def version_with(key: str, etag: str, ports: Ports) -> Blob | None:
    """The newest version of a file of the drafts bucket that has an etag."""
    for write in ports.drafts.writes(key):
        blob = None if write.removal or write.key != key else ports.drafts.get(key, write.version)
        if blob and blob.etag == etag:
            return blob
    return None


def load_decisions(blob: Blob | None) -> Editorial:
    """What editors decided about an article, from the object that holds it."""
    return Editorial.from_bytes(blob.body if blob else None)


def mark_of(document: Blob, decisions: Blob | None) -> str:
    """What tells an article's document, with the editors' decisions about it, from any other."""
    return digest(document.body + (b"\0" + decisions.body if decisions else b""))


def kinds_of(profiles: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """Of each author, by the profile, `ai` or `human`; empty without one."""
    return ["" if profile is None else "human" if profile["human"] else "ai" for profile in profiles]


def author_kinds(document: Document, site: Site, ports: Ports) -> list[str]:
    """The kinds of a document's authors; none are looked up where no approval depends on them."""
    if not site.require_approval:
        return []
    blobs = [ports.work.get(f"authors/{identifier}.json") for identifier, _ in document.authors]
    return kinds_of([facts_from(blob.body) if blob else None for blob in blobs])


def load_site(ports: Ports | ReaderPorts) -> Site:
    """The site's settings, or the defaults where there are none. Where nobody can pay, they offer nothing to pay for."""
    blob = ports.work.get("site.json")
    return _site_from(blob.body if blob else b"null", ports.base_url, ports.can_pay)


@lru_cache(maxsize=4)
def _site_from(raw: bytes, base_url: str, can_pay: bool) -> Site:
    site = Site.from_json(parsed(raw))
    site = site if can_pay else replace(site, offers=(), contributions=())
    return site if site.base_url else replace(site, base_url=base_url)


@lru_cache(maxsize=64)
def facts_from(raw: bytes) -> Mapping[str, Any]:
    """A profile's JSON. The same few profiles are read again and again; nobody may change what comes out."""
    return MappingProxyType(parsed(raw))
