"""Documents: from a draft's bytes to the document that the private bucket keeps. Pure; no ports."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

from nightdesk.domain.anchors import PREFIX
from nightdesk.domain.attachments import KINDS_OF_ATTACHMENTS, has_other_suffix, is_attachment
from nightdesk.domain.documents import Asset, Attachment, Document, canonical_json, digest
from nightdesk.domain.drafts import Draft, parse_draft
from nightdesk.domain.drafts_bucket import DraftsKey
from nightdesk.domain.errors import Rejected, only_rejects
from nightdesk.domain.figures import Figure
from nightdesk.domain.file_names import FileNames, composed
from nightdesk.domain.pictures import Inspection
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site import Site, is_link, web_address
from nightdesk.domain.site_links import SlugOf, page_address
from nightdesk.domain.source_types import understates
from nightdesk.domain.text import slug_of_filename, slugify
from nightdesk.domain.typography import Typography
from nightdesk.rendering.losses import ADDRESS, FRONT_MATTER, Losses
from nightdesk.rendering.markdown import OPTIONS, clean_path, is_foreign, render_passages, to_html
from nightdesk.repositories.private_bucket import is_image, profile_key
from nightdesk.usecases.pipeline.draft_warnings import draft_warnings


class FoundImage(NamedTuple):
    """What is known of an image, or of an attachment.

    Attributes:
        sha256: of its bytes; empty if it was not read.
        refusal: why it is not published, in words for its author; empty if it is.
        inspection: what the images stage found in it; None if it was not inspected yet.
        acts: whether it is refused because it is a drawing that acts.
        size: of an attachment, in bytes.
    """

    sha256: str = ""
    refusal: str = ""
    inspection: Inspection | None = None
    acts: bool = False
    size: int = 0


_DEFAULT_SITE = Site()
NOTHING_SAID: Mapping[str, str] = MappingProxyType({})
Images = Mapping[str, FoundImage]
"""What is known of each object in a file's folder, by key. Looking one up may read the object."""


class Filing(NamedTuple):
    """When a file was put (ISO 8601; empty if that is not known), and what links by the names of drafts' files lead to."""

    at: str = ""
    slug_of: SlugOf = slug_of_filename


FILED_ALONE = Filing()


@only_rejects
def read_draft(
    raw: bytes,
    parsed_key: DraftsKey,
    site: Site,
    profiles: Container[str],
    images: Images,
    filing: Filing = FILED_ALONE,
) -> tuple[Document, tuple[Problem, ...]]:
    """Render a draft's file.

    Args:
        profiles: the keys of all profiles of authors and topics, for a site that requires them.

    Returns:
        The document, and warnings for the author.

    Raises:
        Rejected: with every problem found.
    """
    if parsed_key.refusal:
        raise Rejected(parsed_key.refusal)
    draft = parse_draft(raw, parsed_key.name, site, to_html, filing.at)
    if site.require_profiles:
        _require_profiles(draft, profiles)
    document, warnings = to_document(draft, images, parsed_key.folder, raw, site, filing.slug_of)
    return document, draft.warnings + warnings


def _require_profiles(draft: Draft, profiles: Container[str]) -> None:
    named = [("author", i) for i, _ in draft.authors] + [("topic", i) for i, _ in draft.topics]
    missing = [(f"{kind}s", i) for kind, i in named if profile_key(kind, i) not in profiles]
    if missing:
        raise Rejected(*(Kind.PROFILE_REQUIRED.at(1, kind, kind=kind, id=i) for kind, i in missing))


def to_document(
    draft: Draft, images: Images, folder: str, raw: bytes = b"", site: Site = _DEFAULT_SITE, slug_of: SlugOf = slug_of_filename
) -> tuple[Document, tuple[Problem, ...]]:  # fmt: skip
    """Render a parsed draft. Without a date of the author's, the document has none yet.

    Args:
        folder: the prefix of the draft's folder, empty for a draft without one.
        raw: the draft's file, for the lines of its keys.
        site: for its address, to know links to it, and its language; `slug_of` as in `Filing`.

    Returns:
        The document, and warnings for the author.
    """
    losses = Losses()
    typography = Typography((draft.language or site.language) if draft.typography else "")
    finder = ImageFinder(f"/articles/{draft.slug}/", images, folder, losses)
    hero = dict(draft.hero)
    if hero and (address := finder.find(hero["src"], FRONT_MATTER)):
        typed, hero["src"] = hero["src"], address.rsplit("/", 1)[1]
        finder.describe(hero["src"], hero["credit"], hero["source_type"])
        hero |= finder.said_by_file(hero["src"], hero, FRONT_MATTER, typed)
    else:
        hero = {}
    losses.locate(raw.decode("utf-8", "replace"), 1, OPTIONS)
    # A newsletter has images alone: its files have no address.
    attachments = AttachmentFinder(finder.base, images, folder if folder.startswith("drafts/") else "", losses)
    link = link_finder(losses, finder.base, site.base_url, attachments, slug_of)
    blocks = render_passages(draft.passages, finder.find, link, losses, finder.find_figure, typography)
    document = Document(
        slug=draft.slug,
        title=typography.plain(draft.title),
        dek=typography.plain(draft.dek),
        language=draft.language,
        translation_of=draft.translation_of,
        date=draft.date or draft.publish_at,
        dated=bool(draft.date),
        lastmod=draft.lastmod,
        authors=draft.authors,
        topics=draft.topics,
        tags=draft.tags,
        draft=draft.draft,
        publish_at=draft.publish_at,
        expires=draft.expires,
        hero=typography.values(hero, "alt", "caption"),
        access=draft.access,
        sources=tuple(typography.values(source, "title", "publisher", "note") for source in draft.sources),
        sources_access=draft.sources_access,
        production=typography.values(draft.production, "statement"),
        corrections=tuple(typography.values(each, "text") for each in draft.corrections),
        featured=draft.featured,
        pinned_until=draft.pinned_until,
        newsletter=draft.newsletter,
        aliases=draft.aliases,
        extra=draft.extra,
        blocks=blocks,
        assets=tuple(finder.assets[name] for name in sorted(finder.assets)),
        figures={name: typography.values(said, "caption") for name, said in finder.figures.items()},
        attachments=tuple(attachments.found[name] for name in sorted(attachments.found)),
    )
    return document, draft_warnings(document, draft, losses, images, folder)


class ImageFinder:
    """Finds the images that a text shows in the folder of its file.

    Names are compared as people type them (`FileNames`), percent-encoded or not.

    Args:
        base: the path of the page, below which the site serves them.
        losses: where each image that is not found is reported.

    Attributes:
        assets: the images found, by their names in the document.
        figures: what the files of those in the text say of themselves, by the same names.
    """

    def __init__(self, base: str, images: Images, folder: str, losses: Losses) -> None:
        self.base = base
        self._images = images
        self._losses = losses
        self._names = FileNames(filter(is_image, images), folder)
        self.assets: dict[str, Asset] = {}
        self.figures: dict[str, dict[str, str]] = {}

    def _report_missing(self, name: str, where: str, typed: str) -> None:
        """Report an image that is not there. Files of other kinds are not uploaded, so they may well lie beside the draft."""
        near = self._names.meant(name)
        suffix = PurePosixPath(name).suffix
        kind = Kind.IMAGE_KIND if suffix and not is_image(name) and not near else Kind.IMAGE_MISSING
        self._losses.add(kind, "image", where, typed, near, typed=name)

    def describe(self, name: str, credit: str, source_type: str) -> None:
        """Note what the draft says of an image, for the files that are made of it."""
        self.assets[name] = replace(self.assets[name], credit=credit, source_type=source_type)

    def said_by_file(self, name: str, said: Mapping[str, str], where: str, typed: str) -> dict[str, str]:
        """Return what an image's own metadata say and the draft does not, and report it.

        Args:
            said: what the draft says of it.
        """
        known = self._known(name)
        new = {key: value for key, value in known.items() if not said.get(key)}
        if new:
            what = ", ".join(key.replace("_", " ") for key in new)
            self._losses.add(Kind.IMAGE_DESCRIBED, "image", where, typed, typed=typed, what=what)
        original = known.get("source_type", "")
        if understates(said.get("source_type", ""), original):
            self._losses.add(Kind.IMAGE_MADE_BY_AI, "image", where, typed, typed=typed, what=original)
        return new

    def find_figure(self, figure: Figure) -> str | None:
        """Return the path of a figure's image on the site, or None."""
        with self._losses.at(figure.line):
            address = self.find(figure.src, said=figure.said)
            if address and not figure.alt:
                self._losses.add(Kind.IMAGE_ALT_MISSING, "image", ADDRESS, figure.src, typed=figure.src)
        return address

    def find(self, source: str, where: str = ADDRESS, said: Mapping[str, str] = NOTHING_SAID) -> str | None:
        """Return the path of an image on the site, or None.

        Args:
            where: where it was typed, `ADDRESS` in the text or `FRONT_MATTER`.
            said: what a figure says of it.
        """
        name = _name_of(source)
        found = self._names.key_of(name, _raw_name(source))
        if is_foreign(source):
            self._losses.add(Kind.IMAGE_ELSEWHERE, "image", where, source, typed=source)
        elif not found:
            self._report_missing(name, where, source)
        elif refusal := self._images[found].refusal:
            kind = Kind.IMAGE_ACTIVE if self._images[found].acts else Kind.IMAGE_UNUSABLE
            self._losses.add(kind, "image", where, source, typed=name, what=refusal)
        else:
            public = self._add_asset(found, said)
            if where == ADDRESS and (said or public not in self.figures):
                self.said_by_file(public, said, where, source)
            if where == ADDRESS and (known := self._known(public)):
                self.figures[public] = known
            return self.base + public
        return None

    def _known(self, name: str) -> dict[str, str]:
        """Return what an image's own metadata say."""
        inspection = self._images[self.assets[name].key].inspection or Inspection()
        known = {key: getattr(inspection, key) for key in ("caption", "credit", "source_type")}
        return {key: value for key, value in known.items() if value}

    def _add_asset(self, key: str, said: Mapping[str, str]) -> str:
        """Add an image to the assets, and return its name.

        An image of which several figures say different things is several assets, since credit and source type are written into the
        files that are made of it, and one figure may be behind a gate.
        """
        path, sha256 = PurePosixPath(key), self._images[key].sha256
        credit, kind = said.get("credit", ""), said.get("source_type", "")
        mark = f".{digest(canonical_json([credit, kind]))[:16]}" if credit or kind else ""
        # The name contains the whole digest, so no other bytes can ever have it.
        name = f"{slugify(path.stem) or 'image'}.{sha256}{mark}{path.suffix.lower()}"
        self.assets.setdefault(name, Asset(name, key, sha256, credit, kind))
        return name


class AttachmentFinder:
    """Finds the files that a text offers as downloads in the folder of its file. Names are compared as `ImageFinder` does.

    Args:
        base: the path of the page, below which the site serves them.
        losses: where each that cannot be offered is reported.

    Attributes:
        found: by their names in the document.
    """

    def __init__(self, base: str, files: Images, folder: str, losses: Losses) -> None:
        self._base, self._files, self._losses = base, files, losses
        self._names, self._offered = FileNames(files, folder), FileNames(filter(is_attachment, files), folder)
        self.found: dict[str, Attachment] = {}

    def is_meant(self, typed: str) -> bool:
        """Return True if a link names a file beside the draft, rather than a page."""
        if is_foreign(typed) or typed.startswith(("/", "?", "#", "../")):
            return False
        name = _name_of(typed)
        return is_attachment(name) or self._key(typed) is not None or has_other_suffix(name)

    def find(self, typed: str) -> str | None:
        """Return the path of a file on the site, or None, with a warning, for one that cannot be offered."""
        name = _name_of(typed)
        key = self._key(typed)
        if not key and is_attachment(name):
            near = self._offered.meant(name)
            self._losses.add(Kind.ATTACHMENT_MISSING, "link", ADDRESS, typed, near, typed=name)
        elif not key or not is_attachment(key):
            self._losses.add(Kind.ATTACHMENT_KIND, "link", ADDRESS, typed, typed=name, kinds=KINDS_OF_ATTACHMENTS)
        elif refusal := self._files[key].refusal:
            self._losses.add(Kind.ATTACHMENT_UNUSABLE, "link", ADDRESS, typed, typed=name, what=refusal)
        else:
            return self._base + self._add(key)
        return None

    def _key(self, typed: str) -> str | None:
        return self._names.key_of(_name_of(typed), _raw_name(typed))

    def _add(self, key: str) -> str:
        path, found = PurePosixPath(key), self._files[key]
        # The name contains the whole digest, so no other bytes can ever have it.
        name = f"{slugify(path.stem) or 'file'}.{found.sha256}{path.suffix.lower()}"
        self.found.setdefault(name, Attachment(name, key, found.sha256, found.size))
        return name


def _name_of(typed: str) -> str:
    return composed(str(PurePosixPath(clean_path(typed))))


def _raw_name(typed: str) -> str:
    """Return a name as it was typed: a downloaded file may have a percent-encoded name."""
    return composed(html.unescape(typed)).removeprefix("./")


_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,24}(?:[/?#].*)?", re.IGNORECASE)


def _meant(typed: str) -> str:
    """Return a question for a web address or an e-mail address without its scheme."""
    if re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", typed):
        return f"did you mean `mailto:{typed}`?"
    is_file = typed.rpartition(".")[2].lower() in ("md", "markdown", "htm", "html", "php", "asp", "aspx", "jsp")
    return f"did you mean `https://{typed}`?" if _HOST.fullmatch(typed) and not is_file else ""


def link_finder(
    losses: Losses,
    here: str,
    base_url: str = "",
    attachments: AttachmentFinder | None = None,
    slug_of: SlugOf = slug_of_filename,
) -> Callable[[str], str | None]:
    """Return a function that returns the address a link should have, or None, with a warning, for one that leads nowhere.

    A link inside the article gets the prefix of anchors; whether it leads to one is known once all of the text is read.
    Whether a link to another page leads to one is known only on request (`editors.link_warnings`).

    Args:
        here: the path of the page.
        base_url: of the site.
        attachments: finds the files beside the draft that it offers; None for a file without any.
        slug_of: returns the slug of the draft whose file has a name.
    """

    def find(typed: str) -> str | None:
        if typed.startswith("#"):
            if len(typed) > 1:
                losses.add(Kind.ANCHOR_DEAD, "link", ADDRESS, typed, typed=unquote(typed))
            return f"#{PREFIX}{typed[1:]}" if len(typed) > 1 else None
        page = page_address(typed, here, base_url, slug_of)
        if attachments and not page and attachments.is_meant(typed):
            return attachments.find(typed)
        address = page or web_address(typed)
        if is_link(address) or (address.startswith("tel:") and not set(address) & set('\\ \t\n"<>')):
            return address
        kind = (
            Kind.LINK_SCHEME if is_foreign(address) and not address.startswith(("http:", "https:")) else Kind.LINK_DEAD
        )
        losses.add(kind, "link", ADDRESS, typed, _meant(typed), typed=typed)
        return None

    return find
