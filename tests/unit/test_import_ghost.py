"""`nightdesk import ghost`: visibility and paywalls, cards, images, members, routes, and exports that are cut off."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk_cli.importing.html_text import html_to_markdown
from support.importing import (
    PNG,
    draft,
    front_matter_of,
    import_from,
    notes,
    peak_of_import,
    snapshot,
    text_of,
    write_tree,
    write_zip,
)


def row(number: int, slug: str, **values: Any) -> dict[str, Any]:
    return {
        "id": f"post{number}",
        "title": slug.title(),
        "slug": slug,
        "html": "<p>Text.</p>",
        "type": "post",
        "status": "published",
        "visibility": "public",
        "published_at": "2022-03-04T05:06:07.000Z",
        **values,
    }


def export(posts: list[dict[str, Any]], **tables: Any) -> str:
    data = {
        "posts": posts,
        "tags": [
            {"id": "t1", "name": "The Sea", "slug": "sea", "description": "All of it", "visibility": "public"},
            {"id": "t2", "name": "#internal", "slug": "hash-internal", "visibility": "internal"},
        ],
        "posts_tags": [
            {"post_id": "post1", "tag_id": "t2", "sort_order": 0},
            {"post_id": "post1", "tag_id": "t1", "sort_order": 1},
        ],
        "users": [
            {
                "id": "u1",
                "name": "Ada Lindqvist",
                "slug": "ada",
                "email": "ada@secret.example",
                "bio": "Sails.",
                "profile_image": "__GHOST_URL__/content/images/ada.png",
            }
        ],
        "posts_authors": [{"post_id": "post1", "author_id": "u1", "sort_order": 0}],
        "settings": [{"key": "title", "value": "Skerry"}, {"key": "timezone", "value": "Europe/Oslo"}],
        **tables,
    }
    return json.dumps({"db": [{"meta": {"version": "5.0"}, "data": data}]})


def site(
    tmp_path: Path, posts: list[dict[str, Any]], tables: dict[str, Any] | None = None, **files: str | bytes
) -> Path:
    return write_tree(tmp_path / "site", {"skerry.ghost.json": export(posts, **(tables or {})), **files})


def test_a_post_with_its_people_topics_and_address(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        [row(1, "storm", feature_image="__GHOST_URL__/content/images/2022/03/a.png", custom_excerpt="Why.")],
        {"posts_meta": [{"post_id": "post1", "feature_image_alt": "Waves", "feature_image_caption": "By <b>Ada</b>"}]},
        **{"content/images/2022/03/a.png": PNG, "content/images/ada.png": PNG},
    )
    report = import_from("ghost", root, tmp_path / "out")
    found = draft(tmp_path / "out", "storm")
    assert (found.title, found.dek, found.date) == ("Storm", "Why.", "2022-03-04T05:06:07+00:00")
    assert found.aliases == ("/storm/",)
    assert (found.authors, found.topics) == ((("ada", ""),), (("sea", ""),))
    assert found.hero == {"src": "a.png", "alt": "Waves", "caption": "By Ada", "credit": "", "source_type": ""}
    assert "portrait: ada.png" in (tmp_path / "out/authors/ada.md").read_text()
    assert "secret.example" not in "".join(
        raw.decode("utf-8", "replace") for raw, _ in snapshot(tmp_path / "out").values()
    )
    assert report.counts["topics"] == 1


@pytest.mark.parametrize(
    ("values", "is_draft", "access", "tiers"),
    [
        ({"visibility": "members"}, False, "subscriber", [""]),
        ({"visibility": "paid"}, False, "member", [""]),
        ({"visibility": "tiers"}, False, "member", [""]),
        ({"visibility": "something new"}, False, "member", [""]),
        (
            {"visibility": "members", "html": "<p>A</p><!--members-only--><p>B</p>"},
            False,
            "public",
            ["", "subscriber", ""],
        ),
        (
            {"visibility": "paid", "html": "<div><p>A</p><!--members-only--><p>B</p></div><p>C</p>"},
            False,
            "public",
            ["", "member", ""],
        ),
        ({"visibility": "public", "html": "<p>A</p><!--members-only--><p>B</p>"}, False, "public", [""]),
        ({"status": "draft", "published_at": None}, True, "public", [""]),
        ({"status": "sent"}, True, "public", [""]),
        ({"type": "page", "visibility": "paid"}, True, "member", [""]),
        ({"type": "page", "status": "draft"}, True, "public", [""]),
    ],
)
def test_who_may_read_what(
    tmp_path: Path, values: dict[str, Any], is_draft: bool, access: str, tiers: list[str]
) -> None:
    import_from("ghost", site(tmp_path, [row(1, "storm", **values)]), tmp_path / "out")
    found = draft(tmp_path / "out", "storm")
    assert (found.draft, found.access) == (is_draft, access)
    assert [passage.tier for passage in found.passages] == tiers
    if len(tiers) > 1:
        assert "B" not in found.passages[0].source + found.passages[2].source
    assert not (tmp_path / "out/pages").exists()


def test_a_post_that_was_only_mailed_is_no_article(tmp_path: Path) -> None:
    root = site(tmp_path, [row(1, "letter")], {"posts_meta": [{"post_id": "post1", "email_only": 1}]})
    import_from("ghost", root, tmp_path / "out")
    assert draft(tmp_path / "out", "letter").draft


def test_cards_become_markdown(tmp_path: Path) -> None:
    html = """
<figure class="kg-card kg-image-card"><img src="__GHOST_URL__/content/images/size/w600/2022/03/a.png" srcset="x 1w" alt="Waves"><figcaption>At <em>noon</em></figcaption></figure>
<figure class="kg-card kg-gallery-card"><div class="kg-gallery-row"><img src="__GHOST_URL__/content/images/2022/03/b.png"><img src="__GHOST_URL__/content/images/2022/03/a.png"></div><figcaption>Both</figcaption></figure>
<figure class="kg-card kg-embed-card"><iframe src="https://www.youtube.com/embed/abc?feature=oembed" title="Speech"></iframe></figure>
<figure class="kg-card kg-bookmark-card"><a class="kg-bookmark-container" href="https://paper.example/x"><div class="kg-bookmark-title">The paper</div><div class="kg-bookmark-description">Long</div></a></figure>
<div class="kg-card kg-toggle-card"><div class="kg-toggle-heading"><h4 class="kg-toggle-heading-text">Why?</h4></div><div class="kg-toggle-content"><p>Because.</p></div></div>
<div class="kg-card kg-button-card"><a href="https://shop.example/" class="kg-btn">Buy</a></div>
<div class="kg-card kg-signup-card"><form>Join</form></div>
<pre><code class="language-python">print("```")</code></pre>
<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>
<table><tr><td colspan="2">Wide</td></tr></table>
<blockquote>We saw it.</blockquote><p>::: gate tier=member</p><p>Stars * and _lines_ [x]</p>
<p>Note<sup class="footnote-ref"><a href="#fn1" id="fnref1">[1]</a></sup> <a href="__GHOST_URL__/other/">link</a></p>
<script>alert(1)</script>
<section class="footnotes"><ol class="footnotes-list"><li id="fn1" class="footnote-item"><p>The note. <a href="#fnref1" class="footnote-backref">↩︎</a></p></li></ol></section>
"""
    root = site(
        tmp_path,
        [row(1, "storm", html=html), row(2, "other")],
        **{"content/images/2022/03/a.png": PNG, "content/images/2022/03/b.png": PNG + b"b"},
    )
    report = import_from("ghost", root, tmp_path / "out")
    text = text_of(tmp_path / "out", "storm")
    for expected in (
        '<figure>\n<img src="a.png" alt="Waves">\n<figcaption>At <em>noon</em></figcaption>\n</figure>',
        "![](b.png)\n\n![](a.png)\n\nBoth",
        "[Speech](https://www.youtube.com/watch?v=abc)",
        "[The paper](https://paper.example/x)",
        "**Why?**\n\nBecause.",
        "[Buy](https://shop.example/)",
        '````python\nprint("```")\n````',
        "| A | B |\n| --- | --- |\n| 1 | 2 |",
        'colspan="2">Wide',
        "> We saw it.",
        "\\::: gate tier",
        "Stars \\* and \\_lines\\_ \\[x\\]",
        "Note[^1] [link](/articles/other/)",
        "[^1]: The note.",
    ):
        assert expected in text, expected
    assert "alert" not in text
    assert "Join" not in text
    assert len(notes(report, "lost", "sign-up form")) == 1
    assert len(notes(report, "lost", "<script>")) == 1
    assert len(draft(tmp_path / "out", "storm").passages) == 1


LONG = "word " * 40 + "end"
PRODUCT = f"""<div class="kg-product-card"><div><img src="/p.png"><h4 class="kg-product-card-title"><span>A</span></h4><div><p>{LONG}</p></div>
<a href="/s" class="kg-product-card-button"><span>Buy</span></a></div></div>"""
FILE = """<div class="kg-file-card"><a href="/f.pdf" title="Download"><div class="kg-file-card-title">A</div><div class="kg-file-card-caption">B</div>
<div class="kg-file-card-metadata">1 MB</div></a></div>"""
BOOKMARK = f"""<figure class="kg-bookmark-card"><a href="/b"><div class="kg-bookmark-title">{LONG}</div><div>C</div></a>
<figcaption><p>D <a href="/e">e</a></p></figcaption></figure>"""
VIDEO = """<figure class="kg-video-card"><div><video src="/m/a.mp4"></video><div class="kg-video-player-container"><span>0:00</span><div>/<span>0:12</span>
</div></div></div><figcaption>B</figcaption></figure>"""
AUDIO = """<div class="kg-audio-card"><audio src="/m/a.mp3"></audio><div class="kg-audio-title">A</div><div class="kg-audio-player">0:00</div></div>"""
CALLOUT = """<div class="kg-callout-card"><div class="kg-callout-emoji">💡</div><div class="kg-callout-text">A <b>b</b></div></div>"""
TOGGLE = f"""<div class="kg-toggle-card"><h4 class="kg-toggle-heading-text">{LONG} <a href="/b">b</a></h4><div class="kg-toggle-content"><p>C</p></div></div>"""


@pytest.mark.parametrize(
    ("card", "text"),
    [
        (PRODUCT, f"![](/p.png)\n\n**A**\n\n{LONG}\n\n[Buy](/s)"),
        (FILE, "[A](/f.pdf)\n\nB"),
        (BOOKMARK, f"[{LONG}](/b)\n\nD [e](/e)"),
        (VIDEO, "[a.mp4](/m/a.mp4)\n\nB"),
        (AUDIO, "[A](/m/a.mp3)"),
        (CALLOUT, "> 💡 A **b**"),
        (TOGGLE, f"**{LONG} [b](/b)**\n\nC"),
    ],
)
def test_cards_keep_their_whole_text_and_lose_their_controls(card: str, text: str) -> None:
    assert html_to_markdown(card, lambda *_: None).strip() == text


def test_a_footnote_behind_the_paywall_stays_behind_it(tmp_path: Path) -> None:
    html = (
        '<p>Free<sup><a href="#fn1">1</a></sup></p><!--members-only--><p>Paid<sup><a href="#fn2">2</a></sup></p>'
        '<section class="footnotes"><ol><li id="fn1">Open note</li><li id="fn2">Hidden note</li></ol></section>'
    )
    import_from("ghost", site(tmp_path, [row(1, "storm", html=html, visibility="paid")]), tmp_path / "out")
    free, gate, rest = draft(tmp_path / "out", "storm").passages
    assert "Open note" in free.source
    assert "Hidden note" in gate.source
    assert "Hidden" not in free.source + rest.source


def test_a_paywall_that_gets_lost_hides_the_whole_post(tmp_path: Path) -> None:
    html = "<p>A</p><script><!--members-only--></script><p>B</p>"
    import_from("ghost", site(tmp_path, [row(1, "storm", html=html, visibility="paid")]), tmp_path / "out")
    assert draft(tmp_path / "out", "storm").access == "member"


def test_members_come_as_a_table(tmp_path: Path) -> None:
    table = (
        "id,email,name,subscribed_to_emails,complimentary_plan,created_at,deleted_at,tiers\n"
        "1,paid@x.example,=Eve,true,false,2022-01-01,,Gold\n2,free@x.example,Bo,false,false,2022-01-01,,\n3,gone@x.example,X,true,,,2022-02-02,\n"
    )
    root = site(tmp_path, [row(1, "storm")], **{"members.2022.csv": table})
    report = import_from("ghost", root, tmp_path / "out")
    path = tmp_path / "out/members.csv"
    rows = list(csv.DictReader(path.open()))
    assert [(each["email"], each["tier"], each["newsletter"]) for each in rows] == [
        ("paid@x.example", "member", "true"),
        ("free@x.example", "subscriber", "false"),
    ]
    assert rows[0]["name"] == "'=Eve"
    assert path.stat().st_mode & 0o077 == 0
    assert report.counts["members"] == 2


def test_routes_and_redirects(tmp_path: Path) -> None:
    routes = 'collections:\n  /news/:\n    permalink: /news/{year}/{slug}/\n    filter: "tag:sea"\n  /:\n    permalink: /{primary_author}/{slug}/\n'
    redirects = json.dumps(
        [{"from": "^/Old-Storm/?$", "to": "/news/2022/storm/"}, {"from": "^/x/(.*)$", "to": "/y/$1"}]
    )
    root = site(
        tmp_path,
        [row(1, "storm"), row(2, "calm", author_id="u1")],
        **{"routes.yaml": routes, "redirects.json": redirects},
    )
    report = import_from("ghost", root, tmp_path / "out")
    assert "- /news/2022/storm/\n- /Old-Storm/" in front_matter_of(tmp_path / "out", "storm")
    assert "- /ada/calm/" in front_matter_of(tmp_path / "out", "calm")
    assert len(notes(report, "lost", "a redirect")) == 1


def test_redirects_to_topics_pages_and_other_redirects(tmp_path: Path) -> None:
    rules = {
        "/sea-old": "/tag/sea/",
        "/us": "/about/",
        "/a/": "/B",
        "/b/": "/storm/?ref=1",
        "/x": "/x",
        "/y": "/nowhere/",
    }
    redirects = json.dumps([{"from": old, "to": new} for old, new in rules.items()])
    posts = [row(1, "storm"), row(2, "about", type="page")]
    report = import_from("ghost", site(tmp_path, posts, **{"redirects.json": redirects}), tmp_path / "out")
    assert "- /storm/\n- /a/\n- /b/" in front_matter_of(tmp_path / "out", "storm")
    assert len(notes(report, "lost", "a redirect leads to a page or a list")) == 2
    assert len(notes(report, "lost", "a redirect leads to nothing")) == 2


@pytest.mark.parametrize("visibility", [{"showOnWeb": False, "showOnEmail": True}, {"emailOnly": True}])
def test_cards_that_were_only_mailed_are_taken_out(tmp_path: Path, visibility: dict[str, bool]) -> None:
    nodes = [
        {"type": "html", "html": "<p>canary</p>", "visibility": visibility},
        {"type": "html", "html": "<p>Free.</p>"},
    ]
    posts = [row(1, "storm", html=None, lexical=json.dumps({"root": {"children": nodes}}))]
    report = import_from("ghost", site(tmp_path, posts), tmp_path / "out")
    assert text_of(tmp_path / "out", "storm") == "Free."
    assert len(notes(report, "lost", "a sign-up form or a part for e-mail")) == 1


def test_captions_buttons_and_small_letters_of_cards_are_kept(tmp_path: Path) -> None:
    nodes = [
        {"type": "header", "version": 2, "header": "<span>Head</span>", "buttonEnabled": True, "buttonUrl": "https://b.example", "buttonText": "Go"},
        {"type": "embed", "url": "https://e.example/1", "caption": "<b>Told</b>"},
        {"type": "product", "productTitle": "Lamp", "productUrl": "https://p.example", "productButton": "Buy"},
        {"type": "list", "listType": "number", "start": 3, "children": [{"type": "listitem", "children": [{"type": "text", "text": "Third"}]}]},
        {"type": "paragraph", "children": [{"type": "text", "text": "10"}, {"type": "text", "text": "6", "format": 64}]},
    ]  # fmt: skip
    posts = [row(1, "storm", html=None, lexical=json.dumps({"root": {"children": nodes}}))]
    import_from("ghost", site(tmp_path, posts), tmp_path / "out")
    expected = [
        "## Head",
        "[Go](https://b.example)",
        "[https://e.example/1](https://e.example/1)",
        "**Told**",
        "**Lamp**",
    ]
    expected += ["[Buy](https://p.example)", "3. Third", "10<sup>6</sup>"]
    assert text_of(tmp_path / "out", "storm").split("\n\n") == expected


@pytest.mark.parametrize("cut", [0.2, 0.6, 0.99])
def test_an_export_that_is_cut_off_leaves_nothing_behind(tmp_path: Path, cut: float) -> None:
    whole = export([row(number, f"p{number}") for number in range(50)])
    path = tmp_path / "export.json"
    path.write_text(whole[: int(len(whole) * cut)])
    with pytest.raises(Permanent, match=r"not complete|no Ghost export"):
        import_from("ghost", path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"{}", b"[1]", b'{"data": 5}', b"\xff\xfe\x00", b"<rss/>"])
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "export.json").write_bytes(content)
    with pytest.raises(Permanent):
        import_from("ghost", tmp_path / "export.json", tmp_path / "out")


def test_dates_of_old_exports_and_dates_that_are_none(tmp_path: Path) -> None:
    posts = [
        row(1, "a", published_at=1393286400000),
        row(2, "b", published_at="2014-02-25 00:00:00"),
        row(3, "c", published_at="soon"),
    ]
    report = import_from("ghost", site(tmp_path, posts), tmp_path / "out")
    assert draft(tmp_path / "out", "a").date == draft(tmp_path / "out", "b").date == "2014-02-25T00:00:00+00:00"
    assert len(notes(report, "lost", "date")) == 1


def test_html_that_is_nested_without_end_is_reported(tmp_path: Path) -> None:
    posts = [row(1, "deep", html="<div>" * 5000 + "x"), row(2, "fine")]
    report = import_from("ghost", site(tmp_path, posts), tmp_path / "out")
    assert report.counts["articles"] == 1
    assert [note.file for note in report.with_outcome("lost") if note.post] == ["skerry.ghost.json#deep"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    def archive(count: int) -> Path:
        posts = [row(n, f"p{n}", html="<p>" + "word " * 4000 + "</p>") for n in range(count)]
        return write_zip(tmp_path / f"{count}.zip", {"e.json": export(posts)})

    def peak(count: int) -> int:
        return peak_of_import("ghost", archive(count), tmp_path / f"out{count}", before=archive(1))

    assert peak(80) < peak(8) + 900_000  # the texts of the larger one are 1.4 MB longer


GATED = '<p>Free.</p><!--kg-gated-block:begin nonMember:{0} memberSegment:"{1}" --><p>Shown to some.</p><!--kg-gated-block:end--><p>Free again.</p>'


@pytest.mark.parametrize(
    ("visitors", "segment", "tier"),
    [
        ("true", "status:free,status:-free", ""),
        ("true", "", ""),
        ("false", "status:free,status:-free", "subscriber"),
        ("false", "status:-free", "member"),
        ("false", "", "member"),
    ],
)
def test_blocks_that_only_some_readers_see_become_gates(tmp_path: Path, visitors: str, segment: str, tier: str) -> None:
    card = {"type": "html", "html": "<p>Shown to some.</p>"}
    web = {"nonMember": visitors == "true", "memberSegment": segment}
    free = {"type": "paragraph", "children": [{"type": "text", "text": "Free."}]}
    lexical = {"root": {"type": "root", "children": [free, {**card, "visibility": {"web": web}}, free]}}
    posts = [
        row(1, "html", html=GATED.format(visitors, segment)),
        row(2, "lexical", html="", lexical=json.dumps(lexical)),
        row(3, "page", type="page", html=GATED.format(visitors, segment)),
    ]
    import_from("ghost", site(tmp_path, posts), tmp_path / "out")
    for slug in ("html", "lexical", *(["page"] if tier else [])):
        text = text_of(tmp_path / "out", slug)
        assert (f"::: gate tier={tier}\nShown to some.\n:::" in text) == bool(tier)
        assert text.startswith("Free.")
    assert (tmp_path / "out/pages/page.md").exists() != bool(tier)


def test_a_block_that_is_never_closed_hides_the_rest(tmp_path: Path) -> None:
    text = GATED.format("false", "status:-free").replace("<!--kg-gated-block:end-->", "")
    import_from("ghost", site(tmp_path, [row(1, "gale", html=text)]), tmp_path / "out")
    assert text_of(tmp_path / "out", "gale").partition("::: gate")[0] == "Free.\n\n"


def test_markdown_of_first_versions_and_cards_of_unknown_kinds_are_kept(tmp_path: Path) -> None:
    unknown = {"type": "call-to-action", "textValue": "<p>Read <b>on</b></p>", "buttonUrl": "https://a.example/x"}
    lexical = json.dumps({"root": {"type": "root", "children": [unknown, {"type": "nothing"}]}})
    mobiledoc = json.dumps(
        {"version": "0.3.1", "cards": [["strange", {"title": "Odd"}]], "markups": [], "sections": [[10, 0]]}
    )
    posts = [
        row(1, "old", html=None, markdown="A *b*"),
        row(2, "new", html=None, lexical=lexical),
        row(3, "odd", html=None, mobiledoc=mobiledoc),
    ]
    report = import_from(
        "ghost",
        site(tmp_path, posts, {"posts_tags": [{"post_id": "post1", "tag_id": "t1", "sort_order": "x"}]}),
        tmp_path / "out",
    )
    assert [text_of(tmp_path / "out", slug) for slug in ("old", "odd")] == ["A *b*", "Odd"]
    text = text_of(tmp_path / "out", "new")
    assert all(words in text for words in ("Read **on**", "(https://a.example/x)"))
    assert (len(notes(report, "lost", "nothing")), len(notes(report, "changed", "call-to-action"))) == (1, 1)


def test_a_mark_at_the_head_of_the_file_and_seconds_instead_of_milliseconds_are_read(tmp_path: Path) -> None:
    text = export([row(1, "gale", published_at=1646370000), row(2, "calm", published_at=1646370000000)])
    path = tmp_path / "site.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    import_from("ghost", path, tmp_path / "out")
    assert {draft(tmp_path / "out", slug).date for slug in ("gale", "calm")} == {"2022-03-04T05:00:00+00:00"}


@pytest.mark.parametrize(
    ("date", "is_draft"),
    [("2099-01-01T00:00:00.000Z", False), ("2022-03-04T05:06:07.000Z", True), ("not a date", True), (None, True)],
)
@pytest.mark.parametrize("kind", ["post", "page"])
def test_a_scheduled_post_is_public_at_its_date_and_not_before(
    tmp_path: Path, date: str | None, is_draft: bool, kind: str
) -> None:
    posts = [row(1, "gale", status="scheduled", published_at=date, type=kind)]
    report = import_from("ghost", site(tmp_path, posts), tmp_path / "out")
    assert draft(tmp_path / "out", "gale").draft == (is_draft or kind == "page")
    if kind == "post":
        assert len(notes(report, "changed", "a scheduled post becomes a draft")) == is_draft


def test_authors_and_tags_without_public_posts_get_no_page(tmp_path: Path) -> None:
    tables = {
        "users": [{"id": f"u{n}", "name": f"User {n}", "slug": f"user-{n}", "bio": "Canary."} for n in (1, 2, 3)],
        "tags": [{"id": f"t{n}", "name": f"Tag {n}", "slug": f"tag-{n}"} for n in (1, 2, 3, 4)],
        "posts_authors": [{"post_id": f"post{n}", "author_id": f"u{n}"} for n in (1, 2)],
        "posts_tags": [{"post_id": f"post{n}", "tag_id": f"t{n}"} for n in (1, 2, 3)],
    }
    later = {"status": "scheduled", "published_at": "2099-01-01T00:00:00.000Z"}
    posts = [row(1, "storm"), row(2, "merger", status="draft"), row(3, "later", **later)]
    report = import_from("ghost", site(tmp_path, posts, tables), tmp_path / "out")
    written = {path.name for folder in ("authors", "topics") for path in (tmp_path / "out" / folder).iterdir()}
    assert written == {"user-1.md", "tag-1.md"}
    assert len(notes(report, "skipped", "the old site did not show it")) == 5
    assert not notes(report, "skipped", "that no public article names")
    assert draft(tmp_path / "out", "merger").topics == (("tag-2", ""),)


def test_of_several_exports_the_newest_counts_and_the_others_are_named(tmp_path: Path) -> None:
    def exported(moment: int, slug: str) -> str:
        return export([row(1, slug)]).replace('"version"', f'"exported_on": {moment}, "version"')

    files = {"a.ghost.2023.json": exported(1700000000000, "old"), "b.ghost.2024.json": exported(1710000000000, "new")}
    root = write_tree(tmp_path / "site", {**files, "c.ghost.json": exported(1690000000000, "oldest")})
    report = import_from("ghost", root, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/drafts").iterdir()] == ["new"]
    assert notes(report, "skipped", "an older export") == [
        f"{name}: b.ghost.2024.json" for name in ("a.ghost.2023.json", "c.ghost.json")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_members_come_from_a_table_as_a_spreadsheet_saves_it(tmp_path: Path, encoding: str, mark: str) -> None:
    table = "Email,Name,Tiers\npaid@x.example,Zoë,Gold\nfree@x.example,Bo,\n".replace(",", mark).encode(encoding)
    import_from("ghost", site(tmp_path, [row(1, "storm")], **{"Members.csv": table}), tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out/members.csv").open(encoding="utf-8")))
    assert [(each["name"], each["tier"]) for each in rows] == [("Zoë", "member"), ("Bo", "subscriber")]


def test_tables_that_name_nobody_or_do_not_say_who_pays_are_reported(tmp_path: Path) -> None:
    files = {
        "members.a.csv": "address,name\na@x.example,Bo\n",
        "members.b.csv": "email,stripe_customer_id\na@x.example,cus_1\nb@x.example,\n",
    }
    report = import_from("ghost", site(tmp_path, [row(1, "storm")], **files), tmp_path / "out")
    assert [note.file for note in report.with_outcome("lost")][-1] == "members.a.csv"
    assert len(notes(report, "asked", "does not say who still pays")) == 1
    rows = list(csv.DictReader((tmp_path / "out/members.csv").open()))
    assert [each["tier"] for each in rows] == ["subscriber", "subscriber"]


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ("tag:sea", True),
        ("tag:hash-internal", True),
        ("tags:[sky,sea]", True),
        ("tag:-sea", False),
        ("primary_tag:sea", False),  # an internal tag comes first
        ("primary_tag:-podcast+tag:-sky", True),
        ("primary_tag:podcast,primary_author:ada", True),
        ("tag:sky+(tag:sea,tag:sea)", False),
        ("authors:-[ada,bo]", False),
        ("featured:true", False),
        ("visibility:'public'", True),
        ("published_at:>'2020-01-01'", None),
        ("tag:sea+", None),
        ("(tag:sea", None),
    ],
)
def test_filters_of_routes_decide_about_addresses(tmp_path: Path, wanted: str, holds: bool | None) -> None:
    routes = {"collections": {"/a/": {"permalink": "/a/{slug}/", "filter": wanted}, "/": {"permalink": "/b/{slug}/"}}}
    root = site(tmp_path, [row(1, "storm")], **{"routes.yaml": json.dumps(routes)})
    report = import_from("ghost", root, tmp_path / "out")
    assert draft(tmp_path / "out", "storm").aliases == ("/a/storm/" if holds else "/b/storm/",)
    assert len(notes(report, "lost", "a filter of the routes")) == (holds is None)


def test_addresses_have_the_days_of_the_site_and_its_own_pages_of_tags_and_authors(tmp_path: Path) -> None:
    routes = {
        "routes": {"/podcast/rss/": {"template": "podcast"}},
        "collections": {"/": {"permalink": "/{year}/{month}/{day}/{slug}/", "filter": "tag:sea"}},
        "taxonomies": {"tag": "/topic/{slug}/", "author": "/writers/{slug}/"},
    }
    html = '<p><a href="/topic/sea/">Sea</a> <a href="__GHOST_URL__/writers/ada/">Ada</a></p>'
    posts = [row(1, "storm", html=html, published_at="2023-12-31T23:30:00.000Z"), row(2, "calm")]
    report = import_from("ghost", site(tmp_path, posts, **{"routes.yaml": json.dumps(routes)}), tmp_path / "out")
    assert draft(tmp_path / "out", "storm").aliases == ("/2024/01/01/storm/",)
    assert draft(tmp_path / "out", "calm").aliases == ()
    assert text_of(tmp_path / "out", "storm") == "[Sea](/topics/sea/) [Ada](/authors/ada/)"
    assert notes(report, "skipped", "a page that a route makes") == ["routes.yaml: /podcast/rss/"]


def test_a_site_below_a_path(tmp_path: Path) -> None:
    html = '<p><a href="https://x.example/blog/two/">Two</a> <a href="__GHOST_URL__/tag/sea/">Sea</a></p>'
    redirects = json.dumps([{"from": "/old/", "to": "/two/"}])
    root = site(tmp_path, [row(1, "one", html=html), row(2, "two")], **{"redirects.json": redirects})
    report = import_from("ghost", root, tmp_path / "out", base_url="https://x.example/blog")
    assert draft(tmp_path / "out", "one").aliases == ("/blog/one/",)
    assert draft(tmp_path / "out", "two").aliases == ("/blog/two/", "/blog/old/")
    assert text_of(tmp_path / "out", "one") == "[Two](/articles/two/) [Sea](/topics/sea/)"
    assert not notes(report, "noted", "a link leads to the old site")


@pytest.mark.parametrize("key", ["custom_excerpt", "meta_description"])
def test_a_summary_is_text_and_not_html(tmp_path: Path, key: str) -> None:
    dek = "How the <dialog> element works, AT&amp;T"
    tables = {"posts_meta": [{"post_id": "post1", key: dek}]}
    import_from("ghost", site(tmp_path, [row(1, "storm", **{key: f" {dek}\n"})], tables), tmp_path / "out")
    assert draft(tmp_path / "out", "storm").dek == dek


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"feature_image_alt": "Waves [1]", "feature_image_caption": "By <b>Ada</b>"}, "[Waves \\[1\\]](<{0}>)\n\nBy Ada"),
        ({"feature_image_caption": "By Ada"}, "[By Ada](<{0}>)"),
        ({}, "[{0}](<{0}>)"),
    ],
)  # fmt: skip
def test_a_lead_image_of_another_site_becomes_a_link_above_the_text(
    tmp_path: Path, meta: dict[str, str], expected: str
) -> None:
    address = "https://images.example/a.png?w=1"
    tables = {"posts_meta": [{"post_id": "post1", **meta}]}
    report = import_from("ghost", site(tmp_path, [row(1, "storm", feature_image=address)], tables), tmp_path / "out")
    assert text_of(tmp_path / "out", "storm") == f"{expected.format(address)}\n\nText."
    assert len(notes(report, "changed", "an image on another site became a link")) == 1


def test_what_a_standing_page_cannot_keep_is_reported(tmp_path: Path) -> None:
    given = {"feature_image": "__GHOST_URL__/content/images/a.png", "canonical_url": "https://x.example/about/"}
    report = import_from("ghost", site(tmp_path, [row(1, "about", type="page", **given)]), tmp_path / "out")
    assert len(notes(report, "lost", "standing pages cannot contain images")) == 1
    assert notes(report, "lost", "other keys were removed") == ["skerry.ghost.json#about: canonical_url"]


@pytest.mark.parametrize("base_url", ["", "https://x.example", "https://x.example/blog"])
def test_links_to_the_front_page_lead_to_that_of_the_new_site(tmp_path: Path, base_url: str) -> None:
    addresses = ["__GHOST_URL__", "__GHOST_URL__/", "__GHOST_URL__#top", *([f"{base_url}/"] if base_url else [])]
    html = "".join(f'<p><a href="{address}">x</a></p>' for address in addresses)
    report = import_from("ghost", site(tmp_path, [row(1, "storm", html=html)]), tmp_path / "out", base_url=base_url)
    expected = ["[x](/)", "[x](/)", "[x](/#top)", "[x](/)"]
    assert text_of(tmp_path / "out", "storm").split("\n\n") == expected[: len(addresses)]
    assert not [note for note in report.notes if "a link leads to" in note.kind]


def test_a_post_with_the_address_of_a_tag(tmp_path: Path) -> None:
    routes = json.dumps({"taxonomies": {"tag": "/{slug}/"}})
    report = import_from("ghost", site(tmp_path, [row(1, "sea")], **{"routes.yaml": routes}), tmp_path / "out")
    assert notes(report, "lost", "leads to another post") == [
        "skerry.ghost.json#sea: /sea/ leads to /topics/sea/ already"
    ]


def test_underlines_highlights_and_pairs_of_images_are_kept(tmp_path: Path) -> None:
    texts = [{"type": "text", "text": "low", "format": 8}, {"type": "text", "text": "lit", "format": 128}]
    lexical = {"root": {"children": [{"type": "paragraph", "children": texts}]}}
    pair = {"beforeImage": {"src": "/content/images/a.png"}, "afterImage": {"src": "/content/images/b.png", "alt": "B"}}
    mobiledoc = {
        "cards": [["before-after", {**pair, "caption": "Both"}]],
        "markups": [["u"]],
        "sections": [[10, 0], [1, "p", [[0, [0], 1, "old"]]]],
    }
    posts = [
        row(1, "new", html=None, lexical=json.dumps(lexical)),
        row(2, "old", html=None, mobiledoc=json.dumps(mobiledoc)),
    ]
    files = {"content/images/a.png": PNG, "content/images/b.png": PNG + b"b"}
    import_from("ghost", site(tmp_path, posts, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "new") == "<u>low</u><mark>lit</mark>"
    assert text_of(tmp_path / "out", "old") == "![](a.png)\n\n![B](b.png)\n\nBoth\n\n<u>old</u>"


def test_a_file_with_blanks_in_its_name_becomes_an_attachment(tmp_path: Path) -> None:
    anchor = '<p><a href="__GHOST_URL__/content/files/2024/01/My Report (1).pdf" title="A">r</a></p>'
    files = {
        "site.ghost.2024.json": export([row(1, "a", html=anchor)]),
        "content/files/2024/01/My Report (1).pdf": "%PDF-1.4",
    }
    import_from("ghost", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == '[r](my-report-1.pdf "A")'
    assert (tmp_path / "out/drafts/a/my-report-1.pdf").is_file()
