"""The guide for themes, docs/theming.md, lists what templates receive, and no template uses anything else.

Run this file as a script to write the guide's tables anew.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache, reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from jinja2 import Environment, FileSystemLoader, nodes
from nightdesk.rendering import article_contexts, contexts, edition_contexts, process_contexts, reader_contexts
from nightdesk.rendering.environment import Theme, make_environment
from nightdesk.rendering.texts import Catalogue
from nightdesk.rendering.tokens import parse_tokens

ROOT = Path(__file__).resolve().parents[2]
THEME = ROOT / "layers" / "theme"
GUIDE = ROOT / "docs" / "theming.md"
RENDERING = sorted((ROOT / "shared" / "nightdesk" / "rendering").glob("*.py"))
CLASSES: dict[str, type] = {
    name: found
    for module in (contexts, article_contexts, reader_contexts, process_contexts, edition_contexts)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, tuple) and found.__module__ == module.__name__
}
KINDS = {"str": "text", "Markup": "HTML", "int": "number", "bool": "true or false", "None": "none"}
ENVIRONMENT = make_environment(FileSystemLoader(THEME / "templates"), Catalogue({}))


@cache
def parsed(template: str) -> nodes.Template:
    """Return a template as Jinja reads it."""
    assert ENVIRONMENT.loader
    source, _, _ = ENVIRONMENT.loader.get_source(ENVIRONMENT, template)
    return ENVIRONMENT.parse(source)


@cache
def rendered() -> dict[str, type]:
    """Return the context of each template that the code renders."""
    found: dict[str, type] = {}
    for path in RENDERING:
        for function in (
            node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)
        ):
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            made = [each.func.id for each in calls if isinstance(each.func, ast.Name) and each.func.id in CLASSES]
            given = [ast.unparse(each.annotation) for each in function.args.args if each.annotation]
            whole = [name for name in (*made, *given) if name in CLASSES and name.endswith("Context")]
            for call in calls:
                if isinstance(call.func, ast.Attribute) and call.func.attr in ("render", "render_each"):
                    for each in call.args[:2]:
                        if isinstance(each, ast.Constant) and whole:
                            found[each.value] = CLASSES[whole[0]]
    return found | dict.fromkeys(("article.html", "shell.html"), article_contexts.ArticleContext)


# --- The guide's tables ---


def kind_of(annotation: str) -> str:
    """Return the type of a field as the guide says it."""
    while (simpler := re.sub(r"tuple\[([^\[\]]*), \.\.\.\]", r"list of \1", annotation)) != annotation:
        annotation = simpler
    return re.sub(r"\w+", lambda word: _word(word[0]), annotation.replace(" | ", " or "))


def _word(name: str) -> str:
    return f"[{name}](#{name.lower()})" if name in CLASSES else KINDS.get(name, name)


def meanings(found: type) -> dict[str, str]:
    """Return what the docstring of a class says of its fields."""
    lines = (found.__doc__ or "").partition("Attributes:")[2].splitlines()
    said: dict[str, str] = {}
    name = ""
    for line in lines:
        if match := re.fullmatch(r" {8}(\w+): (.+)", line):
            name = match[1]
            said[name] = match[2]
        elif name and line.strip():
            said[name] += f" {line.strip()}"
    return said


def summary(found: type) -> str:
    return " ".join((found.__doc__ or "").split("\n\n")[0].split())


def context_section(name: str) -> str:
    found = CLASSES[name]
    said, rows = meanings(found), ["| name | is | |", "|---|---|---|"]
    for field, annotation in found.__annotations__.items():
        rows.append(f"| `{field}` | {kind_of(annotation.__forward_arg__)} | {said.get(field, '')} |")
    return "\n".join([f"### {name}", "", summary(found), "", *rows])


def template_table() -> str:
    rows = ["| template | context | shows |", "|---|---|---|"]
    for template, context in sorted(rendered().items()):
        rows.append(f"| `{template}` | {_word(context.__name__)} | {summary(context)} |")
    return "\n".join(rows)


def tables() -> dict[str, str]:
    """Return the parts of the guide that follow from the code, by name."""
    first = [name for name in CLASSES if name.endswith("Context")]
    return {
        "templates": template_table(),
        "contexts": "\n\n".join(context_section(name) for name in [*first, *(n for n in CLASSES if n not in first)]),
    }


def section(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- {name} -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)


@pytest.mark.parametrize("name", ["templates", "contexts"])
def test_the_guide_lists_what_templates_receive(name: str) -> None:
    found = section(name).search(GUIDE.read_text("utf-8"))
    assert found
    assert found[0] == f"{found[1]}{tables()[name]}{found[2]}", (
        "write it anew: python tests/contract/test_theming_guide.py"
    )


def test_the_guide_names_every_template() -> None:
    guide = GUIDE.read_text("utf-8")
    names = [path.relative_to(THEME / "templates").as_posix() for path in (THEME / "templates").rglob("*.*")]
    assert [name for name in names if f"`{name}`" not in guide] == []


def test_the_guide_names_every_token() -> None:
    tokens = parse_tokens((THEME / "static" / "tokens.css").read_text("utf-8"))
    named = re.findall(r"`--([a-z-]+)`", GUIDE.read_text("utf-8"))
    assert sorted(set(named)) == sorted(tokens.light)


def test_the_guide_names_every_filter_and_function() -> None:
    theme = Theme(THEME)._environment("en")
    ours = (set(theme.filters) - set(Environment().filters)) | (set(theme.globals) - set(Environment().globals))
    table = GUIDE.read_text("utf-8").partition("## Filters and functions")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == ours


# --- What templates use ---

Scope = Mapping[str, Any]
"""The types of the names that a template knows; None for what is not followed."""


class Reader:
    """Follows types through a template, and collects the fields that their classes do not have."""

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.used: set[tuple[type, str]] = set()

    def template(self, name: str, scope: Scope) -> None:
        self.body(parsed(name).body, dict(scope))

    def body(self, body: list[nodes.Node], scope: dict[str, Any]) -> None:
        for node in body:
            self.node(node, scope)

    def node(self, node: nodes.Node, scope: dict[str, Any]) -> None:
        if isinstance(node, nodes.Extends | nodes.Include):
            if isinstance(node.template, nodes.Const):
                self.template(node.template.value, scope)
        elif isinstance(node, nodes.FromImport) and isinstance(node.template, nodes.Const):
            for name in node.names:
                scope[str(name)] = _macro(node.template.value, str(name))
        elif isinstance(node, nodes.Macro):
            scope[node.name] = node
        elif isinstance(node, nodes.For):
            inner = {**scope, "loop": None}
            _bind(node.target, self.type_of(node.iter, scope), inner, each=True)
            self.body([*node.body, *node.else_], inner)
        elif isinstance(node, nodes.Assign):
            _bind(node.target, self.type_of(node.node, scope), scope)
        elif isinstance(node, nodes.Block):
            self.body(node.body, dict(scope))
        elif isinstance(node, nodes.Expr):
            self.type_of(node, scope)
        else:
            for child in node.iter_child_nodes():
                self.node(child, scope)

    def type_of(self, node: nodes.Node, scope: dict[str, Any]) -> Any:
        """Return an expression's type, having followed all that is in it."""
        if isinstance(node, nodes.Name):
            return scope.get(node.name)
        if isinstance(node, nodes.Getattr):
            return self.field(self.type_of(node.node, scope), node.attr, node.lineno)
        if isinstance(node, nodes.Getitem):
            return _item(self.type_of(node.node, scope))
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
            given = [self.type_of(each, scope) for each in node.args]
            macro = scope.get(node.node.name)
            if isinstance(macro, nodes.Macro):
                bound = dict(zip((each.name for each in macro.args), given, strict=False))
                self.body(macro.body, {**dict.fromkeys(a.name for a in macro.args), "page": scope.get("page"), **bound})
            return None
        found = [self.type_of(child, scope) for child in node.iter_child_nodes()]
        return found[-1] if isinstance(node, nodes.CondExpr | nodes.Or) and found else None

    def field(self, owner: Any, name: str, line: int) -> Any:
        classes = [each for each in _members(owner) if isinstance(each, type) and hasattr(each, "_fields")]
        found = [get_type_hints(each)[name] for each in classes if name in each._fields]  # type: ignore[attr-defined]
        self.used.update((each, name) for each in classes if name in each._fields)  # type: ignore[attr-defined]
        if classes and not found:
            self.unknown.append(f"line {line}: {' or '.join(each.__name__ for each in classes)} has no {name}")
        return reduce(or_, found) if found else None


def _macro(template: str, name: str) -> nodes.Macro:
    return next(each for each in parsed(template).find_all(nodes.Macro) if each.name == name)


def _members(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in (Union, UnionType):
        for each in get_args(kind):
            yield from _members(each)
    elif kind is not type(None):
        yield kind


def _item(kind: Any) -> Any:
    found = [get_args(each)[0] for each in _members(kind) if get_origin(each) is tuple]
    return reduce(or_, found) if found else None


def _bind(target: nodes.Node, kind: Any, scope: dict[str, Any], each: bool = False) -> None:
    if isinstance(target, nodes.Name):
        scope[target.name] = _item(kind) if each else kind


def follow(template: str, context: type) -> Reader:
    reader = Reader()
    reader.template(template, {"page": context})
    return reader


@pytest.mark.parametrize("template", sorted(rendered()))
def test_a_template_uses_only_what_it_receives(template: str) -> None:
    assert follow(template, rendered()[template]).unknown == []


def test_a_name_that_no_context_has_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = (
        "{% for card in page.cards %}{% if card.topic %}{{ card.topic.labl }}{% endif %}{% endfor %}{{ page.nothing }}"
    )
    monkeypatch.setitem(globals(), "parsed", lambda _: ENVIRONMENT.parse(bad))
    assert follow("list.html", contexts.ListContext).unknown == [
        "line 1: Link has no labl", "line 1: ListContext has no nothing",
    ]  # fmt: skip


def test_every_template_is_a_page_or_part_of_one() -> None:
    parts = {path.relative_to(THEME / "templates").as_posix() for path in (THEME / "templates").rglob("*.*")}
    used = set(rendered())
    for name in parts:
        source = (THEME / "templates" / name).read_text("utf-8")
        used |= set(re.findall(r'(?:extends|include|from) "([^"~]+\.\w+)"', source))
    assert {name for name in parts - used if not name.startswith("forms/")} == set()


if __name__ == "__main__":
    text = GUIDE.read_text("utf-8")
    for each, table in tables().items():
        text = section(each).sub(lambda found, table=table: f"{found[1]}{table}{found[2]}", text)  # type: ignore[misc]
    GUIDE.write_text(text, "utf-8")
