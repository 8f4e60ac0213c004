"""The registry of paths: which stage makes what readers get at a path of the site, now or in a later version.

An alias may only create a redirect where nothing else can be, and a standing page only a page. Both ask here, by the whole
path: `/archive/2026/11/` is a page of the site, `/archive/2011/storm.html` is an old address like any other.
"""

from __future__ import annotations

import re

from nightdesk.domain.text import SLUG

PAGES = "pages"
"""The owner of the standing pages that every site has. The newsroom writes them, so it may replace them."""
_OWNERS = (
    (PAGES, "/(about|corrections|membership|newsletter|process)"),
    ("index", r"/|/index\.html?"),
    ("index", r"/(topics|authors|corrections|search|sitemap|feed)(/.*)?"),
    ("index", r"/archive(/\d+)*(/feed\.[a-z]+)?"),
    ("index", r"/(assets|openapi|\.well-known)(/.*)?"),
    # Files at the root are for machines: sitemaps, robots.txt, llms.txt, icons, manifests, keys that prove an ownership.
    ("index", r"/[^/]+\.(txt|xml|xsl|json|js|css|map|ico|png|svg|gz|webmanifest|rss|atom)"),
    ("gate", rf"/articles|/articles/{SLUG.pattern}/[^/]+\.[^/]+"),
    ("gate", r"/preview(/.*)?"),
    ("updates", r"/updates(/.*)?"),
    ("readers", r"/(account|membership|newsletter|newsletter-archive|signin|signout)(/.*)?"),
    ("readers", r"/(api|_local)(/.*)?"),
)
"""Each owner with a pattern of its paths, without a slash at their end."""
_PATTERNS = tuple((owner, re.compile(pattern)) for owner, pattern in _OWNERS)
_PAGE_FILE = re.compile(r"\.(s?html?|php[0-9]?|aspx?|jsp|cfm|cgi|pl|do|dll)")
"""The suffixes of pages of other systems, which no image has."""


def owner_of(path: str) -> str:
    """Return the owner of a path; empty for one at which there can only be a redirect or a page of the newsroom's own.

    An article's address, `/articles/<slug>/`, has none either: slugs are claimed.
    """
    plain = path.rstrip("/") or "/"
    if plain.startswith("/articles/") and _PAGE_FILE.search(plain):
        return ""
    return next((owner for owner, pattern in _PATTERNS if pattern.fullmatch(plain)), "")


def can_be_page(identifier: str) -> bool:
    """Return True if `pages/<identifier>.md` may be the page at `/<identifier>/`."""
    return owner_of(f"/{identifier}/") in ("", PAGES)
