"""What a text loses on its way to the page: nothing in silence, each with its line, and nothing shown that was not meant."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from nightdesk.domain import suggestions
from nightdesk.domain.drafts_bucket import DraftsKey
from nightdesk.domain.errors import Rejected
from nightdesk.domain.problems import Kind, ProblemKind
from nightdesk.domain.site import Site
from nightdesk.domain.template_code import template_code
from nightdesk.domain.views import VisiblePart, view
from nightdesk.usecases.pipeline.render_document import FoundImage, read_draft
from nightdesk.usecases.pipeline.render_profile import read_profile

SITE = Site()
KEY = DraftsKey("draft", "ferry", "drafts/ferry/")
HEAD = "---\ntitle: The ferry\ndate: 2026-11-23\n---\n"
BODY_LINE = 5
"""The line at which the body begins below `HEAD`."""


def read(body: str, images: tuple[str, ...] = (), head: str = HEAD) -> tuple[str, list[tuple[int, ProblemKind]]]:
    """Return what members see of a draft, with its footnotes, and the line and kind of each warning."""
    listed = [(f"drafts/ferry/{name}", FoundImage("etag")) for name in images]
    document, warnings = read_draft(f"{head}{body}".encode(), KEY, SITE, (), dict(listed))
    seen = view(document, "member", SITE)
    shown = "\n".join(part.html for part in seen.parts if isinstance(part, VisiblePart)) + "\n".join(seen.notes)
    return shown, [(problem.line - BODY_LINE, problem.kind) for problem in warnings]


def text_of(shown: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", shown).split())


# --- Elements that are taken out ---


@pytest.mark.parametrize(
    "element",
    ["noscript", "iframe", "noembed", "noframes", "xmp", "textarea", "title", "plaintext", "listing", "select", "font"],
)
def test_no_markup_and_no_comment_is_shown_as_text(element: str) -> None:
    shown, _ = read(f"Before.\n\n<{element}><!-- ask the lawyer --><b>kept</b> &lt;tag&gt;</{element}>\n\nAfter.")
    assert "lawyer" not in shown
    assert "&lt;b" not in shown
    assert text_of(shown).startswith("Before.")
    assert text_of(shown).endswith("After.")
    inline, _ = read(f"Before <{element}><!-- ask the lawyer --> <i>kept</i></{element}> after.")
    assert "lawyer" not in inline
    assert "&lt;i" not in inline


@pytest.mark.parametrize(
    ("markup", "address", "label"),
    [
        (
            '<iframe src="https://maps.example/harbour" title="The harbour"></iframe>',
            "maps.example/harbour",
            "The harbour",
        ),
        ("<iframe src=//maps.example/harbour></iframe>", "maps.example/harbour", "maps.example/harbour"),
        (
            '<video><source src="https://cdn.example/a/tide.webm">No video</video>',
            "cdn.example/a/tide.webm",
            "tide.webm",
        ),
        ("<audio controls src='https://cdn.example/horn.mp3'>No audio</audio>", "cdn.example/horn.mp3", "horn.mp3"),
        ('<embed src="https://cdn.example/plan.pdf">', "cdn.example/plan.pdf", "plan.pdf"),
        ('<object><embed src="https://cdn.example/b.swf"></object>', "cdn.example/b.swf", "b.swf"),
        ('<form action="https://list.example/join" aria-label="Join"><input></form>', "list.example/join", "Join"),
    ],
)
def test_an_embedded_thing_becomes_a_link(markup: str, address: str, label: str) -> None:
    for body in (f"One.\n\n{markup}\n", f"One.\n\nTwo {markup} three.\n"):
        shown, warnings = read(body)
        assert f'<a href="https://{address}">{label}</a>' in shown
        assert (2, Kind.ELEMENT_LINKED) in warnings
        assert "No video" not in shown
        assert "No audio" not in shown


@pytest.mark.parametrize(
    "markup",
    [
        "<script>let quay = 1 < 2;</script>",
        "<style>p > a {}</style>",
        "<svg><text>quay</text></svg>",
        "<math><mi>quay</mi></math>",
        "<canvas>quay</canvas>",
        "<tide-table port=quay></tide-table>",
        "<?php quay(); ?>",
    ],
)
def test_what_cannot_be_shown_is_named_with_its_line(markup: str) -> None:
    shown, warnings = read(f"One.\n\nTwo.\n\n{markup}\n\nThree.")
    assert text_of(shown) == "One. Two. Three."
    assert warnings == [(4, Kind.ELEMENT_REMOVED)]


def test_each_of_several_elements_has_its_own_line() -> None:
    _, warnings = read("<canvas></canvas>\n\nText.\n\n- <canvas></canvas>\n\n<div>\n<canvas></canvas>\n</div>\n")
    assert [line for line, _ in warnings] == [0, 4, 7]


@pytest.mark.parametrize("code", ["`<iframe src=x>`", "    <canvas>\n", "```\n<script>{{ x }}[^a]\n```\n"])
def test_code_loses_nothing(code: str) -> None:
    assert read(f"Text.\n\n{code}")[1] == []


def test_ruby_is_kept() -> None:
    assert "<ruby>港<rp>(</rp><rt>みなと</rt></ruby>" in read("<ruby>港<rp>(</rp><rt>みなと</rt></ruby>")[0]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("One.\n\n<!-- a note\n\nTwo.\n", Kind.COMMENT_UNCLOSED),
        ("One.\n\n<script>\n\nTwo.\n", Kind.ELEMENT_UNCLOSED),
    ],
)
def test_what_hides_the_rest_of_the_text_is_reported(body: str, kind: ProblemKind) -> None:
    assert read(body)[1] == [(2, kind)]


def test_a_tag_without_an_end_is_text() -> None:
    shown, warnings = read('One.\n\n<div class="quay\n\nTwo **bold**.\n')
    assert text_of(shown) == 'One. &lt;div class="quay Two bold .'
    assert warnings == [(2, Kind.TAG_UNCLOSED)]


# --- Addresses ---


@pytest.mark.parametrize(
    "scheme", ["signal:+431", "ftp://x.example/", "javascript:alert(1)", "whatsapp://send", "FILE:///a"]
)
def test_a_link_that_is_dropped_is_reported(scheme: str) -> None:
    for body in (
        f"One.\n[two](<{scheme}>)\n",
        f"One.\n<a href='{scheme}'>two</a>\n",
        f"One.\n[two]\n\n[two]: <{scheme}>\n",
    ):
        shown, warnings = read(body)
        assert "<a" not in shown
        assert warnings == [(1, Kind.LINK_SCHEME)]


@pytest.mark.parametrize("address", ["http://[x", "http:///", "https://x:999999/", "other.html", "a/"])
def test_an_address_that_leads_nowhere_is_reported(address: str) -> None:
    shown, warnings = read(f"One.\n\n> [two](<{address}>)\n")
    assert "<a" not in shown
    assert warnings == [(2, Kind.LINK_DEAD)]


@pytest.mark.parametrize("typed", [" https://x.example/a ", "https://x.example/a\t", "\nhttps://x.example/a\n", "&#13;https://x.example/a&#1;"])  # fmt: skip
def test_blanks_around_an_address_do_not_cost_the_link(typed: str) -> None:
    shown, warnings = read(f'One <a href="{typed}">two</a>.\n')
    assert '<a href="https://x.example/a">two</a>' in shown
    assert not warnings
    hidden, warnings = read('<a href=" javascript:alert(1)">x</a> <a href="\n&#2;javascript:alert(1)">x</a>\n')
    assert "<a" not in hidden
    assert {kind for _, kind in warnings} == {Kind.LINK_SCHEME}


def test_links_and_images_have_their_true_lines() -> None:
    body = "`[a](b)` [a](b)\n\n![x](y.png)\n\n- z ![x](y.png)\n- <img src=y.png>\n\n[r]\n\n[r]: b\n"
    _, warnings = read(body)
    assert [(line, kind.id) for line, kind in warnings] == [
        (0, "link-dead"), (2, "image-missing"), (4, "image-missing"), (5, "image-missing"), (7, "link-dead"),
    ]  # fmt: skip


def test_lines_behind_a_gate_are_those_of_the_file() -> None:
    body = "One [a](b).\n\n::: gate tier=member\n\n[a](b) and {{ x }}\n\n:::\n\n[a](b)\n"
    assert [line for line, _ in read(body)[1]] == [0, 4, 4, 8]


def test_a_lead_image_that_is_missing_has_the_line_of_its_key() -> None:
    head = "---\ntitle: T\nhero:\n  alt: The quay\n  src: quay.png\ndate: 2026-11-23\n---\n"
    _, warnings = read("Text.\n", head=head)
    assert warnings == [(5 - BODY_LINE, Kind.IMAGE_MISSING)]


# --- Images ---


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("k\u00f6ge.png", "ko\u0308ge.png"),
        ("ko\u0308ge.png", "k\u00f6ge.png"),
        ("fj%C3%B8rd.png", "fjørd.png"),
        ("QUAY.PNG", "quay.png"),
        ("quay.png", "Quay.PNG"),
        ("./maps/north.png", "maps/north.png"),
        ("two words.png", "two words.png"),
    ],
)
def test_an_image_is_found_by_the_name_that_people_see(typed: str, stored: str) -> None:
    shown, warnings = read(f"![x](<{typed}>)", images=(stored, "other.txt.gz"))
    assert "<img" in shown
    assert warnings == []


def test_the_same_capitals_win() -> None:
    document, _ = read_draft(
        f"{HEAD}![x](a.PNG)".encode(),
        KEY,
        SITE,
        (),
        {"drafts/ferry/a.png": FoundImage("1"), "drafts/ferry/a.PNG": FoundImage("2")},
    )
    assert [asset.key for asset in document.assets] == ["drafts/ferry/a.PNG"]


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("Screenshot 9.41\u202fAM.png", "<Screenshot 9.41 AM.png>"), ("a\u00a0b.png", "<a b.png>"), ("\ufb01gure.png", "figure.png"),
        ("fer\u00adry\u200b.png", "ferry.png"), ("\uff41.png", "a.png"), ("\u2600\ufe0f.png", "\u2600.png"),
        ("lit%20eral.png", "lit%20eral.png"), ("up%2e%2e.png", "up%2e%2e.png"), ("cafe\u0301.PNG", "caf%C3%A9.png"),
    ],
)  # fmt: skip
def test_names_that_look_alike_are_the_same(stored: str, typed: str) -> None:
    document, warnings = read_draft(
        f"{HEAD}![x]({typed})".encode(), KEY, SITE, (), {f"drafts/ferry/{stored}": FoundImage("1")}
    )
    assert [asset.key for asset in document.assets] == [f"drafts/ferry/{stored}"]
    assert not warnings


def test_all_of_a_folder_of_five_hundred_images_are_shown_whatever_their_names() -> None:
    names = [f"{n} it's a \u201cquay\u201d \U0001f600 %2e%2e&<b>.png" for n in range(500)]
    typed = [quote(name, safe=" '&") for name in names]
    body = "\n\n".join(f"![Quay {n}](<{name}>)" for n, name in enumerate(typed))
    files = {f"drafts/ferry/{name}": FoundImage(f"{n:064x}") for n, name in enumerate(names)}
    document, warnings = read_draft(f"{HEAD}{body}".encode(), KEY, SITE, (), files)
    assert {asset.key for asset in document.assets} == set(files)
    assert all(re.fullmatch(r"[a-z0-9-]+\.[0-9a-f]{64}\.png", asset.name) for asset in document.assets)
    assert [warning for warning in warnings if warning.key == "image"] == []


@pytest.mark.parametrize(
    ("stored", "typed"),
    [("img/deep.png", "deep.png"), ("top.png", "img/Top.png"), ("top.png", "../ferry/top.png"), ("top.png", "img/../top.png"),
     ("img/Deep.png", "IMG\\deep.png"), ("a-very-long-name.png", "a-very-long-name")],
)  # fmt: skip
def test_an_image_in_another_folder_or_typed_without_its_suffix_is_named(stored: str, typed: str) -> None:
    files = {f"drafts/ferry/{name}": FoundImage("1") for name in (stored, "img/tip.png", "other.png")}
    _, warnings = read_draft(f"{HEAD}![x]({typed})".encode(), KEY, SITE, (), files)
    assert warnings[0].text.endswith(f"did you mean `{stored}`?")


def test_a_misspelt_image_gets_a_suggestion() -> None:
    _, warnings = read_draft(
        f"{HEAD}![x](habour.png)".encode(), KEY, SITE, (), {"drafts/ferry/harbour.png": FoundImage("1")}
    )
    assert "did you mean `harbour.png`?" in warnings[0].text
    _, warnings = read_draft(f"{HEAD}![x](k%C3%B8ge.png)".encode(), KEY, SITE, (), {})
    assert "køge.png" in warnings[0].text


# --- Anchors ---


@pytest.mark.parametrize(
    "typed",
    ["what-s-new-in-2-0", "whats-new-in-20", "Whats-New-in-20", "whats-new-in-2.0", "user-content-whats-new-in-20"],
)
def test_a_link_leads_to_a_heading_by_the_anchor_of_any_tool(typed: str) -> None:
    shown, warnings = read(f"[see](<#{typed}>)\n\n## What's new in 2.0?\n")
    assert 'href="#s-whats-new-in-2-0"' in shown
    assert warnings == []


@pytest.mark.parametrize(
    ("heading", "typed", "anchor"),
    [
        ("## Köpenhamn", "köpenhamn", "s-kopenhamn"),
        ("## Köpenhamn", "kopenhamn", "s-kopenhamn"),
        ("## Köpenhamn", "k%C3%B6penhamn", "s-kopenhamn"),
        ("## 港の歴史", "港の歴史", None),
        ("## Rates {#rates-2026}", "rates-2026", "s-rates-2026"),
        ("## Rates {: #rates .wide }", "rates", "s-rates"),
        ("Rates\n=====", "Rates", "s-rates"),
        ('<h3 id="Rates">Fees</h3>', "Rates", "s-Rates"),
        ('<a id="fees"></a>Fees', "fees", "s-fees"),
        ('<a name="fees">Fees</a>', "fees", "s-fees"),
        ('<p id="fees">Fees</p>', "fees", "s-fees"),
        ("## Fees\n\n## Fees", "fees-1", "s-fees-2"),
        ("## Fees\n\n## Fees", "fees_1", "s-fees-2"),
        ("## **Fees** and `dues`", "fees-and-dues", "s-fees-and-dues"),
    ],
)
def test_a_link_leads_to_its_place(heading: str, typed: str, anchor: str | None) -> None:
    shown, warnings = read(f"[see](<#{typed}>)\n\n{heading}\n")
    target = re.search(r'href="#([^"]*)"', shown)
    assert target
    assert f'id="{target[1]}"' in shown
    assert anchor in (None, target[1])
    assert warnings == []
    assert "{" not in shown


def test_a_dead_anchor_is_reported_and_shown_as_text() -> None:
    shown, warnings = read("## Fees\n\nOne [two](#dues) [three](#fees).\n")
    assert "One two <a" in shown
    assert warnings == [(2, Kind.ANCHOR_DEAD)]


def test_text_in_braces_at_the_end_of_a_heading_stays() -> None:
    assert text_of(read("## Rates {2026}\n\nText.")[0]) == "Rates {2026} Text."


def test_a_link_to_hidden_text_says_nothing_of_it() -> None:
    body = "[see](#fees)\n\n## Dues\n\n::: gate tier=member\n\n## Fees\n\n## Dues\n\n:::\n"
    document, warnings = read_draft(f"{HEAD}{body}".encode(), KEY, SITE, (), {})
    assert warnings == ()
    [first, *_] = view(document, "public", SITE).parts
    assert isinstance(first, VisiblePart)
    assert "<a" not in first.html
    assert "fees" not in first.html
    assert 'href="#s-fees"' in read(body)[0]


def test_an_id_is_used_once() -> None:
    shown, _ = read('<p id="fees">a</p>\n\n<p id="fees">b</p>\n\n## Fees\n')
    ids = re.findall(r'id="([^"]*)"', shown)
    assert len(ids) == len(set(ids)) == 2


# --- Footnotes ---


@pytest.mark.parametrize(
    "note",
    [
        "First.\n\n    <div>two</div>\n\n    Last.",
        "First <div>two</div> </div> Last.",
        "> First\n\n    </div><b>\n\n    Last.",
    ],
)
def test_a_footnote_is_whole_whatever_html_is_in_it(note: str) -> None:
    document, _ = read_draft(
        f"{HEAD}One[^a] two[^b].\n\n[^a]: {note}\n\n[^b]: Other.\n\nEnd.\n".encode(), KEY, SITE, (), ()
    )
    seen = view(document, "public", SITE)
    [part] = seen.parts
    assert isinstance(part, VisiblePart)
    assert text_of(part.html) == "One 1 two 2 . End."
    assert "First" in seen.notes[0]
    assert "Last." in seen.notes[0]
    assert text_of(seen.notes[1]) == "Other."


def test_html_that_looks_like_the_parsers_is_no_footnote() -> None:
    fake = '<div class="footnote-definition" id="a"><sup class="footnote-definition-label">9</sup>Fake</div>'
    document, _ = read_draft(f"{HEAD}One[^a].\n\n{fake}\n\n[^a]: Real.\n".encode(), KEY, SITE, (), {})
    assert [text_of(note) for note in view(document, "public", SITE).notes] == ["Real."]


def test_a_missing_footnote_is_reported() -> None:
    shown, warnings = read("One[^a].\n\nTwo[^gone].\n\n[^a]: Note[^also].\n")
    assert "[^gone]" in shown
    assert warnings == [(2, Kind.FOOTNOTE_MISSING), (4, Kind.FOOTNOTE_MISSING)]


def test_what_looks_like_a_footnote_and_is_meant_as_typed_is_not() -> None:
    shown, warnings = read("Write \\[^1] for a note.\n\nOr \\[^2] and [^2], or [^a\\_b].\n")
    assert "[^1]" in shown
    assert warnings == [(2, Kind.FOOTNOTE_MISSING), (2, Kind.FOOTNOTE_MISSING)]


# --- Code of other systems, and emptiness ---


@pytest.mark.parametrize(
    "code",
    [
        "{% include tide.html %}", "{%- raw -%}", "{{ page.title }}", '{{< figure src="a.png" >}}', "{{% aside %}}",
        "{{> partial}}", "{# note #}", "{: .wide}", "<%= title %>", '[caption id="7" align="left"]', "[/caption]",
        "[gallery ids=1,2]", "[quay depth=4]", "[[harbour]]", "[vc_row]", "{.wide}",
    ],
)  # fmt: skip
def test_code_of_another_system_is_reported(code: str) -> None:
    _, warnings = read(f"One.\n\nTwo {code} three.\n")
    assert warnings == [(2, Kind.TEMPLATE_CODE)]


def test_code_of_another_system_is_reported_wherever_readers_see_a_text() -> None:
    head = (
        '---\ntitle: "{{ page.title }}"\nsummary: "{% include dek %}"\nhero: {src: a.png, alt: "{{< alt >}}", caption: x}\n'
        'tags: [a, "{{ tag }}"]\ncorrections:\n- date: 2026-11-01\n  text: "{{ fix }}"\n---\n'
    )
    body = (
        '![x {{ alt }}](a.png)\n\n::: figure src=a.png alt=a caption="{{ caption }}"\n:::\n\n'
        '::: gate tier=member teaser="{{ teaser }}"\nHidden.\n:::\n'
    )
    _, warnings = read(body, ("a.png",), head)
    assert {kind for _, kind in warnings} == {Kind.TEMPLATE_CODE}
    assert sorted(line + BODY_LINE for line, _ in warnings) == [2, 3, 4, 5, 8, 10, 12, 15]


@pytest.mark.parametrize(
    "text",
    ["[sic]", "[the mayor]", "a {b} c", "[1] [a]", "50 % of {x}", "[…]", "f(x) = {y: 1}", "[Video: Ada]", "<% of all"],
)
def test_brackets_of_ordinary_prose_are_not(text: str) -> None:
    assert list(template_code(text)) == []


@pytest.mark.parametrize("body", ["", "\n\n", "<!-- later -->", "&nbsp;", "<div> </div>", "[a]: /b"])
def test_an_article_without_text_is_reported(body: str) -> None:
    assert [kind for _, kind in read(body)[1]] == [Kind.ARTICLE_EMPTY]


EMPTY_PAGES = {"contact": [Kind.ARTICLE_EMPTY], "membership": []}


@pytest.mark.parametrize("name", EMPTY_PAGES)
def test_a_page_without_text_is_reported_unless_it_has_something_else_to_show(name: str) -> None:
    raw = b"---\ntitle: T\n---\n<!-- later -->\n"
    _, warnings = read_profile(raw, DraftsKey("page", name, ""), {}, SITE)
    assert [problem.kind for problem in warnings] == EMPTY_PAGES[name]


@pytest.mark.parametrize("body", ["x", "![x](a.png)", "::: gate tier=member\nx\n:::"])
def test_an_article_with_something_to_see_is_not_empty(body: str) -> None:
    assert read(body, images=("a.png",) if "a.png" in body else ())[1] == []


# --- Chinese, Japanese, Korean ---


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("港は**「閉鎖」**された", "港は<strong>「閉鎖」</strong>された"),
        ("注意：**港口。**关闭", "注意：<strong>港口。</strong>关闭"),
        ("항구는 **폐쇄(closed)**되었다", "항구는 <strong>폐쇄(closed)</strong>되었다"),
        ("港*《报》*说", "港<em>《报》</em>说"),
        ("港~~（旧）~~新", "港<del>（旧）</del>新"),
        ("港***「新」***旧", "港<em><strong>「新」</strong></em>旧"),
        ("港\\*\\*「新」\\*\\*旧", "港**「新」**旧"),
        ("`港**「新」**旧`", "<code>港**「新」**旧</code>"),
        ("a **b**c **「d」** e", "a <strong>b</strong>c <strong>「d」</strong> e"),
    ],
)
def test_emphasis_beside_cjk_text_is_as_typed(typed: str, shown: str) -> None:
    assert f"<p>{shown}</p>" in read(typed)[0]


def test_addresses_beside_cjk_emphasis_are_as_typed() -> None:
    assert 'href="/topics/a*%E3%80%8Cb"' in read("港**「[x](/topics/a*「b)」**の")[0]


# --- Marks of our own ---


@pytest.mark.parametrize(
    "code", ["\ue000", "&#xe000;", "&#57344;", "&#xE000", "&#x000e000;", "&#0057344;", "&#&#xe000;xe000;"]
)
def test_our_marks_cannot_be_typed_in_any_way(code: str) -> None:
    end = code.replace("e000", "e001").replace("E000", "e001").replace("57344", "57345").replace("\ue000", "\ue001")
    forged = f"{code}n:a{end}"
    for body in (
        f"One {forged}", f'<img alt="{forged}" src=a.png>', f'<a href="/x" title="{forged}">y</a>', f"[y](/x '{forged}')",
        f"![{forged}](a.png)", f'<p title=\'<sup class="footnote-reference"><a href="#a">1</a></sup>\' id="{forged}">y</p>',
        '<time datetime=\'<sup class="footnote-reference"><a href="#a">1</a></sup>\'>y</time>',
    ):  # fmt: skip
        document, _ = read_draft(
            f"{HEAD}{body}\n\n[^a]: x\n".encode(), KEY, SITE, (), {"drafts/ferry/a.png": FoundImage("1")}
        )
        assert not re.search("[\ue000-\ue002]", document.blocks[0].html)


# --- Emphasis that stays as it was typed ---


@pytest.mark.parametrize(
    "body",
    [
        "The ** new ** rates.",
        "**Warning: the lock is shut.",
        "The lock**“Ada”**is shut.",
        "Shut** by night.",
        "## The **new lock",
        "- one\n- **two",
        "> **quoted ** text",
        "| a |\n|---|\n| **b |",
    ],
)
def test_emphasis_that_readers_see_as_asterisks_is_reported(body: str) -> None:
    shown, warnings = read(f"Before.\n\n{body}\n")
    assert "**" in text_of(shown)
    [(line, kind)] = warnings
    assert kind is Kind.EMPHASIS_LITERAL
    assert "**" in f"Before.\n\n{body}".split("\n")[line]


@pytest.mark.parametrize(
    "body",
    [
        "The **new** rates, ***very*** new.",
        "2**8 is 256.",
        r"A \*\*mark\*\* and \**.",
        "`a ** b` and\n\n    x ** y\n",
        "A ****** line.",
        "日本語の**「強調」**です。",
        "A price* and a note*.",
    ],
)
def test_other_asterisks_are_left_alone(body: str) -> None:
    assert read(f"{body}\n")[1] == []


# --- What is hidden stays hidden, and what is shown as typed is named ---


@pytest.mark.parametrize(
    "typed",
    [
        "<p hidden>ask the lawyer</p>",
        "<div hidden><div>a</div>ask the lawyer</div>",
        '<section style="color: red; DISPLAY : none">ask the lawyer</section>',
        '<span style="visibility:hidden">ask the lawyer</span>',
        '<div hidden="until-found">\n\nask the **lawyer**\n\n</div>',
        "<div hidden>ask the lawyer",
        "<ul><li hidden>ask the lawyer</li></ul>",
    ],
)
def test_what_an_author_hid_reaches_nobody(typed: str) -> None:
    shown, said = read(f"Before.\n\n{typed}")
    assert "lawyer" not in shown
    assert {kind for _, kind in said} & {Kind.ELEMENT_HIDDEN, Kind.ELEMENT_UNCLOSED}
    assert read('<p aria-hidden="true">Shown</p> <div class="hidden">too</div>')[1] == []


@pytest.mark.parametrize(
    "typed",
    [
        "%% note to self %%",
        "{>>is this right?<<}",
        "{/* later */}",
        "<o:p>word</o:p>",
        "==marked==",
        "$$x^2$$",
        "> [!NOTE]\n> x",
        "[TOC]",
        "!!! note",
        ":smile:",
        "- [x] done",
        "x^[a note]",
    ],
)
def test_marks_of_other_dialects_that_readers_see_are_named(typed: str) -> None:
    assert Kind.TEMPLATE_CODE in {kind for _, kind in read(typed)[1]}


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("[call](tel:+43 1 234)", Kind.LINK_LITERAL),
        ("![map](the map.png)", Kind.LINK_LITERAL),
        ("[see](https://x.example/a b)", Kind.LINK_LITERAL),
        ("[see][nowhere]", Kind.LINK_LITERAL),
        ("[see]()", Kind.LINK_EMPTY),
        ("[see](#)", Kind.LINK_EMPTY),
        ("<a href=https://x.example/it's>see</a>", Kind.TAG_LITERAL),
    ],
)
def test_links_that_are_none_are_named(typed: str, kind: ProblemKind) -> None:
    assert read(f"Before.\n\n{typed}")[1] == [(2, kind)]


@pytest.mark.parametrize(
    "typed",
    ["\\[a](b c)", "`[a](b c)`", "&lt;b&gt;", "\\<b>", "arr[0][1]", "3:2:1, a::b, x==y", "5 $ and 6 $", "50%% of 60%%", "[sic]"],
)  # fmt: skip
def test_what_is_meant_as_typed_is_not_warned_of(typed: str) -> None:
    assert read(typed)[1] == []


def test_a_footnote_that_readers_never_get_is_named() -> None:
    text = "See[^a].\n\n[^a]: one\n\n[^a]: two\n\n[^c]: three\n\n::: gate tier=member\n[^d]: four\n:::\n"
    assert read(text)[1] == [
        (4, Kind.FOOTNOTE_REPEATED),
        (6, Kind.FOOTNOTE_UNUSED),
        (9, Kind.FOOTNOTE_UNUSED),
    ]
    assert read("::: gate tier=member\nSee[^a].\n:::\n\n[^a]: of free text\n")[1] == []


def test_each_element_that_has_an_address_leaves_a_link() -> None:
    for typed in ('<amp-img src="{}" alt="Map"></amp-img>', '<map><area href="{}" alt="Map"></map>'):
        shown, said = read(typed.format("https://x.example/map"))
        assert '<a href="https://x.example/map">Map</a>' in shown
        assert Kind.ELEMENT_LINKED in {kind for _, kind in said}
    assert "<img" in read('<img data-src="map.png" alt="Map">', ("map.png",))[0]


def test_a_file_beside_a_draft_that_readers_get_nowhere_is_named() -> None:
    files = ("used.png", "unused.png", "img/deep.jpg", "table.csv", "index.md", ".hidden.png")
    _, said = read("![a](used.png) ![b](missing.png)", files)
    assert [kind for _, kind in said] == [Kind.IMAGE_MISSING] + [Kind.FILE_UNUSED] * 3


def test_a_text_of_no_break_spaces_is_refused_before_it_takes_minutes() -> None:
    with pytest.raises(Rejected, match="the limit is 50,000"):
        read("&nbsp;" * 1000 + "\u00a0" * 50_001)


@pytest.mark.parametrize(
    "tag",
    [
        "dialog",
        "div popover",
        'div style="opacity:0"',
        'p style="color:red; font-size: 0px"',
        'p style="display:/* for print */none"',
        'p style="d\\69 splay: none"',
        'div title="<3" hidden',
        'section style="opacity: 0.0 !important"',
    ],
)
def test_what_browsers_do_not_show_reaches_nobody(tag: str) -> None:
    name = tag.split()[0]
    shown, warnings = read(f"Before.\n\n<{tag}>For the lawyer.</{name}>\n\nAfter.\n")
    assert text_of(shown) == "Before. After."
    assert [kind.id for _, kind in warnings] == ["element-hidden"]


@pytest.mark.parametrize("tag", ["dialog open", 'div style="opacity:0.5"', 'p style="font-size: 0.9em"', "p"])
def test_what_browsers_show_is_kept(tag: str) -> None:
    assert text_of(read(f"<{tag}>For readers.</{tag.split()[0]}>\n")[0]) == "For readers."


def test_a_suggestion_is_looked_for_for_the_first_missing_images_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for each of thousands of images, among hundreds of files, takes minutes."""
    looked: list[str] = []
    monkeypatch.setattr(suggestions, "did_you_mean", lambda name, known: looked.append(name) or "")
    _, warnings = read(" ".join(f"![Quay](quay-{number}.png)" for number in range(300)), ("quay.png",))
    assert [kind for _, kind in warnings].count(Kind.IMAGE_MISSING) >= 100
    assert len(looked) == 50


# --- Colons at the head of a line ---


@pytest.mark.parametrize("typed", [":smile: Hello", ":-) Hello", ":tag, and more", ":https"])
@pytest.mark.parametrize(
    "around", ["One\n{}\n", "> One\n> {}\n", "- One\n  {}\n", "```\nOne\n{}\n```\n", "One\n\n    {}\n"]
)
def test_a_word_that_begins_with_a_colon_is_no_definition(typed: str, around: str) -> None:
    shown, _ = read(around.format(typed))
    assert text_of(shown) == f"One {typed}"
    assert "<dl>" not in shown


@pytest.mark.parametrize("row", [":-|:-:|-:", ":--- | :---:", ":-"])
def test_a_colon_that_has_a_meaning_keeps_it(row: str) -> None:
    cells = "|".join("ab" for _ in row.split("|"))
    assert "<table>" in read(f"{cells if '|' in cells else '|ab|'}\n{row if '|' in row else f'|{row}|'}\n{cells}\n")[0]
    assert "<dd>Two</dd>" in read("One\n: Two\n")[0]
    assert "<dd>Two</dd>" in read("One\n:\tTwo\n")[0]
