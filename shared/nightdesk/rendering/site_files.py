"""Files at fixed addresses for machines: `robots.txt`, `security.txt` and the web app manifest."""

from __future__ import annotations

import json

from nightdesk.domain.languages import direction
from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import NEWS_SITEMAP_PATH, SECURITY_PATH, SITEMAP_PATH
from nightdesk.domain.timestamps import iso_utc_seconds
from nightdesk.rendering.environment import Theme

_ICON, _COLOUR = "favicon.svg", "night"
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


def web_manifest(theme: Theme, site: Site) -> str:
    """Return the manifest (w3.org/TR/appmanifest) with which readers put the site on a home screen."""
    icon = theme.assets.get(_ICON)
    colour = theme.tokens.light.get(_COLOUR)
    manifest = {
        "name": site.name,
        "lang": site.language,
        "dir": direction(site.language),
        "start_url": "/",
        "display": "browser",
        **({"background_color": colour, "theme_color": colour} if colour else {}),
        "icons": [{"src": f"/{icon[0]}", "type": "image/svg+xml", "sizes": "any"}] if icon else [],
    }
    return json.dumps(manifest, ensure_ascii=False, indent=1)
