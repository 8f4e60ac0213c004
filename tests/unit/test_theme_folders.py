"""Themes: a few files over the default theme's, design tokens, and the example that proves both."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nightdesk.domain.site import Site
from nightdesk.imaging import card
from nightdesk.rendering.environment import Theme, compile_theme
from nightdesk.rendering.theme_overlay import lay_over, source_of
from nightdesk.rendering.tokens import Tokens, parse_tokens
from nightdesk_cli.main import main
from nightdesk_local.themes import open_theme

ROOT = Path(__file__).resolve().parents[2]
PAGE: Any = SimpleNamespace(site=Site())
DEFAULT = ROOT / "layers" / "theme"
BROADSHEET = ROOT / "examples" / "themes" / "broadsheet"
READABLE = [
    *((text, ground) for text in ("ink", "muted", "link", "accent") for ground in ("bg", "panel")),
    *((text, "panel") for text in ("code-word", "code-text", "code-number", "code-cut")),
    ("ink", "badge"),
    *((text, "night") for text in ("night-ink", "night-muted", "lamp")),
    ("on-lamp", "lamp"),
]
"""Which token is read on which."""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(
        tmp_path / "base",
        {
            "static/tokens.css": ":root { --bg: #fff; --ink: #111 }\n@media (prefers-color-scheme: dark) { :root { --bg: #000 } }",
            "static/site.css": "a { color: red }\n",
            "templates/page.html": '<p>{% block words %}{{ "a.b" | text }}{% endblock %}{{ design_token("ink") }}</p>',
            "templates/other.html": "other",
            "texts/en.toml": '[plural]\none = "n = 1"\n[a]\nb = "B"\nc = "C"\n[a.d]\none = "1"\nother = "{count}"\n',
            "pages/en/about.md": "About\n",
        },
    )


def laid(base: Path, files: dict[str, str]) -> Path:
    overlay, target = write(base.parent / "overlay", files), base.parent / "whole"
    lay_over(overlay, base, target)
    return target


# --- A few files over others ---


def test_a_theme_overrides_single_files_and_inherits_the_rest(base: Path) -> None:
    whole = laid(base, {"templates/other.html": "mine", "pages/en/about.md": "Ours\n", "static/logo.svg": "<svg/>"})
    theme = Theme(whole)
    assert theme.render("page.html", PAGE) == "<p>B#111</p>"
    assert theme.render("other.html", PAGE) == "mine"
    assert theme.pages(Site()) == {"about": b"Ours\n"}
    assert set(theme.assets) == {"site.css", "logo.svg"}


def test_a_template_extends_the_one_that_it_replaces(base: Path) -> None:
    page = '{% extends "default/page.html" %}{% block words %}{{ super() }}!{% endblock %}'
    whole = laid(base, {"templates/page.html": page})
    assert Theme(whole).render("page.html", PAGE) == "<p>B!#111</p>"
    compile_theme(whole)
    assert Theme(whole).render("page.html", PAGE) == "<p>B!#111</p>", "on AWS too"


def test_texts_are_replaced_one_by_one(base: Path) -> None:
    text = Theme(
        laid(
            base,
            {
                "texts/en.toml": '[plural]\none = "n = 1"\n[a]\nb = "“Bö”\\n\\"x\\""\n[a.d]\none = "one"\nother = "many"\n'
            },
        )
    ).text(Site())
    assert text("a.b") == '“Bö”\n"x"'
    assert text("a.c") == "C"
    assert (text("a.d", count=1), text("a.d", count=2)) == ("one", "many")


def test_tokens_are_replaced_one_by_one_in_each_scheme(base: Path) -> None:
    theme = Theme(laid(base, {"static/tokens.css": ":root { --bg: #eee; --new: 1rem }"}))
    assert theme.tokens == Tokens({"bg": "#eee", "ink": "#111", "new": "1rem"}, {"bg": "#000"})
    assert (theme.tokens.value("bg", dark=True), theme.tokens.value("ink", dark=True)) == ("#000", "#111")


def test_the_style_sheet_is_the_tokens_the_rules_and_those_that_are_added(base: Path) -> None:
    css = Theme(laid(base, {"static/theme.css": "b { color: blue }"})).assets["site.css"][1].decode()
    assert re.sub(r"\s+", "", css) == (
        ":root{--bg:#fff;--ink:#111}@media(prefers-color-scheme:dark){:root{--bg:#000}}a{color:red}b{color:blue}"
    )


def test_a_file_of_the_whole_theme_leads_back_to_where_it_was_written(base: Path) -> None:
    whole = laid(base, {"templates/page.html": "mine"})
    found = {
        name: source_of(whole / name, whole, base.parent / "overlay", base).relative_to(base.parent).as_posix()
        for name in ("templates/page.html", "templates/other.html", "templates/default/page.html")
    }
    assert list(found.values()) == [
        "overlay/templates/page.html", "base/templates/other.html", "base/templates/page.html",
    ]  # fmt: skip


# --- Bad input ---


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"template/page.html": "x"}, "template: a theme has the folders"),
        ({"README.md": "x"}, "at least one of the folders"),
        ({"static/tokens.css": "body { margin: 0 }"}, "tokens.css: only :root may be there"),
        ({"static/tokens.css": ":root { color: red }"}, "a token is a custom property"),
        ({"texts/en.toml": "[a\n"}, "en.toml: "),
    ],
)
def test_what_is_no_theme_is_named(base: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        laid(base, files)


def test_a_build_names_a_theme_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["build", "--drafts", str(tmp_path), "--out", str(tmp_path / "out"), "--theme", str(tmp_path / "none")]
    assert main(arguments) == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- Tokens ---


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    digits = colour.removeprefix("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("folder", [DEFAULT, BROADSHEET], ids=["default", "broadsheet"])
def test_the_tokens_are_readable_on_one_another(folder: Path, dark: bool) -> None:
    tokens = open_theme(folder).tokens
    found = {pair: contrast(*(tokens.value(name, dark) for name in pair)) for pair in READABLE}
    assert {pair: round(value, 2) for pair, value in found.items() if value < 4.5} == {}


def test_all_colours_are_tokens() -> None:
    """Apart from those of pictures' spaces, and of paper."""
    for path in (DEFAULT / "static" / "site.css", BROADSHEET / "static" / "theme.css"):
        rules = path.read_text("utf-8").partition("@media print")[0]
        assert not re.findall(r"#[0-9a-f]{3,8}\b", re.sub(r"\.t-.*", "", rules)), path.name


def test_every_token_that_is_used_is_set() -> None:
    tokens = parse_tokens((DEFAULT / "static" / "tokens.css").read_text("utf-8"))
    rules = (DEFAULT / "static" / "site.css").read_text("utf-8")
    used = set(re.findall(r"var\(--([a-z-]+)", rules)) - set(re.findall(r"--([a-z-]+):", rules))
    assert used - {"fx", "fy"} <= set(tokens.light)
    assert set(tokens.light) == set(re.findall(r"var\(--([a-z-]+)", rules)) & set(tokens.light)


def test_social_cards_have_the_default_themes_colours() -> None:
    light = parse_tokens((DEFAULT / "static" / "tokens.css").read_text("utf-8")).light
    wanted = [light[name] for name in ("night", "night-ink", "night-muted", "lamp", "on-lamp")]
    assert wanted == [card._NIGHT, card._INK, card._MUTED, card._LAMP, card._ON_LAMP]


# --- The example ---


def test_the_example_theme_builds_the_example_publication(tmp_path: Path) -> None:
    few, out = tmp_path / "few", tmp_path / "out"
    for name in ("site.yaml", "authors/maren-vask.md", "topics/energy.md", "drafts/substations-repair-race/index.md"):
        write(few, {name: (ROOT / "examples" / name).read_text("utf-8")})
    arguments = ["build", "--drafts", str(few), "--out", str(out), "--no-images", "--theme", str(BROADSHEET)]
    main(arguments)
    page = (out / "articles" / "substations-repair-race" / "~public" / "index.html").read_text("utf-8")
    front = (out / "index.html").read_text("utf-8")
    for text in (page, front):
        assert '<header class="masthead"' in text
        assert 'class="site-head"' not in text
        assert '<meta name="theme-color" content="#fbf8f1"' in text
    assert "Back issues" in front
    [style] = (out / "assets").glob("site.*.css")
    assert ".masthead" in style.read_text("utf-8")
    assert not [*(out / "assets").glob("t*.css")], "it is one file"
