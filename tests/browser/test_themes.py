"""A theme of a few files in a browser: accessible, and followed while it is edited. Needs no stack."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from nightdesk_cli.preview import Preview
from nightdesk_local.preview_server import PreviewServer
from nightdesk_local.theme_errors import ThemeFault
from playwright.sync_api import Browser, Page
from support.accessibility import violations

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ARTICLE = "substations-repair-race"


@pytest.fixture
def theme(tmp_path: Path) -> Path:
    """Return a copy of the example theme."""
    return Path(shutil.copytree(EXAMPLES / "themes" / "broadsheet", tmp_path / "theme"))


@pytest.fixture
def page(
    browser: Browser, theme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Page, Preview, PreviewServer]]:
    """Return a page of a preview of one article with the theme, and without search."""
    monkeypatch.setattr("nightdesk_cli.preview.FolderSite.index", lambda *_: None)
    folder = tmp_path / "examples"
    for name in ("site.yaml", "authors", "topics", f"drafts/{ARTICLE}"):
        source, target = EXAMPLES / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    preview, server = Preview(folder, theme, tmp_path / "scratch", None), PreviewServer(0)
    show(preview, server)
    context = browser.new_context(base_url=f"http://localhost:{server.port}")
    yield context.new_page(), preview, server
    context.close()
    server.stop()


def show(preview: Preview, server: PreviewServer, *changed: Path) -> None:
    shown = preview.refresh(changed)
    if isinstance(shown, ThemeFault):
        server.show_problem(shown.to_html())
    else:
        server.show(shown, preview.tiers)


def test_the_example_theme_is_accessible_and_follows_what_is_edited(
    page: tuple[Page, Preview, PreviewServer], theme: Path
) -> None:
    view, preview, server = page
    for path in (f"/articles/{ARTICLE}/", "/"):
        view.goto(path, wait_until="load")
        assert violations(view) == [], path
    base = theme / "templates" / "base.html"
    text = base.read_text("utf-8")
    base.write_text(text.replace('<p class="motto">', '<p class="motto">Late edition. '), "utf-8")
    show(preview, server, base)
    view.locator(".motto", has_text="Late edition.").wait_for()
    base.write_text(text.replace('<p class="motto">', "{{ page.nothing }}"), "utf-8")
    show(preview, server, base)
    view.locator("code", has_text=f"{base}:").wait_for()
    base.write_text(text, "utf-8")
    show(preview, server, base)
    view.locator(".masthead").wait_for()
