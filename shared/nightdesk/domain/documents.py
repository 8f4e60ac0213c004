"""Documents: rendered drafts with all their passages, hidden ones too. They never leave the private bucket.

A document is stored as JSON whose keys are the attributes of `Document`. The document of a withdrawn article is a tombstone: a
slug and nothing to show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

STATES = DRAFT, SCHEDULED, LIVE, REJECTED, WITHDRAWN, EXPIRED = (
    "draft",
    "scheduled",
    "live",
    "rejected",
    "withdrawn",
    "expired",
)
"""States of an article."""
NOT_YET_PUBLIC = frozenset((DRAFT, SCHEDULED))


@dataclass(frozen=True, slots=True)
class Block:
    """A passage as sanitised HTML; its headings and footnotes are numbered later, per view (see `rendering.markdown`)."""

    tier: str
    teaser: str
    html: str
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asset:
    """An image of an article: its name in the document, its key in the drafts bucket, and the SHA-256 of its bytes.

    The digest is empty in documents of earlier releases, which knew images by their ETags.

    Attributes:
        credit: as the draft gives it, to be written into all that is derived from the image; likewise `source_type`.
    """

    name: str
    key: str
    sha256: str
    credit: str = ""
    source_type: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that readers can download: its name in the document, its key in the drafts bucket, the SHA-256 of its bytes, and their number."""

    name: str
    key: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered draft. Timestamps are ISO 8601 with offset; empty where unknown.

    Attributes:
        file: the draft's key, which distinguishes drafts with the same content.
        first_address: by what feeds know the article, if that is not its slug: the slug at which it was first public.
        moved: the article's new slug, in the pointer that stays at the slug it gave up.
        dated: True if the author typed the date, rather than only when the article may go live.
        language: of an article in another language than the site's; empty for the site's.
        translation_of: the slug of the article of which this is a translation; empty for an original.
        authors: id and typed name of each author; likewise `topics`.
        figures: what the files of images in its text say of themselves (`caption`, `credit`, `source_type`), by the name of the asset.
        by_writer: True if someone who may not approve it uploaded the file, or another one that it shows or offers.
        attachments: the files to which its text links as downloads.
    """

    slug: str
    file: str = ""
    first_address: str = ""
    withdrawn: bool = False
    moved: str = ""
    title: str = ""
    dek: str = ""
    language: str = ""
    translation_of: str = ""
    date: str = ""
    dated: bool = False
    lastmod: str = ""
    authors: tuple[tuple[str, str], ...] = ()
    topics: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    draft: bool = False
    publish_at: str = ""
    expires: str = ""
    hero: dict[str, str] = field(default_factory=dict)
    access: str = "public"
    sources: tuple[dict[str, str], ...] = ()
    sources_access: str = "public"
    production: dict[str, Any] = field(default_factory=dict)
    corrections: tuple[dict[str, str], ...] = ()
    featured: bool = False
    pinned_until: str = ""
    newsletter: bool = False
    aliases: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    assets: tuple[Asset, ...] = ()
    figures: dict[str, dict[str, str]] = field(default_factory=dict)
    by_writer: bool = False
    attachments: tuple[Attachment, ...] = ()

    @property
    def files(self) -> tuple[Asset | Attachment, ...]:
        """Every file beside the draft that the article shows or offers."""
        return (*self.assets, *self.attachments)

    @property
    def goes_live(self) -> str:
        """The moment before which readers cannot see the article: the later of its dates; empty if it has none."""
        return max(filter(None, (self.date, self.publish_at)), key=datetime.fromisoformat, default="")

    def state(self, now: datetime) -> str:
        """Return the article's state at `now`: one of `STATES`, but never `rejected`."""
        if self.withdrawn:
            return WITHDRAWN
        if self.draft:
            return DRAFT
        if self.goes_live and datetime.fromisoformat(self.goes_live) > now:
            return SCHEDULED
        if self.expires and datetime.fromisoformat(self.expires) <= now:
            return EXPIRED
        return LIVE

    def is_pinned(self, now: datetime) -> bool:
        """Return True if the article is to lead the front page at `now`."""
        return bool(self.pinned_until) and datetime.fromisoformat(self.pinned_until) > now

    def next_change(self, now: datetime) -> datetime | None:
        """Return when the state, or whether it is pinned, changes next without any event; None if neither does."""
        if self.withdrawn or self.draft:
            return None
        return min((change for change in self._changes() if change > now), default=None)

    def last_change(self, now: datetime) -> datetime | None:
        """Return the newest moment, up to now, at which time alone changed the state; None if there was none."""
        return max((change for change in self._changes() if change <= now), default=None)

    def _changes(self) -> list[datetime]:
        texts = (self.date, self.publish_at, self.expires, self.pinned_until)
        return [datetime.fromisoformat(text) for text in texts if text]

    def to_bytes(self) -> bytes:
        """Return canonical JSON; equal documents give equal bytes."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        data["blocks"] = [{n: getattr(block, n) for n in Block.__slots__} for block in self.blocks]
        data["assets"] = [{n: getattr(asset, n) for n in Asset.__slots__} for asset in self.assets]
        data["attachments"] = [{n: getattr(each, n) for n in Attachment.__slots__} for each in self.attachments]
        return canonical_json(data)

    @classmethod
    @lru_cache(maxsize=4)
    def from_bytes(cls, raw: bytes) -> Document:
        """Return the document that `to_bytes` stored. Cached, because a stage reads its document twice."""
        data = parse_json(raw)
        for name in ("authors", "topics"):
            data[name] = tuple((a, b) for a, b in data[name])
        for name in ("tags", "sources", "corrections", "aliases"):
            data[name] = tuple(data[name])
        data["blocks"] = tuple(Block(**block) for block in data["blocks"])
        data["assets"] = tuple(Asset(**{"sha256": "", **asset}) for asset in data["assets"])
        data["attachments"] = tuple(Attachment(**each) for each in data.get("attachments", ()))
        return cls(**data)


def canonical_json(data: Any) -> bytes:
    """Return JSON with sorted keys and no blanks, in UTF-8."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def parse_json(raw: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is not JSON.
    """
    return orjson.loads(raw)


def digest(raw: bytes) -> str:
    """Return the SHA-256 in hexadecimal, which identifies bytes everywhere in Nightdesk."""
    return hashlib.sha256(raw).hexdigest()
