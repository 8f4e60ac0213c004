"""A feed for one reader: the public feed, with the texts of the pages that the reader's tier gets.

A page marks its text with two comments. A writer cannot type them: escaping leaves no `<`, and the sanitiser removes comments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import nh3
from markupsafe import escape

from nightdesk.domain.html_tokens import attributes
from nightdesk.domain.site import Site
from nightdesk.rendering.elements import ATTRIBUTES, TAGS
from nightdesk.rendering.public_text import AI_NOTE, GATE_LINK, for_feeds

_TEXT = re.compile(r"<!--text-->(.*?)<!--/text-->", re.DOTALL)
_IMAGE = re.compile(r"<img\b[^>]*>")
_PLAYER = re.compile(r'<div class="embed-box\b.*?</div>', re.DOTALL)
_EVERYBODYS = re.compile(r"/assets/.*|.*\.public\.[a-z0-9]+", re.DOTALL)
"""Addresses of images that need no session, which feed readers do not have."""
_SESSION_FILE = re.compile(r'(?<= href=")(/articles/[^"/]+/)[a-z0-9-]+\.[0-9a-f]{64}\.[a-z0-9]+(?=")')
"""The link to a download that needs a session; public downloads have one more suffix before their file type."""
_ITEM = re.compile(r"\s*<item>.*?</item>", re.DOTALL)
_CONTENT = re.compile(r"(?<=<content:encoded>).*?(?=</content:encoded>)", re.DOTALL)
_ARTICLE = re.compile(r"<link>[^<>]*/articles/([a-z0-9-]+)/</link>")
_SELF = re.compile(r'(<atom:link href=")[^"]*(" rel="self")')
_HUB = re.compile(r'\s*<atom:link href="[^"]*" rel="hub"[^>]*>')
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags={"button", "script", "style", "svg", "template"},
    attributes={tag: set(names) for tag, names in ATTRIBUTES.items()} | {"td": {"align"}, "th": {"align", "scope"}},
    link_rel=None,
    url_schemes={"http", "https", "mailto", "tel"},
)


def gated_articles(feed: str) -> list[str]:
    """Return the slugs of the articles in an RSS feed whose texts have a gate, each once."""
    return list(dict.fromkeys(slug for item in _ITEM.findall(feed) if (slug := _gated(item))))


def _gated(item: str) -> str:
    """Return the slug of an item's article if its text has a gate, otherwise an empty string."""
    content, article = _CONTENT.search(item), _ARTICLE.search(item)
    return article[1] if content and article and GATE_LINK.search(unescape(content[0])) else ""


def _note(content: str) -> str:
    """Return a public item's note on AI's roles, which pages show outside their text; empty if it has none."""
    found = AI_NOTE.match(unescape(content))
    return f"{found[0]}\n" if found else ""


def page_text(page: str, slug: str, site: Site) -> str:
    """Return the text of an article's page as HTML for feeds; empty if the theme does not mark it.

    An image, a player or a download that needs a session becomes a link to the article.
    """
    address = f"{site.base_url}/articles/{slug}/"

    def reachable(found: re.Match[str]) -> str:
        image = attributes(found[0])
        if _EVERYBODYS.fullmatch(image.get("src", "")):
            return found[0]
        return f'<a href="{address}">{escape(image["alt"])}</a>' if image.get("alt") else ""

    marked = _SESSION_FILE.sub(r"\1", "\n".join(text.strip() for text in _TEXT.findall(page)))
    text = for_feeds(_IMAGE.sub(reachable, _PLAYER.sub("", marked)), address, site)
    return re.sub(r"\n{2,}", "\n", _CLEANER.clean(text)).strip()


def with_texts(feed: str, address: str, texts: Mapping[str, str | None]) -> str:
    """Return an RSS feed for one reader.

    Args:
        feed: the public one.
        address: of the reader's feed. Nothing is said of a hub, which would pass on what it fetched.
        texts: the texts of articles by slug. Those that are empty or missing stay as they are; the articles of None are left out.
    """

    def item(found: re.Match[str]) -> str:
        slug = _gated(found[0])
        text = texts.get(slug, "")
        if text is None:
            return ""
        return _CONTENT.sub(lambda public: str(escape(_note(public[0]) + text)), found[0]) if text else found[0]

    head = _HUB.sub("", _SELF.sub(lambda found: f"{found[1]}{escape(address)}{found[2]}", feed, count=1))
    return _ITEM.sub(item, head)
