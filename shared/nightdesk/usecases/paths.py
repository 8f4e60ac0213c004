"""Paths that readers ask for, the keys that they are served from, and the tags by which the cache finds many at once."""

from __future__ import annotations

import re

from nightdesk.domain.documents import digest

_HOME = ("/", "/feed.xml", "/feed.json")
_TICKER = ("/updates/", "/updates/latest.json", "/updates/box.json")

ARTICLES_TAG, PAGES_TAG, TICKER_TAG = "articles", "site", "updates"
"""The tags of all articles, of all other pages that show what the settings say, and of all that the ticker makes."""
SIGN_IN_PATH = "/signin/"
CODE_PATH = "/signin/code/"
"""The page on which a reader waits for the mail that signs in."""
MEMBERSHIP_PATH = "/membership/"
THANKS_PATH = "/membership/thanks/"
"""Where who has paid comes back to."""


def key_of(path: str) -> str:
    """The key in the site bucket that a path is served from."""
    return path[1:] + ("index.html" if path.endswith("/") else "")


def preview_key(slug: str, name: str = "index.html") -> str:
    """The key in the private bucket of a preview, or of an image beside it; the edge serves it at `/preview/<slug>/<name>`."""
    return f"preview/{slug}/{name}"


def path_of(key: str) -> str:
    """The path that readers ask for to get an object."""
    return "/" + (key.removesuffix("index.html") if key == "index.html" or key.endswith("/index.html") else key)


def article_tag(slug: str) -> str:
    """The tag of an article's page, in all its variants."""
    return f"article-{_short(slug)}"


def files_tag(slug: str) -> str:
    """The tag of an article's images. Their names hold their digests, so a changed page is no reason to forget them."""
    return f"files-{_short(slug)}"


def profile_tag(kind: str, identifier: str) -> str:
    """The tag of all articles that show an author or a topic."""
    return f"{kind}-{_short(identifier)}"


def _short(name: str) -> str:
    """Tags travel in an object's metadata, which holds 2 KB in all (S3 user guide), so long names are cut to a digest."""
    return name if len(name) <= 24 else digest(name.encode())[:24]


def front_of(path: str) -> tuple[str, tuple[str, ...]] | None:
    """The tag of the front that a path belongs to, and all paths that bear it: a front and its feeds, or the ticker's files, which change together."""
    if path in _HOME:
        return "front-all", _HOME
    if path in _TICKER:
        return "ticker", _TICKER
    found = re.fullmatch(r"/(topic|author)s/([a-z0-9-]+)/(?:feed\.xml)?", path)
    if not found:
        return None
    base = f"/{found[1]}s/{found[2]}/"
    return f"front-{profile_tag(found[1], found[2])}", (base, f"{base}feed.xml")
