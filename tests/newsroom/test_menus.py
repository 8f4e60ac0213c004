"""The menus of every page: links of the header and the footer, as `site.yaml` sets them."""

from __future__ import annotations

import json
import re

import pytest
from nightdesk.domain.errors import Rejected
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.rendering.contexts import Head, Link
from nightdesk.rendering.menus import current_link
from nightdesk.rendering.page_parts import page_head
from support.memory_newsroom import Newsroom

MENUS = """
base_url: https://news.example
navigation:
  - {label: Energy, url: /topics/energy/}
  - {label: Fog & ice, url: /topics/fog/}
  - {label: Archive, url: 'https://archive.example/'}
footer: [{label: Jobs, url: /about/#jobs}]
social: [{label: Mastodon, url: 'https://social.example/@news'}]
legal: [{label: Imprint, url: 'mailto:desk@news.example'}]
"""
BASE = "https://news.example"
SITE = Site(base_url=BASE)


def menus(page: str) -> list[list[str]]:
    """Return the attributes of each link, for each menu of the header and the footer."""
    found = re.findall(r'<nav(?: class="site-nav")? aria-label="[^"]*">(.*?)</nav>', page, re.DOTALL)
    return [re.findall(r"<a ([^>]*)>", menu) for menu in found]


def test_the_settings_replace_the_usual_links_on_every_page(room: Newsroom) -> None:
    room.publish("harbour")
    usual = room.page("/")
    assert ">Authors</a>" in usual
    assert 'href="/process/"' in usual
    room.file("site.yaml", MENUS)
    for path in ("/", "/topics/energy/", "/articles/harbour/", "/about/", "/updates/", "/search/"):
        page = room.page(path)
        header, footer, social, legal = menus(page)
        assert [re.sub(" aria.*", "", link) for link in header] == [
            'href="/topics/energy/"', 'href="/topics/fog/"', 'href="https://archive.example/"',
        ]  # fmt: skip
        assert footer[0] == 'href="/about/#jobs"'
        assert 'href="/process/"' not in footer
        assert social == ['href="https://social.example/@news" rel="me"']
        assert legal == ['href="mailto:desk@news.example"']
        assert "Fog &amp; ice" in page
    room.file("site.yaml", "base_url: https://news.example\n")
    assert ">Authors</a>" in room.page("/")
    assert len(menus(room.page("/"))) == 2


def test_an_empty_list_leaves_the_menu_out(room: Newsroom) -> None:
    room.file("site.yaml", "navigation: []\nfooter: []\n")
    room.publish("harbour")
    assert menus(room.page("/")) == []
    assert menus(room.page("/topics/energy/")) == [['href="/topics/energy/feed.xml"']]


def test_the_current_page_and_its_section_are_marked(room: Newsroom) -> None:
    room.publish("harbour")
    room.file("site.yaml", MENUS)
    marked = 'href="/topics/energy/" aria-current='
    assert f'{marked}"page"' in room.page("/topics/energy/")
    assert f'{marked}"true"' in room.page("/topics/energy/2026/11/")
    assert f'{marked}"true"' in room.page("/articles/harbour/"), "the section of an article is its first topic"
    assert "aria-current" not in room.page("/") + room.page("/about/")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/topics/energy/", ("/topics/energy/", "page")),
        ("/topics/energy/2026/11/", ("/topics/energy/", "true")),
        ("/topics/trade/", ("/topics/", "true")),
        ("/about/", ("https://news.example/about/", "page")),
        ("/", ("/", "page")),
        ("/account/", ("", "")),
    ],
)
def test_the_nearest_section_counts(path: str, expected: tuple[str, str]) -> None:
    urls = ("/", "/topics/", "/topics/energy/", f"{BASE}/about/", "https://other.example/account/", "/acc")
    links = [Link("L", url) for url in urls]
    assert current_link(links, page_head(SITE, "T", path), BASE) == expected


def test_a_page_without_an_address_of_its_own_is_nowhere() -> None:
    head: Head = page_head(SITE, "T", "/")._replace(canonical="")
    assert current_link([Link("L", "/")], head, BASE) == ("", "")


def test_menus_survive_being_stored() -> None:
    site, warnings = parse_site(MENUS.encode())
    assert not warnings
    assert site.social == (("Mastodon", "https://social.example/@news"),)
    assert Site.from_json(json.loads(json.dumps(site.to_json()))) == site
    assert parse_site(b"navigation: []\n")[0].navigation == ()
    assert parse_site(b"navigation:\n")[0].navigation is None


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("navigation: [{label: A, url: 'javascript:alert(1)'}]", "navigation.url"),
        ("navigation: [{label: A, url: 'http://old.example/'}]", "navigation.url"),
        ("navigation: [{label: A, url: about/}]", "navigation.url"),
        ("navigation: [{url: /about/}]", "navigation.url"),
        ("footer: [/about/]", "footer"),
        ("legal: [{label: A}]", "legal.url"),
        ("social: [{label: A, url: /about/}]", "social.url"),
        ("social: [{label: A, url: 'mailto:a@b.example'}]", "social.url"),
        (f"legal: [{{label: {'x' * 81}, url: /a/}}]", "legal.label"),
        ("footer:\n" + "  - {label: A, url: /a/}\n" * 25, "footer"),
    ],
)
def test_a_bad_link_rejects_the_settings(raw: str, key: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_site(raw.encode())
    assert {problem.key for problem in caught.value.problems} == {key}


def test_an_unknown_key_of_a_link_is_warned_of() -> None:
    _, warnings = parse_site(b"navigation:\n  - label: A\n    url: /a/\n    weight: 3\n")
    assert [(w.line, w.key) for w in warnings] == [(4, "navigation.weight")]


def test_dead_links_of_menus_are_warned_of(room: Newsroom) -> None:
    room.file(
        "site.yaml", "navigation:\n  - {label: Fog, url: /topics/fog/}\nlegal:\n  - {label: Imprint, url: /imprint/}\n"
    )
    found = room.state("site.yaml")["warnings"]
    assert [(w["line"], w["key"]) for w in found] == [(2, "navigation.url"), (4, "legal.url")]
    room.file("pages/imprint.md", "---\ntitle: Imprint\n---\nText.\n")
    assert [w["line"] for w in room.state("site.yaml")["warnings"]] == [2]


def test_search_engines_learn_of_the_accounts(room: Newsroom) -> None:
    room.file("site.yaml", MENUS)
    assert '"sameAs":["https://social.example/@news"]' in room.page("/")
