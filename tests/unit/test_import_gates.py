"""Whatever an archive hides from some readers is hidden after an import too: shortcodes, elements, dividers, cards."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from nightdesk_cli.importing.gates import CLOSE, mark_rest, open_mark, write_gates
from nightdesk_cli.importing.html_text import html_to_markdown, plain_text
from nightdesk_cli.importing.matter_posts import tier_of
from support.importing import draft, import_from, notes, text_of, write_tree

TIERS = ("public", "subscriber", "member")
HEAD = "---\ntitle: Storm\ndate: 2021-01-01\n---\n"


def gates(out: Path, slug: str) -> list[tuple[str, str]]:
    """The tier and the teaser of each gate, after checking that no hidden word is free."""
    passages = draft(out, slug).passages
    assert "Hidden" not in "".join(p.source for p in passages if not p.tier)
    assert all("Hidden" in p.source for p in passages if p.tier)
    return [(p.tier, p.teaser) for p in passages if p.tier]


@pytest.mark.parametrize(
    ("system", "files", "body"),
    [
        (system, files, body)
        for system, files in (
            ("hugo", {"content/posts/storm.md": ""}),
            ("jekyll", {"_config.yml": "title: x", "_posts/2021-01-01-storm.md": ""}),
            ("eleventy", {"eleventy.config.js": "", "posts/storm.md": ""}),
            ("pelican", {"pelicanconf.py": "", "content/storm.md": ""}),
        )
        for body in (
            'Free.\n\n<section class="gate" data-tier="subscriber" data-teaser="A &quot;b&quot;" markdown="1">\n\nHidden.\n\n<div>Hidden.</div>\n\n</section>\n\nFree.\n',
            'Free.\n\n<div data-teaser="A &quot;b&quot;" data-tier="members"><p>Hidden.</p></div>\n',
        )
    ],
)
def test_elements_that_name_a_tier(tmp_path: Path, system: str, files: dict[str, str], body: str) -> None:
    root = write_tree(
        tmp_path / "s", {name: HEAD + body if name.endswith(".md") else text for name, text in files.items()}
    )
    report = import_from(system, root, tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("subscriber", 'A "b"')]
    assert len(notes(report, "changed", "became a gate")) == 1


@pytest.mark.parametrize("mark", ["<!--steady-paywall-->", "<!-- Members area restricted -->", "<!-- /paywall -->"])
def test_comments_that_hide_what_follows_them(tmp_path: Path, mark: str) -> None:
    body = f"Free. `{mark}`\n\n<!-- The paywall is below this. -->\n\nFree.\n\n{mark}\n\nHidden.\n\n{mark}\n\nHidden.\n"
    report = import_from("hugo", write_tree(tmp_path / "s", {"content/posts/storm.md": HEAD + body}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", "")]
    assert len(notes(report, "changed", "a comment that hides")) == 2
    page = f"<p>Free.</p><!-- The paywall is below this. --><div><p>Free.</p><p>{mark}</p><p>Hidden.</p></div><p>Hidden.</p>"
    made = html_to_markdown(page, lambda *_: None)
    public, _, hidden = write_gates(made, TIERS).partition("::: gate tier=member")
    assert (public.split(), hidden.split()) == (["Free."] * 2, ["Hidden."] * 2 + [":::"])


def test_a_divider_in_a_gate_leaves_the_gate(tmp_path: Path) -> None:
    page = '<p>Free.</p><div class="members-only"><p>Hidden.</p><a name="x"><!--members-only--></a><p>Hidden.</p></div>'
    made = html_to_markdown(page, lambda *_: None)
    assert write_gates(made, TIERS).count("::: gate tier=member") == 2


@pytest.mark.parametrize(
    "element",
    [
        "<div style='color: red; display: none'>canary</div>",
        "<p hidden>canary</p>",
        "<dialog><p>canary</p></dialog>",
        "<span style='visibility:hidden'>canary</span>",
        "<div popover><!--members-only-->canary<p hidden>canary</p></div>",
        "<ol class='footnotes' hidden><li id='fn1'>canary</li></ol><a href='#fn1'>1</a>",
    ],
)
def test_elements_that_nobody_sees_are_taken_out(element: str) -> None:
    lost: list[tuple[str, str]] = []
    made = html_to_markdown(
        f"<p>Free.</p>{element}<p>Free.</p>", lambda outcome, kind, said, _: lost.append((outcome, said))
    )
    assert "canary" not in made
    assert made.count("Free.") == 2
    assert lost[-1][0] == "lost"
    assert "canary" in lost[-1][1]
    assert "canary" not in plain_text(f"Title {element}")


def test_a_hidden_element_for_members_becomes_a_gate() -> None:
    made = html_to_markdown("<p>Free.</p><div class='members-only' style='display:none'>Hidden.</div>", lambda *_: None)
    assert "Hidden." in write_gates(made, TIERS).partition("::: gate tier=member")[2]


def test_shortcodes_that_hide(tmp_path: Path) -> None:
    body = (
        'Free.\n\n{{< gate tier="member" teaser="Why: \\"x\\"" >}}\n\n## Hidden\n\n{{< /gate >}}\n\nFree.\n\n'
        "{{% paywall %}}\nHidden too.\n{{% /paywall %}}\n"
    )
    import_from("hugo", write_tree(tmp_path / "s", {"content/posts/storm.md": HEAD + body}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", 'Why: "x"'), ("member", "")]


def test_cards_of_ghost_without_html(tmp_path: Path) -> None:
    def text(words: str, bits: int = 0) -> dict[str, object]:
        return {"type": "text", "text": words, "format": bits}

    nodes = [
        {"type": "paragraph", "children": [text("Free "), text("bold", 1)]},
        {"type": "markdown", "markdown": "## Raw *Markdown*\n\n- one"},
        {"type": "paywall"},
        {"type": "extended-heading", "tag": "h3", "children": [text("Hidden")]},
        {"type": "list", "listType": "number", "children": [{"type": "listitem", "children": [text("Item")]}]},
        {"type": "bookmark", "url": "https://x.example/", "metadata": {"title": "X"}},
    ]
    post = {"id": "1", "slug": "storm", "title": "S", "status": "published", "visibility": "paid", "html": None}
    old = {**post, "id": "2", "slug": "older", "mobiledoc": json.dumps({"markups": [["a", ["href", "https://x.example/"]]], "cards": [["paywall", {}]], "sections": [[1, "p", [[0, [0], 1, "Free"]]], [10, 0], [1, "p", [[0, [], 0, "Hidden"]]]]})}  # fmt: skip
    data = {"posts": [{**post, "lexical": json.dumps({"root": {"children": nodes}})}, old]}
    import_from("ghost", write_tree(tmp_path / "s", {"x.json": json.dumps({"db": [{"data": data}]})}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", "")]
    assert gates(tmp_path / "out", "older") == [("member", "")]
    found = text_of(tmp_path / "out", "storm")
    for expected in ("Free **bold**", "## Raw *Markdown*\n\n- one", "### Hidden", "1. Item", "[X](https://x.example/)"):
        assert expected in found


def test_elements_of_html_that_hide(tmp_path: Path) -> None:
    post = {"id": "1", "slug": "storm", "title": "S", "status": "published", "visibility": "public"}
    body = '<p>Free.</p><div class="x members-only"><p>Hidden.</p></div><p>Free.</p>'
    data = {"posts": [{**post, "html": body}]}
    import_from("ghost", write_tree(tmp_path / "s", {"x.json": json.dumps({"data": data})}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", "")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a\n{open_mark('member')}b", "a\n\n::: gate tier=member\nb\n:::\n"),
        (f"a{CLOSE}b", "ab\n"),
        (f"{open_mark('subscriber')}a{open_mark('member')}b{CLOSE}c{CLOSE}d", "::: gate tier=member\nabc\n:::\n\nd\n"),
        (f"{open_mark('x')}a{CLOSE}", "::: gate tier=member\na\n:::\n"),
        (f"{open_mark('')}::: x{CLOSE}", ":::: gate tier=member\n::: x\n::::\n"),
        (f"a\n\n{open_mark('member')}\n\n{CLOSE}\n\nb", "a\n\nb\n"),
        (f"```\n{open_mark('member')}\n```\n{CLOSE}", "::: gate tier=member\n```\n\n```\n:::\n"),
        (f"- a\n\n  ```\n  b\n\n```\n{open_mark('subscriber')}\nc\n{CLOSE}\n```", "::: gate tier=member\n- a\n\n  ```\n  b\n\n```\n\nc\n\n```\n:::\n"),
        (f"a[^1]\n{open_mark('')}b[^2]\n{CLOSE}\n\n[^1]: One\n\n[^2]: Two\n    more\n", "a[^1]\n\n\n[^1]: One\n\n::: gate tier=member\nb[^2]\n\n\n[^2]: Two\n    more\n:::\n"),
    ],
)  # fmt: skip
def test_marks_become_directives(text: str, expected: str) -> None:
    assert write_gates(text, TIERS) == expected


def test_a_teaser_cannot_break_out_of_its_mark_or_its_line() -> None:
    teaser = '--> "x" \\ \n::: <!--'
    made = write_gates(f"{open_mark('member', teaser)}a{CLOSE}", TIERS)
    assert made == '::: gate tier=member teaser="--> \\"x\\" \\\\ ::: <!--"\na\n:::\n'


def test_a_site_without_tiers_publishes_nothing_hidden(tmp_path: Path) -> None:
    assert tier_of("paid", ("public",)) not in ("", "public")
    assert tier_of("", ("public",)) == ""
    root = write_tree(tmp_path / "s", {"content/posts/storm.md": HEAD + "Free.\n\n<!--members-only-->\n\nHidden.\n"})
    write_tree(tmp_path / "out", {"site.yaml": "tiers: [public]\n"})
    report = import_from("hugo", root, tmp_path / "out")
    assert len(notes(report, "lost", "would reject")) == 1


def test_only_the_first_divider_counts() -> None:
    assert write_gates(mark_rest("a\n<!--members-only-->\nb\n<!--members-only-->\nc", "member"), TIERS) == (
        "a\n\n::: gate tier=member\nb\n\nc\n:::\n"
    )


@pytest.mark.parametrize(
    "content",
    [
        '<table><tr><td colspan="2"><div class="paywall">canary</div></td></tr></table>',
        '<table><tr><td colspan="2">x<!--kg-gated-block:begin nonMember:false memberSegment:"" -->canary<!--kg-gated-block:end--></td></tr></table>',
        '<figure><img src="/a.png"><figcaption>x <span class="paywall">canary</span></figcaption></figure>',
        '<pre>x <span class="members-only">canary</span></pre>',
        '<h2>x <span class="premium">canary</span></h2>',
    ],
)
def test_what_cannot_be_divided_is_hidden_as_a_whole(content: str) -> None:
    made = write_gates(
        html_to_markdown(f"<p>Free.</p>{content}<p>End.</p>", lambda *_: None), ["public", "subscriber", "member"]
    )
    public, _, rest = made.partition("::: gate tier=member\n")
    hidden, _, after = rest.partition("\n:::\n")
    assert (public.strip(), after.strip(), "canary" in hidden) == ("Free.", "End.", True)


BEGIN, END = '<!--kg-gated-block:begin nonMember:false memberSegment:"status:-free" -->', "<!--kg-gated-block:end-->"


@pytest.mark.parametrize(
    "html",
    [
        f"<div><p>Free.</p>{BEGIN}<p>Hidden.</p></div><p>Hidden.</p>{END}<p>Free.</p>",
        f"<p>Free.</p>{BEGIN}<div><p>Hidden.</p>{END}<p>Free.</p></div>",
        f"<div><p>Free.</p>{BEGIN}<p>Hidden.</p></div><p>Hidden.</p>",
        f"<p>Free.</p>{BEGIN}<p>Hidden.</p>{BEGIN}<p>Hidden.</p>{END}<p>Free.</p>",
        f"<p>Free. <!-- left open</p>{BEGIN}<p>Hidden.</p>{END}<p>Free.</p>",
        f"<ul><li>Free.</li>{BEGIN}<li>Hidden.</li></ul><p>Hidden.</p>{END}<p>Free.</p>",
        f"<p>Free.</p>{BEGIN}<table><tr><td>Hidden.</td>{END}</tr></table><p>Free.</p>",
    ],
)
def test_a_block_of_ghost_is_hidden_up_to_its_end_wherever_its_elements_end(html: str) -> None:
    made = html_to_markdown(html, lambda *_: None)
    written = write_gates(made, TIERS)
    free = re.sub(r"(?ms)^:::+ gate tier=member\n.*?^:::+$", "", written)
    assert "Hidden" not in free
    assert free.count("Free.") == html.count("Free.")
    assert written.count("Hidden") == html.count("Hidden")


def test_a_block_of_ghost_whose_mark_gets_lost_hides_the_whole_post(tmp_path: Path) -> None:
    html = f"<p>Free.</p><script>{BEGIN}</script><p>Hidden.</p>{END}"
    post = {"id": "1", "slug": "storm", "title": "Storm", "html": html, "status": "published", "visibility": "public"}
    (tmp_path / "ghost.json").write_text(json.dumps({"data": {"posts": [post]}}))
    import_from("ghost", tmp_path / "ghost.json", tmp_path / "out")
    assert draft(tmp_path / "out", "storm").access == "member"


@pytest.mark.parametrize("fence", ["```", "~~~~ text", "  ```"])
def test_code_that_a_card_of_ghost_leaves_open_ends_with_the_card(tmp_path: Path, fence: str) -> None:
    web = {"nonMember": False, "memberSegment": "status:-free"}
    nodes = [
        {"type": "markdown", "markdown": f"Free.\n\n{fence}\nopen"},
        {"type": "markdown", "markdown": f"Hidden.\n\n{fence}\nHidden.\n{fence.split()[0]}", "visibility": {"web": web}},
        {"type": "paragraph", "children": [{"type": "text", "text": "Free."}]},
    ]  # fmt: skip
    post = {"id": "1", "slug": "storm", "title": "Storm", "status": "published", "visibility": "public"}
    post["lexical"] = json.dumps({"root": {"children": nodes}})
    (tmp_path / "ghost.json").write_text(json.dumps({"data": {"posts": [post]}}))
    import_from("ghost", tmp_path / "ghost.json", tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", draft(tmp_path / "out", "storm").passages[1].teaser)]
    assert text_of(tmp_path / "out", "storm").count("Free.") == 2


def test_a_text_whose_hidden_part_begins_in_code_is_hidden_as_a_whole(tmp_path: Path) -> None:
    fence = "<ndmarkdown>```\nFree.</ndmarkdown>"
    html = f"{fence}{BEGIN}<p>Hidden.</p>{END}{fence}"
    post = {"id": "1", "slug": "storm", "title": "Storm", "html": html, "status": "published", "visibility": "public"}
    (tmp_path / "ghost.json").write_text(json.dumps({"data": {"posts": [post]}}))
    report = import_from("ghost", tmp_path / "ghost.json", tmp_path / "out")
    assert text_of(tmp_path / "out", "storm").startswith("::: gate tier=member\n")
    assert len(notes(report, "changed", "hidden as a whole")) == 1


@pytest.mark.parametrize(
    "body",
    [
        "Free.\n\n{{< paywall >}}\n\nHidden.\n",
        "Free.\n\n{{< members-only />}}\n\nHidden.\n\n{{< figure src=x.png >}}\n\nHidden.\n",
        "Free.\n\n{{< subscriber-only >}}\nHidden.\n{{< /subscriber-only >}}\n\nFree.\n",
        'Free.\n\n{{% hugo-encryptor "Open Sesame" %}}\nHidden.\n{{% /hugo-encryptor %}}\n',
        "Free.\n\n{{< premium_content >}}Hidden.{{< /premium_content >}}{{% comment %}}SECRET{{% /comment %}}\n",
    ],
)
@pytest.mark.parametrize("name", ["posts/storm.md", "storm.md"])
def test_shortcodes_that_hide_by_their_names(tmp_path: Path, name: str, body: str) -> None:
    head = HEAD if "/" in name else HEAD.replace("date: 2021-01-01\n", "")
    import_from("hugo", write_tree(tmp_path / "s", {f"content/{name}": head + body}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", "")]
    text = (tmp_path / "out/drafts/storm/index.md").read_text()
    assert not [word for word in ("Sesame", "SECRET") if word in text]


def test_a_card_about_a_member_hides_nothing(tmp_path: Path) -> None:
    body = 'Free.\n\n{{< member name="Ada" url="https://a.example/" >}}\n\nFree.\n'
    import_from("hugo", write_tree(tmp_path / "s", {"content/posts/storm.md": HEAD + body}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == []


@pytest.mark.parametrize(
    "body",
    [
        "Free.\n\n```\n{{< paywall >}}\nHidden.\n{{< /paywall >}}\n```\n",
        "{{< highlight go >}}\n{{< paywall >}}\nHidden.\n{{< /paywall >}}\n{{< /highlight >}}\n",
    ],
)
def test_a_gate_inside_code_hides_the_whole_text(tmp_path: Path, body: str) -> None:
    import_from("hugo", write_tree(tmp_path / "s", {"content/storm.md": HEAD + body}), tmp_path / "out")
    assert text_of(tmp_path / "out", "storm").startswith("::: gate tier=member\n")
    assert "nightdesk-gate" not in text_of(tmp_path / "out", "storm")


@pytest.mark.parametrize(
    ("key", "access"),
    [
        ("paywall: true", "member"),
        ("paywall: subscriber", "subscriber"),
        ("paywall: false", ""),
        ("access: [subscriber]", "subscriber"),
        ("access: [subscriber, member]", "member"),
        ("visibility: {tier: paid}", "member"),
        ("visibility: [public]", ""),
    ],
)
def test_keys_that_hide_the_whole_text(tmp_path: Path, key: str, access: str) -> None:
    text = HEAD.replace("---\n", f"---\n{key}\n", 1) + "Text.\n"
    files = {"content/posts/a.md": text, "content/posts/c.md": f"{text}\n<!--members-only-->\n\nHidden.\n"}
    import_from("hugo", write_tree(tmp_path / "s", files), tmp_path / "out")
    assert draft(tmp_path / "out", "a").access == (access or "public")
    tier = "subscriber" if key == "paywall: subscriber" else "member"
    assert gates(tmp_path / "out", "c") == [(tier, "")]


def test_a_page_with_a_divider_is_no_page(tmp_path: Path) -> None:
    text = "---\ntitle: Storm\n---\nFree.\n\n<!--members-only-->\n\nHidden.\n"
    import_from("hugo", write_tree(tmp_path / "s", {"content/storm.md": text}), tmp_path / "out")
    assert gates(tmp_path / "out", "storm") == [("member", "")]
