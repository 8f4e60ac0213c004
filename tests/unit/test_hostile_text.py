"""Texts that are made to keep the parser busy: the time to read or refuse one grows with its length only."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from nightdesk.domain.drafts_bucket import DraftsKey
from nightdesk.domain.errors import Rejected
from nightdesk.domain.frontmatter import MAX_BYTES
from nightdesk.domain.html_tokens import tokens
from nightdesk.domain.site import Site
from nightdesk.domain.views import view
from nightdesk.rendering.markdown import MAX_MARKUP
from nightdesk.usecases.pipeline.render_document import read_draft

SITE = Site()
KEY = DraftsKey("draft", "a", "drafts/a/")
UNITS = [
    "&", "&amp;", "<", "<b>", "<b><i>", "<p>", "<p><b>", "</b>", "<a href=x>", "<a href=/x>y</a>", "<a b=", '<a b="', "<!--", "<!-", "<?",
    "<table><b>", "<table><tr><td>", "<code class=language-a>", "<video>", "<iframe src=//x.example>", "<script>", "<svg>", "<ruby>",
    "[", "![", "[a](", "[a](b)", "![a](b)", "[a](#b) ", "[^1]", "[^a]: x\n\n", "[a]: x\n", "*", "*a **b ", "_", "~", "`", "`a``b",
    "> ", ">", "- ", "- a\n ", "1. ", "# a\n", "## a {#a}\n", "|", "|a\n|-\n", "a|", "{{ ", "{% ", "[a b=c ", "{: ", "<% ",
    ":::\n", " :::", "::: gate\nx\n:::\n", "::: figure src=a\n:::\n", "::: figure src=a\n", "港**「", "**「a」**の", "\n", "\\", "&#xe000;", "<dl><dd>", "<select><option>",
]  # fmt: skip


def seconds(body: str) -> float:
    """Return the processor time that reading a draft and viewing it takes, the lesser of two times."""
    raw = f"---\ntitle: T\ndate: 2026-11-23\n---\n{body}".encode()
    taken = []
    for _ in range(2):
        started = time.process_time()
        with suppress(Rejected):
            view(read_draft(raw, KEY, SITE, (), {})[0], "member", SITE)
        taken.append(time.process_time() - started)
    return min(taken)


@pytest.mark.slow
@pytest.mark.parametrize(
    "frame", ["{}", "Free [a].\n\n::: gate tier=member\n\n{}\n\n:::\n\n[a]: /b\n"], ids=["free", "gate"]
)
@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_length(unit: str, frame: str) -> None:
    length = 8_000

    def ratio() -> float:
        once, twice = (seconds(frame.replace("{}", unit * (size // len(unit)))) for size in (length, 2 * length))
        return twice / max(once, 0.006)

    # Twice the text takes twice the time, or less if it is refused; a quadratic pass would take four times as long. On a busy
    # machine a measurement may be wrong, but not each of twelve.
    assert any(ratio() < 3.2 for _ in range(12))


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["&", "<b>", "[", "> ", "|a\n|-\n", "[a](b) "])
def test_the_largest_file_takes_no_longer_than_its_length_explains(unit: str) -> None:
    large, small = MAX_BYTES - 100, 60_000
    share = seconds(unit * (small // len(unit))) / small
    assert any(seconds(unit * (large // len(unit))) < 3 * max(share * large, 0.3) for _ in range(6))


def test_formatting_that_is_never_closed_is_not_opened_again_without_end() -> None:
    body = "".join(f"<code class=language-{number}>" for number in range(200)) + "<p>x" * 20_000
    with pytest.raises(Rejected, match="nested too deeply"):
        read_draft(f"---\ntitle: T\n---\n{body}".encode(), KEY, SITE, (), {})


def test_a_text_with_very_much_markup_is_refused_with_a_reason() -> None:
    with pytest.raises(Rejected, match="pieces of markup") as caught:
        read_draft(f"---\ntitle: T\n---\n{'*a* ' * MAX_MARKUP}".encode(), KEY, SITE, (), {})
    assert caught.value.problems[0].kind.id == "markup-too-much"


@pytest.mark.parametrize("unit", ['<a b="', "<a '", "<a b=c ", "<a =", "<!--", "</"])
def test_tags_without_an_end_are_given_up_on(unit: str) -> None:
    def taken(count: int) -> float:
        started = time.process_time()
        with suppress(Rejected):
            assert sum(1 for _ in tokens(unit * count)) <= count + 1
        return time.process_time() - started

    assert any(taken(8_000) / max(taken(4_000), 0.006) < 3.2 for _ in range(12))
