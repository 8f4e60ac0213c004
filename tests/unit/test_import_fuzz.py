"""Whatever an archive holds, an import reports it or refuses it; it never fails with an error of Python's."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nightdesk.domain.errors import Permanent
from nightdesk_cli.importing.classic import Shortcodes
from nightdesk_cli.importing.html_text import html_to_markdown
from nightdesk_cli.importing.html_trees import UnreadableHtml
from nightdesk_cli.importing.liquid import replace_liquid
from nightdesk_cli.importing.markdown_text import Image, embeds_to_links, escape_directives, rewrite_addresses
from nightdesk_cli.importing.paragraphs import add_paragraphs
from nightdesk_cli.importing.shortcodes import replace_shortcodes
from support.effort import examples
from support.importing import import_from, write_zip

_PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<figure>",
        "<img",
        'src="a.png">',
        "</figure>",
        "<figcaption>x</figcaption>",
        "<table><tr><td>",
        "</table>",
        "<pre><code>",
        "</code></pre>\n",
        "",
        "",
        "",
        "<a",
        'href="#fn1">1</a>',
        "<ol",
        'class="footnotes"><li',
        'id="fn1">',
        "<!--members-only-->",
        "<!--",
        "-->",
        "<![x",
        "<iframe",
        'src="//x">',
        "<script>",
        "<details>\n",
        "",
        "",
        "",
        "<summary>",
        "{{<",
        "}}",
        "{{<",
        "gate",
        ">}}",
        "{{<",
        "/gate",
        ">}}",
        "{{%",
        "x",
        "%}}",
        "{{<",
        "fig",
        'src="a"',
        ">}}",
        "{%",
        "%}",
        "{%",
        "if",
        "x",
        "%}",
        "{%",
        "endif",
        "%}\n",
        "",
        "",
        "",
        "{%",
        "raw",
        "%}",
        "{{",
        "x|y",
        "}}",
        "[caption]",
        "[/caption]",
        "[gallery",
        'ids="1"]',
        "[x",
        'a="b"]',
        "[/x]",
        "![",
        "](",
        ")",
        "```",
        "~~~",
        "`",
        ":::",
        ":::",
        "gate",
        "\\",
        "\n",
        "\n\n",
        "\t",
        ">",
        "-",
        "1.",
        "[^1]:",
        "é",
        "\x00",
        "&amp;",
        '"',
        "'",
    ]
)
TEXTS = st.lists(st.one_of(_PIECES, st.text(max_size=5)), max_size=40).map("".join)


def _ignore(*_: Any) -> None:
    return None


class _Keep:
    def link(self, address: str, line: int) -> str:
        return address

    def image(self, address: str, line: int) -> Image:
        return Image(random.Random(address).choice(["image", "link", "text"]), address)


@given(TEXTS)
def test_any_html_becomes_markdown(text: str) -> None:
    with contextlib.suppress(UnreadableHtml):
        html_to_markdown(add_paragraphs(Shortcodes({}, _ignore).replace(text)), _ignore, {"fn1": text[:50]})


@given(TEXTS)
def test_any_markdown_is_edited(text: str) -> None:
    for made in (replace_shortcodes(text, _ignore).text, replace_liquid(text, {}, _ignore).text, text):
        embedded, lines = embeds_to_links(made, _ignore)
        assert lines.source_line(1) >= 1
        escape_directives(rewrite_addresses(embedded, _Keep()))


@given(TEXTS)
def test_text_without_shortcodes_stays_as_it_is(text: str) -> None:
    if "{" not in text:
        assert replace_shortcodes(text, _ignore).text == replace_liquid(text, {}, _ignore).text == text


_HUGO = {
    "hugo.toml": b'baseURL = "https://x.example"\n[permalinks]\nposts = "/:year/:slug/"\n',
    "content/posts/a.md": b'---\ntitle: A\ndate: 2020-01-01\ntags: [a, b]\naliases: [/x/]\nexpirydate: 2021-01-01\n---\nText {{< fig src="a" >}}\n',
    "content/posts/b.md": b"+++\ntitle = 'B'\ndate = 2020-01-01\n+++\n[a]({{< ref \"a.md\" >}})\n",
    "content/authors/x/_index.md": b"---\ntitle: X\n---\n",
}
_ARCHIVES: dict[str, dict[str, bytes]] = {
    "hugo": _HUGO,
    "jekyll": {
        "_config.yml": b"title: T\npermalink: pretty\ndefaults: [{scope: {path: x}, values: {a: b}}]\ncollections: {c: {output: true}}\n",
        "_posts/2020-01-01-a.md": b"---\ntitle: A\ncategories: x\n---\n{% post_url 2020-01-01-a %}\n",
        "_data/authors.yml": b"a: {name: A}\n",
        "about.html": b"---\ntitle: A\n---\n<p>x</p>",
    },
    "eleventy": {
        "src/posts/a.md": b'---json\n{"title": "A", "tags": ["posts", 1]}\n---\nText\n',
        "src/posts/posts.json": b'{"permalink": "/{{ page.fileSlug }}/", "tags": "x"}',
    },
    "pelican": {
        "pelicanconf.py": b"SITENAME = 'x'\nARTICLE_URL = '{date:%Y}/{slug}'\nDEFAULT_CATEGORY = 'y'\n",
        "content/a.md": b"Title: A\nDate: 2020-01-01\nAuthors: A; B\n\nText\n",
        "content/h.html": b"<html><head><title>H</title></head><body>x</body></html>",
    },
    "ghost": {
        "export.json": json.dumps(
            {
                "db": [
                    {
                        "data": {
                            "posts": [
                                {
                                    "id": 1,
                                    "title": "A",
                                    "slug": "a",
                                    "html": "<p>x</p>",
                                    "status": "published",
                                    "published_at": "2020-01-01",
                                    "type": "post",
                                }
                            ],
                            "tags": [{"id": 1, "name": "t", "slug": "t"}],
                            "posts_tags": [{"post_id": 1, "tag_id": 1, "sort_order": 0}],
                            "settings": [{"key": "title", "value": "x"}],
                        }
                    }
                ]
            }
        ).encode(),
        "redirects.json": b'[{"from": "/x", "to": "/a/"}]',
        "routes.yaml": b"collections:\n  /:\n    permalink: /{slug}/\n",
    },
    "substack": {
        "posts.csv": b"post_id,post_date,is_published,type,audience,title,subtitle\n1.a,2020-01-01T00:00:00Z,true,newsletter,everyone,A,\n",
        "posts/1.a.html": b"<p>x</p>",
        "email_list.x.csv": b"email,active_subscription\na@x.example,true\n",
    },
    "wordpress": {
        "x.xml": b'<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>T</title><link>https://x.example</link>'
        b"<wp:author><wp:author_login>a</wp:author_login></wp:author><item><title>A</title><link>https://x.example/a/</link>"
        b"<wp:post_id>1</wp:post_id><wp:post_name>a</wp:post_name><wp:post_type>post</wp:post_type><wp:status>publish</wp:status>"
        b'<wp:post_date>2020-01-01 00:00:00</wp:post_date><category domain="category" nicename="c">C</category>'
        b"<content:encoded><![CDATA[x]]></content:encoded></item></channel></rss>"
    },
}
_SCRAPS = [
    b"",
    b"\0",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b"-1",
    b"1e999",
    b'"',
    b"'",
    b":",
    b"\n",
    b"\n\n",
    b"---\n",
    b"<",
    b"]]>",
    b",",
    b"9" * 30,
    b"true",
    b"\xe9",
    b"../",
]


def _damaged(files: dict[str, bytes], chance: random.Random) -> dict[str, bytes]:
    made = dict(files)
    for _ in range(chance.randint(1, 4)):
        name = chance.choice(sorted(made))
        raw = made[name]
        start = chance.randint(0, len(raw))
        end = min(len(raw), start + chance.choice([0, 1, 3, 10, 50]))
        made[name] = raw[:start] + chance.choice(_SCRAPS) + raw[end:]
    return made


@pytest.mark.parametrize("system", sorted(_ARCHIVES))
def test_addresses_that_are_none_end_no_import(system: str, tmp_path: Path) -> None:
    files = {
        name: content.replace(b"https://x.example", b"https://[x.example")
        for name, content in _ARCHIVES[system].items()
    }
    report = import_from(system, write_zip(tmp_path / "x.zip", files), tmp_path / "out")
    assert report.counts["articles"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("system", sorted(_ARCHIVES))
def test_a_damaged_archive_is_reported_or_refused(system: str) -> None:
    for seed in range(examples(60)):
        files = _damaged(_ARCHIVES[system], random.Random(f"{system}{seed}"))
        with tempfile.TemporaryDirectory() as folder:
            path = write_zip(Path(folder) / "x.zip", files)
            try:
                import_from(system, path, Path(folder) / "out")
            except Permanent:
                pass
            except Exception as error:
                raise AssertionError(f"seed {seed}: {files}") from error


@pytest.mark.parametrize("system", sorted(_ARCHIVES))
def test_the_undamaged_archive_is_imported(system: str, tmp_path: Path) -> None:
    report = import_from(system, write_zip(tmp_path / "x.zip", _ARCHIVES[system]), tmp_path / "out")
    assert report.counts["articles"] >= 1
    assert report.failed_posts == 0


def test_a_damaged_zip_is_refused_or_reported(tmp_path: Path) -> None:
    raw = write_zip(tmp_path / "x.zip", _HUGO).read_bytes()
    for seed in range(examples(60)):
        chance = random.Random(seed)
        at = chance.randint(0, len(raw) - 1)
        (tmp_path / "y.zip").write_bytes(raw[:at] + bytes([chance.randint(0, 255)]) + raw[at + chance.randint(0, 3) :])
        with contextlib.suppress(Permanent):
            import_from("hugo", tmp_path / "y.zip", tmp_path / f"out{seed}")
