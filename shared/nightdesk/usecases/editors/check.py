"""Check: the problems and warnings that the pipeline would report for a file, without publishing it."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from nightdesk.domain.attachments import is_attachment, refusal_of_size
from nightdesk.domain.documents import Document, digest, parse_json
from nightdesk.domain.drafts import slug_line, slug_of_rejected
from nightdesk.domain.drafts_bucket import DraftsKey, classify
from nightdesk.domain.drawings import image_refusal, rules_for
from nightdesk.domain.errors import Permanent, Rejected
from nightdesk.domain.languages import INTERFACE_LANGUAGES
from nightdesk.domain.pictures import Inspection
from nightdesk.domain.problems import Problem
from nightdesk.domain.profile_uses import ProfileUse, profile_uses
from nightdesk.domain.site import Site
from nightdesk.domain.text import slugify
from nightdesk.domain.update_file import parse_update_file
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table
from nightdesk.repositories.private_bucket import load_inspection, load_site, profile_keys
from nightdesk.repositories.records import by_line, problem_dicts
from nightdesk.usecases.editors.link_warnings import (
    KnownPages,
    Links,
    StoredPages,
    link_warnings,
    links_of_article,
    links_of_matter,
    links_of_page,
    slug_finder,
)
from nightdesk.usecases.editors.profile_warnings import FolderNames, profile_warnings, uses_of
from nightdesk.usecases.editors.settings_warnings import settings_warnings
from nightdesk.usecases.pipeline.render_document import Filing, FoundImage, Images, read_draft
from nightdesk.usecases.pipeline.render_profile import read_newsletter, read_profile
from nightdesk.usecases.pipeline.slug_plan import slug_taken


class CheckResult(NamedTuple):
    """The problems and warnings of a file, each with line, key and message, and the slug that it would have."""

    slug: str
    problems: tuple[dict[str, Any], ...]
    warnings: tuple[dict[str, Any], ...]


class _Everything:
    """A container of every key."""

    def __contains__(self, _: object) -> bool:
        return True


EVERYTHING: Container[str] = _Everything()


class FolderImages(Mapping[str, FoundImage]):
    """The images and attachments beside a file, as `read_draft` takes them. An image is looked into when a text shows it.

    Args:
        readers: for each key, what reads the file; None for a file that is not there yet.
        inspect: as in `PictureMaker`; None to inspect drawings only.
        sizes: of attachments, in bytes; of one without a size, none is known.
    """

    def __init__(
        self,
        readers: Mapping[str, Callable[[], bytes] | None],
        inspect: Callable[[bytes], Inspection] | None = None,
        sizes: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._sizes = sizes
        self._readers = readers
        self._inspect = inspect
        self._known: dict[str, FoundImage] = {}

    def __getitem__(self, key: str) -> FoundImage:
        read = self._readers[key]
        if is_attachment(key):
            size = self._sizes.get(key)
            return FoundImage() if size is None else FoundImage(refusal=refusal_of_size(size), size=size)
        if key not in self._known:
            is_read = read and (self._inspect or rules_for(key))
            self._known[key] = self._look_into(key, read()) if read and is_read else FoundImage()
        return self._known[key]

    def _look_into(self, key: str, body: bytes) -> FoundImage:
        if refusal := image_refusal(key, body):
            return FoundImage(refusal=refusal, acts=True)
        if self._inspect is None:
            return FoundImage()
        try:
            found = self._inspect(body)
        except Permanent as error:
            found = Inspection(refusal=str(error))
        return FoundImage(digest(body), found.refusal, found)

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a file is checked against.

    Attributes:
        profiles: the keys of all profiles, `authors/<id>.json` and `topics/<id>.json`; a mapping if their names are known.
        images: the keys of the images beside the file, or `FolderImages` to inspect drawings as well.
        holder_of: returns the key of the draft that holds a slug; empty for none.
        pages: the pages to which its links may lead; None if they are not known.
        names: the name that a draft used for each kind and id of an author or topic, in the order of checking.
        languages: those in which the theme speaks to readers.
    """

    site: Site
    profiles: Container[str]
    images: Iterable[str]
    now: datetime
    holder_of: Callable[[str], str]
    pages: KnownPages | None = None
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    languages: Sequence[str] = INTERFACE_LANGUAGES


def check(key: str, raw: bytes, around: Surroundings) -> CheckResult:
    """Check a draft, a profile, a standing page, an update or the settings.

    Args:
        key: in the drafts bucket.

    Raises:
        Permanent: the key is of none of these.
    """
    filed = classify(key)
    if filed is None:
        raise Permanent(f"“{key[:100]}” is not a draft, profile, page, update or site.yaml")
    if filed.kind == "draft":
        return _check_draft(key, raw, filed, around)
    uses: Iterable[ProfileUse] = profile_uses(raw, filed.kind)
    try:
        if filed.refusal:
            raise Rejected(filed.refusal)
        if filed.kind == "update":
            warnings = parse_update_file(raw, around.site, around.now)[2]
            links = links_of_matter(raw, filed.kind)
        elif filed.kind == "newsletter":
            written, warnings = read_newsletter(raw, filed, _images(around), around.site, slug_finder(around.pages))
            shown = Document.from_bytes(written)
            uses, links = uses_of(shown), links_of_article(shown)
        else:
            slug_of = slug_finder(around.pages)
            facts, warnings = read_profile(raw, filed, _images(around), around.site, around.languages, slug_of)
            if filed.kind == "site":
                warnings = (*warnings, *settings_warnings(raw, around.now))
            links = (
                links_of_matter(raw, filed.kind)
                if filed.kind == "site"
                else links_of_page(filed.kind, parse_json(facts))
            )
    except Rejected as error:
        return CheckResult(slugify(filed.name), _to_json(error.problems), ())
    unknown = profile_warnings(uses, FolderNames(around.profiles, around.names), lambda: raw)
    found = [*_to_json(warnings), *unknown, *_dead_links(links, raw, around)]
    return CheckResult(slugify(filed.name), (), tuple(by_line(found)))


def _check_draft(key: str, raw: bytes, filed: DraftsKey, around: Surroundings) -> CheckResult:
    try:
        document, warnings = read_draft(
            raw,
            filed,
            around.site,
            around.profiles,
            _images(around),
            Filing(around.now.isoformat(), slug_finder(around.pages)),
        )
        holder = around.holder_of(document.slug)
        if holder not in ("", key):
            raise Rejected(slug_taken(document.slug, holder, slug_line(raw)))
    except Rejected as error:
        return CheckResult(slug_of_rejected(raw, filed.name), _to_json(error.problems), ())
    names = FolderNames(around.profiles, around.names)
    unknown = profile_warnings(uses_of(document), names, lambda: raw)
    names.remember(document)
    found = [*_to_json(warnings), *unknown, *_dead_links(links_of_article(document), raw, around)]
    return CheckResult(document.slug, (), tuple(by_line(found)))


def _dead_links(links: Links, raw: bytes, around: Surroundings) -> list[dict[str, Any]]:
    return link_warnings(links, around.site, around.pages, lambda: raw) if around.pages else []


def _images(around: Surroundings) -> Images:
    return around.images if isinstance(around.images, Mapping) else dict.fromkeys(around.images, FoundImage())


def _to_json(problems: Iterable[Problem]) -> tuple[dict[str, Any], ...]:
    return tuple(problem_dicts(list(problems)))


def check_against_site(key: str, raw: bytes, images: Iterable[str], ports: Ports) -> CheckResult:
    """Check a file against the site: its settings, profiles and claimed slugs, and the images already uploaded beside it.

    Args:
        images: the names of images and attachments that will be uploaded beside it.
    """
    filed = classify(key)
    folder = filed.folder if filed else ""
    uploaded = dict(ports.drafts.sizes(folder)) if folder else {}
    planned = [f"{folder}{image}" for image in images] if folder else []

    def reader_of(name: str) -> Callable[[], bytes]:
        def read() -> bytes:
            blob = ports.drafts.get(name)
            return blob.body if blob else b""

        return read

    def inspect(body: bytes) -> Inspection:
        return load_inspection(digest(body), ports) or Inspection()

    readers = {**{name: reader_of(name) for name in uploaded}, **dict.fromkeys(planned)}
    profiles = {*profile_keys("author", ports), *profile_keys("topic", ports)}

    def holder_of(slug: str) -> str:
        claim = articles_table.claim_of(ports.articles, slug)
        return claim.holder if claim else ""

    site, images = load_site(ports), FolderImages(readers, inspect, uploaded)
    pages = StoredPages(site, ports)
    around = Surroundings(site, profiles, images, ports.clock(), holder_of, pages, languages=ports.languages)
    return check(key, raw, around)
