"""Views: what each tier may see, and that nothing else is in any part of a view."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from nightdesk.domain.documents import Asset, Block, Document
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.site import Site
from nightdesk.domain.views import Closed, Heading, SeenSource, Shown, View, view
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.render import to_document

SITE = Site(tiers=("public", "subscriber", "member", "patron"), teaser="For {tier}s.")


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from texts(getattr(value, item.name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(key)
            yield from texts(inner)
    elif isinstance(value, tuple | list | set | frozenset):
        for inner in value:
            yield from texts(inner)
    else:
        assert value is None or isinstance(value, bool | int), f"{type(value)} is not looked into"


def document(body: str, **matter: str) -> Document:
    head = "".join(f"{key}: {value}\n" for key, value in matter.items())
    raw = f"---\ntitle: T\ndate: 2026-11-23\n{head}---\n{body}".encode()
    images = [(f"drafts/a-story/{name}.png", f"etag-{name}") for name in ("free", "hidden", "hero", "noted")]
    return to_document(parse_draft(raw, "a-story", SITE, to_html), "", images, "drafts/a-story/")[0]


def seen(body: str, tier: str, **matter: str) -> View:
    return view(document(body, **matter), tier, SITE)


def html(shown: View) -> str:
    return "".join(part.html for part in shown.parts if isinstance(part, Shown))


# --- Who sees what ---

LADDER = "\n".join(
    ["zero\n"] + [f'::: gate tier={t} teaser="for {t}"\n{t}-text\n:::\n' for t in ("subscriber", "member", "patron")]
)


@pytest.mark.parametrize(("tier", "open_"), [(tier, rank) for rank, tier in enumerate(SITE.tiers)])
def test_a_tier_sees_its_own_gates_and_those_below(tier: str, open_: int) -> None:
    parts = seen(LADDER, tier).parts
    assert isinstance(parts[0], Shown)
    assert parts[0].tier == ""
    for number, (part, gate) in enumerate(zip(parts[1:], SITE.tiers[1:], strict=True), 1):
        if number <= open_:
            assert part == Shown(f"<p>{gate}-text</p>\n", gate, number)
        else:
            assert part == Closed(f"for {gate}", gate, number)


@pytest.mark.parametrize("tier", ["", "friend", "MEMBER", "member ", "patron2"])
def test_a_reader_of_an_unknown_tier_is_a_public_reader(tier: str) -> None:
    assert seen(LADDER, tier)._replace(tier="public") == seen(LADDER, "public")


@pytest.mark.parametrize("tier", SITE.tiers)
def test_a_gate_of_an_unknown_tier_stays_shut(tier: str) -> None:
    made = replace(document("x"), blocks=(Block("gone", "teaser", "<p>canary</p>"), Block("", "", "<p>free</p>")))
    assert view(made, tier, SITE).parts == (Closed("teaser", "gone", 1), Shown("<p>free</p>", ""))
    made = replace(document("canary"), access="gone")
    assert view(made, tier, SITE).parts == (Closed("For gones.", "gone"),)


@pytest.mark.parametrize(
    ("tier", "open_"), [("public", False), ("subscriber", False), ("member", True), ("patron", True)]
)
def test_an_article_may_be_closed_as_a_whole(tier: str, open_: bool) -> None:
    body = "# Head\n\ncanary[^1] ![canary](hidden.png)\n\n[^1]: canary\n\n::: gate tier=subscriber\ncanary\n:::\n"
    shown = seen(body, tier, access="member")
    assert shown.gated
    if open_:
        assert html(shown).count("canary") == 3
        assert shown.notes
    else:
        assert shown.parts == (Closed("For members.", "member"),)
        assert (shown.headings, shown.notes, shown.assets) == ((), "", frozenset())
        assert "canary" not in " ".join(texts(shown))


def test_an_article_without_gates_says_so() -> None:
    assert not seen("text", "public").gated
    assert seen(LADDER, "patron").gated


def test_empty_free_text_is_no_part() -> None:
    parts = seen("\n\n::: gate tier=member\na\n:::\n\n::: gate tier=patron\nb\n:::\n\n", "patron").parts
    assert [part.tier for part in parts] == ["member", "patron"]


# --- Nothing hidden in any field ---

EVERYWHERE = """
# Free heading

free text[^free] ![free](free.png) [link][free]

::: gate tier=member teaser="A teaser."
# canary heading

## Free heading

canary[^gated][^free] ![canary](hidden.png 'canary') [canary][canary] [x][free]

| canary | b |
|---|---|
| canary | d |

[^gated]: canary note ![canary](noted.png)
[^free]: canary note that wins behind the gate
[canary]: https://canary.example/ "canary"
[free]: https://canary.example/
:::

text with[^gated] and [canary] afterwards

[^free]: a free note
[free]: https://free.example/
"""


@pytest.mark.parametrize("tier", ["public", "subscriber"])
def test_nothing_of_a_hidden_block_is_in_any_field(tier: str) -> None:
    made = document(EVERYWHERE, hero="{src: hero.png, alt: A}", sources="[{title: S, url: 'https://canary.example/'}]",
                    sources_access="member")  # fmt: skip
    shown = view(made, tier, SITE)
    found = [text for text in texts(shown) if "canary" in text]
    # What is left was typed in free text: a reference to what is not defined there stays text.
    assert [text.count("canary") for text in found] == [1]
    assert "[canary] afterwards" in found[0]
    assert "hidden." not in repr(shown)
    assert "noted." not in repr(shown)


def test_those_who_may_see_all_of_it() -> None:
    shown = seen(EVERYWHERE, "member")
    assert html(shown).count("canary") > 6
    assert "canary note" in shown.notes
    assert {name.split(".")[0] for name in shown.assets} == {"free", "hidden", "noted"}


def test_images_are_handed_out_with_the_text_that_shows_them() -> None:
    made = document(EVERYWHERE, hero="{src: hero.png, alt: A}")
    names = {tier: {name.split(".")[0] for name in view(made, tier, SITE).assets} for tier in ("public", "member")}
    assert names == {"public": {"hero", "free"}, "member": {"hero", "free", "hidden", "noted"}}
    unused = replace(made, assets=(*made.assets, Asset("other.0123456789.png", "k", "e")))
    assert "other.0123456789.png" not in view(unused, "patron", SITE).assets


# --- Notes ---

NOTED = """
one[^a] two[^b]

::: gate tier=member
three[^c] four[^a] five[^b]

[^c]: note of the gate
[^b]: note b of the gate
:::

::: gate tier=patron
six[^c]

[^c]: note of the other gate
:::

seven[^d] eight[^b]

[^a]: note a
[^b]: note b
[^d]: note d
[^e]: note that nothing refers to
"""


def numbered(shown: View) -> list[str]:
    """The notes in order, as text; their numbers must have no gaps, and each must be referred to."""
    items = re.findall(r'<li id="note-(\d+)"><p>([^<]*) <a href="#ref-(\d+)"', shown.notes)
    assert [int(number) for number, _, _ in items] == list(range(1, len(items) + 1))
    assert all(number == back for number, _, back in items)
    for number, _, _ in items:
        assert html(shown).count(f'id="ref-{number}"') == 1
        assert f'href="#note-{number}"' in html(shown)
    assert html(shown).count('role="doc-noteref"') == len(re.findall(r'href="#note-\d+"', html(shown)))
    return [text for _, text, _ in items]


def test_notes_are_numbered_anew_for_each_view() -> None:
    free = ["note a", "note b", "note d"]
    assert numbered(seen(NOTED, "public")) == free
    assert numbered(seen(NOTED, "subscriber")) == free
    assert numbered(seen(NOTED, "member")) == ["note a", "note b", "note of the gate", "note b of the gate", "note d"]
    assert numbered(seen(NOTED, "patron")) == [
        "note a", "note b", "note of the gate", "note b of the gate", "note of the other gate", "note d",
    ]  # fmt: skip


def test_a_reference_to_a_note_of_a_gate_leads_nowhere_outside() -> None:
    shown = seen("text[^x]\n\n::: gate tier=member\ngated[^x]\n\n[^x]: canary\n:::\n", "public")
    assert "canary" not in repr(shown)
    assert shown.notes == ""
    assert "noteref" not in html(shown)


def test_a_note_may_refer_to_another() -> None:
    body = "text[^a]\n\n[^a]: see[^b]\n\n[^b]: also[^a]\n"
    notes = seen(body, "public").notes
    assert notes.count("<li") == 2
    assert 'href="#note-2"' in notes
    assert 'href="#note-1"' in notes


def test_a_note_of_a_gate_may_refer_to_one_of_its_own_and_to_a_free_one() -> None:
    body = "::: gate tier=member\nx[^a]\n\n[^a]: see[^b] and[^c]\n\n[^b]: canary\n:::\n\n[^c]: free\n\n[^b]: other\n"
    assert seen(body, "public").notes == ""
    notes = seen(body, "member").notes
    assert notes.count("<li") == 3
    assert "canary" in notes
    assert "other" not in notes


@pytest.mark.parametrize("label", ["1", "Note", "ä", 'a"b', "a&b", "a<b", "a.b", "A-1", "日本"])
def test_labels_may_be_anything(label: str) -> None:
    assert numbered(seen(f"text[^{label}]\n\n[^{label.swapcase()}]: found", "public")) == ["found"]


def test_link_definitions_belong_to_where_they_stand() -> None:
    body = "[x] [y]\n\n::: gate tier=member\n[x] [y]\n\n[y]: /gated\n[x]: /gate-wins\n:::\n\n[x]: /free\n"
    public, member = html(seen(body, "public")), html(seen(body, "member"))
    assert '<a href="/free">x</a> [y]' in public
    assert "/gate" not in public
    assert '<a href="/gate-wins">x</a> <a href="/gated">y</a>' in member
    assert '<a href="/free">x</a> [y]' in member


# --- Headings ---

HEADED = """
# Same

::: gate tier=member
# Same
## Only here
:::

# Same
### Deep *and* `code` & more
#### Same
"""


def test_headings_have_an_anchor_each_in_each_view() -> None:
    public, member = seen(HEADED, "public"), seen(HEADED, "member")
    assert public.headings == (
        Heading("s-same", "Same", 2),
        Heading("s-same-2", "Same", 2),
        Heading("s-deep-and-code-more", "Deep and code &amp; more", 3),
        Heading("s-same-3", "Same", 4),
    )
    assert [h.anchor for h in member.headings] == [
        "s-same", "s-same-2", "s-only-here", "s-same-3", "s-deep-and-code-more", "s-same-4",
    ]  # fmt: skip
    for shown in (public, member):
        assert [f'<h{h.level} id="{h.anchor}">' in html(shown) for h in shown.headings] == [True] * len(shown.headings)


def test_an_anchor_is_never_given_twice() -> None:
    body = "# A\n\n# A 2\n\n# A\n\n# A\n\n# A 2\n\n# A 2 2\n\n# !!\n\n# ??\n"
    anchors = [heading.anchor for heading in seen(body, "public").headings]
    assert len(set(anchors)) == len(anchors) == 8
    assert anchors[-2:] == ["s-section", "s-section-2"]


def test_a_note_in_a_heading_is_not_in_its_text() -> None:
    shown = seen("# Title[^1]\n\n[^1]: note", "public")
    assert shown.headings == (Heading("s-title", "Title", 2),)
    assert html(shown).startswith('<h2 id="s-title">Title<sup>')


# --- Sources ---


@pytest.mark.parametrize(
    ("tier", "open_"), [("public", False), ("subscriber", False), ("member", True), ("patron", True)]
)
def test_links_of_sources_are_for_those_entitled(tier: str, open_: bool) -> None:
    sources = "[{title: S, url: 'https://s.example/', publisher: P, date: '2026', note: N}, {title: No link}]"
    shown = seen("text", tier, sources=sources, sources_access="member")
    url = "https://s.example/" if open_ else ""
    assert shown.sources == (SeenSource("S", "P", "2026", "N", url), SeenSource("No link", "", "", "", ""))
    assert shown.sources_locked is not open_


def test_sources_without_links_are_not_locked() -> None:
    assert not seen("text", "public", sources="[{title: S}]").sources_locked


def test_sources_open_with_the_first_paying_tier_unless_told_otherwise() -> None:
    assert document("text", sources="[{title: S, url: 'https://s.example/'}]").sources_access == "subscriber"
