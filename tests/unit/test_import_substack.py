"""`nightdesk import substack`: audiences and paywalls, footnotes, images, readers, and tables that do not fit the texts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk_cli.importing.html_text import html_to_markdown
from support.importing import PNG, draft, front_matter_of, import_from, notes, text_of, write_tree, write_zip

HEAD = "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url\n"
WALL = '<div class="paywall-jump" data-component-name="PaywallToDOM"></div>'


def line(
    identifier: str, audience: str = "everyone", live: str = "true", title: str = "Harbour", kind: str = "newsletter"
) -> str:
    return f'{identifier},2023-05-06T07:08:09.000Z,{live},,,{kind},{audience},"{title}","Sub, title",\n'


def export(tmp_path: Path, table: str, **files: str) -> Path:
    return write_zip(tmp_path / "export.zip", {"posts.csv": HEAD + table, **files})


@pytest.mark.parametrize(
    ("audience", "live", "body", "expected"),
    [
        ("everyone", "true", "<p>A</p>", (False, "public", [""])),
        ("only_free", "true", "<p>A</p>", (False, "subscriber", [""])),
        ("only_paid", "true", "<p>A</p>", (False, "member", [""])),
        ("founding", "true", "<p>A</p>", (False, "member", [""])),
        ("only_paid", "true", f"<p>A</p>{WALL}<p>B</p>", (False, "public", ["", "member", ""])),
        ("everyone", "false", "<p>A</p>", (True, "public", [""])),
    ],
)
def test_who_may_read_what(
    tmp_path: Path, audience: str, live: str, body: str, expected: tuple[bool, str, list[str]]
) -> None:
    path = export(tmp_path, line("12.harbour", audience, live), **{"posts/12.harbour.html": body})
    import_from("substack", path, tmp_path / "out")
    found = draft(tmp_path / "out", "harbour")
    assert (found.draft, found.access, [passage.tier for passage in found.passages]) == expected
    assert found.dek == "Sub, title"
    assert ("- /p/harbour\n" in front_matter_of(tmp_path / "out", "harbour") + "\n") == (live == "true")


def test_footnotes_images_links_and_widgets(tmp_path: Path) -> None:
    body = """<p>Text<a class="footnote-anchor" data-component-name="FootnoteAnchorToDOM" id="footnote-anchor-1" href="#footnote-1" target="_self">1</a>
and <a href="https://skerry.substack.com/p/other?utm_source=x">other</a>.</p>
<div class="captioned-image-container"><figure><a class="image-link image2" href="https://substackcdn.com/image/fetch/f_auto/https%3A%2F%2Fs3.example%2Fa.png"><div class="image2-inset"><picture><source srcset="x"><img src="https://substackcdn.com/image/fetch/w_1456/https%3A%2F%2Fs3.example%2Fimages%2Fa.png" alt="Quay" data-attrs="{&quot;src&quot;:&quot;https://s3.example/images/a.png&quot;}"></picture></div></a><figcaption class="image-caption">The quay</figcaption></figure></div>
<div class="subscription-widget-wrap-editor"><div class="preamble">Thanks for reading!</div><form><input></form></div>
<div id="youtube2-abc" class="youtube-wrap" data-attrs="{&quot;videoId&quot;:&quot;abc&quot;}" data-component-name="Youtube2ToDOM"><div class="youtube-inner"></div></div>
<div class="footnote" data-component-name="FootnoteToDOM"><a id="footnote-1" href="#footnote-anchor-1" class="footnote-number" target="_self">1</a><div class="footnote-content"><p>The <em>note</em>.</p></div></div>
"""
    table = line("12.harbour") + line("13.other", title="Other")
    files = {
        "posts/12.harbour.html": body,
        "posts/13.other.html": "<p>x</p>",
        "email_list.skerry.csv": "email,active_subscription,expiry,email_disabled,created_at\na@x.example,true,2027-01-01T00:00:00Z,false,2023-01-01\nb@x.example,false,,true,2023-01-01\n",
    }
    report = import_from("substack", export(tmp_path, table, **files), tmp_path / "out")
    text = text_of(tmp_path / "out", "harbour")
    for expected in (
        "Text[^1]",
        "[other](/articles/other/)",
        '<a href="https://s3.example/images/a.png">Quay</a>',
        "<figcaption>The quay</figcaption>",
        "https://www.youtube.com/watch?v=abc",
        "[^1]: The *note*.",
    ):
        assert expected in text, expected
    assert "Thanks for reading" not in text
    rows = list(csv.DictReader((tmp_path / "out/members.csv").open()))
    assert [(r["tier"], r["until"], r["newsletter"]) for r in rows] == [
        ("member", "2027-01-01T00:00:00Z", "true"),
        ("subscriber", "", "false"),
    ]
    assert len(notes(report, "changed", "image on another site")) == 1


def test_texts_and_rows_without_each_other_are_reported(tmp_path: Path) -> None:
    files = {"posts/12.harbour.html": "<p>x</p>", "posts/99.lost.html": "<p>y</p>", "posts/14.latin.html": "x"}
    path = export(
        tmp_path, line("12.harbour") + line("13.none") + line("14.latin") + line("15.idea", live="false"), **files
    )
    report = import_from("substack", path, tmp_path / "out")
    assert {p.parent.name for p in (tmp_path / "out").glob("drafts/*/index.md")} == {"harbour", "latin"}
    assert notes(report, "lost", "no text in the export") == ["posts.csv:3: 13.none"]
    assert len(notes(report, "lost", "not listed")) == 1
    assert report.failed_posts == 2


@pytest.mark.parametrize("table", ["a,b\n1,2\n", "", "\ufffd"])
def test_a_zip_without_the_right_table_is_refused(tmp_path: Path, table: str) -> None:
    path = write_zip(tmp_path / "x.zip", {"posts.csv": table.encode("utf-16") if table == "\ufffd" else table})
    with pytest.raises(Permanent):
        import_from("substack", path, tmp_path / "out")


def test_cards_whose_content_is_data_are_kept_or_reported() -> None:
    cards = (
        """<div class="latex-rendered" data-attrs='{"persistentExpression":"x^2"}'></div>""",
        """<p>By <span class="mention-wrap" data-attrs='{"name":"Ada"}'></span>.</p>""",
        """<div class="digest-post-embed" data-attrs='{"canonical_url":"https://x.example/p/a","title":"A"}'></div>""",
        """<div class="image-gallery-embed" data-attrs='{"gallery":{"images":[{"src":"/a.png"},{"src":"/b.png"}],"caption":"C","alt":"D"}}'></div>""",
        """<div class="poll-embed" data-attrs='{"id":1}'></div>""",
        """<div class="pullquote"><p>Said.</p></div>""",
    )
    lost: list[str] = []
    made = html_to_markdown("".join(cards), lambda outcome, kind, detail, line: lost.append(detail))
    expected = [
        "```latex\nx^2\n```",
        "By Ada.",
        "[A](https://x.example/p/a)",
        "![D](/a.png)",
        "![](/b.png)",
        "C",
        "> Said.",
    ]
    assert made.strip().split("\n\n") == expected
    assert lost == ["x^2", "https://x.example/p/a", "poll-embed", "2 images"]


@pytest.mark.parametrize(("audience", "is_behind"), [("only_paid", True), ("everyone", False)])
def test_a_podcast_stands_behind_the_paywall_of_its_post(tmp_path: Path, audience: str, is_behind: bool) -> None:
    row = line("12.harbour", audience).replace(",\n", ",https://x.example/secret.mp3\n")
    files = {"posts/12.harbour.html": f"<p>A</p>{WALL}<p>B</p>"}
    import_from("substack", export(tmp_path, row, **files), tmp_path / "out")
    passages = draft(tmp_path / "out", "harbour").passages
    assert [passage.tier for passage in passages if "secret.mp3" in passage.source] == ["member" if is_behind else ""]


def test_a_page_for_paying_readers_becomes_a_draft_article(tmp_path: Path) -> None:
    row = line("12.harbour", "only_paid", kind="page")
    report = import_from("substack", export(tmp_path, row, **{"posts/12.harbour.html": "<p>A</p>"}), tmp_path / "out")
    found = draft(tmp_path / "out", "harbour")
    assert (found.draft, found.access) == (True, "member")
    assert len(notes(report, "changed", "a page that is not for everyone")) == 1


def test_a_list_of_readers_in_another_encoding_is_read(tmp_path: Path) -> None:
    readers = "Email;Name;Active_subscription\nzoe@x.example;Zoë;true\n".encode("cp1252")
    files = {"posts.csv": HEAD + line("12.harbour"), "posts/12.harbour.html": "<p>A</p>", "email_list.x.csv": readers}
    import_from("substack", write_zip(tmp_path / "export.zip", files), tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out/members.csv").open(encoding="utf-8")))
    assert [(each["name"], each["tier"]) for each in rows] == [("Zoë", "member")]


def test_a_subtitle_is_text_and_not_html(tmp_path: Path) -> None:
    row = line("12.harbour").replace("Sub, title", "How <dialog>  works")
    import_from("substack", export(tmp_path, row, **{"posts/12.harbour.html": "<p>A</p>"}), tmp_path / "out")
    assert draft(tmp_path / "out", "harbour").dek == "How <dialog> works"


@pytest.mark.parametrize(
    ("held", "is_found"),
    [
        (["d1f2a3b4.png"], True),
        (["public/images/d1f2a3b4.png"], True),
        (["a/d1f2a3b4.png", "b/d1f2a3b4.png"], False),
        (["image.png"], False),
    ],
)
def test_images_of_other_hosts_are_found_in_a_folder_named_with_media(
    tmp_path: Path, held: list[str], is_found: bool
) -> None:
    body = f'<p><img src="https://s3.example/public/images/{held[0].rpartition("/")[2]}"></p>'
    path = export(tmp_path, line("12.harbour"), **{"posts/12.harbour.html": body})
    media = write_tree(tmp_path / "media", dict.fromkeys(held, PNG))
    import_from("substack", path, tmp_path / "out", media=(media,))
    assert len(list((tmp_path / "out/drafts/harbour").glob("*.png"))) == is_found


def test_what_substack_alone_fills_in_and_its_own_addresses(tmp_path: Path) -> None:
    body = """<div class="preformatted-block"><label class="hide-text">Text within this block</label><pre>poem
  line</pre></div>
<p class="button-wrapper" data-attrs='{"url":"%%checkout_url%%"}'><a class="button" href="%%checkout_url%%"><span>Upgrade</span></a><a href="%%share_url%%"></a></p>
<div class="instagram" data-attrs='{"instagram_id":"Cx_1-a","title":"x"}'></div>
<p><a href="https://skerry.substack.com/i/13/details">a</a> <a href="https://open.substack.com/pub/skerry/p/other?r=1">b</a>
<a href="https://open.substack.com/pub/else/p/other">c</a> <a href="https://x.example/i/13">d</a></p>
"""
    files = {
        "posts/12.harbour.html": body,
        "posts/13.other.html": "<p>x</p>",
        "email_list.skerry.csv": "email\na@x.example\n",
    }
    table = line("12.harbour") + line("13.other", title="Other")
    report = import_from("substack", export(tmp_path, table, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "harbour").split("\n\n") == [
        "```\npoem\n  line\n```",
        "[https://www.instagram.com/p/Cx\\_1-a/](https://www.instagram.com/p/Cx_1-a/)",
        "[a](/articles/other/#details) [b](/articles/other/)\n"
        "[c](https://open.substack.com/pub/else/p/other) [d](https://x.example/i/13)",
    ]
    assert notes(report, "lost", "a button of Substack") == ["posts/12.harbour.html: Upgrade"]
    assert not notes(report, "noted", "a link leads to the old site")


def test_another_post_that_is_shown_becomes_a_link_with_its_title() -> None:
    card = """<div class="embedded-post-wrap" data-attrs='{"url":"https://e.example/p/a","title":"A and b"}'><a class="embedded-post"
href="https://e.example/p/a?utm=x"><div><img src="/logo.png">C</div><div class="embedded-post-title">A and b</div><div>D</div></a></div>"""
    assert html_to_markdown(card, lambda *_: None) == "[A and b](https://e.example/p/a)\n"


def test_an_image_with_a_link_to_itself_in_another_size_stands_alone() -> None:
    copy = "https://cdn.example/image/fetch/{}/https%3A%2F%2Fe.example%2Fa.heic"
    image = f'<a class="image-link" href="{copy.format("w_9")}"><img src="{copy.format("w_1")}"></a>'
    assert html_to_markdown(f"<figure>{image}</figure>", lambda *_: None) == "![](https://e.example/a.heic)\n"
