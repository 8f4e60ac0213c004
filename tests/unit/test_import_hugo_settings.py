"""Where a Hugo site keeps its settings and texts, and what its languages and taxonomies change."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.importing import PNG, draft, front_matter_of, import_from, notes, text_of, write_tree

HEAD = "---\ntitle: Storm\ndate: 2020-01-01\n"
TEXT = f"{HEAD}---\nText.\n"


def test_a_term_with_a_title_of_its_own_is_one_profile(tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": f"{HEAD}authors: [Jane]\ncategories: [Sea]\n---\nText.\n",
        "content/authors/jane/_index.md": "---\ntitle: Jane Doe\n---\nSails.\n",
        "content/categories/sea/_index.md": "---\ntitle: All about the sea\n---\n",
    }
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    found = draft(tmp_path / "out", "a")
    assert [identifier for identifier, _ in (*found.authors, *found.topics)] == ["jane", "sea"]
    names = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").glob("*/*.md")}
    assert names == {"authors/jane.md", "topics/sea.md"}


def test_references_stay_in_their_language(tmp_path: Path) -> None:
    link = '[x]({{< ref "b.md" >}}) [y](b.md) [z](b.en.md)\n'
    files = {f"content/posts/a.{code}.md": f"{HEAD}---\n{link}" for code in ("en", "fr", "de")}
    files |= {f"content/posts/b.{code}.md": TEXT for code in ("en", "fr")}
    files["hugo.toml"] = "[languages.en]\n[languages.fr]\n[languages.de]\n"
    report = import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    english, french = "/articles/b/", "/articles/b-fr/"
    assert text_of(tmp_path / "out", "a") == f"[x]({english}) [y]({english}) [z]({english})"
    assert text_of(tmp_path / "out", "a-fr") == f"[x]({french}) [y]({french}) [z]({english})"
    assert text_of(tmp_path / "out", "a-de") == f"[x]({english}) [y]({english}) [z]({english})"
    assert not notes(report, "lost")


def test_the_settings_of_a_language_count_for_it(tmp_path: Path) -> None:
    config = (
        '[languages.en]\ntitle = "Harbour"\ntimeZone = "Asia/Tokyo"\n[languages.pt-BR]\ntimeZone = "America/Sao_Paulo"\n'
        '[languages.pt-BR.permalinks]\nposts = "/x/:filename/"\n'
    )
    text = TEXT.replace("2020-01-01", "2020-01-01 08:00:00")
    files = {"hugo.toml": config, "content/posts/a.md": text, "content/posts/a.pt-br.md": text}
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    portuguese = draft(tmp_path / "out", "a-pt-br")
    assert draft(tmp_path / "out", "a").date == "2020-01-01T08:00:00+09:00"
    assert portuguese.date == "2020-01-01T08:00:00-03:00"
    assert (portuguese.language, portuguese.translation_of, portuguese.aliases) == ("pt-BR", "a", ("/pt-br/x/a/",))
    assert (tmp_path / "out/site.yaml").read_text() == "name: Harbour\ntimezone: Asia/Tokyo\n"


def test_the_settings_of_production_count(tmp_path: Path) -> None:
    files = {
        "config/_default/hugo.toml": 'baseURL = "http://localhost:1313/"\ntitle = "Harbour"\n[permalinks]\nnews = "/n/:filename/"\n',
        "config/production/hugo.toml": 'baseURL = "https://a.example/blog/"\n[permalinks]\nposts = "/p/:filename/"\n',
        "content/posts/a.md": TEXT,
        "content/news/b.md": TEXT,
    }
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert draft(tmp_path / "out", "a").aliases == ("/blog/p/a/",)
    assert draft(tmp_path / "out", "b").aliases == ("/blog/n/b/",)


@pytest.mark.parametrize("folder", ["", "site/"])
def test_the_folder_that_the_settings_name_is_read_and_no_demo(tmp_path: Path, folder: str) -> None:
    files = {
        f"{folder}hugo.toml": 'contentDir = "src"\n',
        f"{folder}src/posts/a.md": TEXT,
        f"{folder}themes/foo/exampleSite/content/posts/demo.md": TEXT,
    }
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/drafts").iterdir()] == ["a"]


def test_texts_with_any_ending_and_in_mounted_folders_are_read(tmp_path: Path) -> None:
    mounts = [
        ("content", "content"),
        ("docs", "content/guide"),
        ("NEWS.md", "content/news/first.md"),
        ("img", "static"),
    ]
    config = "".join(f'[[module.mounts]]\nsource = "{source}"\ntarget = "{target}"\n' for source, target in mounts)
    files = {"hugo.toml": config, "docs/d.md": TEXT, "NEWS.md": TEXT, "img/x.md": TEXT}
    files |= {f"content/posts/{name}": TEXT for name in ("a.MD", "b.Markdown", "c.mdown")}
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    aliases = {path.name: draft(tmp_path / "out", path.name).aliases for path in (tmp_path / "out/drafts").iterdir()}
    assert aliases == {
        **{name: (f"/posts/{name}/",) for name in "abc"},
        "d": ("/guide/d/",),
        "first": ("/news/first/",),
    }


@pytest.mark.parametrize("form", ["data/authors/jane.yaml", "data/authors.yml"])
def test_authors_in_a_file_of_data_get_profiles(tmp_path: Path, form: str) -> None:
    jane = "name: Jane Doe\nbio: |\n  Sails *far*.\n\n  Writes.\nimage: /img/jane.png\nemail: j@x.example\n"
    text = jane if "jane" in form else "jane:\n" + "".join(f"  {line}\n" for line in jane.split("\n"))
    hidden = {"data/authors/al.yaml": "name: Al\ndraft: true\n"}
    files = {
        form: text,
        **hidden,
        "static/img/jane.png": PNG,
        "content/posts/a.md": f"{HEAD}authors: [Jane]\n---\nText.\n",
    }
    report = import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    profile = (tmp_path / "out/authors/jane.md").read_text()
    assert profile == "---\nname: Jane Doe\nportrait: jane.png\n---\n\nSails *far*.\n\nWrites.\n"
    assert [identifier for identifier, _ in draft(tmp_path / "out", "a").authors] == ["jane"]
    assert notes(report, "changed", "no place for") == [f"{form}: email"]
    assert not (tmp_path / "out/authors/al.md").exists()


@pytest.mark.parametrize(
    "config", ["", 'baseURL = "https://a.example/blog/"\n', "defaultContentLanguageInSubdir = true\n"]
)
def test_links_to_pages_of_terms_lead_to_topics_and_authors(tmp_path: Path, config: str) -> None:
    start = "/blog" if "blog" in config else "/en" if "Subdir" in config else ""
    names = ("categories/news", "categories/sea", "authors/ada-berg", "categories/none")
    links = " ".join(f"[x]({start}/{name}/)" for name in names)
    files = {
        "hugo.toml": config,
        "content/posts/a.md": f"{HEAD}categories: [News]\nauthors: [Ada Berg]\n---\n{links}\n",
        "content/categories/sea/_index.md": "---\ntitle: The sea\n---\n",
    }
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    found = text_of(tmp_path / "out", "a")
    assert found.startswith("[x](/topics/news/) [x](/topics/sea/) [x](/authors/ada-berg/) [x](")
    assert "categories/none" in found


def test_the_summary_of_a_fold_stays(tmp_path: Path) -> None:
    body = '{{< details summary="Why" >}}\nText.\n{{< /details >}}\n\n{{< spoiler text="Who" >}}Ada{{< /spoiler >}}\n'
    bio = 'See {{< ref "a.md" >}}.\n'
    files = {
        "content/posts/a.md": f"{HEAD}---\n{body}",
        "content/authors/ada/_index.md": f"---\ntitle: Ada\n---\n{bio}",
    }
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    found = text_of(tmp_path / "out", "a")
    assert "**Why**" in found
    assert "**Who** Ada" in found
    assert "See /articles/a/." in (tmp_path / "out/authors/ada.md").read_text()


ADDRESSES = """
[languages.en]
[languages.fr.permalinks]
posts = "/fr-:filename/"
[permalinks]
posts = "/:sections/:slug/"
[uglyURLs]
blog = true
[frontmatter]
date = ["moment", ":filename", ":default"]
"""


@pytest.mark.parametrize(
    ("name", "keys", "aliases"),
    [
        ("posts/2020/n.md", "title: N", ("/posts/n/",)),
        ("posts/sub/deep/m.md", "title: M", ("/posts/sub/m/",)),
        ("posts/2020-05-06-z.md", "title: Zed", ("/posts/z/",)),
        ("posts/n.fr.md", "title: Q", ("/fr/fr-n/",)),
        ("blog/u.md", "title: U", ("/blog/u.html",)),
        ("blog/2020-03-04-dated.md", "title: D", ("/blog/dated.html",)),
        ("y/n.md", 'title: N\nslug: "a@b c"', ("/y/a~40b-c/",)),
        ("y/n.md", "title: N\nurl: x/b/\naliases: [../up/, /Abs/]", ("/x/b/", "/up/", "/abs/")),
        ("y/n.fr.md", "title: N\nurl: x/b/\naliases: [/abs/]", ("/fr/x/b/", "/abs/", "/fr/abs/")),
        ("y/t.md", "title: T\nurl: /x/:year/:filename/\nmoment: 2019-02-03", ("/x/2019/t/",)),
    ],
)
def test_addresses_are_those_of_hugo(tmp_path: Path, name: str, keys: str, aliases: tuple[str, ...]) -> None:
    files = {"content/posts/sub/_index.md": "---\ntitle: Sub\n---\n", f"content/{name}": f"---\n{keys}\n---\nText.\n"}
    import_from("hugo", write_tree(tmp_path / "site", {"hugo.toml": ADDRESSES, **files}), tmp_path / "out")
    (slug,) = (path.name for path in (tmp_path / "out/drafts").iterdir())
    assert draft(tmp_path / "out", slug).aliases == aliases


def test_redirects_of_netlify_are_read(tmp_path: Path) -> None:
    rules = '[[redirects]]\nfrom = "/old"\nto = "/posts/a/"\n[[redirects]]\nfrom = "/x/*"\nto = "/posts/a/"\n'
    files = {"hugo.toml": "", "netlify.toml": rules, "content/posts/a.md": TEXT}
    report = import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert draft(tmp_path / "out", "a").aliases == ("/posts/a/", "/old/")
    assert len(notes(report, "lost", "pattern")) == 1


def test_a_release_under_a_name_of_the_settings_counts(tmp_path: Path) -> None:
    config = '[frontmatter]\npublishDate = ["embargo", ":default"]\n'
    files = {"hugo.toml": config, "content/posts/a.md": f"{HEAD}embargo: 2099-01-01\n---\nText.\n"}
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert "publish_at: '2099-01-01" in front_matter_of(tmp_path / "out", "a")


def test_the_title_and_the_markdown_of_a_caption_stay(tmp_path: Path) -> None:
    body = '{{< figure src="/a.png" title="The *quay*" caption="By [Jane](b.md)" >}}\n\n{{< figure src="/a.png" title="Pier" >}}\n'
    files = {"content/posts/a.md": f"{HEAD}---\n{body}", "content/posts/b.md": TEXT, "static/a.png": PNG}
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    found = text_of(tmp_path / "out", "a")
    assert '<strong>The <em>quay</em></strong> By <a href="/articles/b/">Jane</a></figcaption>' in found
    assert "<figcaption>Pier</figcaption>" in found
