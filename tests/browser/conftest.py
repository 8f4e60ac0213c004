"""Fixtures of all browser tests: Chromium, and pages whose console must stay free of errors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, StorageState, expect, sync_playwright
from support.newsroom import Newsroom

from bench.chromium import HOW_TO_GET_IT, chromium

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium."""
    found = chromium()
    if found is None:
        pytest.skip(HOW_TO_GET_IT)
    # The pipeline works on the same processors; a page that needs its time is no fault.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def signed_in(browser: Browser, newsroom: Newsroom) -> Callable[[str], StorageState]:
    """Return a function that returns the cookies of a reader of a tier, who signed in by a link once."""

    @cache
    def cookies(tier: str) -> StorageState:
        context = browser.new_context(base_url=newsroom.cloud.site_url)
        context.new_page().goto(newsroom.sign_in_link(tier))
        state = context.storage_state()
        context.close()
        return state

    return cookies


@pytest.fixture
def visit(browser: Browser, newsroom: Newsroom, signed_in: Callable[[str], StorageState]) -> Iterator[Opener]:
    """Return a function that opens a page as a reader of a tier. Fails the test if the console shows an error."""
    errors: list[str] = []

    def failed(request: Request) -> None:
        # Leaving a page aborts its pending requests.
        if request.failure != "net::ERR_ABORTED":
            errors.append(f"{request.url}: {request.failure}")

    with contextlib.ExitStack() as stack:

        def open_page(path: str, tier: str = "public", **options: Any) -> Page:
            state = signed_in(tier) if tier != "public" else None
            context: BrowserContext = browser.new_context(
                base_url=newsroom.cloud.site_url, storage_state=state, **options
            )
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("requestfailed", failed)
            page.goto(path, wait_until="networkidle")
            return page

        yield open_page
        # Chromium reports every response with status 404 as an error.
        assert [text for text in errors if "status of 404" not in text] == []


@pytest.fixture
def start(browser: Browser, newsroom: Newsroom) -> Iterator[Opener]:
    """Return a function that opens a page in a browser with no cookies. Fails the test if the console shows an error."""
    errors: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_page(path: str, **options: Any) -> Page:
            context = browser.new_context(base_url=newsroom.cloud.site_url, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(path)
            return page

        yield open_page
        assert [text for text in errors if "the server responded with a status of 4" not in text] == []
