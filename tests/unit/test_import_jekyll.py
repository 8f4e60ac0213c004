"""`nightdesk import jekyll`: permalink styles, Liquid, defaults, drafts and file-name dates."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.importing import PNG, draft, front_matter_of, import_from, notes, snapshot, text_of, write_tree

CONFIG = "title: Fjord Post\nurl: https://fjord.example\nbaseurl: /blog\ntimezone: Europe/Oslo\n"


def post(body: str = "Text.\n", **keys: str) -> str:
    matter = "".join(f"{key}: {value}\n" for key, value in {"title": "Ferry late", **keys}.items())
    return f"---\n{matter}---\n{body}"


def site(tmp_path: Path, config: str = CONFIG, **files: str | bytes) -> Path:
    return write_tree(tmp_path / "site", {"_config.yml": config, **files})


@pytest.mark.parametrize(
    ("style", "path"),
    [
        ("", "/blog/sea/2021/07/09/ferry-late.html"),
        ("permalink: pretty\n", "/blog/sea/2021/07/09/ferry-late/"),
        ("permalink: ordinal\n", "/blog/sea/2021/190/ferry-late.html"),
        ("permalink: none\n", "/blog/sea/ferry-late.html"),
        ("permalink: /:year/:i_month/:short_year/:title\n", "/blog/2021/7/21/ferry-late"),
    ],
)
def test_every_style_of_permalinks(tmp_path: Path, style: str, path: str) -> None:
    root = site(tmp_path, CONFIG + style, **{"_posts/2021-07-09-ferry-late.md": post(categories="[Sea]")})
    import_from("jekyll", root, tmp_path / "out")
    assert f"- {path}\n" in front_matter_of(tmp_path / "out", "ferry-late") + "\n"


def test_the_date_of_the_file_name_is_read_in_the_zone_of_the_site(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "_posts/2021-07-09-a.md": post(),
            "_posts/2021-01-09-b.md": post(date="2021-01-10 08:30:00 -0500", permalink="/Custom/Path.html"),
        },
    )
    import_from("jekyll", root, tmp_path / "out")
    assert draft(tmp_path / "out", "a").date == "2021-07-09T00:00:00+02:00"
    assert draft(tmp_path / "out", "b").date == "2021-01-10T08:30:00-05:00"
    assert "- /blog/Custom/Path.html" in front_matter_of(tmp_path / "out", "b")


def test_an_import_into_the_sites_own_folder_is_not_imported_again(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{"_posts/2021-07-09-a.md": post("![P](/pier.png)\n"), "pier.png": PNG, "about.md": post(title="About")},
    )
    first = import_from("jekyll", root, root / "imported")
    before = snapshot(root / "imported")
    again = import_from("jekyll", root, root / "imported")
    assert again.counts == first.counts
    assert snapshot(root / "imported") == before


def test_categories_in_one_text_are_split_at_blanks(tmp_path: Path) -> None:
    root = site(tmp_path, **{"_posts/2021-07-09-a.md": post(categories="sea Storms", tags="x y", category="")})
    import_from("jekyll", root, tmp_path / "out")
    found = draft(tmp_path / "out", "a")
    assert ([topic for topic, _ in found.topics], found.tags) == (["sea", "storms"], ("x", "y"))
    assert "- /blog/sea/storms/2021/07/09/a.html" in front_matter_of(tmp_path / "out", "a")


def test_what_is_not_published_stays_a_draft(tmp_path: Path) -> None:
    config = CONFIG + "defaults:\n  - scope: {path: _posts/held}\n    values: {published: false}\n"
    root = site(
        tmp_path,
        config,
        **{
            "_drafts/idea.md": post(),
            "_posts/2021-07-09-a.md": post(published="false"),
            "_posts/held/2021-07-09-b.md": post(),
            "_posts/2021-07-09-c.md": post(),
        },
    )
    import_from("jekyll", root, tmp_path / "out")
    assert [draft(tmp_path / "out", slug).draft for slug in ("idea", "a", "b", "c")] == [True, True, True, False]


def test_a_collection_without_pages_stays_unpublished(tmp_path: Path) -> None:
    collections = "collections:\n  notes: {output: true}\n  sources: {output: false}\n  old: {}\n"
    files = {f"_{name}/{name}.md": post(title=name.title()) for name in ("notes", "sources", "old")}
    report = import_from("jekyll", site(tmp_path, CONFIG + collections, **files), tmp_path / "out")
    assert [draft(tmp_path / "out", name).draft for name in ("notes", "sources", "old")] == [False, True, True]
    assert draft(tmp_path / "out", "sources").aliases == ()
    assert len([note for note in notes(report, "changed") if "_sources" in note or "_old" in note]) == 2


def test_liquid_becomes_text_and_addresses(tmp_path: Path) -> None:
    body = """See [one]({% post_url 2021-01-02-other %}#x) and [two]({{ site.baseurl }}/2021/01/02/other.html).

![Pier]({{ '/assets/pier.png' | relative_url }}){: .wide}

{% include figure.html src="/assets/pier.png" alt="The pier" caption="At noon" %}

{% highlight ruby %}
puts 1
{% endhighlight %}

{% raw %}{{ kept }}{% endraw %} {% if page.x %}secret{% endif %} {{ page.unknown }} {% youtube abc %}
{: .note}

{% comment %}gone{% endcomment %}[End](/gone/)
"""
    root = site(
        tmp_path,
        **{
            "_posts/2021-07-09-a.md": post(body),
            "_posts/2021-01-02-other.md": post(),
            "assets/pier.png": PNG,
        },
    )
    report = import_from("jekyll", root, tmp_path / "out")
    text = text_of(tmp_path / "out", "a")
    for expected in (
        "[one](/articles/other/#x) and [two](/articles/other/)",
        "![Pier](pier.png)\n",
        '<figure>\n<img src="pier.png" alt="The pier">\n<figcaption>At noon</figcaption>',
        "```ruby\nputs 1\n```",
        "{{ kept }}",
        "https://www.youtube.com/watch?v=abc",
    ):
        assert expected in text
    assert not any(word in text for word in ("secret", "unknown", ".note", ".wide", "gone{"))
    assert notes(report, "lost", "page.x") == ["_posts/2021-07-09-a.md:14: {% if page.x %}"]
    assert len(notes(report, "lost", "page.unknown")) == 1
    assert notes(report, "noted", "/gone/") == ["_posts/2021-07-09-a.md:17: /gone/"]


def test_pages_authors_redirects_and_html(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "about.md": post(title="About us"),
            "index.html": post(title="Home"),
            "README.md": "# No front matter",
            "_posts/2021-07-09-a.html": post(
                "<p>One <b>bold</b> word.</p>", author="ada", redirect_from="[/old-a/, /Even/Older]"
            ),
            "_data/authors.yml": "ada: {name: Ada Lindqvist, bio: Sails., avatar: /assets/ada.png}\n",
            "assets/ada.png": PNG,
        },
    )
    report = import_from("jekyll", root, tmp_path / "out")
    assert (tmp_path / "out/pages/about.md").is_file()
    assert "portrait: ada.png" in (tmp_path / "out/authors/ada.md").read_text()
    assert text_of(tmp_path / "out", "a") == "One **bold** word."
    matter = front_matter_of(tmp_path / "out", "a")
    assert "- /blog/old-a/" in matter
    assert "- /blog/Even/Older" in matter
    assert len(notes(report, "skipped", "page that makes lists")) == 1


def test_yaml_with_aliases_merged_mappings_and_dots_is_read(tmp_path: Path) -> None:
    matter = "---\nimage: &lead pier.png\nbase: &base\n  a: one\nmore:\n  <<: *base\ndescription: &words A storm\nsummary: *words\ntitle: Gale\n...\n"
    root = site(
        tmp_path, CONFIG + "x: &x 1\ny: *x\n", **{"_posts/2021-07-09-gale.md": matter + "Text.\n", "pier.png": PNG}
    )
    report = import_from("jekyll", root, tmp_path / "out")
    found = draft(tmp_path / "out", "gale")
    assert (found.title, found.dek) == ("Gale", "A storm")
    assert "a: one" in front_matter_of(tmp_path / "out", "gale")
    assert report.failed_posts == 0


def test_yaml_whose_aliases_grow_without_measure_is_rejected(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 8)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    root = site(
        tmp_path, **{"_posts/2021-07-09-gale.md": f"---\ntitle: Gale\n{bomb}---\n", "_posts/2021-07-10-calm.md": post()}
    )
    report = import_from("jekyll", root, tmp_path / "out")
    assert (report.counts["articles"], report.failed_posts) == (1, 1)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("{{ site.repository }}/issues/1", "https://code.example/issues/1"),
        ("{{ site.author.name | upcase }}", "ADA"),
        ("{{ page.region }} {{ page['region'] }}", "North North"),
        ("{{ site.data.places.pier }} {{ site.data.lists[1].name }}", "The pier {{gone}}"),
        ("{{ page.missing | default: 'none' }}", "none"),
        ("[a]({{ '/c' | relative_url }})", "[a](https://fjord.example/blog/c)"),
        ('{% assign x = "Low" | downcase %}{{ x }} tide', "low tide"),
        ("{% capture note %}{{ page.region }} *wind*{% endcapture %}{{ note | markdownify }}", "North *wind*"),
        ("{% raw %}`{% raw %}`{% endraw %} and {% raw %}{{ x }}{% endraw %}", "`{% raw %}` and {{ x }}"),
        ("{{ page.date | date: '%-d.%-m.%Y %d' }}", "9.7.2021 09"),
    ],
)
def test_variables_that_the_archive_knows_are_filled_in(tmp_path: Path, typed: str, shown: str) -> None:
    config = CONFIG + "repository: https://code.example\nauthor:\n  name: Ada\n"
    files = {"_data/places.yml": "pier: The pier\n", "_posts/2021-07-09-gale.md": post(f"{typed}\n", region="North")}
    report = import_from("jekyll", site(tmp_path, config, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == shown.replace(" {{gone}}", "")
    assert bool(notes(report, "lost")) == ("{{gone}}" in shown)


def test_links_to_files_and_links_beside_a_page_lead_to_the_articles(tmp_path: Path) -> None:
    body = "[a](2021-07-10-calm.md#x) [b](../_posts/2021-07-10-calm.md) [c](../10/calm.html) [d](calm.html)\n"
    root = site(
        tmp_path,
        **{"_posts/2021-07-09-gale.md": post(body), "_posts/2021-07-10-calm.md": post(title="Calm")},
    )
    import_from("jekyll", root, tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == (
        "[a](/articles/calm/#x) [b](/articles/calm/) [c](/articles/calm/) [d](https://fjord.example/blog/2021/07/09/calm.html)"
    )


def test_included_files_and_what_stands_inside_of_tags_are_filled_in(tmp_path: Path) -> None:
    body = "{% include notes/tide.md when='noon' %}\n\n{% box %}\n[calm]({% post_url 2021-07-10-calm %})\n{% endbox %}\n\n{% include loop.html %}\n\n{% include own.md %}\n"
    files = {
        "_includes/notes/tide.md": "Low tide at {{ include.when }}.\n",
        "_includes/loop.html": "{% for post in site.posts %}x{% endfor %}",
        "_includes/own.md": "{% include own.md %}",
        "_posts/2021-07-10-calm.md": post(title="Calm"),
    }
    report = import_from(
        "jekyll", site(tmp_path, **{"_posts/2021-07-09-gale.md": post(body), **files}), tmp_path / "out"
    )
    text = text_of(tmp_path / "out", "gale")
    assert "Low tide at noon." in text
    assert "[calm](/articles/calm/)" in text
    assert "{%" not in text
    assert notes(report, "lost", "loop") == ["_posts/2021-07-09-gale.md:10: {% include loop.html %}"]


def test_a_page_with_a_text_and_without_a_title_is_kept_and_a_list_is_not(tmp_path: Path) -> None:
    words = "word " * 40
    files = {
        "about.md": f"---\nlayout: page\n---\n{words}\n",
        "list.md": f"---\nlayout: page\n---\n{words}{{% for p in site.posts %}}{{% endfor %}}\n",
    }
    report = import_from("jekyll", site(tmp_path, **{"_posts/2021-07-09-gale.md": post(), **files}), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/pages").iterdir()] == ["about.md"]
    assert len(notes(report, "skipped", "makes lists")) == 1


def test_keys_without_a_meaning_here_stand_last_as_after_an_export(tmp_path: Path) -> None:
    root = site(tmp_path, **{"_posts/2021-07-09-gale.md": post(layout="wide", image="/pier.png"), "pier.png": PNG})
    import_from("jekyll", root, tmp_path / "out")
    keys = [
        line.partition(":")[0] for line in front_matter_of(tmp_path / "out", "gale").split("\n") if line[:1].isalpha()
    ]
    assert keys == ["title", "slug", "date", "aliases", "hero", "imported"]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a\n\n{::comment}\nsecret {:/} secret\n{:/comment}\n\nb", "a\n\n\n\n\n\nb"),
        ("a {::comment}secret{:/comment} b {::comment}secret{:/} c", "a  b  c"),
        ("a ` b\n\n{::comment}\nsecret\n{:/}\n\nc ` d", "a ` b\n\n\n\n\n\nc ` d"),
        ("a `{::comment}b{:/comment}` c", "a `{::comment}b{:/comment}` c"),
        ("```\n{::comment}\nb\n{:/comment}\n{: .lead }\n```", "```\n{::comment}\nb\n{:/comment}\n{: .lead }\n```"),
        ("a {::nomarkdown}b{:/} c\n{:/comment}", "a b c"),
        ("`{:.b}` *c*{: title='d' width=\"50%\" e=5%}\n{: width='50%'}\n\nf{:%Y}", "`{:.b}` *c*\n\n\nf{:%Y}"),
        ("The PDF *[a]\n\n*[PDF]: A *format*\n\n`*[b]: c`", "The PDF *[a]\n\n\n\n`*[b]: c`"),
        ("# A\n\n* TOC\n{:toc}\n\nb", "# A\n\n\n\n\nb"),
        ('<div class="b" markdown="1">\n**c**\n</div>', '<div class="b">\n\n**c**\n</div>'),
    ],
)
def test_signs_of_kramdown_go_and_comments_with_what_is_in_them(tmp_path: Path, typed: str, shown: str) -> None:
    root = site(tmp_path, **{"_posts/2021-07-09-gale.md": post(f"{typed}\n\n{{{{ page.unknown }}}}\n")})
    report = import_from("jekyll", root, tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == shown
    line = 4 + f"{typed}\n\n".count("\n")
    assert notes(report, "lost") == [f"_posts/2021-07-09-gale.md:{line}: {{{{ page.unknown }}}}"]
    assert bool(notes(report, "changed", "comments")) == ("secret" in typed)


def test_texts_that_jekyll_never_reads_stay_unpublished(tmp_path: Path) -> None:
    config = CONFIG + (
        "exclude: [private, /notes/plan, '*.wip.md', _open]\ninclude: [_open]\ncollections: {guides: {output: true}}\n"
    )
    hidden = {
        "_posts/_wip/2019-04-04-a.md": "a",
        "_posts/sub/_2019-04-05-b.md": "2019-04-05-b",
        "_posts/c.md": "c",
        "_guides/_d.md": "d",
        "_guides/~old/e.md": "e",
        "_f.md": "f",
        "other/_guides/g.md": "g",
        "_pages/h.md": "h",
    }
    left_out = (
        "private/_posts/2019-05-05-i.md",
        "notes/plan.md",
        "_posts/2019-05-06-j.wip.md",
        "_posts/.k.md",
        "_x/l.md",
    )
    shown = ("_posts/2019-06-06-m.md", "_posts/sub/19-6-7-n.md", "_guides/o.md", "_open/p.md")
    files = dict.fromkeys([*hidden, *left_out, *shown, "node_modules/x/q.md", "_layouts/r.html"], post())
    report = import_from("jekyll", site(tmp_path, config, **files), tmp_path / "out")
    assert {name: draft(tmp_path / "out", slug).draft for name, slug in hidden.items()} == dict.fromkeys(hidden, True)
    assert {note.file for note in report.notes if "name or folder" in note.kind} == set(hidden)
    of_drafts_alone = "topics/other.md"
    assert {note.file for note in report.with_outcome("skipped")} == {*left_out, of_drafts_alone}
    assert [draft(tmp_path / "out", slug).draft for slug in "mno"] == [False] * 3
    assert (tmp_path / "out/pages/p.md").is_file()
    assert report.counts["articles"] == len(hidden) + 3


def test_the_longest_path_of_the_defaults_counts_most_then_a_type_then_the_last(tmp_path: Path) -> None:
    config = (
        CONFIG
        + """defaults:
  - {scope: {path: _posts/*/inner}, values: {published: false}}
  - {scope: {path: _posts/guests}, values: {author: ben, categories: [sea]}}
  - {scope: {path: '', type: posts}, values: {author: anna, published: true, categories: [news]}}
  - {scope: {path: ''}, values: {author: cleo}}
  - {scope: {path: '**/*/deep'}, values: {published: false}}
  - {scope: {path: '', type: pages}, values: {published: false}}
  - {scope: {path: '_posts/{wip,old}/*'}, values: {published: false}}
"""
    )
    names = (
        "guests/2019-01-01-a.md",
        "team/inner/2019-01-02-b.md",
        "2019-01-03-c.md",
        "x/y/deep/2019-01-04-d.md",
        "inner/2019-01-05-e.md",
        "wip/2019-01-06-f.md",
    )
    files = {f"_posts/{name}": post(categories="[tides]") for name in names}
    import_from("jekyll", site(tmp_path, config, **files), tmp_path / "out")
    found = [draft(tmp_path / "out", slug) for slug in "abcdef"]
    assert [each.draft for each in found] == [False, True, False, True, False, True]
    assert [each.authors[0][0] for each in found] == ["ben", "anna", "anna", "anna", "anna", "anna"]
    assert [topic for topic, _ in found[0].topics] == ["news", "sea", "tides"]


@pytest.mark.parametrize(
    ("name", "matter", "path"),
    [
        ("_posts/2019/2019-01-02-a.md", {}, "/2019/01/02/a.html"),
        (
            "travel/_posts/sub/2019-01-02-a.md",
            {"categories": "[photo, Travel]"},
            "/travel/photo/2019/01/02/a.html",
        ),
        ("_posts/2019-01-02-a.md", {"category": "Road Trips"}, "/road%20trips/2019/01/02/a.html"),
        ("_posts/2019-01-02-a.md", {"category": "C++"}, "/c++/2019/01/02/a.html"),
        (
            "_posts/2019-01-02-a.md",
            {"category": "Road Trips", "permalink": "/:slugified_categories/:title"},
            "/road-trips/a",
        ),
        ("_posts/2020-1-4-a.md", {}, "/2020/01/04/a.html"),
        ("_posts/2020-01-04-a.MD", {}, "/2020/01/04/a.html"),
        ("_posts/2020-01-04-a.mkdn", {}, "/2020/01/04/a.html"),
        ("_posts/2020-01-04-a.text", {}, "/2020/01/04/a.html"),
        ("_posts/2020-01-04-a.HTML", {}, "/2020/01/04/a.html"),
        ("_posts/2019-07-07-a.md", {"date": "2018-12-31 23:30:00 -0800"}, "/2019/01/01/a.html"),
        ("_recipes/sub/2020-1-4-a.md", {}, "/recipes/sub/2020-1-4-a.html"),
        ("_recipes/a.md", {"permalink": "/:collection/:title/"}, "/recipes/a/"),
    ],
)
def test_the_old_address_of_a_file(tmp_path: Path, name: str, matter: dict[str, str], path: str) -> None:
    config = "timezone: Europe/Oslo\ncollections: {recipes: {output: true}}\nmarkdown_ext: 'md, text'\n"
    import_from("jekyll", site(tmp_path, config, **{name: post(**matter)}), tmp_path / "out")
    found = draft(tmp_path / "out", "a")
    assert f"aliases:\n- {path}\n" in front_matter_of(tmp_path / "out", "a") + "\n"
    topics = ["travel", "photo"] if "travel" in name else ["road-trips", "c"] if "category" in matter else []
    assert {topic for topic, _ in found.topics} <= set(topics)


@pytest.mark.parametrize(
    ("style", "path"),
    [
        ("pretty", "/r/a/"),
        ("/:title/", "/r/a/"),
        ("/:title", "/r/a"),
        ("date", "/r/a.html"),
        ("/:title:output_ext", "/r/a.html"),
    ],
)
def test_a_collection_without_a_pattern_of_its_own_follows_the_style_of_the_site(
    tmp_path: Path, style: str, path: str
) -> None:
    config = f"permalink: {style}\ncollections: {{r: {{output: true}}}}\n"
    import_from("jekyll", site(tmp_path, config, **{"_r/a.md": post()}), tmp_path / "out")
    assert f"aliases:\n- {path}\n" in front_matter_of(tmp_path / "out", "a") + "\n"


def test_a_site_below_the_folder_of_its_configuration(tmp_path: Path) -> None:
    config = "source: ./src\ncollections_dir: texts\ncollections: {guides: {output: true}}\n"
    files = {
        "src/texts/_posts/2019-01-02-a.md": post("{% include tide.md %} {{ site.data.places.pier }}"),
        "src/texts/_guides/b.md": post(),
        "src/_posts/2019-01-02-c.md": post(),
        "src/_includes/tide.md": "Low tide",
        "src/_data/places.yml": "pier: The pier\n",
        "d.md": post(),
    }
    report = import_from("jekyll", site(tmp_path, config, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "a") == "Low tide The pier"
    assert [draft(tmp_path / "out", slug).aliases for slug in "ab"] == [("/2019/01/02/a.html",), ("/guides/b.html",)]
    assert draft(tmp_path / "out", "c").draft
    assert (report.counts["articles"], report.counts["pages"], report.counts["topics"]) == (3, 0, 0)


def test_a_text_whose_address_led_elsewhere_becomes_a_draft(tmp_path: Path) -> None:
    files = {
        "_posts/2021-07-09-a.md": post(redirect_to="/2021/07/10/b.html", redirect_from="/old/"),
        "_posts/2021-07-10-b.md": post(),
        "_posts/2021-07-11-c.md": post(redirect_to="[https://other.example/c/]"),
        "d.md": post(redirect_to="https://fjord.example/blog/2021/07/10/b.html"),
    }
    report = import_from("jekyll", site(tmp_path, **files), tmp_path / "out")
    assert [draft(tmp_path / "out", slug).draft for slug in "abcd"] == [True, False, True, True]
    assert "aliases:\n- /blog/2021/07/10/b.html\n- /blog/2021/07/09/a.html\n- /blog/old/\n- /blog/d.html" in (
        front_matter_of(tmp_path / "out", "b")
    )
    assert notes(report, "changed", "led elsewhere")[1] == "_posts/2021-07-11-c.md:3: https://other.example/c/"
    assert notes(report, "lost") == ["redirects: /blog/2021/07/11/c.html → https://other.example/c/"]


@pytest.mark.parametrize("base", ["/blog", ""])
@pytest.mark.parametrize("before", ["", "{{ site.baseurl }}", "{{ site.url }}", "{{ site.url }}{{ site.baseurl }}"])
def test_a_reference_leads_to_its_file_whatever_stands_before_it(tmp_path: Path, base: str, before: str) -> None:
    body = "[a](R{% post_url 2021-07-10-calm %}#x) ![b](R{% link assets/pier.png %}) ![c](R{% link gone.png %})\n"
    files = {
        "_posts/2021-07-09-gale.md": post(body.replace("R", before)),
        "_posts/2021-07-10-calm.md": post(),
        "assets/pier.png": PNG,
    }
    config = f"url: https://fjord.example\nbaseurl: '{base}'\n"
    report = import_from("jekyll", site(tmp_path, config, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == "[a](/articles/calm/#x) ![b](pier.png) ![c](gone.png)"
    assert notes(report, "lost") == ["_posts/2021-07-09-gale.md:4: gone.png"]


def test_text_for_which_liquid_is_off_stays_as_it_is(tmp_path: Path) -> None:
    body = "Use {{ page.title }} *c*{: .b}\n\n```\n{% for a in b %}{{ a }}{% endfor %}\n```"
    root = site(tmp_path, **{"_posts/2021-07-09-gale.md": post(f"{body}\n", render_with_liquid="false")})
    report = import_from("jekyll", root, tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == body.replace("{: .b}", "")
    assert not notes(report, "lost")


def test_tags_in_a_text_in_html_become_what_they_mean(tmp_path: Path) -> None:
    body = """<p>See <a href="{% post_url 2021-07-10-calm %}">calm</a>, {% img /assets/pier.png Pier %} and {% button url="/x/" text="x_y" %}</p>
{% highlight html %}
<b>bold_</b>
{% endhighlight %}
{% blockquote Ada %}<em>Wind</em>{% endblockquote %}
{% youtube a_bQw4w9_cQ %}
"""
    files = {"_posts/2021-07-09-gale.html": post(body), "_posts/2021-07-10-calm.md": post(), "assets/pier.png": PNG}
    import_from("jekyll", site(tmp_path, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == (
        "See [calm](/articles/calm/), ![Pier](pier.png) and [x\\_y](https://fjord.example/x/)\n\n"
        "```html\n<b>bold_</b>\n```\n\n> *Wind*\n>\n> — Ada\n\nhttps://www.youtube.com/watch?v=a_bQw4w9_cQ"
    )


def test_the_biography_of_an_author_is_read_as_a_text(tmp_path: Path) -> None:
    body = "Writes for {{ site.title }}. {::comment}secret{:/comment}"
    files = {"_authors/ada.md": f"---\nname: Ada\n---\n{body}\n", "_posts/2021-07-09-gale.md": post(author="ada")}
    import_from("jekyll", site(tmp_path, **files), tmp_path / "out")
    assert (tmp_path / "out/authors/ada.md").read_text().endswith("---\n\nWrites for Fjord Post. \n")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("{% include gallery caption='Two' %}", "![The pier](pier.png)\n\n![](sea.png)\n\nTwo"),
        ("{% include gallery id='more' %}", "![](sea.png)"),
        ("{% include video id='dQw4w9WgXcQ' provider='youtube' %}", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("{% include youtubePlayer.html id='dQw4w9WgXcQ' %}", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("{% include embed/youtube.html id='dQw4w9WgXcQ' %}", "https://www.youtube.com/watch?v=dQw4w9WgXcQ"),
        ("{% include figure.liquid path='assets/pier.png' alt='The pier' %}", "![The pier](pier.png)"),
    ],
)
def test_what_themes_include_becomes_images_and_cards(tmp_path: Path, typed: str, shown: str) -> None:
    gallery = "\n  - {url: /assets/big.png, image_path: /assets/pier.png, alt: The pier}\n  - {url: /assets/sea.png}"
    files = {
        "_posts/2021-07-09-gale.md": post(f"{typed}\n", gallery=gallery, more="[/assets/sea.png]"),
        "assets/pier.png": PNG,
        "assets/sea.png": PNG,
    }
    report = import_from("jekyll", site(tmp_path, **files), tmp_path / "out")
    assert text_of(tmp_path / "out", "gale") == shown
    assert not notes(report, "lost")
