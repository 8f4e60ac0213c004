"""Warnings about links that lead nowhere on this site, as it is when asked.

Nothing of this is stored: what a link leads to may be published, moved or withdrawn later, and a stored warning would then be
wrong until the file is rendered again. Each link costs the same few reads, however large the archive is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

from nightdesk.domain.anchors import PREFIX, Anchors
from nightdesk.domain.documents import Document
from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import decode, split_front_matter
from nightdesk.domain.old_addresses import OLD_PREFIX, is_plain, leads_to_no_file, old_address, slug_of_address
from nightdesk.domain.path_owners import PAGES, owner_of
from nightdesk.domain.problems import Kind, Problem, ProblemKind
from nightdesk.domain.site import Site
from nightdesk.domain.site_links import (
    TRANSLATION,
    TypedLink,
    addresses_in,
    matter_links,
    name_of_draft,
    names_file,
    own_path,
    page_address,
)
from nightdesk.domain.site_paths import key_of, path_of_file
from nightdesk.domain.suggestions import did_you_mean
from nightdesk.domain.text import slug_of_filename
from nightdesk.domain.views import all_anchors, anchors_of
from nightdesk.ports import Ports
from nightdesk.repositories import articles_table, draft_names
from nightdesk.repositories.private_bucket import facts_from, load_document, load_site, profile_ids, profile_key
from nightdesk.usecases.editors.profile_warnings import topic_warnings
from nightdesk.usecases.pipeline.linked_drafts import slug_of_name

_MOST_LINKS = 200
"""How many different addresses of one file are looked up."""
NOTHING, HIDDEN, GONE, THERE = "nothing", "hidden", "gone", "there"
"""What a link leads to: no page, an article that readers cannot get yet, one that was withdrawn, or a page."""
LISTED = re.compile(r"/(topic|author)s/([^/]+)/.*|/archive/\d.*")
"""Pages of lists: which of them there are depends on the articles."""


class KnownPages(Protocol):
    """What is known of the pages to which links lead."""

    where: str
    """Where a page is missing, as messages say it."""

    def state(self, path: str) -> str:
        """Return what a path leads to: `NOTHING`, `HIDDEN`, `GONE` or `THERE`. `path` may have a query."""

    def anchors(self, path: str) -> Anchors | None:
        """Return the anchors of a page; None if they are not known."""

    def near(self, path: str) -> str:
        """Return a question that names a page with nearly this path; empty if there is none."""

    def slug_of(self, name: str) -> str:
        """Return the slug of the draft whose file has a name, without its extension; empty if there is none."""

    def original(self, slug: str) -> str:
        """Return the slug that an article says it is a translation of; empty for an original, and for one that is not there."""


class Links(NamedTuple):
    """The links of one file.

    Attributes:
        here: the path of the page that the file makes.
        kind: of the file, such as `draft`.
        addresses: as they are on the page.
        translation_of: the slug of the article of which it is a translation.
    """

    here: str
    kind: str
    addresses: tuple[str, ...]
    translation_of: str = ""


def links_of_article(document: Document) -> Links:
    """Return the links of an article, hidden text and locked sources included."""
    texts = [html for block in document.blocks for html in (block.html, *block.notes.values())]
    offered = {f"/articles/{document.slug}/{each.name}" for each in document.attachments}
    found = [address for html in texts for address in addresses_in(html) if address not in offered]
    found += [source["url"] for source in document.sources]
    found += [f"/articles/{document.translation_of}/"] if document.translation_of else []
    return Links(f"/articles/{document.slug}/", "draft", tuple(found), document.translation_of)


def links_of_page(kind: str, facts: Mapping[str, Any]) -> Links:
    """Return the links of the page that is made from a profile or a standing page."""
    return Links(path_of_file(kind, facts.get("id", "")), kind, tuple(addresses_in(facts.get("body", ""))))


def links_of_matter(raw: bytes, kind: str) -> Links:
    """Return the links of a file that has them in its front matter only."""
    return Links("/", kind, tuple(link.address for link in matter_links(raw, kind)))


def slug_finder(known: KnownPages | None) -> Callable[[str], str]:
    """Return a function that returns the slug to which a link by the name of a draft's file leads."""
    return lambda name: (known.slug_of(name) if known else "") or slug_of_filename(name)


def update_warnings(topic: str, link: str, ports: Ports) -> list[dict[str, Any]]:
    """Return the warnings about the topic and the link of an update that is posted, none of which it need have."""
    site = load_site(ports)
    dead = link_warnings(Links("", "update", (link,)), site, StoredPages(site, ports), bytes)
    return [*topic_warnings(topic, ports), *dead]


def link_warnings(links: Links, site: Site, known: KnownPages, read: Callable[[], bytes]) -> list[dict[str, Any]]:
    """Return a warning for each link to a page or an anchor of this site that is not there.

    Args:
        read: returns the file, to find the lines. It is called only if there is something to warn of.
    """
    own = {address: path for address in links.addresses if (path := own_path(address, site.base_url))}
    found = {}
    for address, path in list(own.items())[:_MOST_LINKS]:
        if warning := _warning(path, links.here, known):
            found[address] = warning
    second = _second_translation(links, known, read) if links.translation_of else []
    located = _located(found, links, site, read(), slug_finder(known)) if found else ()
    return [problem.to_json() for problem in (*second, *located)]


def _second_translation(links: Links, known: KnownPages, read: Callable[[], bytes]) -> list[Problem]:
    """Return a warning if a draft is said to be the translation of a translation."""
    original = known.original(links.translation_of)
    if not original:
        return []
    question = f"did you mean `{original}`?" if links.here != f"/articles/{original}/" else ""
    [line] = [link.line for link in matter_links(read(), links.kind) if link.key == TRANSLATION] or [0]
    return [Kind.TRANSLATION_OF_TRANSLATION.at(line, TRANSLATION, question, typed=links.translation_of)]


def _warning(address: str, here: str, known: KnownPages) -> Callable[[TypedLink], Problem] | None:
    path, _, fragment = address.partition("#")
    if path.partition("?")[0] != here:
        kinds = {NOTHING: Kind.LINK_TO_NOTHING, HIDDEN: Kind.LINK_TO_HIDDEN, GONE: Kind.LINK_TO_WITHDRAWN}
        if kind := kinds.get(known.state(path)):
            return partial(_no_page, kind, path, known)
    anchors = known.anchors(path.partition("?")[0]) if fragment else None
    if anchors is None or anchors.has(fragment):
        return None
    meant = anchors.find(fragment.removeprefix(PREFIX))
    question = f"did you mean `#{meant}`?" if meant else ""
    return lambda link: Kind.LINK_ANCHOR_MISSING.at(link.line, link.key, question, typed=link.address)


def _no_page(kind: ProblemKind, path: str, known: KnownPages, link: TypedLink) -> Problem:
    """Return the warning about a link to a page that is not there, with the one that was probably meant."""
    near = ""
    if kind is Kind.LINK_TO_NOTHING:
        slug = known.slug_of(name_of_draft(link.address)) if slug_of_address(path.partition("?")[0]) else ""
        near = f"did you mean `/articles/{slug}/`?" if slug else known.near(path)
        if slug and names_file(link.address):
            # It leads there once readers can get the article.
            kind, near = {GONE: Kind.LINK_TO_WITHDRAWN}.get(known.state(f"/articles/{slug}/"), Kind.LINK_TO_HIDDEN), ""
    return kind.at(link.line, link.key, near, typed=link.address, where=known.where)


def _located(
    found: Mapping[str, Callable[[TypedLink], Problem]],
    links: Links,
    site: Site,
    raw: bytes,
    slug_of: Callable[[str], str],
) -> Iterable[Problem]:
    """Yield each warning at every line at which the link was typed; at none if the file has changed meanwhile."""
    missing = dict.fromkeys(found)
    for link in _typed(raw, links.kind):
        # By a name that is not public yet, a link leads to the slug that the name gives.
        meant = [page_address(link.address, links.here, site.base_url, of) for of in (slug_of, slug_of_filename)]
        address = next((each for each in meant if each in links.addresses), link.address)
        if address in found:
            missing.pop(address, None)
            yield found[address](link)
    yield from (found[address](TypedLink(0, "link", address)) for address in missing)


def _typed(raw: bytes, kind: str) -> list[TypedLink]:
    # Imported here because only a file with such a link needs it, and the Markdown parser is slow to load.
    from nightdesk.rendering.typed_links import typed_links

    links = list(matter_links(raw, kind))
    if kind not in ("site", "update"):
        try:
            source = split_front_matter(decode(raw))
        except Rejected:
            return links
        links += typed_links(source.body, source.body_line)
    return links


class StoredPages:
    """The pages of the site as it is now."""

    where = "on this site"

    def __init__(self, site: Site, ports: Ports) -> None:
        self._tier = site.tiers[0]
        self._ports = ports

    def state(self, path: str) -> str:
        """Return what readers get at a path."""
        plain = old_address(path.partition("?")[0])
        if slug := slug_of_address(plain):
            return self._article(slug) or self._redirect(path)
        if leads_to_no_file(plain):
            return self._redirect(path)
        if owner_of(plain) not in ("", PAGES) and not LISTED.fullmatch(plain):
            return THERE
        stat = self._ports.site.stat(key_of(plain)) if is_plain(plain) else None
        return THERE if stat and "location" not in stat.metadata else self._redirect(path)

    def _article(self, slug: str, hops: int = 2) -> str:
        stat = self._ports.site.stat(f"articles/{slug}/~{self._tier}/index.html")
        if stat and stat.metadata.get("status") == "301" and hops:
            return self._article(slug_of_address(stat.metadata["location"]), hops - 1) or NOTHING
        if stat:
            return GONE if stat.metadata.get("status") == "410" else THERE
        claim = articles_table.claim_of(self._ports.articles, slug)
        return HIDDEN if claim and claim.holder else ""

    def _redirect(self, path: str) -> str:
        address = old_address(path)
        stat = self._ports.site.stat(key_of(OLD_PREFIX + address)) if address else None
        location = stat.metadata.get("location", "") if stat else ""
        return (self._article(slug_of_address(location)) if location else "") or NOTHING

    def anchors(self, path: str) -> Anchors | None:
        """Return the anchors of an article or of a page of the newsroom's own."""
        if slug := slug_of_address(path):
            document = load_document(slug, self._ports)
            return all_anchors(document) if document and not document.withdrawn else None
        identifier = path.strip("/")
        blob = self._ports.private.get(profile_key("page", identifier)) if "/" not in identifier else None
        return anchors_of(facts_from(blob.body)["body"]) if blob else None

    def near(self, path: str) -> str:
        """Return a question for a misspelt author or topic."""
        found = LISTED.fullmatch(path.partition("?")[0])
        return did_you_mean(found[2], profile_ids(found[1], self._ports)) if found and found[1] else ""

    def slug_of(self, name: str) -> str:
        """Return the slug of a draft."""
        default = slug_of_filename(name)
        slug = slug_of_name(name, draft_names.named(self._ports.articles, default))
        if slug != default:
            return slug
        keys = [f"drafts/{name}.md", f"drafts/{name}/index.md"]
        records = articles_table.draft_records(self._ports.articles, keys)
        return next((record.slug for record in records if record and record.slug), "")

    def original(self, slug: str) -> str:
        """Return the slug that an article names as its original."""
        document = load_document(slug, self._ports)
        if document and document.moved:
            document = load_document(document.moved, self._ports)
        return document.translation_of if document and not document.withdrawn else ""
