"""What all tests share: one cloud with the stack deployed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cloud_under_test import CloudUnderTest, embedded, in_docker
from newsroom import Newsroom

_ALONE = "tests/simulation/test_simulation.py::test_histories_end_as_calm_runs_do"
"""It takes every core there is, and is to end within five minutes. Whatever would run beside it begins when it is done."""
_PATIENCE = 600.0
_LONGEST_FIRST = (
    "tests/simulation/test_simulation.py",
    "tests/simulation/",
    "real_input",
    "editor_api",
    "histories",
    "ticker_live",
    "freshness",
    "chaos",
    "test_readers",
    "lifecycle",
    "test_checkout",
    "publish",
)
"""Files that take minutes; the others fill up the time of those who work beside them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: files are shared out in this order."""

    def rank(item: pytest.Item) -> int:
        return next(
            (n for n, name in enumerate(_LONGEST_FIRST) if name in item.nodeid.partition("::")[0]), len(_LONGEST_FIRST)
        )

    items.sort(key=rank)


def _alone_is_over() -> Path:
    """A mark for all workers of this run that the test which runs alone is done."""
    return Path(tempfile.gettempdir()) / f"nightdesk-tests-{os.environ.get('PYTEST_XDIST_TESTRUNUID', '')}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Wait for the test that runs alone, if that is among this run's and others could run beside it."""
    if "PYTEST_XDIST_TESTRUNUID" not in os.environ or item.nodeid == _ALONE:
        return
    if item.session.items[0].nodeid == _ALONE:
        until = time.monotonic() + _PATIENCE
        while not _alone_is_over().exists() and time.monotonic() < until:
            time.sleep(0.2)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Let the others begin."""
    if item.nodeid == _ALONE:
        _alone_is_over().touch()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--localstack",
        choices=("embedded", "docker"),
        default="embedded",
        help="the cloud to test on: the embedded one, or LocalStack's image, which needs Docker",
    )


@contextmanager
def deployed(request: pytest.FixtureRequest, home: Path) -> Iterator[CloudUnderTest]:
    """A fresh cloud with the stack deployed and the theme's own pages published, without examples."""
    with in_docker() if request.config.getoption("--localstack") == "docker" else embedded(home) as found:
        found.tell("SiteChanged", {}, source="nightdesk.deploy")
        found.settle()
        yield found


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    """The cloud that tests share."""
    with deployed(request, tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.fixture(scope="session")
def newsroom(cloud: CloudUnderTest) -> Newsroom:
    """That cloud with `examples/` published, and with readers."""
    return Newsroom(cloud)


@pytest.fixture(scope="module")
def own_newsroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom for the tests of one file, which leave behind what would be in the way of others."""
    with deployed(request, tmp_path_factory.mktemp("own")) as found:
        yield Newsroom(found)
