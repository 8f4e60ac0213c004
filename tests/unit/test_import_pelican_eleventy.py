"""`nightdesk import pelican` and `eleventy`: metadata without fences, patterns of addresses, and settings that are programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from nightdesk.domain.errors import Permanent
from support.importing import PNG, draft, front_matter_of, import_from, notes, text_of, write_tree

SETTINGS = """
import os
SITENAME = "Skerry"
SITEURL = "https://skerry.example"
TIMEZONE = "Europe/Oslo"
AUTHOR = "Ada Lindqvist"
SECRET = os.environ["HOME"]
"""


def article(body: str = "Text.\n", **keys: str) -> str:
    given = {"Title": "Storm at sea", "Date": "2018-03-04 10:20", **keys}
    return "".join(f"{key}: {value}\n" for key, value in given.items()) + f"\n{body}"


def pelican(tmp_path: Path, settings: str = SETTINGS, **files: str | bytes) -> Path:
    return write_tree(tmp_path / "site", {"pelicanconf.py": settings, **files})


def test_a_pelican_article(tmp_path: Path) -> None:
    root = pelican(
        tmp_path, **{"content/weather/2018-03-04-x.md": article(Tags="wind, rain", Summary="Why:\n    all of it")}
    )
    report = import_from("pelican", root, tmp_path / "out")
    found = draft(tmp_path / "out", "storm-at-sea")
    assert (found.title, found.dek, found.tags) == ("Storm at sea", "Why: all of it", ("wind", "rain"))
    assert (found.date, found.topics) == ("2018-03-04T10:20:00+01:00", (("weather", ""),))
    assert found.authors == (("ada-lindqvist", ""),)
    assert "- /storm-at-sea.html" in front_matter_of(tmp_path / "out", "storm-at-sea")
    assert notes(report, "lost") == ["pelicanconf.py:7: SECRET"]


@pytest.mark.parametrize(
    ("settings", "keys", "path"),
    [
        ('ARTICLE_URL = "posts/{date:%Y}/{date:%b}/{slug}/"', {}, "/posts/2018/Mar/storm-at-sea/"),
        ('ARTICLE_URL = "{category}/{author}/{slug}"', {"Category": "The Sea"}, "/the-sea/ada-lindqvist/storm-at-sea"),
        ("", {"Slug": "gale"}, "/gale.html"),
        ("", {"Url": "Old/Gale.htm"}, "/Old/Gale.htm"),
        ("", {"Lang": "fr"}, "/storm-at-sea-fr.html"),
    ],
)
def test_addresses_of_pelican(tmp_path: Path, settings: str, keys: dict[str, str], path: str) -> None:
    import_from(
        "pelican", pelican(tmp_path, SETTINGS + settings, **{"content/a.md": article(**keys)}), tmp_path / "out"
    )
    (found,) = (tmp_path / "out").glob("drafts/*/index.md")
    assert f"- {path}\n" in found.read_text()


def test_links_files_and_states_of_pelican(tmp_path: Path) -> None:
    body = "[one]({filename}/b.md#x) [two]({filename}sub/c.md) ![Pier]({static}/images/pier.png) ![Q]({attach}q.png)\n"
    root = pelican(
        tmp_path,
        **{
            "content/a.md": article(body),
            "content/b.md": article(Title="B", Status="draft"),
            "content/sub/c.md": "---\ntitle: C\ndate: 2018-01-01\nstatus: hidden\n---\nText.\n",
            "content/images/pier.png": PNG,
            "content/q.png": PNG + b"q",
            "content/pages/about.md": article(Title="About us"),
            "content/h.html": "<html><head><title>H</title><meta name='date' content='2018-01-02'></head><body><p>A <b>b</b></p></body></html>",
            "content/r.asc": "= Title\n",
            "content/none.md": "no header at all\n",
        },
    )
    report = import_from("pelican", root, tmp_path / "out")
    text = text_of(tmp_path / "out", "storm-at-sea")
    assert text == "[one](/articles/b/#x) [two](/articles/c/) ![Pier](pier.png) ![Q](q.png)"
    assert [draft(tmp_path / "out", slug).draft for slug in ("b", "c", "h")] == [True, True, False]
    assert text_of(tmp_path / "out", "h") == "A **b**"
    assert (tmp_path / "out/pages/about-us.md").is_file()
    assert report.failed_posts == 2


def test_settings_are_never_run(tmp_path: Path) -> None:
    harm = f"open({str(tmp_path / 'harm')!r}, 'w').write('x')\nSITENAME = __import__('os').getcwd()\n"
    import_from("pelican", pelican(tmp_path, harm, **{"content/a.md": article()}), tmp_path / "out")
    assert not (tmp_path / "harm").exists()
    with pytest.raises(Permanent, match="do not parse"):
        import_from("pelican", pelican(tmp_path / "2", "def (", **{"content/a.md": article()}), tmp_path / "out2")


def post(body: str = "Text.\n", **keys: str) -> str:
    return "---\n" + "".join(f"{k}: {v}\n" for k, v in {"title": "Ferry late", **keys}.items()) + f"---\n{body}"


def eleventy(tmp_path: Path, **files: str | bytes) -> Path:
    return write_tree(
        tmp_path / "site", {"eleventy.config.js": 'export const config = { dir: { input: "src" } }', **files}
    )


@pytest.mark.parametrize(
    ("name", "keys", "data", "path"),
    [
        ("posts/2021-07-09-ferry.md", {}, "{}", "/posts/2021-07-09-ferry/"),
        ("posts/2021-07-09-ferry/index.md", {}, "{}", "/posts/2021-07-09-ferry/"),
        ("posts/ferry/ferry.md", {"date": "2021-07-09"}, "{}", "/posts/ferry/"),
        ("posts/2021-07-09-ferry.md", {}, '{"permalink": "/{{ page.filePathStem }}.html"}', "/posts/ferry.html"),
        (
            "posts/ferry.md",
            {"sort": '"Rock & Roll: it\'s ünder"', "permalink": '"/{{ sort | slugify }}/{{ page.fileSlug }}/"'},
            "{}",
            "/rock-and-roll-it-s-uender/ferry/",
        ),
        ("posts/ferry.md", {"sort": "C# 3.5", "permalink": '"/{{ sort | slug }}/"'}, "{}", "/c-3.5/"),
        (
            "posts/ferry.md",
            {"permalink": "/no/"},
            '{"eleventyComputed": {"permalink": "/c/{{ title | slugify }}/"}}',
            "/c/ferry-late/",
        ),
        ("posts/ferry.md", {"permalink": "{build: /built/}"}, "{}", "/built/"),
        ("posts/ferry/index.md", {"date": "2021-07-09"}, "{}", "/posts/ferry/"),
        ("posts/ferry.md", {"permalink": "/Old/Ferry.html"}, "{}", "/Old/Ferry.html"),
        (
            "posts/ferry.md",
            {"date": "2021-07-09"},
            '{"permalink": "/{{ page.date | date: \'%Y/%m\' }}/{{ page.fileSlug }}/"}',
            "/2021/07/ferry/",
        ),
        ("posts/ferry.md", {}, '{"permalink": "blog/{{ title | slugify }}/index.html"}', "/blog/ferry-late/"),
    ],
)
def test_addresses_of_eleventy(tmp_path: Path, name: str, keys: dict[str, str], data: str, path: str) -> None:
    import_from(
        "eleventy", eleventy(tmp_path, **{f"src/{name}": post(**keys), "src/posts/posts.json": data}), tmp_path / "out"
    )
    (found,) = (tmp_path / "out").glob("drafts/*/index.md")
    assert f"- {path}\n" in found.read_text()


def test_an_eleventy_site(tmp_path: Path) -> None:
    body = (
        '{% image "./pier.png", "The pier" %} ![Q]({{ "/img/q.png" | url }}) {{ collections.all }}\n\n'
        "[about](/about/) {# gone #}{% raw %}{{ kept }}{% endraw %}\n"
    )
    root = eleventy(
        tmp_path,
        **{
            "src/_data/metadata.json": '{"title": "Skerry", "url": "https://skerry.example", "language": "nb"}',
            "src/posts/posts.json": '{"tags": ["posts"], "author": "ada"}',
            "src/posts/a.md": post(body, date="2021-07-09", tags="[posts, storms]"),
            "src/posts/b.md": post(permalink="false"),
            "src/posts/c.md": '---json\n{"title": "C", "draft": true}\n---\nText.\n',
            "src/posts/d.md": "---js\n{title: make()}\n---\nText.\n",
            "src/posts/pier.png": PNG,
            "src/img/q.png": PNG + b"q",
            "src/about.md": post(title="About"),
            "src/index.njk": "---\ntitle: Home\n---\n",
        },
    )
    report = import_from("eleventy", root, tmp_path / "out")
    found = draft(tmp_path / "out", "a")
    assert (found.tags, found.authors) == (("storms",), (("ada", ""),))
    text = text_of(tmp_path / "out", "a")
    assert "![The pier](pier.png) ![Q](q.png)" in text
    assert "[about](/about/) {{ kept }}" in text
    assert "collections" not in text
    assert [draft(tmp_path / "out", slug).draft for slug in ("b", "c")] == [True, True]
    assert (tmp_path / "out/pages/about.md").is_file()
    assert "language: nb" in (tmp_path / "out/site.yaml").read_text()
    assert report.failed_posts == 1
    assert len(notes(report, "skipped", "template")) == 1


def test_a_translation_names_its_original(tmp_path: Path) -> None:
    files = {"content/a.md": article(Slug="storm"), "content/b.md": article(Slug="storm", Lang="fr", Title="Tempête")}
    import_from("pelican", pelican(tmp_path, **files), tmp_path / "out")
    french = draft(tmp_path / "out", "storm-fr")
    assert (french.language, french.translation_of) == ("fr", "storm")
    assert draft(tmp_path / "out", "storm").language == ""


@pytest.mark.parametrize("system", ["pelican", "eleventy"])
@pytest.mark.parametrize("settings", ["_config.yml", "hugo.toml"])
def test_a_site_of_another_system_is_refused(tmp_path: Path, system: str, settings: str) -> None:
    root = write_tree(tmp_path / "site", {settings: "title: X\n", "content/_posts/2020-01-01-a.md": post()})
    with pytest.raises(Permanent, match="looks like a site of"):
        import_from(system, root, tmp_path / "out")


RST = """Storm at *sea*
##############

:date: 2018-03-04 10:20
:tags: wind, rain
:authors: Ada Lindqvist; Bo Ek

See `the pier <{filename}/b.md>`__ and [1]_.

.. code-block:: python
   :linenos:

   print("gale")

.. youtube:: abcdefghijk

.. sidebox:: Wide

   What is inside stays.

.. include:: /etc/hostname

.. [1] A footnote.
"""


def test_restructured_text_is_an_article_and_reads_no_other_file(tmp_path: Path) -> None:
    root = pelican(tmp_path, **{"content/a.rst": RST, "content/b.md": article(Title="B")})
    report = import_from("pelican", root, tmp_path / "out")
    found = draft(tmp_path / "out", "storm-at-sea")
    assert (found.title, found.date, found.tags) == ("Storm at sea", "2018-03-04T10:20:00+01:00", ("wind", "rain"))
    assert [identifier for identifier, _ in found.authors] == ["ada-lindqvist", "bo-ek"]
    text = text_of(tmp_path / "out", "storm-at-sea")
    for expected in (
        "See [the pier](/articles/b/) and [^1].",
        '```python\nprint("gale")\n```',
        "(https://www.youtube.com/watch?v=abcdefghijk)",
        "What is inside stays.",
        "[^1]: A footnote.",
    ):
        assert expected in text
    assert notes(report, "lost", "takes in another file") == ['content/a.rst:21: "include" directive disabled.']
    assert notes(report, "changed", "sidebox") == ["content/a.rst:17: .. sidebox:: Wide"]


@pytest.mark.parametrize(
    "text", ["", "\x00", "=\n", "x\n=\n\n.. figure::\n", "|a|\n\n.. |a| replace:: |a|\n", ".. _a: a_\n\na_\n"]
)
def test_broken_restructured_text_is_an_article_or_is_named(tmp_path: Path, text: str) -> None:
    root = pelican(tmp_path, **{"content/a.rst": text, "content/b.md": article()})
    report = import_from("pelican", root, tmp_path / "out")
    assert report.counts["articles"] + report.failed_posts == 2


def test_tags_of_the_plug_in_liquid_tags_have_a_meaning_and_other_braces_are_text(tmp_path: Path) -> None:
    body = (
        "{% img left /images/pier.png 600 [The pier] %}\n\n{% include_code tide.py lang:python %}\n\n"
        "{% video /storm.mp4 360 270 /images/pier.png %}\n\n{% blockquote Ada Lindqvist %}\nBlow.\n{% endblockquote %}\n\n{{ x }} {% if y %}\n"
    )
    files = {"content/images/pier.png": PNG, "content/code/tide.py": "print('low')\n", "content/code/book.ipynb": "{}"}
    report = import_from("pelican", pelican(tmp_path, **{"content/a.md": article(body), **files}), tmp_path / "out")
    text = text_of(tmp_path / "out", "storm-at-sea")
    for expected in (
        "![The pier](pier.png)",
        "```python\nprint('low')\n```",
        "](https://skerry.example/storm.mp4)",
        "> Blow.\n>\n> — Ada Lindqvist",
        "{{ x }} {% if y %}",
    ):
        assert expected in text
    assert report.failed_posts == 0
    assert len(notes(report, "skipped", "notebook")) == 1


def test_a_note_without_a_title_is_an_article_of_eleventy(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path / "site",
        {
            "eleventy.config.js": "",
            "notes/2021-07-09-gale.md": "---\ntags: post\n---\nBlow.\n",
            "index.md": "---\nlayout: home\n---\nWhat we have for you today.\n",
            "about.md": "---\nlayout: page\n---\nI am somebody that writes.\n",
        },
    )
    report = import_from("eleventy", root, tmp_path / "out")
    assert draft(tmp_path / "out", "gale").title == "Gale"
    assert (report.counts["articles"], report.counts["pages"]) == (1, 1)


def eleventy_script(tmp_path: Path, script: str) -> Path:
    files = {
        "eleventy.config.js": "",
        "posts/gale.md": f"---js\n{script}\n---\nBlow.\n",
        "posts/calm.md": "---\ntitle: Calm\n---\n[a](/posts/gale.md)\n",
    }
    return write_tree(tmp_path / "site", files)


@pytest.mark.parametrize(
    ("script", "is_draft"),
    [
        ("const title = \"Gale: it's here\"; // now\nconst date = '2020-01-02';\nconst draft = true;", True),
        ("{\n\ttitle: \"Gale: it's here\",\n\tdate:'2020-01-02', // then\n\ttags: ['wind', \"a//b\"],\n}", False),
    ],
)
def test_front_matter_of_plain_values_in_javascript_is_read(tmp_path: Path, script: str, is_draft: bool) -> None:
    import_from("eleventy", eleventy_script(tmp_path, script), tmp_path / "out")
    found = draft(tmp_path / "out", "gale")
    assert (found.title, found.date[:10], found.draft) == ("Gale: it's here", "2020-01-02", is_draft)
    assert text_of(tmp_path / "out", "calm") == "[a](/articles/gale/)"


@pytest.mark.parametrize(
    "value", ["isDraft", "!process.env.X", "make()", "`true`", "1 + 1", "{ ...others }", "() => true", "/x/"]
)
def test_a_value_that_a_program_computes_is_never_guessed(tmp_path: Path, value: str) -> None:
    script = f'const title = "Gale";\nconst draft = {value};'
    report = import_from("eleventy", eleventy_script(tmp_path, script), tmp_path / "out")
    assert notes(report, "lost", "front matter is a program") or notes(report, "lost", "cannot be read")
    assert not (tmp_path / "out/drafts/gale").exists()


def test_data_of_a_folder_in_javascript_counts_if_it_is_plain(tmp_path: Path) -> None:
    root = eleventy_script(tmp_path, 'const title = "Gale";')
    write_tree(root, {"posts/posts.11tydata.js": 'export default {\n\ttags: ["posts"],\n\t"draft": true,\n};\n'})
    import_from("eleventy", root, tmp_path / "out")
    assert [draft(tmp_path / "out", slug).draft for slug in ("gale", "calm")] == [True, True]


def test_a_site_below_a_path_keeps_it_in_old_addresses(tmp_path: Path) -> None:
    settings = "SITENAME = 'x'\nSITEURL = 'https://skerry.example/blog'\n"
    head = "Title: {}\nDate: 2020-01-01\n\n"
    files = {
        "pelicanconf.py": settings,
        "content/a.md": head.format("A") + "[b](/b.html) [c](https://skerry.example/blog/b.html)",
        "content/b.rst": "B\n#\n\n:date: 2020-01-01\n\nSome ``code``.\n",
    }
    import_from("pelican", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert "- /blog/a.html" in front_matter_of(tmp_path / "out", "a")
    assert text_of(tmp_path / "out", "a") == "[b](/articles/b/) [c](/articles/b/)"
    assert text_of(tmp_path / "out", "b") == "Some `code`."


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("gale.json", '{"permalink": false}'),
        ("gale.11tydata.json", '{"draft": true}'),
        ("gale.11tydata.js", "module.exports = { permalink: false };"),
        ("gale.11tydata.cjs", "module.exports = { eleventyComputed: { permalink: (d) => hide(d) } };"),
        ("gale.11tydata.mjs", "export default make();"),
        ("gale.json", "{not JSON"),
        ("posts.11tydata.js", "module.exports = { tags: make(), draft: true };"),
    ],
)
def test_data_beside_a_text_of_eleventy_hides_it(tmp_path: Path, name: str, data: str) -> None:
    files = {"src/posts/gale.md": post(title="Gale", date="2021-07-09", draft="" if "posts." in name else "false")}
    if "draft" in data:
        files["src/posts/gale.md"] = post(title="Gale", date="2021-07-09")
    import_from("eleventy", eleventy(tmp_path, **files, **{f"src/posts/{name}": data}), tmp_path / "out")
    assert draft(tmp_path / "out", "gale").draft


def test_a_program_beside_a_text_of_eleventy_is_named(tmp_path: Path) -> None:
    files = {"src/posts/gale.md": post(title="Gale"), "src/posts/gale.11tydata.js": "export default make();"}
    report = import_from("eleventy", eleventy(tmp_path, **files), tmp_path / "out")
    assert len(notes(report, "asked", "the data of a text is computed")) == 1


@pytest.mark.parametrize(
    ("config", "ignores"),
    [
        ("", {".eleventyignore": "# what is not ready\ndrafts\nletters/*.md\n"}),
        ("", {".gitignore": "/drafts/\n**/letters/**\n"}),
        ("", {"src/.eleventyignore": "drafts/\nletters/b.{md,html}\n"}),
        ('c.ignores.add("src/drafts/**"); c.ignores.add("./src/letters");', {}),
    ],
)
def test_what_eleventy_ignores_is_left_out(tmp_path: Path, config: str, ignores: dict[str, str]) -> None:
    input_folder = "src" if config or "src/.eleventyignore" in ignores else "."
    start = "src/" if input_folder == "src" else ""
    files = {
        "eleventy.config.js": f'export default (c) => {{ {config} return {{ dir: {{ input: "{input_folder}" }} }} }}',
        f"{start}posts/a.md": post(title="A"),
        f"{start}drafts/deep/a.md": post(title="Idea", date="2021-01-01"),
        f"{start}letters/b.md": post(title="Letter", date="2021-01-01"),
    }
    report = import_from("eleventy", write_tree(tmp_path / "site", {**files, **ignores}), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/drafts").iterdir()] == ["a"]
    assert len(notes(report, "skipped", "ignores")) == 2


def test_folders_that_a_configuration_of_eleventy_names_in_calls(tmp_path: Path) -> None:
    config = """// setInputDirectory("old")
    export default function (c) {
      c.setInputDirectory("content"); c.setIncludesDirectory("../parts"); c.setDataDirectory("facts");
      c.setLayoutsDirectory("frames");
    }"""
    files = {
        "eleventy.config.js": config,
        "README.md": post(title="Read me"),
        "content/about.md": post("{% include 'tide' %}\n", title="About"),
        "content/facts/site.json": '{"title": "Skerry"}',
        "content/facts/a.md": post(title="Fact"),
        "content/frames/b.md": post(title="Frame"),
        "parts/tide.md": "High water.",
    }
    import_from("eleventy", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/pages").iterdir()] == ["about.md"]
    assert "High water." in (tmp_path / "out/pages/about.md").read_text()
    assert "name: Skerry" in (tmp_path / "out/site.yaml").read_text()


@pytest.mark.parametrize(
    ("settings", "keys", "is_draft"),
    [
        ("DEFAULT_METADATA = {'Status': 'draft'}", {}, True),
        ("DEFAULT_METADATA = {'status': 'draft'}", {"Status": "published"}, False),
        ("DEFAULT_METADATA = dict(status='draft')", {}, True),
        ("DEFAULT_METADATA = {}\nDEFAULT_METADATA['status'] = 'draft'", {}, True),
        ("EXTRA_PATH_METADATA = {'notes': {'status': 'draft'}}", {}, True),
        ("PATH_METADATA = '(?P<slug>[^/]+)/(?P<status>draft|x)?'", {}, False),
        ("ARTICLE_SAVE_AS = ''", {}, True),
        ("", {"Save_as": ""}, True),
        ("", {"Date": ""}, True),
        ("", {"Title": ""}, True),
        ("", {"Status": "idea"}, True),
        ("", {"Status": "draft\nStatus: published"}, True),
        ("DEFAULT_DATE = 'fs'", {"Date": ""}, False),
        ("", {}, False),
    ],
)
def test_what_pelican_does_not_publish_is_a_draft(
    tmp_path: Path, settings: str, keys: dict[str, str], is_draft: bool
) -> None:
    root = pelican(tmp_path, SETTINGS + settings, **{"content/notes/a.md": article(Slug="a", **keys)})
    import_from("pelican", root, tmp_path / "out")
    assert draft(tmp_path / "out", next((tmp_path / "out/drafts").iterdir()).name).draft is is_draft


@pytest.mark.parametrize(
    "head", ["One\n===\n\n:date: 2018-03-05\n:status: draft\n\nA.\n\nTwo\n===\n", "A\n#\n\nB.\n\n:date: 2018-03-05\n"]
)
def test_restructured_text_whose_fields_pelican_does_not_find_is_a_draft(tmp_path: Path, head: str) -> None:
    report = import_from("pelican", pelican(tmp_path, **{"content/a.rst": head}), tmp_path / "out")
    assert draft(tmp_path / "out", "a").draft
    assert len(notes(report, "asked", "Pelican finds no")) == 1


def test_texts_that_pelican_does_not_read_are_left_out(tmp_path: Path) -> None:
    settings = """
ARTICLE_PATHS = ['blog']
PAGE_PATHS = ['blog/static']
ARTICLE_EXCLUDES = ['blog/private']
ARTICLE_EXCLUDES += ['blog/old/']
IGNORE_FILES = ['*.ignore.md', '_*']
"""
    names = ("notes/a.md", "blog/private/b.md", "blog/old/c.md", "blog/d.ignore.md", "blog/_e/e.md", "blog/_f.md")
    files = {f"content/{name}": article(Title=name) for name in (*names, "blog/g.md", "blog/static/h.md")}
    report = import_from("pelican", pelican(tmp_path, SETTINGS + settings, **files), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/drafts").iterdir()] == ["blog-g-md"]
    assert [path.name for path in (tmp_path / "out/pages").iterdir()] == ["blog-static-h-md.md"]
    assert len(notes(report, "skipped", "does not read")) == len(names)


@pytest.mark.parametrize(
    ("settings", "title", "path"),
    [
        ("", "Python 3.8: foo_bar's <b>Straße</b> &amp; über/2", "/python-38-foo_bars-strasse-uber2.html"),
        ("ARTICLE_URL = ARTICLE_SAVE_AS = 'x/{category}/{slug}.html'", "A", "/x/far-off/a.html"),
        ("SLUGIFY_SOURCE = 'basename'", "A", "/2018-03-04_the_gale.html"),
        (r"FILENAME_METADATA = r'(?P<date>\d{4}-\d\d-\d\d)_(?P<slug>.*)'", "A", "/the_gale.html"),
        (r"PATH_METADATA = r'(?P<section>[^/]+)/(?P<category>[^/]+)/.*_(?P<slug>[^/]+)\.md'", "A", "/gale.html"),
        ("USE_FOLDER_AS_CATEGORY = False\nARTICLE_URL = '{category}/{slug}'", "A", "/misc/a"),
    ],
)
def test_addresses_that_pelican_makes_of_titles_and_paths(tmp_path: Path, settings: str, title: str, path: str) -> None:
    files = {"content/trips/Far off/2018-03-04_the_gale.md": article(Title=title)}
    import_from("pelican", pelican(tmp_path, SETTINGS + settings, **files), tmp_path / "out")
    (found,) = (tmp_path / "out").glob("drafts/*/index.md")
    assert f"- {path}\n" in found.read_text()


@pytest.mark.parametrize("pattern", ["(?P<slug>(a*)*b)", "(?P<slug>.*.*.*.*.*b)", "(?P<slug>", "(" * 2000])
def test_a_pattern_that_could_take_too_long_is_not_used(tmp_path: Path, pattern: str) -> None:
    root = pelican(tmp_path, f"FILENAME_METADATA = {pattern!r}", **{f"content/{'a' * 60}.md": article()})
    report = import_from("pelican", root, tmp_path / "out")
    assert len(notes(report, "lost", "a pattern in the settings cannot be used")) == 1


@pytest.mark.parametrize(
    "permalink",
    [
        "/{{ sort | slugify }}/",
        "/{% if a %}b{% endif %}/",
        "/{{ page.date | year }}/",
        "/{{ title | ours }}/",
        "/${x}/",
    ],
)
def test_an_address_that_a_program_of_eleventy_makes_is_named_and_not_guessed(tmp_path: Path, permalink: str) -> None:
    root = eleventy(tmp_path, **{"src/posts/a.md": post(date="2021-07-09", permalink=f'"{permalink}"')})
    report = import_from("eleventy", root, tmp_path / "out")
    assert len(notes(report, "lost", "a permalink is computed")) == 1
    assert "aliases" not in front_matter_of(tmp_path / "out", "a")
    import_from("eleventy", root, tmp_path / "out2", permalink="/:year/{{ page.fileSlug }}/")
    assert "- /2021/a/" in front_matter_of(tmp_path / "out2", "a")


def test_a_text_of_eleventy_without_front_matter_is_an_article_if_its_folder_or_data_say_so(tmp_path: Path) -> None:
    files = {
        "src/posts/gale.md": "It blew.\n\n---\n\nAll night.\n",
        "src/tide.md": "{{ title }} at noon.\n",
        "src/tide.11tydata.json": '{"title": "High tide", "date": "2021-07-09"}',
        "src/README.md": "How this site is made, and by whom.\n",
    }
    report = import_from("eleventy", eleventy(tmp_path, **files), tmp_path / "out")
    assert draft(tmp_path / "out", "tide").title == "High tide"
    assert text_of(tmp_path / "out", "tide") == "High tide at noon."
    assert text_of(tmp_path / "out", "gale") == "It blew.\n\n---\n\nAll night."
    assert notes(report, "skipped") == ["src/README.md: a file without front matter is left out"]


@pytest.mark.parametrize(
    ("keys", "authors", "tags"),
    [
        (
            {"Authors": "Ek, Bo; Lindqvist, Ada", "Tags": "wind; high, low"},
            ["ek-bo", "lindqvist-ada"],
            ("wind", "high, low"),
        ),
        ({"Authors": "Bo Ek, Ada Lindqvist", "Tags": "wind, rain"}, ["bo-ek", "ada-lindqvist"], ("wind", "rain")),
        ({"Author": "Bo Ek, Jr."}, ["bo-ek-jr"], ()),
    ],
)
def test_lists_of_pelican_are_split_as_it_splits_them(
    tmp_path: Path, keys: dict[str, str], authors: list[str], tags: tuple[str, ...]
) -> None:
    import_from(
        "pelican", pelican(tmp_path, **{"content/a.md": article(Category="Sea, land", **keys)}), tmp_path / "out"
    )
    found = draft(tmp_path / "out", "storm-at-sea")
    assert ([identifier for identifier, _ in found.authors], found.tags) == (authors, tags)
    assert found.topics == (("sea-land", ""),)


def test_references_of_pelican_in_summaries_and_to_lists(tmp_path: Path) -> None:
    body = "[w]({category}Web Dev) [j](|author|Jane%20Doe)\n"
    files = {
        "content/a.md": article(
            body, Summary="See [the pier]({filename}b.md) now.", Category="Web Dev", Author="Jane Doe"
        )
    }
    import_from("pelican", pelican(tmp_path, **files), tmp_path / "out")
    assert draft(tmp_path / "out", "storm-at-sea").dek == "See the pier now."
    assert (
        text_of(tmp_path / "out", "storm-at-sea")
        == "[w](https://skerry.example/category/web-dev.html) [j](https://skerry.example/author/jane-doe.html)"
    )


def test_what_python_markdown_adds_becomes_plain_markdown(tmp_path: Path) -> None:
    body = """Pier.
{: .lead }

    :::python
    print("{: kept }")

    ::: kept

- item

    ::: no code

!!! warning "Take care"
    It **blows**.

    At night.

`{: kept }` and [pier](https://p.example){: .wide}

!!! note
    Calm.
"""
    import_from("pelican", pelican(tmp_path, **{"content/a.md": article(body)}), tmp_path / "out")
    assert (
        text_of(tmp_path / "out", "storm-at-sea")
        == """Pier.


    print("{: kept }")

    ::: kept

- item

    \\::: no code

> **Take care**
>
> It **blows**.
>
> At night.

`{: kept }` and [pier](https://p.example)

> **Note**
>
> Calm."""
    )


def test_front_matter_of_pelican_that_is_no_yaml_is_read_line_by_line(tmp_path: Path) -> None:
    head = "---\nTitle: Rust: the good parts\nDate: 2020-01-02\nStatus: draft\nStatus: published\n---\n\nText.\n"
    report = import_from("pelican", pelican(tmp_path, **{"content/a.md": head}), tmp_path / "out")
    found = draft(tmp_path / "out", "rust-the-good-parts")
    assert (found.title, found.draft) == ("Rust: the good parts", True)
    assert text_of(tmp_path / "out", "rust-the-good-parts") == "Text."
    assert len(notes(report, "changed", "line by line")) == 1
    assert report.failed_posts == 0


@pytest.mark.parametrize(
    ("engine", "shown"),
    [("md", "{{ title }} {: .a}"), ("false", "{{ title }} {: .a}"), ("njk,md", "Ferry late {: .a}")],
)
def test_text_for_which_eleventy_reads_no_template_code_stays_as_it_is(tmp_path: Path, engine: str, shown: str) -> None:
    text = post("{{ title }} {: .a}", date="2021-07-09", templateEngineOverride=engine)
    import_from("eleventy", eleventy(tmp_path, **{"src/posts/a.md": text}), tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == shown
