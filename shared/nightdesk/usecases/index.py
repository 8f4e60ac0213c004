"""Index: from an article's public facts to its record, and to every list, feed and front that names it.

Sees only what the public sees.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from nightdesk.domain.documents import digest
from nightdesk.domain.errors import Conflict
from nightdesk.domain.moments import month_name
from nightdesk.domain.site import Site
from nightdesk.domain.text import name_of_id
from nightdesk.rendering import pages
from nightdesk.rendering.contexts import Link
from nightdesk.rendering.environment import Theme

from . import catalogue
from .converge import converge, store
from .gate import ASSET_CACHE, HTML, RELATED, digest_cards, earlier_cards
from .paths import key_of
from .ports import Change, Event, Item, Output, Ports
from .stored import IMAGE_TYPES, facts_from, load_site

FRONT = 30
FEED = 50
LIST_CACHE = "public, max-age=0, s-maxage=300, stale-while-revalidate=60"
_FOLDERS = {"topic": "topics", "author": "authors"}
_CONTENT_TYPES = {
    **IMAGE_TYPES,
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
}


class Listed(NamedTuple):
    """What the table now says of an article: the lists and months to refresh (empty when all of it was done before)."""

    slug: str
    turn: int
    pending: tuple[str, ...]
    stale: bool


def index(slugs: Iterable[str], ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Bring articles' records, and everything that lists them, in line with their facts; sends the events.

    Articles that come together are entered first, and each list that any of them stands in is made once.

    Returns:
        The paths that may have changed.
    """
    return finish([listed for slug in slugs if (listed := enter(slug, ports))], ports, theme)


def finish(entered: Sequence[Listed], ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Make the lists that entered articles stand in, send the events, and settle their records.

    Returns:
        The paths that may have changed.
    """
    pending = [place for listed in entered for place in listed.pending]
    paths: list[str] = []

    def write(site: Site) -> bool:
        paths[:] = [
            path for name, months in months_of(pending).items() for path in refresh(name, months, site, ports, theme)
        ]
        if any(not place.startswith(("all ", "corrections ")) for place in pending):
            paths.extend(refresh_directory(kind, site, ports, theme) for kind in _FOLDERS)
        return True

    if pending:
        converge(lambda: load_site(ports), lambda site: site, write)
    touched = {listed.slug for listed in entered if listed.stale}
    for listed in entered:
        touched.update(_neighbours(listed, ports))
    unsettled = [listed for listed in entered if listed.pending]
    events = [Event("ArticleIndexed", {"slug": listed.slug, "paths": []}) for listed in unsettled[1:]]
    if unsettled:
        events.append(Event("ArticleIndexed", {"slug": unsettled[0].slug, "paths": paths}))
    ports.bus.emit([*events, *(Event("ArticleTouched", {"slug": slug}) for slug in sorted(touched))])
    for listed in unsettled:
        _settle(listed, ports)
    return tuple(paths)


def enter(slug: str, ports: Ports) -> Listed | None:
    """Write an article's record and entries. None where there are no facts.

    The record counts its changes in `turn`; `settled` is the last turn whose lists and events are all out. A turn is
    never the same twice, so A, B, A is not mistaken for nothing having happened.
    """

    def read() -> bytes | None:
        blob = ports.work.get(f"facts/{slug}.json")
        return blob.body if blob else None

    def make(raw: bytes | None) -> Mapping[str, Any] | None:
        return json.loads(raw) | {"digest": digest(raw)} if raw else None

    state: list[Item] = []

    def write(facts: Mapping[str, Any] | None) -> bool:
        if not facts:
            return False
        before = catalogue.record(ports.articles, slug)
        if before and before["facts"] == facts["digest"]:
            state[:] = [before]
            return False
        cards = facts["places"]
        old = before["places"] if before else []
        unsettled = before["pending"] if before and before["settled"] != before["turn"] else []
        pending = sorted({*cards, *old, *unsettled})
        turn = before["turn"] + 1 if before else 1
        item = {
            "facts": facts["digest"],
            "document": facts["document"],
            "state": facts["state"],
            "places": sorted(cards),
            "pending": pending,
            "turn": turn,
            # An article that stands in no list, such as one that had expired when it came, is settled by this very write.
            "settled": turn if not pending else before["settled"] if before else 0,
        }
        changes = [Change(f"article#{slug}", catalogue.RECORD, item, before["version"] if before else None)]
        changes += catalogue.entry_changes(cards, [place for place in old if place not in cards])
        ports.articles.write(changes)
        state[:] = [item]
        return True

    facts = converge(read, make, write)
    if not facts:
        return None
    item = state[0]
    pending = tuple(item["pending"]) if item["turn"] != item["settled"] else ()
    return Listed(slug, item["turn"], pending, _outdated(facts["shows"], ports))


def _outdated(shows: Mapping[str, Any], ports: Ports) -> bool:
    """Whether what an article's page shows of others has changed since the page was made.

    A change of a profile, or of an earlier article, asks those articles to be gated again that are in the lists. One
    that entered a list only after that, with a page made before, would be missed; so whoever enters looks once more.
    """
    for key, known in shows["profiles"].items():
        stat = ports.work.stat(key)
        if (stat.metadata.get("digest", "") if stat else "") != known:
            return True
    earlier = {name: earlier_cards(name, shows["place"], ports) for name in shows["earlier"]}
    return bool(digest_cards(earlier) != shows["earlier"])


def _settle(listed: Listed, ports: Ports) -> None:
    record = catalogue.record(ports.articles, listed.slug)
    if record and record["turn"] == listed.turn and record["settled"] != listed.turn:
        item = {k: v for k, v in record.items() if k not in ("pk", "sk", "version")} | {"settled": listed.turn}
        # Whoever was first has settled this very turn, or has begun one that will be settled in its turn.
        with suppress(Conflict):
            ports.articles.write([Change(record["pk"], record["sk"], item, record["version"])])


def _neighbours(listed: Listed, ports: Ports) -> set[str]:
    """The few articles that come after this one, where it stood and where it stands: they name it as earlier."""
    found: set[str] = set()
    for place in listed.pending:
        name, sort_key = catalogue.split_entry(place)
        if name.partition(":")[0] in _FOLDERS:
            found.update(
                entry["card"]["slug"] for entry in catalogue.following(ports.articles, name, sort_key, RELATED)
            )
    return found - {listed.slug}


def months_of(places: Iterable[str]) -> dict[str, set[str]]:
    """Lists, and the months in each, that places stand in."""
    found: dict[str, set[str]] = defaultdict(set)
    for place in places:
        name, sort_key = catalogue.split_entry(place)
        found[name].add(catalogue.month_of(sort_key))
    return dict(sorted(found.items()))


def refresh(name: str, months: Iterable[str] | None, site: Site, ports: Ports, theme: Theme) -> list[str]:
    """Bring a list's front, feeds and the given months in line with its entries.

    Args:
        name: `all`, `topic:<id>`, `author:<id>` or `corrections`.
        months: `yyyy-mm`; None for all that the list has.
        site: the settings; the caller looks again whether they held.

    Returns:
        The paths written, or found to be right already.
    """
    if name == "corrections":
        return _refresh_corrections(site, ports, theme)
    kind, _, identifier = name.partition(":")
    wanted = sorted(set(catalogue.months(ports.articles, name)) if months is None else months)
    for month in wanted:
        _mark(
            f"months#{name}",
            month,
            lambda month=month: bool(catalogue.month(ports.articles, name, month, limit=1)),
            ports,
        )
    paths = [_refresh_month(name, month, site, ports, theme) for month in wanted]
    if kind == "all":
        return paths + _refresh_home(site, ports, theme)
    return paths + _refresh_front(kind, identifier, site, ports, theme)


def _mark(pk: str, sk: str, present: Any, ports: Ports) -> None:
    converge(present, lambda there: there, lambda there: catalogue.mark(ports.articles, pk, sk, there))


def _base(name: str) -> str:
    kind, _, identifier = name.partition(":")
    return "/archive/" if kind == "all" else f"/{_FOLDERS[kind]}/{identifier}/"


def _profile(kind: str, identifier: str, ports: Ports) -> Mapping[str, Any] | None:
    blob = ports.work.get(f"{_FOLDERS[kind]}/{identifier}.json")
    return facts_from(blob.body) if blob else None


def _cards(entries: Iterable[Item]) -> list[dict[str, Any]]:
    return [entry["card"] for entry in entries]


def _label(kind: str, identifier: str, cards: Sequence[dict[str, Any]], profile: Mapping[str, Any] | None) -> str:
    """A list's name where there may be no profile: as the newest article in it has it."""
    if profile:
        return str(profile["name"])
    for card in cards:
        named = dict(card["authors"]) if kind == "author" else dict([card["topic"]] if card["topic"] else [])
        if identifier in named:
            return str(named[identifier])
    return name_of_id(identifier)


def _put_or_remove(outputs: Sequence[Output], ports: Ports) -> bool:
    """Store what has a body and remove what has none; whether anything was written."""
    wrote = False
    for output in outputs:
        if output.body:
            wrote |= store(ports.site, output)
        elif ports.site.stat(output.key):
            ports.site.delete(output.key)
            wrote = True
    return wrote


def _page(path: str, text: str, kind: str = HTML) -> Output:
    return Output(key_of(path), text.encode(), kind, LIST_CACHE)


def _refresh_month(name: str, month: str, site: Site, ports: Ports, theme: Theme) -> str:
    base = _base(name)
    path = f"{base}{month[:4]}/{month[5:]}/"
    kind, _, identifier = name.partition(":")

    def read() -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        cards = _cards(catalogue.month(ports.articles, name, month))
        return cards, _profile(kind, identifier, ports) if identifier else None

    def make(inputs: tuple[list[dict[str, Any]], Mapping[str, Any] | None]) -> Output:
        cards, profile = inputs
        if not cards:
            return _page(path, "")
        heading = month_name(month)
        if identifier:
            heading = f"{_label(kind, identifier, cards, profile)}, {heading}"
        up = [Link("All months", base)] if identifier else [Link("Front page", "/")]
        return _page(path, pages.list_html(theme, site, "month", heading, path, cards, months=up))

    converge(read, make, lambda output: _put_or_remove([output], ports))
    return path


def _refresh_home(site: Site, ports: Ports, theme: Theme) -> list[str]:
    def read() -> tuple[list[dict[str, Any]], list[str]]:
        return _cards(catalogue.newest(ports.articles, "all", FEED)), catalogue.months(ports.articles, "all")

    def make(inputs: tuple[list[dict[str, Any]], list[str]]) -> list[Output]:
        cards, months = inputs
        links = pages.month_links("/archive/", months)
        home = pages.list_html(
            theme, site, "home", site.name, "/", cards[:FRONT], intro=site.tagline, months=links, feed="/feed.xml"
        )
        return [
            _page("/", home),
            _page(
                "/feed.xml",
                pages.rss(theme, site, site.name, "/", "/feed.xml", cards),
                "application/rss+xml; charset=utf-8",
            ),
            _page("/feed.json", pages.json_feed(site, cards), "application/feed+json; charset=utf-8"),
        ]

    converge(read, make, lambda outputs: _put_or_remove(outputs, ports))
    return ["/", "/feed.xml", "/feed.json"]


def _refresh_front(kind: str, identifier: str, site: Site, ports: Ports, theme: Theme) -> list[str]:
    name = f"{kind}:{identifier}"
    path = _base(name)
    feed = f"{path}feed.xml"

    def read() -> tuple[list[dict[str, Any]], list[str], Mapping[str, Any] | None]:
        cards = _cards(catalogue.newest(ports.articles, name, FEED))
        return cards, catalogue.months(ports.articles, name), _profile(kind, identifier, ports)

    def make(inputs: tuple[list[dict[str, Any]], list[str], Mapping[str, Any] | None]) -> tuple[str, list[Output]]:
        cards, months, profile = inputs
        if not cards and not profile:
            return "", [_page(path, ""), _page(feed, "")]
        label = _label(kind, identifier, cards, profile)
        front = pages.list_html(
            theme,
            site,
            kind,
            label,
            path,
            cards[:FRONT],
            intro=profile["summary"] if profile else "",
            author=pages.author_box(identifier, label, profile) if kind == "author" else None,
            months=pages.month_links(path, months),
            feed=feed,
        )
        text = pages.rss(theme, site, f"{label} – {site.name}", path, feed, cards)
        return label, [_page(path, front), _page(feed, text, "application/rss+xml; charset=utf-8")]

    def write(made: tuple[str, list[Output]]) -> bool:
        label, outputs = made
        wrote = _put_or_remove(outputs, ports)
        there = ports.articles.get("lists", name)
        if label and (not there or there["label"] != label):
            ports.articles.write([Change("lists", name, {"label": label}, there["version"] if there else None)])
            wrote = True
        if there and not label:
            ports.articles.write([Change("lists", name, None, there["version"])])
            wrote = True
        if kind == "author":
            _store_assets(identifier, ports)
        return wrote

    converge(read, make, write)
    return [path, feed]


def _store_assets(identifier: str, ports: Ports) -> None:
    """An author's portrait; its name holds its digest, so a newer file waits for the profile that names it."""
    profile = _profile("author", identifier, ports)
    for asset in profile["assets"] if profile else []:
        key = f"authors/{identifier}/{asset['name']}"
        blob = None if ports.site.stat(key) else ports.drafts.get(asset["key"])
        if blob and blob.etag == asset["etag"]:
            kind = IMAGE_TYPES["." + key.rsplit(".", 1)[1]]
            store(ports.site, Output(key, blob.body, kind, ASSET_CACHE))


def refresh_directory(kind: str, site: Site, ports: Ports, theme: Theme) -> str:
    """Bring `/topics/` or `/authors/` in line with the lists that there are; its path."""
    path = f"/{_FOLDERS[kind]}/"

    def read() -> list[tuple[str, str]]:
        found = ports.articles.query("lists", prefix=f"{kind}:")
        return [(item["sk"].partition(":")[2], item["label"]) for item in found]

    def make(found: list[tuple[str, str]]) -> list[Output]:
        links = [Link(label, f"{path}{i}/") for i, label in sorted(found, key=lambda pair: pair[1].casefold())]
        return [_page(path, pages.directory_html(theme, site, _FOLDERS[kind].capitalize(), path, links))]

    converge(read, make, lambda outputs: _put_or_remove(outputs, ports))
    return path


def _standing(identifier: str, ports: Ports, theme: Theme) -> Mapping[str, Any] | None:
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
    def read() -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        cards = _cards(catalogue.newest(ports.articles, "corrections", 200))
        return cards, _standing("corrections", ports, theme)

    def make(inputs: tuple[list[dict[str, Any]], Mapping[str, Any] | None]) -> list[Output]:
        cards, page = inputs
        heading, intro = (page["name"], page["body"]) if page else ("Corrections", "")
        return [_page("/corrections/", pages.corrections_html(theme, site, heading, intro, cards))]

    converge(read, make, lambda outputs: _put_or_remove(outputs, ports))
    return ["/corrections/"]


def refresh_page(identifier: str, site: Site, ports: Ports, theme: Theme) -> list[str]:
    """Bring a standing page in line with its file, or with the theme's default for it."""
    if identifier == "corrections":
        return _refresh_corrections(site, ports, theme)
    path = f"/{identifier}/"

    def read() -> Mapping[str, Any] | None:
        return _standing(identifier, ports, theme)

    def make(page: Mapping[str, Any] | None) -> list[Output]:
        return [_page(path, pages.page_html(theme, site, page["name"], path, page["body"]) if page else "")]

    converge(read, make, lambda outputs: _put_or_remove(outputs, ports))
    return [path]


def refresh_profile(kind: str, identifier: str, ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Bring what shows an author, a topic or a standing page in line with its file; sends the events."""
    if kind == "page":
        return _for_site(lambda site: refresh_page(identifier, site, ports, theme), ports)
    return refresh_list(f"{kind}:{identifier}", ports, theme)


def refresh_list(name: str, ports: Ports, theme: Theme) -> tuple[str, ...]:
    """Bring a whole list in line with its entries; sends the events."""
    kind = name.partition(":")[0]

    def everything(site: Site) -> list[str]:
        paths = refresh(name, None, site, ports, theme)
        return [*paths, refresh_directory(kind, site, ports, theme)] if kind in _FOLDERS else paths

    return _for_site(everything, ports)


def _for_site(make: Callable[[Site], list[str]], ports: Ports, events: Sequence[Event] = ()) -> tuple[str, ...]:
    """Make pages in the light of the settings, again if those changed meanwhile; sends the events."""
    paths: list[str] = []

    def write(site: Site) -> bool:
        paths[:] = make(site)
        return True

    converge(lambda: load_site(ports), lambda site: site, write)
    ports.bus.emit([Event("PagesWritten", {"paths": paths}), *events])
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
    return _for_site(
        lambda site: _refresh_fixed(site, ports, theme), ports, [Event("ListTouched", {"list": name}) for name in names]
    )


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
        _put_or_remove([Output(f"~errors/{code}.html", text.encode(), HTML, "public, max-age=0, s-maxage=60")], ports)
    robots = "User-agent: *\nDisallow: /api/\nDisallow: /account/\n"
    _put_or_remove([_page("/robots.txt", robots, "text/plain; charset=utf-8")], ports)
    paths = ["/robots.txt", *_refresh_home(site, ports, theme), *_refresh_corrections(site, ports, theme)]
    paths += _refresh_updates(site, ports, theme)
    own = [key.removeprefix("pages/").removesuffix(".json") for key, _ in ports.work.list("pages/")]
    for identifier in sorted({*own, *theme.pages} - {"corrections"}):
        paths += refresh_page(identifier, site, ports, theme)
    return paths + [refresh_directory(kind, site, ports, theme) for kind in _FOLDERS]


def _refresh_updates(site: Site, ports: Ports, theme: Theme) -> list[str]:
    """The ticker's page and data, while nothing has been posted."""
    body = "<p>No updates have been posted yet.</p>"
    page = pages.page_html(theme, site, "Updates", "/updates/", body, template="updates.html")
    outputs = [_page("/updates/", page), _page("/updates/latest.json", '{"updates": []}', "application/json")]
    _put_or_remove(
        [output for output in outputs if not ports.site.stat(output.key) or output.key.endswith("html")], ports
    )
    return ["/updates/", "/updates/latest.json"]
