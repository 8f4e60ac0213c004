"""`nightdesk import hugo`: addresses, shortcodes, dates, images, and everything that can be wrong with an archive."""

from __future__ import annotations

import base64
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from nightdesk.domain.errors import Permanent
from nightdesk.domain.timestamps import InvalidTimestamp
from nightdesk_cli.importing.front_matter import read_date
from support.importing import (
    PNG,
    draft,
    front_matter_of,
    import_from,
    notes,
    snapshot,
    text_of,
    write_tree,
    write_zip,
)

CONFIG = """
baseURL = "https://www.harbour.example/"
title = "Harbour Times"
timeZone = "Europe/Oslo"
[permalinks]
posts = "/:year/:month/:slug/"
"""


def post(title: str = "Quay closed", body: str = "Text.\n", **keys: str) -> str:
    matter = "".join(f"{key}: {value}\n" for key, value in {"title": title, "date": "2019-03-05", **keys}.items())
    return f"---\n{matter}---\n{body}"


def site(tmp_path: Path, **files: str | bytes) -> Path:
    return write_tree(tmp_path / "site", {"hugo.toml": CONFIG, **files})


def test_a_post_keeps_its_words_its_date_and_its_address(tmp_path: Path) -> None:
    root = site(tmp_path, **{"content/posts/Quay Closed.md": post(description="Why.", tags="[sea, storm]", weight="3")})
    report = import_from("hugo", root, tmp_path / "out")
    found = draft(tmp_path / "out", "quay-closed")
    assert (found.title, found.dek, found.tags) == ("Quay closed", "Why.", ("sea", "storm"))
    assert found.date == "2019-03-05T00:00:00+01:00"
    assert found.aliases == ("/2019/03/quay-closed/",)
    assert found.extra == {"imported": {"weight": "3"}}
    assert report.counts["articles"] == 1
    assert (tmp_path / "out" / "site.yaml").read_text() == "name: Harbour Times\ntimezone: Europe/Oslo\n"


def test_files_that_a_post_offers_are_kept_beside_its_draft(tmp_path: Path) -> None:
    body = (
        "[Own](fees.pdf) [Static](/files/Quay%20Plan.PDF) [Site](https://www.harbour.example/files/rates.xlsx) "
        '[Away](https://other.example/fees.pdf) [Gone](/files/gone.pdf) <video src="clip.mp4" title="Clip"></video>\n'
    )
    root = site(
        tmp_path,
        **{
            "content/posts/quay/index.md": post(body=body),
            "content/posts/quay/fees.pdf": b"%PDF",
            "content/posts/quay/clip.mp4": b"film",
            "static/files/Quay Plan.PDF": b"%PDF plan",
            "static/files/rates.xlsx": b"PK",
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    found = snapshot(tmp_path / "out")
    folder = "drafts/quay-closed" if "drafts/quay-closed/index.md" in found else "drafts/quay"
    assert {name for name in found if name.startswith(f"{folder}/")} == {
        f"{folder}/{name}" for name in ("index.md", "fees.pdf", "clip.mp4", "quay-plan.pdf", "rates.xlsx")
    }
    text = (tmp_path / "out" / folder / "index.md").read_text()
    for part in ("[Own](fees.pdf)", "[Static](quay-plan.pdf)", "[Site](rates.xlsx)", 'href="clip.mp4"'):
        assert part in text
    assert "(https://other.example/fees.pdf)" in text
    assert report.counts["attachments"] == 4


@pytest.mark.parametrize(
    ("keys", "alias"),
    [
        ({"slug": "Pier-Nine"}, "/2019/03/pier-nine/"),
        ({"url": "/Old/Pier_9.HTML"}, "/Old/Pier_9.HTML"),
        ({"url": "relative/name/"}, "/relative/name/"),
    ],
)
def test_slug_and_url_decide_the_old_address(tmp_path: Path, keys: dict[str, str], alias: str) -> None:
    root = site(tmp_path, **{"content/posts/pier.md": post(**keys)})
    import_from("hugo", root, tmp_path / "out")
    (found,) = (tmp_path / "out" / "drafts").glob("*/index.md")
    assert f"- {alias}" in found.read_text()


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/:section/:filename/", "/news/2019-03-05-storm/"),
        ("/:sections[1:]/:yearday/:title/", "/local/64/quay-closed/"),
        ("/:sections[last]/:monthname/:day/:slugorfilename/", "/local/March/05/2019-03-05-storm/"),
    ],
)
def test_permalinks_of_the_configuration(tmp_path: Path, pattern: str, path: str) -> None:
    config = f'[permalinks.page]\nnews = "{pattern}"\n'
    section = {"content/news/local/_index.md": "---\ntitle: Local\n---\n"}
    files = {"config.toml": config, "content/news/local/2019-03-05-storm.md": post(), **section}
    root = write_tree(tmp_path / "s", files)
    import_from("hugo", root, tmp_path / "out")
    assert path in front_matter_of(tmp_path / "out", "storm")


def test_references_lead_to_the_new_addresses(tmp_path: Path) -> None:
    body = (
        'See [one]({{< ref "storm.md#damage" >}}), [two]({{% relref "/posts/storm" %}}), [three](../storm/), '
        "[four](https://harbour.example/2019/03/Storm/?utm=x), [five](/about/), [six](https://other.example/a).\n\n"
        '[label]: /2019/03/storm/ "A title"\n\n<a href="/2019/03/storm/#x">seven</a> `[code](/2019/03/storm/)`\n\n'
        "```\n[code](/2019/03/storm/)\n```\n"
    )
    root = site(
        tmp_path,
        **{
            "content/posts/storm.md": post("Storm", slug="storm"),
            "content/posts/b.md": post("Other", body, slug="other"),
            "content/about.md": "---\ntitle: About us\n---\nWe.\n",
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    text = text_of(tmp_path / "out", "other")
    for expected in (
        "[one](/articles/storm/#damage)",
        "[two](/articles/storm/)",
        "[three](/articles/storm/)",
        "[four](/articles/storm/)",
        "[five](/about/)",
        "[six](https://other.example/a)",
        '[label]: /articles/storm/ "A title"',
        'href="/articles/storm/#x"',
        "`[code](/2019/03/storm/)`",
        "```\n[code](/2019/03/storm/)\n```",
    ):
        assert expected in text
    assert (tmp_path / "out" / "pages" / "about.md").is_file()
    assert notes(report, "lost") == []


def test_a_reference_to_nothing_is_reported_with_its_line(tmp_path: Path) -> None:
    body = 'One.\n\n{{< figure src="a.png"\n  alt="x" >}}\n\n[Two]({{< ref "gone.md" >}})\n'
    root = write_tree(tmp_path / "s", {"content/posts/a.md": post(body=body), "content/posts/a.png": PNG})
    report = import_from("hugo", root, tmp_path / "out")
    assert notes(report, "lost", "reference") == ["content/posts/a.md:10: gone.md"]
    assert "[Two](gone.md)" in text_of(tmp_path / "out", "a")


def test_shortcodes_with_a_meaning_and_without(tmp_path: Path) -> None:
    body = """{{< figure src="pier.png" alt="The pier" caption="At *noon*" attr="Ada" >}}

{{< img src="/img/wide.jpg" alt="Wide" >}} {{< youtube abc123 >}} {{< youtube id="xyz" title="The speech" >}}

{{< quote-block text="We saw it." cite="Ada" >}}

{{< highlight python >}}
print("`")
{{< /highlight >}}

{{% note %}}Mind the **gap**.{{% /note %}}

{{< tab "First aid" >}}
Inside the tab.
{{< /tab >}}

{{< button href="https://shop.example/" text="Buy" >}} {{< weather-widget station="7" >}} {{</* kept */>}}
"""
    root = site(
        tmp_path,
        **{
            "content/posts/a/index.md": post(body=body),
            "content/posts/a/pier.png": PNG,
            "static/img/wide.jpg": PNG + b"2",
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    text = text_of(tmp_path / "out", "a")
    for expected in (
        '<figure>\n<img src="pier.png" alt="The pier">\n<figcaption>At <em>noon</em> (Ada)</figcaption>\n</figure>',
        "![Wide](wide.jpg)",
        'href="https://www.youtube.com/watch?v=abc123"',
        ">The speech</a>",
        "> We saw it.\n>\n> — Ada",
        '```python\nprint("`")\n```',
        "Mind the **gap**.",
        "**First aid**\n\nInside the tab.",
        '<a href="https://shop.example/">Buy</a>',
        "{{< kept >}}",
    ):
        assert expected in text
    assert "weather" not in text
    assert notes(report, "lost", "weather-widget") == [
        'content/posts/a/index.md:21: {{< weather-widget station="7" >}}'
    ]
    assert {path.name for path in (tmp_path / "out/drafts/a").iterdir()} == {"index.md", "pier.png", "wide.jpg"}


def test_drafts_and_hidden_posts_are_never_public(tmp_path: Path) -> None:
    hidden = [
        {"draft": "true"},
        {"published": "false"},
        {"status": "private"},
        {"build": "{render: never}"},
        {"password": "x"},
    ]
    files = {f"content/posts/p{n}.md": post(**keys) for n, keys in enumerate(hidden)}
    files["content/secret.md"] = "---\ntitle: Secret\ndraft: true\n---\nX"
    import_from("hugo", site(tmp_path, **files), tmp_path / "out")
    assert all(draft(tmp_path / "out", f"p{n}").draft for n in range(len(hidden)))
    assert draft(tmp_path / "out", "secret").draft
    assert not (tmp_path / "out" / "pages").exists()


def test_an_expiry_that_has_passed_is_asked_about_and_not_obeyed(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "content/posts/old.md": post(expirydate="2020-01-01"),
            "content/posts/new.md": post(expiryDate="2099-01-01T00:00:00Z"),
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    assert draft(tmp_path / "out", "old").expires == ""
    assert draft(tmp_path / "out", "new").expires.startswith("2099")
    assert notes(report, "asked") == ["content/posts/old.md: 2020-01-01T00:00:00+01:00"]
    import_from("hugo", root, tmp_path / "kept", keep_expiry=True)
    assert draft(tmp_path / "kept", "old").expires.startswith("2020-01-01")


def test_duplicate_slugs_get_numbers_in_any_order_of_files(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "content/posts/a.md": post("Third", date="2021-01-01", slug="same"),
            "content/posts/b.md": post("First", date="2018-01-01", slug="same"),
            "content/posts/c.md": post("Second", date="2019-01-01", slug="same"),
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    titles = [draft(tmp_path / "out", slug).title for slug in ("same", "same-2", "same-3")]
    assert titles == ["First", "Second", "Third"]
    assert len(notes(report, "changed", "used twice")) == 2


def test_a_second_import_changes_nothing_and_keeps_what_was_edited(tmp_path: Path) -> None:
    root = site(tmp_path, **{f"content/posts/p{n}.md": post(f"Post {n}") for n in range(3)})
    out = tmp_path / "out"
    import_from("hugo", root, out)
    before = snapshot(out)
    again = import_from("hugo", root, out)
    assert snapshot(out) == before
    assert set(again.files) == {"unchanged"}
    edited = out / "drafts/p1/index.md"
    edited.write_text(edited.read_text() + "A correction.\n")
    (root / "content/posts/p2.md").write_text(post("Post 2, revised"))
    third = import_from("hugo", root, out)
    assert edited.read_text().endswith("A correction.\n")
    assert draft(out, "p2").title == "Post 2, revised"
    assert (third.files["kept"], third.files["updated"]) == (1, 1)
    assert len(notes(third, "noted", "edited since")) == 1


def test_an_interrupted_import_continues(tmp_path: Path) -> None:
    root = site(tmp_path, **{f"content/posts/p{n}.md": post(f"Post {n}") for n in range(4)})
    import_from("hugo", root, tmp_path / "whole")
    out = tmp_path / "out"
    import_from("hugo", root, out)
    (out / "drafts/p3/index.md").unlink()
    (out / "drafts/p2/index.md").unlink()
    (out / "drafts/p2/.index.md.part").write_text("half")
    log = out / ".nightdesk-import.jsonl"
    log.write_text(log.read_text()[:-70])  # the last line is cut off
    import_from("hugo", root, out)
    for slug in ("p0", "p1", "p2", "p3"):
        assert text_of(out, slug) == text_of(tmp_path / "whole", slug)


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    root = site(tmp_path, **{"content/posts/a.md": post()})
    report = import_from("hugo", root, tmp_path / "out", dry_run=True)
    assert report.files == {"created": 2}
    assert not (tmp_path / "out").exists()


def test_files_that_cannot_be_read_are_named_with_their_line(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "content/posts/fine.md": post(),
            "content/posts/latin.md": "---\ntitle: Caf\xe9\n---\n".encode("latin-1"),
            "content/posts/toml.md": '---\ntitle = "X"\n---\n',
            "content/posts/yaml.md": "+++\ntitle: X\n+++\n",
            "content/posts/open.md": "---\ntitle: X\n",
            "content/posts/none.md": "Just words.\n",
            "content/posts/json.md": '{"title": "J", "date": "2019-01-01"}\n\nBody of JSON.\n',
            "content/posts/twice.md": post(weight="1\nweight: 2"),
            "content/posts/doubt.md": post(draft="true\ndraft: false"),
            "content/posts/org.org": "#+TITLE: X\n",
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    lost = "\n".join(notes(report, "lost"))
    for expected in (
        "toml.md:2:",
        "lines of +++",
        "yaml.md:",
        "lines of ---",
        "open.md:1:",
        "doubt.md:",
        "org.org:",
    ):
        assert expected in lost
    slugs = {path.parent.name for path in (tmp_path / "out").glob("drafts/*/index.md")}
    assert slugs == {"fine", "json", "latin", "none", "twice"}
    assert text_of(tmp_path / "out", "json") == "Body of JSON."
    assert report.failed_posts == 5
    assert notes(report, "changed", "Windows-1252") == [
        "content/posts/latin.md:2: bytes that are no UTF-8 were read as Windows-1252; look at their words"
    ]
    assert notes(report, "changed", "set twice") == ["content/posts/twice.md:5: weight: 2"]


def test_a_zip_that_leads_out_of_itself_and_links_are_left_out(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "site.zip",
        {"content/posts/a.md": post(), "../evil.md": post("Evil"), "/etc/evil.md": post(), "C:\\evil.md": post()},
    )
    report = import_from("hugo", path, tmp_path / "out")
    assert report.counts["articles"] == 1
    assert len(notes(report, "skipped", "leads out")) == 3
    root = site(tmp_path, **{"content/posts/a.md": post()})
    (tmp_path / "secret.md").write_text(post("Secret"))
    (root / "content/posts/b.md").symlink_to(tmp_path / "secret.md")
    report = import_from("hugo", root, tmp_path / "out2")
    assert report.counts["articles"] == 1
    assert notes(report, "skipped", "symbolic link") == [
        "content/posts/b.md: a symbolic link, or no plain file is left out"
    ]


def test_a_link_in_the_folder_that_is_written_is_not_followed(tmp_path: Path) -> None:
    root = site(tmp_path, **{"content/posts/a.md": post()})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "drafts").mkdir(parents=True)
    (tmp_path / "out" / "drafts" / "a").symlink_to(tmp_path / "elsewhere")
    import_from("hugo", root, tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("content", [b"PK\x03\x04 half a zip", b"not a zip at all"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "site.zip").write_bytes(content)
    with pytest.raises(Permanent):
        import_from("hugo", tmp_path / "site.zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_ten_thousand_redirects(tmp_path: Path) -> None:
    lines = [f"/old/{n} /2019/03/quay-closed/ 301" for n in range(10_000)] + ["/x/* /y/:splat 301", "/gone /nowhere/"]
    root = site(tmp_path, **{"content/posts/quay.md": post(), "static/_redirects": "\n".join(lines)})
    report = import_from("hugo", root, tmp_path / "out")
    assert len(draft(tmp_path / "out", "quay").aliases) == 24
    assert len(notes(report, "lost", "aliases, and no more")) == 10_000 - 23
    assert len(notes(report, "lost", "leads to nothing")) == 2


def test_an_alias_that_two_posts_claim_stays_with_the_older(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "content/posts/a.md": post("New", date="2021-01-01", slug="a", aliases="[/Shared/, old-a]"),
            "content/posts/b.md": post("Old", date="2018-01-01", slug="b", aliases="[/shared]"),
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    assert "- /shared\n" in front_matter_of(tmp_path / "out", "b") + "\n"
    assert "hared" not in front_matter_of(tmp_path / "out", "a")
    assert "/2021/01/old-a" in front_matter_of(tmp_path / "out", "a")
    assert len(notes(report, "lost", "another post")) == 1


def test_profiles_come_from_the_pages_of_authors_and_topics(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "content/authors/ada/_index.md": "---\ntitle: Ada Lindqvist\nimage: ada.png\n---\nWrites of the sea.\n",
            "content/authors/ada/ada.png": PNG,
            "content/topics/sea/_index.md": "---\ntitle: The sea\nsummary: All of it\n---\n",
            "content/posts/a.md": post(authors="[ada, José Núñez]", topics="[sea]"),
        },
    )
    report = import_from("hugo", root, tmp_path / "out")
    out = tmp_path / "out"
    assert (
        out / "authors/ada.md"
    ).read_text() == "---\nname: Ada Lindqvist\nportrait: ada.png\n---\n\nWrites of the sea.\n"
    assert (out / "authors/ada.png").read_bytes() == PNG
    assert "name: José Núñez" in (out / "authors/jose-nunez.md").read_text()
    assert "summary: All of it" in (out / "topics/sea.md").read_text()
    assert draft(out, "a").authors == (("ada", ""), ("jose-nunez", ""))
    assert report.counts["authors"] == 2


def test_text_that_looks_like_a_directive_stays_text(tmp_path: Path) -> None:
    body = "Before.\n\n::: warning\nHidden by another tool.\n:::\n\n- ::: x\n\n```\n::: gate\n```\n"
    import_from("hugo", site(tmp_path, **{"content/posts/a.md": post(body=body)}), tmp_path / "out")
    text = text_of(tmp_path / "out", "a")
    assert "\\::: warning" in text
    assert "```\n::: gate\n```" in text
    assert [passage.tier for passage in draft(tmp_path / "out", "a").passages] == [""]


def test_a_members_only_divider_makes_a_gate(tmp_path: Path) -> None:
    body = "Free.[^1]\n\n<!--more-->\n\nStill free.\n\n<!--members-only-->\n\nHidden.[^2]\n\n[^1]: Free note.\n[^2]: Hidden note.\n"
    import_from("hugo", site(tmp_path, **{"content/posts/a.md": post(body=body)}), tmp_path / "out")
    free, gate, rest = draft(tmp_path / "out", "a").passages
    assert gate.tier == "member"
    assert "Hidden note" in gate.source
    assert "Free note" in free.source
    assert "Hidden" not in free.source + rest.source


def test_embedded_html_becomes_links(tmp_path: Path) -> None:
    body = (
        'A\n\n<iframe src="//www.youtube.com/embed/abc?x=1" title="The speech"></iframe>\n\n<div><audio controls><source src="a.mp3"></audio>'
        "</div>\n\n<script>alert(1)</script>\n\n`<iframe>`\n"
    )
    report = import_from("hugo", site(tmp_path, **{"content/posts/a.md": post(body=body)}), tmp_path / "out")
    text = text_of(tmp_path / "out", "a")
    assert '<a href="https://www.youtube.com/watch?v=abc">The speech</a>' in text
    assert "alert" not in text
    assert "`<iframe>`" in text
    assert notes(report, "lost", "<script>") == ["content/posts/a.md:11: <script> was taken out"]


def test_a_reference_in_broken_markdown_leads_somewhere_too(tmp_path: Path) -> None:
    body = '[One]({{< ref "b.md" >}} and [two]({{< ref "b.md" >}} "A "title" in quotes") and {{< ref "gone.md" >}}.\n'
    files = {"content/posts/a.md": post(body=body), "content/posts/b.md": post("B")}
    import_from("hugo", site(tmp_path, **files), tmp_path / "out")
    text = text_of(tmp_path / "out", "a")
    assert text.count("/articles/b/") == 2
    assert "nightdesk" not in text


def test_names_get_profiles_and_bare_ids_are_reported(tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": post(authors="[Ada Lindqvist, jp]", image="/gone.png", image_alt="The pier"),
        "content/posts/b.md": post("B", authors="[ada-lindqvist]", image="here.png"),
        "content/posts/here.png": PNG,
    }
    report = import_from("hugo", site(tmp_path, **files), tmp_path / "out")
    assert (tmp_path / "out/authors/ada-lindqvist.md").read_text() == "---\nname: Ada Lindqvist\n---\n\n\n"
    assert not (tmp_path / "out/authors/jp.md").exists()
    assert notes(report, "noted", "no profile") == ["authors/jp.md: jp"]
    assert not notes(report, "noted", "Nightdesk will warn of this authors")
    assert "alt: The pier" in front_matter_of(tmp_path / "out", "a")
    assert draft(tmp_path / "out", "b").hero["src"] == "here.png"


def test_a_drawing_that_acts_is_reported_like_any_warning(tmp_path: Path) -> None:
    files = {
        "content/posts/a/index.md": post(body="![One](one.svg) ![Two](two.svg)\n"),
        "content/posts/a/one.svg": '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h1"/></svg>',
        "content/posts/a/two.svg": '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    }
    report = import_from("hugo", site(tmp_path, **files), tmp_path / "out")
    assert len(notes(report, "noted", "two.svg")) == 1
    assert not notes(report, "noted", "one.svg")


def test_what_looks_like_another_system_is_named(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "s", {"_config.yml": "title: x", "_posts/2020-01-01-a.md": post()})
    with pytest.raises(Permanent, match="nightdesk import jekyll"):
        import_from("hugo", root, tmp_path / "out")


def test_each_language_has_a_folder_of_its_own(tmp_path: Path) -> None:
    languages = 'defaultContentLanguage = "en"\n[languages.no]\ncontentDir = "content/no"\n[languages.en]\ncontentDir = "content/en"\n'
    root = write_tree(
        tmp_path / "site",
        {
            "hugo.toml": languages + CONFIG,
            "content/en/posts/quay.md": post(body='See {{< ref "pier" >}}.\n'),
            "content/en/posts/pier.md": post("Pier"),
            "content/no/posts/pier.md": post("Brygge", date="2018-01-01"),
            "content/no/om.md": "---\ntitle: Om oss\ntranslationKey: about\n---\nVi.\n",
            "content/en/about.md": "---\ntitle: About\ntranslationKey: about\n---\nWe.\n",
            "content/en/authors/ada/_index.md": "---\ntitle: Ada\n---\nBio.\n",
        },
    )
    import_from("hugo", root, tmp_path / "out")
    assert "See /articles/pier/." in text_of(tmp_path / "out", "quay")
    norwegian = draft(tmp_path / "out", "pier-no")
    assert (norwegian.language, norwegian.translation_of) == ("no", "pier")
    assert norwegian.aliases == ("/no/2018/01/brygge/",)
    assert (draft(tmp_path / "out", "pier").language, draft(tmp_path / "out", "pier").aliases) == (
        "",
        ("/2019/03/pier/",),
    )
    assert {path.name for path in (tmp_path / "out").glob("*/*.md")} == {"about.md", "om-no.md", "ada.md"}


def test_the_languages_of_a_bundle_are_translations(tmp_path: Path) -> None:
    files = {"content/posts/quay/index.md": post("Quay"), "content/posts/quay/index.fr.md": post("Le quai")}
    files |= {"content/posts/pier.en.md": post("Pier"), "content/posts/pier.fr.md": post("La jetée")}
    root = write_tree(tmp_path / "site", {"hugo.toml": CONFIG + "[languages.en]\n[languages.fr]\n", **files})
    import_from("hugo", root, tmp_path / "out")
    found = {slug: draft(tmp_path / "out", slug).translation_of for slug in ("quay", "quay-fr", "pier", "pier-fr")}
    assert found == {"quay": "", "quay-fr": "quay", "pier": "", "pier-fr": "pier"}


def test_a_zip_that_was_not_wholly_downloaded_is_called_so(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "site.zip", {"hugo.toml": CONFIG, "content/posts/a.md": post() * 100})
    (tmp_path / "half.zip").write_bytes(whole.read_bytes()[:150])
    with pytest.raises(Permanent, match="damaged or not complete"):
        import_from("hugo", tmp_path / "half.zip", tmp_path / "out")


def test_what_a_section_or_a_bundle_keeps_from_readers_is_a_draft(tmp_path: Path) -> None:
    root = site(
        tmp_path,
        **{
            "content/posts/inside/_index.md": "---\ntitle: Inside\ncascade:\n  draft: true\n---\n",
            "content/posts/inside/2019/plan.md": post("Plan"),
            "content/posts/never/_index.md": "---\ntitle: N\ncascade:\n- build: {render: never}\n---\n",
            "content/posts/never/note.md": post("Note"),
            "content/posts/quay/index.md": post("Quay"),
            "content/posts/quay/interview.md": post("Interview"),
            "content/posts/open/_index.md": "---\ntitle: Open\ncascade: {type: news}\n---\n",
            "content/posts/open/pier.md": post("Pier"),
            "content/index.md": post("Home"),
        },
    )
    import_from("hugo", root, tmp_path / "out")
    found = {name: draft(tmp_path / "out", name).draft for name in ("plan", "note", "quay", "interview", "pier")}
    assert found == {"plan": True, "note": True, "quay": False, "interview": True, "pier": False}


def test_texts_in_other_encodings_are_read_and_named(tmp_path: Path) -> None:
    texts = {
        "wide": post(body="Caf\u00e9.\n").encode("utf-16"),
        "nul": post(body="Caf\u00e9\0.\n").encode(),
        "cr": post(body="Caf\u00e9.\n").replace("\n", "\r").encode(),
    }
    root = site(tmp_path, **{f"content/posts/{name}.md": raw for name, raw in texts.items()})
    report = import_from("hugo", root, tmp_path / "out")
    assert [text_of(tmp_path / "out", name) for name in texts] == ["Caf\u00e9."] * 3
    assert len(notes(report, "changed", "UTF-16")) == len(notes(report, "changed", "NUL")) == 1


def test_images_inside_a_text_become_files_beside_the_draft(tmp_path: Path) -> None:
    data = base64.b64encode(PNG).decode()
    body = f'![Pier](data:image/png;base64,{data}) <img src="data:image/png;base64,{data}" alt="Q"> ![x](data:image/png;base64,=)\n'
    root = site(tmp_path, **{"content/posts/a.md": post(body=body)})
    report = import_from("hugo", root, tmp_path / "out")
    (image,) = (tmp_path / "out/drafts/a").glob("*.png")
    assert image.read_bytes() == PNG
    assert text_of(tmp_path / "out", "a") == f'![Pier]({image.name}) <img src="{image.name}" alt="Q"> x'
    assert len(notes(report, "lost", "inside the text")) == 1


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2020-01-01 10:00:00 EST", "2020-01-01T10:00:00-05:00"),
        ("2020-07-01 10:00 America/New_York", "2020-07-01T10:00:00-04:00"),
        ("2020-07-01 10:00:00 +0200 CEST", "2020-07-01T10:00:00+02:00"),
        ("Wed, 01 Jan 2020 10:00:00 GMT", "2020-01-01T10:00:00+00:00"),
        ("January 2nd, 2020 3:04 PM", "2020-01-02T15:04:00+01:00"),
        ("2020/01/02 10:11:12 +0100", "2020-01-02T10:11:12+01:00"),
        ("20200102", "2020-01-02T00:00:00+01:00"),
        ("2020年1月2日", "2020-01-02T00:00:00+01:00"),
        ("1577836800", "2020-01-01T00:00:00+00:00"),
        ("1577836800000", "2020-01-01T00:00:00+00:00"),
    ],
)
def test_dates_of_every_form_are_read(typed: str, read: str) -> None:
    assert read_date(typed, ZoneInfo("Europe/Oslo")) == read


@pytest.mark.parametrize("typed", ["01/02/2020", "2020", "2020-02-30", "soon", "-1", "2020-01-01T10:00:00+25:00"])
def test_dates_that_may_mean_two_days_or_none_are_not_guessed(typed: str) -> None:
    with pytest.raises(InvalidTimestamp):
        read_date(typed, UTC)


@pytest.mark.parametrize(
    "key", ["draft: [true]", "isDraft: true", "publish: false", "is_published: no", "status: [draft]", "public: 0"]
)
def test_whatever_keeps_a_post_from_readers_makes_a_draft(tmp_path: Path, key: str) -> None:
    root = site(tmp_path, **{"content/posts/a.md": f"---\ntitle: A\ndate: 2020-01-01\n{key}\n---\nText.\n"})
    import_from("hugo", root, tmp_path / "out")
    assert draft(tmp_path / "out", "a").draft


def test_texts_that_are_too_long_are_shortened_and_foreign_keys_set_aside(tmp_path: Path) -> None:
    matter = f'---\ntitle: "{"wind " * 100}\\a"\ndescription: {"d" * 3000}\nsources: [{{a: b}}]\nnewsletter: weekly\ndate: 2020-01-01\n---\nText.\n'
    report = import_from("hugo", site(tmp_path, **{"content/posts/a.md": matter}), tmp_path / "out")
    found = draft(tmp_path / "out", "a")
    assert found.title.endswith("wind …")
    assert (len(found.title) <= 300, len(found.dek)) == (True, 2000)
    assert notes(report, "changed", "means something else") == [
        "content/posts/a.md: sources",
        "content/posts/a.md: newsletter",
    ]


@pytest.mark.parametrize(
    "text", ['{{< x "' * 4000, "<!--" * 20_000, "`" * 30_001 + "a" * 30_000, "{% if x %}" * 5000, '{% x "' * 4000]
)
@pytest.mark.parametrize("system", ["hugo", "jekyll"])
def test_texts_made_to_keep_patterns_busy_are_read(tmp_path: Path, system: str, text: str) -> None:
    name = "content/posts/a.md" if system == "hugo" else "_posts/2020-01-01-a.md"
    root = write_tree(tmp_path / "site", {name: f"---\ntitle: A\ndate: 2020-01-01\n---\n{text}\n"})
    assert import_from(system, root, tmp_path / "out").counts["articles"] == 1


def test_html_with_front_matter_is_an_article_and_other_html_is_a_file(tmp_path: Path) -> None:
    body = '<p>See <a href="b.md">b</a>.</p><script>x</script>{{< youtube abcdefghijk >}}\n'
    files = {
        "content/posts/a.html": post(body=body),
        "content/posts/b.md": post("B"),
        "content/posts/c.html": "<html>c</html>",
    }
    report = import_from("hugo", site(tmp_path, **files), tmp_path / "out")
    text = text_of(tmp_path / "out", "a")
    assert "See [b](/articles/b/)." in text
    assert "youtube.com/watch?v=abcdefghijk" in text.replace("\\", "")
    assert report.counts["articles"] == 2
    assert len(notes(report, "skipped", "without front matter")) == 1


def test_a_gate_in_html_hides_the_whole_text(tmp_path: Path) -> None:
    body = "<p>Free.</p>{{< members-only >}}<p>Hidden.</p>{{< /members-only >}}\n"
    report = import_from(
        "hugo",
        site(tmp_path, **{"content/posts/a.html": post(body=body), "content/posts/b.md": post()}),
        tmp_path / "out",
    )
    assert draft(tmp_path / "out", "a").access == "member"
    assert len(notes(report, "changed", "as a whole")) == 1


def test_files_that_are_no_images_are_named(tmp_path: Path) -> None:
    text = "---\ntitle: A\ndate: 2020-01-01\n---\n![x](fake.png) ![x](fake.png)\n"
    files = {"content/a/index.md": text, "content/a/fake.png": b"<html><script>1</script>"}
    report = import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert len(notes(report, "lost", "a file is not the image that its name says")) == 1


def test_a_site_below_a_path_keeps_it_in_old_addresses(tmp_path: Path) -> None:
    text = "---\ntitle: A\ndate: 2020-01-01\naliases: [/old/]\n---\n[x](/blog/gone/) [y](/gone/) [z](/posts/a/)\n"
    files = {"hugo.toml": 'baseURL = "https://skerry.example/blog/"\n', "content/posts/a.md": text}
    import_from("hugo", write_tree(tmp_path / "site", files), tmp_path / "out")
    assert "- /blog/posts/a/\n- /blog/old/" in front_matter_of(tmp_path / "out", "a")
    gone = "https://skerry.example/blog/gone/"
    assert text_of(tmp_path / "out", "a") == f"[x]({gone}) [y]({gone}) [z](/articles/a/)"


def test_a_topic_that_no_public_article_names_gets_no_profile(tmp_path: Path) -> None:
    files = {
        "content/posts/a.md": "---\ntitle: A\ndate: 2021-01-01\ncategories: [The Sea]\n---\nText.\n",
        "content/posts/b.md": "---\ntitle: B\ndate: 2021-01-01\ndraft: true\ncategories: [The Merger]\n---\nText.\n",
        "content/posts/c.md": "---\ntitle: C\ndate: 2021-01-01\npublishDate: 2099-01-01\ncategories: [The Deal]\n---\nText.\n",
    }
    report = import_from("hugo", write_tree(tmp_path / "s", files), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out/topics").iterdir()] == ["the-sea.md"]
    assert notes(report, "skipped", "that no public article names") == [
        "topics/the-deal.md: The Deal",
        "topics/the-merger.md: The Merger",
    ]


def test_a_lead_image_that_is_only_named_leaves_nothing_above_the_text(tmp_path: Path) -> None:
    image = "{uid: tile-1, alt: A pier, caption: The pier at dusk.}"
    report = import_from(
        "hugo", site(tmp_path, **{"content/posts/quay-closed.md": post(featured_image=image)}), tmp_path / "out"
    )
    assert text_of(tmp_path / "out", "quay-closed") == "Text."
    [note] = notes(report, "lost", "caption of a lost lead image")
    assert note.endswith("The pier at dusk.")
