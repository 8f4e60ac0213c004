"""An archive of another system, imported, published, found at its old addresses, and exported again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.importing import PNG, write_tree
from support.newsroom import Newsroom

pytestmark = pytest.mark.cloud

POSTS = [
    {
        "id": "1",
        "slug": "imported-pilots",
        "title": "The pilots' strike",
        "status": "published",
        "visibility": "paid",
        "published_at": "2019-03-04T05:06:07.000Z",
        "html": '<p>Free words about pilots.</p><img src="__GHOST_URL__/content/images/quay.png" alt="The quay">'
        '<!--members-only--><p>What the pilots earn. <a href="__GHOST_URL__/imported-tugs/">Tugs</a></p>',
    },
    {
        "id": "2",
        "slug": "imported-tugs",
        "title": "Tugs",
        "status": "published",
        "visibility": "public",
        "published_at": "2019-03-05T05:06:07.000Z",
        "html": "<p>About tugs.</p>",
    },
    {"id": "3", "slug": "imported-idea", "title": "An idea", "status": "draft", "html": "<p>Nobody reads this.</p>"},
]


def test_an_archive_from_import_to_export(newsroom: Newsroom, tmp_path: Path) -> None:
    redirects = json.dumps([{"from": "/Imported-Pilots-OLD.html", "to": "/imported-pilots/"}])
    files = {
        "x.ghost.json": json.dumps({"db": [{"data": {"posts": POSTS}}]}),
        "content/images/quay.png": PNG,
        "redirects.json": redirects,
    }
    archive, out = write_tree(tmp_path / "ghost", files), tmp_path / "out"
    assert newsroom.run("import", "ghost", str(archive), "--out", str(out)).returncode == 0
    assert newsroom.run("publish", "--wait", str(out)).returncode == 0

    public, member = newsroom.page("/articles/imported-pilots/"), newsroom.page("/articles/imported-pilots/", "member")
    assert public.status == 200
    assert "Free words about pilots." in public.text
    assert "What the pilots earn" not in public.text
    assert "What the pilots earn" in member.text
    assert 'href="/articles/imported-tugs/"' in member.text
    assert newsroom.page("/articles/imported-idea/").status == 404
    for old in ("/imported-pilots/", "/imported-pilots-old.html", "/Imported-Pilots-OLD.html"):
        answer = newsroom.page(old)
        assert answer.status == 301, old
        assert answer.headers["location"].endswith("/articles/imported-pilots/")

    done = newsroom.run("export", str(tmp_path / "hugo"))
    exported = tmp_path / "hugo/content/articles/imported-pilots"
    assert {path.name for path in exported.iterdir()} == {"index.md", "quay.png"}, done.stderr
    assert '{{< gate tier="member"' in (exported / "index.md").read_text()
    assert newsroom.run("import", "hugo", str(tmp_path / "hugo"), "--out", str(tmp_path / "back")).returncode in (0, 1)
    for slug in ("imported-pilots", "imported-tugs", "imported-idea"):
        again = (tmp_path / "back/drafts" / slug / "index.md").read_text()
        assert again.split("\n---\n")[1] == (out / "drafts" / slug / "index.md").read_text().split("\n---\n")[1]
