"""Accessibility as axe checks it in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
"""Deque's accessibility checks."""
_OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}


def violations(page: Page) -> list[str]:
    """Return the accessibility violations that axe finds on a page, in the light scheme and in the dark one.

    Only colours depend on the scheme. Axe is evaluated by the debugger, because the site's content security policy forbids
    foreign scripts.
    """
    page.emulate_media(color_scheme="light")
    page.evaluate(f"(() => {{ {AXE} }})()")
    found = [f"light, {text}" for text in _run(page, {"resultTypes": ["violations"]})]
    page.emulate_media(color_scheme="dark")
    return found + [f"dark, {text}" for text in _run(page, _OF_COLOURS)]


def _run(page: Page, options: dict[str, Any]) -> list[str]:
    result = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {node['html'][:120]} {node.get('failureSummary', '')[:200]}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]
