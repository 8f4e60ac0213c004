"""Files at fixed addresses for machines: `robots.txt`, `security.txt`, `llms.txt` and the web app manifest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from nightdesk.domain.languages import direction
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import NEWS_SITEMAP_PATH, SECURITY_PATH, SITEMAP_PATH
from nightdesk.domain.timestamps import iso_utc_seconds
from nightdesk.rendering.environment import Theme

_ICON, _TOUCH_ICON, _COLOUR = "favicon.svg", "apple-touch-icon.png", "night"
_MARKDOWN = re.compile(r"[\\\[\]<>`*_]")
_NEVER_CRAWLED = ("/api/", "/account/", "/preview/")


def robots_txt(site: Site) -> str:
    """Return `robots.txt` (RFC 9309)."""
    groups = [
        ["User-agent: *", *(f"Disallow: {path}" for path in dict.fromkeys((*_NEVER_CRAWLED, *site.robots.disallow)))]
    ]
    if site.robots.block:
        groups.append([*(f"User-agent: {name}" for name in site.robots.block), "Disallow: /"])
    groups.append([f"Sitemap: {site.base_url}{path}" for path in (SITEMAP_PATH, NEWS_SITEMAP_PATH)])
    return "\n".join("\n".join(group) + "\n" for group in groups)


def security_txt(site: Site) -> str:
    """Return `security.txt` (RFC 9116); empty if the settings name no contact."""
    security = site.security
    if not security:
        return ""
    lines = [f"Contact: {address}" for address in security.contact]
    lines += [f"Expires: {iso_utc_seconds(security.expires)}", f"Preferred-Languages: {site.language}"]
    lines += [f"Canonical: {site.base_url}{SECURITY_PATH}"]
    lines += [f"Policy: {security.policy}"] if security.policy else []
    return "\n".join(lines) + "\n"


class LlmsContents(NamedTuple):
    """What `llms.txt` lists.

    Attributes:
        newest: the cards of the newest articles, newest first.
        sections: the label, path and note of each topic.
        pages: the name and path of each standing page.
    """

    newest: Sequence[Mapping[str, Any]]
    sections: Sequence[tuple[str, str, str]]
    pages: Sequence[tuple[str, str]]


def llms_txt(theme: Theme, site: Site, contents: LlmsContents) -> str:
    """Return `llms.txt` (llmstxt.org): the site's name and tagline, its sections, standing pages and newest articles."""
    text = theme.text(site)
    articles = [(card["title"], f"/articles/{card['slug']}/", card.get("dek", "")) for card in contents.newest]
    parts = [
        f"# {_plain(site.name)}\n",
        f"> {_plain(site.tagline)}\n" if site.tagline else "",
        _llms_part(text("nav.topics"), contents.sections, site),
        _llms_part(text("llms.pages"), ((name, path, "") for name, path in contents.pages), site),
        _llms_part(text("llms.newest"), articles, site),
    ]
    return "\n".join(part for part in parts if part)


def _llms_part(heading: str, rows: Iterable[tuple[str, str, str]], site: Site) -> str:
    lines = [
        f"- [{_plain(label)}]({site.base_url}{path}){f': {_plain(note)}' if note else ''}\n"
        for label, path, note in rows
    ]
    return f"## {_plain(heading)}\n\n{''.join(lines)}" if lines else ""


def _plain(text: str) -> str:
    """Return a text as Markdown that shows it as it is, in one line."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.split()))


def web_manifest(theme: Theme, site: Site) -> str:
    """Return the manifest (w3.org/TR/appmanifest) with which readers put the site on a home screen."""
    icon = theme.assets.get(_ICON)
    icons = [{"src": f"/{icon[0]}", "type": "image/svg+xml", "sizes": "any"}] if icon else []
    icons += [{"src": f"/{_TOUCH_ICON}", "type": "image/png", "sizes": "180x180"}] if _TOUCH_ICON in theme.root else []
    colour = theme.tokens.light.get(_COLOUR)
    manifest = {
        "name": site.name,
        "lang": site.language,
        "dir": direction(site.language),
        "start_url": "/",
        "display": "browser",
        **({"background_color": colour, "theme_color": colour} if colour else {}),
        "icons": icons,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1)
