"""The editors' API as documented: the OpenAPI document and docs/api.md agree with the routes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from nightdesk_local.openapi import document

from functions.editor_api.problems import TYPES
from functions.editor_api.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text("utf-8")
PROMISED = """
GET /v1/articles
GET /v1/articles/{}
GET /v1/articles/{}/revisions
POST /v1/articles/{}/publish
POST /v1/articles/{}/withdraw
POST /v1/articles/{}/schedule
POST /v1/articles/{}/rollback
POST /v1/articles/{}/corrections
POST /v1/articles/{}/approve
POST /v1/articles/{}/preview-links
POST /v1/articles/{}/gift-links
PUT /v1/articles/{}/access
POST /v1/drafts
GET /v1/updates
POST /v1/updates
DELETE /v1/updates/{}
GET /v1/members
PUT /v1/members/{}
GET /v1/pipeline
POST /v1/pipeline/redrive
POST /v1/rebuilds
GET /v1/audit
"""
"""The routes that tools of other parties may rely on."""


@pytest.fixture(scope="module")
def operations() -> dict[str, dict[str, Any]]:
    """The operations of the OpenAPI document by method and path."""
    paths = document(ROOT)["paths"]
    return {f"{method.upper()} {path}": found for path, methods in paths.items() for method, found in methods.items()}


def rows(text: str) -> list[tuple[str, ...]]:
    """Return the cells of all table rows, without code marks."""
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip().strip("`") for cell in cells) for cells in found]


def test_every_promised_route_exists(operations: dict[str, dict[str, Any]]) -> None:
    found = {re.sub(r"\{.*?\}", "{}", name) for name in operations}
    assert set(PROMISED.split("\n")) - {""} - found == set()


def test_every_operation_has_a_unique_id_and_a_description(operations: dict[str, dict[str, Any]]) -> None:
    ids = [operation["operationId"] for operation in operations.values()]
    assert sorted(set(ids)) == sorted(ids)
    assert all(operation["description"].endswith(".") for operation in operations.values())


def test_the_guide_lists_every_route_with_its_role() -> None:
    routes = [(f"{route.method} {route.path}", route.role, route.summary) for route in ROUTES]
    assert [row for row in rows(GUIDE) if row[0].partition(" ")[2].startswith("/")] == routes


def test_the_guide_lists_every_type_of_problem() -> None:
    types = [(name, str(status), title) for name, (status, title) in TYPES.items()]
    assert [row for row in rows(GUIDE) if row[1].isdigit()] == types
