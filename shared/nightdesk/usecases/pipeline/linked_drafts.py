"""Links by the name of a draft's file: they lead to the slug that the draft has, whatever its name is.

Most drafts have the slug that their name gives, so nothing is stored of these. A draft that has another one is listed under its name
(`draft_names.named`), in the transaction that stores its record. Each file that links to a draft by name is listed too, with
the slug that its page leads to.

A slug may tell what is under an embargo. So a link leads to it only once the article is public, and before to the slug that the
name gives.

A run that renders a file lists its links, and then asks again what the names mean. A run of `render` or `gate` that changes what a
name means stores that, and then asks who links by the name. So of two such runs at a time, one finds what the other wrote.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from nightdesk.domain.documents import EXPIRED, LIVE
from nightdesk.domain.drafts_bucket import classify, draft_id
from nightdesk.domain.errors import Conflict
from nightdesk.domain.site_links import SlugOf
from nightdesk.domain.text import slug_of_filename
from nightdesk.ports import Ports
from nightdesk.repositories import draft_names
from nightdesk.repositories.private_bucket import load_document, load_site
from nightdesk.repositories.records import DraftRecord
from nightdesk.usecases.pipeline.effective import load_effective

Result = TypeVar("Result")
PUBLIC = (LIVE, EXPIRED)
"""The states in which a link by the name of a file leads to the article's slug."""
_MOST_NAMES = 30
"""How many drafts one file can name. Links to others lead to the slugs that the names give."""


def slug_of_name(name: str, named: Iterable[tuple[str, str]]) -> str:
    """Return the slug that a link by the name of a file leads to.

    Args:
        named: key and slug of each draft whose slug is not the one that its name gives.
    """
    composed = unicodedata.normalize("NFC", name)
    known = sorted((unicodedata.normalize("NFC", draft_id(key)), slug) for key, slug in named)
    exact = [slug for draft, slug in known if draft == composed]
    folded = [slug for draft, slug in known if draft.casefold() == composed.casefold()]
    return (exact or folded or [slug_of_filename(name)])[0]


class LinkedDrafts:
    """The drafts to which one file links by their names."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._slugs: dict[str, str] = {}

    def render(self, render: Callable[[SlugOf], Result]) -> Result:
        """Return what `render` makes. It is called twice if the file names drafts, first to learn which.

        The sanitiser ignores exceptions of what it calls, so nothing may be read in between.
        """
        self._slugs.clear()
        wanted: dict[str, None] = {}

        def note(name: str) -> str:
            if len(wanted) < _MOST_NAMES:
                wanted[name] = None
            return slug_of_filename(name)

        result = render(note)
        if not wanted:
            return result
        self._slugs = self._look_up(wanted)
        changed = any(slug != slug_of_filename(name) for name, slug in self._slugs.items())
        return render(lambda name: self._slugs.get(name) or slug_of_filename(name)) if changed else result

    @property
    def links(self) -> list[list[str]]:
        """Each name, and the slug to which links by it lead."""
        return [list(pair) for pair in sorted(self._slugs.items())]

    def require_unchanged(self) -> None:
        """Check that the names still mean what they did, now that the links are stored.

        Raises:
            Conflict: one means another article.
        """
        if self._slugs and self._look_up(self._slugs) != self._slugs:
            raise Conflict("a draft to which this file links has got another slug")

    def _look_up(self, names: Iterable[str]) -> dict[str, str]:
        slugs = {name: slug_of_filename(name) for name in names}
        asked = sorted(set(slugs.values()))
        found = dict(zip(asked, self._ports.in_parallel(self._named, asked), strict=True))
        return {name: public_slug(name, found[slug], self._ports) for name, slug in slugs.items()}

    def _named(self, slug: str) -> Sequence[tuple[str, str]]:
        return draft_names.named(self._ports.articles, slug)


def public_slug(name: str, named: Sequence[tuple[str, str]], ports: Ports) -> str:
    """Return the slug that a link by the name of a file leads to now, on a page that readers get."""
    default, slug = slug_of_filename(name), slug_of_name(name, named)
    if slug == default:
        return default
    document = load_document(slug, ports)
    if not document or document.withdrawn:
        return default
    state = load_effective(document, load_site(ports), ports).document.state(ports.clock())
    return slug if state in PUBLIC else default


def files_to_render(key: str, record: DraftRecord, ports: Ports) -> set[str]:
    """Return the keys of the files that link to a draft by its name, and lead to another slug than it has.

    Nothing is read of a draft that never had another slug than the one that its name gives.
    """
    filed = classify(key)
    default = slug_of_filename(filed.name) if filed else ""
    if all(slug == default for slug in record.slugs):
        return set()
    return _lead_elsewhere(key, default, ports)


def files_after_gate(slug: str, file: str, ports: Ports) -> list[str]:
    """Return the keys of the files whose links by the name of a draft may lead elsewhere, now that its article was gated.

    Args:
        slug: of the article.
        file: the key of its draft.
    """
    filed = classify(file)
    default = slug_of_filename(filed.name) if filed else slug
    return sorted(_lead_elsewhere(file, default, ports)) if slug != default else []


def _lead_elsewhere(key: str, default: str, ports: Ports) -> set[str]:
    linking = draft_names.linking(ports.articles, default)
    named = draft_names.named(ports.articles, default) if linking else []
    names = {name for _, links in linking for name, _ in links}
    now = {name: public_slug(name, named, ports) for name in sorted(names)}
    return {other for other, links in linking if any(now[name] != slug for name, slug in links) and other != key}
