"""What all tests share: one cloud with the stack deployed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cloud_under_test import CloudUnderTest, embedded, in_docker
from newsroom import Newsroom

_LONGEST_FIRST = (
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
