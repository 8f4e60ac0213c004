"""Sitemaps for search engines (sitemaps.org), and the one of the newest articles (Google's "News sitemaps")."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from nightdesk.domain.languages import primary_language
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import sitemap_path
from nightdesk.domain.timestamps import iso_utc_seconds, local_time
from nightdesk.rendering.page_parts import Facts, escaped
from nightdesk.rendering.translations import article_url

NEWS_SIZE = 300
"""Articles of the news sitemap at most. Google accepts 1,000; a publish reads this many entries anyway."""
_NEWS_AGE = timedelta(days=2)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
_XHTML = "http://www.w3.org/1999/xhtml"
_PART = re.compile(r"/sitemap/(\d{4}-\d\d)\.xml</loc><lastmod>([^<]+)</lastmod>")


def last_change(cards: Sequence[Facts], site: Site) -> str:
    """Return when the newest change of some articles was, by what they say themselves; empty without articles."""
    newest = max((_changed(facts) for facts in cards), key=iso_utc_seconds, default="")
    return local_time(newest, site.zone).isoformat() if newest else ""


def _changed(facts: Facts) -> str:
    return str(facts.get("modified") or facts["date"])


def sitemap_part(site: Site, cards: Sequence[Facts]) -> str:
    """Return the sitemap of a month's articles, with the translations of each; empty without articles."""
    urls = [
        f"<url><loc>{_address(site, facts['slug'])}</loc>"
        f"<lastmod>{local_time(_changed(facts), site.zone).isoformat()}</lastmod>{_alternates(site, facts)}</url>\n"
        for facts in cards
    ]
    names = f'{_SITEMAPS}" xmlns:xhtml="{_XHTML}' if any("alternates" in facts for facts in cards) else _SITEMAPS
    return f'{_XML}<urlset xmlns="{names}">\n{"".join(urls)}</urlset>\n' if urls else ""


def _alternates(site: Site, facts: Facts) -> str:
    """Return links to an article in each language, itself included ("Localized versions", developers.google.com)."""
    return "".join(
        f'<xhtml:link rel="alternate" hreflang="{escaped(language)}" href="{_address(site, slug)}"/>'
        for language, slug in facts.get("alternates", ())
    )


def sitemap_index(site: Site, months: Mapping[str, str]) -> str:
    """Return the index of all parts.

    Args:
        months: the newest change in each month (`yyyy-mm`); empty where it is not known.
    """
    parts = [
        f"<sitemap><loc>{escaped(site.base_url + sitemap_path(month))}</loc>"
        f"{f'<lastmod>{changed}</lastmod>' if changed else ''}</sitemap>\n"
        for month, changed in sorted(months.items(), reverse=True)
    ]
    return f'{_XML}<sitemapindex xmlns="{_SITEMAPS}">\n{"".join(parts)}</sitemapindex>\n'


def months_in_index(body: bytes) -> dict[str, str]:
    """Return the newest change in each month that an index names."""
    return dict(_PART.findall(body.decode()))


def news_sitemap(site: Site, cards: Sequence[Facts], now: datetime) -> str:
    """Return the sitemap of the articles of the last two days, the only ones that Google accepts there.

    Args:
        cards: the newest articles, newest first.
    """
    since = iso_utc_seconds((now - _NEWS_AGE).isoformat())
    urls = [_news(site, facts) for facts in cards[:NEWS_SIZE] if iso_utc_seconds(facts["date"]) >= since]
    return f'{_XML}<urlset xmlns="{_SITEMAPS}" xmlns:news="{_NEWS}">\n{"".join(urls)}</urlset>\n'


def _news(site: Site, facts: Facts) -> str:
    language = primary_language(facts.get("language") or site.language)
    return (
        f"<url><loc>{_address(site, facts['slug'])}</loc>"
        f"<lastmod>{local_time(_changed(facts), site.zone).isoformat()}</lastmod>"
        f"<news:news><news:publication><news:name>{escaped(site.name)}</news:name>"
        f"<news:language>{language}</news:language></news:publication>"
        f"<news:publication_date>{local_time(facts['date'], site.zone).isoformat()}</news:publication_date>"
        f"<news:title>{escaped(facts['title'])}</news:title></news:news></url>\n"
    )


def _address(site: Site, slug: str) -> str:
    return escaped(article_url(site, slug))
