"""What all tests in a browser share: Chromium, and pages in which nothing may go wrong unseen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from newsroom import Newsroom
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
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
    """Chromium, without a window."""
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


Opener = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser, newsroom: Newsroom) -> Iterator[Opener]:
    """Opens a page as a reader of a tier; at the end, nothing may have been complained of in the console."""
    complaints: list[str] = []

    def failed(request: Request) -> None:
        # What is under way when one leaves a page is given up, and that is nobody's fault.
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"{request.url}: {request.failure}")

    with contextlib.ExitStack() as stack:

        def open_page(path: str, tier: str = "public", **options: Any) -> Page:
            context: BrowserContext = browser.new_context(base_url=newsroom.cloud.site_url, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("requestfailed", failed)
            if tier != "public":
                page.goto(newsroom.sign_in_link(tier))
            page.goto(path, wait_until="networkidle")
            return page

        yield open_page
        # Chromium itself complains of a page whose status is 404, and of nothing else.
        assert [text for text in complaints if "status of 404" not in text] == []


@pytest.fixture
def start(browser: Browser, newsroom: Newsroom) -> Iterator[Opener]:
    """Opens a browser of its own at a page."""
    complaints: list[str] = []
    with contextlib.ExitStack() as stack:

        def open_page(path: str, **options: Any) -> Page:
            context = browser.new_context(base_url=newsroom.cloud.site_url, **options)
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(path)
            return page

        yield open_page
        assert [text for text in complaints if "the server responded with a status of 4" not in text] == []
