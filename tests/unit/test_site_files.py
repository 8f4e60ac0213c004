"""The files for machines at fixed addresses, made of the settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.rendering.environment import Theme
from support.memory_newsroom import Newsroom

SETTINGS = """base_url: https://desk.example
language: nb
robots:
  disallow: [/drafts-of-pages/, /search/]
  block: [CCBot, Google-Extended]
security:
  contact: ['mailto:sec@desk.example', 'https://desk.example/report']
  expires: 2028-01-31T12:00+02:00
  policy: https://desk.example/security/
"""


@pytest.fixture
def room() -> Newsroom:
    return Newsroom(Theme(Path(__file__).resolve().parents[2] / "layers" / "theme"))


def test_robots_txt_follows_the_settings(room: Newsroom) -> None:
    plain = "User-agent: *\nDisallow: /api/\nDisallow: /account/\nDisallow: /preview/\n"
    sitemaps = "\nSitemap: {0}/sitemap.xml\nSitemap: {0}/news-sitemap.xml\n"
    assert room.page("/robots.txt") == plain + sitemaps.format("")
    room.file("site.yaml", SETTINGS)
    assert room.page("/robots.txt") == (
        plain
        + "Disallow: /drafts-of-pages/\nDisallow: /search/\n\nUser-agent: CCBot\nUser-agent: Google-Extended\nDisallow: /\n"
        + sitemaps.format("https://desk.example")
    )
    assert room.site.outputs["robots.txt"].content_type == "text/plain; charset=utf-8"


def test_security_txt_follows_the_settings(room: Newsroom) -> None:
    assert room.page("/.well-known/security.txt") == ""
    room.file("site.yaml", SETTINGS)
    assert room.page("/.well-known/security.txt") == (
        "Contact: mailto:sec@desk.example\nContact: https://desk.example/report\nExpires: 2028-01-31T10:00:00Z\n"
        "Preferred-Languages: nb\nCanonical: https://desk.example/.well-known/security.txt\nPolicy: https://desk.example/security/\n"
    )
    room.file("site.yaml", "name: N\n")
    assert room.page("/.well-known/security.txt") == ""


def test_the_manifest_and_the_icon(room: Newsroom) -> None:
    room.file("site.yaml", "name: دفتر\nlanguage: fa\n")
    manifest = json.loads(room.page("/site.webmanifest"))
    assert (manifest["name"], manifest["lang"], manifest["dir"]) == ("دفتر", "fa", "rtl")
    assert all(icon["src"].lstrip("/") in room.site.outputs for icon in manifest["icons"])
    assert '<link rel="manifest" href="/site.webmanifest">' in room.page("/")
    icon = room.site.outputs["favicon.ico"]
    assert (icon.content_type, icon.body[:4]) == ("image/x-icon", b"\0\0\1\0")


def test_the_settings_survive_storage() -> None:
    site, warnings = parse_site(SETTINGS.encode())
    assert warnings == ()
    assert Site.from_json(site.to_json()) == site
    old = {name: value for name, value in site.to_json().items() if name not in ("robots", "security")}
    assert Site.from_json(old).security is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("robots: {disallow: [drafts/]}", "must be a path"),
        ("robots: {disallow: ['/a b']}", "must be a path"),
        ("robots: {block: ['Bad Bot']}", "name of a crawler"),
        ("security: {expires: 2028-01-01}", "mailto:"),
        ("security: {contact: 'http://desk.example', expires: 2028-01-01}", "mailto:"),
        ("security: {contact: 'mailto:a@desk.example'}", "must not be trusted"),
        ("security: {contact: 'mailto:a@desk.example', expires: 2028-01-01, policy: '/security/'}", "https address"),
    ],
)
def test_wrong_settings_are_refused(text: str, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        parse_site(text.encode())
