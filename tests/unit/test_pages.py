"""Pages in the default theme: articles, lists, pages about one reader, feeds and JSON-LD."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from nightdesk.domain.documents import Document
from nightdesk.domain.drafts import parse_draft
from nightdesk.domain.memberships import Membership
from nightdesk.domain.pictures import PictureFiles
from nightdesk.domain.site import Offer, Price, Site
from nightdesk.domain.updates import Update
from nightdesk.domain.views import View, view
from nightdesk.rendering import reader_pages
from nightdesk.rendering.article_pages import Article, article_pages, related_box
from nightdesk.rendering.contexts import DirectoryEntry, Link
from nightdesk.rendering.environment import READER_BLOCKS, Theme
from nightdesk.rendering.feeds import json_feed, rss
from nightdesk.rendering.list_pages import (
    ListPage,
    corrections_html,
    directory_html,
    list_html,
    month_links,
    updates_html,
)
from nightdesk.rendering.markdown import to_html
from nightdesk.rendering.reader_contexts import AccountForms
from nightdesk.rendering.standing_pages import StandingPage, page_html
from nightdesk.rendering.times import stamp
from nightdesk.usecases.pipeline.render_document import FoundImage, to_document

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SITE = Site(
    timezone="Europe/Oslo",
    name="The Meridian",
    base_url="https://news.example",
    language="en",
    support=(("Give", "https://give.example/"),),
)
HOSTILE = "</script><script>alert(1)</script>&\"'<!--~body-->\ue010"
PERSONA = {
    "name": "Ada Lindqvist",
    "human": False,
    "responsible_editor": "Henrike Solano",
    "body": "<p>Bio.</p>",
    "beat": "Energy",
}
FILES = PictureFiles(
    "a.0", True, 1600, 900, "#336699", (("avif", ((320, 180), (720, 405))), ("jpg", ((720, 405), (1440, 810))))
)
PERSON = {"name": "Bo Berg", "human": True, "responsible_editor": "", "body": "", "portrait_files": FILES.to_json()}
TOPIC = {"name": "Energy"}
UPDATE = Update(
    id="a",
    headline="Strait reopens",
    summary="Both lanes.",
    url="/articles/a/",
    topic="trade",
    weight=0,
    published="2026-11-24T05:38:00.123Z",
    expires="2026-12-24T05:38:00.123Z",
    source="editor:e",
    status="live",
)


BODY = """
Opening.

## One

::: gate tier=subscriber teaser="First <b>teaser</b>."
hidden-one[^1]

[^1]: hidden-note
:::

## Two

::: gate tier=member teaser="Second teaser."
## Hidden heading

hidden-two
:::

## Three

Free text after the gates[^2].

[^2]: A free note.
"""
MATTER: dict[str, Any] = {
    "title": "A title & more",
    "dek": "What it is <about>.",
    "date": "2026-11-20T03:10:00+01:00",
    "lastmod": "2026-11-21T08:00:00+01:00",
    "authors": ["ada-lindqvist", "bo"],
    "topics": ["energy", "trade"],
    "tags": ["copper", "levies"],
    "hero": {"src": "a.png", "alt": "Alt", "caption": "Cap", "credit": "Cred", "source_type": "trainedAlgorithmicMedia"},
    "sources": [
        {"title": "Report", "url": "https://source.example/?a=1&b=2", "publisher": "P", "date": "2026", "note": "N"},
        {"title": "Letter", "publisher": "Q"},
        {"title": "Third", "publisher": "P"},
    ],
    "production": {"ai_roles": ["research", "drafting"], "reviewed_by": "Henrike Solano", "reviewed_at": "2026-11-20", "statement": "Checked."},
    "corrections": [
        {"date": "2026-11-21", "text": "An earlier version had a wrong figure."},
        {"date": "2026-11-22T10:00:00Z", "text": "And a wrong name."},
    ],
}  # fmt: skip


def document(body: str = BODY, **changes: Any) -> Document:
    matter = {key: value for key, value in (MATTER | changes).items() if value is not None}
    raw = f"---\n{json.dumps(matter)}\n---\n{body}".encode()
    return to_document(
        parse_draft(raw, "a-story", SITE, to_html), {"drafts/a-story/a.png": FoundImage("e")}, "drafts/a-story/"
    )[0]


def pictures_of(made: Document) -> dict[str, PictureFiles | None]:
    return {asset.name: FILES for asset in made.assets}


def article(theme: Theme, tier: str = "public", site: Site = SITE, preview: bool = False, **changes: Any) -> str:
    """Return the page of one tier. `changes` replace keys of `MATTER`; None leaves a key out."""
    made = document(**changes)
    known: dict[str, Mapping[str, Any]] = {"ada-lindqvist": PERSONA, "bo": PERSON, "energy": TOPIC}
    authors, topics = ([known.get(i) for i, _ in pairs] for pairs in (made.authors, made.topics))
    related = [related_box(theme.text(site), site, "topic", Link("Energy", "/topics/energy/"), [CARD])]
    return article_pages(
        theme, site, Article(made, authors, topics, related, preview, pictures_of(made)), [view(made, tier, site)]
    )[0]


CARD = {
    "slug": "earlier", "title": "Earlier & other", "dek": "D <d>.", "date": "2026-11-19T00:00:00+01:00",
    "authors": [["bo", "Bo Berg"]], "topic": ["energy", "Energy"], "hero": None, "access": "public",
}  # fmt: skip


class Outline(HTMLParser):
    """The tags of a page in order. `stack` holds the ones that are still open, `wrong` the end tags that match none."""

    VOID = frozenset(["meta", "link", "img", "br", "hr", "input", "source", "wbr"])

    def __init__(self, page: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.wrong: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack.pop() != tag:
            self.wrong.append(tag)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]


def json_ld(page: str) -> Any:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


def box(page: str, name: str) -> str:
    """Return the section of a page that has a class."""
    found = re.search(rf'<section class="(?:[^"]* )?{name}(?: [^"]*)?".*?</section>', page, re.DOTALL)
    assert found, f"there is no section {name}"
    return found[0]


# --- The whole page ---


@pytest.mark.parametrize("tier", SITE.tiers)
def test_an_articles_page_is_well_formed(theme: Theme, tier: str) -> None:
    page = article(theme, tier)
    assert page.startswith("<!doctype html>\n")
    outline = Outline(page)
    assert (outline.stack, outline.wrong) == ([], [])
    ids = [attrs["id"] for _, attrs in outline.tags if "id" in attrs]
    assert sorted(ids) == sorted(set(ids))
    labelled = [attrs["aria-labelledby"] for _, attrs in outline.tags if "aria-labelledby" in attrs]
    assert set(labelled) <= set(ids)
    anchors = [attrs["href"][1:] for attrs in outline.all("a") if attrs.get("href", "").startswith("#")]
    assert set(anchors) <= set(ids)
    assert all("alt" in attrs for attrs in outline.all("img"))
    assert len(outline.all("h1")) == len(outline.all("main")) == 1


def test_the_first_link_skips_to_the_text(theme: Theme) -> None:
    outline = Outline(article(theme))
    after_body = outline.tags[[tag for tag, _ in outline.tags].index("body") + 1]
    assert after_body == ("a", {"class": "skip", "href": "#main"})
    assert outline.all("main")[0]["id"] == "main"


def test_there_is_no_inline_script_or_style(theme: Theme) -> None:
    outline = Outline(article(theme))
    assert [attrs for attrs in outline.all("script") if "src" not in attrs] == [{"type": "application/ld+json"}]
    assert not outline.all("style")
    assert not [attrs for _, attrs in outline.tags if "style" in attrs or any(name.startswith("on") for name in attrs)]


def test_the_head_describes_the_page(theme: Theme) -> None:
    page = article(theme)
    outline = Outline(page)
    meta = {attrs.get("property") or attrs.get("name"): attrs.get("content") for attrs in outline.all("meta")}
    assert "<title>A title &amp; more – The Meridian</title>" in page
    assert meta["description"] == meta["og:description"] == "What it is <about>."
    assert meta["og:url"] == "https://news.example/articles/a-story/"
    assert meta["og:type"] == "article"
    assert meta["og:image"].startswith("https://news.example/articles/a-story/a.")
    assert meta["article:published_time"] == "2026-11-20T03:10:00+01:00"
    assert meta["article:modified_time"] == "2026-11-22T11:00:00+01:00"
    assert meta["robots"] == "max-image-preview:large"
    links = {attrs["rel"]: attrs["href"] for attrs in outline.all("link")}
    assert links["canonical"] == "https://news.example/articles/a-story/"
    assert meta["og:title"] == "A title & more"
    feeds = {a["href"]: a["type"] for a in outline.all("link") if a["rel"] == "alternate"}
    rss_type, json_type = "application/rss+xml", "application/feed+json"
    assert feeds == {"/feed.xml": rss_type, "/feed.json": json_type, "/topics/energy/feed.xml": rss_type}


def test_a_preview_is_marked_and_not_indexed(theme: Theme) -> None:
    page = article(theme, preview=True)
    assert '<meta name="robots" content="noindex">' in page
    assert "don’t share this page" in page
    assert "don’t share this page" not in article(theme)


def test_dates_are_readable_and_machine_readable(theme: Theme) -> None:
    page = article(theme)
    assert '<time datetime="2026-11-20T03:10:00+01:00">20 November 2026, 03:10 UTC+01:00</time>' in page
    assert '<a href="#corrections">Corrected</a> <time datetime="2026-11-22T11:00:00+01:00">' in page
    assert "Updated" in article(theme, corrections=None)
    assert "Updated" not in article(theme, corrections=None, lastmod=None)
    assert "Updated" not in article(theme, corrections=None, lastmod="2026-11-19")


# --- Text, gates, contents, notes ---


@pytest.mark.parametrize(("tier", "seen", "shut"), [("public", 0, 2), ("subscriber", 1, 1), ("member", 2, 0)])
def test_a_tier_sees_its_gates_open_and_others_closed(theme: Theme, tier: str, seen: int, shut: int) -> None:
    page = article(theme, tier)
    assert page.count('<section class="gated"') == seen
    assert page.count('<section class="gate"') == shut
    assert ("hidden-one" in page, "hidden-note" in page) == (seen > 0, seen > 0)
    assert ("hidden-two" in page, "Hidden heading" in page) == (seen > 1, seen > 1)
    assert "Free text after the gates" in page
    assert ("First &lt;b&gt;teaser&lt;/b&gt;." in page) == (seen < 1)
    if shut:
        assert re.search(
            r'<section class="gate" data-tier="member">.*?Second teaser.*?href="/membership/"', page, re.DOTALL
        )


def test_a_gate_has_the_same_anchor_for_every_tier_and_links_back_to_it(theme: Theme) -> None:
    for tier in ("public", "subscriber", "member"):
        assert re.findall(r'id="(gate-\d)"', article(theme, tier)) == ["gate-1", "gate-2"], tier
    page = article(theme)
    ways = re.findall(r'href="(/(?:newsletter|membership)/\?[^"]*)"', page)
    assert ways == [
        "/newsletter/?return_to=/articles/a-story/%23gate-1",
        "/membership/?return_to=/articles/a-story/%23gate-2",
        "/newsletter/?return_to=/articles/a-story/%23sources",
    ]
    whole = article(theme, access="member")
    assert 'href="/membership/?return_to=/articles/a-story/"' in whole
    assert "gate-" not in re.sub(r"gate-(label|teaser|action)", "", whole)


def sign_in_links(page: str) -> list[str]:
    return re.findall(r'<a class="sign-in" href="([^"]*)">Sign in</a>', page)


def test_every_gate_offers_to_sign_in_to_who_is_not(theme: Theme) -> None:
    base = "/signin/?return_to=/articles/a-story/"
    assert sign_in_links(article(theme)) == [f"{base}%23gate-1", f"{base}%23gate-2", f"{base}%23sources"]
    assert sign_in_links(article(theme, access="member"))[0] == base
    assert sign_in_links(article(theme, "subscriber")) == [], "who has a tier is signed in"
    without = replace(SITE, can_sign_in=False)
    assert sign_in_links(article(theme, site=without)) == []


def test_a_gate_promises_no_newsletter(theme: Theme) -> None:
    assert "newsletter</a>" not in article(theme).replace(">Newsletter</a>", "")
    assert "Subscribe for free</a>" in article(theme)


@pytest.mark.parametrize(
    ("tier", "offers", "shown"),
    [
        ("public", (), True), ("subscriber", (), True), ("member", (), False),
        ("subscriber", (Offer("subscriber", "Cheap", (Price("month", "price_9", "€1"),)),), False),
    ],
)  # fmt: skip
def test_who_pays_already_is_not_asked_to_become_a_member(
    theme: Theme, tier: str, offers: tuple[Offer, ...], shown: bool
) -> None:
    join = (
        ("Become a member", "/membership/"),
        ("Join", f"{SITE.base_url}/membership/"),
        ("Give", "https://give.example/"),
    )
    page = article(theme, tier, replace(SITE, support=join, offers=offers))
    support = box(page, "support")
    assert ("Become a member</a>" in support, "Join</a>" in support) == (shown, shown)
    assert "Give</a>" in support
    alone = article(theme, tier, replace(SITE, support=join[:1], offers=offers))
    assert ('id="support-title"' in alone) is shown, "no empty box"


def test_forms_need_a_site_that_can_send_mail(theme: Theme) -> None:
    for form, action in (("signin", "/api/signin"), ("newsletter", "/api/signin"), ("membership", "/api/signin")):
        page = page_html(theme, SITE, StandingPage("A page", "/a/", "<p>Words.</p>", form))
        assert page.count(f'<form class="box form" method="post" action="{action}">') == 1
        assert ('name="newsletter"' in page) == (form == "newsletter")
        without = page_html(theme, SITE, StandingPage("A page", "/a/", "<p>Words.</p>", form, can_sign_in=False))
        assert "<form" not in without
        assert "Sign-in isn’t available on this site yet." in without
    assert 'action="/api/signin/code"' in page_html(theme, SITE, StandingPage("A page", "/a/", "", "code"))
    assert "<form" not in page_html(theme, SITE, StandingPage("A page", "/a/", "<p>Words.</p>"))


FORMS = AccountForms(token="1.token", may_delete=False, can_mail=True)
OFFERS = (Offer("member", "Member & friend", (Price("month", "price_1", "€8"), Price("year", "price_2", "€80"))),)
GIFTS = (Price("once", "price_3", "<5>"),)


def test_each_price_has_a_button(theme: Theme) -> None:
    sells = replace(SITE, offers=OFFERS, contributions=GIFTS)
    page = page_html(theme, sells, StandingPage("Membership", "/membership/", "", "membership"))
    assert re.findall(r'<form[^>]* action="([^"]+)"', page) == ["/api/checkout", "/api/contribute", "/api/signin"]
    assert re.findall(r'name="price" value="([^"]+)">([^<]+)<', page) == [
        ("price_1", "€8 a month"),
        ("price_2", "€80 a year"),
        ("price_3", "&lt;5&gt;"),
    ]
    assert "Member &amp; friend" in page
    box = article(theme, site=replace(SITE, support=(), contributions=GIFTS))
    assert re.findall(r'<form[^>]* action="([^"]+)"', box) == ["/api/contribute"]


def test_without_prices_there_are_no_buttons(theme: Theme) -> None:
    page = page_html(theme, SITE, StandingPage("Membership", "/membership/", "", "membership"))
    assert re.findall(r'<form[^>]* action="([^"]+)"', page) == ["/api/signin"]
    assert "Write to the newsroom" in page
    assert "<form" not in article(theme)


@pytest.mark.parametrize(
    ("state", "words", "day"),
    [
        ("renewing", "renews on", "24 December 2026"),
        ("ending", "cancelled your membership", "7 January 2027"),
        ("overdue", "didn’t go through", "7 January 2027"),
        ("stopped", "has ended", ""),
    ],
)
def test_the_account_shows_the_state_of_the_membership(theme: Theme, state: str, words: str, day: str) -> None:
    paid = {
        "tier": "member",
        "until": "2027-01-07T00:00:00+00:00",
        "state": state,
        "period_end": "2026-12-24T00:00:00+00:00",
    }
    membership = Membership("a@b.example", confirmed="x", paid=paid, customer="cus_1")
    page = reader_pages.account_html(theme, replace(SITE, offers=OFFERS), membership, NOW, FORMS)
    assert words in page
    assert day in page
    assert 'action="/api/portal"' in page
    assert "<dt>Until</dt>" not in page
    assert "cus_1" not in page


def test_the_account_of_a_reader_without_a_membership(theme: Theme) -> None:
    sells, unconfirmed = replace(SITE, offers=OFFERS), Membership("a@b.example")
    page = reader_pages.account_html(theme, sells, unconfirmed, NOW, FORMS)
    assert "See what members get" in page
    assert "/api/portal" not in page
    assert "Confirm yours" in page
    assert "/api/account/newsletters" not in page
    assert "billing-title" not in reader_pages.account_html(theme, SITE, unconfirmed, NOW, FORMS)


def test_pages_and_mail_about_a_reader_escape_values(theme: Theme) -> None:
    site = replace(SITE, name=HOSTILE + "\nBcc: x@y.example")
    paid = {
        "tier": HOSTILE,
        "until": "2027-01-07T00:00:00+00:00",
        "state": "renewing",
        "period_end": "2026-12-24T00:00:00+00:00",
    }
    account = reader_pages.account_html(
        theme, site, Membership(HOSTILE, paid=paid), NOW, FORMS._replace(token=HOSTILE), HOSTILE
    )
    made = [
        account,
        reader_pages.confirm_html(theme, site, HOSTILE, HOSTILE, ""),
        reader_pages.confirm_html(theme, site, HOSTILE, HOSTILE, HOSTILE),
        reader_pages.unsubscribe_html(theme, site, HOSTILE),
        reader_pages.message_html(theme, site, HOSTILE, HOSTILE, Link(HOSTILE, '/"><script>')),
    ]
    mail = reader_pages.sign_in_mail(
        theme, site, reader_pages.SignIn("a@b.example", "https://news.example/?a=1&b=2", "012345", 15)
    )
    for text in (*made, mail.html):
        assert "alert(1)" not in text.replace("&lt;script&gt;alert(1)", "").replace("\\u003cscript\\u003ealert(1)", "")
    assert all('content="noindex"' in text for text in made)
    assert "renews on" in account
    assert "24 December 2026" in account
    assert "\n" not in mail.subject + mail.sender_name
    assert "https://news.example/?a=1&b=2" in mail.text
    assert "&amp;" not in mail.text


def test_the_table_of_contents_lists_visible_headings(theme: Theme) -> None:
    def contents(tier: str) -> list[str]:
        found = re.search(r'<nav class="toc".*?</nav>', article(theme, tier), re.DOTALL)
        assert found
        return re.findall(r'<a href="#s-[^"]+">([^<]+)</a>', found[0])

    assert contents("public") == ["One", "Two", "Three"]
    assert contents("member") == ["One", "Two", "Hidden heading", "Three"]
    assert 'class="toc"' not in article(theme, body="## One\n\n## Two\n")


def test_notes_are_below_the_text(theme: Theme) -> None:
    assert "A free note." in box(article(theme), "footnotes")
    assert "footnotes" not in article(theme, body="No notes.")


# --- AI labels and production ---


def test_an_ai_persona_is_identified(theme: Theme) -> None:
    page = article(theme)
    assert "Written with an AI persona. Henrike Solano is the responsible editor." in page
    assert '<a href="/authors/ada-lindqvist/">Ada Lindqvist</a> <span class="badge">AI persona</span>' in page
    assert "Ada Lindqvist is an AI persona, not a person." in page
    assert "Bo Berg is an AI persona" not in page
    assert "Written by an AI persona" in article(theme, authors=["ada-lindqvist"])
    assert "AI persona" not in article(theme, authors=["bo"])


def test_the_ai_note_is_near_the_headline(theme: Theme) -> None:
    page = article(theme)
    assert page.index("<h1>") < page.index('class="ai-note"') < page.index('<div class="body')


@pytest.mark.parametrize(
    ("source_type", "label"),
    [
        ("trainedAlgorithmicMedia", "AI-generated illustration"),
        ("compositeWithTrainedAlgorithmicMedia", "Image partly AI-generated"),
        ("algorithmicallyEnhanced", "Image enhanced by software"),
        ("digitalCapture", ""),
        ("", ""),
    ],
)
def test_an_image_made_by_ai_is_labelled(theme: Theme, source_type: str, label: str) -> None:
    page = article(theme, hero={**MATTER["hero"], "source_type": source_type})
    figure = re.search(r'<figure class="hero">.*?</figure>', page, re.DOTALL)
    assert figure
    assert (label in figure[0]) if label else ("badge" not in figure[0])
    assert "Cap" in figure[0]
    assert "Cred" in figure[0]
    image = json_ld(page)["image"]
    assert ("digitalSourceType" in image) == bool(label)


def test_production_is_disclosed(theme: Theme) -> None:
    production = box(article(theme), "production")
    for text in ("research, drafting", "Henrike Solano", "20 November 2026", "Checked.", 'href="/process/"'):
        assert text in production
    assert 'id="production"' not in article(theme, production=None, authors=["bo"])
    assert 'id="production"' in article(theme, production=None)


# --- Sources, corrections, authors, support, related ---


def test_source_links_need_the_right_tier(theme: Theme) -> None:
    locked, open_ = box(article(theme), "sources"), box(article(theme, "subscriber"), "sources")
    for text in ("3 sources", "2 publishers", "P, Q", "Report", "Letter", "N"):
        assert text in locked
        assert text in open_
    assert "source.example" not in article(theme)
    assert "are for subscribers" in locked
    assert '<a href="https://source.example/?a=1&amp;b=2">Report</a>' in open_
    assert "Direct links" not in open_


def test_an_article_without_sources_has_no_sources_box(theme: Theme) -> None:
    assert 'id="sources"' not in article(theme, sources=None)


def test_corrections_are_listed_newest_first(theme: Theme) -> None:
    corrections = box(article(theme), "corrections")
    assert corrections.index("a wrong name") < corrections.index("a wrong figure")
    assert 'id="corrections"' in corrections
    assert 'href="/corrections/"' in corrections


def test_an_article_shows_support_authors_related_and_updates(theme: Theme) -> None:
    page = article(theme)
    assert "https://give.example/" in box(page, "support")
    assert 'src="/authors/bo/a.0-1440.public.jpg"' in box(page, "authors")
    related = box(page, "related")
    assert "More in Energy" in related
    assert "Earlier &amp; other" in related
    assert '<a href="/topics/energy/">See all in Energy</a>' in related
    assert page.count("data-update-box") == 1
    assert 'data-topic="energy"' in page
    assert "<li>copper</li>" in page


def test_an_article_with_only_a_title_is_well_formed(theme: Theme) -> None:
    bare = {key: None for key in MATTER if key not in ("title", "date")}
    outline = Outline(article(theme, body="", **bare))
    assert (outline.stack, outline.wrong) == ([], [])


# --- JSON-LD ---


def test_json_ld_has_the_properties_google_asks_for(theme: Theme) -> None:
    data = json_ld(article(theme))
    assert data["@type"] == "NewsArticle"
    assert data["headline"] == "A title & more"
    assert (data["datePublished"], data["dateModified"]) == ("2026-11-20T03:10:00+01:00", "2026-11-22T11:00:00+01:00")
    assert [author["@type"] for author in data["author"]] == ["Organization", "Person"]
    assert data["editor"] == [{"@type": "Person", "name": "Henrike Solano"}]
    assert data["publisher"]["name"] == "The Meridian"
    assert [entry["text"] for entry in data["correction"]] == [entry["text"] for entry in MATTER["corrections"]]
    assert "hidden" not in json.dumps(data).lower()


def test_json_ld_marks_a_free_article_as_free(theme: Theme) -> None:
    data = json_ld(article(theme, body="Free."))
    assert data["isAccessibleForFree"] is True
    assert "hasPart" not in data


HOSTILE_MATTER: dict[str, Any] = {
    "typography": False, "title": HOSTILE, "dek": HOSTILE, "tags": [HOSTILE], "authors": [f"x {HOSTILE}"], "topics": [f"y {HOSTILE}"],
    "hero": {"src": "a.png", "alt": HOSTILE, "caption": HOSTILE, "credit": HOSTILE},
    "corrections": [{"date": "2026-11-22", "text": HOSTILE}],
    "sources": [{"title": HOSTILE, "publisher": HOSTILE, "note": HOSTILE, "date": HOSTILE}],
    "production": {"ai_roles": [HOSTILE], "reviewed_by": HOSTILE, "statement": HOSTILE},
    "body": "Text.\n\n::: gate teaser=\"</script><script>alert(1)</script><!--~notes-->\"\nx\n:::\n",
}  # fmt: skip


@pytest.mark.parametrize("tier", ["public", "member"])
def test_no_text_can_break_out_of_its_element(theme: Theme, tier: str) -> None:
    site = Site(
        name=HOSTILE, tagline=HOSTILE, base_url="https://news.example", teaser=HOSTILE, support=((HOSTILE, "/x"),)
    )
    page = article(theme, tier, site=site, **HOSTILE_MATTER)
    outline = Outline(page)
    assert (outline.stack, outline.wrong) == ([], [])
    assert len(outline.all("script")) == 3
    assert "alert(1)</script>" not in page
    assert "<!--~" not in page
    assert json_ld(page)["headline"] == HOSTILE
    assert json_ld(page)["keywords"] == [HOSTILE]


# --- One rendering for all tiers ---


def test_pages_rendered_together_equal_pages_rendered_alone(theme: Theme) -> None:
    for made in (document(), document(**HOSTILE_MATTER), document(body="Plain."), document(access="member")):
        views = [view(made, tier, SITE) for tier in SITE.tiers]
        known = Article(made, [PERSONA] * len(made.authors), [TOPIC] * len(made.topics), pictures=pictures_of(made))
        together = article_pages(theme, SITE, known, views)
        alone = [_alone(theme, known, view_) for view_ in views]
        assert together == alone
        assert len(set(together)) > 1 or "Plain." in together[0]


def _alone(theme: Theme, known: Article, seen: View) -> str:
    """Return one page, rendered with `article.html` and not with the shell."""
    rendered: list[str] = []

    class Whole:
        text = theme.text
        assets = theme.assets

        def render_each(self, template: str, shell: str, contexts: list[Any], _: str) -> list[str]:
            rendered.extend(theme.render(template, context) for context in contexts)
            return rendered

    return article_pages(Whole(), SITE, known, [seen])[0]  # type: ignore[arg-type]


PAGE: Any = SimpleNamespace(site=SITE)


def test_a_shell_must_show_each_block_once(theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "static").mkdir()
    blocks = "".join(f"{{% block {name} %}}x{{% endblock %}}" for name in READER_BLOCKS)
    (tmp_path / "templates" / "article.html").write_text(blocks)
    (tmp_path / "templates" / "shell.html").write_text(
        "{% extends 'article.html' %}{% block toc %}<!--~toc-->{% endblock %}"
    )
    with pytest.raises(ValueError, match="must show each"):
        Theme(tmp_path).render_each("article.html", "shell.html", [PAGE])


def test_a_template_with_an_unknown_name_fails(theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "static").mkdir()
    (tmp_path / "templates" / "page.html").write_text("{{ page.nothing }}")
    with pytest.raises(Exception, match="nothing"):
        Theme(tmp_path).render("page.html", PAGE)


# --- Lists and feeds ---

CARDS = [
    CARD,
    {**CARD, "slug": "hostile", "title": HOSTILE, "dek": HOSTILE, "authors": [["x", HOSTILE]], "topic": ["y", HOSTILE]},
    {**CARD, "slug": "bare", "dek": "", "authors": [], "topic": None, "access": "member"},
    {
        **CARD,
        "slug": "pictured",
        "hero": {
            "src": "a.0.png",
            "alt": HOSTILE,
            "caption": "",
            "credit": "",
            "source_type": "trainedAlgorithmicMedia",
            "files": FILES.to_json(),
        },
    },
]


@pytest.mark.parametrize("kind", ["home", "topic", "author", "month"])
def test_a_list_shows_its_cards(theme: Theme, kind: str) -> None:
    page = list_html(
        theme, SITE, ListPage(kind, "Heading", "/x/y/", CARDS, months=month_links(theme.text(SITE), "/x/", ["2026-11"]))
    )
    outline = Outline(page)
    assert (outline.stack, outline.wrong) == ([], [])
    assert [page.count(f'href="/articles/{card["slug"]}/"') for card in CARDS] == [1] * len(CARDS)
    assert '<a href="/x/2026/11/">November 2026</a>' in page
    assert page.count("Member access") == 1
    assert page.count("AI-generated illustration") == 1
    assert "alert(1)</script>" not in page


def test_an_empty_list_is_well_formed(theme: Theme) -> None:
    outline = Outline(list_html(theme, SITE, ListPage("home", SITE.name, "/", [])))
    assert (outline.stack, outline.wrong) == ([], [])


def test_the_rss_feed_is_well_formed_and_complete(theme: Theme) -> None:
    text = rss(theme, SITE, (f"Feed {HOSTILE}", "/topics/y/"), CARDS)
    root = ElementTree.fromstring(text.encode())
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = root.find("channel")
    assert channel is not None
    assert channel.findtext("title") == f"Feed {HOSTILE}"
    assert channel.findtext("link") == "https://news.example/topics/y/"
    assert channel.findtext("description")
    self_link = channel.find("{http://www.w3.org/2005/Atom}link")
    assert self_link is not None
    assert self_link.attrib["href"] == "https://news.example/topics/y/feed.xml"
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == [card["title"] for card in CARDS]
    assert [item.findtext("link") for item in items] == [f"https://news.example/articles/{c['slug']}/" for c in CARDS]
    assert [item.findtext("guid") for item in items] == [item.findtext("link") for item in items]
    assert {parsedate_to_datetime(item.findtext("pubDate") or "").isoformat() for item in items} == {CARD["date"]}
    assert [unescape(item.findtext("description") or "") for item in items] == [card["dek"] for card in CARDS]
    assert len(items[3].findall("{http://search.yahoo.com/mrss/}content")) == 1


def test_an_empty_rss_feed_is_valid(theme: Theme) -> None:
    assert ElementTree.fromstring(rss(theme, SITE, ("T", "/"), [])).find("channel/item") is None


def test_the_json_feed_has_what_version_1_1_requires(theme: Theme) -> None:
    feed = json.loads(json_feed(theme, SITE, CARDS))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"] == "The Meridian"
    assert feed["home_page_url"] == "https://news.example/"
    assert feed["feed_url"] == "https://news.example/feed.json"
    assert len(feed["items"]) == len(CARDS)
    for item, card in zip(feed["items"], CARDS, strict=True):
        assert item["id"] == item["url"] == f"https://news.example/articles/{card['slug']}/"
        assert "content_text" in item
        assert item["title"] == card["title"]
        assert item["date_published"] == card["date"]
        assert all(set(author) <= {"name", "url", "avatar"} for author in item["authors"])


def test_other_pages_are_well_formed(theme: Theme) -> None:
    entries = [{"date": "2026-11-22T00:00:00+00:00", "text": HOSTILE, "title": HOSTILE, "slug": "a"}]
    made = [
        corrections_html(theme, SITE, "Corrections", "<p>Policy.</p>", entries),
        corrections_html(theme, SITE, "Corrections", "", []),
        page_html(theme, SITE, StandingPage(HOSTILE, "/about/", "<p>Text.</p>")),
        updates_html(theme, SITE, []),
        updates_html(theme, SITE, [UPDATE, replace(UPDATE, id="b", url="", summary="", headline=HOSTILE)]),
        directory_html(
            theme,
            SITE,
            "topic",
            "/topics/",
            [
                DirectoryEntry(
                    HOSTILE,
                    "/topics/y/",
                    HOSTILE,
                    "",
                    True,
                    2,
                    Link(HOSTILE, "/articles/a/"),
                    stamp(theme.text(SITE), SITE, "2026-11-20"),
                )
            ],
        ),
    ]
    for page in made:
        outline = Outline(page)
        assert (outline.stack, outline.wrong) == ([], [])
        assert "alert(1)</script>" not in page
