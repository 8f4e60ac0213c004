"""Paths of the site, the keys of their objects in the site bucket, and their cache tags."""

from __future__ import annotations

import re
from typing import NamedTuple

from nightdesk.domain.documents import digest

_HOME = ("/", "/feed.xml", "/feed.json")
_DIRECTORIES = ("/topics/", "/authors/")
_TICKER = ("/updates/", "/updates/latest.json", "/updates/box.json")

ARTICLES_TAG, PAGES_TAG, TICKER_TAG = "articles", "site", "updates"
"""Cache tags of all articles, of all other pages that depend on the settings, and of everything that the ticker makes."""
SIGN_IN_PATH = "/signin/"
CODE_PATH = "/signin/code/"
"""The page that asks for the code from the sign-in e-mail."""
MEMBERSHIP_PATH = "/membership/"
THANKS_PATH = "/membership/thanks/"
"""The page to which readers return after paying."""
ROBOTS_PATH = "/robots.txt"
SECURITY_PATH = "/.well-known/security.txt"
CORRECTIONS_PATH = "/corrections/"
PROCESS_PATH = "/process/"
MANIFEST_PATH = "/site.webmanifest"
SITEMAP_PATH = "/sitemap.xml"
NEWS_SITEMAP_PATH = "/news-sitemap.xml"
LLMS_PATH = "/llms.txt"
SEARCH_PATH = "/search/"
RECENT_SEARCH_PATH = "/search/recent.json"
SEARCH_ARCHIVE = "search/archive/"
"""The folder of the search's index in the site bucket."""


_FOLDERS = {
    "author": "/authors/",
    "topic": "/topics/",
    "page": "/",
    "draft": "/articles/",
    "newsletter": "/newsletter/",
}
_LISTS = {"site": "/", "update": "/updates/"}


def path_of_file(kind: str, slug: str) -> str:
    """Return the path of the page that shows a file of the drafts bucket.

    Args:
        kind: as in `DraftsKey`.
        slug: of the article, profile, page or newsletter.
    """
    return _LISTS.get(kind) or f"{_FOLDERS[kind]}{slug}/"


def key_of(path: str) -> str:
    """Return the key in the site bucket of a path's object."""
    return path[1:] + ("index.html" if path.endswith("/") else "")


def sitemap_path(month: str) -> str:
    """Return the path of the sitemap of a month, `yyyy-mm`."""
    return f"/sitemap/{month}.xml"


def indexnow_key(base_url: str) -> str:
    """Return the key by which a site proves to IndexNow that a message is its own: it serves a file of that name.

    It is no secret: who guesses it can have search engines look at public pages, and no more.
    """
    return digest(f"indexnow {base_url}".encode())[:32]


def is_uncached(path: str) -> bool:
    """Return True if the CDN asks the bucket at every request for a path, so that it never needs to be invalidated.

    Only machines and scripts fetch these paths, and they change with every article, or must go with one at once.
    """
    return path in (SITEMAP_PATH, NEWS_SITEMAP_PATH, LLMS_PATH, RECENT_SEARCH_PATH) or path.startswith(
        ("/sitemap/", f"/{SEARCH_ARCHIVE}")
    )


def preview_key(slug: str, name: str = "index.html") -> str:
    """The key in the private bucket of a preview, or of an image beside it; the edge serves it at `/preview/<slug>/<name>`."""
    return f"preview/{slug}/{name}"


def path_of(key: str) -> str:
    """Return the path at which readers find an object of the site bucket."""
    return "/" + (key.removesuffix("index.html") if key == "index.html" or key.endswith("/index.html") else key)


def article_tag(slug: str) -> str:
    """Return the cache tag of an article's pages, one for each tier."""
    return f"article-{_short(slug)}"


def files_tag(slug: str) -> str:
    """Return the cache tag of an article's images. Their names contain their digests, so a changed page does not affect them."""
    return f"files-{_short(slug)}"


def profile_tag(kind: str, identifier: str) -> str:
    """Return the cache tag of all articles that show an author or a topic."""
    return f"{kind}-{_short(identifier)}"


def _short(name: str) -> str:
    """Return a name that fits a tag: tags are object metadata, limited to 2 KB in all (Amazon S3 User Guide)."""
    return name if len(name) <= 24 else digest(name.encode())[:24]


class Front(NamedTuple):
    """Pages that always change together: the cache tag that they share, and their paths."""

    tag: str
    paths: tuple[str, ...]


def fronts_of(path: str) -> tuple[Front, ...]:
    """Return the fronts that a path belongs to, the largest first: a front with its feeds, or the ticker's files.

    An article with a topic and an author changes both directories together with the front page.
    """
    if path in _TICKER:
        return (Front("ticker", _TICKER),)
    if path in _HOME + _DIRECTORIES:
        fronts = (
            Front("front-lists", _HOME + _DIRECTORIES),
            Front("front-all", _HOME),
            Front("front-directories", _DIRECTORIES),
        )
        return tuple(front for front in fronts if path in front.paths)
    found = re.fullmatch(r"/(topic|author)s/([a-z0-9-]+)/(?:feed\.xml)?", path)
    if not found:
        return ()
    base = f"/{found[1]}s/{found[2]}/"
    return (Front(f"front-{profile_tag(found[1], found[2])}", (base, f"{base}feed.xml")),)
