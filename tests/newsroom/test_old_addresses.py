"""Old addresses: every spelling redirects, and nothing that the site owns can be taken or removed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.events import RelistRequested
from nightdesk.domain.old_addresses import old_address
from nightdesk.domain.path_owners import PAGES, can_be_page, owner_of
from nightdesk.domain.site import Site
from nightdesk.ports import ANY, Output
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.pipeline.places import list_of_path
from nightdesk_cli.main import main
from support.memory_newsroom import Newsroom

OWNED = [
    "/",
    "/index.html",
    "/feed.xml",
    "/feed.json",
    "/feed.atom",
    "/feed/",
    "/robots.txt",
    "/llms.txt",
    "/ads.txt",
    "/0123456789abcdef.txt",
    "/sitemap.xml",
    "/sitemap-2026-11.xml",
    "/sitemap/2026-11.xml",
    "/news-sitemap.xml",
    "/openapi.json",
    "/favicon.ico",
    "/apple-touch-icon.png",
    "/site.webmanifest",
    "/sw.js",
    "/.well-known/security.txt",
    "/.well-known/anything/else",
    "/assets/site.0a1b.css",
    "/search/",
    "/search/index.json",
    "/topics/",
    "/topics/energy/feed.xml",
    "/topics/energy/2026/11/",
    "/authors/ada/",
    "/archive/",
    "/archive/2026/11/",
    "/archive/2031/01/",
    "/updates/latest.json",
    "/corrections/",
    "/corrections/2026/",
    "/membership/",
    "/membership/thanks/",
    "/newsletter/",
    "/newsletter/daily/2026-11-29/",
    "/account/",
    "/account/delete/",
    "/signin/code/",
    "/api/session",
    "/_local/mail.json",
    "/preview/a-story/",
    "/articles/",
    "/articles/a-story/map.0a1b2c.png",
    "/about/",
    "/process/",
]
FREE = [
    "/2019/03/storm.html",
    "/2019/feed.xml",
    "/feedback/",
    "/robots/",
    "/search-for-gold/",
    "/topics-of-the-week/",
    "/archive/2019/03/storm/",
    "/archive/storm.html",
    "/about/us/",
    "/blog/assets/",
    "/articles/a-story/",
    "/articles/2019/03/storm/",
    "/articles/storm.html",
    "/articles/2019/storm.html",
    "/storm.php",
]


def target(room: Newsroom, key: str) -> str:
    """Return where the redirect at a key leads; empty if there is none."""
    output = room.site.outputs.get(key)
    return output.metadata.get("location", "") if output and output.metadata.get("status") == "301" else ""


def read(aliases: list[str]) -> tuple[tuple[str, ...], list[tuple[int, str, str]]]:
    """Return the addresses that a draft gets of its aliases, and line, key and kind of each warning."""
    lines = "".join(f"- {alias!r}\n" for alias in aliases)
    draft = parse_draft(f"---\ntitle: T\naliases:\n{lines}---\nText.\n".encode(), "a-story", Site(), to_html)
    return draft.aliases, [(w.line, w.key, w.kind.id) for w in draft.warnings]


def test_the_registry_knows_what_the_site_makes(room: Newsroom) -> None:
    room.publish("a-story")
    room.file("pages/house-style.md", "---\ntitle: House style\n---\nText.\n")
    for key in room.site.outputs:
        path = "/" + key.removesuffix("index.html")
        if not key.startswith(("~", "articles/", "house-style/")):
            assert owner_of(path), path
    assert [path for path in OWNED if not owner_of(path)] == []
    assert [path for path in FREE if owner_of(path)] == []
    assert {path for path in OWNED if owner_of(path) == PAGES} == {"/about/", "/process/"} | {
        f"/{name}/" for name in ("corrections", "membership", "newsletter")
    }


def test_standing_pages_ask_the_registry(theme: Theme) -> None:
    assert all(can_be_page(name) for name in (*theme.pages(Site()), "contact"))
    assert not any(can_be_page(name) for name in ("topics", "api", "search", "articles", "signin", "archive", "feed"))


@pytest.mark.parametrize("path", [path for path in OWNED if path != "/"])
def test_an_alias_of_what_the_site_owns_is_refused_with_its_line(path: str) -> None:
    spellings = [path, path.upper(), path.replace("e", "%65"), path.rstrip("/")]
    addresses, warnings = read(spellings)
    assert addresses == ()
    assert warnings == [(4 + number, "aliases", "alias-reserved") for number in range(len(spellings))]


@pytest.mark.parametrize("path", FREE)
def test_an_alias_of_what_nothing_owns_is_accepted(path: str) -> None:
    addresses, warnings = read([path])
    assert (addresses, warnings) == ((path,), [])


SPELLINGS = {
    "/2019/06/01/Gale-1.70.html": ["2019/06/01/gale-1.70.html", "~old/2019/06/01/gale-1.70.html"],
    "/Old_Name": ["old_name/index.html", "~old/old_name/index.html"],
    "/caf%C3%A9-news/": ["~old/caf~c3~a9-news/index.html"],
    "/CAFÉ-news/": ["~old/caf~c3~a9-news/index.html"],
    "/a b/": ["~old/a~20b/index.html"],
    "/old/index.html": ["old/index.html", "~old/old/index.html"],
    "/?p=123": ["~old/~3fp~3d123"],
    "/?utm_source=x&p=123": ["~old/~3fp~3d123"],
    "/index.php?Story=A%2FB": ["~old/index.php~3fstory~3da/b"],
    "/show.asp?kind=2&no=1": ["~old/show.asp~3fkind~3d2~26no~3d1"],
    "/articles/Storm_Of_2011/": ["~old/articles/storm_of_2011/index.html"],
    "/articles/2011/09/storm/": ["~old/articles/2011/09/storm/index.html"],
}


@pytest.mark.parametrize("typed", SPELLINGS)
def test_an_old_address_redirects_in_any_spelling(room: Newsroom, typed: str) -> None:
    room.publish("a-story", aliases=[typed])
    keys = {key for key in room.site.outputs if target(room, key)}
    assert keys == set(SPELLINGS[typed])
    assert {target(room, key) for key in keys} == {"/articles/a-story/"}
    assert [w for w in room.state("a-story")["warnings"] if w["key"] == "aliases"] == []
    room.publish("a-story")
    assert {key for key in room.site.outputs if target(room, key)} == set()


def test_an_old_slug_in_capitals_leads_to_the_slug(room: Newsroom) -> None:
    room.publish("a-story", aliases=["/articles/Old-Name/"])
    assert target(room, "articles/old-name/~public/index.html") == "/articles/a-story/"
    assert target(room, "~old/articles/old-name/index.html") == "/articles/old-name/"


@pytest.mark.parametrize("typed", ["/?x=1", "/old/?x=1", "/?utm_source=a"])
def test_a_query_that_tells_no_page_apart_is_warned_of(typed: str) -> None:
    assert read([typed]) == ((), [(4, "aliases", "alias-unreachable")])


def test_addresses_have_one_spelling() -> None:
    same = ["/Old_Name", "/old%5Fname/", "/OLD_NAME/index.html", "/old_name/?utm_source=x"]
    assert {old_address(typed) for typed in same} == {"/old_name/"}
    assert old_address("/e\u0301t\u00e9/") == old_address("/%C3%89T%C3%89")
    assert old_address("/~public/") == "/~7epublic/"
    for bad in ("", "old", "/a//b", "/a/../b", "/%2e%2e/b", "/a\\b", "/a%5cb", "/a%", "/%ff", "/a%00", "/" + "é" * 300):
        assert old_address(bad) == "", bad


def test_no_alias_changes_what_the_site_owns(room: Newsroom) -> None:
    """Not even one that an earlier version accepted, whose entry is still in the table."""
    room.publish("a-story", "Copper")
    owned = [path for path in OWNED if not path.startswith(("/topics", "/authors"))]
    for path in owned:
        key = path[1:] + ("index.html" if path.endswith("/") else "")
        if key not in room.site.outputs:
            room.ports.site.put(Output(key, b"owned", "text/plain"), ANY)
    kept = dict(room.site.outputs)
    for path in owned:
        room.deliver([RelistRequested(f"alias:{path}")])
        room.process_all()
    assert {key: output.body for key, output in room.site.outputs.items() if not key.startswith("~old/")} == {
        key: output.body for key, output in kept.items()
    }


def test_reconcile_asks_the_owner_to_repair_a_path() -> None:
    expected: dict[str, Any] = {
        "/": "all",
        "/archive/2026/11/": "all",
        "/corrections/": "corrections",
        "/topics/energy/": "topic:energy",
        "/robots.txt": "",
        "/signin/": "",
        "/membership/thanks/": "",
        "/about/": "alias:/about/",
        "/2019/old.html": "alias:/2019/old.html",
        "/~old/2019/old.html": "alias:/2019/old.html",
        "/~old/~3fp~3d1": "alias:/~3fp~3d1",
        "/~old/articles/old-name/": "alias:/~old/articles/old-name/",
        "/~old/articles/old_name/": "alias:/articles/old_name/",
    }
    assert {path: list_of_path(path) for path in expected} == expected


# --- Two drafts, or a page, with one address ---


def warned(room: Newsroom, slug: str) -> list[tuple[int, str]]:
    """Return line and message of the warnings of a draft's aliases."""
    return [(w["line"], w["message"]) for w in room.state(slug)["warnings"] if w["key"] == "aliases"]


@pytest.mark.parametrize("address", ["/shared-old/", "/?p=7", "/articles/shared-old/"])
def test_the_first_draft_keeps_an_alias_and_the_other_is_warned(room: Newsroom, address: str) -> None:
    key = {"/?p=7": "~old/~3fp~3d7", "/shared-old/": "shared-old/index.html"}.get(
        address, "articles/shared-old/~public/index.html"
    )
    room.publish("zebra", "First", aliases=[address])
    room.now += timedelta(minutes=1)
    room.publish("ant", "Second", aliases=[address])
    assert target(room, key) == "/articles/zebra/"
    [(line, message)] = warned(room, "ant")
    assert line > 1
    assert "drafts/zebra.md" in message
    assert warned(room, "zebra") == []
    room.publish("zebra", "First, again", aliases=[address])
    room.publish("zebra", "First", aliases=[address], tags=["new"])
    assert target(room, key) == "/articles/zebra/"
    room.file("drafts/zebra.md", None)
    assert target(room, key) == "/articles/ant/"
    assert warned(room, "ant") == []


def test_a_rejected_version_keeps_the_alias_of_what_is_live(room: Newsroom) -> None:
    room.publish("zebra", "First", aliases=["/old/"])
    room.file("drafts/zebra.md", "---\ndek: No title.\naliases: [/old/]\n---\n")
    room.now += timedelta(minutes=1)
    room.publish("ant", "Second", aliases=["/old/"])
    assert target(room, "old/index.html") == "/articles/zebra/"


def test_an_alias_that_a_page_has_is_warned_of(room: Newsroom) -> None:
    room.publish("zebra", "First", aliases=["/contact/"])
    assert warned(room, "zebra") == []
    room.file("pages/contact.md", "---\ntitle: Contact\n---\nText.\n")
    [(line, message)] = warned(room, "zebra")
    assert line > 1
    assert "pages/contact.md" in message
    assert not target(room, "contact/index.html")


def test_check_and_build_warn_of_shared_aliases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drafts = {
        "drafts/beta.md": "title: B\ndate: 2024-01-02\naliases: [/one/, /contact/, /articles/alpha/]\n",
        "drafts/gamma.md": "title: C\ndate: 2024-01-02\naliases:\n- /ONE\n- /two/\n",
        "drafts/alpha.md": "title: A\ndate: 2024-01-02\n",
        "pages/contact.md": "title: Contact\n",
    }
    for name, matter in drafts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"---\n{matter}---\nText.\n")
    for command in (["check", str(tmp_path)], ["build", "--drafts", str(tmp_path), "--out", str(tmp_path / "out")]):
        assert main(command) == 0
        told = "".join(capsys.readouterr())
        for place, holder in (
            ("beta.md:4", "pages/contact.md"),
            ("beta.md:4", "drafts/alpha.md"),
            ("gamma.md:5", "drafts/beta.md"),
        ):
            assert [line for line in told.splitlines() if place in line and f"{holder} has it" in line], (place, told)
        assert told.count("has it") == 3
