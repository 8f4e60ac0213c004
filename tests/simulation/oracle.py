"""The oracle: compares what a history led to with a reference run of its final state.

The reference run starts from the drafts bucket and the editors' decisions as they are at the end. It also receives the
parts of the past that are meant to last, so that everything else can be compared byte for byte:

- a tombstone for each slug that is no longer held;
- if the newest version of a file is rejected, the document of its last accepted version;
- to which article a slug led before another draft took it;
- that nothing could be made of an image, which shows only when a page wants it;
- files named by their digests, of earlier themes, portraits, images and their renditions, which may stay, and tombstones of images of withdrawn
  articles.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from nightdesk.adapters.memory import MemoryObjects, MemoryTable, memory_ports
from nightdesk.domain.documents import DRAFT, LIVE, REJECTED, SCHEDULED, WITHDRAWN, Document, parse_json
from nightdesk.domain.drafts_bucket import classify, draft_id
from nightdesk.domain.events import Event, ObjectChanged, PictureRequested, RenderRequested, SocialCardRequested
from nightdesk.domain.site_paths import SEARCH_ARCHIVE
from nightdesk.domain.text import slug_of_filename, slugify
from nightdesk.domain.updates import Update
from nightdesk.ports import ANY, Output, Ports
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.search_entries import search_entry
from nightdesk.repositories import articles_table, draft_names, updates_table
from nightdesk.repositories.private_bucket import HISTORY, INSPECTIONS, SEARCH_KEY, is_image, load_site
from nightdesk.repositories.records import Claim, DraftRecord, from_item
from nightdesk.stages.images import ImagesBatch
from nightdesk.usecases.pipeline import file_records
from nightdesk.usecases.pipeline.draft_history import claimed_since, read_history
from nightdesk.usecases.pipeline.effective import load_effective
from nightdesk.usecases.pipeline.entries import update_entries
from nightdesk.usecases.pipeline.gate import gate
from nightdesk.usecases.pipeline.invalidate import write_token
from nightdesk.usecases.pipeline.lists import refresh_list
from nightdesk.usecases.pipeline.pictures import derive_picture
from nightdesk.usecases.pipeline.places import months_of, sort_key
from nightdesk.usecases.pipeline.render import render
from nightdesk.usecases.pipeline.search_recent import entries_in, indexed_in
from nightdesk.usecases.pipeline.site_refresh import refresh_site
from nightdesk.usecases.pipeline.social_cards import draw_card
from nightdesk.usecases.ticker.pages import refresh as refresh_ticker

from .pictures import PlainPictures
from .world import World

_HISTORY = {
    "claim": {"version", "displaced", "former", "leads_to"},
    "draft": {
        "version",
        "at",
        "revision",
        "slugs",
        "addresses",
        "taken_down",
        "images",
        "uploaded_by",
        "requesters",
        "predecessors",
        "dates",
        "accepted_since",
    },
    "record": {"version", "generation", "completed_generation", "pending"},
    "rejected": {"version", "at"},
}
"""Attributes that depend on the order of events, by sort key or partition; in all other records that is `version`."""
_ANNOUNCEMENTS = ("path", "wake")
"""Records of what was announced. Invalidations are checked separately."""
_SEARCH = (SEARCH_ARCHIVE, "search/recent.json", SEARCH_KEY)
"""What the search stage makes depends on when it ran; `_search` checks what readers find."""
_HELD = re.compile(r"drafts/[a-z0-9/-]+\.(md|markdown)")
_NAMED_BY_DIGEST = re.compile(
    r"assets/[a-z0-9-]+\.[0-9a-f]{10}\.[a-z]+|(authors|topics)/[a-z0-9-]+/[a-z0-9-]+\.[0-9a-f]{64}-\d+\.public\.[a-z]+"
    r"|(images|attachments|renditions)/[0-9a-f]{64}|(pictures|derivatives|cards)/[0-9a-f]{64}\.json"
)


def reference(world: World) -> Ports:
    """Return the ports after a reference run of a history's final state: no messages, each thing done once, in order."""
    ports = replace(memory_ports(clock=world.clock, pictures=PlainPictures()), drafts=world.drafts)
    for key, output in world.private.outputs.items():
        if key.startswith(("editorial/", "approved/", "images/", "attachments/", "owners/")):
            ports.private.put(output, ANY)
        if key.startswith(INSPECTIONS) and b"cannot be decoded" in output.body:
            ports.private.put(output, ANY)
        if key.startswith("articles/"):
            found = Document.from_bytes(output.body)
            if found.withdrawn:
                ports.private.put(output, ANY)
    for slug in {version.key.split("/")[1] for version in world.site.list_versions("articles/")}:
        # There was something at this address, so a deleted article leaves a tombstone.
        ports.site.put(Output(f"articles/{slug}/", b"x", "text/plain"), ANY)
        ports.site.delete(f"articles/{slug}/")
    _keep_former_articles(world, ports)
    for pk, items in world.table._items.items():
        record = from_item(DraftRecord, items["draft"]) if "draft" in items else None
        if record and record.state == WITHDRAWN:
            # What a draft inherits of its deleted forms.
            changes = articles_table.draft_changes(pk.removeprefix("draft#"), record._replace(version=None), None)
            ports.articles.write(changes)
    rejected = [file.key for file in articles_table.rejected(world.table)]
    for key in rejected:
        _keep_accepted(key, world, ports)
    for key in [key for key, _ in world.drafts.list("drafts/") if key not in rejected]:
        # By what feeds know an article depends on where it was first public, and only S3's events told who put a file.
        record = articles_table.draft_record(world.table, key)
        if record and (record.first_address or record.requesters or record.predecessors):
            known = DraftRecord(
                "draft",
                record.slug,
                DRAFT,
                "",
                [],
                [],
                [],
                [],
                first_address=record.first_address,
                requesters=record.requesters,
                predecessors=record.predecessors,
            )
            ports.articles.write(articles_table.draft_changes(key, known, None))
    _render_all(ports, rejected)
    _publish_all(ports, world.theme)
    _post_all(world.updates, ports, world.theme)
    return ports


def _keep_former_articles(world: World, ports: Ports) -> None:
    """Tell the reference run which article had each slug before another draft took it."""
    for pk, items in world.table._items.items():
        claim = from_item(Claim, items["claim"]) if "claim" in items else Claim("", [])
        past = Claim("", [], former=claim.former, leads_to=claim.leads_to)
        articles_table.correct_claim(ports.articles, pk.removeprefix("article#"), Claim("", []), past)


def _keep_accepted(key: str, world: World, ports: Ports) -> None:
    """Give the reference run the document of the last accepted version of a file whose newest one is rejected."""
    parsed = classify(key)
    record = articles_table.draft_record(world.table, key)
    assert parsed
    assert record
    if parsed.kind == "draft":
        target = f"articles/{record.slug}.json" if record.document else ""
        for slug in (*record.slugs, *record.addresses):
            claim = articles_table.claim_of(world.table, slug)
            if claim and claim.holder == key:
                articles_table.claim_slug(ports.articles, slug, key, lambda _: False)
    else:
        target = "site.json" if parsed.kind == "site" else f"{parsed.kind}s/{slugify(parsed.name)}.json"
    if target in world.private.outputs:
        ports.private.put(world.private.outputs[target], ANY)
    default = slug_of_filename(parsed.name)
    if parsed.kind == "draft" and record.document and record.slug != default:
        ports.articles.write([draft_names.name_change(default, key, record.slug)])
    unread = record._replace(state=DRAFT, etag="", problems=[], warnings=[])
    links = file_records._linking_changes(key, None, unread)
    ports.articles.write([*articles_table.draft_changes(key, unread, None), *links])


def _render_all(ports: Ports, rejected: Collection[str]) -> None:
    """Render settings and profiles first, because drafts depend on them, and then drafts in the order of their claims.

    A rejected draft may fall back to an earlier version, which has a slug only if no other draft wants it.
    """
    for key in [key for key, _ in ports.drafts.list("") if is_image(key)]:
        ImagesBatch(ports, PlainPictures()).handle(ObjectChanged(key))
    keys = [key for key, _ in ports.drafts.list("") if classify(key)]
    for key in sorted(keys, key="site.yaml".__ne__):
        if not key.startswith("drafts/"):
            render(key, ports)
            if _derive(ports):
                render(key, ports)
    site = load_site(ports)

    def since(key: str) -> tuple[bool, str, str]:
        history = read_history(key, site, ports)
        return key in rejected, claimed_since(history, history[-1].slug) if history else "", key

    queue = deque(sorted((key for key in keys if key.startswith("drafts/")), key=since))
    while queue:
        for rendered in render(queue.popleft(), ports):
            # A draft may lose its slug to another one, or release a slug that another one waits for.
            queue += [event.key for event in rendered.events if isinstance(event, RenderRequested)]


def _derive(ports: Ports) -> list[Event]:
    """Derive the pictures and draw the social cards that were requested. Returns the requests."""
    events: deque[Event] = ports.bus.events  # type: ignore[attr-defined]  # memory_ports makes it
    wanted: list[Event] = [event for event in events if isinstance(event, PictureRequested | SocialCardRequested)]
    events.clear()
    for event in wanted:
        if isinstance(event, SocialCardRequested):
            draw_card(event.page, event.card, ports, PlainPictures())
        elif isinstance(event, PictureRequested):
            derive_picture(event.owner, event.picture, ports, PlainPictures())
    return wanted


def _post_all(posted: MemoryTable, ports: Ports, theme: Theme) -> None:
    """Build the ticker from the updates that were posted or removed."""
    for pk, items in posted._items.items():
        if pk.startswith("update#") and items:
            ports.updates.write(updates_table.changes(None, Update.from_json(items["update"])))
    refresh_ticker(ports, theme, everything=True)


def _publish_all(ports: Ports, theme: Theme) -> None:
    """Gate articles in order of time, so that each finds those before it, and then make every list."""
    site = load_site(ports)
    documents = [
        Document.from_bytes(blob.body) for key, _ in ports.private.list("articles/") if (blob := ports.private.get(key))
    ]
    months: dict[str, set[str]] = defaultdict(set)
    for document in sorted(
        (_effective(document, ports) for document in documents), key=lambda found: found.date and sort_key(found, site)
    ):
        gate(document.slug, ports, theme)
        while wanted := _derive(ports):
            if any(isinstance(event, PictureRequested) for event in wanted):
                render(document.file, ports)  # an image of which nothing can be made is left out
            gate(document.slug, ports, theme)
        listed = update_entries(document.slug, ports)
        for name, some in months_of(listed.pending if listed else ()).items():
            months[name] |= some
    # First originals find their translations, and then all find all.
    for document in 2 * documents if any(document.translation_of for document in documents) else []:
        gate(document.slug, ports, theme)
        update_entries(document.slug, ports)
    for kind in ("topic", "author"):
        for key, _ in ports.private.list(f"{kind}s/"):
            months[f"{kind}:{PurePosixPath(key).stem}"] |= set()
    for name, some in months.items():
        refresh_list(name, some or None, site, ports, theme)
    if _derive(ports):
        for name in months:
            refresh_list(name, (), site, ports, theme)
    refresh_site(ports, theme)
    refresh_ticker(ports, theme, everything=True)


def violations(world: World) -> list[str]:
    """Return what is wrong once a history is quiet, in words; empty if it converged."""
    if world.violations:
        return world.violations
    expected = reference(world)
    return [
        *_objects("site", world.site, expected.site, world.now),
        *_objects("private", world.private, expected.private, world.now),
        *_records(world.table, expected.articles),
        *_records(world.updates, expected.updates),
        *_check_past(world),
        *_search(world, expected),
        *(
            f"no schedule: {slug} at {moment}"
            for moment, slug in expected.schedules.requested
            if (moment, slug) not in world.schedules
        ),
        *(f"cached and stale: {key}" for key in world.cache.stale()),
        *(f"invalidated for nothing: {path}" for path in world.cache.unnecessary),
    ]


def _objects(name: str, have: MemoryObjects, want: MemoryObjects, now: datetime) -> list[str]:
    found = []
    for key in sorted({*have.outputs, *want.outputs}):
        mine, other = have.outputs.get(key), want.outputs.get(key)
        if key == "news-sitemap.xml" and mine and other:
            mine, other = _recent(mine, now), _recent(other, now)
        if mine == other or key.startswith((HISTORY, *_SEARCH)):
            continue
        if other is None and (_NAMED_BY_DIGEST.fullmatch(key) or _is_image_tombstone(key, have)):
            continue
        how = "missing" if mine is None else "left over" if other is None else "different"
        found.append(f"{how} in {name}: {key}")
    return found


def _recent(sitemap: Output, now: datetime) -> Output:
    """Return the news sitemap without the articles that its hourly schedule, which histories do not have, would remove."""
    entries = re.split(rb"(?<=</url>\n)", sitemap.body)
    since = now - timedelta(days=2)
    kept = [
        entry
        for entry in entries
        if not (dated := re.search(rb"<news:publication_date>([^<]+)", entry))
        or datetime.fromisoformat(dated[1].decode()) >= since
    ]
    return replace(sitemap, body=b"".join(kept), metadata={})


def _is_image_tombstone(key: str, bucket: MemoryObjects) -> bool:
    """Return True for the tombstone of an image of an article that is withdrawn or has moved."""
    output, page = bucket.outputs[key], bucket.outputs.get(f"{key.rpartition('/')[0]}/index.html")
    gone = page is not None and page.metadata.get("status") in ("301", "410")
    return gone and not output.body and output.metadata.get("status") == "410"


def _records(have: MemoryTable, want: MemoryTable) -> list[str]:
    found = []
    mine, others = _comparable(have), _comparable(want)
    for place in sorted({*mine, *others}):
        pk, sk = place
        if (
            mine.get(place) == others.get(place)
            or pk in _ANNOUNCEMENTS
            or pk.startswith(("rate#", "turn#"))
            or sk.startswith("revision#")
        ):
            continue
        if place not in others and (_is_gone(sk, mine[place])):
            continue
        found.append(f"record {pk} {sk}: {mine.get(place)} instead of {others.get(place)}")
    return found


def _is_gone(kind: str, item: dict[str, Any]) -> bool:
    """Return True for the record of a deleted draft, of a slug without a holder, or of a month without articles."""
    if kind == "draft":
        return item["state"] == WITHDRAWN and not item.get("document")
    if kind == "months":
        return not item["counts"]
    return item == {"holder": "", "pk": item["pk"], "sk": "claim"}


def _comparable(table: MemoryTable) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the records without the attributes in `_HISTORY`, the holder of a slug that was refused, and months without articles."""
    return {
        (pk, sk): {
            k: {month: count for month, count in v.items() if count}
            if k == "counts"
            else _HELD.sub("", str(v))
            if k in ("problems", "warnings")
            else v
            for k, v in item.items()
            if k not in _HISTORY.get(sk, _HISTORY.get(pk, {"version"}))
        }
        for pk, items in table._items.items()
        for sk, item in items.items()
    }


def _search(world: World, expected: Ports) -> list[str]:
    """Check that readers find each public article as it is, and no other: in the newest part, else in the archive."""
    ports = replace(memory_ports(), private=world.private, site=world.site)
    known = ports.private.get(SEARCH_KEY)
    archive, recent = indexed_in(known.body if known else None), entries_in(ports.site.get("search/recent.json"))
    found = {slug: index.digest for slug, index in archive.items()}
    found |= {slug: entry["digest"] if entry else "" for slug, entry in recent.items()}
    site, wrong = load_site(expected), []
    for key, output in expected.private.outputs.items():
        if key.startswith("facts/"):
            slug = key.removeprefix("facts/").removesuffix(".json")
            entry = search_entry(world.theme, site, parse_json(output.body))
            if found.pop(slug, "") != (entry["digest"] if entry else ""):
                wrong.append(f"the search does not find it as it is: {slug}")
    wrong += [f"the search finds what is not there: {slug}" for slug, digest in found.items() if digest]
    gone = {slug for slug in archive if slug in recent and recent[slug] is None}
    # The newest part has the whole text of an article that came back after its text had been removed here.
    missing = [slug for slug in {*archive} - {*recent} if SEARCH_ARCHIVE + archive[slug].file not in world.site.outputs]
    left = [slug for slug in gone if SEARCH_ARCHIVE + archive[slug].file in world.site.outputs]
    return [
        *wrong,
        *(f"missing from the index: {name}" for name in sorted(missing)),
        *(f"text left in the index: {s}" for s in sorted(left)),
    ]


def _check_past(world: World) -> list[str]:
    """Check the past: withdrawn articles have tombstones, earlier addresses lead to their article in one step, lists are
    complete, every write was invalidated."""
    found = []
    ports = replace(memory_ports(), private=world.private, site=world.site)
    for slug in sorted(world.site.ever_live):
        # An article that became a draft again has no tombstone: it may come back.
        state = _state(_current_slug(slug, ports), ports, world.now)
        if not world.site.list(f"articles/{slug}/~") and state not in (DRAFT, SCHEDULED):
            found.append(f"no tombstone: {slug}")
    for key, output in world.private.outputs.items():
        document = Document.from_bytes(output.body) if key.startswith("articles/") else None
        claim = articles_table.claim_of(world.table, document.moved) if document else None
        if document and document.moved and (not claim or claim.holder != document.file):
            found.append(f"an earlier address leads to another article: {document.slug}")
        if document and draft_id(document.file) in world.taken_down and _state(document.slug, ports, world.now) == LIVE:
            found.append(f"a takedown was lost: {document.slug}")
        if document and document.withdrawn and not document.moved and _continued_by(document, world):
            found.append(f"an earlier address is gone: {document.slug}")
    for pk, items in world.table._items.items():
        if "claim" in items and (wrong := _wrong_former(from_item(Claim, items["claim"]), world)):
            found.append(f"{wrong}: {pk}")
        if "record" in items and items["record"]["generation"] != items["record"]["completed_generation"]:
            found.append(f"lists never completed: {pk}")
    for path, item in world.table._items["path"].items():
        if item["write"] != write_token(path, ports):
            found.append(f"not invalidated since it was written: {path}")
    return found


def _wrong_former(claim: Claim, world: World) -> str:
    """Return what is wrong with the article to which a slug led before: the claim must follow it; empty for nothing."""
    if claim.former in ("", claim.holder):
        return ""
    record = articles_table.draft_record(world.table, claim.former)
    now = record.slug if record and record.document and record.state != WITHDRAWN else ""
    return "" if claim.leads_to == now else f"a former address leads to “{claim.leads_to}” instead of “{now}”"


def _continued_by(left: Document, world: World) -> str:
    """Return the key of the other form of a deleted draft that continues its article, if nobody holds the slug that it left."""
    existing = [key for key, _ in world.drafts.list("drafts/")]
    if not left.file or left.file in existing or articles_table.claim_of(world.table, left.slug):
        return ""
    for key in existing:
        record = articles_table.draft_record(world.table, key) if draft_id(key) == draft_id(left.file) else None
        if record and record.document and record.state != REJECTED:
            return key
    return ""


def _current_slug(slug: str, ports: Ports) -> str:
    """Return the slug that an article has now."""
    seen = {slug}
    while (blob := ports.private.get(f"articles/{slug}.json")) and (
        slug := Document.from_bytes(blob.body).moved or slug
    ) not in seen:
        seen.add(slug)
    return slug


def _state(slug: str, ports: Ports, now: datetime) -> str:
    """Return an article's state; empty if there is no document."""
    blob = ports.private.get(f"articles/{slug}.json")
    return _effective(Document.from_bytes(blob.body), ports).state(now) if blob else ""


def current_state(slug: str, world: World) -> str:
    """Return an article's state in a world; empty if there is no document."""
    return _state(slug, replace(memory_ports(), private=world.private), world.now)


def _effective(document: Document, ports: Ports) -> Document:
    """Return a document with the editors' decisions applied."""
    return load_effective(document, load_site(ports), ports).document
