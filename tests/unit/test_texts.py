"""The catalogue of texts that readers see: how messages are made, that every one is used, and that no text stands elsewhere."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import FileSystemLoader, nodes
from markupsafe import Markup
from nightdesk.domain.site import Site
from nightdesk.rendering.environment import Theme, compile_theme, make_environment
from nightdesk.rendering.texts import Catalogue, languages_of, load_catalogue, read_messages
from support.leftovers import VisibleText

ROOT = Path(__file__).resolve().parents[2]
THEME = ROOT / "layers" / "theme"
TEMPLATES = sorted(path for path in (THEME / "templates").rglob("*") if path.is_file())
PACKAGE = ROOT / "shared" / "nightdesk"
FOR_EDITORS = {"footnotes.py", "leftovers.py", "losses.py"}
"""Modules that read drafts: their texts are patterns, element names and parts of problems, which editors see."""
MODULES = sorted(
    [
        *(path for path in (PACKAGE / "rendering").glob("*.py") if path.name not in FOR_EDITORS),
        *(ROOT / "functions" / "reader_api").rglob("*.py"),
    ]
)
CALLERS = [*MODULES, *sorted((PACKAGE / "usecases").rglob("*.py"))]
MESSAGES = {key: message for key, message in read_messages(THEME).items() if not key.startswith("plural.")}
PAGE: Any = SimpleNamespace(site=Site())
LANGUAGES = languages_of(THEME)
NOT_STRIPPED = ("ai_note.and", "list.separator")
VISIBLE_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def forms(key: str) -> list[str]:
    """Return the message, or each of its plural forms."""
    message = MESSAGES[key]
    return [message] if isinstance(message, str) else list(message.values())


def placeholders(key: str) -> set[str]:
    return {name for form in forms(key) for _, name, _, _ in string.Formatter().parse(form) if name is not None}


# --- Messages ---


def test_a_message_takes_values() -> None:
    text = Catalogue({"a.plain": "No values.", "a.named": "{who} & {what}"})
    assert text("a.plain") == "No values."
    assert text("a.named", who="<b>", what="{who}") == "<b> & {who}"
    assert not isinstance(text("a.plain"), Markup)
    for wrong in ("a.other", "a"):
        with pytest.raises(KeyError):
            text(wrong)
    with pytest.raises(KeyError, match="what"):
        text("a.named", who="x")


@pytest.mark.parametrize(("count", "expected"), [(0, "0 things"), (1, "1 thing"), (2, "2 things")])
def test_a_message_about_a_number_of_things_has_plural_forms(count: int, expected: str) -> None:
    forms = {"one": "{count} thing", "other": "{count} things"}
    text = Catalogue({"plural.one": "n = 1", "a.things": forms, "a.things_html": forms})
    assert text("a.things", count=count) == text("a.things_html", count=count) == expected


def test_html_is_marked_by_its_name_and_escapes_values() -> None:
    text = Catalogue({"a.x_html": "<b>{name}</b>"})
    assert text("a.x_html", name="<i>") == Markup("<b>&lt;i&gt;</b>")
    assert text("a.x_html", name=Markup("<i>")) == Markup("<b><i></b>")


def test_a_compiled_theme_has_the_same_texts(tmp_path: Path) -> None:
    for folder in ("templates", "texts", "static"):
        (tmp_path / folder).mkdir()
    (tmp_path / "texts" / "en.toml").write_text(
        '[plural]\none = "n = 1"\n[a]\nb_html = "<i>B</i>"\n[a.c]\none = "1"\nother = "{count}"\n'
    )
    (tmp_path / "templates" / "page.html").write_text('{{ "a.b_html" | text }}{{ "a.c" | text(count=2) }}')
    assert Theme(tmp_path).render("page.html", PAGE) == "<i>B</i>2"
    compile_theme(tmp_path)
    load_catalogue.cache_clear()
    (tmp_path / "texts" / "en.toml").unlink()
    assert load_catalogue(tmp_path).messages == {
        "plural.one": "n = 1",
        "a.b_html": "<i>B</i>",
        "a.c": {"one": "1", "other": "{count}"},
    }
    load_catalogue.cache_clear()
    assert Theme(tmp_path).render("page.html", PAGE) == "<i>B</i>2"


# --- The theme's catalogue ---


def test_the_catalogue_is_well_formed() -> None:
    for key, message in MESSAGES.items():
        assert isinstance(message, str) or set(message) == {"one", "other"}, key
        for form in forms(key):
            assert form == form.strip() or key in NOT_STRIPPED, key
            assert "'" not in form or key.endswith("_html"), f"{key} has a typewriter apostrophe"
            assert ("<" in form or "&" in form) <= key.endswith("_html"), f"{key} holds HTML"


def parsed(path: Path) -> nodes.Template:
    return make_environment(FileSystemLoader(THEME / "templates"), Catalogue({})).parse(path.read_text("utf-8"))


def calls_in_template(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Yield the key and the names of the values of each message that a template shows."""
    for found in parsed(path).find_all(nodes.Filter):
        if found.name == "text":
            values = {value.key for value in found.kwargs}
            choice = found.node
            keys = [choice.expr1, choice.expr2] if isinstance(choice, nodes.CondExpr) else [choice]
            yield from ((key.as_const(), values) for key in keys if key)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_templates_show_messages_that_exist_with_their_values(path: Path) -> None:
    for key, values in calls_in_template(path):
        assert key in MESSAGES
        counted = {"count"} if not isinstance(MESSAGES[key], str) else set()
        assert placeholders(key) | counted == values, key


def test_every_message_is_used() -> None:
    used = {key for path in TEMPLATES for key, _ in calls_in_template(path)}
    for path in CALLERS:
        source = path.read_text("utf-8")
        used |= {text for _, text in strings(source) if text in MESSAGES}
        for key in re.findall(r'(?:ReaderProblem\(\d+, |Refused\(\s*|super\(\).__init__\(|\d+: )"(\w+)"', source):
            used |= {f"problem.{key}.title", f"problem.{key}.detail"}
    used |= {key for key in MESSAGES if key.startswith(("tier.", "readers."))}
    used |= {
        f"problem.{key}.{part}"
        for key in ("failed", "too_many", "unreachable", "our_fault")
        for part in ("title", "detail")
    }
    assert used == set(MESSAGES)


# --- Text elsewhere ---


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_templates_contain_no_text(path: Path) -> None:
    source = path.read_text("utf-8")
    visible = VisibleText(VISIBLE_ATTRIBUTES)
    visible.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL))
    visible.close()
    assert not [text.strip() for text in visible.found if re.search("[A-Za-z]", text) and text.strip() != "(JSON)"]
    for constant in parsed(path).find_all(nodes.Const):
        assert not re.search(r"^[A-Z]|[a-z] [a-z]", str(constant.value)) or constant.value in (None, True, False)


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string in a module that is no docstring, no message of an error and not logged."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.parent = node  # type: ignore[attr-defined]

    def is_for_developers(node: ast.AST) -> bool:
        above = node
        while above := getattr(above, "parent", None):  # type: ignore[assignment]
            if isinstance(above, ast.Expr) and above.value is node:
                return True
            if isinstance(above, ast.Raise):
                return ast.unparse(above.exc or above).startswith(
                    ("ValueError", "FileNotFoundError", "Refused", "RateLimited")
                )
            if isinstance(above, ast.Call) and ast.unparse(above.func).startswith(
                ("logger.", "super().__init__", "Problem")
            ):
                return True
        return False

    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or _is_word_list(node):
            continue
        if isinstance(node.value, str) and not is_for_developers(node):
            yield node.lineno, node.value


def _is_word_list(node: ast.AST) -> bool:
    """Return True for a private constant of a module that lists names, one blank apart, without capitals or punctuation."""
    above = getattr(node, "parent", None)
    is_private = isinstance(above, ast.Assign) and ast.unparse(above.targets[0]).startswith("_")
    return is_private and bool(re.fullmatch(r"[a-z0-9\s]+", str(getattr(node, "value", ""))))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_has_no_text_for_readers(path: Path) -> None:
    """Words with a blank between them, or a capitalised word, are text; media queries and the names of schema.org and of
    Markdown's tokens are not."""
    for line, text in strings(path.read_text("utf-8")):
        shown = re.sub(r"<[^>]*>?|\(prefers-[^)]*\)", "", text)
        assert not re.search(r"[A-Za-z’]{2,}[,.:]? [a-z]{2,}", shown), f"line {line}: {text}"
        if path.name not in ("structured_data.py", "typed_links.py", "unused_footnotes.py"):
            assert not re.fullmatch(r"[A-Z][a-z]{2,}", shown), f"line {line}: {text}"


def test_python_passes_each_message_its_values() -> None:
    """Keys that are chosen at run time are covered by the tests of the pages that show them."""
    for path in CALLERS:
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            if (
                ast.unparse(call.func).split(".")[-1] in ("text", "text(site)")
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                key = str(call.args[0].value)
                if "." in key:
                    assert key in MESSAGES, f"{named(path)}: {key}"
                    assert placeholders(key) == {word.arg for word in call.keywords}, f"{named(path)}: {key}"


def test_texts_read_as_a_newsroom_writes_them() -> None:
    """Phrases that were translated word for word once."""
    banned: Mapping[str, str] = {
        "e-mail": "email",
        " mail ": "email",
        "whoever": "",
        "somebody": "",
        "void": "",
        "hold for": "",
    }
    for key in MESSAGES:
        assert not [word for form in forms(key) for word in banned if word in form.lower()], key
