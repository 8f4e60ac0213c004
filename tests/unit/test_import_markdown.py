"""The Markdown of archives: which addresses in it are rewritten, and what counts as code."""

from __future__ import annotations

import time

import pytest
from nightdesk_cli.importing.gates import CLOSE, open_mark, write_gates
from nightdesk_cli.importing.html_text import html_to_markdown
from nightdesk_cli.importing.markdown_text import Image, escape_directives, rewrite_addresses, split_at_divider

TICKS = "Hawai`i is far.{}O`ahu is near.\n"
"""A letter that looks like the mark of code, in two paragraphs."""


class _Marked:
    """Marks what it is asked about."""

    def link(self, address: str, line: int) -> str:
        return f"/link{address}"

    def image(self, address: str, line: int) -> Image:
        form = address[1:].partition("-")[0]
        return Image(form, address) if form in ("link", "text") else Image("image", f"/image{address}")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("`![a](/a.png)` ![b](/b.png)", "`![a](/a.png)` ![b](/image/b.png)"),
        ("\\`![a](/a.png)\\`", "\\`![a](/image/a.png)\\`"),
        (TICKS.format("\n\n![a](/a.png)\n\n[b](/b)\n\n"), TICKS.format("\n\n![a](/image/a.png)\n\n[b](/link/b)\n\n")),
        (TICKS.format("\n> \n> ![a](/a.png)\n> "), TICKS.format("\n> \n> ![a](/image/a.png)\n> ")),
        ('![t](/a.png "T \\"q\\"")', '![t](/image/a.png "T \\"q\\"")'),
        ('![r][im]\n\n[im]: /a.png "T"\n', '![r](/image/a.png "T")\n\n\n'),
        ("![Im] ![x][]\n\n[im]: </a b.png>\n[x]: /x.png\n", "![Im](</image/a b.png>) ![x](/image/x.png)\n\n\n\n"),
        ("![r][im] and [that][im]\n\n[im]: /a.png\n", "![r](/image/a.png) and [that][im]\n\n[im]: /link/a.png\n"),
        ("[![r][im]](/b)\n\n[im]: /a.png\n", "[![r](/image/a.png)](/link/b)\n\n\n"),
        ("`![r][im]` ![none]\n\n[im]: /a.png\n", "`![r][im]` ![none]\n\n[im]: /link/a.png\n"),
    ],
)
def test_addresses_outside_code_are_rewritten(written: str, read: str) -> None:
    assert rewrite_addresses(written, _Marked()) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("[![A](/link-a.png)](/b) c", "[A](/link/b) ([link-a.png](/link-a.png)) c"),
        ("[![](/link-a.png) c ![D](/link-d.png)](/b)", "[link-a.png c D](/link/b) ([link-a.png](/link-a.png), [link-d.png](/link-d.png))"),
        ("[![A](/link-a.png)][b]\n\n[b]: /b", "[A][b] ([link-a.png](/link-a.png))\n\n[b]: /link/b"),
        ("[![](/text-a.png)](/b)", "[text-a.png](/link/b)"),
        ('<a href="/b"><img src="/link-a.png" alt="A"></a>', '<a href="/link/b">A</a> (<a href="/link-a.png">link-a.png</a>)'),
        ('<a href="/b"><img src="/text-a.png"></a>', '<a href="/link/b">text-a.png</a>'),
        ("![A](/link-a.png) [b](/b)", "[A](/link-a.png) [b](/link/b)"),
        ('![A](/link-a.png) <a href="/b">b</a>', '[A](/link-a.png) <a href="/link/b">b</a>'),
        ("![A](/link-a.png)\n\nb](/b)", "[A](/link-a.png)\n\nb](/link/b)"),
    ],
)  # fmt: skip
def test_an_image_in_a_link_that_becomes_a_link_stands_after_it(written: str, read: str) -> None:
    assert rewrite_addresses(written, _Marked()) == read


def test_a_letter_that_looks_like_the_mark_of_code_hides_no_gate() -> None:
    gated = TICKS.format(f"\n\n{open_mark('member')}\n\nHidden.\n\n{CLOSE}\n\n")
    assert "::: gate tier=member\nHidden.\n:::" in write_gates(gated, ["friend", "member"]).replace("\n\n", "\n")
    assert split_at_divider(TICKS.format("\n\n<!--members-only-->\n\n"))
    assert escape_directives(TICKS.format("\n\n::: gate\n\n")) == TICKS.format("\n\n\\::: gate\n\n")


def test_links_within_links_take_no_time() -> None:
    started = time.process_time()
    html_to_markdown("<a href='/b'>" * 150 + "<p>A</p>" * 3000, lambda *_: None)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<strong>A:</strong>b", "<strong>A:</strong>b"),
        ("a<em>(b)</em>", "a<em>(b)</em>"),
        ("<b>A: </b>b", "**A:** b"),
        ("<b>A</b>b <i>c.</i> <code><b>d.</b>e</code>", "**A**b *c.* `d.e`"),
    ],
)
def test_emphasis_whose_marks_would_not_be_read_stays_html(html: str, text: str) -> None:
    assert html_to_markdown(f"<p>{html}</p>", lambda *_: None).strip() == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<a href='/b'><div><h3>A <em>b</em></h3><p>C</p></div></a>", "### [A *b*](/b)\n\nC"),
        ("<a href='/b'>A <b>b</b><br>c<p>D</p></a>", "[A **b**](/b)\\\nc\n\nD"),
        ("<a href='/b' title='T'><ul><li>A</li><li>B</li></ul></a>", '- [A](/b "T")\n- B'),
        ("<a href='/b'><div><img src='a.png'><h3>A</h3></div></a>", "[![](a.png)](/b)\n\n### [A](/b)"),
        ("<a href='/b'><div><a href='/c'>C</a></div><p>A</p></a>", "[C](/c)\n\n[A](/b)"),
        ("<a href='/b'><pre>a</pre></a>", "[/b](/b)\n\n```\na\n```"),
        ("<a href='/b' id='x'><p>A</p></a><p><a href='#x'>B</a></p>", '<span id="x"></span>\n\n[A](/b)\n\n[B](#x)'),
        ("<a href='/b'><p></p></a><p>A</p>", "A"),
    ],
)
def test_a_link_around_blocks_leads_from_their_first_line(html: str, text: str) -> None:
    assert html_to_markdown(html, lambda *_: None).strip() == text
