"""The files for machines at fixed addresses, made of the settings."""

from __future__ import annotations

import json

import pytest
from nightdesk.domain.crawlers import AI_CRAWLERS
from nightdesk.domain.errors import Rejected
from nightdesk.domain.path_owners import owner_of
from nightdesk.domain.problems import Kind
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.site_paths import indexnow_key
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


@pytest.mark.parametrize("purpose", AI_CRAWLERS)
def test_crawlers_of_ai_companies_are_let_in_by_purpose(room: Newsroom, purpose: str) -> None:
    room.file("site.yaml", f"robots: {{{purpose}: false, block: [{AI_CRAWLERS[purpose][0]}, OtherBot]}}")
    groups = [group.split("\n") for group in room.page("/robots.txt").strip().split("\n\n")]
    [blocked] = [group for group in groups if group[-1] == "Disallow: /"]
    names = [line.removeprefix("User-agent: ") for line in blocked[:-1]]
    assert sorted(names) == sorted({"OtherBot", *AI_CRAWLERS[purpose]})
    room.file("site.yaml", "robots: {ai_training: true, ai_search: true, ai_fetch: true}")
    assert "Disallow: /\n" not in room.page("/robots.txt")


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
    assert len(manifest["icons"]) == 2
    assert '<link rel="manifest" href="/site.webmanifest">' in room.page("/")
    assert '<link rel="apple-touch-icon" href="/apple-touch-icon.png">' in room.page("/")
    touch = room.site.outputs["apple-touch-icon.png"]
    assert (touch.content_type, touch.body[:4]) == ("image/png", b"\x89PNG")
    icon = room.site.outputs["favicon.ico"]
    assert (icon.content_type, icon.body[:4]) == ("image/x-icon", b"\0\0\1\0")


def test_the_settings_survive_storage() -> None:
    site, [warning] = parse_site(SETTINGS.encode())
    assert warning.kind == Kind.LANGUAGE_UNSPOKEN
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


# --- Search engines' key, and llms.txt ---


def test_the_key_for_indexnow_is_served_while_the_settings_ask_for_it(room: Newsroom) -> None:
    key = indexnow_key("https://desk.example")
    assert len(key) == 32
    room.file("site.yaml", "base_url: https://desk.example\nindexnow: true\n")
    assert room.page(f"/{key}.txt") == key
    assert owner_of(f"/{key}.txt") == "index", "no alias takes its place"
    room.file("site.yaml", "base_url: https://desk.example\n")
    assert room.page(f"/{key}.txt") == ""


def test_feeds_name_their_hub(room: Newsroom) -> None:
    room.publish("a")
    assert 'rel="hub"' not in room.page("/feed.xml")
    room.file("site.yaml", "base_url: https://desk.example\nwebsub: https://hub.example/\n")
    for path in ("/feed.xml", "/topics/energy/feed.xml"):
        feed = room.page(path)
        assert '<atom:link href="https://hub.example/" rel="hub"/>' in feed
        assert f'<atom:link href="https://desk.example{path}" rel="self" type="application/rss+xml"/>' in feed
    feed = json.loads(room.page("/feed.json"))
    assert feed["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]


LLMS = "name: Desk\ntagline: News [from] the harbour\nbase_url: https://desk.example\nllms: true\n"


def test_llms_txt_names_sections_pages_and_the_newest_articles(room: Newsroom) -> None:
    room.file("topics/energy.md", "---\nname: Energy\nsummary: Power and heat.\n---\n")
    room.file("site.yaml", LLMS)
    room.publish("harbour", "The [harbour] *opens*", "Free.\n\n::: gate tier=member\nHidden.\n:::\n", dek="A new quay.")
    text = room.page("/llms.txt")
    assert text.startswith("# Desk\n\n> News \\[from\\] the harbour\n\n## Topics\n\n")
    assert "- [Energy](https://desk.example/topics/energy/): Power and heat.\n" in text
    assert "](https://desk.example/about/)\n" in text
    assert text.endswith(
        "## Newest articles\n\n- [The \\[harbour\\] \\*opens\\*](https://desk.example/articles/harbour/): A new quay.\n"
    )
    assert "Hidden" not in text
    stored = room.site.outputs["llms.txt"]
    assert (stored.content_type, stored.cache_control) == ("text/plain; charset=utf-8", "no-cache")


def test_llms_txt_follows_what_changes_and_goes_with_its_setting(room: Newsroom) -> None:
    room.file("site.yaml", LLMS)
    room.publish("harbour", "Harbour")
    room.file("topics/energy.md", "---\nname: Power\n---\n")
    room.file("pages/ethics.md", "---\nname: Our ethics\n---\nText.\n")
    text = room.page("/llms.txt")
    assert "[Harbour]" in text
    assert "[Power](https://desk.example/topics/energy/)" in text
    assert "[Our ethics](https://desk.example/ethics/)" in text
    room.file("drafts/harbour.md", None)
    room.file("pages/ethics.md", None)
    text = room.page("/llms.txt")
    assert "harbour" not in text.lower().replace("desk", "").replace("> news \\[from\\] the harbour", "")
    assert "ethics" not in text
    room.file("site.yaml", "name: Desk\n")
    assert "llms.txt" not in room.site.outputs
    room.publish("ferry", "Ferry")
    assert "llms.txt" not in room.site.outputs
