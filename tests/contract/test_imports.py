"""The direction of imports: functions, command line and local cloud -> use cases -> domain."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "shared" / "nightdesk"
OUTSIDE = {  # third-party modules that a part may use
    "domain": {"yaml", "anyascii", "orjson"},
    "rendering": {"jinja2", "markupsafe", "nh3", "pyromark"},
    "usecases": set(),
    "adapters": {"boto3", "botocore", "feedparser", "nh3", "stripe"},
    "stages": set(),
}
INSIDE = {  # parts of the package that a part may use, itself apart
    "domain": set(),
    "rendering": {"domain"},
    "usecases": {"domain", "rendering"},
    "adapters": {"domain", "usecases"},
    "stages": {"domain", "rendering", "usecases", "events"},
}
EXCEPTIONS = {("usecases/build.py", "nightdesk.adapters.memory")}


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it, with relative names made whole."""
    found: set[str] = set()
    package = ["nightdesk", *path.relative_to(PACKAGE).parent.parts] if path.is_relative_to(PACKAGE) else []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names} if node.level and not node.module else {base}
            if base == "nightdesk":
                found |= {f"nightdesk.{alias.name}" for alias in node.names}
    return found


def files(part: str) -> list[Path]:
    return sorted((PACKAGE / part).rglob("*.py"))


def test_there_is_something_to_look_at() -> None:
    assert all(len(files(part)) > 2 for part in INSIDE)


@pytest.mark.parametrize("part", sorted(INSIDE))
def test_a_part_imports_only_what_is_below_it(part: str) -> None:
    wrong = []
    for path in files(part):
        name = path.relative_to(PACKAGE).as_posix()
        for module in imports_of(path):
            top, _, rest = module.partition(".")
            if top == "nightdesk":
                allowed = rest.split(".")[0] in {part, *INSIDE[part]} or (name, module) in EXCEPTIONS
            else:
                allowed = top in sys.stdlib_module_names or top in OUTSIDE[part]
            if not allowed:
                wrong.append(f"{name}: {module}")
    assert wrong == []


def test_the_domain_has_no_clock_no_logger_and_no_files() -> None:
    banned = {"logging", "time", "os", "pathlib", "socket", "subprocess", "random", "secrets", "boto3"}
    for path in files("domain"):
        used = {module.split(".")[0] for module in imports_of(path)}
        assert used & banned <= ({"pathlib"} if path.name == "drafts.py" else set()), path.name
        source = path.read_text("utf-8")
        assert ".now(" not in source, path.name
        assert "open(" not in source.replace("_open(", ""), path.name


@pytest.mark.parametrize("part", ["domain", "rendering", "usecases", "stages"])
def test_no_aws_below_the_adapters(part: str) -> None:
    for path in files(part):
        assert not {m for m in imports_of(path) if m.split(".")[0] in ("boto3", "botocore", "aws_lambda_powertools")}


def test_nothing_in_the_package_imports_its_callers() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not {m for m in imports_of(path) if m.split(".")[0] in ("nightdesk_cli", "nightdesk_local", "functions")}


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*/handler.py")), ids=lambda path: path.parent.name)
def test_a_handler_is_short_and_speaks_to_use_cases(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 40
    ours = {module for module in imports_of(path) if module.startswith("nightdesk")}
    assert any(module.startswith(("nightdesk.usecases.", "nightdesk.stages.")) for module in ours)
    # A handler hands its theme in, and reconcile an empty world.
    allowed = {"nightdesk.rendering.environment", "nightdesk.adapters.memory"}
    assert not any(m.startswith(("nightdesk.adapters", "nightdesk.rendering")) and m not in allowed for m in ours)
    assert not {m for m in imports_of(path) if m.split(".")[0] in ("boto3", "botocore")}
