"""Rendering Markdown: what is kept, what the sanitiser removes, and where images and links lead."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nightdesk.domain.documents import Asset, Document, digest
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.errors import Rejected
from nightdesk.domain.passages import FREE, Passage
from nightdesk.domain.problems import Kind, Problem
from nightdesk.domain.site import Site
from nightdesk.domain.views import view
from nightdesk.rendering.markdown import clean_path, is_foreign, render_passages, render_plain, to_html
from nightdesk.usecases.pipeline.render_document import FoundImage, to_document
from support.effort import examples

SITE = Site()
IMAGES = {
    f"drafts/a/{name}": FoundImage(digest(name.encode()))
    for name in ("a.png", "Ünï cödé.JPG", "b.exe", "index.md", "in/a.png")
}


def render_any_address(markdown: str) -> str:
    """Render with all addresses allowed, so that only the sanitiser removes anything."""
    return "".join(block.html for block in render_passages((Passage(FREE, "", markdown, 1),), lambda u: u, lambda u: u))


def rendered(body: str, folder: str = "drafts/a/") -> tuple[Document, tuple[Problem, ...]]:
    """Return the document of a draft in a folder with images, and the warnings but for the images that it does not show."""
    draft = parse_draft(f"---\ntitle: T\ndate: 2026-11-23\n---\n{body}".encode(), "a", SITE, to_html)
    document, told = to_document(draft, IMAGES if folder else {}, folder)
    return document, tuple(problem for problem in told if problem.kind is not Kind.FILE_UNUSED)


def html(body: str, folder: str = "drafts/a/") -> str:
    return "".join(block.html for block in rendered(body, folder)[0].blocks).strip()


# --- Kept ---


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("*a* **b** `c` ~~d~~", "<p><em>a</em> <strong>b</strong> <code>c</code> <del>d</del></p>"),
        ("# One", "<h2>One</h2>"),
        ("## Two", "<h2>Two</h2>"),
        ("###### Six", "<h6>Six</h6>"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("***", "<hr>"),
        ("```python\na < b\n```", '<pre><code class="language-python">a &lt; b\n</code></pre>'),
        ("a -- \"b\" ... 'c'", "<p>a – “b” … ‘c’</p>"),
        ("T *e*\n: a\n: b", "<dl>\n<dt>T <em>e</em></dt>\n<dd>a</dd>\n<dd>b</dd>\n</dl>"),
        ("T *e*\nU\n: a", "<dl>\n<dt>T <em>e</em></dt>\n<dt>U</dt>\n<dd>a</dd>\n</dl>"),
        ("*T\nU*\n: a", "<dl>\n<dt><em>T\nU</em></dt>\n<dd>a</dd>\n</dl>"),
        ("T\n\n: a\n\n  b", "<dl>\n<dt>T</dt>\n<dd>\n<p>a</p>\n<p>b</p>\n</dd>\n</dl>"),
        ("5 < 6 & 7 > 6 &copy;", "<p>5 &lt; 6 &amp; 7 &gt; 6 ©</p>"),
        ("<kbd>a</kbd> H<sub>2</sub>O <mark>b</mark>", "<p><kbd>a</kbd> H<sub>2</sub>O <mark>b</mark></p>"),
        ('<abbr title="A">a</abbr>', '<p><abbr title="A">a</abbr></p>'),
        ('<time datetime="2026">a</time>', '<p><time datetime="2026">a</time></p>'),
        ("<h1>a</h1>", "<h2>a</h2>"),
        (
            "<details><summary>a</summary>\n\nb\n\n</details>",
            "<details><summary>a</summary>\n<p>b</p>\n</details>",
        ),
        (
            "<figure><figcaption>a</figcaption></figure>",
            "<figure><figcaption>a</figcaption></figure>",
        ),
    ],
)
def test_markdown_is_rendered(markdown: str, expected: str) -> None:
    assert html(markdown) == expected


def test_tables_keep_their_alignment_without_styles() -> None:
    table = html("| a | b | c | d |\n|:--|:-:|--:|---|\n| 1 | 2 | 3 | **4** |")
    assert re.findall(r"<th( [^>]*|)>", table) == [
        ' class="align-left"',
        ' class="align-center"',
        ' class="align-right"',
        "",
    ]
    assert re.findall(r"<td([^>]*)>", table) == [
        ' class="align-left"',
        ' class="align-center"',
        ' class="align-right"',
        "",
    ]
    assert "<strong>4</strong>" in table
    assert "style" not in table


def test_html_tables_keep_their_spans() -> None:
    made = html(
        '<table><tr><th scope="row" colspan="2">a</th><td rowspan="2" style="text-align: right">b</td>'
        '<td align="RIGHT" class="byline">c</td><td class="byline" style="vertical-align: top" align="justify">d</td></tr></table>'
    )
    assert '<th scope="row" colspan="2">' in made
    assert '<td rowspan="2" class="align-right">b' in made
    assert '<td class="align-right">c' in made
    assert "<td>d" in made


def test_footnotes_are_separated_from_the_text() -> None:
    document, _ = rendered("a[^1] b[^x]\n\n[^1]: one *two*\n\n[^x]: three\n\n    - four\n")
    block = document.blocks[0]
    assert "footnote" not in block.html
    assert set(block.notes) == {"1", "x"}
    assert block.notes["1"].strip() == "<p>one <em>two</em></p>"
    assert "<li>four</li>" in block.notes["x"]


def test_footnotes_are_sanitised() -> None:
    document, _ = rendered("a[^1]\n\n[^1]: <b onclick=x>b</b><script>alert(1)</script> [c](javascript:1)\n")
    assert document.blocks[0].notes["1"].strip() == "<p><b>b</b> c</p>"


# --- Sanitised ---

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<img src="x" onerror="alert(1)" srcset="//evil.example/x 2x">',
    "<img src=javascript:alert(1)>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<a href=javascript:alert(1)>a</a>",
    "<a href='JaVaScRiPt:alert(1)'>a</a>",
    "<a href='&#106;avascript:alert(1)'>a</a>",
    "<a href='java\tscript:alert(1)'>a</a>",
    "<a href=' javascript:alert(1)'>a</a>",
    "<a href='\x01javascript:alert(1)'>a</a>",
    "<a href=vbscript:x>a</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "[a](javascript:alert(1))",
    "[a](<java script:alert(1)>)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "[a]: javascript:alert(1)\n\n[a]",
    "<javascript:alert(1)>",
    "![a](javascript:alert(1))",
    '![a](x.png "onerror=alert(1)")',
    '![" onerror="alert(1)](x.png)',
    "![x > <script>alert(1)</script>](a.png)",
    '[a](/x "t\\" onclick=\\"alert(1)")',
    "<div style='background:url(javascript:alert(1))'>a</div>",
    "<style>body{display:none}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<iframe src=//evil.example/></iframe>",
    "<object data=x></object><embed src=x><applet code=x></applet>",
    "<form action=//evil.example/><input name=a><button>b</button></form>",
    "<svg onload=alert(1)><a xlink:href=javascript:alert(1)><text>a</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<textarea><script>alert(1)</script></textarea>",
    "<video src=x onerror=alert(1)><source src=x></video><audio src=x></audio>",
    "<p id=main class=byline name=x data-updates=/x contenteditable tabindex=0 accesskey=x>a</p>",
    "<a href=/x target=_blank ping=//evil.example/ download>a</a>",
    "<blockquote cite=javascript:alert(1)>a</blockquote><del cite=javascript:alert(1)>b</del>",
    '<code class="gate">a</code><pre class=x>b</pre><code class="language-a b">c</code>',
    "<!-- --!><img src=x onerror=alert(1)>",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<?php echo '<script>alert(1)</script>' ?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<x-widget onclick=alert(1)>a</x-widget>",
    "<plaintext>",
    "</div></main></body><script>alert(1)</script>",
    "<<script>script>alert(1)<</script>/script>",
    '```"><script>alert(1)</script>\na\n```',
]
ALLOWED = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height", "loading", "decoding"},
    "ol": {"start", "reversed"},
    "td": {"class", "colspan", "rowspan"},
    "th": {"class", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
    "code": {"class"},
    "del": {"datetime"},
    "ins": {"datetime"},
}
BANNED = {
    "script",
    "style",
    "iframe",
    "object",
    "embed",
    "svg",
    "math",
    "form",
    "input",
    "button",
    "link",
    "meta",
    "base",
}
BANNED |= {"template", "noscript", "textarea", "video", "audio", "source", "plaintext", "h1", "main", "body", "title"}


class _Auditor(HTMLParser):
    """Parses HTML and collects everything that must not be in it."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BANNED or "-" in tag:
            self.forbidden.append(tag)
        for name, value in attrs:
            scheme = re.match(r"[\s\x00-\x20]*([a-z][a-z0-9+.\s-]*):", value or "", re.IGNORECASE)
            if name == "id":
                self.forbidden += [] if re.fullmatch(r"s-[\w.:-]+", value or "") else [f"{tag} {name}={value}"]
            elif name not in ALLOWED.get(tag, set()) | {"dir", "lang", "title"}:
                self.forbidden.append(f"{tag} {name}")
            elif name in ("href", "src", "cite") and scheme and scheme[1] not in ("http", "https", "mailto", "tel"):
                self.forbidden.append(f"{tag} {name}={value}")
            elif name == "class" and not re.fullmatch(r"language-[\w+-]+", value or ""):
                self.forbidden.append(f"class {value}")

    def handle_comment(self, data: str) -> None:
        self.forbidden.append(f"comment {data}")

    def handle_pi(self, data: str) -> None:
        self.forbidden.append(f"instruction {data}")


def forbidden_in(made: str) -> list[str]:
    auditor = _Auditor()
    auditor.feed(made)
    auditor.close()
    return auditor.forbidden


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "frame", ["{}", "text {} text", "> - {}", "| a |\n|---|\n| {} |", "a[^1]\n\n[^1]: {}\n", "# {}"]
)
def test_attacks_are_sanitised(attack: str, frame: str) -> None:
    attack = attack.replace("\n", " ") if frame not in ("{}",) else attack
    markdown = frame.replace("{}", attack)
    assert forbidden_in(render_any_address(markdown)) == []
    document, _ = rendered(markdown)
    for block in document.blocks:
        assert forbidden_in(block.html + "".join(block.notes.values())) == []
    assert forbidden_in(render_plain(markdown, lambda u: u, lambda u: u)) == []


HTML_BITS = [
    "<",
    ">",
    "</",
    "/>",
    '"',
    "'",
    "=",
    " ",
    "\n",
    "a",
    "p",
    "div",
    "svg",
    "img",
    "script",
    "style",
    "title",
    "math",
]
HTML_BITS += [
    "href",
    "src",
    "onerror",
    "javascript:",
    "&#58;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "x",
    "[",
    "](",
    ")",
    "![",
]
HTML_BITS += [
    "`",
    "*",
    "table",
    "td",
    "select",
    "option",
    "noscript",
    "\ue000n:1\ue001",
    "&#xE000;",
    "[^1]",
    "[^1]: ",
    "\x0b",
]


@settings(deadline=None, max_examples=examples(150))
@given(st.lists(st.sampled_from(HTML_BITS), max_size=40).map("".join))
def test_combined_attacks_are_sanitised(markdown: str) -> None:
    assert forbidden_in(render_any_address(markdown)) == []


def test_removed_elements_leave_their_text() -> None:
    assert html("<font color=red>a</font> <big>b</big>") == "<p>a b</p>"
    assert "alert" not in html("<script>alert(1)</script>a <style>alert</style>b")


def test_marks_cannot_be_typed() -> None:
    assert "\ue000" not in html("a \ue000n:x\ue001 b \ue000")


# --- Images ---


def test_an_image_in_the_drafts_folder_is_published() -> None:
    document, told = rendered('![An "alt" text](a.png "A title")')
    (asset,) = document.assets
    sha256 = digest(b"a.png")
    assert asset == Asset(f"a.{sha256}.png", "drafts/a/a.png", sha256)
    assert document.blocks[0].html.strip() == (
        f'<p><img src="/articles/a/{asset.name}" alt="An “alt” text" title="A title" loading="lazy" decoding="async"></p>'
    )
    assert told == ()


@pytest.mark.parametrize("typed", ["a.png", "./a.png", "%61.png", "a.png?v=1", "a.png#x", "&#97;.png"])
def test_an_images_path_may_be_written_in_several_ways(typed: str) -> None:
    assert [asset.key for asset in rendered(f"![x]({typed})")[0].assets] == ["drafts/a/a.png"]


def test_the_published_name_of_an_image_is_a_slug() -> None:
    (asset,) = rendered("![x](<Ünï cödé.JPG>)")[0].assets
    assert re.fullmatch(r"uni-code\.[0-9a-f]{64}\.jpg", asset.name)


def test_an_image_may_lie_deeper_in_the_drafts_folder() -> None:
    (asset,) = rendered("![x](in/a.png)")[0].assets
    assert (asset.key, asset.sha256) == ("drafts/a/in/a.png", digest(b"in/a.png"))


@pytest.mark.parametrize(
    "typed",
    ["missing.png", "../a.png", "/a.png", "sub/a.png", "b.exe", "index.md", ""],
)
def test_a_missing_image_is_replaced_by_its_alt_text(typed: str) -> None:
    document, told = rendered(f"before ![what it shows](<{typed}>) after")
    assert document.blocks[0].html == "<p>before <span>what it shows</span> after</p>\n"
    assert document.assets == ()
    assert [problem.key for problem in told] == ["image"]


@pytest.mark.parametrize(
    "typed", ["https://elsewhere.example/a.png", "HTTPS://elsewhere.example/a.png", "//elsewhere.example/a.png"]
)
def test_an_image_on_another_site_is_replaced_by_a_link_to_it(typed: str) -> None:
    link = '<a href="https://elsewhere.example/a.png">what it shows</a>'
    assert html(f"before ![what it shows](<{typed}>) after").lower() == f"<p>before {link} after</p>"
    assert html(f"![](<{typed}>)") == "<p></p>"
    assert (
        html(f"[![it](<{typed}>)](https://other.example)")
        == '<p><a href="https://other.example"><span>it</span></a></p>'
    )


@pytest.mark.parametrize("typed", ["http://[x", "data:image/png;base64,AA", "javascript:x"])
def test_an_invalid_image_address_is_replaced_by_the_alt_text(typed: str) -> None:
    assert html(f"before ![what it shows](<{typed}>) after") == "<p>before <span>what it shows</span> after</p>"


def test_an_image_without_alt_text_and_address_is_removed() -> None:
    assert html("a ![](missing.png) b") == "<p>a  b</p>"
    assert html("<img>") == ""
    assert 'alt=""' in html("<p><img src=a.png></p>")


def test_a_draft_without_a_folder_has_no_images() -> None:
    assert html("![x](a.png)", folder="") == "<p><span>x</span></p>"


def test_an_image_used_twice_is_one_asset() -> None:
    assert len(rendered("![x](a.png) ![y](./a.png)")[0].assets) == 1


# --- Links ---


@pytest.mark.parametrize(
    ("typed", "href"),
    [
        ("https://elsewhere.example/?a=1&b=2#c", "https://elsewhere.example/?a=1&amp;b=2#c"),
        ("http://elsewhere.example/", "http://elsewhere.example/"),
        ("mailto:desk@news.example", "mailto:desk@news.example"),
        ("tel:+4712345678", "tel:+4712345678"),
        ("/topics/energy/", "/topics/energy/"),
        ("HTTPS://elsewhere.example/Rubik's_(cube)!$&*+,;=@", "https://elsewhere.example/Rubik's_(cube)!$&amp;*+,;=@"),
        ("//elsewhere.example/a", "https://elsewhere.example/a"),
        ("MailTo:desk@news.example", "mailto:desk@news.example"),
    ],
)
def test_a_link_is_kept(typed: str, href: str) -> None:
    document, told = rendered(f"[x]({typed})")
    assert document.blocks[0].html == f'<p><a href="{href}">x</a></p>\n'
    assert told == ()


@pytest.mark.parametrize("typed", ["other.html", "up/", "http:///", "index.htm#part"])
def test_a_dead_link_is_replaced_by_its_text(typed: str) -> None:
    document, told = rendered(f"[x *y*](<{typed}>)")
    assert document.blocks[0].html == "<p>x <em>y</em></p>\n"
    assert [problem.key for problem in told] == ["link"]


@pytest.mark.parametrize("typed", ["ftp://x.example/", "file:///etc/passwd", "/\\x.example", "/\t/x.example"])
def test_a_forbidden_address_is_replaced_by_the_links_text(typed: str) -> None:
    assert html(f'<b><a href="{typed}">x</a></b>') == "<p><b>x</b></p>"


def test_an_empty_link_is_replaced_by_its_text() -> None:
    assert html("[x]() [y](#)") == "<p>x y</p>"
    assert html('<a title="t">x</a> <a>y</a> <a name="">z</a>') == "<p>x y z</p>"


def test_a_link_to_a_heading_leads_to_its_anchor() -> None:
    document, _ = rendered("[x](#deep-dive)\n\n## Deep dive\n")
    (heading,) = view(document, "public", SITE).headings
    assert f'href="#{heading.anchor}"' in document.blocks[0].html


@pytest.mark.parametrize(
    ("url", "foreign"),
    [
        ("https://x/", True),
        ("//x", True),
        ("mailto:a", True),
        ("a.png", False),
        ("/a", False),
        ("", False),
        ("1:2", False),
    ],
)
def test_a_foreign_address_has_a_scheme_or_a_host(url: str, foreign: bool) -> None:
    assert is_foreign(url) is foreign


def test_a_path_has_no_query_and_no_fragment() -> None:
    assert clean_path("./a%20b.png?x#y") == "a b.png"
    assert clean_path("http://[") == ""


# --- Depth ---


@pytest.mark.parametrize("deep", [">" * 5_000, "<div>" * 2_000, "<b><i>" * 1_000, "- " * 5_000, "<DIV>" * 2_000])
def test_deep_nesting_is_rejected(deep: str) -> None:
    with pytest.raises(Rejected) as caught:
        rendered(f"text\n\n{deep}a")
    assert caught.value.problems[0].line == 5
    with pytest.raises(Rejected):
        render_plain(f"{deep}a", lambda u: u, lambda u: u)


@pytest.mark.parametrize(
    "wide", ["<p>a" * 3_000, "<br>" * 3_000, "*a* " * 3_000, "<div></div>" * 2_000, "- a\n" * 3_000, ">" * 99]
)
def test_long_text_is_not_rejected(wide: str) -> None:
    assert html(f"{wide}a")
