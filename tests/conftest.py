"""Fixtures that all tests share: local clouds with the stack deployed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cloud_under_test import CloudUnderTest, already_up, embedded, in_docker
from support.effort import EFFORT, load_profile
from support.newsroom import Newsroom
from support.permission_record import PermissionRecord

load_profile()
# Thousands of tests' modules and parameters are looked through at each full collection, and hardly any of them is ever garbage.
gc.set_threshold(50_000, 20, 20)
_STACK_FOLDERS = ("e2e", "browser", "integration")
_SECOND = (
    "test_publish",
    "test_ticker_live",
    "test_lifecycle",
    "test_takedown",
    "test_bad_input",
    "test_real_input",
    "test_dead_letters",
)
"""The files of the second newsroom in their order: the first needs a front page with room, the last leaves dead letters."""


def pytest_configure(config: pytest.Config) -> None:
    """Compare what functions did with what they may do, once all workers have finished."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(PermissionRecord())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests of one cloud on one worker, and each other file that needs a cloud; begin with these.

    So the example publication is published once, and two stacks are deployed for most tests. These tests mostly wait for the
    pipeline, and other tests fill up the time beside them.
    """
    shared = {item.path for item in items if "cloud" in getattr(item, "fixturenames", ())}
    for item in items:
        if _needs_stack(item):
            group = "shared" if item.path in shared else "second" if item.path.stem in _SECOND else item.path.stem
            item.add_marker(pytest.mark.xdist_group(group))
        if item.get_closest_marker("deep") and EFFORT != "soak":
            item.add_marker(pytest.mark.skip(reason="runs in `make soak`; tests/README.md says what covers it here"))
    order = {stem: number for number, stem in enumerate(_SECOND)}
    items.sort(
        key=lambda item: (not _needs_stack(item), item.path not in shared, order.get(item.path.stem, len(order)))
    )


def _needs_stack(item: pytest.Item) -> bool:
    return item.path.parent.name in _STACK_FOLDERS


def pytest_collection_finish() -> None:
    """Leave what was collected out of all later garbage collections: it stays until the end."""
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--localstack",
        choices=("embedded", "docker"),
        default="embedded",
        help="the cloud to test on: the embedded one, or LocalStack's image, which needs Docker",
    )
    parser.addoption(
        "--running",
        action="store_true",
        help="test on the local cloud that is up (NIGHTDESK_HOME) rather than start one; its articles stay",
    )


@contextmanager
def deployed(request: pytest.FixtureRequest, home: Path) -> Iterator[CloudUnderTest]:
    """Start a cloud with the stack deployed and the theme's own pages published, without examples."""
    if request.config.getoption("--running"):
        yield already_up()
        return
    with in_docker() if request.config.getoption("--localstack") == "docker" else embedded(home) as found:
        found.send_event("SiteChanged", {}, source="nightdesk.deploy")
        found.settle(300)
        yield found


@pytest.fixture(scope="session")
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudUnderTest]:
    """The cloud that tests share; they all run on one worker."""
    with deployed(request, tmp_path_factory.mktemp("cloud")) as found:
        yield found


@pytest.fixture(scope="session")
def newsroom(cloud: CloudUnderTest) -> Newsroom:
    """The shared cloud with `examples/` published, and with readers."""
    return Newsroom(cloud)


@pytest.fixture(scope="session")
def second_newsroom(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A newsroom that begins without articles, for files whose tests would disturb those of the examples."""
    with deployed(request, tmp_path_factory.mktemp("second")) as found:
        yield Newsroom(found, articles=False)
