"""JSON-LD of every kind of page, against the vocabulary of schema.org and what Google requires of each type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from support.default_theme import default_theme
from support.memory_newsroom import Newsroom

TEXT, URL, MOMENT, NUMBER, BOOLEAN = "text", "url", "moment", "number", "boolean"
THING = {
    "name": TEXT, "description": TEXT, "disambiguatingDescription": TEXT, "url": URL, "image": {URL, "ImageObject"},
    "additionalType": URL, "mainEntityOfPage": {"WebPage"}, "@id": URL,
}  # fmt: skip
WORK = THING | {
    "headline": TEXT, "inLanguage": TEXT, "isAccessibleForFree": BOOLEAN, "keywords": TEXT, "datePublished": MOMENT,
    "dateModified": MOMENT, "author": {"Person", "Organization"}, "editor": {"Person"}, "accountablePerson": {"Person"},
    "publisher": {"NewsMediaOrganization"}, "correction": {"CorrectionComment"}, "creditText": TEXT, "text": TEXT,
    "digitalSourceType": URL, "hasPart": {"WebPageElement", "NewsArticle"}, "mainEntity": {"ItemList", "Person", "Organization"},
}  # fmt: skip
ORGANIZATION = THING | {
    "logo": {"ImageObject"}, "publishingPrinciples": URL, "correctionsPolicy": URL, "sameAs": URL, "member": {"OrganizationRole", "Person"},
}  # fmt: skip
PAGE = WORK | {"breadcrumb": {"BreadcrumbList"}}
LIST = THING | {"itemListElement": {"ListItem"}, "numberOfItems": NUMBER}
VOCABULARY: dict[str, dict[str, Any]] = {
    "NewsArticle": WORK | {"articleSection": TEXT},
    "WebSite": WORK,
    "WebPage": PAGE,
    "CollectionPage": PAGE,
    "ProfilePage": PAGE,
    "WebPageElement": WORK | {"cssSelector": TEXT},
    "CorrectionComment": WORK,
    "ImageObject": WORK | {"width": NUMBER, "height": NUMBER, "caption": TEXT},
    "Organization": ORGANIZATION,
    "NewsMediaOrganization": ORGANIZATION,
    "OrganizationRole": THING | {"roleName": TEXT, "member": {"Person"}},
    "Person": THING,
    "BreadcrumbList": LIST,
    "ItemList": LIST,
    "ListItem": THING | {"position": NUMBER, "item": URL},
}
"""The part of schema.org that pages use: the properties of each type, those of its parents included, and their ranges."""
REQUIRED: dict[str, set[str]] = {
    "NewsArticle": {"headline", "url", "datePublished"},
    "WebSite": {"name", "url"},
    "ProfilePage": {"mainEntity"},
    "CollectionPage": {"mainEntity", "breadcrumb"},
    "WebPageElement": {"isAccessibleForFree", "cssSelector"},
    "ImageObject": {"url"},
    "Person": {"name"},
    "Organization": {"name"},
    "NewsMediaOrganization": {"name", "url", "logo"},
    "BreadcrumbList": {"itemListElement"},
    "ItemList": {"itemListElement"},
    "ListItem": {"position"},
    "CorrectionComment": {"text", "datePublished"},
}
"""What Google's documents on each feature demand, or what makes the type useless if it is missing."""
WHOLE_ARTICLE = {
    "image",
    "dateModified",
    "author",
    "publisher",
    "mainEntityOfPage",
    "isAccessibleForFree",
    "articleSection",
}
"""What Google recommends for the article that a page is about, and what the newsroom promises besides."""
SETTINGS = "name: Fjord & Sound\nbase_url: https://fjord.example\ntimezone: Europe/Oslo\ntagline: News from the water\n"
GATES = """Free.

::: gate tier=subscriber teaser="First teaser."
canary-basalt one
:::

Free again.

::: gate tier=member teaser="Second teaser."
canary-basalt two
:::
"""


@pytest.fixture(scope="module")
def room() -> Newsroom:
    room = Newsroom(default_theme())
    room.file("site.yaml", SETTINGS)
    room.file("authors/robo.md", "---\nname: Robo\nkind: ai\nbeat: Tides\nresponsible_editor: Åse Dahl\n---\n")
    room.file("authors/ada.md", "---\nname: Ada Lind\nbeat: Ports\n---\n")
    room.file("topics/energy.md", "---\nname: Energy\nsummary: Power and heat.\n---\n")
    room.ports.drafts.put(_image("drafts/gated/tide.png"), None)
    room.publish("free", "An open one", date="2026-10-01", tags=["tide"], authors=["robo", "ada"])
    correction = {"date": "2026-11-04", "text": "The gauge was in feet."}
    hero = {"src": "tide.png", "alt": "A gauge", "source_type": "trainedAlgorithmicMedia", "credit": "Robo"}
    head = {"title": "The <gauge>", "dek": "It rose.", "date": "2026-11-03", "topics": ["energy", "ports"], "authors": ["robo"],
            "corrections": [correction], "hero": hero}  # fmt: skip
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
    room.file("drafts/gated/index.md", f"---\n{lines}---\n{GATES}")
    room.publish("closed", "All of it", "canary-basalt three.\n\nMore.", access="member")
    return room


def _image(key: str) -> Any:
    from nightdesk.ports import Output

    png = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63fccfc0500f0004850180"
        "84a98c210000000049454e44ae426082"
    )
    return Output(key, png, "image/png")


def structured(page: str) -> dict[str, Any]:
    [found] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    data: dict[str, Any] = json.loads(found)
    assert data.pop("@context") == "https://schema.org"
    return data


def wrong(data: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield what the vocabulary does not allow, or Google requires, in some data and everything inside them."""
    kind = data["@type"]
    where = f"{where}/{kind}"
    if kind not in VOCABULARY:
        yield f"{where}: unknown type"
        return
    yield from (f"{where}: no {name}" for name in REQUIRED.get(kind, set()) - set(data))
    for name, values in data.items():
        if name == "@type":
            continue
        if name not in VOCABULARY[kind]:
            yield f"{where}: unknown property {name}"
            continue
        for value in values if isinstance(values, list) else [values]:
            yield from _wrong_value(value, VOCABULARY[kind][name], f"{where}.{name}")


def _wrong_value(value: Any, allowed: Any, where: str) -> Iterator[str]:
    kinds = allowed if isinstance(allowed, set) else {allowed}
    if isinstance(value, dict):
        if value["@type"] not in kinds:
            yield f"{where}: {value['@type']} is out of range"
        yield from wrong(value, where)
    elif not any(_is(value, kind) for kind in kinds):
        yield f"{where}: {value!r} is no {'/'.join(sorted(kinds))}"


def _is(value: Any, kind: str) -> bool:
    if kind in (BOOLEAN, NUMBER):
        return type(value) is {BOOLEAN: bool, NUMBER: int}[kind]
    if not isinstance(value, str) or not value.strip():
        return False
    if kind == MOMENT:
        return datetime.fromisoformat(value).utcoffset() is not None
    return kind == TEXT or (kind == URL and value.startswith("https://"))


PAGES = {
    "/": "WebSite", "/articles/free/": "NewsArticle", "/articles/gated/": "NewsArticle", "/articles/closed/": "NewsArticle",
    "/topics/energy/": "CollectionPage", "/topics/energy/2026/11/": "CollectionPage", "/archive/2026/11/": "CollectionPage",
    "/topics/": "CollectionPage", "/authors/": "CollectionPage",
    "/authors/robo/": "ProfilePage", "/authors/ada/": "ProfilePage", "/authors/robo/2026/11/": "CollectionPage",
}  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_each_kind_of_page_keeps_to_the_vocabulary(room: Newsroom, path: str) -> None:
    data = structured(room.page(path))
    assert data["@type"] == PAGES[path]
    assert list(wrong(data)) == []
    assert "canary-basalt" not in json.dumps(data)
    assert data["url"] == f"https://fjord.example{path}"


def test_the_check_itself_finds_mistakes() -> None:
    plain = {
        "@type": "NewsArticle",
        "headline": "H",
        "url": "https://a.example/",
        "datePublished": "2026-11-01T00:00:00Z",
    }
    assert list(wrong(plain)) == []
    for change in (
        {"headline": ""}, {"datePublished": "2026-11-01T00:00:00"}, {"url": "/a/"}, {"byline": "x"}, {"@type": "Story"},
        {"author": {"@type": "WebPage"}}, {"author": {"@type": "Person"}}, {"isAccessibleForFree": "False"},
    ):  # fmt: skip
        assert len(list(wrong(plain | change))) == 1, change
    assert list(wrong({"@type": "NewsArticle"}))


def test_an_article_has_what_google_recommends(room: Newsroom) -> None:
    data = structured(room.page("/articles/gated/"))
    assert set(data) >= WHOLE_ARTICLE
    assert data["articleSection"] == ["Energy", "Ports"]
    assert data["image"]["digitalSourceType"] == "https://schema.org/TrainedAlgorithmicMediaDigitalSource"
    assert data["publisher"]["logo"]["width"] >= 112
    assert data["publisher"]["logo"]["url"].removeprefix("https://fjord.example/") in room.site.outputs
    crumbs = data["mainEntityOfPage"]["breadcrumb"]["itemListElement"]
    assert [(c["position"], c["name"], c["item"].removeprefix("https://fjord.example")) for c in crumbs] == [
        (1, "Fjord & Sound", "/"), (2, "Energy", "/topics/energy/"), (3, "The <gauge>", "/articles/gated/"),
    ]  # fmt: skip
    [correction] = data["correction"]
    assert (correction["text"], correction["datePublished"]) == ("The gauge was in feet.", "2026-11-04T00:00:00+01:00")


def test_a_persona_is_stated_with_the_person_responsible(room: Newsroom) -> None:
    persona, person = structured(room.page("/articles/free/"))["author"]
    assert (persona["@type"], person) == (
        "Organization", {"@type": "Person", "name": "Ada Lind", "url": "https://fjord.example/authors/ada/"},
    )  # fmt: skip
    assert "not a person" in persona["disambiguatingDescription"]
    assert persona["member"]["member"] == {"@type": "Person", "name": "Åse Dahl"}
    profile = structured(room.page("/authors/robo/"))["mainEntity"]
    assert {name: value for name, value in profile.items() if name in persona} == persona
    assert profile["description"] == "Tides"
    assert structured(room.page("/authors/ada/"))["mainEntity"]["@type"] == "Person"


def test_an_article_that_people_and_personas_wrote_is_a_composite(room: Newsroom) -> None:
    found = [structured(room.page(f"/articles/{slug}/"))["digitalSourceType"] for slug in ("free", "gated")]
    kinds = ("CompositeWithTrainedAlgorithmicMedia", "TrainedAlgorithmicMedia")
    assert found == [f"https://schema.org/{kind}DigitalSource" for kind in kinds]


def test_an_article_in_which_ai_had_a_role_is_a_composite_for_software_too(room: Newsroom) -> None:
    for authors in (["ada"], []):
        room.publish("note", authors=authors, production={"ai_roles": ["drafting"]})
        found = structured(room.page("/articles/note/"))["digitalSourceType"]
        assert found == "https://schema.org/CompositeWithTrainedAlgorithmicMediaDigitalSource"
    room.publish("note", authors=["ada"])
    assert "digitalSourceType" not in structured(room.page("/articles/note/"))
    room.file("drafts/note.md", None)


def test_an_article_without_a_byline_is_by_the_newsroom(room: Newsroom) -> None:
    room.publish("note", authors=[])
    [author] = structured(room.page("/articles/note/"))["author"]
    room.file("drafts/note.md", None)
    assert author == {"@type": "NewsMediaOrganization", "name": "Fjord & Sound", "url": "https://fjord.example/"}


def test_social_networks_are_told_the_section_and_the_tags(room: Newsroom) -> None:
    shown = room.page("/articles/free/")
    assert '<meta property="article:section" content="Energy">' in shown
    assert '<meta property="article:tag" content="tide">' in shown


def test_fronts_list_their_articles_in_order(room: Newsroom) -> None:
    listed = structured(room.page("/"))["mainEntity"]
    assert [(item["position"], item["url"]) for item in listed["itemListElement"]] == [
        (number, f"https://fjord.example/articles/{slug}/")
        for number, slug in enumerate(("gated", "closed", "free"), start=1)
    ]
    assert listed["numberOfItems"] == 3
    parts = structured(room.page("/authors/robo/"))["hasPart"]
    assert [part["headline"] for part in parts] == ["The <gauge>", "An open one"]


class _Elements(HTMLParser):
    """The text inside the elements of each class."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {}
        self._open: list[tuple[str, ...]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "link", "img", "br", "hr", "input", "source", "wbr"):
            return
        classes = tuple((dict(attrs).get("class") or "").split())
        self._open.append(classes)
        for name in classes:
            self.texts.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for name in {name for classes in self._open for name in classes}:
            self.texts[name][-1] += data


@pytest.mark.parametrize(("slug", "passages"), [("gated", 2), ("closed", 1), ("free", 0)])
def test_each_gate_has_a_part_that_selects_its_passage(room: Newsroom, slug: str, passages: int) -> None:
    pages = {tier: room.page(f"/articles/{slug}/~{tier}/") for tier in ("public", "subscriber", "member")}
    data = [structured(page) for page in pages.values()]
    assert data[0] == data[1] == data[2]
    parts = data[0].get("hasPart", [])
    assert len(parts) == passages
    assert data[0]["isAccessibleForFree"] is (passages == 0)
    for part in parts:
        assert re.fullmatch(r"\.[a-z][a-z0-9-]*", part["cssSelector"]), "Google takes selectors of classes only"
        name = part["cssSelector"][1:]
        closed, open_ = (_Elements(pages[tier]).texts.get(name, []) for tier in ("public", "member"))
        assert closed in ([""], []), "what is not sent leaves its place empty, and the teaser is free"
        assert len(open_) == 1
        assert open_[0].count("canary-basalt") == 1
        assert "Free" not in open_[0]
    if slug == "gated":
        assert "canary-basalt one" in _Elements(pages["subscriber"]).texts["passage-1"][0]
        assert _Elements(pages["subscriber"]).texts["passage-2"] == [""]


def test_social_cards_leave_out_the_name_of_the_site(room: Newsroom) -> None:
    for path, title in {
        "/articles/gated/": "The &lt;gauge&gt;",
        "/topics/energy/": "Energy",
        "/": "Fjord &amp; Sound",
    }.items():
        assert f'<meta property="og:title" content="{title}">' in room.page(path)
        assert '<meta property="og:site_name" content="Fjord &amp; Sound">' in room.page(path)
    assert "<title>Energy – Fjord &amp; Sound</title>" in room.page("/topics/energy/")
