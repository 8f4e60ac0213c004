"""The error tree: its drawing, and that there is no other."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest
from nightdesk.domain import errors
from nightdesk.domain.errors import NightdeskError, RateLimited, Rejected, only_rejects
from nightdesk.domain.problems import Kind

ROOT = Path(__file__).resolve().parents[2]
CODE = [path for room in ("shared", "functions", "cli", "local") for path in sorted((ROOT / room).rglob("*.py"))]


def test_the_docstring_draws_the_tree() -> None:
    drawn: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)", line):
            drawn.append((len(found[1]) // 4, found[2]))
    classes = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, NightdeskError)]
    assert sorted(drawn) == sorted((len(item.__mro__) - len(NightdeskError.__mro__), item.__name__) for item in classes)


def test_every_error_is_permanent_transient_or_a_conflict() -> None:
    names: Counter[str] = Counter()
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            if "NightdeskError" in bases:
                assert path.name == "errors.py", path
            if bases & {"Permanent", "Transient", "Conflict", "Rejected", "RateLimited"}:
                names[node.name] += 1
    assert not [name for name, count in names.items() if count > 1]


def test_a_rejection_has_each_problem_once_in_the_order_of_the_file() -> None:
    late, early = Kind.NOT_TEXT.at(9, "dek"), Kind.NOT_TEXT.at(2, "title")
    assert Rejected(late, early, late).problems == (early, late)


def test_a_rate_limit_gives_the_time_to_retry() -> None:
    assert RateLimited("later", 7).retry_after == 7


def test_a_panic_of_a_library_rejects_the_file() -> None:
    class PanicException(BaseException):
        """What a library written in Rust raises."""

    @only_rejects
    def parse(error: type[BaseException]) -> None:
        raise error

    with pytest.raises(Rejected, match="PanicException"):
        parse(PanicException)
    with pytest.raises(KeyboardInterrupt):
        parse(KeyboardInterrupt)
