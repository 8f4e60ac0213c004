"""Lists: fronts, months, feeds and standing pages in line with the entries, profiles and settings that they show.

Each is made by one converge over all that it reads. Sees only what the public sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from nightdesk.domain.moments import month_name
from nightdesk.domain.site import Site
from nightdesk.domain.text import name_of_id
from nightdesk.rendering import pages
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.environment import Theme

from . import catalogue
from .converge import converge, store, store_or_remove
from .paths import CODE_PATH, PAGES_TAG, SIGN_IN_PATH, THANKS_PATH, front_of, key_of, path_of
from .ports import Event, Item, Output, Ports
from .stored import ASSET_CACHE, HTML, IMAGE_TYPES, facts_from, load_site

FRONT = 30
FEED = 50
LIST_CACHE = "public, max-age=0, s-maxage=300, stale-while-revalidate=60"
FOLDERS = {"topic": "topics", "author": "authors"}
_RSS = "application/rss+xml; charset=utf-8"
_JSON_FEED = "application/feed+json; charset=utf-8"
_FORMS = frozenset(("newsletter", "membership"))
"""Standing pages with a form of the same name below what they say, whoever wrote that."""
_SIGN_IN = (
    "<p>Type your e-mail address, and we send you a link and a code. There is no password to remember, and no account to "
    "make first: whoever signs in for the first time has one.</p>"
)
_LOOK = "<p>If mail reaches that address, it will within a minute. Its link, or its code, signs you in.</p>"
_THANKS = (
    "<p>What you pay keeps this newsroom going.</p><p>If it was for a membership, all that it opens is open to you from now on, "
    'in this browser and wherever you sign in. Some ways to pay take a few days; <a href="/account/">your account</a> says how '
    'it stands.</p><p><a href="/">Front page</a></p>'
)
_CONTENT_TYPES = {
    **IMAGE_TYPES,
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
Facts = Mapping[str, Any]


def months_of(places: Iterable[str]) -> dict[str, set[str]]:
    """Lists that have pages, and the months in each, that places stand in."""
    found: dict[str, set[str]] = defaultdict(set)
    for place in places:
        name, sort_key = catalogue.split_entry(place)
        if catalogue.has_pages(name):
            found[name].add(catalogue.month_of(sort_key))
    return dict(sorted(found.items()))


class _Listing(NamedTuple):
    """What the pages of a list are made of: the cards of the months to make, the newest cards, and all of its months."""

    by_month: dict[str, list[dict[str, Any]]]
    newest: list[dict[str, Any]]
    months: list[str]
    profile: Facts | None


def refresh(name: str, months: Iterable[str] | None, site: Site, ports: Ports, theme: Theme) -> list[str]:
    """Bring a list's front, feeds and the given months in line with its entries.

    Args:
        name: `all`, `topic:<id>`, `author:<id>`, `corrections` or `alias:<path>`.
        months: `yyyy-mm`; None for all that the list has.
        site: the settings; the caller looks again whether they held.

    Returns:
        The paths written, or found to be right already.
    """
    if name == "corrections":
        return _refresh_corrections(site, ports, theme)
    kind, _, identifier = name.partition(":")
    if kind == "alias":
        return _refresh_address(identifier, site, ports, theme)
    wanted = sorted(catalogue.all_months(ports.articles, name) if months is None else set(months))

    def read() -> _Listing:
        by_month = {month: _cards(catalogue.month(ports.articles, name, month)) for month in wanted}
        known = {month for month in catalogue.months(ports.articles, name) if month not in by_month}
        there = sorted(known | {month for month, cards in by_month.items() if cards}, reverse=True)
        newest = _cards(catalogue.newest(ports.articles, name, FEED))
        return _Listing(by_month, newest, there, _profile(kind, identifier, ports) if identifier else None)

    def make(listing: _Listing) -> tuple[_Listing, list[Output]]:
        outputs = [_month_page(name, month, listing, site, theme) for month in wanted]
        return listing, outputs + (_front(name, listing, site, theme) if identifier else _home(listing, site, theme))

    outputs: list[Output] = []

    def write(made: tuple[_Listing, list[Output]]) -> bool:
        listing, outputs[:] = made
        wrote = False
        # Before the pages: they are made of these marks too, and another run may have made its own of the old ones.
        for month, cards in listing.by_month.items():
            wrote |= catalogue.mark_month(ports.articles, name, month, bool(cards))
        if identifier:
            there = listing.newest or listing.profile
            label = {"label": _label(kind, identifier, listing.newest, listing.profile)} if there else None
            wrote |= catalogue.mark(ports.articles, "lists", name, label)
        wrote |= store_or_remove(ports.site, outputs)
        if kind == "author":
            _store_assets(identifier, listing.profile, ports)
        return wrote

    converge(read, make, write)
    return [path_of(output.key) for output in outputs]


def base_of(name: str) -> str:
    """The path below which a list's pages lie."""
    kind, _, identifier = name.partition(":")
    return f"/{FOLDERS[kind]}/{identifier}/" if identifier else "/archive/"


def _profile(kind: str, identifier: str, ports: Ports) -> Facts | None:
    blob = ports.work.get(f"{FOLDERS[kind]}/{identifier}.json")
    return facts_from(blob.body) if blob else None


def _cards(entries: Iterable[Item]) -> list[dict[str, Any]]:
    return [entry["card"] for entry in entries]


def _label(kind: str, identifier: str, cards: Iterable[dict[str, Any]], profile: Facts | None) -> str:
    """A list's name on one of its pages: its profile's, else as the first card on the page has it.

    Not as the list's newest has it: a change of that one would be a change of every month.
    """
    if profile:
        return str(profile["name"])
    for card in cards:
        named = dict(card["authors"]) if kind == "author" else dict([card["topic"]] if card["topic"] else [])
        if identifier in named:
            return str(named[identifier])
    return name_of_id(identifier)


def _page(path: str, text: str, kind: str = HTML) -> Output:
    front = front_of(path)
    tags = [PAGES_TAG, *([front[0]] if front else [])]
    return Output(key_of(path), text.encode(), kind, LIST_CACHE, {"cache-tag": ",".join(tags)})


def _month_page(name: str, month: str, listing: _Listing, site: Site, theme: Theme) -> Output:
    base, cards = base_of(name), listing.by_month[month]
    path = f"{base}{month[:4]}/{month[5:]}/"
    if not cards:
        return _page(path, "")
    kind, _, identifier = name.partition(":")
    heading, up = month_name(month), Link("Front page", "/")
    if identifier:
        heading, up = f"{_label(kind, identifier, cards, listing.profile)}, {heading}", Link("All months", base)
    return _page(path, pages.list_html(theme, site, "month", heading, path, cards, months=[up]))


def _home(listing: _Listing, site: Site, theme: Theme) -> list[Output]:
    links = pages.month_links("/archive/", listing.months)
    front = pages.list_html(
        theme, site, "home", site.name, "/", listing.newest[:FRONT], intro=site.tagline, months=links, feed="/feed.xml"
    )
    return [
        _page("/", front),
        _page("/feed.xml", pages.rss(theme, site, site.name, "/", "/feed.xml", listing.newest), _RSS),
        _page("/feed.json", pages.json_feed(site, listing.newest), _JSON_FEED),
    ]


def _front(name: str, listing: _Listing, site: Site, theme: Theme) -> list[Output]:
    kind, _, identifier = name.partition(":")
    path, profile = base_of(name), listing.profile
    feed = f"{path}feed.xml"
    if not listing.newest and not profile:
        return [_page(path, ""), _page(feed, "")]
    label = _label(kind, identifier, listing.newest, profile)
    front = pages.list_html(
        theme,
        site,
        kind,
        label,
        path,
        listing.newest[:FRONT],
        intro=profile["summary"] if profile else "",
        author=pages.author_box(identifier, label, profile) if kind == "author" else None,
        months=pages.month_links(path, listing.months),
        feed=feed,
    )
    text = pages.rss(theme, site, f"{label} – {site.name}", path, feed, listing.newest)
    return [_page(path, front), _page(feed, text, _RSS)]


def _store_assets(identifier: str, profile: Facts | None, ports: Ports) -> None:
    """An author's portrait; its name holds its digest, so a newer file waits for the profile that names it."""
    for asset in profile["assets"] if profile else []:
        key = f"authors/{identifier}/{asset['name']}"
        blob = None if ports.site.stat(key) else ports.drafts.get(asset["key"])
        if blob and blob.etag == asset["etag"]:
            kind = IMAGE_TYPES["." + key.rsplit(".", 1)[1]]
            store(ports.site, Output(key, blob.body, kind, ASSET_CACHE))


def refresh_directory(kind: str, site: Site, ports: Ports, theme: Theme) -> str:
    """Bring `/topics/` or `/authors/` in line with the lists that there are; its path."""
    path = f"/{FOLDERS[kind]}/"

    def read() -> list[tuple[str, str]]:
        found = ports.articles.query("lists", prefix=f"{kind}:")
        return [(item["sk"].partition(":")[2], item["label"]) for item in found]

    def make(found: list[tuple[str, str]]) -> list[Output]:
        links = [Link(label, f"{path}{i}/") for i, label in sorted(found, key=lambda pair: pair[1].casefold())]
        return [_page(path, pages.directory_html(theme, site, FOLDERS[kind].capitalize(), path, links))]

    converge(read, make, lambda outputs: store_or_remove(ports.site, outputs))
    return path


def _standing(identifier: str, ports: Ports, theme: Theme) -> Facts | None:
    """A standing page's facts: the newsroom's own, else the theme's default, else None."""
    blob = ports.work.get(f"pages/{identifier}.json")
    if blob:
        return facts_from(blob.body)
    if identifier not in theme.pages:
        return None
    # Only a change of the settings or the theme comes here; no other run should wait for a Markdown parser to load.
    from nightdesk.domain.drafts import parse_profile
    from nightdesk.rendering.markdown import render_plain

    profile = parse_profile(theme.pages[identifier], "page", identifier)
    return {"name": profile.name, "body": render_plain(profile.body, lambda _: None, lambda url: url)}


def _refresh_corrections(site: Site, ports: Ports, theme: Theme) -> list[str]:
    def read() -> tuple[list[dict[str, Any]], Facts | None]:
        cards = _cards(catalogue.newest(ports.articles, "corrections", 200))
        return cards, _standing("corrections", ports, theme)

    def make(inputs: tuple[list[dict[str, Any]], Facts | None]) -> list[Output]:
        cards, page = inputs
        heading, intro = (page["name"], page["body"]) if page else ("Corrections", "")
        return [_page("/corrections/", pages.corrections_html(theme, site, heading, intro, cards))]

    converge(read, make, lambda outputs: store_or_remove(ports.site, outputs))
    return ["/corrections/"]


def refresh_page(identifier: str, site: Site, ports: Ports, theme: Theme) -> list[str]:
    """Bring a standing page in line with its file, or with the theme's default for it."""
    if identifier == "corrections":
        return _refresh_corrections(site, ports, theme)
    return _refresh_address(f"/{identifier}/", site, ports, theme)


def _refresh_address(path: str, site: Site, ports: Ports, theme: Theme) -> list[str]:
    """What stands at an address of its own: a standing page, else the way to the article that had it, else nothing."""
    identifier = path.strip("/")

    def read() -> tuple[Facts | None, list[str]]:
        page = _standing(identifier, ports, theme) if "/" not in identifier else None
        claims = catalogue.entries(ports.articles, f"alias:{path}", "", 1)
        return page, [entry["card"]["slug"] for entry in claims]

    def make(inputs: tuple[Facts | None, list[str]]) -> list[Output]:
        page, slugs = inputs
        if page:
            form, mail = identifier if identifier in _FORMS else "", ports.can_sign_in
            html = pages.page_html(theme, site, page["name"], path, page["body"], form=form, can_sign_in=mail)
            return [_page(path, html)]
        if slugs:
            there = {"status": "301", "location": f"/articles/{slugs[0]}/"}
            return [Output(key_of(path), b"Moved\n", HTML, LIST_CACHE, there)]
        return [_page(path, "")]

    converge(read, make, lambda outputs: store_or_remove(ports.site, outputs))
    return [path]


def refresh_profile(kind: str, identifier: str, ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Bring what shows an author, a topic or a standing page in line with its file; sends the events."""
    if kind == "page":
        return _for_site(lambda site: refresh_page(identifier, site, ports, theme), ports)
    return refresh_list(f"{kind}:{identifier}", ports, theme)


def refresh_list(name: str, ports: Ports, theme: Theme, bulk: str = "") -> tuple[str, ...]:
    """Bring a whole list in line with its entries; sends the events.

    Args:
        bulk: the cache tag of all pages that a change touched, when it touched many.
    """
    kind = name.partition(":")[0]

    def everything(site: Site) -> list[str]:
        paths = refresh(name, None, site, ports, theme)
        return [*paths, refresh_directory(kind, site, ports, theme)] if kind in FOLDERS else paths

    return _for_site(everything, ports, bulk=bulk)


def _for_site(
    make: Callable[[Site], list[str]], ports: Ports, events: Sequence[Event] = (), bulk: str = ""
) -> tuple[str, ...]:  # fmt: skip
    """Make pages in the light of the settings, again if those changed meanwhile; sends the events."""
    paths: list[str] = []

    def write(site: Site) -> bool:
        paths[:] = make(site)
        return True

    converge(lambda: load_site(ports), lambda site: site, write)
    detail = {"paths": paths, "bulk": bulk} if bulk else {"paths": paths}
    ports.bus.emit([Event("PagesWritten", detail), *events])
    return tuple(paths)


def refresh_site(ports: Ports, theme: Theme, each_list: bool = True) -> tuple[str, ...]:
    """Bring in line what depends on the settings and the theme alone; sends the events, one for each list among them.

    Args:
        each_list: also ask for every list that there is.
    """
    for key, body in theme.assets.values():
        kind = _CONTENT_TYPES.get("." + key.rsplit(".", 1)[1], "application/octet-stream")
        store(ports.site, Output(key, body, kind, ASSET_CACHE))
    names = ["all", *catalogue.lists(ports.articles)] if each_list else []
    # A few lists have hundreds of months.
    bulk = {"bulk": PAGES_TAG} if each_list else {}
    return _for_site(
        lambda site: _refresh_fixed(site, ports, theme),
        ports,
        [
            Event("PagesWritten", {"paths": _plain_files(theme)}),
            *(Event("ListTouched", {"list": name, **bulk}) for name in names),
        ],
        **bulk,
    )


def _plain_files(theme: Theme) -> list[str]:
    """Paths of files that show nothing of the settings, so that they have no tag in common with what does."""
    return ["/robots.txt", *(f"/{name}" for name in theme.root)]


def _refresh_fixed(site: Site, ports: Ports, theme: Theme) -> list[str]:
    """The pages that every site has."""
    errors = {
        "404": (
            "Not found",
            '<p>There is no page at this address. The <a href="/">front page</a> has what is new.</p>',
        ),
        "410": ("No longer here", "<p>This page is no longer published.</p>"),
    }
    for code, (heading, body_html) in errors.items():
        text = pages.page_html(theme, site, heading, "/", body_html, robots="noindex")
        store_or_remove(
            ports.site, [Output(f"~errors/{code}.html", text.encode(), HTML, "public, max-age=0, s-maxage=60")]
        )
    robots = "User-agent: *\nDisallow: /api/\nDisallow: /account/\n"
    store_or_remove(ports.site, [Output("robots.txt", robots.encode(), "text/plain; charset=utf-8", LIST_CACHE)])
    for name, body in theme.root.items():
        kind = _CONTENT_TYPES.get("." + name.rpartition(".")[2], "application/octet-stream")
        store(ports.site, Output(name, body, kind, LIST_CACHE))
    for path, heading, body_html, form in (
        (SIGN_IN_PATH, "Sign in", _SIGN_IN, "signin"),
        (CODE_PATH, "Look into your mail", _LOOK, "code"),
    ):
        mail = ports.can_sign_in
        text = pages.page_html(theme, site, heading, path, body_html, robots="noindex", form=form, can_sign_in=mail)
        store_or_remove(ports.site, [_page(path, text)])
    sells = bool(site.offers or site.contributions)
    thanks = pages.page_html(theme, site, "Thank you", THANKS_PATH, _THANKS, robots="noindex") if sells else ""
    store_or_remove(ports.site, [_page(THANKS_PATH, thanks)])
    paths = [
        SIGN_IN_PATH,
        CODE_PATH,
        THANKS_PATH,
        *refresh("all", (), site, ports, theme),
        *_refresh_corrections(site, ports, theme),
    ]
    own = [key.removeprefix("pages/").removesuffix(".json") for key, _ in ports.work.list("pages/")]
    for identifier in sorted({*own, *theme.pages} - {"corrections"}):
        paths += refresh_page(identifier, site, ports, theme)
    return paths + [refresh_directory(kind, site, ports, theme) for kind in FOLDERS]
