"""The guide for authors, docs/drafts.md, shows the keys and problems of the code.

Run this file as a script to write the guide's tables anew.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.draft_keys import DRAFT_KEYS
from nightdesk.domain.drafts import Draft
from nightdesk.domain.keys import Key
from nightdesk.domain.problems import KINDS, Effect, Kind, ProblemKind
from nightdesk.domain.profiles import AUTHOR_KEYS, PAGE_KEYS, TOPIC_KEYS, Profile
from nightdesk.domain.site import Site
from nightdesk.domain.site_file import SITE_KEYS
from nightdesk.domain.update_file import UPDATE_KEYS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/drafts.md"
CODE = [path for room in ("shared", "functions", "cli", "local") for path in sorted((ROOT / room).rglob("*.py"))]
KEYS: dict[str, Sequence[Key[Any]]] = {
    "drafts": DRAFT_KEYS,
    "authors": AUTHOR_KEYS,
    "topics": TOPIC_KEYS,
    "pages": PAGE_KEYS,
    "updates": UPDATE_KEYS,
    "site.yaml": SITE_KEYS,
}


def key_table(keys: Sequence[Key[Any]]) -> str:
    rows = ["| key | form | also read as |", "|---|---|---|"]
    for key in keys:
        others = ", ".join(f"`{name}`" for name in (*key.synonyms, *key.settings))
        rows.append(f"| `{key.name}` | {key.form} | {others} |")
    return "\n".join(rows)


def problem_table(effect: Effect) -> str:
    rows = ["| problem | message |", "|---|---|"]
    for kind in KINDS:
        if kind.effect is effect:
            message = re.sub(r"{(\w+)[^}]*}", r"*\1*", kind.template.replace("{{", "\0").replace("}}", "\1"))
            rows.append(f"| `{kind.id}` | {message} |".replace("\0", "{").replace("\1", "}"))
    return "\n".join(rows)


TABLES = {f"keys of {name}": key_table(keys) for name, keys in KEYS.items()} | {
    f"problems: {effect.name.lower()}": problem_table(effect) for effect in Effect
}


def section(name: str) -> re.Pattern[str]:
    """The pattern of a table of the guide, between its two comments."""
    return re.compile(rf"(?<=<!-- {re.escape(name)} -->\n\n).*?(?=\n\n<!-- end -->)", re.DOTALL)


@pytest.mark.parametrize("name", TABLES)
def test_the_guide_has_the_tables_of_the_code(name: str) -> None:
    found = section(name).search(GUIDE.read_text("utf-8"))
    assert found, "the table is missing"
    assert found[0] == TABLES[name]


@pytest.mark.parametrize("effect", Effect)
def test_the_guide_explains_each_effect(effect: Effect) -> None:
    assert f"{effect.value}:" in GUIDE.read_text("utf-8")


@pytest.mark.parametrize(
    ("keys", "model", "computed"),
    [
        (DRAFT_KEYS, Draft, {"extra", "passages", "warnings"}),
        (AUTHOR_KEYS, Profile, {"kind", "id", "body", "warnings"}),
        (SITE_KEYS, Site, {"can_sign_in"}),
    ],
)
def test_each_attribute_is_set_by_one_key(keys: Sequence[Key[Any]], model: Any, computed: set[str]) -> None:
    attributes = [key.attribute or key.name for key in keys]
    assert sorted(attributes) == sorted({field.name for field in fields(model)} - computed)


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_no_name_is_read_as_two_keys(keys: Sequence[Key[Any]]) -> None:
    names = [name for key in keys for name in (key.name, *key.synonyms)]
    assert len(set(names)) == len(names)


def test_every_problem_is_made_from_the_catalogue() -> None:
    used: set[str] = set()
    for path in CODE:
        tree = ast.parse(path.read_text("utf-8"))
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        if not any(node.module == "nightdesk.domain.problems" for node in imports):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "Problem", f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Kind":
                used.add(node.attr)
    assert used == {name for name, kind in vars(Kind).items() if isinstance(kind, ProblemKind)}


def test_messages_are_short_sentences_without_a_full_stop() -> None:
    for kind in KINDS:
        assert 5 < len(kind.template) < 130, kind
        assert not kind.template.endswith("."), kind


if __name__ == "__main__":
    text = GUIDE.read_text("utf-8")
    for title, table in TABLES.items():
        text = section(title).sub(lambda _, table=table: table, text)
    GUIDE.write_text(text, "utf-8")
