"""What a Hugo site kept from readers by its settings, its sections or its front matter is not public after an import."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.importing import draft, front_matter_of, import_from, notes, write_tree

HEAD = "---\ntitle: Storm\ndate: 2020-01-01\n"
TEXT = f"{HEAD}---\nText.\n"


def imported(tmp_path: Path, files: dict[str, str]) -> tuple[Path, dict[str, list[str]]]:
    """Import a site, and return the folder that was written and the notes by outcome."""
    report = import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    return tmp_path / "out", {outcome: notes(report, outcome) for outcome in ("lost", "skipped", "changed", "asked")}


@pytest.mark.parametrize(
    "key", ["draft: true", "publishDate: 2099-01-01", "build: {render: never}", "access: member", "date: 2099-01-01"]
)
def test_profiles_that_the_site_did_not_show_are_left_out(tmp_path: Path, key: str) -> None:
    files = {
        f"content/{kind}/x/_index.md": f"---\ntitle: X\n{key}\n---\nSecret.\n" for kind in ("authors", "categories")
    }
    out, found = imported(tmp_path, {**files, "content/posts/a.md": TEXT})
    assert not list(out.glob("authors/*")) + list(out.glob("topics/*"))
    assert len(found["skipped"]) == 2


def test_an_article_in_a_folder_of_profiles_is_an_article(tmp_path: Path) -> None:
    out, _ = imported(
        tmp_path,
        {
            "content/topics/leak/index.md": f"{HEAD}draft: true\n---\nSecret.\n",
            "content/topics/news/index.md": f"{HEAD}author: Ada\n---\nNews.\n",
            "content/people/ada/index.md": "---\ntitle: Ada\n---\nSails.\n",
            "content/authors/al.md": "---\ntitle: Al\n---\nWalks.\n",
        },
    )
    assert draft(out, "leak").draft
    assert draft(out, "news").authors == (("ada", "Ada"),) or draft(out, "news").authors == (("ada", ""),)
    assert {path.name for path in out.glob("*/*.md")} == {"ada.md", "al.md"}


@pytest.mark.parametrize("keys", ["pubdate: 2099-01-01", "published: 2099-01-01", "published_at: 2099-01-01"])
def test_every_name_of_a_later_release_counts(tmp_path: Path, keys: str) -> None:
    out, _ = imported(tmp_path, {"content/posts/a.md": f"{HEAD}{keys}\n---\nText.\n"})
    assert "publish_at: '2099-01-01" in front_matter_of(out, "a")


@pytest.mark.parametrize("keys", ["build: {list: never}", "_build: {list: false}"])
def test_a_page_that_no_list_names_is_a_draft(tmp_path: Path, keys: str) -> None:
    out, _ = imported(tmp_path, {"content/posts/a.md": f"{HEAD}{keys}\n---\nText.\n"})
    assert draft(out, "a").draft


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ('ignoreFiles = ["/inside/"]', "posts/inside/a.md"),
        ('ignoreFiles = ["a.*b.*c.*d.*e"]', "posts/a.md"),
        ('disableLanguages = ["de"]\n[languages.de]\n', "posts/a.de.md"),
        ("[languages.sv]\ndisabled = true\n", "posts/a.sv.md"),
        ('[[cascade]]\ndraft = true\n[cascade.target]\npath = "/inside/**"', "inside/a.md"),
        (
            '[cascade.build]\nrender = "never"\n[cascade.target]\npath = "{/x/*,/inside/*}"\nlang = "en"\n',
            "inside/a.md",
        ),
        ('[[module.mounts]]\nsource = "src"\ntarget = "content"\n', "posts/a.md"),
    ],
)
def test_what_the_settings_hide_is_a_draft_and_named(tmp_path: Path, config: str, name: str) -> None:
    files = {"hugo.toml": config, f"content/{name}": TEXT, "content/other/b.md": TEXT, "src/posts/c.md": TEXT}
    out, found = imported(tmp_path, files)
    (slug,) = {path.parent.name for path in out.glob("drafts/a*/index.md")}
    assert draft(out, slug).draft
    assert len([note for note in found["changed"] if f"content/{name}" in note]) == 1
    if "src" in config:
        assert not draft(out, "c").draft
    elif "b.*c" not in config:
        assert not draft(out, "b").draft


def test_the_dates_of_a_section_count_for_its_articles(tmp_path: Path) -> None:
    cascade = "cascade: {publishDate: 2099-01-01, expiryDate: 2021-01-01}"
    files = {
        "content/later/_index.md": f"---\ntitle: Later\n{cascade}\n---\n",
        "content/later/a.md": TEXT,
        "content/later/b.md": f"{HEAD}publishDate: 2020-02-02\n---\nText.\n",
        "content/other/c.md": TEXT,
    }
    out, found = imported(tmp_path, files)
    assert "publish_at: '2099-01-01" in front_matter_of(out, "a")
    assert "2099" not in front_matter_of(out, "b") + front_matter_of(out, "c")
    assert found["asked"] == [f"content/later/{name}.md: 2021-01-01T00:00:00+00:00" for name in "ab"]
