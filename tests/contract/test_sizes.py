"""Files and functions stay small enough to read: 400 lines and 60 lines. Ruff checks complexity and arguments.

Catalogues are as long as there are texts.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("shared", "functions", "layers", "cli", "local", "bench")
SUFFIXES = {".py", ".js", ".html", ".css", ".toml"}
MAX_FILE, MAX_FUNCTION = 400, 60

FILES = [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in SUFFIXES and not {"__pycache__", "texts"} & {*path.parts}
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count("\n") <= MAX_FILE
    nodes = ast.walk(ast.parse(text)) if path.suffix == ".py" else ()
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if (f.end_lineno or f.lineno) - f.lineno + 1 > MAX_FUNCTION] == []
