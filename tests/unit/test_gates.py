"""Gates: their grammar, what is rejected, and that hidden text is never on a page that must not show it."""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.drafts_bucket import classify
from nightdesk.domain.errors import Rejected
from nightdesk.domain.passages import FREE, MAX_GATES, Passage, split_passages
from nightdesk.domain.problems import Problem
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import parse_site
from nightdesk.domain.views import view
from nightdesk.rendering.article_pages import Article, article_pages
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.pipeline.render_document import to_document
from nightdesk.usecases.pipeline.render_profile import read_profile
from support.default_theme import default_theme
from support.effort import examples

SITE = Site(base_url="https://news.example")
THEME = Path(__file__).resolve().parents[2] / "layers" / "theme"
CODE = "```\n::: gate\nx\n:::\n```"


def passages(body: str, site: Site = SITE) -> list[tuple[str, str, str]]:
    """Return tier, teaser and source of each passage."""
    return [(p.tier, p.teaser, p.source) for p in split_passages(body, 1, site, to_html)]


def gates(body: str) -> list[str]:
    """Return the text behind each gate."""
    return [source.strip() for tier, _, source in passages(body) if tier]


def problems_of(body: str) -> list[tuple[int, str]]:
    """Return line and key of each problem with which a body is rejected."""
    with pytest.raises(Rejected) as caught:
        split_passages(body, 1, SITE, to_html)
    return [(problem.line, problem.key) for problem in caught.value.problems]


@cache
def theme() -> Theme:
    return default_theme()


def document(body: str) -> Document:
    draft = parse_draft(f"---\ntitle: T\ndate: 2026-11-23\n---\n{body}".encode(), "a-story", SITE, to_html)
    return to_document(draft, {}, "")[0]


def document_or_problems(body: str) -> Document | tuple[Problem, ...]:
    try:
        return document(body)
    except Rejected as error:
        return error.problems


def article(body: str, tier: str) -> str:
    """Return the page of one tier."""
    made = document(body)
    return article_pages(theme(), SITE, Article(made, (), ()), [view(made, tier, SITE)])[0]


# --- Grammar ---


def test_a_body_without_gates_is_one_free_passage() -> None:
    assert split_passages("a\n\nb", 7, SITE, to_html) == (Passage(FREE, "", "a\n\nb", 7),)


def test_a_free_passage_separates_gates() -> None:
    body = "before\n::: gate tier=member\none\n:::\n::: gate tier=subscriber\ntwo\n:::\nafter"
    found = split_passages(body, 10, SITE, to_html)
    assert [(p.tier, p.source, p.line) for p in found] == [
        (FREE, "before", 10),
        ("member", "one", 12),
        (FREE, "", 14),
        ("subscriber", "two", 15),
        (FREE, "after", 17),
    ]


@pytest.mark.parametrize(
    ("line", "tier", "teaser"),
    [
        ("::: gate", "member", SITE.teaser.replace("{tier}", "member")),
        ("::: gate tier=subscriber", "subscriber", SITE.teaser.replace("{tier}", "subscriber")),
        ('::: gate tier="subscriber"', "subscriber", SITE.teaser.replace("{tier}", "subscriber")),
        ('::: gate teaser="Read on." tier=subscriber', "subscriber", "Read on."),
        (r'::: gate teaser="Say \"on\" \\ off"', "member", r'Say "on" \ off'),
        ('::: gate teaser="a ::: b = {c} <i>"', "member", "a ::: b = {c} <i>"),
        ("::: gate teaser=one-word", "member", "one-word"),
        ('::: gate teaser=""', "member", SITE.teaser.replace("{tier}", "member")),
        (":::   gate\ttier=member  ", "member", SITE.teaser.replace("{tier}", "member")),
        (":::::: gate", "member", SITE.teaser.replace("{tier}", "member")),
    ],
)
def test_an_opening_line_has_a_tier_and_a_teaser(line: str, tier: str, teaser: str) -> None:
    assert passages(f"{line}\nx\n::::::\n")[1] == (tier, teaser, "x")


@pytest.mark.parametrize(
    ("line", "keys"),
    [
        (":::gate", ["gate"]),
        (":::gate{tier=member}", ["gate"]),
        ("::: gate{tier=member}", ["gate"]),
        ("::: {.gate tier=member}", ["gate"]),
        ("::: gate tier = member", ["gate"]),
        ("::: gate tier=member,teaser=x", ["gate"]),
        ("::: gate tier='member'", ["gate"]),
        ('::: gate teaser="unclosed', ["gate"]),
        ("::: gate teaser=“quoted”", ["gate"]),
        ('::: gate teaser="a"b', ["gate"]),
        ("::: gate member", ["gate"]),
        ("::: Gate", ["gate"]),
        ("::: gate :::", ["gate"]),
        (":::\u00a0gate", ["gate"]),
        ("::: note", ["note"]),
        ("::: gates tier=member", ["gates"]),
        ("::: gate level=3", ["level"]),
        ("::: gate tier=member tier=member", ["tier"]),
        ("::: gate tier=friends", ["tier"]),
        ("::: gate tier=public", ["tier"]),
        ("::: gate tier=Member", ["tier"]),
    ],
)
def test_an_invalid_opening_line_is_rejected(line: str, keys: list[str]) -> None:
    assert problems_of(f"text\n\n{line}\nx\n:::\n") == [(3, key) for key in keys]


@pytest.mark.parametrize("line", [":::.", "::: :::", ":::\u00a0", ":::\u200b", ":::end", "::: /gate", ":::-->"])
def test_an_invalid_closing_line_is_rejected(line: str) -> None:
    problems = problems_of(f"::: gate\nx\n{line}\n:::\n")
    assert (3, "gate") in problems


def test_a_site_without_paying_tiers_has_no_gates() -> None:
    with pytest.raises(Rejected):
        split_passages("::: gate\nx\n:::\n", 1, Site(tiers=("public",)), to_html)


# --- Longer fences, code ---


def test_a_longer_fence_may_contain_shorter_ones() -> None:
    assert gates(":::: gate\na\n\n:::\n\nb\n::::\nfree") == ["a\n\n:::\n\nb"]
    assert gates("::: gate\na\n:::::\nfree") == ["a"]


@pytest.mark.parametrize(
    "code",
    [
        CODE,
        CODE.replace("`", "~"),
        CODE.replace("```", "`````"),
        "    ::: gate\n    x\n    :::",
        "\t::: gate\n\t:::\n\n\tmore",
        "- a\n\n  ```\n  ::: gate\n  :::\n  ```",
        "- a\n\n      ::: gate\n      x\n      :::",
        "> ```\n> ::: gate\n> :::\n> ```",
        "<pre>\n  ::: gate\n  :::\n</pre>",
    ],
)
def test_a_directive_in_a_code_block_is_code(code: str) -> None:
    assert passages(f"before\n\n{code}\n\nafter") == [(FREE, "", f"before\n\n{code}\n\nafter")]
    assert gates(f"::: gate\n{code}\n\nmore\n:::\nfree") == [f"{code}\n\nmore".strip()]
    assert "::: gate" in article(f"before\n\n{code}\n\nafter", "public")


def test_a_directive_in_running_text_is_text() -> None:
    body = "A gate opens with `::: gate` and closes with ::: as you see. `:::` it is."
    assert passages(body) == [(FREE, "", body)]
    assert passages(r"\::: gate") == [(FREE, "", r"\::: gate")]


@pytest.mark.parametrize(
    "body",
    [
        "```\ncode\n\n::: gate\nx\n:::\n",
        "~~~\n::: gate\nx\n:::\n\n```\n",
    ],
)
def test_a_directive_in_an_unclosed_code_block_is_rejected(body: str) -> None:
    assert {key for _, key in problems_of(body)} == {"gate"}


def test_an_unclosed_code_block_without_directives_is_accepted() -> None:
    assert gates("::: gate\nx\n:::\n\n```\ncode") == ["x"]


# --- Out of place ---


@pytest.mark.parametrize(
    "body",
    [
        "- a\n\n  ::: gate\n  x\n  :::\n",
        "- ::: gate\n  x\n",
        "1. ::: gate\n   x\n",
        "* ::: gate\n",
        "+ ::: gate\n",
        "- [ ] ::: gate\n  x\n",
        "- [x] ::: gate\n  x\n",
        "> ::: gate\n> x\n> :::\n",
        ">::: gate\nx\n",
        "> > ::: gate\n",
        "> - ::: gate\n",
        " ::: gate\nx\n",
        "   ::: gate\nx\n",
        "text\n    ::: gate\n    x\n",
        "[^1]: note\n    ::: gate\n    x\n\n[^1]",
        "# ::: gate\nx\n",
        "| ::: gate |\n|---|\n",
        "**::: gate**\nx\n",
        "<div>::: gate\nx\n</div>",
        "<b>::: gate</b>\nx\n",
        "\u00a0::: gate\nx\n",
        "\u200b::: gate\nx\n",
        "\ufeff::: gate\nx\n",
        "\u3000::: gate\nx\n",
        "\f::: gate\nx\n",
        "\v::: gate\nx\n",
        "a\u2028::: gate\u2028x\u2028:::",
        "a\u2029::: gate",
        "a\x85::: gate",
        "<!--\n  ::: gate\n  x\n  :::\n-->",
        "    ::: gate\n\nx\n\n    :::\n",
        "\t::: gate\nx\n",
    ],
)
def test_a_gate_out_of_place_is_rejected(body: str) -> None:
    assert {key for _, key in problems_of(body)} == {"gate"}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("<div>\n\n::: gate\nx\n:::\n\n</div>", 3),
        ("<div>\n::: gate\nx\n:::\n</div>", 2),
        ("<details><summary>S</summary>\n\n::: gate\nx\n:::\n\n</details>", 3),
        ("<table><tr><td>\n\n::: gate\nx\n:::\n</td></tr></table>", 3),
        ("<ul><li>\n\n::: gate\nx\n:::\n\n</li></ul>", 3),
        ("<pre>\n::: gate\nx\n:::\n</pre>", 2),
        ("<script>\n::: gate\nx\n:::\n</script>", 2),
        ("<style>\n::: gate\nx\n:::\n</style>", 2),
        ("<textarea>\n::: gate\nx\n:::\n</textarea>", 2),
        ("<!--\n::: gate\nx\n:::\n-->", 2),
        ("<!-- comment\n\n::: gate\nx\n:::\n", 3),
        ("<?php\n::: gate\nx\n:::\n?>", 2),
        ("<![CDATA[\n::: gate\nx\n:::\n]]>", 2),
        ("<!DOCTYPE\n::: gate\nx\n:::\n>", 2),
        ('<div title="\n::: gate\nx\n:::\n">', 2),
        ("::: gate\n<div>\n:::\n</div>", 3),
        ("::: gate\nx\n<!--\n:::\n-->", 4),
        ("one\n\n::: gate\n</div>x\n:::\n", 4),
    ],
)
def test_a_gate_inside_html_is_rejected(body: str, line: int) -> None:
    assert problems_of(body) == [(line, "gate")]


@pytest.mark.parametrize(
    "around",
    [
        "<div>whole</div>",
        "<!-- a comment -->",
        "<!-- a comment\n\nof several lines -->",
        "<p>left open, as HTML allows",
        "<br>\n\n<hr>",
        "`<div>`",
        "```html\n<div>\n```",
        "    <div>",
        "<https://news.example/>",
        "a < b and c > d",
        '<img src="a.png">',
    ],
)
def test_complete_html_around_a_gate_is_accepted(around: str) -> None:
    assert gates(f"{around}\n\n::: gate\n{around}\n\nx\n:::\n\n{around}") == [f"{around}\n\nx".strip()]


def test_stray_and_unclosed_fences_are_rejected() -> None:
    assert problems_of("text\n\n:::\n") == [(3, "")]
    assert problems_of("text\n:::::::\n") == [(2, "")]
    assert problems_of("::: gate\nx\n:::\n:::\n") == [(4, "")]
    assert problems_of("text\n::: gate\nx\n") == [(2, "gate")]
    assert problems_of(":::: gate\nx\n:::\n") == [(1, "gate")]


def test_a_gate_in_a_gate_is_rejected() -> None:
    assert problems_of("::: gate\n::: gate tier=subscriber\nx\n:::\n:::\n") == [(2, "gate"), (5, "")]
    assert (2, "gate") in problems_of(":::: gate\n::: gate\nx\n:::\n::::\n")


@pytest.mark.parametrize("line", ["<!--:::cut-->", "<!--:::0-->", "text <!--:::7--> text", "`<!--:::1-->`"])
def test_masks_cannot_be_typed(line: str) -> None:
    assert problems_of(f"{line}\n\n::: gate\nx\n:::\n") == [(1, "")]


def test_a_directive_in_a_link_title_never_shows_the_passage() -> None:
    public = article('[a]: /x "title\n::: gate\ncanary\n:::\nmore"\n\n[a]', "public")
    assert "canary" not in public


# --- Edges ---


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- a\n- b", "- c"),
        ("1. a", "2. b"),
        ("> quote", "> more"),
        ("| a | b |\n|---|---|\n| c | d |", "| e | f |"),
        ("Title", "====="),
        ("Title", "-----"),
        ("**bold", "bold**"),
        ("`code", "code`"),
        ("[text", "](/x)"),
        ("[^1]: note", "and[^1]"),
        ("text[^1]", "[^1]: note"),
        ("[ref]: /x", "[ref]"),
        ("a line\\", "b"),
        ('<a title="', '">text'),
        ("*", "*"),
    ],
)
def test_a_gate_ends_any_open_block(before: str, after: str) -> None:
    body = f"{before}\n::: gate tier=member\ncanary {before}\n\ncanary {after}\n:::\n{after}"
    assert "canary" not in article(body, "public")
    assert "canary" not in article(body, "subscriber")
    assert article(body, "member").count("canary") == 2


def test_an_html_block_ends_at_a_gate() -> None:
    body = "::: gate\n<div>canary</div>\n:::\n~~~\n::: gate\nfree\n:::\n~~~\n"
    assert "canary" not in article(body, "public")
    assert "::: gate\nfree\n:::" in article(body, "public")


def test_setext_underlines_beside_a_gate_make_no_heading() -> None:
    body = "free\n::: gate\n---\ncanary\n:::\n---\nfree"
    assert "canary" not in article(body, "public")
    assert "<h2" not in "".join(
        part.html for part in view(document(body), "member", SITE).parts if hasattr(part, "html")
    )


def test_the_number_of_gates_is_limited() -> None:
    one = "::: gate\nx\n:::\n"
    assert len(gates(one * MAX_GATES)) == MAX_GATES
    assert problems_of(one * (MAX_GATES + 1)) == [(3 * MAX_GATES + 1, "gate")]


# --- Problems reveal nothing ---


def test_problems_never_quote_hidden_text() -> None:
    body = (
        "::: gate\n:::canary one\n::: canary two\n  ::: canary three\n> ::: canary\n:::\n<div>canary\n::: gate\n:::\n"
    )
    with pytest.raises(Rejected) as caught:
        document(body)
    assert len(caught.value.problems) > 3
    assert "canary one" not in str(caught.value)
    assert not [p for p in caught.value.problems if "canary" in p.message]


# --- Hostile input ---


@pytest.mark.parametrize(
    "body",
    [
        ">" * 400_000,
        "> " * 200_000,
        "<div>" * 100_000,
        "::: gate\nx\n:::\n" * 20_000,
        ":::\n" * 100_000,
        "::: gate\nx\n:::\n" + "<!--" * 100_000,
        "::: gate\nx\n:::\n" + "<a:" * 200_000,
        "::: gate\nx\n:::\n" + "`" * 400_000,
        "::: gate " + "tier=member " * 40_000,
        '::: gate teaser="' + "a\\" * 200_000,
        "<" * 200_000 + ":::",
        "- " * 200_000 + "::: gate",
        "# a\n" * 50_000,
        "[a]: /x\n\n" + "[a] " * 50_000,
        "".join(f"[^{n}]" for n in range(5_000)) + "\n\n" + "".join(f"[^{n}]: x\n\n" for n in range(5_000)),
    ],
    ids=lambda body: f"{body[:20]!r}",
)
def test_hostile_bodies_are_parsed_quickly(body: str) -> None:
    started = time.process_time()
    made = document_or_problems(body)
    assert view(made, "member", SITE).parts if isinstance(made, Document) else made
    assert time.process_time() - started < 8


# --- Composed bodies ---

SHOWN = [
    "{w} is text",
    "two\n{w} lines",
    "# {w}",
    "### {w} *and* more",
    "{w}\n===",
    "{w}\n---",
    "- {w}\n- b",
    "- a\n\n  {w}\n\n  - c",
    "1. {w}\n2. b",
    "> {w}\n> more",
    "> - {w}",
    "> {w}\nlazy",
    "```\n{w}\n```",
    "```\n:::\n{w}\n```",
    "~~~ python\n::: gate tier=member\n{w}\n:::\n~~~",
    "````\n```\n{w}\n````",
    "\n    {w}\n    :::\n",
    "| a | b |\n|:--|--:|\n| {w} | c |",
    "<div>{w}</div>",
    "<p>{w}",
    "<details><summary>{w}</summary>\n\nmore\n\n</details>",
    "<!-- comment -->\n{w}",
    "**{w}** ~~a~~ `b`",
    "`{w}`",
    "[{w}](/x)",
    "[x{w}]\n\n[x{w}]: /{w}",
    "[text](/x '{w}')",
    "![{w}](none.png)",
    '::: figure src=none.png alt="{w}"\n:::',
    "text[^{w}]\n\n[^{w}]: note {w}",
    "text[^{w}]\n\n[^{w}]: note\n\n    - {w}\n",
    "<b>{w}</b> <i>a",
    "a &amp; {w} &lt; b",
    "***\n{w}",
    "{w}\\\nb",
    "ends with {w}:::",
]
UNSEEN = [
    "<!-- {w} -->",
    '::: figure src=none.png caption="{w}" credit="{w}"\n:::',
    "<script>{w}</script>",
    "<style>{w}</style>",
    "[^{w}]: an unused note {w}",
    "[l{w}]: /{w} '{w}'",
    "<div onclick='{w}' class='{w}' id='{w}' data-x='{w}'>a</div>",
    "[^1]: shared label {w}",
    "[ref]: /{w}",
]
# A line right after an unused footnote would be part of it, and one right after HTML would be HTML and not a fence.
TIGHT = [kind for kind in SHOWN if not kind.startswith("<")]
FREE_ONLY = ["text[^1] and [ref]", "[^1]: free note", "[ref]: /free"]
JOINS = st.sampled_from(["\n", "\n\n"])
GATE_LINES = st.sampled_from(["::: gate tier={t}", '::: gate tier={t} teaser="A teaser."', ":::: gate tier={t}"])


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, list[str], dict[str, list[str]]]:
    """Draw a body; return it with its free words, and for each tier the words behind its gates."""
    pieces: list[str] = []
    free: list[str] = []
    hidden: dict[str, list[str]] = {"subscriber": [], "member": []}
    count = 0
    for _ in range(draw(st.integers(1, 5))):
        tier = draw(st.sampled_from(["", "subscriber", "member"]))
        lines = []
        for kind in draw(
            st.lists(st.sampled_from(SHOWN + UNSEEN + ([] if tier else FREE_ONLY)), min_size=1, max_size=4)
        ):
            count += 1
            word = f"canary{count}z" if tier else f"open{count}z"
            lines += [kind.replace("{w}", word), draw(JOINS) if kind in TIGHT else "\n\n"]
            if kind in SHOWN:
                (hidden[tier] if tier else free).append(word)
        text = "".join(lines).rstrip("\n")
        if tier:
            opening = draw(GATE_LINES).replace("{t}", tier)
            colons = opening.split(" ")[0]
            text = f"{opening}\n{text}\n{draw(st.sampled_from([colons, colons + ':']))}"
        pieces += [text, draw(JOINS) if tier or kind in TIGHT else "\n\n"]
    return "".join(pieces), free, hidden


COMPOSED = settings(
    deadline=None, max_examples=examples(250), suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example]
)  # fmt: skip


@pytest.mark.soak
def test_no_tier_sees_text_behind_a_gate_it_cannot_open() -> None:
    accepted: list[bool] = []

    @COMPOSED
    @given(bodies())
    def check(body: tuple[str, list[str], dict[str, list[str]]]) -> None:
        text, free, hidden = body
        made = document_or_problems(text)
        accepted.append(isinstance(made, Document))
        if not isinstance(made, Document):
            assert "canary" not in str(made)
            return
        views = {tier: view(made, tier, SITE) for tier in SITE.tiers}
        texts = article_pages(theme(), SITE, Article(made, (), ()), list(views.values()))
        page = dict(zip(views, texts, strict=True))
        assert "canary" not in page["public"]
        assert "canary" not in repr(views["public"])
        assert not [word for word in hidden["member"] if word in page["subscriber"]]
        assert not [word for word in free if any(word not in text for text in page.values())]
        assert not [word for word in hidden["subscriber"] if word not in page["subscriber"]]
        assert not [word for word in hidden["subscriber"] + hidden["member"] if word not in page["member"]]

    check()
    assert sum(accepted) > len(accepted) / 2, "the test would pass if everything were rejected"


ODD_STARTS = [
    "",
    " ",
    "  ",
    "    ",
    "\t",
    "> ",
    "- ",
    "* ",
    "1. ",
    "# ",
    "\u00a0",
    "\u200b",
    "\f",
    "<div>",
    "<!-- ",
    "| ",
    "\\",
]
ODD_ENDS = ["", " ", "\t", "\u00a0", " -->", "</div>", " |", ":", " x"]
FENCES = st.tuples(st.sampled_from(ODD_STARTS), st.sampled_from(ODD_ENDS))


@settings(COMPOSED, max_examples=examples(150))
@given(
    FENCES, FENCES,
    st.sampled_from(SHOWN), st.sampled_from(["", *SHOWN, "```", "<div>", "<pre>", "<!--", "- a", "> a", "text[^1]", "[^1]: a"]), JOINS,
)  # fmt: skip
def test_a_nearly_valid_directive_never_shows_the_passage(
    opening: tuple[str, str], closing: tuple[str, str], kind: str, before: str, join: str
) -> None:  # fmt: skip
    (start, end), (start2, end2) = opening, closing
    inside = kind.replace("{w}", "canary")
    body = f"{before.replace('{w}', 'open')}{join}{start}::: gate tier=member{end}{join}{inside}{join}{start2}:::{end2}{join}x"
    made = document_or_problems(body)
    if not isinstance(made, Document):
        return
    shown = view(made, "public", SITE)
    html = "".join(getattr(part, "html", "") for part in shown.parts) + "".join(shown.notes)
    escaped_by_author = start == "\\" or (start, end) == ("<!-- ", " -->")
    in_code = {"canary"} if "canary" in "".join(re.findall(r"<pre>.*?</pre>", html, re.DOTALL)) else set()
    if not escaped_by_author and not in_code:
        assert "canary" not in html


@pytest.mark.parametrize(
    "typed",
    [
        "：：： gate tier=member\nHidden.\n：：：",
        "：:: gate\nHidden.\n:::",
        ":: gate tier=member\nHidden.\n::",
        '<gate tier="member">Hidden.</gate>',
        "<!--members-only-->\nHidden.",
        "<!-- paywall -->\nHidden.",
        "[gate tier=member]Hidden.[/gate]",
        "[members_only]Hidden.[/members_only]",
        "{% paywall %}Hidden.{% endpaywall %}",
        "{{< gate >}}Hidden.{{< /gate >}}",
        "<!-- :: gate -->\nHidden.",
        "<!--kg-card-begin: paywall-->Hidden.",
        "<!-- subscribers -->\nHidden.",
        "<!-- premium:start level=2 -->Hidden.<!-- premium:end -->",
        "<members-only>Hidden.</members-only>",
        "<Premium>Hidden.</Premium>",
        '<div class="box paywall">Hidden.</div>',
        "<section data-tier=member>Hidden.</section>",
        "{% subscribers %}Hidden.{% endsubscribers %}",
        "{{< members >}}Hidden.{{< /members >}}",
        "[premium]Hidden.[/premium]",
        "[hide]Hidden.[/hide]",
        "[login]\nHidden.",
        "%%members%% Hidden.",
        "{/* paywall */}\nHidden.",
        "--- paywall ---\nHidden.",
        "=== Members only ===\nHidden.",
    ],
)
def test_what_looks_like_a_gate_and_hides_nothing_is_rejected(typed: str) -> None:
    assert problems_of(f"Free.\n\n{typed}") == [(3, "gate")]
    assert passages(f"```\n{typed.replace(':::', '::')}\n```")


@pytest.mark.parametrize(
    "typed",
    ["The [gate](https://x.example)", "he passed the [gate]", "注意：次", "std::gate", "<!--more-->", "\\<gate>", "`<!--paywall-->`",
     "<!-- paid by whom? -->", "he [paid] the bill", "<members@news.example>", '<a class="navigate">x</a>', "{{ site.members }}",
     "## Members only", "the {membership} fee", "<!-- Members voted -->", "[private](https://x.example)", "- premium - petrol -"],
)  # fmt: skip
def test_words_about_gates_are_text(typed: str) -> None:
    assert [tier for tier, _, _ in passages(typed)] == [FREE]


@pytest.mark.parametrize("key", ["pages/about.md", "authors/ada.md", "topics/energy.md"])
@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("Free.\n\n::: gate tier=member\nHidden.\n:::", [7, 9]),
        ("Free.\n\n- ::: gate tier=member\n  Hidden.\n  :::", [7, 9]),
        ("Free.\n\n> ::: gate\n> Hidden.\n> :::", [7, 9]),
        ("Free.\n\n<!--members-only-->\n\nHidden.", [7]),
        ("Free.\n\n{{< paywall >}}\nHidden.\n{{< /paywall >}}", [7]),
        ("Free.\n\n[restrict level=gold]Hidden.[/restrict]", [7]),
        ("::: figure src=a.png\n:::", [5, 6]),
        (f"{CODE}\n\n`<!--paywall-->` std::gate", []),
    ],
)
def test_a_file_that_is_public_as_a_whole_hides_nothing(key: str, body: str, lines: list[int]) -> None:
    filed = classify(key)
    assert filed
    try:
        read_profile(f"---\nname: N\n---\n\n{body}\n".encode(), filed, {}, SITE)
        found: list[tuple[int, str]] = []
    except Rejected as error:
        found = sorted((problem.line, problem.key) for problem in error.problems)
    assert found == [(line, "gate") for line in lines]


@pytest.mark.parametrize("tiers", ["[member, public]", "[patron, member, public]", "[public, member, public]"])
def test_tiers_from_the_most_entitled_down_are_refused(tiers: str) -> None:
    """The last one would be that of everyone, to whom a gate without a tier would open."""
    with pytest.raises(Rejected) as raised:
        parse_site(f"name: News\ntiers: {tiers}\n".encode())
    assert "tier-order" in [problem.kind.id for problem in raised.value.problems]
