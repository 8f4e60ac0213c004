"""Links to other pages of this site: what an author typed, and the path that it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from nightdesk.domain.anchors import PREFIX
from nightdesk.domain.drafts_bucket import FOLDERS
from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import decode, parse_yaml, split_front_matter
from nightdesk.domain.keys import KeyReader, Value
from nightdesk.domain.problem_list import ProblemList
from nightdesk.domain.site import LINK_LISTS
from nightdesk.domain.text import slug_of_filename, slugify

_FILE = re.compile(r"(?:^|/)([^/]+?)(?:/index)?\.(?:md|markdown)$", re.IGNORECASE)
_ARTICLE = re.compile(r"/articles/[^/]+/?")
_LEAD = "front.lead"
"""The key of `site.yaml` that names an article by its slug."""
TRANSLATION = "translation_of"
"""The key of drafts that does."""
_HREF = re.compile(r' href="([^"]*)"')


SlugOf = Callable[[str], str]
"""Returns the slug of the draft whose file has a name, given without its extension."""


class TypedLink(NamedTuple):
    """A link as it was typed: the line of the file, the front-matter key (empty in the text), and the address."""

    line: int
    key: str
    address: str


def page_address(
    typed: str, here: str, base_url: str = "", slug_of: SlugOf = slug_of_filename
) -> str:  # fmt: skip
    """Return the address of the page of this site that a link means; empty if it names none.

    An author may type a path from page to page (`../ferry/`), or the file that the page is made from (`ferry.md`,
    `../topics/energy.md#rates`). The anchor of an article's heading gets the prefix that it has on the page.

    Args:
        here: the path of the page that holds the link.
        base_url: of the site; an address below it keeps its form.
        slug_of: returns the slug of the draft whose file has a name.

    >>> page_address("../ferry/#fares", "/articles/harbour/")
    '/articles/ferry/#s-fares'
    >>> page_address("2026-11-02-ferry.md", "/articles/harbour/")
    '/articles/ferry/'
    """
    path, mark, fragment = typed.partition("#")
    start = base_url if own_path(path, base_url) and not path.startswith("/") else ""
    target = path[len(start) :]
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//", target):
        return ""
    target = _page_of_file(unquote(target), here, slug_of) or _joined(target, here)
    if not target:
        return ""
    if fragment and _has_anchors(target.partition("?")[0]) and not fragment.startswith(PREFIX):
        fragment = PREFIX + fragment
    return start + target + mark + fragment


def _has_anchors(path: str) -> bool:
    return bool(_ARTICLE.fullmatch(path) or re.fullmatch(r"/[a-z0-9-]+/?", path))


def _page_of_file(path: str, here: str, slug_of: SlugOf) -> str:
    """Return the path of the page that is made from a file of the drafts bucket; empty if none is named."""
    found = _FILE.search(path)
    if not found:
        return ""
    if path.removeprefix("./").lower() in ("index.md", "index.markdown"):
        return here
    folders = [part for part in path.split("/")[:-1] if part in FOLDERS]
    around = here.split("/")[1]
    folder = folders[-1] if folders else {"articles": "drafts"}.get(around, around if around in FOLDERS else "pages")
    identifier = slug_of(found[1]) if folder == "drafts" else slugify(found[1])
    prefix = {"drafts": "/articles/", "authors": "/authors/", "topics": "/topics/", "pages": "/"}.get(folder)
    return f"{prefix}{identifier}/" if prefix and identifier else ""


def name_of_draft(typed: str) -> str:
    """Return the name of the draft that a link gives in place of a slug, by its file or by a path; empty for neither.

    >>> name_of_draft("../drafts/2026-11-02-ferry.md#fares"), name_of_draft("../ferry/")
    ('2026-11-02-ferry', 'ferry')
    """
    path = unquote(typed.partition("#")[0].partition("?")[0])
    found = _FILE.search(path)
    return found[1] if found else path.rstrip("/").rpartition("/")[2]


def names_file(typed: str) -> bool:
    """Return True if a link gives the name of a Markdown file."""
    return _FILE.search(unquote(typed.partition("#")[0].partition("?")[0])) is not None


def _joined(path: str, here: str) -> str:
    """Return the path that a relative one from page to page means."""
    if path.startswith("/"):
        return path
    if not path.startswith("../"):
        return ""  # what lies below an article's address is made by Nightdesk, so an author means something else
    try:
        joined = urljoin(here, path)
    except ValueError:
        return ""
    last = joined.partition("?")[0].rpartition("/")[2]
    return joined if not last or "." in last or "?" in joined else f"{joined}/"


def own_path(address: str, base_url: str) -> str:
    """Return an address on this site as a path, with its query and fragment; empty for one that leads elsewhere.

    >>> own_path("http://NEWS.example/topics/energy/?a=1#b", "https://news.example")
    '/topics/energy/?a=1#b'
    """
    if address.startswith("/"):
        return "" if address.startswith("//") else address
    try:
        own, parts = urlsplit(base_url), urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not own.netloc or parts.netloc.lower() != own.netloc.lower():
        return ""
    query, fragment = (f"?{parts.query}" if parts.query else ""), (f"#{parts.fragment}" if parts.fragment else "")
    return f"{parts.path or '/'}{query}{fragment}"


def addresses_in(html: str) -> Iterator[str]:
    """Yield the addresses of the links in sanitised HTML, as they are written there."""
    return (found[1].replace("&amp;", "&") for found in _HREF.finditer(html))


def matter_links(raw: bytes, kind: str) -> tuple[TypedLink, ...]:
    """Return the links in the front matter of a file; none for a file that cannot be read, which its own parser reports.

    Args:
        kind: of the file: `draft`, `update` or `site`. Others have none.
    """
    try:
        values = list(_links_of(raw, kind))
    except Rejected:
        return ()
    return tuple(TypedLink(value.node.line, value.key, _address(value)) for value in values if value.node)


def _address(value: Value) -> str:
    return f"/articles/{value.word()}/" if value.key in (_LEAD, TRANSLATION) else value.word()


def _links_of(raw: bytes, kind: str) -> Iterator[Value]:
    problems = ProblemList()
    if kind == "site":
        keys = KeyReader(parse_yaml(decode(raw)), problems)
        for name in LINK_LISTS:
            for entry in keys.value(name).mappings():
                yield entry.value("url", "href")
        for front in keys.value("front").mappings():
            yield front.value("lead")
    elif kind in ("draft", "update"):
        keys = KeyReader(split_front_matter(decode(raw)).matter, problems)
        if kind == "update":
            yield keys.value("link", "url")
        else:
            yield keys.value(TRANSLATION)
        for entry in keys.value("sources").mappings() if kind == "draft" else ():
            yield entry.value("url")
