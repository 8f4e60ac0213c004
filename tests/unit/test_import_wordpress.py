"""`nightdesk import wordpress`: states, blocks and classic texts, addresses, dates, and XML that means harm or is cut off."""

from __future__ import annotations

import io
import time
import tracemalloc
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk_cli.importing.blocks import fill_blocks, mark_dividers
from nightdesk_cli.importing.classic import Shortcodes
from nightdesk_cli.importing.paragraphs import add_paragraphs
from nightdesk_cli.importing.report import Report
from nightdesk_cli.importing.wxr import read_records
from nightdesk_cli.importing.xml_mending import Mending
from support.importing import PNG, draft, front_matter_of, import_from, notes, text_of, write_tree

HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/">
<channel><title>Skerry</title><link>https://skerry.example</link><language>en-GB</language>
<wp:base_blog_url>https://skerry.example</wp:base_blog_url>
<wp:author><wp:author_login><![CDATA[secretlogin]]></wp:author_login><wp:author_email>a@secret.example</wp:author_email><wp:author_display_name><![CDATA[Ada Lindqvist]]></wp:author_display_name></wp:author>
<wp:category><wp:category_nicename>sea</wp:category_nicename><wp:cat_name><![CDATA[Sea &amp; sky]]></wp:cat_name></wp:category>
"""
TAIL = "</channel></rss>\n"


def item(number: int, slug: str, content: str = "Text.", meta: str = "", **values: str) -> str:
    given = {
        "title": slug.title(),
        "link": f"https://skerry.example/2020/06/07/{slug}/",
        "dc:creator": "secretlogin",
        "wp:post_id": str(number),
        "wp:post_date": "2020-06-07 10:00:00",
        "wp:post_date_gmt": "2020-06-07 08:00:00",
        "wp:post_name": slug,
        "wp:status": "publish",
        "wp:post_type": "post",
        **{key.replace("__", ":"): value for key, value in values.items()},
    }
    parts = "".join(f"<{key}>{escape(value)}</{key}>\n" for key, value in given.items())
    return f"<item>\n{parts}<content:encoded><![CDATA[{content}]]></content:encoded>\n{meta}</item>\n"


def meta(key: str, value: str) -> str:
    return (
        f"<wp:postmeta><wp:meta_key>{key}</wp:meta_key><wp:meta_value><![CDATA[{value}]]></wp:meta_value></wp:postmeta>"
    )


def export(tmp_path: Path, *items: str, **files: bytes) -> Path:
    return write_tree(tmp_path / "site", {"skerry.xml": HEAD + "".join(items) + TAIL, **files})


def test_a_post_with_its_date_addresses_people_and_topics(tmp_path: Path) -> None:
    category = '<category domain="category" nicename="sea"><![CDATA[Sea &amp; sky]]></category><category domain="post_tag" nicename="x"><![CDATA[Storms]]></category>'
    path = export(
        tmp_path, item(7, "storm", meta=category + meta("_wp_old_slug", "gale"), excerpt__encoded="Why <b>so</b>.")
    )
    import_from("wordpress", path, tmp_path / "out")
    matter = front_matter_of(tmp_path / "out", "storm")
    for expected in (
        "2020-06-07T10:00:00+02:00",
        "- /2020/06/07/storm/\n- /?p=7\n",
        "- /2020/06/07/gale/",
        "- sea",
        "- Storms",
        "- ada-lindqvist",
        "dek: Why so.",
    ):
        assert expected in matter
    everything = "".join(p.read_text() for p in (tmp_path / "out").rglob("*.md"))
    assert "secret" not in everything
    assert "name: Sea & sky" in (tmp_path / "out/topics/sea.md").read_text()
    assert "name: Skerry" in (tmp_path / "out/site.yaml").read_text()


@pytest.mark.parametrize(
    ("link", "slug", "expected"),
    [
        ("/category/golang/go/", "go", ["/category/golang/went/", "/category/golang/gone/"]),
        ("/go.html", "go", ["/went.html", "/gone.html"]),
        ("/archives/12", "go", []),
    ],
)
def test_every_old_slug_is_an_old_address(tmp_path: Path, link: str, slug: str, expected: list[str]) -> None:
    old = meta("_wp_old_slug", "went") + meta("_wp_old_slug", "gone")
    text = item(12, slug, meta=old, link=f"https://skerry.example{link}")
    import_from("wordpress", export(tmp_path, text), tmp_path / "out")
    aliases = front_matter_of(tmp_path / "out", slug).partition("aliases:\n")[2].splitlines()
    assert [line.removeprefix("- ") for line in aliases] == [link, "/?p=12", *expected]


def test_terms_of_a_post_and_links_to_categories(tmp_path: Path) -> None:
    def category(slug: str, parent: str) -> str:
        return f"<wp:category><wp:category_nicename>{slug}</wp:category_nicename><wp:category_parent>{parent}</wp:category_parent></wp:category>"

    terms = '<category domain="series" nicename="x">Storms</category><category domain="category" nicename="local">Local</category>'
    body = '<a href="/category/news/local/">Local</a> <a href="https://wordpress.com/about/">About</a>'
    text = item(1, "a", body, terms + meta("_yoast_wpseo_metadesc", "%%excerpt%% %%sep%%"), wp__is_sticky="1")
    network = "<wp:base_site_url>http://wordpress.com/</wp:base_site_url>"
    path = export(tmp_path, network, category("news", "local"), category("local", "news"), text)
    import_from("wordpress", path, tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == "[Local](/topics/local/) [About](https://wordpress.com/about/)"
    made = draft(tmp_path / "out", "a")
    assert (made.featured, made.dek) == (True, "")
    assert "imported:\n  series:\n  - Storms" in front_matter_of(tmp_path / "out", "a")


@pytest.mark.parametrize(
    "values",
    [
        {"wp__status": "draft"},
        {"wp__status": "pending"},
        {"wp__status": "private"},
        {"wp__post_password": "x"},
        {"wp__status": "strange"},
    ],
)
def test_what_was_not_public_is_a_draft(tmp_path: Path, values: dict[str, str]) -> None:
    items = [item(1, "storm", **values), item(2, "about", wp__post_type="page", **values)]
    import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert draft(tmp_path / "out", "storm").draft
    assert draft(tmp_path / "out", "about").draft
    assert not (tmp_path / "out/pages").exists()


@pytest.mark.parametrize(
    ("author", "login", "name"),
    [
        ("", "bob@secret.example", "bob"),
        ("<wp:author_display_name></wp:author_display_name>", "bob@secret.example", "bob"),
        ("<wp:author_display_name>bob@secret.example</wp:author_display_name>", "bob", "bob"),
        ("<wp:author_first_name>Bob</wp:author_first_name><wp:author_last_name>Holm</wp:author_last_name>", "bob", "Bob Holm"),
    ],
)  # fmt: skip
def test_e_mail_addresses_of_authors_stay_behind(tmp_path: Path, author: str, login: str, name: str) -> None:
    user = f"<wp:author><wp:author_login>{login}</wp:author_login>{author}</wp:author>" if author else ""
    report = import_from("wordpress", export(tmp_path, user, item(1, "a", dc__creator=login)), tmp_path / "out")
    [(identifier, _)] = draft(tmp_path / "out", "a").authors
    assert identifier == name.lower().replace(" ", "-")
    if author:
        assert f"name: {name}\n" in (tmp_path / f"out/authors/{identifier}.md").read_text()
    assert "secret" not in "".join(p.read_text() for p in (tmp_path / "out").rglob("*.md"))
    assert len(notes(report, "changed", "an e-mail address")) == ("@" in login)


def test_the_bylines_of_co_authors_replace_the_user_who_wrote_the_post(tmp_path: Path) -> None:
    def byline(slug: str, term: str) -> str:
        return f'<category domain="author" nicename="{slug}">{term}</category>'

    guest = item(8, "cap-guest-ann", "", meta("cap-display_name", "Ann Guest"), wp__post_type="guest-author")
    terms = byline("cap-guest-ann", "guest-ann") + byline("cap-secretlogin", "secretlogin")
    import_from("wordpress", export(tmp_path, item(1, "a", meta=terms), guest, item(2, "b")), tmp_path / "out")
    assert [each for each, _ in draft(tmp_path / "out", "a").authors] == ["guest-ann", "ada-lindqvist"]
    assert [each for each, _ in draft(tmp_path / "out", "b").authors] == ["ada-lindqvist"]
    assert "name: Ann Guest" in (tmp_path / "out/authors/guest-ann.md").read_text()


def test_the_bin_and_parts_of_the_site_are_left_out(tmp_path: Path) -> None:
    items = [
        item(1, "a", wp__status="trash"),
        item(2, "b", wp__post_type="nav_menu_item"),
        item(3, "c", wp__post_type="episode"),
    ]
    report = import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert [p.parent.name for p in (tmp_path / "out").glob("drafts/*/index.md")] == ["c"]
    assert len(notes(report, "skipped", "bin")) == 1


def test_blocks_become_markdown(tmp_path: Path) -> None:
    content = """<!-- wp:paragraph --><p>See <a href="https://www.skerry.example/?p=2">two</a> and <a href="/2020/06/07/other/#x">three</a>.<sup data-fn="u-1" class="fn"><a href="#u-1" id="u-1-link">1</a></sup></p><!-- /wp:paragraph -->
<!-- wp:image {"id":9} --><figure class="wp-block-image"><a href="https://skerry.example/wp-content/uploads/2020/06/pier.png"><img src="https://skerry.example/wp-content/uploads/2020/06/pier-300x200.png" alt="Pier"/></a><figcaption class="wp-element-caption">The pier</figcaption></figure><!-- /wp:image -->
<!-- wp:gallery --><figure class="wp-block-gallery"><figure class="wp-block-image"><img src="https://i0.wp.com/skerry.example/wp-content/uploads/2020/06/pier.png"/><figcaption>One</figcaption></figure><figure class="wp-block-image"><img src="/wp-content/uploads/2020/06/quay.png" alt="Q"/></figure></figure><!-- /wp:gallery -->
<!-- wp:embed {"url":"https://youtu.be/abc"} --><figure class="wp-block-embed"><div class="wp-block-embed__wrapper">
https://youtu.be/abc
</div><figcaption>The speech</figcaption></figure><!-- /wp:embed -->
<!-- wp:pullquote --><figure class="wp-block-pullquote"><blockquote><p>We saw it.</p><cite>Ada</cite></blockquote></figure><!-- /wp:pullquote -->
<!-- wp:table --><figure class="wp-block-table"><table><thead><tr><th>A</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table><figcaption>Data</figcaption></figure><!-- /wp:table -->
<!-- wp:code --><pre class="wp-block-code"><code>x &lt; 1</code></pre><!-- /wp:code -->
<!-- wp:block {"ref":50} /--><!-- wp:latest-posts /-->
<!-- wp:details --><details><summary>More</summary><p>Inside.</p></details><!-- /wp:details -->
<!-- wp:more --><!--more--><!-- /wp:more --><p>After.</p>
<!-- wp:footnotes /-->"""
    items = [
        item(1, "storm", content, meta("footnotes", '[{"content":"The <em>note</em>","id":"u-1"}]')),
        item(2, "two"),
        item(3, "other"),
        item(50, "shared", "<p>Shared words.</p>", wp__post_type="wp_block"),
    ]
    files = {"wp-content/uploads/2020/06/pier.png": PNG, "wp-content/uploads/2020/06/quay.png": PNG + b"q"}
    report = import_from("wordpress", export(tmp_path, *items, **files), tmp_path / "out")
    text = text_of(tmp_path / "out", "storm")
    for expected in (
        "See [two](/articles/two/) and [three](/articles/other/#x).[^1]",
        '<figure>\n<img src="pier.png" alt="Pier">\n<figcaption>The pier</figcaption>\n</figure>',
        '<img src="pier.png" alt="">\n<figcaption>One</figcaption>',
        "![Q](quay.png)",
        "[https://youtu.be/abc](https://youtu.be/abc)",
        "> We saw it.\n>\n> — Ada",
        "| A |\n| --- |\n| 1 |",
        "Data",
        "```\nx < 1\n```",
        "Shared words.",
        "**More**\n\nInside.",
        "After.",
        "[^1]: The *note*",
    ):
        assert expected in text, expected
    assert len(draft(tmp_path / "out", "storm").passages) == 1
    assert notes(report, "lost", "latest-posts")


UPLOADS = "https://skerry.example/wp-content/uploads/2020/06/"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<p>In <a href="U/pier.png"><img src="U/pier-300x200.png" alt="P"></a> it.</p>', "In ![P](pier.png) it."),
        ('<a href="https://x.example/"><img src="U/pier.png" alt="P"></a>', "[![P](pier.png)](https://x.example/)"),
        ('<a href="/a/" rel="attachment wp-att-9"><img src="U/pier-1x1.png" alt="P"></a>', "![P](pier.png)"),
        ('<img src="/wp-content/uploads/2020/06/wall-300x200.png" alt="W">', "![W](wall-scaled.png)"),
        ('<img src="U/other-300x200.png" alt="O">', "![O](other-300x200.png)"),
        (
            '<figure class="wp-block-table"><table><tr><th>A</th></tr><tr><td>Recipe <img src="U/pier.png" alt="P"></td></tr></table><figcaption>C</figcaption></figure>',
            "| A |\n| --- |\n| Recipe ![P](pier.png) |\n\nC",
        ),
        ('<figure><img src="U/pier.png" alt="P"><p>By Ada.</p></figure>', "![P](pier.png)\n\nBy Ada."),
        (
            '<div class="wp-block-cover" style="background-image:url(U/pier.png)"><p>Title</p></div>',
            "![](pier.png)\n\nTitle",
        ),
    ],
)
def test_images_keep_what_is_around_them_and_their_size(tmp_path: Path, content: str, expected: str) -> None:
    names = ("pier", "pier-300x200", "pier-1x1", "wall", "wall-scaled", "wall-300x200", "other-300x200", "x/other")
    files = {f"wp-content/uploads/2020/06/{name}.png": PNG + name.encode() for name in names}
    content = content.replace("U/", UPLOADS)
    report = import_from("wordpress", export(tmp_path, item(1, "storm", content), **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "storm") == expected
    assert len(notes(report, "changed", "background image")) == ("background" in content)


def test_links_and_emphasis_in_verse_stay(tmp_path: Path) -> None:
    verse = '<pre class="wp-block-verse">See <a href="https://skerry.example/?p=2">two</a>:\n  <em>x</em> &lt;y&gt;<br>\n\n::: z</pre>'
    items = [item(1, "storm", f"{verse}<pre>a *b*</pre>"), item(2, "two")]
    import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    expected = (
        '<pre>See <a href="/articles/two/">two</a>:\n  <em>x</em> &lt;y&gt;<br/>\n\n&#58;:: z</pre>\n\n```\na *b*\n```'
    )
    assert text_of(tmp_path / "out", "storm") == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<h2 id="h-prices">Prices</h2>', "## Prices {#h-prices}"),
        ('<h2 id="our-prices">Our prices</h2>', "## Our prices"),
        ('<h3><span id="h-prices"></span>Prices</h3>', "### Prices {#h-prices}"),
        ('<p><a name="old"></a>Text</p>', '<span id="old"></span>Text'),
        ('<ul><li id="h-prices">One</li><li id="two">Two</li></ul>', '- <span id="h-prices"></span>One\n- Two'),
        ('<div id="h-prices"><p>Text</p></div>', '<span id="h-prices"></span>\n\nText'),
        (
            '<table><tr><td colspan="2" id="h-prices">A</td></tr></table>',
            '<table><tr><td colspan="2"><span id="h-prices"></span>A</td></tr></table>',
        ),
        ('<pre><a href="/">x</a><b id="h-prices">y</b></pre>', '<pre><a href="/">x</a><span id="h-prices"></span><b>y</b></pre>'),
    ],
)  # fmt: skip
def test_anchors_stay(tmp_path: Path, content: str, expected: str) -> None:
    content = f'<!-- wp:html --><p><a href="#h-prices">Prices</a></p><!-- /wp:html -->{content}'
    import_from("wordpress", export(tmp_path, item(1, "storm", content)), tmp_path / "out")
    assert text_of(tmp_path / "out", "storm") == f"[Prices](#h-prices)\n\n{expected}"


def test_an_image_that_led_to_another_one_is_reported(tmp_path: Path) -> None:
    content = f'<a href="{UPLOADS}chart.png"><img src="{UPLOADS}small.png" alt=""></a>'
    report = import_from("wordpress", export(tmp_path, item(1, "storm", content)), tmp_path / "out")
    assert notes(report, "changed", "another image") == [f"skerry.xml:18: {UPLOADS}chart.png"]


def test_classic_texts_get_their_paragraphs_and_shortcodes(tmp_path: Path) -> None:
    content = """First line
second line [sic] [1].

[caption id="a" width="300"]<img src="https://skerry.example/wp-content/uploads/2020/06/pier.png" alt="Pier" /> The pier[/caption]

[gallery ids="9,10"]

<blockquote>Quoted.</blockquote>
<pre>one

two</pre>
[code language="php"]echo 1 &lt; 2;[/code]

[embed]https://vimeo.com/1[/embed] [contact-form-7 id="1"] [[kept]] [box color="red"]Inside[/box]
"""
    attachment = item(
        9, "pier", "", meta("_wp_attachment_image_alt", "A pier"), wp__post_type="attachment", wp__status="inherit"
    ).replace(
        "</item>",
        "<wp:attachment_url>https://skerry.example/wp-content/uploads/2020/06/pier.png</wp:attachment_url></item>",
    )
    path = export(
        tmp_path, item(1, "storm", content, meta("_thumbnail_id", "9")), attachment, **{"uploads/2020/06/pier.png": PNG}
    )
    report = import_from("wordpress", path, tmp_path / "out")
    text = text_of(tmp_path / "out", "storm")
    for expected in (
        "First line\\\nsecond line \\[sic\\] \\[1\\].",
        "<figcaption>The pier</figcaption>",
        "![A pier](pier.png)",
        "> Quoted.",
        "```\none\n\ntwo\n```",
        "```php\necho 1 < 2;\n```",
        "[https://vimeo.com/1](https://vimeo.com/1)",
        "\\[kept\\]",
        "Inside",
    ):
        assert expected in text, expected
    assert "contact-form" not in text
    assert "color=" not in text
    assert len(notes(report, "lost", "image of a gallery")) == 1
    assert draft(tmp_path / "out", "storm").hero["alt"] == "A pier"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("We need:\n<ul>\n \t<li>one</li>\n \t<li>two</li>\n</ul>\nThen go.", "We need:\n\n- one\n- two\n\nThen go."),
        ("See:\n<table>\n<tbody>\n<tr>\n<td>x</td>\n<td>y</td>\n</tr>\n</tbody>\n</table>", "See:\n\n|  |  |\n| --- | --- |\n| x | y |"),
        ("<blockquote>One.\n\nTwo.</blockquote>\nEnd.", "> One.\n>\n> Two.\n\nEnd."),
        ("<h2>H</h2>\nline 1\nline 2", "## H\n\nline 1\\\nline 2"),
        ("<h2>H</h2>\nOne.<br />\n\n&nbsp;\n\n<div>Two.\n\nThree.</div>", "## H\n\nOne.\n\nTwo.\n\nThree."),
        ("a<!-- c\n\nd --> b\n<!--more-->\n<pre>x\n\ny</pre>z", "a b\n\n```\nx\n\ny\n```\n\nz"),
        ('<a\nhref="https://e.example/">link</a>\n<hr />\nEnd.', "[link](https://e.example/)\n\n---\n\nEnd."),
        ("<a href='https://e.example/'><h3>T</h3></a>\n<ol>\n<li>a\n<ol>\n<li>b</li>\n</ol>\n</li>\n</ol>", "### [T](https://e.example/)\n\n1. a\n   1. b"),
    ],
)  # fmt: skip
def test_elements_of_classic_texts_stand_between_their_paragraphs(tmp_path: Path, content: str, text: str) -> None:
    import_from("wordpress", export(tmp_path, item(1, "a", content)), tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[sourcecode language='php']do('[gallery ids=\"1,2\"]');[/sourcecode]", "```php\ndo('[gallery ids=\"1,2\"]');\n```"),
        ('[php]<?php echo "<b>hi</b>"; ?>[/php]', '```php\n<?php echo "<b>hi</b>"; ?>\n```'),
        ('<pre>a [box id="3"]</pre>', '```\na [box id="3"]\n```'),
        ('<code>[[gallery]] [box id="3"]</code>', '`[gallery] [box id="3"]`'),
        ("[php] is a name", "\\[php\\] is a name"),
        ('[wp_caption caption="The pier"]<img src="https://e.example/a">[/wp_caption]', "<figure>\n<a href=\"https://e.example/a\">https://e.example/a</a>\n<figcaption>The pier</figcaption>\n</figure>"),
        ('[video webm="https://e.example/a.webm"][/video]', "[https://e.example/a.webm](https://e.example/a.webm)"),
        ('[audio wav="https://e.example/a.wav"]', "[https://e.example/a.wav](https://e.example/a.wav)"),
        ("[youtube=https://www.youtube.com/watch?v=abc&amp;w=640]", "[https://www.youtube.com/watch?v\\=abc](https://www.youtube.com/watch?v=abc)"),
        ("[vimeo 123]", "[https://vimeo.com/123](https://vimeo.com/123)"),
        ("[playlist ids=9,8]", "- [song.mp3](https://e.example/song.mp3)"),
    ],
)  # fmt: skip
def test_shortcodes_keep_code_captions_and_files(tmp_path: Path, content: str, text: str) -> None:
    song = item(9, "song", wp__post_type="attachment", wp__attachment_url="https://e.example/song.mp3")
    report = import_from("wordpress", export(tmp_path, item(1, "a", content), song), tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == text
    assert len(notes(report, "lost", "a file of a playlist")) == ("playlist" in content)


def test_code_that_would_show_what_members_read_hides_it(tmp_path: Path) -> None:
    content = "Free.\n\n<pre>[members_only]canary[/members_only]</pre>"
    import_from("wordpress", export(tmp_path, item(1, "a", content)), tmp_path / "out")
    assert "canary" not in text_of(tmp_path / "out", "a").partition("::: gate")[0]


@pytest.mark.parametrize("part", ["<!--", "<pre>", "<li>", "<div title='a\" ", "<br>", "</div>", "[x ", "[x a='", "[embed]x", "[caption]", "[code]", "<!-- wp:block {"])  # fmt: skip
def test_texts_that_mean_harm_take_no_time(part: str) -> None:
    text = part * 20_000
    started = time.process_time()
    fill_blocks(mark_dividers(text), {}, lambda *_: None)
    add_paragraphs(Shortcodes({}, lambda *_: None).replace(text))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "content",
    [
        "<p>Free.</p>\n<!-- wp:jetpack/paywall -->\n<hr/>\n<!-- /wp:jetpack/paywall -->\n<p>Hidden.</p>",
        "Free.\n\n[members_only]Hidden.[/members_only]\n\nHidden.",
        'Free.\n\n[restrict paid="true"]\n\nHidden.\n\n[/restrict]',
        "<div><p>Free.</p><!--members-only--></div><p>Hidden.</p>",
    ],
)
def test_what_members_alone_read_is_hidden(tmp_path: Path, content: str) -> None:
    import_from("wordpress", export(tmp_path, item(1, "storm", content)), tmp_path / "out")
    free, gate, rest = draft(tmp_path / "out", "storm").passages
    assert gate.tier == "member"
    assert "Free." in free.source
    assert "Hidden." in gate.source
    assert "Hidden" not in free.source + rest.source


@pytest.mark.parametrize(
    ("content", "is_hidden"),
    [
        ("[mepr-active rules='1']canary[/mepr-active]", True),
        ("[wpmem_logged_in]canary[/wpmem_logged_in]", True),
        ("[pms-restrict subscription_plans='2']canary[/pms-restrict]", True),
        ("[wc_memberships_members]canary[/wc_memberships_members]", True),
        ("<!-- wp:pmpro/membership {} --><p>canary</p><!-- /wp:pmpro/membership -->", True),
        ("<!-- wp:patreon/locked-content --><p>canary</p><!-- /wp:patreon/locked-content -->", True),
        ("<!-- wp:acme/restricted-section --><p>canary</p><!-- /wp:acme/restricted-section -->", True),
        ("[wc_memberships_nonmembers]canary[/wc_memberships_nonmembers]", False),
        ("[wpmem_logged_out]canary[/wpmem_logged_out]", False),
        ("[mepr-membership-registration-form id='3'] canary", False),
        ("[pms-account] canary", False),
        ("<!-- wp:jetpack/subscriptions /--><p>canary</p>", False),
        ("<!-- wp:memberpress/login-form /--><p>canary</p>", False),
        ("<!-- wp:premium/heading --><p>canary</p><!-- /wp:premium/heading -->", False),
    ],
)
def test_plug_ins_for_members_hide_what_they_hid(tmp_path: Path, content: str, is_hidden: bool) -> None:
    import_from("wordpress", export(tmp_path, item(1, "storm", f"Free.\n\n{content}")), tmp_path / "out")
    public, gate, hidden = text_of(tmp_path / "out", "storm").partition("::: gate")
    assert "Free." in public
    assert ("canary" in hidden, "canary" in public) == (is_hidden, not is_hidden)
    assert bool(gate) == is_hidden


def test_a_letter_for_subscribers_is_for_subscribers(tmp_path: Path) -> None:
    items = [
        item(1, "a", meta=meta("_jetpack_newsletter_access", "subscribers")),
        item(2, "b", meta=meta("_jetpack_newsletter_access", "paid_subscribers")),
    ]
    import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert [draft(tmp_path / "out", slug).access for slug in "ab"] == ["subscriber", "member"]


@pytest.mark.parametrize(
    ("key", "value", "access"),
    [
        ("_jetpack_newsletter_access", "paid_subscribers_all_tiers", "member"),
        ("_jetpack_newsletter_access", "everybody", "public"),
        ("_members_access_role", "subscriber", "member"),
        ("rcp_subscription_level", 'a:1:{i:0;s:1:"2";}', "member"),
        ("rcp_user_level", "None", "public"),
        ("patreon-level", "5", "member"),
        ("patreon-level", "0", "public"),
        ("um_content_restriction", 'a:2:{s:26:"_um_custom_access_settings";s:1:"1";s:14:"_um_accessible";s:1:"2";}', "member"),
        ("um_content_restriction", 'a:1:{s:14:"_um_accessible";s:1:"0";}', "public"),
        ("_edit_last", "1", "public"),
        ("rcp_subscription_level", "any", "member"),
        ("_wpmem_block", "1", "member"),
        ("_wpmem_block", "0", "public"),
        ("memberful_available_to_any_registered_user", "1", "member"),
        ("memberful_available_to_anybody_subscribed_to_a_plan", "1", "member"),
        ("groups-read", "2", "member"),
        ("memberful_acl", 'a:2:{s:12:"subscription";a:0:{}s:7:"product";a:0:{}}', "public"),
        ("memberful_acl", 'a:2:{s:12:"subscription";a:1:{i:0;s:1:"2";}s:7:"product";a:0:{}}', "member"),
    ],
)  # fmt: skip
def test_what_a_plug_in_keeps_for_members_is_for_members(tmp_path: Path, key: str, value: str, access: str) -> None:
    import_from("wordpress", export(tmp_path, item(1, "a", meta=meta(key, value))), tmp_path / "out")
    assert draft(tmp_path / "out", "a").access == access


@pytest.mark.parametrize(
    ("kind", "link", "becomes"),
    [
        ("flamingo_inbound", "/?post_type=flamingo_inbound&p=1", "nothing"),
        ("edd_payment", "/?post_type=edd_payment&p=1", "nothing"),
        ("memberpressproduct", "/register/gold/", "nothing"),
        ("acme_ticket", "/?post_type=acme_ticket&p=1", "draft"),
        ("acme_note", "/acme_note/a/", "draft"),
        ("acme_review", "/?post_type=acme_review&p=1", "draft"),
        ("acme_review", "/reviews/a/", "article"),
        ("member_post", "/member_post/a/", "draft"),
        ("portfolio", "/portfolio/a/", "article"),
    ],
)
def test_only_types_that_readers_see_become_public(tmp_path: Path, kind: str, link: str, becomes: str) -> None:
    text = item(1, "a", wp__post_type=kind, link=f"https://skerry.example{link}")
    report = import_from("wordpress", export(tmp_path, text, item(2, "b")), tmp_path / "out")
    is_there = (tmp_path / "out/drafts/a").exists()
    made = ("draft" if draft(tmp_path / "out", "a").draft else "article") if is_there else "nothing"
    assert made == becomes
    assert len(notes(report, {"nothing": "skipped", "draft": "asked", "article": "noted"}[becomes], f"“{kind}”")) == 1


@pytest.mark.parametrize(
    ("kind", "content", "status", "access"),
    [
        ("single_post", "1", "publish", "member"),
        ("single_post", "1", "draft", "public"),
        ("single_post", "7", "publish", "public"),
        ("single_page", "1", "publish", "public"),
        ("all_post", "", "publish", "member"),
        ("all", "3,1", "publish", "public"),
        ("category", "sea", "publish", "member"),
        ("category", "4", "publish", "member"),
        ("category", "land", "publish", "public"),
        ("tag", "x", "publish", "member"),
        ("partial", "/2020/06/", "publish", "member"),
    ],
)
def test_rules_of_memberpress_hide_posts(tmp_path: Path, kind: str, content: str, status: str, access: str) -> None:
    category = "<wp:category><wp:term_id>4</wp:term_id><wp:category_nicename>sea</wp:category_nicename></wp:category>"
    terms = (
        '<category domain="category" nicename="sea">Sea</category><category domain="post_tag" nicename="x">X</category>'
    )
    settings = meta("_mepr_rules_type", kind) + meta("_mepr_rules_content", content)
    rule = item(9, "rule", "", settings, wp__post_type="memberpressrule", wp__status=status)
    path = export(tmp_path, category, item(1, "a", meta=terms), rule)
    import_from("wordpress", path, tmp_path / "out")
    assert draft(tmp_path / "out", "a").access == access
    assert [p.name for p in (tmp_path / "out/drafts").iterdir()] == ["a"]


def test_a_rule_of_memberpress_that_is_a_pattern_is_named(tmp_path: Path) -> None:
    settings = "".join(
        meta(f"_{key}", value)
        for key, value in {
            "mepr_rules_type": "custom",
            "mepr_rules_content": "^/a",
            "is_mepr_rules_content_regexp": "1",
        }.items()
    )
    rule = item(9, "rule", "", settings, wp__post_type="memberpressrule")
    report = import_from("wordpress", export(tmp_path, item(1, "a"), rule), tmp_path / "out")
    assert len(notes(report, "asked", "custom: ^/a")) == 1


@pytest.mark.parametrize(("year", "is_draft"), [("2099", False), ("2024", True)])
def test_what_was_scheduled_is_a_draft_once_its_date_has_passed(tmp_path: Path, year: str, is_draft: bool) -> None:
    given = {"wp__status": "future", "wp__post_date": f"{year}-02-01 10:00:00", "wp__post_date_gmt": ""}
    items = [item(1, "a", **given), item(2, "about", wp__post_type="page", **given)]
    import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert draft(tmp_path / "out", "a").draft is is_draft
    assert draft(
        tmp_path / "out", "about"
    ).draft  # a page cannot wait for its date, and as an article it would be in feeds


def test_every_value_of_a_setting_counts_and_a_divider_does_not_open_the_rest(tmp_path: Path) -> None:
    both = meta("_members_access_role", "") + meta("_members_access_role", "editor")
    items = [item(1, "a", meta=both), item(2, "b", "Canary.<!--members-only-->More.", meta=both)]
    import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert [draft(tmp_path / "out", slug).access for slug in "ab"] == ["member", "member"]


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ('{"blockVisibility":{"hideBlock":true}}', "Free. End."),
        ('{"blockVisibility":{"controlSets":[{"id":1}],"hideBlock":true}}', "Free. End."),
        ('{"blockVisibility":{"hideBlock":false}}', "Free. canary End."),
    ],
)
def test_a_block_that_a_plug_in_hides_is_taken_out(tmp_path: Path, attributes: str, text: str) -> None:
    content = f"<p>Free.</p><!-- wp:paragraph {attributes} --><p>canary</p><!-- /wp:paragraph --><p>End.</p>"
    import_from("wordpress", export(tmp_path, item(1, "a", content)), tmp_path / "out")
    assert text_of(tmp_path / "out", "a").split() == text.split()


@pytest.mark.parametrize(
    ("mark", "is_hidden"),
    [
        ("<p><!--steady-paywall--></p>", True),
        ("<p>___STEADY_PAYWALL___</p>", True),
        ("<!-- subscribers only -->", True),
        ("<!-- um die Ecke -->", False),
        ("<!-- a note about nothing -->", False),
        ("[members_only]", True),
        ("[steady_paywall]", True),
        ("<p>[members_only]</p>", True),
        ("Free. [mp_only] canary", True),
        ("[private]", True),
        ("She called it [private] at the time.", False),
        ("[[members_only]]", False),
    ],
)
def test_marks_of_paywalls_hide_what_follows(tmp_path: Path, mark: str, is_hidden: bool) -> None:
    import_from("wordpress", export(tmp_path, item(1, "a", f"Free.\n\n{mark}\n\ncanary")), tmp_path / "out")
    public, _, hidden = text_of(tmp_path / "out", "a").partition("::: gate tier=member")
    assert ("canary" in public, "canary" in hidden) == (not is_hidden, is_hidden)


def test_blocks_that_the_site_showed_to_nobody_are_taken_out(tmp_path: Path) -> None:
    inner = "<!-- wp:group --><div><p>canary</p></div><!-- /wp:group -->"
    content = f'<p>Free.</p><!-- wp:group {{"metadata":{{"blockVisibility":false}}}} --><div>{inner}canary</div><!-- /wp:group --><p>End.</p>'
    unpublished = item(
        2, "part", "<p>canary</p>", wp__post_type="wp_block", wp__status="draft", link="https://skerry.example/?p=2"
    )
    items = [item(1, "a", f'{content}<!-- wp:block {{"ref":2}} /-->'), unpublished]
    report = import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert text_of(tmp_path / "out", "a").split() == ["Free.", "End."]
    assert len(notes(report, "lost", "a block that the site showed to nobody")) == 1
    assert len(notes(report, "lost", "a reusable block")) == 1


def test_reusable_blocks_may_stand_in_one_another_but_not_in_themselves(tmp_path: Path) -> None:
    def block(number: int, content: str) -> str:
        return item(number, f"part-{number}", content, wp__post_type="wp_block")

    items = [
        item(1, "a", '<!-- wp:block {"ref":90} /-->'),
        block(90, '<p>Outer.</p><!-- wp:block {"ref":91} /-->'),
        block(91, '<p>Inner.</p><!-- wp:block {"ref":90} /-->'),
    ]
    report = import_from("wordpress", export(tmp_path, *items), tmp_path / "out")
    assert text_of(tmp_path / "out", "a").split() == ["Outer.", "Inner."]
    assert len(notes(report, "lost", "holds itself")) == 1


def test_blocks_for_some_readers_hide_what_they_hid(tmp_path: Path) -> None:
    given = '{"blockVisibility":{"controlSets":[{"controls":{"userRole":{"visibilityByRole":"logged-in"}}}]}}'
    content = f"<p>Free.</p><!-- wp:paragraph {given} --><p>canary</p><!-- /wp:paragraph -->"
    import_from("wordpress", export(tmp_path, item(1, "a", content)), tmp_path / "out")
    public, _, hidden = text_of(tmp_path / "out", "a").partition("::: gate tier=member")
    assert ("canary" in public, "canary" in hidden) == (False, True)


def test_dates_without_gmt_are_read_in_the_zone_that_was_given(tmp_path: Path) -> None:
    path = export(tmp_path, item(1, "a", wp__post_date_gmt="0000-00-00 00:00:00"))
    import_from("wordpress", path, tmp_path / "out", timezone="America/New_York")
    assert draft(tmp_path / "out", "a").date == "2020-06-07T10:00:00-04:00"


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.999])
def test_an_export_that_is_cut_off_leaves_nothing_behind(tmp_path: Path, cut: float) -> None:
    whole = HEAD + "".join(item(n, f"p{n}") for n in range(40)) + TAIL
    (tmp_path / "x.xml").write_text(whole[: int(len(whole) * cut)])
    with pytest.raises(Permanent, match="not complete"):
        import_from("wordpress", tmp_path / "x.xml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "http://evil.example/x.dtd">',
    ],
)
def test_xml_that_means_harm_is_refused(tmp_path: Path, doctype: str) -> None:
    (tmp_path / "x.xml").write_text(HEAD.replace("<rss", f"{doctype}<rss", 1) + item(1, "a") + TAIL)
    with pytest.raises(Permanent, match="document type"):
        import_from("wordpress", tmp_path / "x.xml", tmp_path / "out")


def test_wrong_encodings_are_named_and_control_characters_taken_out(tmp_path: Path) -> None:
    (tmp_path / "wide.xml").write_bytes((HEAD + item(1, "a") + TAIL).replace("UTF-8", "UTF-16").encode())
    with pytest.raises(Permanent, match="encoding"):
        import_from("wordpress", tmp_path / "wide.xml", tmp_path / "out")
    (tmp_path / "control.xml").write_text(HEAD + item(1, "a", "One\x08 two") + TAIL)
    report = import_from("wordpress", tmp_path / "control.xml", tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == "One two"
    assert len(notes(report, "noted", "control characters")) == 1
    (tmp_path / "feed.xml").write_text("<rss><channel/></rss>")
    with pytest.raises(Permanent, match="no WordPress export"):
        import_from("wordpress", tmp_path / "feed.xml", tmp_path / "out")


def test_records_are_read_as_a_stream() -> None:
    def peak(count: int) -> int:
        body = "word " * 4000
        file = io.BytesIO((HEAD + "".join(item(n, f"p{n}", body) for n in range(count)) + TAIL).encode())
        tracemalloc.start()
        assert sum(record.name == "item" for record in read_records(file, "x.xml", Report())) == count
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    assert peak(200) < peak(10) + 300_000  # the texts of the larger one are 4 MB


def test_posts_with_one_number_are_all_imported_and_copies_once(tmp_path: Path) -> None:
    path = export(
        tmp_path,
        item(7, "gale"),
        item(7, "calm"),
        item(7, "gale"),
        item(7, "gale", wp__post_date="2020-06-08 10:00:00"),
    )
    report = import_from("wordpress", path, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out/drafts").iterdir()) == ["calm", "gale", "gale-2"]
    assert len(notes(report, "skipped", "stands in the archive twice")) == 1
    again = import_from("wordpress", path, tmp_path / "out")
    assert set(again.files) == {"unchanged"}


@pytest.mark.parametrize(
    ("earlier", "later", "is_draft"),
    [
        ({}, {"wp__status": "private"}, True),
        ({}, {"wp__status": "private", "title": "New", "wp__post_name": "new"}, True),
        ({"wp__status": "draft"}, {}, False),
        ({}, {"wp__status": "private", "wp__post_modified": "2023-01-01 00:00:00"}, True),
        ({}, {"wp__status": "trash", "wp__post_name": "gale__trashed"}, True),
    ],
)
@pytest.mark.parametrize("names", [("a.xml", "b.xml"), ("b.xml", "a.xml")])
def test_of_exports_that_overlap_the_later_state_counts(
    tmp_path: Path, earlier: dict[str, str], later: dict[str, str], is_draft: bool, names: tuple[str, str]
) -> None:
    old = {"wp__post_modified": "2023-01-01 00:00:00", **earlier}
    new = {"wp__post_modified": "2024-01-01 00:00:00", **later}
    texts = [HEAD + item(7, "gale", words, **given) + TAIL for words, given in (("Old.", old), ("New.", new))]
    import_from("wordpress", write_tree(tmp_path / "site", dict(zip(names, texts, strict=True))), tmp_path / "out")
    [path] = (tmp_path / "out/drafts").iterdir()
    assert draft(tmp_path / "out", path.name).draft == is_draft
    assert text_of(tmp_path / "out", path.name) == ("Old." if later.get("wp__status") == "trash" else "New.")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 1000])
def test_xml_is_mended_wherever_it_is_cut(size: int) -> None:
    given = b'<a>x & y &amp; z &nbsp;&#8217; &unknown; <b c="?a=1&b=2"/><![CDATA[ & <i> ]] ]>]]><!-- & --->\xff\x01</a>'
    mending = Mending()
    parts = [mending.mend(given[at : at + size]) for at in range(0, len(given), size)]
    made = b"".join([*parts, mending.mend(b"", is_last=True)]).decode()
    assert made == (
        '<a>x &amp; y &amp; z \u00a0&#8217; &amp;unknown; <b c="?a=1&amp;b=2"/><![CDATA[ & <i> ]] ]>]]><!-- & --->ÿ</a>'
    )


def test_ampersands_and_bytes_that_are_not_allowed_are_mended_and_reported(tmp_path: Path) -> None:
    text = (
        item(7, "gale", "Wind &amp; rain caf\xe9").replace("?p=1", "").replace("/gale/</link>", "/gale/?a=1&b=2</link>")
    )
    path = tmp_path / "export.xml"
    path.write_bytes(HEAD.encode() + text.encode("latin-1") + TAIL.encode())
    report = import_from("wordpress", path, tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == "Wind \\& rain café"
    assert notes(report, "noted", "ampersands") == ["export.xml: 1"]
    assert notes(report, "changed", "no UTF-8") == ["export.xml: 1 of them"]


def test_a_gallery_without_numbers_shows_the_images_of_its_post(tmp_path: Path) -> None:
    image = item(
        8,
        "pier",
        wp__post_type="attachment",
        wp__post_parent="7",
        wp__attachment_url="https://skerry.example/wp-content/uploads/pier.png",
    )
    body = "[gallery]\n\n[audio https://skerry.example/storm.mp3]"
    path = export(tmp_path, item(7, "gale", body), image, **{"wp-content/uploads/pier.png": PNG})
    import_from("wordpress", path, tmp_path / "out")
    text = text_of(tmp_path / "out", "gale")
    assert "![](pier.png)" in text
    assert "(https://skerry.example/storm.mp3)" in text


def test_blanks_before_the_export_and_words_after_it_do_no_harm(tmp_path: Path) -> None:
    text = HEAD + item(1, "gale", title="x").replace("<title>x</title>", "<title>G&#0;a&#55357;le</title>") + TAIL
    (tmp_path / "export.xml").write_text(f"\n \n{text}<!-- 20 queries -->\n<b>cached")
    report = import_from("wordpress", tmp_path / "export.xml", tmp_path / "out")
    assert draft(tmp_path / "out", "gale").title == "Gale"
    assert len(notes(report, "noted", "end of the export")) == 1


def test_an_export_in_utf_16_is_read(tmp_path: Path) -> None:
    text = (HEAD.replace("UTF-8", "UTF-16") + item(1, "gale", "caf\u00e9") + TAIL).encode("utf-16")
    (tmp_path / "export.xml").write_bytes(text)
    import_from("wordpress", tmp_path / "export.xml", tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == "caf\u00e9"


def test_posts_in_the_bin_are_no_failure(tmp_path: Path) -> None:
    report = import_from(
        "wordpress", export(tmp_path, item(1, "gale"), item(2, "gone", wp__status="trash")), tmp_path / "out"
    )
    assert (report.counts["articles"], report.failed_posts) == (1, 0)
