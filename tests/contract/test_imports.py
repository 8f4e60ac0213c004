"""The direction of imports. The table is the diagram: a room may import from the rooms it names, and from itself."""

from __future__ import annotations

import ast
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "shared" / "nightdesk"

_CORE = {"nightdesk.domain", "nightdesk.ports", "nightdesk.repositories"}
_USECASES = {f"nightdesk.usecases.{wing}" for wing in ("pipeline", "ticker", "readers", "newsletters", "editors")}
_PACKAGE = {
    *_CORE,
    *_USECASES,
    "nightdesk.rendering",
    "nightdesk.imaging",
    "nightdesk.stages",
    "nightdesk.adapters",
    "nightdesk.entrypoints",
}

ROOMS: dict[str, set[str]] = {
    "nightdesk.domain": set(),
    "nightdesk.ports": {"nightdesk.domain"},
    "nightdesk.rendering": {"nightdesk.domain"},
    "nightdesk.imaging": {"nightdesk.domain"},
    "nightdesk.repositories": {"nightdesk.domain", "nightdesk.ports"},
    "nightdesk.adapters": {"nightdesk.domain", "nightdesk.ports", "nightdesk.imaging"},
    "nightdesk.usecases.pipeline": {*_CORE, "nightdesk.rendering", "nightdesk.imaging"},
    "nightdesk.usecases.readers": {*_CORE, "nightdesk.rendering"},
    "nightdesk.usecases.ticker": {*_CORE, "nightdesk.rendering", "nightdesk.usecases.pipeline"},
    "nightdesk.usecases.newsletters": {
        *_CORE,
        "nightdesk.rendering",
        "nightdesk.usecases.pipeline",
        "nightdesk.usecases.readers",
    },
    "nightdesk.usecases.editors": {*_CORE, *_USECASES, "nightdesk.rendering", "nightdesk.imaging"},
    "nightdesk.stages": {*_CORE, *_USECASES, "nightdesk.rendering", "nightdesk.imaging"},
    "nightdesk.entrypoints": _PACKAGE,
    "functions": {*_PACKAGE, "functions"},
    "nightdesk_local": {*_PACKAGE, "functions"},
    "nightdesk_cli.importing": {*_CORE, "nightdesk.usecases.editors", "nightdesk.imaging"},
    "nightdesk_cli": {*_PACKAGE, "nightdesk_local", "nightdesk_cli.importing"},
    "bench": {*_PACKAGE, "nightdesk_local"},
}
THIRD_PARTY: dict[str, set[str]] = {
    "nightdesk.domain": {"anyascii", "idna", "orjson", "yaml"},
    "nightdesk.ports": set(),
    "nightdesk.rendering": {"css_inline", "jinja2", "markupsafe", "nh3", "pygments", "pyromark"},
    "nightdesk.imaging": {"PIL"},
    "nightdesk.repositories": set(),
    "nightdesk.adapters": {"boto3", "botocore", "feedparser", "nh3", "pagefind_bin", "stripe"},
    "nightdesk.usecases.pipeline": set(),
    "nightdesk.usecases.readers": set(),
    "nightdesk.usecases.ticker": set(),
    "nightdesk.usecases.newsletters": set(),
    "nightdesk.usecases.editors": set(),
    "nightdesk.stages": set(),
    "nightdesk_cli.importing": {"bs4", "docutils", "ijson", "markdownify", "yaml"},
}
"""What else a room may import. Rooms above these may import whatever is installed for them."""
_FOLDERS = {"nightdesk": PACKAGE, "functions": ROOT / "functions", "nightdesk_cli": ROOT / "cli",
            "nightdesk_local": ROOT / "local", "bench": ROOT / "bench"}  # fmt: skip
_LOOSE = {"nightdesk", "nightdesk.ports", "nightdesk.usecases"}
"""Modules that stand at the root of the package, or of a folder of wings."""


def module_of(path: Path) -> str:
    """The dotted name by which a file is imported; of a function, `functions.<its folder>`."""
    for top, folder in _FOLDERS.items():
        if path.is_relative_to(folder):
            parts = path.relative_to(folder).with_suffix("").parts
            return ".".join([top, *(parts[:-1] if parts[-1] == "__init__" else parts)])
    raise AssertionError(f"{path} is in no room")


def room_of(module: str) -> str:
    """The room that a module stands in, or nothing for a module that is not ours."""
    if module.split(".")[0] in ("editor_api", "reader_api"):
        return "functions"
    return next((room for room in sorted(ROOMS, key=len, reverse=True) if f"{module}.".startswith(f"{room}.")), "")


@cache
def imports_of(path: Path) -> frozenset[str]:
    """The modules that a file imports, wherever in it, with relative names made whole."""
    found: set[str] = set()
    package = module_of(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            namespaces = ("nightdesk", "nightdesk.usecases", "bench", "nightdesk_cli", "nightdesk_local")
            found |= {f"{base}.{alias.name}" for alias in node.names} if base in namespaces else {base}
    return frozenset(found)


@cache
def files() -> list[Path]:
    return sorted(path for folder in _FOLDERS.values() for path in folder.rglob("*.py"))


def in_room(room: str) -> list[Path]:
    return [path for path in files() if room_of(module_of(path)) == room]


def test_every_module_stands_in_a_room() -> None:
    homeless = {module_of(path) for path in files() if not room_of(module_of(path))}
    assert homeless <= _LOOSE
    assert all(in_room(room) for room in ROOMS)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    wrong = []
    for path in in_room(room):
        for module in imports_of(path):
            target = room_of(module)
            if target:
                allowed = target in {room, *ROOMS[room]}
            else:
                top = module.split(".")[0]
                third_party = THIRD_PARTY.get(room)
                allowed = third_party is None or top in sys.stdlib_module_names or top in third_party
            if not allowed:
                wrong.append(f"{module_of(path)}: {module}")
    assert wrong == []


def test_no_room_is_above_itself() -> None:
    def below(room: str, seen: tuple[str, ...]) -> None:
        for other in ROOMS[room] - {room}:
            assert other not in seen, f"{other} and {room} import each other"
            below(other, (*seen, room))

    for room in ROOMS:
        below(room, (room,))


def test_no_modules_import_each_other_in_a_loop() -> None:
    """Imports within functions count too: a loop that is hidden there is a loop still."""
    names = {module_of(path) for path in files()}
    graph = {module_of(path): (imports_of(path) & names) - {module_of(path)} for path in files()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_the_domain_has_no_clock_no_logger_and_no_files() -> None:
    banned = {"logging", "time", "os", "pathlib", "socket", "subprocess", "random", "secrets", "boto3"}
    for path in in_room("nightdesk.domain"):
        used = {module.split(".")[0] for module in imports_of(path)}
        assert not used & banned, path.name
        source = path.read_text("utf-8")
        assert ".now(" not in source, path.name
        assert "open(" not in source.replace("_open(", ""), path.name


@pytest.mark.parametrize("path", sorted((ROOT / "functions").glob("*/handler.py")), ids=lambda path: path.parent.name)
def test_a_handler_is_short_and_speaks_to_use_cases(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 40
    ours = {module for module in imports_of(path) if module.startswith("nightdesk")}
    assert any(module.startswith(("nightdesk.usecases.", "nightdesk.stages.")) for module in ours)
    # A handler passes its theme in, and search its indexer.
    allowed = {"nightdesk.rendering.environment", "nightdesk.adapters.pagefind"}
    assert not any(m.startswith(("nightdesk.adapters", "nightdesk.rendering")) and m not in allowed for m in ours)
    assert not {m for m in imports_of(path) if m.split(".")[0] in ("boto3", "botocore")}
