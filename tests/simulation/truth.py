"""What a history must have led to: what a calm run makes of its final state.

The calm run starts from nothing but what people filed and decided: the drafts bucket and the editors' decisions as they
are at the end. It is also given what of a
site's past is meant to last, so that the rest can be compared byte for byte:

- a tombstone for each slug that is no longer held;
- where the newest version of a file is rejected, what its last accepted version was read as;
- files whose names hold their digests, of earlier themes and portraits, which may stay, and tombstones of images of
  articles that are gone.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from nightdesk.adapters.memory import MemoryObjects, MemoryTable, memory_ports
from nightdesk.domain.documents import DRAFT, LIVE, SCHEDULED, WITHDRAWN, Document
from nightdesk.domain.drafts import classify
from nightdesk.domain.editorial import decided
from nightdesk.domain.text import slugify
from nightdesk.domain.updates import Update
from nightdesk.rendering.environment import Theme
from nightdesk.usecases import board
from nightdesk.usecases.catalogue import holder
from nightdesk.usecases.gate import gate, sort_key
from nightdesk.usecases.history import claimed_since, history
from nightdesk.usecases.index import enter
from nightdesk.usecases.invalidate import write_of
from nightdesk.usecases.lists import months_of, refresh, refresh_site
from nightdesk.usecases.ports import ANY, Change, Ports
from nightdesk.usecases.render import render
from nightdesk.usecases.stored import author_kinds, editorial_key, load_decisions, load_site
from nightdesk.usecases.ticker import refresh as refresh_ticker

from .world import World

_HISTORY = {
    "claim": {"version", "ousted"},
    "draft": {"version", "at", "revision", "slugs", "down"},
    "record": {"version", "turn", "settled", "pending"},
    "rejected": {"version", "at"},
}
"""What records say of how they came to be, by sort key or partition; of all others that is `version`."""
_NOT_OURS = ("path", "wake")
"""Records of what was told to whom; of the cache, that is looked at by itself."""
_HELD = re.compile(r"drafts/[a-z/]+\.md")
_NAMED_BY_DIGEST = re.compile(r"(assets|authors/[a-z0-9-]+)/[a-z0-9-]+\.[0-9a-f]{10}\.[a-z]+")


def calm(world: World) -> Ports:
    """The ports after a calm run of a history's final state: no messages, each thing done once, in order."""
    ports = replace(memory_ports(clock=world.clock), drafts=world.drafts)
    for key, output in world.work.outputs.items():
        if key.startswith("editorial/"):
            ports.work.put(output, ANY)
        if key.startswith("articles/"):
            left = Document.from_bytes(output.body)
            if left == Document(left.slug, withdrawn=True, moved=left.moved, file=left.file):
                ports.work.put(output, ANY)
    for item in world.table.query("rejected"):
        _keep_accepted(item["sk"], world, ports)
    _render_all(ports)
    _publish_all(ports, world.theme)
    _post_all(world.updates, ports, world.theme)
    return ports


def _keep_accepted(key: str, world: World, ports: Ports) -> None:
    """Give the calm run what was made of the last accepted version of a file whose newest is rejected."""
    filed = classify(key)
    record = world.table.get(f"draft#{key}", "draft")
    assert filed
    assert record
    if filed.kind == "draft":
        target = f"articles/{record['slug']}.json" if record["document"] else ""
        for slug in record["slugs"]:
            held = holder(world.table, slug)
            if held and held["holder"] == key:
                ports.articles.write([Change(f"article#{slug}", "claim", {"holder": key, "ousted": []}, None)])
    else:
        target = "site.json" if filed.kind == "site" else f"{filed.kind}s/{slugify(filed.name)}.json"
    if target in world.work.outputs:
        ports.work.put(world.work.outputs[target], ANY)
    unread = {**record, "state": DRAFT, "etag": "", "problems": [], "warnings": []}
    ports.articles.write([Change(f"draft#{key}", "draft", unread, None)])


def _render_all(ports: Ports) -> None:
    """Drafts come last, for settings and profiles are what they are read in the light of; whoever had a slug first, first."""
    keys = [key for key, _ in ports.drafts.list("") if classify(key)]
    for key in sorted(keys, key="site.yaml".__ne__):
        if not key.startswith("drafts/"):
            render(key, ports)
    site = load_site(ports)

    def since(key: str) -> tuple[str, str]:
        filed = classify(key)
        past = history(key, filed, site, ports) if filed else ()
        return claimed_since(past, past[-1].slug) if past else "", key

    queue = deque(sorted((key for key in keys if key.startswith("drafts/")), key=since))
    while queue:
        for rendered in render(queue.popleft(), ports):
            # One may have to make way for another, or give a slug up that another waits for.
            queue += [event.detail["key"] for event in rendered.events if event.type == "DraftTouched"]


def _post_all(posted: MemoryTable, ports: Ports, theme: Theme) -> None:
    """The ticker, of updates as they were posted or removed."""
    for pk, items in posted._items.items():
        if pk.startswith("update#") and items:
            ports.updates.write(board.changes(None, Update.from_json(items["update"])))
    refresh_ticker(ports, theme, everything=True)


def _publish_all(ports: Ports, theme: Theme) -> None:
    """Articles in order of time, so that each finds those before it, and then every list."""
    documents = [
        Document.from_bytes(blob.body) for key, _ in ports.work.list("articles/") if (blob := ports.work.get(key))
    ]
    months: dict[str, set[str]] = defaultdict(set)
    for document in sorted(
        (_decided(document, ports) for document in documents), key=lambda found: found.date and sort_key(found)
    ):
        gate(document.slug, ports, theme)
        listed = enter(document.slug, ports)
        for name, some in months_of(listed.pending if listed else ()).items():
            months[name] |= some
    for kind in ("topic", "author"):
        for key, _ in ports.work.list(f"{kind}s/"):
            months[f"{kind}:{PurePosixPath(key).stem}"] |= set()
    site = load_site(ports)
    for name, some in months.items():
        refresh(name, some, site, ports, theme)
    refresh_site(ports, theme)
    refresh_ticker(ports, theme, everything=True)


def faults(world: World) -> list[str]:
    """All that is not as it should be once a history is quiet, in words."""
    if world.wrong:
        return world.wrong
    wanted = calm(world)
    return [
        *_objects("site", world.site, wanted.site),
        *_objects("work", world.work, wanted.work),
        *_records(world.table, wanted.articles),
        *_records(world.updates, wanted.updates),
        *_lasting(world),
        *(f"no alarm: {slug} at {moment}" for moment, slug in wanted.alarm.asked if (moment, slug) not in world.alarms),
        *(f"cached and stale: {key}" for key in world.cache.stale()),
        *(f"invalidated for nothing: {path}" for path in world.cache.needless),
    ]


def _objects(name: str, have: MemoryObjects, want: MemoryObjects) -> list[str]:
    found = []
    for key in sorted({*have.outputs, *want.outputs}):
        mine, other = have.outputs.get(key), want.outputs.get(key)
        if mine == other:
            continue
        if other is None and (_NAMED_BY_DIGEST.fullmatch(key) or _is_image_of_the_gone(key, have)):
            continue
        how = "missing" if mine is None else "left over" if other is None else "different"
        found.append(f"{how} in {name}: {key}")
    return found


def _is_image_of_the_gone(key: str, bucket: MemoryObjects) -> bool:
    """Whether a tombstone stands for an image of an article that is gone, or has moved."""
    output, page = bucket.outputs[key], bucket.outputs.get(f"{key.rpartition('/')[0]}/index.html")
    gone = page is not None and page.metadata.get("status") in ("301", "410")
    return gone and not output.body and output.metadata.get("status") == "410"


def _records(have: MemoryTable, want: MemoryTable) -> list[str]:
    found = []
    mine, others = _plain(have), _plain(want)
    for place in sorted({*mine, *others}):
        pk, sk = place
        if (
            mine.get(place) == others.get(place)
            or pk in _NOT_OURS
            or pk.startswith("rate#")
            or sk.startswith("revision#")
        ):
            continue
        if place not in others and (_is_gone(sk, mine[place])):
            continue
        found.append(f"record {pk} {sk}: {mine.get(place)} instead of {others.get(place)}")
    return found


def _is_gone(kind: str, item: dict[str, Any]) -> bool:
    """Whether a record says that a draft is no more, that nobody holds a slug, or that a month of a list has no articles."""
    if kind == "draft":
        return item["state"] == WITHDRAWN and not item.get("document")
    return item == {"holder": "", "pk": item["pk"], "sk": "claim"} or item.get("empty") is True


def _plain(table: MemoryTable) -> dict[tuple[str, str], dict[str, Any]]:
    """Records less what they say of how they came to be, and less the name of whoever held a slug when it was refused."""
    return {
        (pk, sk): {
            k: _HELD.sub("", str(v)) if k in ("problems", "warnings") else v
            for k, v in item.items()
            if k not in _HISTORY.get(sk, _HISTORY.get(pk, {"version"}))
        }
        for pk, items in table._items.items()
        for sk, item in items.items()
    }


def _lasting(world: World) -> list[str]:
    """What must hold of the past: gone articles say so, and records are settled and know what was invalidated."""
    found = []
    ports = replace(memory_ports(), work=world.work, site=world.site)
    for slug in sorted(world.site.ever_live):
        # Nobody is told that an article which went back to its authors will never be there, nor where it will be.
        state = _state(_followed(slug, ports), ports, world.now)
        if not world.site.list(f"articles/{slug}/~") and state not in (DRAFT, SCHEDULED):
            found.append(f"no tombstone: {slug}")
    for key, output in world.work.outputs.items():
        document = Document.from_bytes(output.body) if key.startswith("articles/") else None
        if document and document.file in world.taken_down and _state(document.slug, ports, world.now) == LIVE:
            found.append(f"a takedown was lost: {document.slug}")
    for pk, items in world.table._items.items():
        if "record" in items and items["record"]["turn"] != items["record"]["settled"]:
            found.append(f"never settled: {pk}")
    for path, item in world.table._items["path"].items():
        if item["write"] != write_of(path, ports):
            found.append(f"not invalidated since it was written: {path}")
    return found


def _followed(slug: str, ports: Ports) -> str:
    """The slug that an article has now."""
    seen = {slug}
    while (blob := ports.work.get(f"articles/{slug}.json")) and (
        slug := Document.from_bytes(blob.body).moved or slug
    ) not in seen:
        seen.add(slug)
    return slug


def _state(slug: str, ports: Ports, now: datetime) -> str:
    """An article's state; empty where there is no document."""
    blob = ports.work.get(f"articles/{slug}.json")
    return _decided(Document.from_bytes(blob.body), ports).state(now) if blob else ""


def _decided(document: Document, ports: Ports) -> Document:
    """A document with the editors' decisions in it."""
    decisions = load_decisions(ports.work.get(editorial_key(document.slug)))
    site = load_site(ports)
    return decided(document, decisions, site, author_kinds(document, site, ports))
