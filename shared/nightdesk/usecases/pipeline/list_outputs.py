"""The pages and feeds of a list, made of its entries: pure functions of what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from nightdesk.domain.site import Site
from nightdesk.domain.site_paths import PAGES_TAG, fronts_of, key_of, sitemap_path
from nightdesk.domain.text import display_name
from nightdesk.ports import Output
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.environment import Theme
from nightdesk.rendering.feeds import Texts, json_feed, rss
from nightdesk.rendering.list_pages import ListPage, list_html, month_links
from nightdesk.rendering.page_parts import author_box
from nightdesk.rendering.sitemaps import sitemap_part
from nightdesk.rendering.times import month_name
from nightdesk.repositories.list_records import ListSummary
from nightdesk.repositories.private_bucket import HTML
from nightdesk.usecases.pipeline.places import list_path, month_path
from nightdesk.usecases.pipeline.social_cards import PageCard

FRONT_SIZE = 30
FEED_SIZE = 50
UNCACHED = "no-cache"
LIST_CACHE = "public, max-age=0, s-maxage=300, stale-while-revalidate=60"
TEXT = "text/plain; charset=utf-8"
_XML = "application/xml"
_RSS = "application/rss+xml; charset=utf-8"
_JSON_FEED = "application/json; charset=utf-8"
"""Readers get `application/feed+json` from the edge. CloudFront does not compress objects of that type."""

Card = dict[str, Any]


class FrontSection(NamedTuple):
    """A topic's section of the front page: its id, and the cards of its articles."""

    topic: str
    cards: tuple[Card, ...]


class FrontContents(NamedTuple):
    """What the front page shows: the cards at its top, the lead first, and the sections below."""

    cards: tuple[Card, ...] = ()
    sections: tuple[FrontSection, ...] = ()


class ListContents(NamedTuple):
    """What the pages of a list are made of.

    Attributes:
        by_month: the cards of each month whose page is to be made, by `yyyy-mm`.
        newest: the newest cards of the list.
        months: all months in which the list has articles, newest first, and how many it has in each; for the list of all
            articles, only those of the months in `by_month` are counted.
        profile: the facts of the topic or the author; None for one without a profile.
        card: the social card of a topic or an author.
        unrecorded: True if the table does not know yet which of the months in `by_month` have articles.
        front: for the list of all articles, what the front page shows.
    """

    by_month: dict[str, list[Card]]
    newest: list[Card]
    months: dict[str, int]
    profile: Mapping[str, Any] | None
    unrecorded: bool = True
    front: FrontContents = FrontContents()
    card: PageCard | None = None


def site_page(path: str, text: str, content_type: str = HTML) -> Output:
    """Return a page or a feed, other than an article's, with the tags by which the cache finds it; no text removes it."""
    tags = [PAGES_TAG, *(front.tag for front in fronts_of(path))]
    return Output(key_of(path), text.encode(), content_type, LIST_CACHE, {"cache-tag": ",".join(tags)})


def machine_file(path: str, text: str, content_type: str = _XML) -> Output:
    """Return a sitemap or the like, for which the cache asks at every request; no text removes it."""
    return Output(key_of(path), text.encode(), content_type, UNCACHED)


def feed_path(name: str) -> str:
    """Return the path of a list's feed that has the texts of all its articles."""
    return "/feed.json" if name == "all" else f"{list_path(name)}feed.xml"


def list_outputs(name: str, contents: ListContents, site: Site, theme: Theme, texts: Texts) -> list[Output]:
    """Make a list's front, feeds and the pages of the months in `contents.by_month`.

    Args:
        texts: those of the articles in the feeds.
    """
    months = [_month_page(name, month, contents, site, theme) for month in contents.by_month]
    if name == "all":
        parts = {sitemap_path(month): sitemap_part(site, cards) for month, cards in contents.by_month.items()}
        months += [machine_file(path, text) for path, text in parts.items()]
    return months + (
        _home(contents, site, theme, texts) if name == "all" else _front(name, contents, site, theme, texts)
    )


def list_summary(name: str, contents: ListContents) -> ListSummary | None:
    """Return what directories show of a topic or an author; None without articles and profile, and for other lists."""
    if name == "all" or not (contents.newest or contents.profile):
        return None
    profile, newest = contents.profile or {}, contents.newest[:1]
    return ListSummary(
        label=list_label(name, contents),
        note=profile.get("beat") or profile.get("summary", ""),
        portrait=profile.get("portrait", ""),
        is_ai=not profile.get("human", True),
        articles=sum(contents.months.values()),
        newest=(newest[0]["slug"], newest[0]["title"], newest[0]["date"]) if newest else None,
    )


def list_label(name: str, contents: ListContents) -> str:
    """Return the label of a topic's or author's list."""
    return _label(name, contents.newest, contents.profile)


def _label(name: str, cards: Iterable[Card], profile: Mapping[str, Any] | None) -> str:
    """Return a list's label for one of its pages: the profile's name, else the name that the first card on the page has.

    The newest card of the list does not count: if it did, a change of it would change every month's page.
    """
    if profile:
        return str(profile["name"])
    kind, _, identifier = name.partition(":")
    for card in cards:
        names = dict(card["authors"]) if kind == "author" else dict([card["topic"]] if card["topic"] else [])
        if identifier in names:
            return str(names[identifier])
    return display_name(identifier)


def _month_page(name: str, month: str, contents: ListContents, site: Site, theme: Theme) -> Output:
    path, cards = month_path(name, month), contents.by_month[month]
    if not cards:
        return site_page(path, "")
    text = theme.text(site)
    heading, front = month_name(text, month), "/"
    if name != "all":
        heading, front = text("list.separator").join([_label(name, cards, contents.profile), heading]), list_path(name)
    up = Link(text("list.all_months"), f"{front}#months-title")
    return site_page(path, list_html(theme, site, ListPage("month", heading, path, cards, months=[up])))


def _home(contents: ListContents, site: Site, theme: Theme, texts: Texts) -> list[Output]:
    links, fed = month_links(theme.text(site), list_path("all"), list(contents.months)), contents.newest[:FEED_SIZE]
    sections = [
        (Link(_topic_name(section), list_path(f"topic:{section.topic}")), section.cards)
        for section in contents.front.sections
    ]
    page = ListPage("home", site.name, "/", contents.front.cards, site.tagline, months=links, sections=sections)
    return [
        site_page("/", list_html(theme, site, page)),
        site_page("/feed.xml", rss(theme, site, (site.name, "/"), fed, texts), _RSS),
        site_page("/feed.json", json_feed(theme, site, fed, texts), _JSON_FEED),
    ]


def _topic_name(section: FrontSection) -> str:
    """Return the name that the newest article of a section has for its topic: the one in the topic's profile, if there is one."""
    card = section.cards[0]
    names = dict(card.get("topics") or [card["topic"]])
    return str(names.get(section.topic) or display_name(section.topic))


def _front(name: str, contents: ListContents, site: Site, theme: Theme, texts: Texts) -> list[Output]:
    kind, _, identifier = name.partition(":")
    path, profile = list_path(name), contents.profile
    feed_path = f"{path}feed.xml"
    if not contents.newest and not profile:
        return [site_page(path, ""), site_page(feed_path, "")]
    label = list_label(name, contents)
    page = ListPage(
        kind,
        label,
        path,
        contents.newest[:FRONT_SIZE],
        intro=profile["summary"] if profile else "",
        author=author_box(theme.text(site), identifier, label, profile) if kind == "author" else None,
        months=month_links(theme.text(site), path, list(contents.months)),
        card=f"{path}{copied[0]}" if (copied := contents.card and contents.card.copy(public=True)) else "",
    )
    feed = rss(theme, site, (f"{label} – {site.name}", path), contents.newest, texts)
    return [site_page(path, list_html(theme, site, page)), site_page(feed_path, feed, _RSS)]
