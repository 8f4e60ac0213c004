"""Code in colours: classes only, in colours that can be read, and never at the cost of others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.site import Site
from nightdesk.rendering.highlighting import _CLASSES, LANGUAGES, Highlighter
from nightdesk.rendering.markdown import render_plain, to_html
from nightdesk.rendering.tokens import parse_tokens
from nightdesk.usecases.pipeline.render_document import to_document

STATIC = Path(__file__).resolve().parents[2] / "layers" / "theme" / "static"
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "drafts.md"


def html(markdown: str) -> str:
    return render_plain(markdown, lambda _: None, lambda url: url).strip()


def test_code_has_classes_and_no_styles() -> None:
    assert html("```python\nif a < 1:  # b & c\n    f('d')\n```") == (
        '<pre><code class="language-python"><span class="h-k">if</span> a &lt; <span class="h-m">1</span>:  '
        '<span class="h-c"># b &amp; c</span>\n    f(<span class="h-s">\'d\'</span>)\n</code></pre>'
    )


@pytest.mark.parametrize(
    "markdown",
    ["```\na = 1\n```", "```klingon\na = 1\n```", "    a = 1", "`a = 1`", '<pre><code class="x">a = 1</code></pre>',
     "```python\n" + "a" * 500 + "\n```", "```python\n" + "a = 1\n" * 1000 + "```"],
)  # fmt: skip
def test_other_code_stays_plain(markdown: str) -> None:
    assert "h-" not in html(markdown)


def test_no_author_can_write_the_classes() -> None:
    assert html('<span class="h-k">a</span> <b class="h-k">b</b>') == "<p><span>a</span> <b>b</b></p>"


def test_all_code_of_a_tier_has_one_limit_and_no_tier_depends_on_another() -> None:
    block = "```python\n" + "a = 1\n" * 800 + "```\n"
    source = f"---\ntitle: T\n---\n{block * 3}\n::: gate tier=member\n{block * 5}\n:::\n\n{block * 2}"
    made = to_document(parse_draft(source.encode(), "a", Site(), to_html), {}, "")[0]
    coloured = [len(re.findall(r'<code class="[^"]*">a = <span', block.html)) for block in made.blocks]
    assert coloured == [3, 4, 1]


@given(st.sampled_from(LANGUAGES), st.text(alphabet="ab01 \n\t\"'\\/*#<>{}[]()$@=-:;&%`!|é", max_size=300))
def test_any_code_keeps_its_text(language: str, code: str) -> None:
    shown = Highlighter().html(code, language, "")
    assert shown is not None
    assert Markup(re.sub(r'</?span(?: class="h-[a-z]")?>', "", shown)).unescape() == code
    assert "<" not in re.sub(r'</?span(?: class="h-[a-z]")?>', "", shown)


def test_the_guide_names_the_languages() -> None:
    named = re.search(r"is shown in colours: (.*?)\. Any other", GUIDE.read_text("utf-8"), re.DOTALL)
    assert named
    assert re.findall(r"`(\w+)`", named[1]) == list(LANGUAGES)


def test_pygments_is_loaded_for_code_with_a_language_only() -> None:
    script = (
        "import sys; from nightdesk.rendering.markdown import render_plain as r; f = lambda u: u\n"
        "r('`a` \"b\"\\n\\n    c\\n\\n```\\nd\\n```\\n', f, f); assert 'pygments' not in sys.modules\n"
        "r('```python\\nd\\n```\\n', f, f); assert 'pygments' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_can_be_read(dark: bool) -> None:
    """4.5 to 1 (WCAG 2.2, 1.4.3) on the ground of code."""
    tokens = parse_tokens((STATIC / "tokens.css").read_text("utf-8"))
    rules = (STATIC / "site.css").read_text("utf-8")
    used = dict(re.findall(r"\.h-([a-z])[^{]*\{ color: var\(--([a-z-]+)\)", rules))
    used |= {"i": used["s"]}
    assert set(used) == {name for _, name in _CLASSES}
    for name in used.values():
        assert contrast(tokens.value(name, dark), tokens.value("panel", dark)) >= 4.5, name


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)
