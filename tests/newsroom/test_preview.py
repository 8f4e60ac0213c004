"""`nightdesk preview`: what it serves to whom, and what it makes again."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from nightdesk.ports import Output
from nightdesk_cli.preview import Preview
from nightdesk_local.preview_server import POLICY, PreviewServer
from nightdesk_local.theme_errors import ThemeFault

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "index.html": "<head></head>front",
    "~errors/404.html": "<head></head>nothing",
    "articles/quay/~public/index.html": "<head></head>closed",
    "articles/quay/~member/index.html": "<head></head>open",
    "articles/quay/~public/quay.jpg": "picture",
    "preview/later/index.html": "<head></head>later",
}


@pytest.fixture
def server() -> Iterator[PreviewServer]:
    server = PreviewServer(0)
    objects = {key: Output(key, text.encode(), "text/html; charset=utf-8") for key, text in PAGES.items()}
    objects["articles/gone/~public/index.html"] = Output("", b"gone", "text/html", metadata={"status": "410"})
    moved = {"status": "301", "location": "/articles/quay/"}
    objects["articles/old/~public/index.html"] = Output("", b"", "text/html", metadata=moved)
    server.show(objects, ("public", "member"))
    yield server
    server.stop()


def ask(
    server: PreviewServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    found = response.status, response.read().decode(), response.headers
    connection.close()
    return found


# --- Serving ---


def test_pages_have_the_script_that_loads_them_again(server: PreviewServer) -> None:
    status, text, headers = ask(server, "/?x=1")
    assert (status, text) == (200, '<head><script src="/_preview/reload.js" defer></script>\n</head>front')
    assert headers["cache-control"] == "no-store"
    assert "EventSource" in ask(server, "/_preview/reload.js")[1]


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/articles/quay/", 200, "closed"),
        ("/articles/quay/quay.jpg", 200, "picture"),
        ("/articles/gone/", 410, "gone"),
        ("/articles/old/", 301, ""),
        ("/articles/quay", 301, ""),
        ("/preview/later/", 200, "later"),
        ("/preview/later", 301, ""),
        ("/articles/../index.html", 404, "nothing"),
        ("/%2e%2e/etc/passwd", 404, "nothing"),
        ("/_preview/else", 404, "There is nothing here"),
    ],
)
def test_paths_lead_where_they_lead_on_the_site(server: PreviewServer, path: str, status: int, text: str) -> None:
    found = ask(server, path)
    assert found[0] == status
    assert text in found[1]


def test_a_tier_is_chosen_by_a_link(server: PreviewServer) -> None:
    status, _, headers = ask(server, "/_preview/member")
    assert status == 303
    chosen = headers["set-cookie"].partition(";")[0]
    assert "open" in ask(server, "/articles/quay/", cookie=chosen)[1]
    assert "picture" in ask(server, "/articles/quay/quay.jpg", cookie=chosen)[1]
    assert "closed" in ask(server, "/articles/quay/", cookie="preview_tier=../member")[1]


def test_nothing_can_be_written_and_nobody_else_can_read(server: PreviewServer) -> None:
    assert [ask(server, "/", method)[0] for method in ("POST", "PUT", "DELETE")] == [501, 501, 501]
    assert ask(server, "/", host="evil.example")[0] == 421
    assert ask(server, "/", host=f"localhost:{server.port}")[0] == 200
    assert server._server.server_address[0] == "127.0.0.1"


def test_the_policy_is_the_sites(server: PreviewServer) -> None:
    assert ask(server, "/")[2]["content-security-policy"] == POLICY
    template = " ".join((ROOT / "template.yaml").read_text("utf-8").split())
    assert POLICY in template


def test_browsers_are_told_of_a_change(server: PreviewServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/_preview/events")
    response = connection.getresponse()
    assert response.readline() == b"data: 1\n"
    server.show_problem("<head></head>broken")
    assert [response.readline(), response.readline()] == [b"\n", b"data: 2\n"]
    connection.close()
    status, text, _ = ask(server, "/articles/quay/")
    assert status == 500
    assert "reload.js" in text
    assert "broken" in text


# --- Making again ---


@pytest.fixture
def preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Preview:
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / "quay.md").write_text("---\ntitle: The quay\ndate: 2026-11-01\n---\nText.\n", "utf-8")
    overlay = tmp_path / "theme" / "templates"
    overlay.mkdir(parents=True)
    (overlay / "page.html").write_text('{% extends "default/page.html" %}\n', "utf-8")
    monkeypatch.setattr("nightdesk_cli.preview.FolderSite.index", lambda *_: None)
    return Preview(tmp_path / "drafts", tmp_path / "theme", tmp_path / "scratch", None)


def page(preview: Preview, key: str, *changed: Path) -> str:
    shown = preview.refresh(changed)
    assert not isinstance(shown, ThemeFault), shown
    return shown[key].body.decode()


def test_a_preview_knows_the_languages_of_its_theme(preview: Preview, tmp_path: Path) -> None:
    (tmp_path / "theme" / "texts").mkdir()
    (tmp_path / "theme" / "texts" / "nl.toml").write_text('[nav]\nskip = "Naar de inhoud"\n', "utf-8")
    newsroom = tmp_path / "drafts"
    (newsroom / "drafts").mkdir()
    (newsroom / "quay.md").rename(newsroom / "drafts" / "quay.md")
    (newsroom / "site.yaml").write_text("language: nl\nbase_url: https://quay.example\n", "utf-8")
    assert "Naar de inhoud" in page(preview, "articles/quay/~public/index.html")
    assert "site.yaml" not in preview.reports
    catalogue = tmp_path / "theme" / "texts" / "nl.toml"
    catalogue.unlink()
    assert "Skip to content" in page(preview, "articles/quay/~public/index.html", catalogue)
    assert [warning["key"] for warning in preview.reports["site.yaml"]["warnings"]] == ["language"]


def test_a_theme_and_drafts_are_followed(preview: Preview, tmp_path: Path) -> None:
    assert "site-head" in page(preview, "articles/quay/~public/index.html")
    template = tmp_path / "theme" / "templates" / "base.html"
    template.write_text('{% extends "default/base.html" %}{% block header %}<b>masthead</b>{% endblock %}', "utf-8")
    assert "<b>masthead</b>" in page(preview, "articles/quay/~public/index.html", template)
    draft = tmp_path / "drafts" / "quay.md"
    draft.write_text("---\ntitle: The quay\ndate: 2026-11-01\n---\nOther text.\n", "utf-8")
    assert "Other text" in page(preview, "articles/quay/~public/index.html", draft)
    draft.unlink()
    shown = preview.refresh([draft])
    assert not isinstance(shown, ThemeFault)
    assert not [key for key in shown if key.startswith("articles/quay/")]


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("templates/list.html", "\n\n{{ page.nothing }}", 3, "no attribute 'nothing'"),
        ("templates/list.html", "\n{% if %}", 2, "Expected an expression"),
        ("templates/list.html", '{% extends "none.html" %}', 1, "there is no template none.html"),
        ("static/tokens.css", "body {}", 0, "only :root may be there"),
        ("texts/en.toml", "[a", 0, "en.toml"),
        ("nonsense/x.css", "", 0, "a theme has the folders"),
    ],
)
def test_a_fault_of_a_theme_is_shown_with_its_place(
    preview: Preview, tmp_path: Path, name: str, text: str, line: int, said: str
) -> None:
    path = tmp_path / "theme" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    fault = preview.refresh()
    assert isinstance(fault, ThemeFault)
    assert said in fault.message
    assert fault.line == line
    if line:
        assert fault.path == path
        assert f"{path}:{line}" in fault.to_html()
        assert f"&gt; {line:>4}  {text.strip()}".replace('"', "&quot;") in fault.to_html()
    path.write_text("", "utf-8") if path.suffix in (".css", ".toml") else path.unlink()
    if path.parent.name == "nonsense":
        path.unlink()
        path.parent.rmdir()
    assert "The quay" in page(preview, "index.html", path)
