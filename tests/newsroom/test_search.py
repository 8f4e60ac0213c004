"""The search: what is found, what is not, and how the newest part and the archive complete each other."""

from __future__ import annotations

import gzip
import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nightdesk.adapters.pagefind import index_pages
from nightdesk.domain.events import ArticleGated, SearchDue
from nightdesk.domain.site_paths import SEARCH_ARCHIVE, is_uncached
from nightdesk.entrypoints.folder_build import Options, build
from nightdesk.ports import Output
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.search_entries import page_for_indexer, plain_text, spaced
from nightdesk.stages.search import SearchBatch
from nightdesk.usecases.editors.takedown import surfaces
from nightdesk.usecases.pipeline import search_archive
from nightdesk.usecases.pipeline.search_recent import indexed_in
from nightdesk_local.edge_runtime import node_binary
from simulation.messages import fake_index
from support.memory_newsroom import NOW, Newsroom

THEME = Path(__file__).resolve().parents[2] / "layers" / "theme"
GATED = """Free words here.[^1]

::: gate tier=member teaser="What the pilots said."
The canary-obsidian log.
:::

[^1]: A free note.
"""


def recent(room: Newsroom) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(room.site.outputs["search/recent.json"].body)["articles"]
    return found


def archived(room: Newsroom) -> dict[str, str]:
    """Return the text of each article that the archive has, by slug."""
    files = {k: o.body for k, o in room.site.outputs.items() if k.startswith(f"{SEARCH_ARCHIVE}fragment/")}
    found = [json.loads(gzip.decompress(body).removeprefix(b"pagefind_dcd")) for body in files.values()]
    return {fragment["url"].split("/")[2]: fragment["content"] for fragment in found}


def index_archive(room: Newsroom) -> None:
    room.deliver([SearchDue()])
    room.process_all()


def test_a_new_article_is_found_at_once(room: Newsroom) -> None:
    room.file("authors/robo.md", "---\nname: Robo\nkind: ai\n---\n")
    room.publish("tide", "High tide", GATED, dek="It rose.", authors=["ada", "robo"], topics=["energy", "ports"])
    entry = recent(room)["tide"]
    assert {k: v for k, v in entry.items() if k not in ("iso", "digest")} == {
        "url": "/articles/tide/", "title": "High tide", "dek": "It rose.", "date": "1 November 2026", "language": "en",
        "authors": ["Ada", "Robo (AI persona)"], "topics": ["Energy", "Ports"],
        "text": "Free words here. What the pilots said. A free note.",
    }  # fmt: skip
    assert archived(room) == {}


def test_corrected_text_is_current_and_withdrawn_text_is_gone(room: Newsroom) -> None:
    room.publish("tide", "High tide", "It rose by canary-agate feet.")
    room.publish("ebb", "Ebb")
    index_archive(room)
    assert recent(room) == {}
    assert "canary-agate" in archived(room)["tide"]
    room.publish("tide", "High tide", "It rose by two metres.")
    assert recent(room)["tide"]["text"] == "It rose by two metres."
    index_archive(room)
    assert recent(room) == {}
    assert "two metres" in archived(room)["tide"]
    room.file("drafts/tide.md", None)
    assert set(archived(room)) == {"ebb"}, "a gone article is taken out of the archive at once"
    assert "tide" not in recent(room)
    assert not any(
        b"two metres" in gzip_or_plain(o.body) for k, o in room.site.outputs.items() if k.startswith("search/")
    )


def gzip_or_plain(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def test_a_gone_article_that_only_the_newest_part_knew_leaves_no_trace(room: Newsroom) -> None:
    room.publish("tide")
    room.file("drafts/tide.md", None)
    room.publish("later", date=(NOW + timedelta(days=1)).isoformat())
    room.publish("draft", draft=True)
    assert recent(room) == {}


def test_much_change_has_the_archive_indexed_again(theme: Theme) -> None:
    room, notes = Newsroom(theme), []
    for number in range(3):
        room.publish(f"a{number}")

    def update(slug: str) -> None:
        batch = SearchBatch(room.ports, theme, fake_index, lambda what, /, **facts: notes.append((what, facts)), most=2)
        batch.handle(ArticleGated(slug, "live", []))
        batch.finish()

    update("a0")
    assert notes == [("search indexed", {"articles": 3})]
    update("a1")
    assert len(notes) == 1
    assert set(archived(room)) == {"a0", "a1", "a2"}


@pytest.mark.parametrize(("hours", "archive", "again"), [(0, 100, False), (2, 100, True), (0, 5, True)])
def test_the_archive_rests_between_two_times_unless_it_would_grow_much(
    theme: Theme, hours: int, archive: int, again: bool
) -> None:
    room = Newsroom(theme)
    for number in range(3):
        room.publish(f"a{number}")
    known = {f"old-{number}": ["digest", f"fragment/{number}"] for number in range(archive)}
    body = json.dumps({"articles": known}).encode()
    room.bare.private.put(Output("search/archive.json", body, "application/json"), None)
    room.now += timedelta(hours=hours)
    batch = SearchBatch(room.ports, theme, fake_index, most=2)
    batch.handle(ArticleGated("a0", "live", []))
    batch.finish()
    assert (set(archived(room)) == {"a0", "a1", "a2"}) is again


def test_what_changes_while_the_archive_is_indexed_is_found(room: Newsroom) -> None:
    room.publish("tide", "Tide", "One.")
    index_archive(room)
    room.publish("tide", "Tide", "Two.")
    room.publish("ebb", "Ebb", "Ebbing.")

    def index(pages: Any, language: str) -> dict[str, bytes]:
        # Their own messages find nothing to do: the old archive has this text of the one, and has never had the other.
        room.publish("tide", "Tide", "One.")
        room.file("drafts/ebb.md", None)
        assert recent(room) == {}
        return fake_index(pages, language)

    assert search_archive.rebuild_archive(room.ports, room.theme, index) == 2
    assert recent(room)["tide"]["text"] == "One."
    assert recent(room)["ebb"] is None
    assert set(archived(room)) == {"tide"}


def test_of_two_runs_at_once_one_gives_up(room: Newsroom) -> None:
    room.publish("tide")

    def index(pages: Any, language: str) -> dict[str, bytes]:
        assert search_archive.rebuild_archive(room.ports, room.theme, fake_index) == 1
        return {**fake_index(pages, language), "pagefind-entry.json": b"[]"}

    assert search_archive.rebuild_archive(room.ports, room.theme, index) == -1
    assert room.site.outputs[f"{SEARCH_ARCHIVE}pagefind-entry.json"].body != b"[]"


def test_only_files_that_changed_are_written_and_old_ones_go(room: Newsroom) -> None:
    for number in range(5):
        room.publish(f"a{number}", f"A{number}")
    index_archive(room)
    before = {k: room.bare.site.stat(k) for k in room.site.outputs if k.startswith(SEARCH_ARCHIVE)}
    room.publish("a0", "Another title")
    index_archive(room)
    after = {k: room.bare.site.stat(k) for k in room.site.outputs if k.startswith(SEARCH_ARCHIVE)}
    assert len(after) == len(before)
    changed = {key for key, stat in after.items() if before.get(key) != stat}
    assert len(changed) == 2, "one text, and the file that leads to all"
    known = indexed_in(room.bare.private.get("search/archive.json").body)  # type: ignore[union-attr]
    assert {SEARCH_ARCHIVE + entry.file for entry in known.values()} <= set(after)


def test_no_cache_holds_what_the_search_reads(room: Newsroom) -> None:
    room.publish("tide")
    index_archive(room)
    files = [key for key in room.site.outputs if key.startswith("search/") and key != "search/index.html"]
    assert len(files) > 2
    for key in files:
        assert is_uncached(f"/{key}")
        assert room.site.outputs[key].cache_control == "no-cache"
    assert not is_uncached("/search/")


def test_the_newest_part_finds_words_as_the_archive_does() -> None:
    source = (THEME / "static" / "search.js").read_text("utf-8")
    words = source[source.index("  const CJK =") : source.index("  const element =")]
    match = source[source.index("  const match =") : source.index("  // Returns pieces of text")]
    found = {
        "Łódź": ["lodz", "Łód"], "Smørrebrød, Straße": ["smorrebrod", "strasse"], "L’Œuvre d’été": ["oeuvre", "ete"],
        "في الميناء والبحر": ["ميناء", "الميناء"], "للميناء": ["ميناء"], "Ελλάδα": ["ελλαδα"], "渡轮服务": ["轮服"],
    }  # fmt: skip
    missed = {"Harbour": ["arbour"], "مالي": ["الم"]}
    program = f"""{words}{match}
        const finds = (text, word) => match({{title: text, dek: "", authors: [], topics: [], text: ""}}, [wordOf(word)]) !== null;
        const finding = (texts) => Object.entries(texts).flatMap(([text, words]) => words.map((word) => finds(text, word)));
        console.log(JSON.stringify([finding({json.dumps(found)}), finding({json.dumps(missed)})]));"""
    done = subprocess.run([str(node_binary()), "-e", program], capture_output=True, text=True, check=True)
    assert [set(each) for each in json.loads(done.stdout)] == [{True}, {False}]


def test_text_is_plain_and_its_words_are_apart() -> None:
    html = (
        '<p>A &lt;b&gt;<sup><a href="#note-1">1</a></sup></p><ul><li>one</li><li>two</li></ul>'
        '<p><em>T.</em> <a class="gate-link" href="https://x.example/#gate-1">Become a member</a></p>'
    )
    assert plain_text(html) == "A <b> one two T."
    assert spaced("北京 news, カナ語と한국어") == "北 京 news, カ ナ 語 と한국어"


def test_nothing_in_an_entry_becomes_markup_for_the_indexer() -> None:
    hostile = '"><script>x</script> data-pagefind-filter="a:b"'
    fields = dict.fromkeys(("url", "title", "dek", "date", "iso", "language", "text"), hostile)
    page = page_for_indexer({**fields, "authors": [hostile], "topics": [hostile]}, ", ")
    assert "<script" not in page
    assert page.count("<main") == page.count("<h1") == 1
    assert page.count(' data-pagefind-filter="') == 3


@pytest.fixture(scope="module")
def site(theme: Theme, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the search in a site that was built with Pagefind itself."""
    drafts, out = tmp_path_factory.mktemp("drafts"), tmp_path_factory.mktemp("out")
    (drafts / "drafts").mkdir()
    for name, title, text in (
        ("tide", "High tide", GATED), ("bei", "海港", "渡轮服务周二恢复。"), ("arabic", "الميناء", "استأنفت العبّارة رحلاتها."),
    ):  # fmt: skip
        head = f"title: {title}\ndate: 2026-11-01\ntopics: [energy, 'Ports, old']\nauthors: [ada]\n"
        (drafts / "drafts" / f"{name}.md").write_text(f"---\n{head}---\n{text}\n", "utf-8")
    (drafts / "drafts" / "closed.md").write_text(
        "---\ntitle: Closed\ndate: 2026-11-01\naccess: member\n---\nThe canary-obsidian book.\n"
    )
    build(drafts, out, theme, datetime(2026, 11, 23, tzinfo=UTC), Options("https://desk.example"))
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in (out / "search").rglob("*") if p.is_file()}


def test_a_built_site_can_be_searched(site: dict[str, bytes]) -> None:
    assert json.loads(site["search/recent.json"]) == {"archive": True, "articles": {}}
    entry = json.loads(site["search/archive/pagefind-entry.json"])
    assert entry["languages"]["en"]["page_count"] == 4
    assert {"search/index.html", "search/archive/pagefind.js", "search/archive/wasm.en.pagefind"} <= set(site)
    assert not [name for name in site if "ui." in name or "worker" in name]
    page = site["search/index.html"].decode()
    assert 'action="/#months-title"' in page, "without scripts, the form leads to the archive"
    assert "<noscript>" in page


def test_pagefinds_files_are_as_they_are_read_here(site: dict[str, bytes]) -> None:
    archive = {k.removeprefix("search/archive/"): v for k, v in site.items() if k.startswith("search/archive/")}
    files = search_archive.files_of_articles(archive)
    assert set(files) == {"tide", "bei", "arabic", "closed"}
    fragment = json.loads(gzip.decompress(archive[files["tide"]]).removeprefix(b"pagefind_dcd"))
    assert fragment["filters"] == {"author": ["Ada"], "topic": ["Energy", "Ports, old"], "year": ["2026"]}
    assert fragment["meta"]["url"] == "/articles/tide/"
    assert fragment["meta"]["date"] == "1 November 2026"
    assert "渡 轮" in json.loads(gzip.decompress(archive[files["bei"]]).removeprefix(b"pagefind_dcd"))["content"]


def test_no_gated_text_is_in_any_file_of_the_search(site: dict[str, bytes]) -> None:
    for name, body in site.items():
        assert b"obsidian" not in gzip_or_plain(body), name
        assert b"canary" not in gzip_or_plain(body), name


def test_an_index_of_unknown_language_is_made() -> None:
    page = page_for_indexer(
        {"url": "/articles/a/", "title": "T", "dek": "", "date": "", "iso": "2026", "language": "xx", "text": "Word.", "authors": [], "topics": []}, ", "
    )  # fmt: skip
    assert "pagefind-entry.json" in index_pages({"a": page}, "xx-Latn")


def test_a_takedown_looks_at_what_the_search_has(room: Newsroom) -> None:
    room.publish("tide", "High tide", GATED)
    assert "/search/recent.json" in {place.path for place in surfaces("tide", room.ports)}
    index_archive(room)
    [file] = [place for place in surfaces("tide", room.ports) if place.path.startswith("/search/archive/fragment/")]
    assert file.path.removeprefix("/") in room.site.outputs
    room.file("drafts/tide.md", None)
    assert file.path.removeprefix("/") not in room.site.outputs


def test_a_takedown_tells_an_articles_items_from_links_to_it(room: Newsroom) -> None:
    room.file("site.yaml", "base_url: https://quay.example\n")
    room.publish("tide", "High tide")
    room.publish("other", "Other", "See [the tide](/articles/tide/), at /articles/tide/.")
    places = {place.path: place for place in surfaces("tide", room.ports) if place.needle}
    kinds = {"/feed.xml", "/feed.json", "/topics/energy/feed.xml", "/search/recent.json", "/sitemap/2026-11.xml", "/"}
    assert {path for path in kinds if places[path].needle in room.page(path)} == kinds
    room.file("drafts/tide.md", None)
    assert "/articles/tide/" in room.page("/feed.json")
    assert not {path for path in kinds if places[path].needle in room.page(path)}


def test_the_search_page_describes_itself(room: Newsroom) -> None:
    assert '<meta name="description" content="Search all articles of Nightdesk' in room.page("/search/")
