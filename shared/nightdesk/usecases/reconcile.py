"""Reconcile: the site as it is against the site as the drafts say that it should be, and what differs asked for again.

What should be is made anew, in memory, by the very stages that made what is: of the drafts bucket with its versions, of the
editors' decisions, and of what says that an article is gone or has moved; all of them outlast every table. Nothing is mended here; events ask the stages to look again, and
they mend it. For the night after a disaster, and for any other night.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from nightdesk.domain.documents import Document
from nightdesk.domain.drafts import classify
from nightdesk.rendering.environment import Theme

from . import catalogue
from .assemble import assemble
from .invalidate import token_of, was_there
from .lists import FOLDERS
from .paths import path_of
from .ports import ANY, Event, Output, Ports, Write
from .render import leave
from .stored import IMAGE_TYPES, JSON

_NOT_OURS = ("updates/", "assets/", "~errors/", "openapi.json")
"""What the ticker makes, of a table that is its own truth; older themes' files; what no reader asks for; and what only a
built theme has."""
_PER_EVENT = 100


@dataclass(frozen=True, slots=True)
class Differences:
    """What is not as it should be.

    Args:
        drafts: keys of files of which the tables know another version.
        articles: slugs whose pages or records differ.
        orphans: slugs of articles on the site that no draft accounts for.
        lists: names of lists whose pages differ.
        fixed: whether pages differ that every site has.
        stale: paths that the cache may hold an older write of.
        updates: keys of files of updates of which the table knows another version.
    """

    drafts: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    fixed: bool = False
    stale: tuple[str, ...] = ()
    updates: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def compare(ports: Ports, theme: Theme, empty: Ports) -> Differences:
    """What differs between what the drafts say and the tables, the site and its cache.

    Args:
        empty: ports of a world in memory that holds nothing.
    """
    wanted = _as_it_should_be(ports, theme, empty)
    site: dict[str, Output] = wanted.site.outputs  # type: ignore[attr-defined]  # it is in memory
    there = dict(ports.site.list(""))
    differ = {key for key, output in site.items() if there.get(key) != _etag(output.body)}
    differ = {key for key in differ if not key.startswith("updates/")}
    extra = {key for key in set(there) - set(site) if not key.startswith(_NOT_OURS) and not _is_left(key, ports)}
    slugs = {key.removeprefix("articles/").removesuffix(".json") for key, _ in wanted.work.list("articles/")}
    articles = {key.split("/")[1] for key in differ | extra if key.startswith("articles/")}
    lists = {_list_of(path_of(key)) for key in differ | extra if not key.startswith("articles/")}
    return Differences(
        drafts=tuple(sorted(_other_drafts(wanted, ports))),
        articles=tuple(sorted((articles & slugs) | set(_other_records(slugs, wanted, ports)))),
        orphans=tuple(sorted(articles - slugs)),
        lists=tuple(sorted(lists - {""})),
        fixed="" in lists,
        stale=tuple(sorted(_stale(ports))),
        updates=tuple(sorted(_other_updates(ports))),
    )


def mend(found: Differences, ports: Ports) -> None:
    """Ask the stages to look at what differs; sends the events."""
    touched = set(found.drafts)
    for slug in found.orphans:
        seen = ports.work.stat(f"articles/{slug}.json")
        held = catalogue.holder(ports.articles, slug)
        if held:
            touched.add(held["holder"])
        else:
            leave(slug, seen, ports)
            ports.bus.emit([Event("ArticleWithdrawn", {"slug": slug})])
    ports.bus.emit([Event("DraftTouched", {"key": key}) for key in sorted(touched)])
    ports.bus.emit([Event("ArticleRendered", {"slug": slug, "revision": 0}) for slug in found.articles])
    ports.bus.emit([Event("ListTouched", {"list": name}) for name in found.lists])
    ports.bus.emit([Event("SiteChanged", {})] if found.fixed else [])
    ports.bus.emit([Event("PagesWritten", {"paths": paths}) for paths in _parts(found.stale)])
    ports.bus.emit([Event("UpdatesTouched", {"keys": keys}) for keys in _parts(found.updates)])


def _parts(words: Sequence[str]) -> list[list[str]]:
    return [list(words[start : start + _PER_EVENT]) for start in range(0, len(words), _PER_EVENT)]


def _as_it_should_be(ports: Ports, theme: Theme, empty: Ports) -> Ports:
    """A world with the site that the drafts bucket and the editors' decisions make, and with what stands where articles were."""
    world = replace(
        empty,
        drafts=ports.drafts,
        base_url=ports.base_url,
        clock=ports.clock,
        can_sign_in=ports.can_sign_in,
        can_pay=ports.can_pay,
    )
    for key, _ in ports.work.list("editorial/"):
        if blob := ports.work.get(key):
            world.work.put(Output(key, blob.body, JSON), ANY)
    for key, _ in ports.work.list("articles/"):
        if (blob := ports.work.get(key)) and Document.from_bytes(blob.body).withdrawn:
            world.work.put(Output(key, blob.body, JSON), ANY)
    assemble([key for key, _ in ports.drafts.list("")], world, theme)
    return world


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _is_left(key: str, ports: Ports) -> bool:
    """Whether an object is history, which no draft tells of: it says that what was here is gone, or where it went, or is a
    portrait that was replaced, which pages in somebody's cache may still show."""
    if key.startswith("authors/") and key.endswith(tuple(IMAGE_TYPES)):
        return True
    stat = ports.site.stat(key)
    return stat is None or stat.metadata.get("status") in ("301", "410")


def _other_drafts(wanted: Ports, ports: Ports) -> Iterator[str]:
    """Files of which the table knows another version, or none, and those that are gone and still have a say."""
    files = ports.drafts.list("")
    there = [(key, etag) for key, etag in files if classify(key) and not key.startswith(_NOT_OURS)]
    records = ports.articles.get_many([(f"draft#{key}", catalogue.DRAFT) for key, _ in there])
    for (key, etag), record in zip(there, records, strict=True):
        if not record or record["etag"] != etag:
            yield key
    for kind in ("author", "topic", "page"):
        made = {key for key, _ in wanted.work.list(f"{kind}s/")}
        yield from (key.removesuffix("json") + "md" for key, _ in ports.work.list(f"{kind}s/") if key not in made)
    if ports.work.stat("site.json") and not wanted.work.stat("site.json"):
        yield "site.yaml"


def _other_updates(ports: Ports) -> Iterator[str]:
    """Files of updates of which the table knows another version, those that are gone among them."""
    there = dict(ports.drafts.list("updates/"))
    ever = sorted({write.key for write in ports.drafts.writes("updates/")})
    keys = [key for key in ever if (filed := classify(key)) and filed.kind == "update"]
    records = ports.articles.get_many([(f"draft#{key}", catalogue.DRAFT) for key in keys])
    for key, record in zip(keys, records, strict=True):
        if (record["etag"] if record else "") != there.get(key, ""):
            yield key


def _other_records(slugs: Iterable[str], wanted: Ports, ports: Ports) -> Iterator[str]:
    """Articles whose facts, or whose entries in lists, are others in the table, or whose last turn was never ended."""
    ordered = sorted(slugs)
    keys = [(f"article#{slug}", catalogue.RECORD) for slug in ordered]
    for slug, record in zip(ordered, ports.articles.get_many(keys), strict=True):
        blob = wanted.work.get(f"facts/{slug}.json")
        facts = hashlib.sha256(blob.body).hexdigest() if blob else ""
        if not record or record["facts"] != facts or record["turn"] != record["settled"]:
            yield slug


def _list_of(path: str) -> str:
    """The list that a page belongs to; empty for a page that is none of a list's."""
    if path in ("/", "/feed.xml", "/feed.json") or path.startswith("/archive/"):
        return "all"
    if path == "/corrections/":
        return "corrections"
    folders = {folder: kind for kind, folder in FOLDERS.items()}
    found = re.match(r"/(\w+)/([a-z0-9-]+)/", path)
    if found and found[1] in folders:
        return f"{folders[found[1]]}:{found[2]}"
    fixed = path in ("/robots.txt", "/openapi.json") or path.startswith(
        ("/assets/", "/~errors/", *(f"/{folder}/" for folder in folders))
    )
    return "" if fixed else f"alias:{path}"


def _stale(ports: Ports) -> Iterator[str]:
    """Paths whose newest write the cache was never told of."""
    written: dict[str, list[Write]] = defaultdict(list)
    for write in ports.site.writes(""):
        if write.key.startswith("articles/"):
            written[f"/articles/{write.key.split('/')[1]}/*"].append(write)
        elif not write.key.startswith(_NOT_OURS) and not write.key.endswith(tuple(IMAGE_TYPES)):
            written[path_of(write.key)].append(write)
    known = {item["sk"]: item["write"] for item in ports.articles.query("path")}
    for path, writes in written.items():
        if known.get(path, "") != token_of(path, writes) and (path in known or was_there(writes)):
            yield path
