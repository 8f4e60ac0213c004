"""Views: what each tier may see, and that no part of a view contains anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from nightdesk.domain.documents import Asset, Block, Document
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.site import Site
from nightdesk.domain.views import ClosedGate, Heading, SourceView, View, VisiblePart, view
from nightdesk.rendering.markdown import to_html
from nightdesk.usecases.pipeline.render_document import FoundImage, to_document

SITE = Site(tiers=("public", "subscriber", "member", "patron"), teaser="For {tier}s.")


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, at any depth."""
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
        assert value is None or isinstance(value, bool | int), f"{type(value)} is not searched"


def document(body: str, **matter: str) -> Document:
    head = "".join(f"{key}: {value}\n" for key, value in matter.items())
    raw = f"---\ntitle: T\ndate: 2026-11-23\n{head}---\n{body}".encode()
    images = {
        f"drafts/a-story/{name}.png": FoundImage(f"digest-{name}") for name in ("free", "hidden", "hero", "noted")
    }
    return to_document(parse_draft(raw, "a-story", SITE, to_html), images, "drafts/a-story/")[0]


def view_of(body: str, tier: str, **matter: str) -> View:
    return view(document(body, **matter), tier, SITE)


def html(shown: View) -> str:
    return "".join(part.html for part in shown.parts if isinstance(part, VisiblePart))


# --- Who sees what ---

LADDER = "\n".join(
    ["zero\n"] + [f'::: gate tier={t} teaser="for {t}"\n{t}-text\n:::\n' for t in ("subscriber", "member", "patron")]
)


@pytest.mark.parametrize(("tier", "open_"), [(tier, rank) for rank, tier in enumerate(SITE.tiers)])
def test_a_tier_sees_its_own_gates_and_those_below(tier: str, open_: int) -> None:
    parts = view_of(LADDER, tier).parts
    assert isinstance(parts[0], VisiblePart)
    assert parts[0].tier == ""
    for number, (part, gate) in enumerate(zip(parts[1:], SITE.tiers[1:], strict=True), 1):
        if number <= open_:
            assert part == VisiblePart(f"<p>{gate}-text</p>\n", gate, number)
        else:
            assert part == ClosedGate(f"for {gate}", gate, number)


@pytest.mark.parametrize("tier", ["", "friend", "MEMBER", "member ", "patron2"])
def test_an_unknown_tier_sees_what_the_public_sees(tier: str) -> None:
    assert view_of(LADDER, tier)._replace(tier="public") == view_of(LADDER, "public")


@pytest.mark.parametrize("tier", SITE.tiers)
def test_a_gate_of_an_unknown_tier_stays_closed(tier: str) -> None:
    made = replace(document("x"), blocks=(Block("gone", "teaser", "<p>canary</p>"), Block("", "", "<p>free</p>")))
    assert view(made, tier, SITE).parts == (ClosedGate("teaser", "gone", 1), VisiblePart("<p>free</p>", ""))
    made = replace(document("canary"), access="gone")
    assert view(made, tier, SITE).parts == (ClosedGate("For gones.", "gone"),)


@pytest.mark.parametrize(
    ("tier", "open_"), [("public", False), ("subscriber", False), ("member", True), ("patron", True)]
)
def test_access_closes_the_whole_article(tier: str, open_: bool) -> None:
    body = "# Head\n\ncanary[^1] ![canary](hidden.png)\n\n[^1]: canary\n\n::: gate tier=subscriber\ncanary\n:::\n"
    shown = view_of(body, tier, access="member")
    assert shown.gated
    if open_:
        assert html(shown).count("canary") == 3
        assert shown.notes
    else:
        assert shown.parts == (ClosedGate("For members.", "member"),)
        assert (shown.headings, shown.notes, shown.assets) == ((), (), frozenset())
        assert "canary" not in " ".join(texts(shown))


def test_an_article_without_gates_is_not_gated() -> None:
    assert not view_of("text", "public").gated
    assert view_of(LADDER, "patron").gated


def test_empty_free_text_makes_no_part() -> None:
    parts = view_of("\n\n::: gate tier=member\na\n:::\n\n::: gate tier=patron\nb\n:::\n\n", "patron").parts
    assert [part.tier for part in parts] == ["member", "patron"]


# --- Hidden text ---

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
def test_no_field_contains_hidden_text(tier: str) -> None:
    made = document(EVERYWHERE, hero="{src: hero.png, alt: A}", sources="[{title: S, url: 'https://canary.example/'}]",
                    sources_access="member")  # fmt: skip
    shown = view(made, tier, SITE)
    found = [text for text in texts(shown) if "canary" in text]
    # The one left is free text: a reference without a definition in the free text stays as typed.
    assert [text.count("canary") for text in found] == [1]
    assert "[canary] afterwards" in found[0]
    assert "hidden." not in repr(shown)
    assert "noted." not in repr(shown)


def test_the_highest_tier_sees_everything() -> None:
    shown = view_of(EVERYWHERE, "member")
    assert html(shown).count("canary") > 6
    assert "canary note" in "".join(shown.notes)
    assert {name.split(".")[0] for name in shown.assets} == {"free", "hidden", "noted"}


def test_a_view_has_the_images_of_its_text_only() -> None:
    made = document(EVERYWHERE, hero="{src: hero.png, alt: A}")
    names = {tier: {name.split(".")[0] for name in view(made, tier, SITE).assets} for tier in ("public", "member")}
    assert names == {"public": {"hero", "free"}, "member": {"hero", "free", "hidden", "noted"}}
    unused = replace(made, assets=(*made.assets, Asset("other.0123456789.png", "k", "e")))
    assert "other.0123456789.png" not in view(unused, "patron", SITE).assets


# --- Footnotes ---

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
    """Return the text of the notes in order. The visible text must refer to each of them."""
    for number in range(1, len(shown.notes) + 1):
        assert html(shown).count(f'id="ref-{number}"') == 1
        assert f'href="#note-{number}"' in html(shown)
    assert html(shown).count('role="doc-noteref"') == len(re.findall(r'href="#note-\d+"', html(shown)))
    return [note.removeprefix("<p>").removesuffix("</p>") for note in shown.notes]


def test_footnotes_are_numbered_per_view() -> None:
    free = ["note a", "note b", "note d"]
    assert numbered(view_of(NOTED, "public")) == free
    assert numbered(view_of(NOTED, "subscriber")) == free
    assert numbered(view_of(NOTED, "member")) == [
        "note a",
        "note b",
        "note of the gate",
        "note b of the gate",
        "note d",
    ]
    assert numbered(view_of(NOTED, "patron")) == [
        "note a", "note b", "note of the gate", "note b of the gate", "note of the other gate", "note d",
    ]  # fmt: skip


def test_footnotes_of_a_gate_cannot_be_referred_to_outside() -> None:
    shown = view_of("text[^x]\n\n::: gate tier=member\ngated[^x]\n\n[^x]: canary\n:::\n", "public")
    assert "canary" not in repr(shown)
    assert shown.notes == ()
    assert "noteref" not in html(shown)


def test_a_footnote_may_refer_to_another() -> None:
    body = "text[^a]\n\n[^a]: see[^b]\n\n[^b]: also[^a]\n"
    notes = view_of(body, "public").notes
    assert len(notes) == 2
    assert 'href="#note-2"' in notes[0]
    assert 'href="#note-1"' in notes[1]


def test_a_footnote_of_a_gate_may_refer_to_its_own_and_free_footnotes() -> None:
    body = "::: gate tier=member\nx[^a]\n\n[^a]: see[^b] and[^c]\n\n[^b]: canary\n:::\n\n[^c]: free\n\n[^b]: other\n"
    assert view_of(body, "public").notes == ()
    notes = view_of(body, "member").notes
    assert len(notes) == 3
    assert "canary" in "".join(notes)
    assert "other" not in "".join(notes)


@pytest.mark.parametrize("label", ["1", "Note", "ä", 'a"b', "a&b", "a<b", "a.b", "A-1", "日本"])
def test_footnote_labels_may_be_any_text(label: str) -> None:
    assert numbered(view_of(f"text[^{label}]\n\n[^{label.swapcase()}]: found", "public")) == ["found"]


def test_link_definitions_belong_to_their_passage() -> None:
    body = "[x] [y]\n\n::: gate tier=member\n[x] [y]\n\n[y]: /gated\n[x]: /gate-wins\n:::\n\n[x]: /free\n"
    public, member = html(view_of(body, "public")), html(view_of(body, "member"))
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


def test_each_heading_has_an_anchor_in_each_view() -> None:
    public, member = view_of(HEADED, "public"), view_of(HEADED, "member")
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


def test_anchors_are_unique() -> None:
    body = "# A\n\n# A 2\n\n# A\n\n# A\n\n# A 2\n\n# A 2 2\n\n# !!\n\n# ??\n"
    anchors = [heading.anchor for heading in view_of(body, "public").headings]
    assert len(set(anchors)) == len(anchors) == 8
    assert anchors[-2:] == ["s-section", "s-section-2"]


def test_a_footnote_in_a_heading_is_not_in_its_text() -> None:
    shown = view_of("# Title[^1]\n\n[^1]: note", "public")
    assert shown.headings == (Heading("s-title", "Title", 2),)
    assert html(shown).startswith('<h2 id="s-title">Title<sup>')


# --- Sources ---


@pytest.mark.parametrize(
    ("tier", "open_"), [("public", False), ("subscriber", False), ("member", True), ("patron", True)]
)
def test_only_entitled_tiers_see_the_links_of_sources(tier: str, open_: bool) -> None:
    sources = "[{title: S, url: 'https://s.example/', publisher: P, date: '2026', note: N}, {title: No link}]"
    shown = view_of("text", tier, sources=sources, sources_access="member")
    url = "https://s.example/" if open_ else ""
    assert shown.sources == (SourceView("S", "P", "2026", "N", url), SourceView("No link", "", "", "", ""))
    assert shown.sources_locked is not open_


def test_sources_without_links_are_not_locked() -> None:
    assert not view_of("text", "public", sources="[{title: S}]").sources_locked


def test_sources_open_for_the_second_tier_by_default() -> None:
    assert document("text", sources="[{title: S, url: 'https://s.example/'}]").sources_access == "subscriber"


def test_what_stands_in_an_attribute_is_no_heading_link_or_reference() -> None:
    title = """title='<h2>Not one</h2> <a href="#s-rates">x</a> id="s-y"'"""
    body = f"<span {title} id=x>a</span>\n\n<abbr {title} id=x>b</abbr>\n\n<h2 {title} id=rates>Rates</h2>\n\n<a {title} href='#rates'>c</a>\n"
    document = to_document(parse_draft(f"---\ntitle: T\n---\n{body}".encode(), "a", SITE, to_html), {}, "")[0]
    seen = view(document, "public", SITE)
    [part] = seen.parts
    assert isinstance(part, VisiblePart)
    assert [heading.text for heading in seen.headings] == ["Rates"]
    assert part.html.count("Not one") == 4
    assert part.html.count('id="s-x"') == 1, "the second element loses its own id, and nothing else"
    assert '<a href="#s-rates" title=' in part.html


def test_an_id_inside_a_heading_is_an_anchor_of_its_own() -> None:
    body = "## The <span id=fares>fares</span> of <span id=fares>today</span>\n\n[a](#fares) [b](#the-fares-of-today)\n"
    document = to_document(parse_draft(f"---\ntitle: T\n---\n{body}".encode(), "a", SITE, to_html), {}, "")[0]
    [part] = view(document, "public", SITE).parts
    assert isinstance(part, VisiblePart)
    assert part.html.count('id="s-fares"') == 1
    assert '<a href="#s-fares">a</a> <a href="#s-the-fares-of-today">b</a>' in part.html
