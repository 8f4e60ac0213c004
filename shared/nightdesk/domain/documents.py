"""A document: a draft rendered, with all its passages, hidden ones too. It never leaves the private bucket.

Documents travel as JSON. `Document` is a thin reading of that JSON: its keys are the attributes below, and a withdrawn
article's document is a tombstone that has a slug and nothing to show.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

DRAFT, SCHEDULED, LIVE, REJECTED, WITHDRAWN, EXPIRED = "draft", "scheduled", "live", "rejected", "withdrawn", "expired"


@dataclass(frozen=True, slots=True)
class Block:
    """A passage as sanitised HTML whose headings and notes are still open (see `rendering.markdown`)."""

    tier: str
    teaser: str
    html: str
    notes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asset:
    """An image of an article: `name` is its name on the site, `key` and `etag` where its bytes are in the drafts bucket."""

    name: str
    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered draft. Moments are ISO 8601 with offset, empty where unknown.

    `file` is the draft's key, which tells equal drafts apart. `moved` is the slug that the article has now, in the document
    that it leaves at a slug which it gave up; `dated` says that the date is one that its author typed.
    """

    slug: str
    file: str = ""
    withdrawn: bool = False
    moved: str = ""
    title: str = ""
    dek: str = ""
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
    newsletter: bool = False
    aliases: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    assets: tuple[Asset, ...] = ()

    def state(self, now: datetime) -> str:
        """Where the article stands at `now`: one of the states of contract §1, `rejected` excepted."""
        if self.withdrawn:
            return WITHDRAWN
        if self.draft:
            return DRAFT
        moments = [datetime.fromisoformat(text) for text in (self.date, self.publish_at) if text]
        if moments and max(moments) > now:
            return SCHEDULED
        if self.expires and datetime.fromisoformat(self.expires) <= now:
            return EXPIRED
        return LIVE

    def next_change(self, now: datetime) -> datetime | None:
        """The next moment at which time alone changes the state, or None."""
        if self.withdrawn or self.draft:
            return None
        moments = [datetime.fromisoformat(text) for text in (self.date, self.publish_at, self.expires) if text]
        return min((moment for moment in moments if moment > now), default=None)

    def to_bytes(self) -> bytes:
        """Canonical JSON: equal documents give equal bytes."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        data["blocks"] = [{n: getattr(block, n) for n in Block.__slots__} for block in self.blocks]
        data["assets"] = [{n: getattr(asset, n) for n in Asset.__slots__} for asset in self.assets]
        return canonical(data)

    @classmethod
    @lru_cache(maxsize=4)
    def from_bytes(cls, raw: bytes) -> Document:
        """The document that `to_bytes` made. A stage reads its document twice, so the last few are remembered."""
        data = parsed(raw)
        for name in ("authors", "topics"):
            data[name] = tuple((a, b) for a, b in data[name])
        for name in ("tags", "sources", "corrections", "aliases"):
            data[name] = tuple(data[name])
        data["blocks"] = tuple(Block(**block) for block in data["blocks"])
        data["assets"] = tuple(Asset(**asset) for asset in data["assets"])
        return cls(**data)


def canonical(data: Any) -> bytes:
    """JSON with sorted keys and no blanks, in UTF-8."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


def parsed(raw: bytes) -> Any:
    """What `canonical` was given. Raises ValueError for what is no JSON."""
    return orjson.loads(raw)


def digest(raw: bytes) -> str:
    """SHA-256, in hexadecimal: the token by which two byte strings are told apart everywhere in Nightdesk."""
    return hashlib.sha256(raw).hexdigest()
