"""The glossary names the events, states, stages, tiers, roles, tables and buckets of the code, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from nightdesk.domain import documents, payments, updates
from nightdesk.domain.decisions import ROLES
from nightdesk.domain.events import EVENTS
from nightdesk.domain.newsletters import EDITION_STATES
from nightdesk.domain.site import Site
from nightdesk.repositories.articles_table import ACCEPTED
from support.template import expanded_template

ROOT = Path(__file__).resolve().parents[2]
GLOSSARY = (ROOT / "docs/glossary.md").read_text("utf-8")
ENTRY = re.compile(r"- \*\*([\w ]+)\*\*(?: \((\w+)\))?: \S.*\.")
SECTIONS = re.findall(r"^## (.*)$", GLOSSARY, re.MULTILINE)


def terms(section: str) -> list[str]:
    """The terms of a section, in its order; `live (article)` for a term that applies to several things."""
    text = GLOSSARY.split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = [ENTRY.fullmatch(line) for line in text.splitlines() if line.startswith("-")]
    assert all(found), f"not “- **term**: meaning.”: {section}"
    return [f"{entry[1]} ({entry[2]})" if entry[2] else entry[1] for entry in found if entry]


def resources(kind: str) -> set[str]:
    """The resources of a type in the template."""
    return {name for name, made in expanded_template()["Resources"].items() if made["Type"] == f"AWS::{kind}"}


def stages() -> set[str]:
    """The modules of `stages/` that handle messages."""
    found = set()
    for path in (ROOT / "shared/nightdesk/stages").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            handles = isinstance(node, ast.ClassDef) and "handle" in {
                item.name for item in node.body if isinstance(item, ast.FunctionDef)
            }
            if handles and path.stem != "batch":
                found.add(path.stem)
    return found


def states() -> set[str]:
    """Each state, with what it applies to."""

    def said_of(kind: str, names: Iterable[str]) -> set[str]:
        return {f"{name} ({kind})" for name in names}

    return (
        said_of("file", [ACCEPTED])
        | said_of("article", documents.STATES)
        | said_of("update", updates.STATUSES)
        | said_of("payment", payments.STATES)
        | said_of("edition", EDITION_STATES)
    )


@pytest.mark.parametrize("section", [name for name in SECTIONS if name not in ("Tiers", "Roles")])
def test_terms_are_sorted_and_explained_once(section: str) -> None:
    found = terms(section)
    assert found == sorted(set(found), key=str.lower)


def test_events() -> None:
    assert set(terms("Events")) == set(EVENTS)


def test_states() -> None:
    assert set(terms("States")) == states()


def test_stages() -> None:
    assert set(terms("Stages")) == stages()


def test_tiers_and_roles_are_in_their_order() -> None:
    assert terms("Tiers") == list(Site().tiers)
    assert terms("Roles") == list(ROLES)


def test_tables_and_buckets() -> None:
    assert set(terms("Tables")) == resources("DynamoDB::Table")
    assert set(terms("Buckets")) == resources("S3::Bucket")
