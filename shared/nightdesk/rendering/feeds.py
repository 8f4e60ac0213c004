"""Feeds of the newest articles: RSS 2.0 and JSON Feed 1.1."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import unescape
from typing import Any

from nightdesk.domain.documents import digest, parse_json
from nightdesk.domain.site import Site
from nightdesk.domain.timestamps import local_time, rfc822
from nightdesk.rendering.contexts import AuthorLink, Card, FeedContext
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.page_parts import Facts, card, escaped, site_context
from nightdesk.rendering.texts import Catalogue

Texts = Mapping[str, str]
"""Public texts as HTML, by their digests, which cards name."""
NO_TEXTS: Texts = {}
MAX_TEXT = 64 * 1024
"""Characters of HTML; of a longer article, feeds have the summary. A feed holds fifty articles."""
_CONTENT = re.compile("<content:encoded>(.*?)</content:encoded>", re.DOTALL)


def text_digest(html: str) -> str:
    """Return by what a card names the public text of its article."""
    return digest(html.encode())[:32]


def by_digest(texts: Iterable[str]) -> dict[str, str]:
    """Return texts by what cards name them, those of the last release included, which had 64 bits of a digest."""
    names = [(text_digest(html), html) for html in texts]
    return {name[:length]: html for name, html in names for length in (32, 16)}


def texts_in(feed: bytes) -> dict[str, str]:
    """Return the texts in a stored feed, RSS or JSON, so that only new ones need to be read."""
    if feed.startswith(b"{"):
        found: Iterable[str] = (item.get("content_html", "") for item in parse_json(feed)["items"])
    else:
        found = map(unescape, _CONTENT.findall(feed.decode()))
    return by_digest(found)


def rss(theme: Theme, site: Site, head: tuple[str, str], cards: Sequence[Facts], texts: Texts = NO_TEXTS) -> str:
    """Return an RSS 2.0 feed.

    Args:
        head: the feed's title, and the path of the front of its list.
    """
    (title, path), shown = head, [card(theme.text(site), site, facts) for facts in cards]
    context = FeedContext(
        site=site_context(theme, site),
        title=title,
        description=site.tagline or title,
        url=site.base_url + path,
        self_url=f"{site.base_url}{path}feed.xml",
        hub=site.websub,
        updated=rfc822(max((_changed(facts) for facts in cards), key=datetime.fromisoformat), site.zone)
        if cards
        else "",
        cards=tuple(shown),
        dates=tuple(rfc822(facts["date"], site.zone) for facts in cards),
        authors=tuple(tuple(_author_name(theme.text(site), author) for author in one.authors) for one in shown),
        # Feed readers show an item's description as HTML, but its title as text (RSS Advisory Board, RSS 2.0).
        descriptions=tuple(escaped(one.dek) for one in shown),
        categories=tuple(_categories(facts) for facts in cards),
        modified=tuple(_modified(site, facts) for facts in cards),
        contents=tuple(texts.get(facts.get("text", ""), "") for facts in cards),
    )
    return theme.render("feed.xml", context)


def json_feed(theme: Theme, site: Site, cards: Sequence[Facts], texts: Texts = NO_TEXTS) -> str:
    """Return the site's JSON Feed 1.1 (jsonfeed.org/version/1.1)."""
    items = [_json_item(theme.text(site), site, facts, texts.get(facts.get("text", ""), "")) for facts in cards]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.name,
        **({"description": site.tagline} if site.tagline else {}),
        "home_page_url": f"{site.base_url}/",
        "feed_url": f"{site.base_url}/feed.json",
        "language": site.language,
        **({"hubs": [{"type": "WebSub", "url": site.websub}]} if site.websub else {}),
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False, indent=1)


def _json_item(text: Catalogue, site: Site, facts: Facts, html: str) -> dict[str, Any]:
    """Return an item. All its texts are plain, apart from the content. An item without content or summary has its title."""
    shown: Card = card(text, site, facts)
    item: dict[str, Any] = {
        "id": site.base_url + shown.guid,
        "url": site.base_url + shown.url,
        "title": shown.title,
        **({"content_html": html} if html else {"content_text": shown.dek or shown.title}),
        "date_published": shown.date.iso,
        "authors": [{"name": _author_name(text, a), "url": site.base_url + a.url} for a in shown.authors],
    }
    optional = {
        "date_modified": _modified(site, facts),
        "language": shown.language,
        "summary": shown.dek,
        "image": site.base_url + shown.image.src if shown.image else "",
        "tags": list(_categories(facts)),
    }
    return item | {name: value for name, value in optional.items() if value}


def _categories(facts: Facts) -> tuple[str, ...]:
    """Return the names of an article's topics, and its tags."""
    topics = facts.get("topics") or ([facts["topic"]] if facts["topic"] else [])
    return tuple(dict.fromkeys([*(name for _, name in topics), *facts.get("tags", ())]))


def _modified(site: Site, facts: Facts) -> str:
    return local_time(facts["modified"], site.zone).isoformat() if facts.get("modified") else ""


def _changed(facts: Facts) -> str:
    """Return when an article was last changed, or published."""
    return str(facts.get("modified") or facts["date"])


def _author_name(text: Catalogue, author: AuthorLink) -> str:
    """Return an author's name in a feed, which has no other place to say that the author is an AI persona."""
    return text("author.ai_name", name=author.label) if author.is_ai else author.label
