"""`nightdesk export`, and back: the drafts that come back from a Hugo site are those that went there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.drafts_bucket import classify
from nightdesk.rendering.markdown import to_html
from nightdesk_cli.files import folder_keys
from nightdesk_cli.importing.export import Exporter
from nightdesk_cli.importing.report import Report
from nightdesk_cli.importing.runner import site_in
from nightdesk_cli.importing.writer import Folder
from support.importing import NOW, PNG, import_from, notes, snapshot, write_tree

ROOT = Path(__file__).resolve().parents[2]
SITE = "name: Skerry\ntimezone: Europe/Oslo\ntiers: [public, reader, friend, patron]\nteaser: For {tier}s\n"
ARTICLE = """---
title: "What &amp; who: the #1 storm"
dek: All of it.
language: nb
translation_of: the-storm
typography: false
date: 2021-02-03 10:00
updated: 2021-02-04
author: [Ada Lindqvist, bo]
topics: [sea]
tags: [a, "b, c"]
publish_at: 2021-02-01
expiryDate: 2022-01-01
image: {src: Pier.png, alt: Pier, source_type: digitalCapture}
sources: [{title: T, url: "https://x.example/?a=1", note: N}]
sources_access: friend
production: {ai_roles: [draft], reviewed_by: Ada}
corrections: [{date: 2021-02-05, text: "A: b"}]
newsletter: true
featured: true
pinned_until: 2021-02-06 12:00
aliases: [/2021/Old_Path.html, /older/]
kicker: ""
weight: 3
nested: {a: [1, {b: null}]}
---

Free {{< not-a-shortcode >}} and {{</* escaped */>}}.

<!-- a note -->

::: gate tier=friend teaser="A \\"quoted\\" {{ teaser }} \\\\ here"

Hidden[^1] ![Pier](Pier.png)

::: figure src="the quay.png" alt="Quay" credit="A \\ B"
:::

```
::: not a gate
```

[^1]: Note.

:::

Between. [link](/articles/other/?q=1#x)
::: figure src=Pier.png alt="A \\"pier\\"" caption="See [the map](x.png) {{< now >}}" credit=Wire source_type=digitalCapture
:::

:::: gate
Longer
:::
::::

<!-- :: --> End.
"""
FILES = {
    "site.yaml": SITE,
    "drafts/2021-02-03-storm/index.md": ARTICLE,
    "drafts/2021-02-03-storm/Pier.png": PNG,
    "drafts/2021-02-03-storm/the quay.png": PNG + b"quay",
    "drafts/plain.md": "+++\ntitle = 'Plain'\ndate = 2020-01-01\n+++\nBody.\n",
    "drafts/member.md": "---\ntitle: For friends\naccess: friend\nslug: friends\n---\nFree part?\n\n::: gate tier=patron\nMore\n:::\n",
    "drafts/embargo.md": "---\ntitle: Later\npublish_at: 2099-01-01\n---\nX\n",
    "drafts/hidden.md": "---\ntitle: Draft\ndraft: true\n---\nX\n",
    "drafts/broken.md": "---\ntitel: x\n---\n",
    "authors/ada-lindqvist.md": "---\nname: Ada Lindqvist\nbeat: Storms\nportrait: ada.png\n---\nSails.\n",
    "authors/ada.png": PNG + b"ada",
    "topics/sea.md": "---\nname: The sea\nsummary: Wet\n---\n",
    "pages/about.md": "---\ntitle: About\n---\nWe.\n",
    "updates/2021/x.md": "---\nheadline: Now\n---\n",
}


def export(source: Path, target: Path, withdrawn: Collection[str] = ()) -> Report:
    report = Report()
    files = folder_keys(source)
    Exporter(
        lambda key: files[key].read_bytes(),
        site_in(source),
        to_html,
        Folder(target, False, report, NOW),
        report,
        withdrawn,
    ).run(files)
    return report


def drafts(folder: Path) -> dict[str, dict[str, Any]]:
    """The drafts of a folder by slug, without what their place in the file decides."""
    found = {}
    for key, path in folder_keys(folder).items():
        parsed = classify(key)
        if parsed and parsed.kind == "draft" and b"titel:" not in path.read_bytes():
            draft = parse_draft(path.read_bytes(), parsed.name, site_in(folder), to_html)
            passages = [(p.tier, p.teaser, p.text.strip("\n"), [f.said for f in p.figures]) for p in draft.passages]
            found[draft.slug] = {**asdict(draft), "passages": passages, "warnings": ()}
    return found


def there_and_back(tmp_path: Path, source: Path) -> Report:
    export(source, tmp_path / "hugo")
    return import_from("hugo", tmp_path / "hugo", tmp_path / "back")


def test_drafts_come_back_as_they_were(tmp_path: Path) -> None:
    source = write_tree(tmp_path / "source", FILES)
    there_and_back(tmp_path, source)
    before, after = drafts(source), drafts(tmp_path / "back")
    assert set(before) == set(after) == {"storm", "plain", "friends", "embargo", "hidden"}
    for slug, draft in before.items():
        assert after[slug] == draft
    for key in ("site.yaml", "drafts/broken.md", "updates/2021/x.md"):
        assert (tmp_path / "back" / key).read_bytes() == (source / key).read_bytes()
    assert (tmp_path / "back/drafts/storm/Pier.png").read_bytes() == PNG
    assert "beat: Storms" in (tmp_path / "back/authors/ada-lindqvist.md").read_text()
    assert (tmp_path / "back/authors/ada-lindqvist.png").read_bytes() == PNG + b"ada"
    assert (tmp_path / "back/pages/about.md").is_file()


def test_a_second_journey_changes_no_byte(tmp_path: Path) -> None:
    there_and_back(tmp_path / "1", write_tree(tmp_path / "source", FILES))
    there_and_back(tmp_path / "2", tmp_path / "1/back")
    first, second = (
        {key: raw for key, (raw, _) in snapshot(tmp_path / n / "back").items() if not key.startswith(".")} for n in "12"
    )
    assert first == second


def test_hugo_would_show_nobody_what_is_hidden(tmp_path: Path) -> None:
    source = write_tree(tmp_path / "source", FILES)
    report = export(source, tmp_path / "hugo", withdrawn={"plain"})
    storm = (tmp_path / "hugo/content/articles/2021-02-03-storm/index.md").read_text()
    assert '{{< gate tier="friend" teaser="A \\"quoted\\" {{ teaser }} \\\\ here" fence="4" >}}' in storm
    assert "::: gate" not in storm
    body = (tmp_path / "hugo/content/articles/friends.md").read_text().split("\n---\n")[1]
    assert body.startswith('{{< gate tier="friend" whole="true"')
    assert body.rstrip().endswith("{{< /gate >}}")
    assert "publishDate: '2099" in (tmp_path / "hugo/content/articles/embargo.md").read_text()
    assert "render: never" in (tmp_path / "hugo/content/articles/plain.md").read_text()
    assert notes(report, "lost")[0].startswith("drafts/broken.md:")
    import_from("hugo", tmp_path / "hugo", tmp_path / "back")
    assert drafts(tmp_path / "back")["plain"]["draft"]


def test_the_examples_come_back(tmp_path: Path) -> None:
    there_and_back(tmp_path, ROOT / "examples")
    before, after = drafts(ROOT / "examples"), drafts(tmp_path / "back")
    assert len(before) > 3
    assert after == before


@pytest.mark.parametrize(
    "text", ["{{< a >}}", "{{% b %}}", "{{</* c */>}}", "`{{< /gate >}}`", '`{{< gate tier="x" >}}`']
)
def test_text_that_looks_like_a_shortcode_comes_back(tmp_path: Path, text: str) -> None:
    source = write_tree(
        tmp_path / "source", {"drafts/a.md": f"---\ntitle: A\n---\nOne {text} two\n\n::: gate\n{text}\n:::\n"}
    )
    there_and_back(tmp_path, source)
    assert drafts(tmp_path / "back") == drafts(source)


def test_a_figure_becomes_the_one_of_hugo_and_comes_back_with_its_image(tmp_path: Path) -> None:
    figure = (
        '::: figure src="charts/fares.png" alt="A \\"chart\\"" caption="See [it](x.png) {{< now >}}" credit=Wire\n:::'
    )
    text = f'---\ntitle: A\n---\n{figure}\n\n::: gate tier=patron teaser="More"\n{figure}\nHidden.\n:::\n'
    files = {"site.yaml": SITE, "drafts/a/index.md": text, "drafts/a/charts/fares.png": PNG}
    source = write_tree(tmp_path / "source", files)
    there_and_back(tmp_path, source)
    hugo = (tmp_path / "hugo/content/articles/a/index.md").read_text()
    assert (
        hugo.count(
            '\n{{< figure src="charts/fares.png" alt="A \\"chart\\"" caption="See [it](x.png) {{< now >}}" attr=Wire >}}\n'
        )
        == 2
    )
    assert ":::" not in hugo
    back = (tmp_path / "back/drafts/a/index.md").read_text()
    assert (tmp_path / "back/drafts/a/charts/fares.png").read_bytes() == PNG
    assert back.split("---\n")[2].lstrip() == text.split("---\n")[2]


def test_what_lies_beside_comes_back(tmp_path: Path) -> None:
    files = {
        "newsletters/weekly/index.md": "---\nname: Weekly\n---\n",
        "newsletters/weekly/pic.png": PNG,
        "drafts/rej/index.md": "---\nkicker: K\nweight: 3\ntitle: R\naccess: nosuch\n---\nX\n",
        "drafts/rej/a.png": PNG + b"a",
        "authors/bad.md": "---\nname: Bad\ndraft: true\n---\n",
        "authors/bad.png": PNG + b"b",
        "topics/sea.png": PNG + b"c",
        "drafts/a.md": "---\ntitle: A\n---\nX\n",
    }
    source = write_tree(tmp_path / "source", files)
    export(source, tmp_path / "hugo")
    import_from("hugo", tmp_path / "hugo", tmp_path / "back")
    for key in files.keys() - {"drafts/a.md"}:
        assert (tmp_path / "back" / key).read_bytes() == (source / key).read_bytes()
    assert not (tmp_path / "hugo/content/articles/rej").exists()


def test_the_reason_for_a_rejection_is_no_warning(tmp_path: Path) -> None:
    text = "---\nkicker: K\ntitle: R\naccess: nosuch\n---\nX\n"
    report = export(write_tree(tmp_path / "source", {"drafts/rej.md": text}), tmp_path / "hugo")
    assert [note for note in notes(report, "lost") if "drafts/rej.md:4: " in note]


@pytest.mark.parametrize("text", ["`{{< youtube abc_-123456 >}}`", "{{</* a */>}}", "{{</*/* b */*/>}}", "{{% c %}}"])
def test_text_of_pages_and_profiles_comes_back(tmp_path: Path, text: str) -> None:
    files = {
        "pages/help.md": f"---\ntitle: Help\n---\n\n{text}\n",
        "authors/ada.md": f"---\nname: Ada\n---\n\n{text}\n",
        "topics/sea.md": f"---\nname: Sea\n---\n\n{text}\n",
    }
    source = write_tree(tmp_path / "source", {**files, "drafts/a.md": f"---\ntitle: A\n---\n{text}\n"})
    report = there_and_back(tmp_path, source)
    for key in files:
        assert (tmp_path / "back" / key).read_text() == (source / key).read_text()
    assert drafts(tmp_path / "back") == drafts(source)
    assert not notes(report, "changed", "no place for")


def test_the_template_of_a_gate_takes_its_text_and_does_not_show_it(tmp_path: Path) -> None:
    export(write_tree(tmp_path / "source", FILES), tmp_path / "hugo")
    template = (tmp_path / "hugo/layouts/shortcodes/gate.html").read_text()
    assert template.count(".Inner") == 1
    assert template.startswith("{{ $_ := .Inner }}<aside")
