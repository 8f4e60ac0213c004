"""Profiles, standing pages and settings: from a file to its facts in the private bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import NamedTuple

from nightdesk.domain.anchors import Anchors
from nightdesk.domain.directive_lines import refuse_gates
from nightdesk.domain.documents import REJECTED, WITHDRAWN, Document, canonical_json, digest
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.drafts_bucket import DraftsKey, classify
from nightdesk.domain.errors import Rejected, only_rejects
from nightdesk.domain.events import Event, PictureRequested, ProfileChanged, RenderRequested, SiteChanged
from nightdesk.domain.languages import INTERFACE_LANGUAGES
from nightdesk.domain.newsletter_settings import is_reserved
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.profiles import parse_profile
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.site_links import SlugOf
from nightdesk.domain.site_paths import ARTICLES_TAG, path_of_file
from nightdesk.domain.text import slug_of_filename, slugify
from nightdesk.domain.typography import Typography
from nightdesk.domain.views import anchored, anchors_of, link_anchors
from nightdesk.ports import Output, Ports
from nightdesk.rendering.losses import FRONT_MATTER, Losses
from nightdesk.rendering.markdown import OPTIONS, render_plain, to_html
from nightdesk.repositories import articles_table
from nightdesk.repositories.articles_table import ACCEPTED
from nightdesk.repositories.private_bucket import JSON, SITE_KEY, load_site, profile_key, written_key
from nightdesk.repositories.records import DraftRecord, problem_dicts
from nightdesk.usecases.pipeline.converge import converge, is_stored, store
from nightdesk.usecases.pipeline.draft_warnings import drop_found_anchors, shows_something
from nightdesk.usecases.pipeline.file_records import FileRecord, outcome
from nightdesk.usecases.pipeline.gate_pictures import read_pictures
from nightdesk.usecases.pipeline.images import StoredImages, image_versions
from nightdesk.usecases.pipeline.invalidate import bulk_tag
from nightdesk.usecases.pipeline.linked_drafts import LinkedDrafts
from nightdesk.usecases.pipeline.profile_pictures import ProfilePictures
from nightdesk.usecases.pipeline.render_document import (
    ImageFinder,
    Images,
    link_finder,
    to_document,
)

_MADE_PAGES = frozenset(("corrections", "membership", "newsletter", "process"))
"""Standing pages that have something to show without a text."""


class _Inputs(NamedTuple):
    """What the rendering of a file depends on.

    Attributes:
        raw: the file; None if there is none.
        images: key and version id of each object in its folder.
        site: the settings; their defaults for the settings themselves.
        holder: the file that has the id: the first of those whose names make it; empty if there is none.
    """

    raw: bytes | None
    etag: str
    images: tuple[tuple[str, str], ...]
    site: Site
    holder: str


def render_profile(key: str, parsed_key: DraftsKey, ports: Ports) -> tuple[DraftRecord, list[Event]]:
    """Render the profile, standing page or settings at `key`, or delete what was rendered of a deleted file.

    Returns:
        The file's record, and the events to send.
    """
    target = _target(parsed_key)
    wanted: list[Event] = []
    has_stored = False

    def read() -> _Inputs:
        blob = ports.drafts.get(key)
        images = image_versions(parsed_key.folder, ports)
        site = Site() if parsed_key.kind == "site" or not blob else load_site(ports)
        holder = next(iter(namesakes(key, parsed_key, ports)), "")
        return _Inputs(blob.body if blob else None, blob.etag if blob else "", images, site, holder)

    def apply(inputs: _Inputs) -> tuple[DraftRecord, bool]:
        nonlocal has_stored
        file = FileRecord(key, ports)
        if inputs.holder not in (key, ""):
            # The holder may have been rendered before this run stored what was right a moment ago.
            wanted[:] = [RenderRequested(inputs.holder)] if has_stored else []
            return _give_way(parsed_key, inputs, file), True
        has_stored = True
        images = StoredImages(inputs.images, file.stored.images if file.stored else {}, ports)
        linked = LinkedDrafts(ports)
        facts, record = _parse(parsed_key, inputs, images, linked, ports)
        pictures = ProfilePictures(target, facts if parsed_key.kind == "author" else None, ports)
        wanted[:] = pictures.requests if parsed_key.kind == "author" else _requests(target, facts, parsed_key, ports)
        record = record._replace(images=pictures.marked(images.looked_up))
        stored = file.stored
        changed = not stored or stored.etag != record.etag
        record = record._replace(revision=(stored.revision if stored else 0) + changed)
        record = _store(target, pictures.facts or facts, record._replace(links=linked.links), file, ports)
        linked.require_unchanged()
        return record, True

    inputs, record, _ = converge(read, apply)
    events: list[Event] = []
    if record.state != WITHDRAWN:
        # Even if it was rejected: a run may have stored its record and died before this.
        events.append(outcome(key, record))
    drafts = _drafts_to_render(parsed_key.kind, inputs.site if inputs.raw is not None else None, ports)
    bulk = bulk_tag(ARTICLES_TAG, len(drafts))
    events += wanted
    events += [RenderRequested(draft, bulk) for draft in drafts]
    return record, events + [RenderRequested(each) for each in _profiles_to_render(parsed_key.kind, ports)]


def namesakes(key: str, parsed_key: DraftsKey, ports: Ports) -> list[str]:
    """Return the keys of the files from whose names the id of one of them is made, in order: they would have one page."""
    if parsed_key.kind == "site":
        return [key] if ports.drafts.stat(key) else []
    target, folder = _target(parsed_key), key.partition("/")[0]
    found = [(name, classify(name)) for name, _ in ports.drafts.list(f"{folder}/")]
    return sorted(name for name, each in found if each and each.kind == parsed_key.kind and _target(each) == target)


def _give_way(parsed_key: DraftsKey, inputs: _Inputs, file: FileRecord) -> DraftRecord:
    """Reject a file, or record that it is gone, while another one has its id. Nothing else is touched."""
    slug = slugify(parsed_key.name)
    stored = file.stored
    record = DraftRecord(
        parsed_key.kind, slug, WITHDRAWN, inputs.etag, slugs=[], problems=[], warnings=[], waiting_for=[]
    )
    if inputs.raw is not None:
        name = f"{inputs.holder.partition('/')[0]}/{slug}"
        problem = Kind.SAME_KEY.at(0, name=name, other=inputs.holder)
        record = record._replace(state=REJECTED, problems=problem_dicts([problem]))
    changed = not stored or stored.etag != record.etag
    record = record._replace(revision=(stored.revision if stored else 0) + changed)
    file.save(record)
    return record


def _requests(target: str, document: bytes | None, parsed_key: DraftsKey, ports: Ports) -> list[PictureRequested]:
    """Return the requests for images of an edition that is written by hand."""
    if parsed_key.kind != "newsletter" or not document:
        return []
    return read_pictures([Document.from_bytes(document)], ports).requests(target)


def _store(target: str, facts: bytes | None, record: DraftRecord, file: FileRecord, ports: Ports) -> DraftRecord:
    """Store the facts of a file, say so on the bus if they changed, and store the file's record.

    The record names the facts that were announced. It names none while they change, so if this run dies, the next one
    announces them; and a run that changes nothing, as when another image of the folder was uploaded, announces nothing.

    Args:
        facts: None for a file that was rejected, whose last facts stay, or that is gone.
    """
    announced = file.stored.announced if file.stored else ""
    output = Output(target, facts, JSON) if facts is not None else None
    if output:
        now, is_current = digest(output.body), is_stored(ports.private, output)
    elif record.state == WITHDRAWN:
        now, is_current = WITHDRAWN, ports.private.stat(target) is None
    else:
        now, is_current = announced or REJECTED, True
    if not is_current and announced:
        file.save(record._replace(announced=""))
    if not is_current and output:
        store(ports.private, output)
    elif not is_current:
        ports.private.delete(target)
    if not is_current or announced != now:
        ports.bus.emit(_announcements(record.kind, record.slug))
    record = record._replace(announced=now)
    file.save(record)
    return record


def _target(parsed_key: DraftsKey) -> str:
    """Return the key in the private bucket of what is rendered of a file."""
    if parsed_key.kind == "site":
        return SITE_KEY
    slug = slugify(parsed_key.name)
    if parsed_key.kind == "newsletter":
        return written_key(slug, bool(parsed_key.folder))
    return profile_key(parsed_key.kind, slug)


def _announcements(kind: str, identifier: str) -> list[Event]:
    """Return the events that say that a file changed. Nothing shows a newsletter before an editor sends it, or a file without an id."""
    if kind == "newsletter" or not identifier:
        return []
    return [SiteChanged() if kind == "site" else ProfileChanged(kind, identifier)]


def _parse(
    parsed_key: DraftsKey, inputs: _Inputs, images: StoredImages, linked: LinkedDrafts, ports: Ports
) -> tuple[bytes | None, DraftRecord]:
    """Return the facts to store, None without any, and the record of the file."""
    slug = slugify(parsed_key.name)
    record = DraftRecord(
        parsed_key.kind, slug, WITHDRAWN, inputs.etag, slugs=[], problems=[], warnings=[], waiting_for=[]
    )
    if inputs.raw is None:
        return None, record
    try:
        site, newsletter = inputs.site, parsed_key.kind == "newsletter"
        read = (
            partial(read_newsletter, site=site)
            if newsletter
            else partial(read_profile, site=site, languages=ports.languages)
        )
        raw = inputs.raw
        facts, warnings = linked.render(lambda slug_of: images.render(partial(read, raw, parsed_key, slug_of=slug_of)))
    except Rejected as error:
        return None, record._replace(state=REJECTED, problems=problem_dicts(error.problems))
    return facts, record._replace(state=ACCEPTED, warnings=problem_dicts(warnings))


def _drafts_to_render(kind: str, site: Site | None, ports: Ports) -> list[str]:
    """Return the keys of drafts that a change of a profile or of the settings affects.

    Every draft is read with the settings: tiers, zone, default teaser. If the site requires profiles, drafts are rejected
    while one is missing.

    Args:
        site: the settings with which the file was read; None if the file is gone.
    """
    required = kind in ("author", "topic") and (site or load_site(ports)).require_profiles
    if kind == "site" or (required and site is None):
        return [key for key, _ in ports.drafts.list("drafts/") if classify(key)]
    if required:
        return [file.key for file in articles_table.rejected(ports.articles) if file.key.startswith("drafts/")]
    return []


def _profiles_to_render(kind: str, ports: Ports) -> list[str]:
    """Return the keys of profiles and pages, all of which are set in the language of the settings."""
    folders = ("authors/", "topics/", "pages/") if kind == "site" else ()
    return [key for folder in folders for key, _ in ports.drafts.list(folder) if classify(key)]


@only_rejects
def read_newsletter(
    raw: bytes, parsed_key: DraftsKey, images: Images, site: Site, slug_of: SlugOf = slug_of_filename
) -> tuple[bytes, tuple[Problem, ...]]:
    """Render the text of an edition that was written by hand: the same Markdown as a draft's, gates included.

    Args:
        slug_of: as in `Filing`.

    Returns:
        The document as JSON, and warnings for the author.

    Raises:
        Rejected: with every problem found.
    """
    name = slugify(parsed_key.name)
    if is_reserved(name) or name in [digest.id for digest in site.newsletters]:
        raise Rejected(Kind.NEWSLETTER_ID.at(0, typed=parsed_key.name))
    draft = parse_draft(raw, parsed_key.name, site, to_html)
    document, warnings = to_document(replace(draft, slug=name), images, parsed_key.folder, raw, site, slug_of)
    return document.to_bytes(), draft.warnings + warnings


@only_rejects
def read_profile(
    raw: bytes,
    parsed_key: DraftsKey,
    images: Images,
    site: Site,
    languages: Sequence[str] = INTERFACE_LANGUAGES,
    slug_of: SlugOf = slug_of_filename,
) -> tuple[bytes, tuple[Problem, ...]]:
    """Render a profile, a standing page or the settings.

    Args:
        languages: those in which the theme speaks to readers.
        slug_of: as in `Filing`.

    Returns:
        The facts as JSON, and warnings for the author.

    Raises:
        Rejected: with every problem found.
    """
    if parsed_key.kind == "site":
        settings, warnings = parse_site(raw, languages)
        return canonical_json(settings.to_json()), warnings
    typography = Typography(site.language if site.typography else "")
    profile = parse_profile(raw, parsed_key.kind, parsed_key.name)
    refuse_gates(profile.body, _body_line(raw, profile.body), to_html)
    losses = Losses()
    finder = ImageFinder(f"/authors/{profile.id}/", images, parsed_key.folder, losses)
    portrait = (finder.find(profile.portrait, FRONT_MATTER) or "") if profile.portrait else ""
    losses.locate(raw.decode("utf-8", "replace"), 1, OPTIONS)
    facts = asdict(replace(profile, portrait=portrait, summary=typography.plain(profile.summary), warnings=()))
    image = finder.find if parsed_key.kind == "author" else lambda _: None
    here = path_of_file(profile.kind, profile.id)
    link = link_finder(losses, here, slug_of=slug_of)
    body = render_plain(profile.body, image, link, losses, _body_line(raw, profile.body), typography)
    facts["body"] = _with_anchors(body, parsed_key.kind, losses)
    facts["assets"] = [asdict(asset) for asset in finder.assets.values()]
    is_empty = parsed_key.kind == "page" and profile.id not in _MADE_PAGES and not shows_something(body)
    empty = (Kind.ARTICLE_EMPTY.at(_body_line(raw, profile.body), what="page"),) if is_empty else ()
    return canonical_json(facts), (*profile.warnings, *losses.problems, *empty)


def _with_anchors(body: str, kind: str, losses: Losses) -> str:
    """Return a text in which links to anchors lead to one or are text. Only standing pages have anchors.

    A biography is shown on several pages, and its anchors could be those of another text there.
    """
    anchors = anchors_of(body) if kind == "page" else Anchors()
    drop_found_anchors(losses, anchors)
    return anchored(body) if kind == "page" else link_anchors(body, anchors)


def _body_line(raw: bytes, body: str) -> int:
    """Return the line at which the body of a file begins; a file ends with its body."""
    return raw.count(b"\n") - body.count("\n") + 1
